//! Tags, encodings and bodies that are left out.

use std::io::Read;

use flate2::read::GzDecoder;
use proptest::prelude::*;

use super::*;

fn client(method: Method, headers: &[(&'static str, &str)]) -> Client {
    let mut request = Request::builder().method(method);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Client::of(&request.body(()).unwrap())
}

/// Figures of so many bytes.
fn figures(length: usize) -> Response {
    let mut response = Response::new(Bytes::from("7".repeat(length)).into());
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response.extensions_mut().insert(Tagged);
    response
}

async fn bytes(response: Response) -> Bytes {
    response.into_body().collect().await.unwrap().to_bytes()
}

fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut plain).unwrap();
    plain
}

#[tokio::test]
async fn whoever_has_the_answer_is_told_so_and_whoever_has_another_is_not() {
    for gzip in ["gzip", "identity"] {
        let take = |known: &str| {
            let headers = [("accept-encoding", gzip), ("if-none-match", known)];
            client(Method::GET, &headers)
        };
        let first = deliver(
            &client(Method::GET, &[("accept-encoding", gzip)]),
            figures(5_000),
        )
        .await;
        assert_eq!(first.status(), StatusCode::OK);
        assert_eq!(first.headers()[CACHE_CONTROL], "private, no-cache");
        assert_eq!(first.headers()[VARY], TAGGED_BY);
        let tag = first.headers()[ETAG].to_str().unwrap().to_owned();
        assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
        for known in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
            let again = deliver(&take(&known), figures(5_000)).await;
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{known}");
            assert_eq!(again.headers()[ETAG], tag.as_str());
            assert!(!again.headers().contains_key(CONTENT_TYPE));
            assert!(bytes(again).await.is_empty());
        }
        let other = deliver(&take(&tag), figures(5_001)).await;
        assert_eq!(other.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn a_tag_names_the_octets_so_compressed_ones_have_another() {
    let plain = deliver(&client(Method::GET, &[]), figures(5_000)).await;
    let gzip = [("accept-encoding", "gzip")];
    let compressed = deliver(&client(Method::GET, &gzip), figures(5_000)).await;
    assert_ne!(plain.headers()[ETAG], compressed.headers()[ETAG]);
}

#[tokio::test]
async fn compressed_short_long_or_streamed_it_is_the_same_answer() {
    let lengths = [COMPRESS_FROM, PIECE, PIECE + 1, 5 * PIECE + 17];
    let bodies = lengths
        .map(figures)
        .into_iter()
        .chain([streamed(900), streamed(0)]);
    let expected = lengths
        .map(figures)
        .into_iter()
        .chain([streamed(900), streamed(0)]);
    for (body, expected) in bodies.zip(expected) {
        let taken = deliver(
            &client(Method::GET, &[("accept-encoding", "br, gzip")]),
            body,
        )
        .await;
        assert_eq!(taken.headers()[CONTENT_ENCODING], "gzip");
        let (taken, plain) = (bytes(taken).await, bytes(expected).await);
        assert!(
            taken.len() < plain.len().max(100),
            "{} of {}",
            taken.len(),
            plain.len()
        );
        assert!(unpacked(&taken) == plain);
    }
}

/// A body that comes in pieces.
fn streamed(pieces: usize) -> Response {
    let pieces =
        (0..pieces).map(|n| Ok::<_, std::io::Error>(Bytes::from(format!("row {n}\n").repeat(9))));
    let mut response = warp::reply::stream(futures::stream::iter(pieces)).into_response();
    let csv = HeaderValue::from_static("text/csv; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, csv);
    response
}

#[tokio::test]
async fn what_would_not_become_shorter_or_is_not_asked_for_stays_as_it_is() {
    let gzip = [("accept-encoding", "gzip")];
    let with = |name: http::HeaderName, value: &'static str| {
        let mut response = figures(5_000);
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
        response
    };
    let sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    for (client, response, what) in [
        (
            client(Method::GET, &gzip),
            figures(COMPRESS_FROM - 1),
            "short",
        ),
        (
            client(Method::GET, &gzip),
            with(CONTENT_TYPE, sheet),
            "compressed itself",
        ),
        (
            client(Method::GET, &gzip),
            with(CONTENT_ENCODING, "br"),
            "encoded",
        ),
        (client(Method::GET, &[]), figures(5_000), "not asked for"),
        (client(Method::POST, &gzip), figures(5_000), "not read"),
    ] {
        let plain = deliver(&client, response).await;
        let encoding = plain.headers().get(CONTENT_ENCODING);
        assert!(encoding.is_none_or(|encoding| encoding == "br"), "{what}");
        assert!(
            bytes(plain).await.iter().all(|octet| *octet == b'7'),
            "{what}"
        );
    }
}

#[tokio::test]
async fn a_head_is_told_everything_but_the_body() {
    for headers in [&[][..], &[("accept-encoding", "gzip")]] {
        let whole = deliver(&client(Method::GET, headers), figures(5_000)).await;
        let head = deliver(&client(Method::HEAD, headers), figures(5_000)).await;
        assert_eq!(head.headers()[ETAG], whole.headers()[ETAG]);
        let length = head.headers()[CONTENT_LENGTH].to_str().unwrap().to_owned();
        assert_eq!(length, bytes(whole).await.len().to_string());
        assert!(bytes(head).await.is_empty());
    }
}

#[test]
fn a_client_takes_what_it_names_with_any_weight_but_none() {
    for (value, takes) in [
        ("gzip", true),
        ("br, GZIP;q=0.1", true),
        ("*", true),
        ("*;q=0.5", true),
        ("gzip;q=0, *", false),
        ("gzip; q=0.000", false),
        ("*;q=0", false),
        ("br", false),
        ("xgzip", false),
        ("", false),
    ] {
        let headers = [(ACCEPT_ENCODING, value.parse().unwrap())];
        assert_eq!(
            accepts(&headers.into_iter().collect(), "gzip"),
            takes,
            "{value}"
        );
    }
}

proptest! {
    #[test]
    fn no_header_of_a_client_is_too_odd(value in "\\PC{0,40}", tag in "\\PC{0,40}") {
        let mut headers = HeaderMap::new();
        for (name, value) in [(ACCEPT_ENCODING, value), (IF_NONE_MATCH, tag)] {
            if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                headers.insert(name, value);
            }
        }
        let (_, _) = (accepts(&headers, "gzip"), has(&headers, "\"x\""));
    }
}
