//! The cluster's certificate authority and everybody's certificates and kubeconfigs.
//!
//! Made anew at each start; keys never leave the cluster's folder, which only its owner reads.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType,
};
use serde_json::json;

/// Signs everything of one cluster.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: PathBuf,
}

/// Certificate and key, in PEM.
struct Pair {
    certificate: String,
    key: String,
}

impl Authority {
    /// A new authority, whose certificate is written to `ca.crt` in `folder`.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(crate) fn create(folder: &Path) -> Result<Self> {
        let mut params = CertificateParams::default();
        params.distinguished_name = subject("reportapp-e2e", None);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let authority = Self {
            issuer,
            folder: folder.to_owned(),
        };
        authority.write("ca.crt", &authority.issuer.pem())?;
        Ok(authority)
    }

    /// Writes the key pair that signs service account tokens: `sa.key`, `sa.pub`.
    pub(crate) fn write_service_account_keys(&self) -> Result<()> {
        let key = KeyPair::generate()?;
        self.write("sa.key", &key.serialize_pem())?;
        self.write("sa.pub", &key.public_key_pem())
    }

    /// Writes `<file>.crt` and `<file>.key` for a server that answers by `names` and `addresses`.
    pub(crate) fn write_server(
        &self,
        file: &str,
        names: &[&str],
        addresses: &[Ipv4Addr],
    ) -> Result<()> {
        let mut alternatives = Vec::new();
        for name in names {
            alternatives.push(SanType::DnsName((*name).try_into()?));
        }
        alternatives.extend(
            addresses
                .iter()
                .map(|address| SanType::IpAddress(IpAddr::V4(*address))),
        );
        let pair = self.sign(
            subject(file, None),
            alternatives,
            ExtendedKeyUsagePurpose::ServerAuth,
        )?;
        self.write_pair(file, &pair)
    }

    /// Writes `<file>.crt` and `<file>.key` for a client.
    pub(crate) fn write_client(&self, file: &str, user: &str, group: Option<&str>) -> Result<()> {
        let pair = self.sign(
            subject(user, group),
            Vec::new(),
            ExtendedKeyUsagePurpose::ClientAuth,
        )?;
        self.write_pair(file, &pair)
    }

    /// Writes a kubeconfig for `user` in `group`, which talks to `server`, to `path`.
    pub(crate) fn write_kubeconfig(
        &self,
        path: &Path,
        server: &str,
        user: &str,
        group: Option<&str>,
    ) -> Result<()> {
        let pair = self.sign(
            subject(user, group),
            Vec::new(),
            ExtendedKeyUsagePurpose::ClientAuth,
        )?;
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "reportapp-e2e", "cluster": {
                "server": server,
                "certificate-authority-data": STANDARD.encode(self.issuer.pem()),
            }}],
            "users": [{"name": user, "user": {
                "client-certificate-data": STANDARD.encode(&pair.certificate),
                "client-key-data": STANDARD.encode(&pair.key),
            }}],
            "contexts": [{"name": "reportapp-e2e", "context": {"cluster": "reportapp-e2e", "user": user}}],
            "current-context": "reportapp-e2e",
        });
        let text =
            serde_yaml_ng::to_string(&config).context("failed to write a kubeconfig as YAML")?;
        write_private(path, &text)
    }

    fn sign(
        &self,
        name: DistinguishedName,
        alternatives: Vec<SanType>,
        usage: ExtendedKeyUsagePurpose,
    ) -> Result<Pair> {
        let mut params = CertificateParams::default();
        params.distinguished_name = name;
        params.subject_alt_names = alternatives;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Pair {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }

    fn write_pair(&self, file: &str, pair: &Pair) -> Result<()> {
        self.write(&format!("{file}.crt"), &pair.certificate)?;
        self.write(&format!("{file}.key"), &pair.key)
    }

    fn write(&self, file: &str, content: &str) -> Result<()> {
        write_private(&self.folder.join(file), content)
    }
}

fn subject(name: &str, organization: Option<&str>) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    if let Some(organization) = organization {
        subject.push(DnType::OrganizationName, organization);
    }
    subject
}

/// Writes a file that only its owner can read.
pub(crate) fn write_private(path: &Path, content: &str) -> Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;

    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("failed to create {}", path.display()))?;
    file.write_all(content.as_bytes())
        .with_context(|| format!("failed to write {}", path.display()))
}
