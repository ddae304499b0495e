//! Serves the built web UI from memory: read once at start, so no request can name a file.
//!
//! `index.html` is a template: `__BASE_HREF__` becomes the path prefix and `__CSP_NONCE__` a nonce
//! that is new for every response and named in its Content-Security-Policy. Files below `/assets/`
//! carry their hash in their name and may be kept for ever; all others are checked by ETag. Texts are
//! compressed once, at start, unless the build has left a compressed twin beside them.
//! Addresses without a file extension belong to the router of the UI and get the same page.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderValue, VARY,
};
use http::{HeaderMap, StatusCode};
use warp::Filter;
use warp::path::FullPath;
use warp::reply::{Reply, Response};

use crate::app::App;
use crate::delivery;
use crate::error::ApiError;
use crate::handlers::endpoint::{Route, endpoint, headers, with};

mod files;

use files::File;

const BASE_HREF: &str = "__BASE_HREF__";
const CSP_NONCE: &str = "__CSP_NONCE__";
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
const MISSING: &str = "<!doctype html><title>ReportApp</title>\
    <p>The web interface is not installed here; the API is at <a href=\"api/openapi.json\">api</a>.";

/// The files of the UI.
#[derive(Debug, Default)]
pub struct WebUi {
    index: Option<String>,
    files: HashMap<String, File>,
}

impl WebUi {
    /// Reads the folder of the built UI. A folder without `index.html` gives a UI that says so:
    /// the API is of use without it.
    pub fn load(root: &Path) -> Self {
        let files = files::read_all(root);
        let index = std::fs::read_to_string(root.join("index.html")).ok();
        if index.is_none() {
            tracing::warn!(root = %root.display(), "there is no index.html: the web UI is missing");
        }
        Self { index, files }
    }

    /// Whether there are pages.
    pub fn is_installed(&self) -> bool {
        self.index.is_some()
    }

    fn answer(&self, prefix: &str, path: &str, headers: &HeaderMap) -> Result<Response, ApiError> {
        let name = path.trim_start_matches('/');
        if name == "index.html" {
            return Ok(self.page(prefix));
        }
        if let Some(file) = self.files.get(name) {
            return Ok(file.answer(name.starts_with("assets/"), headers));
        }
        let last = name.rsplit('/').next().unwrap_or_default();
        if last.contains('.') {
            return Err(ApiError::NotFound {
                code: "RouteUnknown",
                field: None,
                message: "There is nothing at this address; see /api/openapi.json.".to_owned(),
            });
        }
        Ok(self.page(prefix))
    }

    fn page(&self, prefix: &str) -> Response {
        let nonce = reportapp_session::random::id();
        let template = self.index.as_deref().unwrap_or(MISSING);
        let page = template
            .replace(BASE_HREF, prefix)
            .replace(CSP_NONCE, &nonce);
        let mut response = warp::reply::html(page).into_response();
        let policy = HeaderValue::from_str(&policy(&nonce)).expect("a nonce is hexadecimal");
        let headers = response.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, policy);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

impl File {
    fn answer(&self, is_hashed: bool, headers: &HeaderMap) -> Response {
        let (content, encoding) = self.best(headers);
        let mut response = if delivery::has(headers, &self.etag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            Response::new(content.clone().into())
        };
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        let etag = HeaderValue::from_str(&self.etag).expect("an ETag is hexadecimal");
        headers.insert(ETAG, etag);
        let caching = if is_hashed { IMMUTABLE } else { "no-cache" };
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
        if let Some(encoding) = encoding {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        response
    }

    fn best(&self, headers: &HeaderMap) -> (&Bytes, Option<&'static str>) {
        match (&self.brotli, &self.gzip) {
            (Some(content), _) if delivery::accepts(headers, "br") => (content, Some("br")),
            (_, Some(content)) if delivery::accepts(headers, "gzip") => (content, Some("gzip")),
            _ => (&self.plain, None),
        }
    }
}

fn policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; \
         base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    )
}

/// Whether an address is the API's; what is wrong with a request there is for its routes to say.
fn belongs_to_api(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/") || path.starts_with("/.")
}

/// Everything that is not the API.
pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path::full().and_then(async |path: FullPath| {
        let is_ours = !belongs_to_api(path.as_str());
        is_ours.then_some(path).ok_or_else(warp::reject::not_found)
    });
    let arguments = path.and(warp::get()).and(with(app)).and(headers());
    let answer = |path: FullPath, app: Arc<App>, headers: HeaderMap| {
        app.web.answer(&app.path_prefix, path.as_str(), &headers)
    };
    endpoint("web", arguments.map(answer))
}

#[cfg(test)]
mod tests;
