//! The key that logs in to the bastion.
//!
//! The SSH library is built without RSA, whose Rust implementation has an open timing weakness.
//! A key that cannot be used is refused with what to do about it, and never shown.

use russh::keys::ssh_key;
use russh::keys::{Algorithm, PrivateKey, decode_secret_key};

/// What makes a fresh key that can be used.
const REMEDY: &str = "make a new one with `ssh-keygen -t ed25519 -N '' -f bastion-key`, add \
                      bastion-key.pub to authorized_keys on the bastion, and use it instead";
/// `rsaEncryption`, as it stands in a PKCS#8 key.
const RSA_OID: &str = "1.2.840.113549.1.1.1";

/// The private key cannot be used. The library's own errors are dropped on purpose: what they
/// quote may be part of the key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrivateKeyError {
    /// An RSA key.
    #[error("the bastion key is an RSA key, which this tunnel does not support; {REMEDY}")]
    Rsa,
    /// A key that needs a passphrase.
    #[error(
        "the bastion key is protected by a passphrase, which nobody can type here; remove it \
         with `ssh-keygen -p -N ''` on a copy, or {REMEDY}"
    )]
    Passphrase,
    /// Neither Ed25519 nor ECDSA.
    #[error("the bastion key is of the unsupported kind {kind}; {REMEDY}")]
    Kind {
        /// Name of the kind.
        kind: String,
    },
    /// No private key at all.
    #[error("the bastion key is not a private key in OpenSSH or PKCS#8 PEM form; {REMEDY}")]
    Unreadable,
}

/// Reads an unprotected Ed25519 or ECDSA private key.
///
/// # Errors
/// [`PrivateKeyError`] with a remedy, without any part of the key.
pub fn parse(pem: &str) -> Result<PrivateKey, PrivateKeyError> {
    let key = decode_secret_key(pem, None).map_err(|error| explain(pem, &error))?;
    match key.algorithm() {
        Algorithm::Ed25519 | Algorithm::Ecdsa { .. } => Ok(key),
        Algorithm::Rsa { .. } => Err(PrivateKeyError::Rsa),
        other => Err(PrivateKeyError::Kind {
            kind: other.as_str().to_owned(),
        }),
    }
}

fn explain(pem: &str, error: &russh::keys::Error) -> PrivateKeyError {
    use russh::keys::Error;
    // An encrypted PEM says so in its first lines, in each of its three forms; the library
    // reports some of them as unreadable.
    if pem.contains("-----BEGIN ENCRYPTED PRIVATE KEY") || pem.contains("Proc-Type: 4,ENCRYPTED") {
        return PrivateKeyError::Passphrase;
    }
    match error {
        Error::KeyIsEncrypted | Error::SshKey(ssh_key::Error::Encrypted) => {
            PrivateKeyError::Passphrase
        }
        Error::UnsupportedKeyType {
            key_type_string, ..
        } if key_type_string == "RSA" => PrivateKeyError::Rsa,
        Error::UnknownAlgorithm(oid) if oid.to_string() == RSA_OID => PrivateKeyError::Rsa,
        _ if pem.contains("-----BEGIN RSA PRIVATE KEY") => PrivateKeyError::Rsa,
        _ => PrivateKeyError::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn keygen(arguments: &[&str]) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let made = Command::new("ssh-keygen")
            .args(["-q", "-C", "", "-f"])
            .arg(&path)
            .args(arguments)
            .status()
            .expect("these tests need ssh-keygen: apt-get install openssh-client");
        assert!(made.success());
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn ed25519_and_ecdsa_keys_are_read() {
        for kind in [
            ["-t", "ed25519"].as_slice(),
            &["-t", "ecdsa"],
            &["-t", "ecdsa", "-b", "384"],
        ] {
            let pem = keygen(&[kind, &["-N", ""]].concat());
            assert!(parse(&pem).is_ok(), "{kind:?}");
            // A credential file is read without its trailing newline.
            assert!(
                parse(pem.trim_end()).is_ok(),
                "{kind:?} without trailing newline"
            );
        }
    }

    #[test]
    fn rsa_keys_are_refused_with_a_remedy_in_every_form() {
        for form in ["RFC4716", "PEM", "PKCS8"] {
            let pem = keygen(&["-t", "rsa", "-b", "2048", "-N", "", "-m", form]);
            let error = parse(&pem).unwrap_err();
            assert_eq!(error, PrivateKeyError::Rsa, "{form}");
            assert!(error.to_string().contains("ssh-keygen -t ed25519"));
        }
    }

    #[test]
    fn protected_keys_are_refused_as_such() {
        for form in ["RFC4716", "PEM", "PKCS8"] {
            let pem = keygen(&["-t", "ecdsa", "-N", "passphrase", "-m", form]);
            assert_eq!(
                parse(&pem).unwrap_err(),
                PrivateKeyError::Passphrase,
                "{form}"
            );
        }
        let pem = keygen(&["-t", "ed25519", "-N", "passphrase"]);
        assert_eq!(parse(&pem).unwrap_err(), PrivateKeyError::Passphrase);
    }

    #[test]
    fn what_is_no_private_key_is_refused_without_being_shown() {
        for text in [
            "",
            "canary",
            "ssh-ed25519 AAAAcanary",
            "-----BEGIN PRIVATE KEY-----\ncanary",
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error, PrivateKeyError::Unreadable, "{text}");
            assert!(!format!("{error} {error:?}").contains("canary"));
        }
    }
}
