//! An answer on its way out: tagged, so that a client that has it is told so (RFC 9110, section 13), and
//! compressed for those who take that (section 12.5.3).
//!
//! Only answers to GET and HEAD are touched. What carries a fresh secret answers a POST, and is never
//! compressed beside what a client sent. gzip alone is spoken: everybody takes it, and it is in the build.

use std::io::Write;

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::Stream;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG,
    HeaderValue, IF_NONE_MATCH, VARY,
};
use http::response::Parts;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use warp::reply::{Reply, Response};

use crate::preference::choices;

/// Shorter answers are as fast without.
pub(crate) const COMPRESS_FROM: usize = 1024;
/// Compressed at once, so that nobody else waits for a core meanwhile: a millisecond's work.
const PIECE: usize = 64 * 1024;
/// Whoever signs in as somebody else on the same machine is not given what was kept for the one before.
const TAGGED_BY: &str = "accept-encoding, cookie, authorization";

/// The body of an answer, for which warp has no public name.
type Body = <Response as HasBody>::Body;

trait HasBody {
    type Body;
}

impl<B> HasBody for http::Response<B> {
    type Body = B;
}

/// Marks an answer that gets a tag; an extension of the response.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tagged;

/// What a client says about answers it takes.
pub(crate) struct Client {
    reads: bool,
    takes_body: bool,
    takes_gzip: bool,
    headers: HeaderMap,
}

impl Client {
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        let method = request.method();
        let mut headers = HeaderMap::new();
        for value in request.headers().get_all(IF_NONE_MATCH) {
            headers.append(IF_NONE_MATCH, value.clone());
        }
        Self {
            reads: matches!(*method, Method::GET | Method::HEAD),
            takes_body: *method != Method::HEAD,
            takes_gzip: accepts(request.headers(), "gzip"),
            headers,
        }
    }
}

/// Whether a client takes an encoding.
pub(crate) fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    let (mut named, mut any) = (None, None);
    for coding in choices(headers, ACCEPT_ENCODING) {
        let is_taken = coding.weight > 0;
        if coding.name == "*" {
            any = Some(is_taken);
        } else if coding.name.eq_ignore_ascii_case(encoding) {
            named = Some(is_taken);
        }
    }
    named.or(any).unwrap_or(false)
}

/// Whether a client has what carries this tag. Compression makes another tag of the same answer.
pub(crate) fn has(headers: &HeaderMap, etag: &str) -> bool {
    let values = headers.get_all(IF_NONE_MATCH).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
    let compressed = compressed_tag(etag);
    tags.any(|tag| {
        let tag = tag.strip_prefix("W/").unwrap_or(tag);
        tag == "*" || tag == etag || tag == compressed
    })
}

fn compressed_tag(etag: &str) -> String {
    format!("{}-gzip\"", etag.trim_end_matches('"'))
}

/// Whether answers of a media type become much shorter.
pub(crate) fn is_text(media_type: &str) -> bool {
    let kind = media_type.split(';').next().unwrap_or_default().trim();
    kind.starts_with("text/")
        || kind.ends_with("+json")
        || kind.ends_with("+xml")
        || matches!(
            kind,
            "application/json" | "application/javascript" | "application/xml"
        )
}

/// Makes an answer what the client takes.
pub(crate) async fn deliver(client: &Client, response: Response) -> Response {
    if !client.reads {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let mut body = Content::Flowing(body);
    let mut tag = None;
    if head.extensions.get::<Tagged>().is_some() && head.status == StatusCode::OK {
        body = match body.gathered().await {
            Ok(bytes) => Content::Whole(bytes),
            Err(()) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        };
        tag = body.whole().map(etag);
        head.headers
            .insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        head.headers
            .insert(VARY, HeaderValue::from_static(TAGGED_BY));
    }
    let is_compressed = compresses(&mut head, &body) && client.takes_gzip;
    if let Some(tag) = tag {
        let is_known = has(&client.headers, &tag);
        let tag = if is_compressed {
            compressed_tag(&tag)
        } else {
            tag
        };
        let tag = HeaderValue::from_str(&tag).expect("a tag is hexadecimal");
        head.headers.insert(ETAG, tag);
        if is_known {
            head.status = StatusCode::NOT_MODIFIED;
            head.headers.remove(CONTENT_TYPE);
            head.headers.remove(CONTENT_LENGTH);
            return Response::from_parts(head, Bytes::new().into());
        }
    }
    if is_compressed {
        let gzip = HeaderValue::from_static("gzip");
        head.headers.insert(CONTENT_ENCODING, gzip);
        head.headers.remove(CONTENT_LENGTH);
        body = match body.compressed().await {
            Ok(body) => body,
            Err(()) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        };
    }
    finish(client, head, body)
}

/// Whether an answer is worth compressing; then it says that it depends on what the client takes.
fn compresses(head: &mut Parts, body: &Content) -> bool {
    let media_type = head.headers.get(CONTENT_TYPE);
    let media_type = media_type.and_then(|value| value.to_str().ok());
    let worth = head.status == StatusCode::OK
        && !head.headers.contains_key(CONTENT_ENCODING)
        && media_type.is_some_and(is_text)
        && body
            .length()
            .is_none_or(|length| length >= COMPRESS_FROM as u64);
    if worth {
        let vary = HeaderValue::from_static("accept-encoding");
        head.headers.entry(VARY).or_insert(vary);
    }
    worth
}

/// A HEAD is told the length and nothing else.
fn finish(client: &Client, mut head: Parts, body: Content) -> Response {
    if let Some(length) = body.length().filter(|_| !client.takes_body) {
        head.headers.entry(CONTENT_LENGTH).or_insert(length.into());
    }
    let body = match client.takes_body {
        true => body.into_body(),
        false => Bytes::new().into(),
    };
    Response::from_parts(head, body)
}

fn etag(bytes: &Bytes) -> String {
    format!(
        "\"{}\"",
        hex::encode(&digest(&SHA256, bytes).as_ref()[..16])
    )
}

/// What an answer says.
enum Content {
    /// All of it.
    Whole(Bytes),
    /// It comes.
    Flowing(Body),
}

impl Content {
    fn whole(&self) -> Option<&Bytes> {
        match self {
            Self::Whole(bytes) => Some(bytes),
            Self::Flowing(_) => None,
        }
    }

    fn length(&self) -> Option<u64> {
        match self {
            Self::Whole(bytes) => Some(bytes.len() as u64),
            Self::Flowing(body) => body.size_hint().exact(),
        }
    }

    async fn gathered(self) -> Result<Bytes, ()> {
        match self {
            Self::Whole(bytes) => Ok(bytes),
            Self::Flowing(body) => match body.collect().await {
                Ok(collected) => Ok(collected.to_bytes()),
                Err(_) => Err(()),
            },
        }
    }

    /// Compressed while it is sent; at once what is short.
    async fn compressed(self) -> Result<Self, ()> {
        let is_short = self.length().is_some_and(|length| length <= PIECE as u64);
        if is_short {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            let written = encoder.write_all(&self.gathered().await?);
            let done = written.and_then(|()| encoder.finish());
            return Ok(Self::Whole(done.map_err(drop)?.into()));
        }
        let body = self.into_body();
        let stream = warp::reply::stream(compress(body));
        Ok(Self::Flowing(stream.into_response().into_body()))
    }

    fn into_body(self) -> Body {
        match self {
            Self::Whole(bytes) => bytes.into(),
            Self::Flowing(body) => body,
        }
    }
}

/// A body being compressed.
struct Press {
    body: Body,
    /// What has come and is not compressed yet.
    rest: Bytes,
    encoder: Option<GzEncoder<Vec<u8>>>,
}

fn compress(body: Body) -> impl Stream<Item = Result<Bytes, warp::Error>> {
    let press = Press {
        body,
        rest: Bytes::new(),
        encoder: Some(GzEncoder::new(Vec::new(), Compression::default())),
    };
    futures::stream::unfold(press, Press::next)
}

impl Press {
    /// The next octets, and what is left to do.
    async fn next(mut self) -> Option<(Result<Bytes, warp::Error>, Self)> {
        loop {
            let encoder = self.encoder.as_mut()?;
            if self.rest.is_empty() {
                match self.body.frame().await {
                    Some(Ok(frame)) => self.rest = frame.into_data().unwrap_or_default(),
                    Some(Err(error)) => {
                        self.encoder = None;
                        return Some((Err(error), self));
                    }
                    None => {
                        let last = self.encoder.take()?.finish();
                        let last = last.expect("memory can be written to");
                        return Some((Ok(last.into()), self));
                    }
                }
                continue;
            }
            let piece = self.rest.split_to(self.rest.len().min(PIECE));
            let written = encoder.write_all(&piece).and_then(|()| {
                // Whoever waits for the first row sees it before the last one comes.
                if self.rest.is_empty() {
                    encoder.flush()
                } else {
                    Ok(())
                }
            });
            written.expect("memory can be written to");
            let octets = std::mem::take(encoder.get_mut());
            if !octets.is_empty() {
                return Some((Ok(octets.into()), self));
            }
        }
    }
}

#[cfg(test)]
mod tests;
