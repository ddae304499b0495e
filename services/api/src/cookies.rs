//! The cookies of a browser: what each is called, where it is sent, and who may read it.
//!
//! Pages can read the one with the CSRF token and no other. The refresh token and the mark of the
//! device are sent to `/api/auth/` alone.

use http::HeaderMap;
use http::header::{COOKIE, HeaderValue, SET_COOKIE};

use crate::app::App;

/// Carries the access token.
pub const ACCESS: &str = "access_token";
/// Carries the refresh token.
pub const REFRESH: &str = "refresh_token";
/// Carries what a page sends back as a header; see [`crate::csrf`].
pub const CSRF: &str = "csrf_token";
/// Marks a browser somebody has signed in from.
pub const DEVICE: &str = "device";

/// A cookie to be set.
#[derive(Clone, Copy)]
pub(crate) struct Cookie<'a> {
    pub(crate) name: &'static str,
    pub(crate) value: &'a str,
    /// Zero takes it away.
    pub(crate) seconds: u64,
}

impl App {
    /// Hands cookies to a browser, or takes them away.
    pub(crate) fn set_cookies(&self, headers: &mut HeaderMap, cookies: &[Cookie<'_>]) {
        for cookie in cookies {
            let value = HeaderValue::from_str(&self.describe(*cookie))
                .expect("tokens and prefixes are plain ASCII");
            headers.append(SET_COOKIE, value);
        }
    }

    /// Takes away what keeps a browser signed in; that it is known stays.
    pub(crate) fn take_cookies(&self, headers: &mut HeaderMap) {
        let gone = [ACCESS, REFRESH, CSRF].map(|name| Cookie {
            name,
            value: "",
            seconds: 0,
        });
        self.set_cookies(headers, &gone);
    }

    fn describe(
        &self,
        Cookie {
            name,
            value,
            seconds,
        }: Cookie<'_>,
    ) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        let hidden = if name == CSRF { "" } else { "; HttpOnly" };
        let below = match name {
            REFRESH | DEVICE => "api/auth/",
            _ => "",
        };
        let path = &self.path_prefix;
        format!(
            "{name}={value}{hidden}{secure}; SameSite=Strict; Path={path}{below}; Max-Age={seconds}"
        )
    }
}

/// The value of a cookie a browser sent. HTTP/2 clients may send one header per cookie.
pub(crate) fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let values = headers.get_all(COOKIE).iter();
    let mut pairs = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .find(|(found, value)| *found == name && !value.is_empty())
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others_and_across_headers() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "theme=dark; xaccess_token=no".parse().unwrap());
        assert_eq!(read(&headers, ACCESS), None);
        headers.append(
            COOKIE,
            "a=b; access_token=; access_token=xyz".parse().unwrap(),
        );
        assert_eq!(read(&headers, ACCESS), Some("xyz"));
    }
}
