//! What went wrong in a TLS handshake with a secret store.

use std::error::Error;
use std::io;

/// The TLS error inside I/O errors, which do not show what they wrap as their source.
pub(super) fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let wrapped = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref);
    match wrapped {
        Some(inner) => tls_error(inner),
        None => error.downcast_ref(),
    }
}
