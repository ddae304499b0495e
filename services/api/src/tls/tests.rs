//! Certificates come, change and go wrong.

use reportapp_config::status::DependencyState;
use reportapp_telemetry::Health;

use super::*;

fn write_pair(folder: &Path, name: &str) -> Vec<u8> {
    let pair = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    std::fs::write(folder.join("tls.crt"), pair.cert.pem()).unwrap();
    std::fs::write(folder.join("tls.key"), pair.signing_key.serialize_pem()).unwrap();
    pair.cert.der().to_vec()
}

fn certificate(folder: &Path) -> Arc<Certificate> {
    Certificate::new(TlsFiles {
        certificate: folder.join("tls.crt"),
        key: folder.join("tls.key"),
    })
}

fn served(certificate: &Certificate) -> Option<Vec<u8>> {
    let pair = certificate.current.load();
    pair.as_ref().map(|pair| pair.cert[0].to_vec())
}

#[test]
fn a_new_pair_replaces_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = certificate(folder.path());
    let first = write_pair(folder.path(), "one.test");
    certificate.reload().unwrap();
    assert_eq!(served(&certificate), Some(first));
    let second = write_pair(folder.path(), "two.test");
    certificate.reload().unwrap();
    assert_eq!(served(&certificate), Some(second));
}

#[test]
fn a_pair_that_does_not_fit_keeps_the_last_good_one() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = certificate(folder.path());
    let good = write_pair(folder.path(), "one.test");
    certificate.reload().unwrap();

    let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
    std::fs::write(folder.path().join("tls.key"), other).unwrap();
    let error = certificate.reload().unwrap_err();
    assert!(matches!(error, CertificateError::Mismatch));

    std::fs::write(folder.path().join("tls.crt"), "rubbish").unwrap();
    let error = certificate.reload().unwrap_err();
    assert!(matches!(error, CertificateError::NoCertificate { .. }));
    assert_eq!(served(&certificate), Some(good));
}

#[tokio::test(start_paused = true)]
async fn the_dependency_says_what_is_wrong_and_when_it_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = certificate(folder.path());
    let health = Health::new("test", "0");
    let dependency = health.dependency("certificate");
    let watching = tokio::spawn(Arc::clone(&certificate).watch(dependency.clone()));

    tokio::time::sleep(POLL_EVERY).await;
    assert_eq!(dependency.status().state, DependencyState::Failing);
    assert!(dependency.status().message.contains("tls.crt"));

    write_pair(folder.path(), "one.test");
    tokio::time::sleep(POLL_EVERY * 2).await;
    assert_eq!(dependency.status().state, DependencyState::Ok);

    std::fs::write(folder.path().join("tls.key"), "rubbish").unwrap();
    tokio::time::sleep(POLL_EVERY * 2).await;
    let status = dependency.status();
    assert_eq!(status.reason, Some(Reason::CertificateInvalid));
    assert!(
        status.message.contains("still served"),
        "{}",
        status.message
    );
    watching.abort();
}
