//! The backends' certificates: the ERP has an authority of its own, the platform another.

use anyhow::{Context as _, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use reportapp_config::Secret;

/// A certificate and its key, both PEM.
pub(super) struct Pair {
    pub(super) certificate: String,
    pub(super) key: Secret,
}

/// A new authority.
pub(super) fn authority(name: &str) -> Result<Pair> {
    let key = KeyPair::generate().context("failed to make a key")?;
    let certificate = authority_params(name)
        .self_signed(&key)
        .context("failed to sign an authority")?;
    Ok(Pair {
        certificate: certificate.pem(),
        key: Secret::from(key.serialize_pem()),
    })
}

/// A certificate for the Service `service` of the backends, signed by the authority `name`.
pub(super) fn server(name: &str, authority_key: &Secret, service: &str) -> Result<Pair> {
    let authority_key =
        KeyPair::from_pem(authority_key.expose()).context("the authority's key is unusable")?;
    let issuer = Issuer::new(authority_params(name), authority_key);
    let names = [
        format!("{service}.erp.svc.cluster.local"),
        format!("{service}.erp.svc"),
        service.to_owned(),
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
    ];
    let mut params =
        CertificateParams::new(names).context("a name cannot stand in a certificate")?;
    params.distinguished_name.push(DnType::CommonName, service);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().context("failed to make a key")?;
    let certificate = params
        .signed_by(&key, &issuer)
        .context("failed to sign a certificate")?;
    Ok(Pair {
        certificate: certificate.pem(),
        key: Secret::from(key.serialize_pem()),
    })
}

/// What an authority says about itself; the same for the same name, so that it can sign later.
fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}
