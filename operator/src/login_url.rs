//! A login may be kept as a connection URL, as applications read it from `DATABASE_URL`: then the
//! password is taken out of it. Pure.

use percent_encoding::percent_decode_str;
use url::Url;

use crate::rotation::ledger::SecretText;

/// Schemes of URLs that carry a login, without the driver that may follow after `+`.
const SCHEMES: [&str; 4] = ["postgres", "postgresql", "redis", "rediss"];
/// Who a URL of Redis without a user logs in as.
const REDIS_DEFAULT: &str = "default";

/// Why a URL is of no use. Never shows a part of it that may be a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusableUrl {
    /// It begins like one.
    #[error(
        "looks like a connection URL but cannot be read; write scheme://user:password@host with \
         special characters as %XX, or the password alone"
    )]
    Unreadable,
    /// There is nothing between `:` and `@`.
    #[error("is a connection URL without a password; write scheme://user:password@host")]
    NoPassword,
    /// It opens something else.
    #[error(
        "is the connection URL of user {found}, and the spec says {wanted}; correct the one that is wrong"
    )]
    OtherUser {
        /// User of the URL.
        found: String,
        /// User of the spec.
        wanted: String,
    },
}

/// The password of `user` if `text` is a connection URL; `None` when it is none, and so the password
/// itself.
///
/// # Errors
/// When it is a URL without a password of that user.
pub fn password(text: &str, user: &str) -> Result<Option<SecretText>, UnusableUrl> {
    let Some((scheme, _)) = text.split_once("://") else {
        return Ok(None);
    };
    let scheme = scheme.split('+').next().unwrap_or_default();
    if !SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()) {
        return Ok(None);
    }
    let url = Url::parse(text).map_err(|_| UnusableUrl::Unreadable)?;
    let decoded = |part: &str| {
        let decoded = percent_decode_str(part).decode_utf8();
        decoded
            .map(String::from)
            .map_err(|_| UnusableUrl::Unreadable)
    };
    let password = decoded(url.password().unwrap_or_default())?;
    if password.is_empty() {
        return Err(UnusableUrl::NoPassword);
    }
    let mut found = decoded(url.username())?;
    if found.is_empty() && scheme.starts_with("redis") {
        REDIS_DEFAULT.clone_into(&mut found);
    }
    if found != user {
        return Err(UnusableUrl::OtherUser {
            found,
            wanted: user.to_owned(),
        });
    }
    Ok(Some(SecretText::new(password)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Option<String>, UnusableUrl> {
        let found = password(text, "erp")?;
        Ok(found.map(|password| password.expose().to_owned()))
    }

    #[test]
    fn the_password_is_taken_out_of_a_connection_url() {
        for (url, wanted) in [
            ("postgres://erp:a@db/app", "a"),
            (
                "postgresql://erp:p%40ss%3Aw%2Bo+rd@db:5432/app?sslmode=require",
                "p@ss:w+o+rd",
            ),
            ("postgresql+asyncpg://erp:a@db/app", "a"),
            ("PostgreSQL://erp:a@db/app", "a"),
            ("rediss://erp:a@cache:6380/0", "a"),
        ] {
            assert_eq!(of(url), Ok(Some(wanted.to_owned())), "{url}");
        }
        let default = password("redis://:a@cache", "default").unwrap().unwrap();
        assert_eq!(default.expose(), "a");
    }

    #[test]
    fn anything_else_is_the_password_itself() {
        for text in [
            "s3cret",
            "https://erp:a@db/app",
            "a://b",
            "postgresql:erp:a@db",
            "",
        ] {
            assert_eq!(of(text), Ok(None), "{text}");
        }
    }

    #[test]
    fn a_url_of_another_user_or_without_a_password_is_refused_without_showing_it() {
        assert!(matches!(
            of("postgres://boss:hidden@db/app"),
            Err(UnusableUrl::OtherUser { found, .. }) if found == "boss"
        ));
        for (url, problem) in [
            ("postgres://hidden@db/app", UnusableUrl::NoPassword),
            ("postgres://erp:@db/app", UnusableUrl::NoPassword),
            ("postgres://erp:hidden@db:port/app", UnusableUrl::Unreadable),
            ("postgres://erp:hidden%FF@db/app", UnusableUrl::Unreadable),
        ] {
            let told = of(url).unwrap_err();
            assert_eq!(told, problem);
            assert!(!told.to_string().contains("hidden"));
        }
    }
}
