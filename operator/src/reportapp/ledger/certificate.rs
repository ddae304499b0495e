//! The application's own authority and the certificate it signs for the API: issued for 90 days,
//! replaced when two thirds of them are over or a name is missing. The services read it again
//! without a restart. Time is an input.

use std::collections::BTreeSet;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData as _, date_time_ymd,
};
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::X509Certificate;

use crate::reportapp::model::{Ledger, SecretBytes, ServingCertificate};

const DAY_SECONDS: i64 = 24 * 60 * 60;
const AUTHORITY_DAYS: i64 = 3_650;
const LEAF_DAYS: i64 = 90;
const RENEW_AFTER_DAYS: i64 = LEAF_DAYS * 2 / 3;
/// Clocks of pods may be behind ours by this much.
const BACKDATE_SECONDS: i64 = 60 * 60;

/// A key for an authority.
pub(super) fn authority_key() -> Result<SecretBytes, String> {
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|error| error.to_string())?;
    Ok(SecretBytes::new(pair.serialize_pem()))
}

/// The certificate of the authority with this key, in force now.
pub(super) fn authority(app: &str, key: &SecretBytes) -> Result<SecretBytes, String> {
    let pair = key_pair(key)?;
    let mut params = authority_params(app);
    let now = Timestamp::now().as_second();
    params.not_before = date_time_ymd(1970, 1, 1) + since_1970(now - BACKDATE_SECONDS);
    params.not_after = date_time_ymd(1970, 1, 1) + since_1970(now + AUTHORITY_DAYS * DAY_SECONDS);
    let signed = params
        .self_signed(&pair)
        .map_err(|error| error.to_string())?;
    Ok(SecretBytes::new(signed.pem()))
}

/// `live` while it is good for `names`, else a fresh certificate.
///
/// # Errors
/// When the key of the authority cannot be used; the text carries no value.
pub fn serving(
    app: &str,
    ledger: &Ledger,
    names: &[String],
    live: Option<ServingCertificate>,
    now: Timestamp,
) -> Result<ServingCertificate, String> {
    match live {
        Some(live) if is_good(&live, ledger, names, now) => Ok(live),
        _ => issue(app, ledger, names, now),
    }
}

fn issue(
    app: &str,
    ledger: &Ledger,
    names: &[String],
    now: Timestamp,
) -> Result<ServingCertificate, String> {
    let issuer = Issuer::new(authority_params(app), key_pair(&ledger.authority_key)?);
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|error| error.to_string())?;
    let mut params = CertificateParams::new(names.to_vec()).map_err(|error| error.to_string())?;
    params.distinguished_name = name(app);
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let now = now.as_second();
    params.not_before = date_time_ymd(1970, 1, 1) + since_1970(now - BACKDATE_SECONDS);
    params.not_after = date_time_ymd(1970, 1, 1) + since_1970(now + LEAF_DAYS * DAY_SECONDS);
    let signed = params
        .signed_by(&pair, &issuer)
        .map_err(|error| error.to_string())?;
    Ok(ServingCertificate {
        chain: signed.pem(),
        key: SecretBytes::new(pair.serialize_pem()),
    })
}

/// Whether the certificate is ours, young enough, for exactly these names, and fits its key.
fn is_good(live: &ServingCertificate, ledger: &Ledger, names: &[String], now: Timestamp) -> bool {
    let (Ok((_, leaf)), Ok((_, authority))) = (
        parse_x509_pem(live.chain.as_bytes()),
        parse_x509_pem(ledger.authority_certificate.as_bytes()),
    ) else {
        return false;
    };
    let (Ok(leaf), Ok(authority), Ok(pair)) = (
        leaf.parse_x509(),
        authority.parse_x509(),
        key_pair(&live.key),
    ) else {
        return false;
    };
    let issued = leaf.validity().not_before.timestamp() + BACKDATE_SECONDS;
    let young = now.as_second() < issued + RENEW_AFTER_DAYS * DAY_SECONDS;
    let ours = signer(&leaf).is_some() && signer(&leaf) == subject_key(&authority);
    let fits = leaf.public_key().raw == pair.subject_public_key_info();
    let wanted: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    young && ours && fits && dns_names(&leaf) == wanted
}

fn dns_names<'a>(certificate: &'a X509Certificate<'a>) -> BTreeSet<&'a str> {
    let Ok(Some(names)) = certificate.subject_alternative_name() else {
        return BTreeSet::new();
    };
    let dns = |name: &GeneralName<'a>| match name {
        GeneralName::DNSName(name) => Some(*name),
        _ => None,
    };
    names.value.general_names.iter().filter_map(dns).collect()
}

fn signer(certificate: &X509Certificate<'_>) -> Option<Vec<u8>> {
    certificate
        .extensions()
        .iter()
        .find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::AuthorityKeyIdentifier(identifier) => {
                identifier.key_identifier.as_ref().map(|key| key.0.to_vec())
            }
            _ => None,
        })
}

fn subject_key(certificate: &X509Certificate<'_>) -> Option<Vec<u8>> {
    certificate
        .extensions()
        .iter()
        .find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(key) => Some(key.0.to_vec()),
            _ => None,
        })
}

/// The same for each use of one authority: what it signs names its issuer by this.
fn authority_params(app: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = name(&format!("{app} authority"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}

fn key_pair(key: &SecretBytes) -> Result<KeyPair, String> {
    let unusable = "a private key is not PKCS#8 PEM".to_owned();
    let Ok(text) = std::str::from_utf8(key.expose()) else {
        return Err(unusable);
    };
    KeyPair::from_pem(text).map_err(|_| unusable)
}

/// Seconds since 1970; the date type of the certificate crate adds them.
fn since_1970(seconds: i64) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use k8s_openapi::jiff::SignedDuration;

    use super::*;

    fn ledger() -> Ledger {
        let key = authority_key().unwrap();
        let certificate = authority("reports", &key).unwrap();
        Ledger {
            name_key: SecretBytes::new("k"),
            internal_token: SecretBytes::new("t"),
            signing_key: SecretBytes::new("s"),
            authority_certificate: String::from_utf8(certificate.expose().to_vec()).unwrap(),
            authority_key: key,
        }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_certificate_is_kept_for_sixty_days_and_then_replaced() {
        let (ledger, names, now) = (
            ledger(),
            names(&["reports-api", "erp.example.com"]),
            Timestamp::now(),
        );
        let first = serving("reports", &ledger, &names, None, now).unwrap();
        let at = |days: i64| {
            let later = now + SignedDuration::from_hours(24 * days);
            serving("reports", &ledger, &names, Some(first.clone()), later)
                .unwrap()
                .chain
        };
        assert_eq!(at(59), first.chain);
        assert_ne!(at(60), first.chain);
    }

    #[test]
    fn a_certificate_with_other_names_key_or_authority_is_replaced() {
        let (ledger, wanted, now) = (ledger(), names(&["reports-api"]), Timestamp::now());
        let good = serving("reports", &ledger, &wanted, None, now).unwrap();
        let kept = serving("reports", &ledger, &wanted, Some(good.clone()), now).unwrap();
        assert_eq!(kept.chain, good.chain);
        let replaced = |ledger: &Ledger, wanted: &[String], live: ServingCertificate| {
            serving("reports", ledger, wanted, Some(live), now)
                .unwrap()
                .chain
                != good.chain
        };
        assert!(replaced(
            &ledger,
            &names(&["reports-api", "new.example.com"]),
            good.clone()
        ));
        assert!(replaced(&self::ledger(), &wanted, good.clone()));
        let other = serving("reports", &ledger, &wanted, None, now).unwrap();
        let mixed = ServingCertificate {
            key: other.key,
            ..good.clone()
        };
        assert!(replaced(&ledger, &wanted, mixed));
        let garbage = ServingCertificate {
            chain: "x".to_owned(),
            key: SecretBytes::new("y"),
        };
        assert!(replaced(&ledger, &wanted, garbage));
    }
}
