//! The Ed25519 keys of access tokens, read from a credential folder.
//!
//! `signing.pem` (PKCS#8) signs and verifies; every `verify-*.pem` (SPKI) verifies only, so that
//! tokens of a retired or a coming signing key stay good while keys rotate. A key's id is its RFC
//! 7638 thumbprint: it follows from the key alone and needs no bookkeeping.
//!
//! The public key is taken from the private one by aws-lc rather than by the token library, which
//! understands only one of the two PKCS#8 layouts in use.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, EncodingKey};
use reportapp_config::credential::{SIGNING_KEY, VERIFY_KEY_PREFIX};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};
use serde::Serialize;

/// DER header of an Ed25519 SubjectPublicKeyInfo (RFC 8410, section 4); the 32 key bytes follow.
const ED25519_SPKI_HEADER: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// Why the keys cannot be used. Names files, never their content.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file or the folder cannot be read.
    #[error("failed to read {}", path.display())]
    Unreadable {
        /// What was read.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file is not the PEM block it should be.
    #[error("{} is not an Ed25519 key in {expected} PEM form", path.display())]
    NotEd25519 {
        /// The file.
        path: PathBuf,
        /// `PKCS#8` or `SPKI`.
        expected: &'static str,
    },
}

/// Everything needed to sign one's own tokens and to verify those of any accepted key.
pub struct KeySet {
    signing_id: String,
    signing: EncodingKey,
    verifying: BTreeMap<String, PublicKey>,
}

/// A public key in the forms its users want.
struct PublicKey {
    x: String,
    decoding: DecodingKey,
}

/// A JSON Web Key Set (RFC 7517) as served at `/.well-known/jwks.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JwkSet {
    /// All keys that verify, ordered by id.
    pub keys: Vec<Jwk>,
}

/// One public Ed25519 key (RFC 8037).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Jwk {
    /// Key type, `OKP`.
    pub kty: &'static str,
    /// Curve, `Ed25519`.
    pub crv: &'static str,
    /// Public key, base64url.
    pub x: String,
    /// RFC 7638 thumbprint.
    pub kid: String,
    /// Algorithm, `EdDSA`.
    pub alg: &'static str,
    /// Use, `sig`.
    #[serde(rename = "use")]
    pub usage: &'static str,
}

impl KeySet {
    /// Reads `signing.pem` and every `verify-*.pem` of a credential folder.
    ///
    /// # Errors
    /// A missing signing key, an unreadable file, or a key that is not Ed25519.
    pub fn load(folder: &Path) -> Result<Self, KeyError> {
        let signing_path = folder.join(SIGNING_KEY);
        let mut keys = Self::from_pkcs8_pem(&read(&signing_path)?, &signing_path)?;
        let unreadable = |source| KeyError::Unreadable {
            path: folder.to_owned(),
            source,
        };
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let name = path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned());
            if name.is_some_and(|n| n.starts_with(VERIFY_KEY_PREFIX) && n.ends_with(".pem")) {
                let public = parse_spki(&read(&path)?).ok_or_else(|| KeyError::NotEd25519 {
                    path: path.clone(),
                    expected: "SPKI",
                })?;
                keys.accept(&public);
            }
        }
        Ok(keys)
    }

    /// A fresh key that exists only in this process, for runs without a credential folder.
    pub fn ephemeral() -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new())
            .expect("the operating system provides randomness");
        Self::from_pkcs8(pkcs8.as_ref()).expect("a generated key is well formed")
    }

    /// Id of the key that signs.
    pub fn signing_id(&self) -> &str {
        &self.signing_id
    }

    /// The public keys, for services that verify our tokens.
    pub fn jwks(&self) -> JwkSet {
        let keys = self.verifying.iter().map(|(kid, key)| Jwk {
            kty: "OKP",
            crv: "Ed25519",
            x: key.x.clone(),
            kid: kid.clone(),
            alg: "EdDSA",
            usage: "sig",
        });
        JwkSet {
            keys: keys.collect(),
        }
    }

    pub(crate) fn signing(&self) -> &EncodingKey {
        &self.signing
    }

    pub(crate) fn verifying(&self, kid: &str) -> Option<&DecodingKey> {
        self.verifying.get(kid).map(|key| &key.decoding)
    }

    fn from_pkcs8_pem(pem: &[u8], path: &Path) -> Result<Self, KeyError> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem).ok();
        der.and_then(|der| Self::from_pkcs8(der.secret_pkcs8_der()))
            .ok_or_else(|| KeyError::NotEd25519 {
                path: path.to_owned(),
                expected: "PKCS#8",
            })
    }

    fn from_pkcs8(der: &[u8]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_pkcs8(der).ok()?;
        let public: [u8; 32] = pair.public_key().as_ref().try_into().ok()?;
        let mut keys = Self {
            signing_id: String::new(),
            signing: EncodingKey::from_ed_der(der),
            verifying: BTreeMap::new(),
        };
        keys.signing_id = keys.accept(&public);
        Some(keys)
    }

    fn accept(&mut self, public: &[u8; 32]) -> String {
        let x = URL_SAFE_NO_PAD.encode(public);
        let kid = thumbprint(&x);
        let decoding = DecodingKey::from_ed_der(public);
        self.verifying
            .insert(kid.clone(), PublicKey { x, decoding });
        kid
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet")
            .field("signing_id", &self.signing_id)
            .field("verifying", &self.verifying.keys())
            .finish_non_exhaustive()
    }
}

fn read(path: &Path) -> Result<Vec<u8>, KeyError> {
    std::fs::read(path).map_err(|source| KeyError::Unreadable {
        path: path.to_owned(),
        source,
    })
}

fn parse_spki(pem: &[u8]) -> Option<[u8; 32]> {
    let der = SubjectPublicKeyInfoDer::from_pem_slice(pem).ok()?;
    der.as_ref()
        .strip_prefix(&ED25519_SPKI_HEADER)?
        .try_into()
        .ok()
}

/// RFC 7638: the required members in lexicographic order, without white space, hashed.
fn thumbprint(x: &str) -> String {
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, canonical.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_is_the_one_printed_in_rfc_8037() {
        assert_eq!(
            thumbprint("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
    }

    #[test]
    fn a_folder_yields_the_signing_key_and_every_verify_only_key() {
        let folder = tempfile::tempdir().unwrap();
        let signing = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let retired = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        std::fs::write(folder.path().join("signing.pem"), signing.serialize_pem()).unwrap();
        std::fs::write(folder.path().join("verify-1.pem"), retired.public_key_pem()).unwrap();
        std::fs::write(folder.path().join("unrelated.txt"), "ignored").unwrap();

        let keys = KeySet::load(folder.path()).unwrap();

        assert_eq!(keys.jwks().keys.len(), 2);
        assert!(keys.verifying(keys.signing_id()).is_some());
    }

    #[test]
    fn a_missing_signing_key_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let error = KeySet::load(folder.path()).unwrap_err();
        assert!(error.to_string().contains("signing.pem"));
    }

    #[test]
    fn a_key_of_another_algorithm_is_refused_without_showing_it() {
        let folder = tempfile::tempdir().unwrap();
        let pem = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)
            .unwrap()
            .serialize_pem();
        std::fs::write(folder.path().join("signing.pem"), &pem).unwrap();
        let error = KeySet::load(folder.path()).unwrap_err().to_string();
        assert!(error.contains("is not an Ed25519 key"), "{error}");
        assert!(!error.contains(pem.lines().nth(1).unwrap()));
    }

    #[test]
    fn the_printed_form_shows_key_ids_only() {
        let keys = KeySet::ephemeral();
        assert!(format!("{keys:?}").contains(keys.signing_id()));
    }
}
