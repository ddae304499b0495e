//! Credentials: that each reference names one that opens the right thing, and its value as files.

use std::collections::BTreeMap;

use reportapp_config::credential as file;
use reportapp_crds::report_app::reference::ValueSource;
use reportapp_crds::report_app::{Credential, CredentialStatus};

use super::super::model::{ProblemReason, SecretBytes};
use super::secrets::{PASSWORD_KEY, admins};
use super::{Check, VersionedSecret, key};
use crate::login_url;
use crate::rotation::outside;
use crate::rotation::trouble::{Reason, Trouble};

/// What a field needs its credential to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opens<'a> {
    /// A login of this ERP server.
    Server(&'a str),
    /// A login of the store, which serves or migrates.
    Store,
    /// An ACL user of Redis.
    Redis,
    /// The bastion of this ERP server.
    Bastion(&'a str),
    /// The signature of access tokens.
    Tokens,
    /// The Bot API.
    Telegram,
}

impl Opens<'_> {
    fn fits(self, credential: &Credential) -> bool {
        let opens = &credential.opens;
        let database = opens.database.as_ref();
        match self {
            Self::Server(name) => database.is_some_and(|d| d.server.as_deref() == Some(name)),
            Self::Store => database.is_some_and(|d| d.store),
            Self::Redis => opens.redis.is_some(),
            Self::Bastion(name) => opens.ssh.as_ref().is_some_and(|ssh| ssh.server == name),
            Self::Tokens => opens.jwt.is_some(),
            Self::Telegram => opens.telegram.is_some(),
        }
    }

    /// What must stand in the credential for it to fit.
    fn wanted(self) -> String {
        match self {
            Self::Server(name) => format!("database: {{server: {name}}}"),
            Self::Store => "database: {store: true}".to_owned(),
            Self::Redis => "redis".to_owned(),
            Self::Bastion(name) => format!("ssh: {{server: {name}}}"),
            Self::Tokens => "jwt".to_owned(),
            Self::Telegram => "telegram".to_owned(),
        }
    }
}

impl<'a> Check<'a> {
    /// The credential `name`, used by the field `path`, as an immutable Secret.
    pub(super) fn credential(
        &mut self,
        name: &str,
        path: &str,
        opens: Opens<'_>,
    ) -> Option<VersionedSecret> {
        let spec = self.spec;
        let Some(credential) = spec.credentials.iter().find(|c| c.name == name) else {
            let known: Vec<_> = spec.credentials.iter().map(|c| c.name.as_str()).collect();
            return self.problem(
                ProblemReason::UnknownCredential,
                path,
                format!(
                    "spec.credentials has no entry {name}; it has: {}",
                    known.join(", ")
                ),
            );
        };
        if !opens.fits(credential) {
            return self.problem(
                ProblemReason::CredentialMismatch,
                path,
                format!(
                    "credential {name} opens something else; its entry needs {}",
                    opens.wanted()
                ),
            );
        }
        let files = self.files(credential)?;
        let secret = self.versioned("credentials", name, files);
        self.list(name, Some(secret.name.clone()));
        Some(secret)
    }

    /// Key that signs access tokens: the named credential's or the generated one.
    pub(super) fn signing_key(&mut self) -> Option<VersionedSecret> {
        let spec = self.spec;
        match &spec.api.signing_credential {
            Some(name) => self.credential(name, "spec.api.signingCredential", Opens::Tokens),
            None => Some(self.generated(
                "signing-key",
                file::SIGNING_KEY,
                &self.fetched.ledger.signing_key,
            )),
        }
    }

    /// Credentials nothing refers to and administrators: their sources must be right all the same.
    pub(super) fn unused_credentials(&mut self) {
        let spec = self.spec;
        for (index, credential) in spec.credentials.iter().enumerate() {
            if spec.credentials[..index]
                .iter()
                .any(|c| c.name == credential.name)
            {
                self.duplicate("spec.credentials", &credential.name);
            }
            self.server_of(credential);
            self.published_places(credential);
            if !is_referred_to(spec, &credential.name) {
                let _unused = self.files(credential);
                self.list(&credential.name, None);
            }
        }
        for (path, admin) in admins(spec) {
            let from = &admin.password;
            let found = self.source(from, PASSWORD_KEY, &path);
            if let Some(FirstValue::Read { value, path, place }) = found {
                let _checked = self.password(value, &admin.username, &path, &place);
            }
        }
    }

    /// Lists a credential for the status.
    fn list(&mut self, name: &str, secret: Option<String>) {
        let status = CredentialStatus {
            name: name.to_owned(),
            secret,
            last_rotation: None,
            next_rotation: None,
            canary: None,
        };
        self.listed.insert(name.to_owned(), status);
    }

    /// Notes that two entries of `list` have one name.
    pub(super) fn duplicate(&mut self, list: &str, name: &str) {
        self.note(
            ProblemReason::DuplicateName,
            format!("{list}[{name}].name"),
            format!("two entries are named {name}; give each its own name"),
        );
    }

    /// Templates must read, and stand for something this credential has.
    fn published_places(&mut self, credential: &Credential) {
        for (index, problem) in outside::problems(&self.fetched.app, credential) {
            let path = format!("spec.credentials[{}].publish[{index}]", credential.name);
            self.note_invalid(path, problem);
        }
    }

    /// A credential of a server needs that server to exist.
    fn server_of(&mut self, credential: &Credential) {
        let database = credential.opens.database.as_ref();
        let named = [
            ("database", database.and_then(|d| d.server.as_deref())),
            (
                "ssh",
                credential.opens.ssh.as_ref().map(|ssh| ssh.server.as_str()),
            ),
        ];
        for (field, server) in named {
            let Some(server) = server else { continue };
            if !self.spec.servers.iter().any(|s| s.name == server) {
                self.note(
                    ProblemReason::CredentialMismatch,
                    format!("spec.credentials[{}].{field}.server", credential.name),
                    format!("spec.servers has no entry {server}"),
                );
            }
        }
    }

    /// What pods find in the folder of this credential: what its last rotation published, or its
    /// first value.
    fn files(&mut self, credential: &Credential) -> Option<BTreeMap<String, SecretBytes>> {
        let published = self.fetched.published.get(&credential.name);
        if let Some(published) = published.filter(|published| published.is_of(credential)) {
            let files = published.files.iter();
            return Some(
                files
                    .map(|(file, value)| (file.clone(), SecretBytes::new(value.expose())))
                    .collect(),
            );
        }
        let opens = &credential.opens;
        let path = format!("spec.credentials[{}].from", credential.name);
        if opens.jwt.is_some() && credential.from.is_none() {
            let key = self.fetched.ledger.signing_key.clone();
            return Some([(file::SIGNING_KEY.to_owned(), key)].into());
        }
        let Some(from) = &credential.from else {
            return self.invalid(path, "missing; say where the first value comes from");
        };
        let login = opens.login();
        let (key_name, username) = match (login, opens) {
            (Some(user), _) => (file::PASSWORD, Some(user)),
            (None, opens) if opens.ssh.is_some() => (file::PRIVATE_KEY, None),
            (None, opens) if opens.jwt.is_some() => (file::SIGNING_KEY, None),
            (None, opens) if opens.telegram.is_some() => (file::TOKEN, None),
            // Anything else is not implemented, which is a problem already, or opens nothing.
            _ if opens.generic.is_some() => ("value", None),
            _ => return self.invalid(path, "say what the credential opens"),
        };
        let (value, path, place) = match self.source(from, key_name, &path)? {
            FirstValue::Read { value, path, place } => (value, path, place),
            FirstValue::Withheld(trouble) => return self.kept(credential, trouble),
        };
        let form = match key_name {
            file::PRIVATE_KEY => key::check_ssh(value),
            file::SIGNING_KEY => key::check_signing(value),
            _ => Ok(()),
        };
        if let Err(why) = form {
            let message = format!("{place}: {why}");
            return self.problem(ProblemReason::UnusableKey, path, message);
        }
        let value = match username {
            Some(user) => self.password(value, user, &path, &place)?,
            None => value.clone(),
        };
        let mut files = BTreeMap::from([(key_name.to_owned(), value)]);
        if let Some(user) = username {
            files.insert(file::USERNAME.to_owned(), SecretBytes::new(user.as_bytes()));
        }
        Some(files)
    }

    /// The value a source names.
    fn source(
        &mut self,
        source: &ValueSource,
        key_name: &str,
        path: &str,
    ) -> Option<FirstValue<'a>> {
        if let Some(reference) = &source.secret_ref {
            let path = format!("{path}.secretRef");
            let value = self.value(reference, key_name, &path)?;
            let place = format!(
                "key {} of Secret {}",
                reference.key_or(key_name),
                reference.name
            );
            return Some(FirstValue::Read { value, path, place });
        }
        let Some(reference) = &source.vault_path else {
            return self.invalid(path, "give secretRef or vaultPath");
        };
        let path = format!("{path}.vaultPath");
        Some(match self.vault_value(reference, key_name, &path)? {
            Ok(value) => FirstValue::Read {
                value,
                path,
                place: format!("the value of {reference}"),
            },
            Err(trouble) => FirstValue::Withheld(trouble),
        })
    }

    /// The password a value is or, as a connection URL, carries.
    fn password(
        &mut self,
        value: &SecretBytes,
        user: &str,
        path: &str,
        place: &str,
    ) -> Option<SecretBytes> {
        let text = String::from_utf8_lossy(value.expose());
        match login_url::password(text.trim_end(), user) {
            Ok(None) => Some(value.clone()),
            Ok(Some(password)) => Some(SecretBytes::new(password.expose())),
            Err(why) => self.invalid(path, format!("{place} {why}")),
        }
    }

    /// The store does not give a first value: pods keep the one they have, if they have one.
    fn kept(
        &mut self,
        credential: &Credential,
        trouble: &Trouble,
    ) -> Option<BTreeMap<String, SecretBytes>> {
        let name = &credential.name;
        if let Some(files) = self.fetched.kept.get(name) {
            let sentence = format!(
                "credential {name}: its first value cannot be read, so pods keep the one they have: {trouble}"
            );
            if !self.unread.contains(&sentence) {
                self.unread.push(sentence);
            }
            return Some(files.clone());
        }
        let reason = match trouble.reason {
            Reason::StoreDenied => ProblemReason::StoreDenied,
            _ => ProblemReason::StoreUnavailable,
        };
        let path = format!("spec.credentials[{name}].from.vaultPath");
        self.problem(reason, path, trouble.message.clone())
    }
}

/// What a source gives.
enum FirstValue<'a> {
    /// The value, the path of its field, and where it is in words.
    Read {
        value: &'a SecretBytes,
        path: String,
        place: String,
    },
    /// The store does not give it now.
    Withheld(&'a Trouble),
}

/// Whether a field of the spec refers to the credential `name`.
fn is_referred_to(spec: &reportapp_crds::ReportAppSpec, name: &str) -> bool {
    let servers = spec.servers.iter().flat_map(|server| {
        let tunnel = server
            .tunnel
            .as_ref()
            .map(|tunnel| tunnel.credential.as_str());
        [Some(server.credential.as_str()), tunnel]
    });
    let others = [
        spec.store.credential.as_deref(),
        spec.store.migrator.as_ref().map(|m| m.credential.as_str()),
        spec.redis.as_ref().map(|redis| redis.credential.as_str()),
        spec.bot.as_ref().map(|bot| bot.credential.as_str()),
        spec.api.signing_credential.as_deref(),
    ];
    servers.chain(others).any(|named| named == Some(name))
}
