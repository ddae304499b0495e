//! Pages, assets, caching and compression.

use super::*;

fn ui() -> WebUi {
    let root = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &str| {
        let path = root.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    };
    write(
        "index.html",
        "<base href=\"__BASE_HREF__\"><meta content=\"__CSP_NONCE__\"><script nonce=\"__CSP_NONCE__\">",
    );
    write("favicon.svg", "<svg/>");
    write("assets/app-1a2b.js", "plain");
    write("assets/app-1a2b.js.br", "brotli");
    write("assets/app-1a2b.js.gz", "gzip");
    WebUi::load(root.path())
}

fn get(path: &str, headers: &[(&'static str, &'static str)]) -> Result<Response, ApiError> {
    let headers = headers.iter().map(|(name, value)| {
        let name = http::HeaderName::from_static(name);
        (name, HeaderValue::from_static(value))
    });
    ui().answer("/erp/", path, &headers.collect())
}

async fn text(response: Response) -> String {
    let body = http_body_util::BodyExt::collect(response.into_body());
    String::from_utf8(body.await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn every_page_has_the_prefix_and_a_nonce_of_its_own_named_in_its_policy() {
    let (one, other) = (get("/", &[]).unwrap(), get("/trial-balance", &[]).unwrap());
    let policy = one.headers()[CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap()
        .to_owned();
    assert_ne!(policy, other.headers()[CONTENT_SECURITY_POLICY]);
    assert_eq!(one.headers()[CACHE_CONTROL], "no-store");
    let page = text(one).await;
    assert!(page.contains("<base href=\"/erp/\">"), "{page}");
    let nonce = page.split('"').nth(3).unwrap();
    assert!(
        policy.contains(&format!("script-src 'self' 'nonce-{nonce}'")),
        "{policy}"
    );
    assert!(!page.contains("__"));
}

#[tokio::test]
async fn hashed_assets_are_kept_for_ever_and_sent_in_the_best_accepted_form() {
    let brotli = get("/assets/app-1a2b.js", &[("accept-encoding", "gzip, br")]).unwrap();
    assert_eq!(brotli.headers()[CONTENT_ENCODING], "br");
    assert_eq!(brotli.headers()[CACHE_CONTROL], IMMUTABLE);
    assert_eq!(
        brotli.headers()[CONTENT_TYPE],
        "text/javascript; charset=utf-8"
    );
    assert_eq!(text(brotli).await, "brotli");
    let gzip = get(
        "/assets/app-1a2b.js",
        &[("accept-encoding", "gzip, br;q=0")],
    )
    .unwrap();
    assert_eq!(text(gzip).await, "gzip");
    assert_eq!(
        text(get("/assets/app-1a2b.js", &[]).unwrap()).await,
        "plain"
    );
}

#[tokio::test]
async fn an_unchanged_file_is_not_sent_again() {
    let first = get("/favicon.svg", &[]).unwrap();
    assert_eq!(first.headers()[CACHE_CONTROL], "no-cache");
    let etag: &'static str = first.headers()[ETAG].to_str().unwrap().to_owned().leak();
    let second = get("/favicon.svg", &[("if-none-match", etag)]).unwrap();
    assert_eq!(second.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(text(second).await, "");
}

#[test]
fn addresses_of_the_api_and_missing_files_do_not_get_the_page() {
    for path in ["/assets/gone.js", "/../secret.txt"] {
        assert_eq!(get(path, &[]).unwrap_err().status(), 404, "{path}");
    }
    for path in ["/api/nothing", "/api", "/.well-known/x", "/../secret.txt"] {
        assert!(belongs_to_api(path), "{path}");
    }
    assert!(!belongs_to_api("/apiary"));
}

#[tokio::test]
async fn without_a_built_ui_the_page_says_so() {
    let empty = tempfile::tempdir().unwrap();
    let ui = WebUi::load(empty.path());
    let page = ui.answer("/", "/", &HeaderMap::new()).unwrap();
    assert!(text(page).await.contains("not installed"));
}
