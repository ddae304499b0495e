//! The form of keys and certificates, told from their outside. Pure; messages never quote the value.
//!
//! A key the services could not use would only fail inside a pod, so it is refused here with the
//! command that makes a good one.

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x509_parser::pem::Pem;

use super::super::model::SecretBytes;

/// Command that makes a usable bastion key.
const MAKE_SSH: &str = "make one with: ssh-keygen -t ed25519 -N '' -f key";
/// Command that makes a usable signing key.
const MAKE_SIGNING: &str = "make one with: openssl genpkey -algorithm ed25519 -out signing.pem";

/// Why a key or certificate cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusableMaterial {
    /// RSA and DSA keys.
    #[error("a key of type {kind} cannot be used; {MAKE_SSH}")]
    SshType {
        /// Algorithm of the key.
        kind: String,
    },
    /// Locked with a passphrase.
    #[error("the key has a passphrase, which nobody is there to type; {MAKE_SSH}")]
    SshPassphrase,
    /// Another format.
    #[error(
        "not a private key in OpenSSH format (-----BEGIN OPENSSH PRIVATE KEY-----); {MAKE_SSH}"
    )]
    SshFormat,
    /// Not an Ed25519 PKCS#8 PEM.
    #[error(
        "not an Ed25519 private key in PKCS#8 PEM (-----BEGIN PRIVATE KEY-----); {MAKE_SIGNING}"
    )]
    Signing,
    /// Not PEM certificates.
    #[error("no PEM certificates (-----BEGIN CERTIFICATE-----)")]
    Certificates,
    /// Not a PEM private key.
    #[error("no PEM private key without passphrase")]
    PrivateKey,
}

/// Checks a private key for a bastion.
///
/// # Errors
/// [`UnusableMaterial`] with the remedy.
pub fn check_ssh(value: &SecretBytes) -> Result<(), UnusableMaterial> {
    let text = std::str::from_utf8(value.expose()).map_err(|_| UnusableMaterial::SshFormat)?;
    for (label, kind) in [("RSA", "rsa"), ("DSA", "dsa")] {
        if text.contains(&format!("-----BEGIN {label} PRIVATE KEY-----")) {
            return Err(UnusableMaterial::SshType {
                kind: kind.to_owned(),
            });
        }
    }
    let body = pem_body(text, "OPENSSH PRIVATE KEY").ok_or(UnusableMaterial::SshFormat)?;
    let (cipher, kind) = openssh_header(&body).ok_or(UnusableMaterial::SshFormat)?;
    if cipher != b"none" {
        return Err(UnusableMaterial::SshPassphrase);
    }
    match kind {
        b"ssh-ed25519" => Ok(()),
        kind if kind.starts_with(b"ecdsa-sha2-nistp") => Ok(()),
        kind => Err(UnusableMaterial::SshType {
            kind: String::from_utf8_lossy(kind).into_owned(),
        }),
    }
}

/// Checks a private key for signing access tokens.
///
/// # Errors
/// [`UnusableMaterial`] with the remedy.
pub fn check_signing(value: &SecretBytes) -> Result<(), UnusableMaterial> {
    let text = std::str::from_utf8(value.expose()).map_err(|_| UnusableMaterial::Signing)?;
    pem_body(text, "PRIVATE KEY")
        .and_then(|der| Ed25519KeyPair::from_pkcs8(&der).ok())
        .map(drop)
        .ok_or(UnusableMaterial::Signing)
}

/// Checks a bundle or chain of certificates.
///
/// # Errors
/// [`UnusableMaterial::Certificates`] unless every PEM block is a certificate and there is one.
pub fn check_certificates(value: &SecretBytes) -> Result<(), UnusableMaterial> {
    let mut count = 0;
    for block in Pem::iter_from_buffer(value.expose()) {
        let block = block.map_err(|_| UnusableMaterial::Certificates)?;
        if block.label != "CERTIFICATE" || block.parse_x509().is_err() {
            return Err(UnusableMaterial::Certificates);
        }
        count += 1;
    }
    if count == 0 {
        return Err(UnusableMaterial::Certificates);
    }
    Ok(())
}

/// Checks that there is a private key of a certificate.
///
/// # Errors
/// [`UnusableMaterial::PrivateKey`] unless there is an unencrypted one.
pub fn check_private_key(value: &SecretBytes) -> Result<(), UnusableMaterial> {
    let text = std::str::from_utf8(value.expose()).map_err(|_| UnusableMaterial::PrivateKey)?;
    ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"]
        .into_iter()
        .find_map(|label| pem_body(text, label))
        .filter(|body| !body.is_empty())
        .map(drop)
        .ok_or(UnusableMaterial::PrivateKey)
}

/// Bytes of the first PEM block with this label.
fn pem_body(text: &str, label: &str) -> Option<Vec<u8>> {
    let (_, rest) = text.split_once(&format!("-----BEGIN {label}-----"))?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let body: String = body.split_whitespace().collect();
    STANDARD.decode(body).ok()
}

/// Cipher and algorithm of a key in OpenSSH format (`PROTOCOL.key` of OpenSSH).
fn openssh_header(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = body.strip_prefix(b"openssh-key-v1\0")?;
    let (cipher, rest) = ssh_string(rest)?;
    let (_kdf, rest) = ssh_string(rest)?;
    let (_kdf_options, rest) = ssh_string(rest)?;
    let (_number_of_keys, rest) = rest.split_first_chunk::<4>()?;
    let (public, _) = ssh_string(rest)?;
    let (kind, _) = ssh_string(public)?;
    Some((cipher, kind))
}

/// A length-prefixed string (RFC 4251, 5) and what follows it.
pub(super) fn ssh_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    rest.split_at_checked(length)
}
