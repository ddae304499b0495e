//! File names inside a mounted credential folder (`/etc/reportapp/credentials/<name>/`).
//!
//! A credential is mounted from an immutable Secret whose name carries its version, so the files
//! of a running pod never change: a new value arrives with a new pod. Where somebody else writes the
//! files, in place, the API follows those of its databases. Trailing newlines are not part of a value.

use std::fmt;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Login name of a database or Redis credential.
pub const USERNAME: &str = "username";
/// Password of a database or Redis credential.
pub const PASSWORD: &str = "password";
/// OpenSSH private key (PEM) of a bastion credential.
pub const PRIVATE_KEY: &str = "private-key";
/// Ed25519 private key (PKCS#8 PEM) that signs access tokens; its `kid` is the RFC 7638 thumbprint.
pub const SIGNING_KEY: &str = "signing.pem";
/// Prefix of public keys (SPKI PEM) that verify tokens but sign none: `verify-<n>.pem`.
pub const VERIFY_KEY_PREFIX: &str = "verify-";
/// A bearer token: the Telegram bot token, or the token of the internal API.
pub const TOKEN: &str = "token";

/// A value that no log line, error or panic message may show: `Debug` and `Display` print `***`.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Reads the file `name` of the credential folder `dir`, without its trailing newlines.
    ///
    /// # Errors
    /// [`CredentialError`], which names the file and never its content.
    pub fn read_file(dir: &Path, name: &str) -> Result<Self, CredentialError> {
        let path = dir.join(name);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(source) => return Err(CredentialError::Read { path, source }),
        };
        // The error of `from_utf8` carries the bytes, so it is dropped here.
        let Ok(mut text) = String::from_utf8(bytes) else {
            return Err(CredentialError::NotText { path });
        };
        text.truncate(text.trim_end_matches(['\r', '\n']).len());
        if text.is_empty() {
            return Err(CredentialError::Empty { path });
        }
        Ok(Self(text))
    }

    /// The value itself; hand it to the code that logs in and to nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(value)
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Self(value.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// A credential file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// The file is missing or may not be read.
    #[error("failed to read the credential file {}", path.display())]
    Read {
        /// Path of the file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not UTF-8 text.
    #[error("the credential file {} is not UTF-8 text", path.display())]
    NotText {
        /// Path of the file.
        path: PathBuf,
    },
    /// The file has no content.
    #[error("the credential file {} is empty", path.display())]
    Empty {
        /// Path of the file.
        path: PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    fn folder(test: &str, content: &[u8]) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("reportapp-{test}-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(PASSWORD), content).unwrap();
        dir
    }

    #[test]
    fn trailing_newlines_are_no_part_of_a_value_but_spaces_are() {
        let dir = folder("trailing", b" s3cret \r\n\n");
        let secret = Secret::read_file(&dir, PASSWORD).unwrap();
        fs::remove_dir_all(dir).unwrap();
        assert_eq!(secret.expose(), " s3cret ");
    }

    #[test]
    fn a_secret_prints_as_stars() {
        let secret = Secret::from("s3cret");
        assert_eq!(
            format!("{secret} {secret:?} {:?}", Some(&secret)),
            "*** *** Some(***)"
        );
    }

    #[test]
    fn errors_name_the_file_and_never_its_content() {
        let dir = folder("errors", b"s3cret\xff");
        let not_text = Secret::read_file(&dir, PASSWORD).unwrap_err();
        let missing = Secret::read_file(&dir, USERNAME).unwrap_err();
        fs::write(dir.join(PASSWORD), "\n").unwrap();
        let empty = Secret::read_file(&dir, PASSWORD).unwrap_err();
        fs::remove_dir_all(dir).unwrap();
        assert!(not_text.to_string().ends_with("password is not UTF-8 text"));
        assert!(!format!("{not_text:?}").contains("s3cret"));
        assert!(missing.to_string().ends_with("/username"));
        assert!(missing.source().is_some());
        assert!(matches!(empty, CredentialError::Empty { .. }));
    }
}
