//! The one TLS stack of the project: rustls over aws-lc-rs.

/// Makes aws-lc-rs the provider of every rustls configuration in this process.
///
/// Libraries are built without a provider of their own and panic at their first handshake when
/// none was installed, so this is the first line of every `main` and of every test that uses TLS.
/// Calling it again does nothing.
pub fn install_crypto_provider() {
    // The error is "already installed", which is what was asked for.
    let _already_installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
