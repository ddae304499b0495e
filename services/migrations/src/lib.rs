//! The schema of the application's store, as numbered changes in the dialect of each engine.
//!
//! The list stands here once: the API applies it, and whoever else works on these tables (the
//! directory of users, the operator's incident actions) is tested against the same schema. Applying
//! it, with its ledger and its checks, is `reportapp_api::store::migrations`.
//!
//! A migration is never edited after its release: stores remember the checksum of what they applied
//! and refuse another content.

/// One numbered change.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Position, counted from 1.
    pub version: i64,
    /// What it is about.
    pub name: &'static str,
    /// Statements for PostgreSQL.
    pub postgres: &'static str,
    /// Statements for SQLite.
    pub sqlite: &'static str,
}

/// A migration from its two files.
macro_rules! migration {
    ($version:literal, $name:literal, $file:literal) => {
        Migration {
            version: $version,
            name: $name,
            postgres: include_str!(concat!("../postgres/", $file)),
            sqlite: include_str!(concat!("../sqlite/", $file)),
        }
    };
}

/// The tables of revocations, which need no other.
pub const EPOCHS: Migration = migration!(3, "epochs", "0003_epochs.sql");

/// Every migration of this version, ascending.
pub const ALL: &[Migration] = &[
    migration!(1, "users", "0001_users.sql"),
    migration!(2, "telegram", "0002_telegram.sql"),
    EPOCHS,
    migration!(4, "access", "0004_access.sql"),
    migration!(5, "sign_in", "0005_sign_in.sql"),
    migration!(6, "audit", "0006_audit.sql"),
    migration!(7, "actions", "0007_actions.sql"),
    migration!(8, "erp_sign_in", "0008_erp_sign_in.sql"),
    migration!(9, "rehash", "0009_rehash.sql"),
    migration!(10, "sessions", "0010_sessions.sql"),
];

#[cfg(test)]
mod tests {
    use super::ALL;

    /// The original had default passwords of its logins in a migration, for everybody who reads the repository.
    #[test]
    fn no_migration_gives_anybody_a_password() {
        for migration in ALL {
            for text in [migration.postgres, migration.sqlite] {
                let lines = text
                    .lines()
                    .map(|line| line.split("--").next().unwrap_or_default());
                let text = lines.collect::<Vec<_>>().join("\n").to_lowercase();
                for given in [
                    "create role",
                    "create user ",
                    "alter role",
                    "alter user ",
                    "$argon2",
                    "crypt(",
                ] {
                    assert!(!text.contains(given), "{}: {given}", migration.name);
                }
                let adds_users = text.contains("insert into users");
                assert!(!adds_users, "{} makes users", migration.name);
            }
        }
    }

    #[test]
    fn versions_count_from_one_without_gaps() {
        for (expected, migration) in (1..).zip(ALL) {
            assert_eq!(migration.version, expected, "{}", migration.name);
        }
    }

    #[test]
    fn every_file_is_in_the_list() {
        for engine in ["postgres", "sqlite"] {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(engine);
            let files = std::fs::read_dir(folder).expect("the folder of the migrations");
            let name = |file: std::io::Result<std::fs::DirEntry>| {
                let name = file.expect("an entry").file_name();
                name.into_string().expect("a name in UTF-8")
            };
            let mut names: Vec<_> = files.map(name).collect();
            names.sort();
            let listed = ALL
                .iter()
                .map(|m| format!("{:04}_{}.sql", m.version, m.name));
            assert_eq!(names, listed.collect::<Vec<_>>(), "{engine}");
        }
    }
}
