//! The id of a request: in its answer, in the body of an error, in every line of the log about it.
//!
//! The service gives each request one ([`of`]) and runs everything that belongs to it under
//! [`scope`]; whoever has something to say about the request asks [`current`].

use std::future::Future;

use http::HeaderMap;
use http::header::HeaderName;

/// Carries the id of a request, both ways.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longer ids are replaced: they would be somebody else's text in our logs.
const MAX_LENGTH: usize = 128;

tokio::task_local! {
    static CURRENT: String;
}

/// The id the client or a proxy sent, if it is 1 to 128 visible ASCII characters, or a new one.
pub fn of(headers: &HeaderMap) -> String {
    let sent = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let is_harmless = |id: &&str| {
        (1..=MAX_LENGTH).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
    };
    sent.filter(is_harmless)
        .map_or_else(reportapp_session::random::id, str::to_owned)
}

/// Runs `work` as part of the request `id`.
pub async fn scope<F: Future>(id: String, work: F) -> F::Output {
    CURRENT.scope(id, work).await
}

/// The id of the request that is being answered; `None` outside of one.
pub fn current() -> Option<String> {
    CURRENT.try_with(Clone::clone).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(id: &str) -> String {
        of(&HeaderMap::from_iter([(REQUEST_ID, id.parse().unwrap())]))
    }

    #[test]
    fn a_visible_id_of_up_to_128_characters_is_kept_and_any_other_replaced() {
        for kept in ["a", "req/7:x=y", &"x".repeat(128)] {
            assert_eq!(sent(kept), kept);
        }
        for replaced in ["", "a b", "a\tb", "é", &"x".repeat(129)] {
            let id = sent(replaced);
            assert!(id != replaced && id.len() == 32, "{id}");
        }
    }

    #[tokio::test]
    async fn the_id_is_known_within_its_request_only() {
        assert_eq!(current(), None);
        let seen = scope("r1".to_owned(), async { current() }).await;
        assert_eq!(seen.as_deref(), Some("r1"));
        assert_eq!(current(), None);
    }
}
