//! Collects a request body, of JSON by the rules of the parser behind Directus (Express's).
//!
//! A body of another type is ignored and read as `{}`, and so is an empty one. Invariants: never holds more than the limit,
//! before or after inflating; everything that is wrong is a 400 `INVALID_PAYLOAD`. Deliberately absent: `br` and charsets other
//! than UTF-8, which are refused by name; bytes that are not UTF-8 are replaced, as JavaScript does.

use std::convert::Infallible;
use std::fmt::Display;
use std::io::Read;
use std::pin::pin;
use std::time::Duration;

use bytes::{Buf, Bytes};
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use http_body_util::{BodyExt as _, Empty, combinators::UnsyncBoxBody};
use hyper::HeaderMap;
use hyper::body::Body;
use hyper::header;
use serde_json::{Value, json};

use super::form::Form;
use super::headers::text;
use super::json;
use super::refusal::Refusal;

/// Bytes of a body that is too large which are still read and thrown away, so that a client in the middle of sending gets to
/// see the answer: a few times what anybody sends by mistake.
const DRAIN_BYTES: u64 = 4 << 20;

const FORM: &str = "application/x-www-form-urlencoded";

const TOO_LARGE: &str = "request entity too large";

/// What a request body may cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyLimits {
    /// Bytes, before and after inflating.
    pub(crate) bytes: usize,
    /// How long sending it may take. A client that trickles its body holds a connection and a task.
    pub(crate) read_timeout: Duration,
}

impl BodyLimits {
    /// The same for a body of another size.
    pub(crate) fn of(self, bytes: usize) -> Self {
        Self { bytes, ..self }
    }
}

impl Default for BodyLimits {
    /// 1 MiB, which is Directus's `1mb`, and a minute, in which a telephone line brings that much.
    fn default() -> Self {
        Self { bytes: 1 << 20, read_timeout: Duration::from_mins(1) }
    }
}

/// A body of any kind of server. Programs that bring one of their own compile this and nothing else of ours anew.
pub(crate) type AnyBody = UnsyncBoxBody<Bytes, String>;

/// Forgets what kind of body it is.
pub(crate) fn erased<B>(body: B) -> AnyBody
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Display,
{
    if body.is_end_stream() {
        // Most requests have none, and nothing takes no memory.
        return Empty::new().map_err(|never: Infallible| match never {}).boxed_unsync();
    }
    let bytes = |mut data: B::Data| data.copy_to_bytes(data.remaining());
    body.map_frame(move |frame| frame.map_data(bytes)).map_err(|error| error.to_string()).boxed_unsync()
}

/// Reads the body as JSON: an object, or an array.
pub(crate) async fn read_json<B>(headers: &HeaderMap, body: B, limits: BodyLimits) -> Result<Value, Refusal>
where
    B: Body,
    B::Error: Display,
{
    let announced = headers.contains_key(header::CONTENT_LENGTH) || headers.contains_key(header::TRANSFER_ENCODING);
    if !announced && body.is_end_stream() {
        return Ok(json!({}));
    }
    let Some(charset) = json_charset(&text(headers, header::CONTENT_TYPE).unwrap_or_default()) else {
        return Ok(json!({}));
    };
    if !charset.eq_ignore_ascii_case("utf-8") {
        return Err(Refusal::payload(format!("unsupported charset \"{}\"", charset.to_uppercase())));
    }
    let encoding = Encoding::of(headers)?;
    let bytes = collect(body, limits).await?;
    let bytes = encoding.decode(bytes, limits.bytes)?;
    if bytes.is_empty() {
        return Ok(json!({}));
    }
    let decoded = String::from_utf8_lossy(&bytes);
    json::parse(decoded.strip_prefix('\u{feff}').unwrap_or(&decoded)).map_err(Refusal::payload)
}

/// Reads the body as a form; one of another type is an empty form.
pub(crate) async fn read_form<B>(headers: &HeaderMap, body: B, limits: BodyLimits) -> Result<Form, Refusal>
where
    B: Body,
    B::Error: Display,
{
    let kind = text(headers, header::CONTENT_TYPE).unwrap_or_default();
    let is_form = kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(FORM));
    let bytes = collect(body, limits).await?;
    Ok(if is_form { Form::parse(&bytes) } else { Form::default() })
}

/// Collects any body, up to the limit.
pub(crate) async fn collect<B>(body: B, limits: BodyLimits) -> Result<Vec<u8>, Refusal>
where
    B: Body,
    B::Error: Display,
{
    let within = tokio::time::timeout(limits.read_timeout, collect_unhurried(body, limits.bytes)).await;
    within.unwrap_or_else(|_| {
        Err(Refusal::payload(format!("request took longer than {} s to arrive", limits.read_timeout.as_secs())))
    })
}

async fn collect_unhurried<B>(body: B, limit: usize) -> Result<Vec<u8>, Refusal>
where
    B: Body,
    B::Error: Display,
{
    let announced = body.size_hint().lower();
    let mut body = pin!(body);
    let mut collected = Vec::new();
    let mut dropped = 0;
    let mut too_large = announced > limit as u64;
    if announced > DRAIN_BYTES + limit as u64 {
        return Err(Refusal::payload(TOO_LARGE));
    }
    while let Some(frame) = body.as_mut().frame().await {
        let frame = frame.map_err(|error| {
            tracing::debug!(%error, "a request body broke off");
            Refusal::payload("request aborted")
        })?;
        let Ok(mut data) = frame.into_data() else {
            continue;
        };
        too_large |= collected.len() + data.remaining() > limit;
        if too_large {
            collected = Vec::new();
            dropped += data.remaining() as u64;
            if dropped > DRAIN_BYTES {
                break;
            }
            continue;
        }
        while data.has_remaining() {
            let chunk = data.chunk();
            collected.extend_from_slice(chunk);
            let length = chunk.len();
            data.advance(length);
        }
    }
    if too_large { Err(Refusal::payload(TOO_LARGE)) } else { Ok(collected) }
}

/// The charset of a JSON content type; `None` for any other type.
fn json_charset(content_type: &str) -> Option<String> {
    let mut parts = content_type.split(';');
    if !parts.next()?.trim().eq_ignore_ascii_case("application/json") {
        return None;
    }
    let charset =
        parts.filter_map(|part| part.split_once('=')).find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    Some(charset.map_or("utf-8", |(_, value)| value.trim().trim_matches('"')).to_owned())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Identity,
    Gzip,
    Deflate,
}

impl Encoding {
    fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let name = text(headers, header::CONTENT_ENCODING).unwrap_or_default().to_ascii_lowercase();
        match name.as_str() {
            "" | "identity" => Ok(Self::Identity),
            "gzip" => Ok(Self::Gzip),
            "deflate" => Ok(Self::Deflate),
            other => Err(Refusal::payload(format!("unsupported content encoding \"{other}\""))),
        }
    }

    /// Inflates `bytes`, to `limit` bytes at most.
    fn decode(self, bytes: Vec<u8>, limit: usize) -> Result<Vec<u8>, Refusal> {
        // Looked at first, as zlib does; the decoder would complain of the length of something short.
        if let [first, second, ..] = *bytes.as_slice()
            && !self.starts_with(first, second)
        {
            return Err(Refusal::payload("incorrect header check"));
        }
        match self {
            Self::Identity => Ok(bytes),
            Self::Gzip => inflate(MultiGzDecoder::new(bytes.as_slice()), limit),
            Self::Deflate => inflate(ZlibDecoder::new(bytes.as_slice()), limit),
        }
    }

    /// Whether the format may begin with these two bytes (RFC 1952 §2.3.1, RFC 1950 §2.2).
    fn starts_with(self, first: u8, second: u8) -> bool {
        match self {
            Self::Identity => true,
            Self::Gzip => [first, second] == [0x1f, 0x8b],
            Self::Deflate => first & 0x0f == 8 && u16::from_be_bytes([first, second]).is_multiple_of(31),
        }
    }
}

fn inflate(decoder: impl Read, limit: usize) -> Result<Vec<u8>, Refusal> {
    let mut inflated = Vec::new();
    decoder
        .take(limit as u64 + 1)
        .read_to_end(&mut inflated)
        .map_err(|error| Refusal::payload(inflate_reason(&error)))?;
    if inflated.len() > limit { Err(Refusal::payload(TOO_LARGE)) } else { Ok(inflated) }
}

/// zlib's words, as far as the decoder lets us tell its errors apart.
fn inflate_reason(error: &std::io::Error) -> &'static str {
    let text = error.to_string();
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => "unexpected end of file",
        _ if text.contains("header") => "incorrect header check",
        _ if text.contains("checksum") => "incorrect data check",
        _ => "invalid compressed data",
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::io::Write;

    use bytes::Bytes;
    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};
    use http_body_util::Full;
    use hyper::header::{HeaderName, HeaderValue};

    use super::*;

    const LIMITS: BodyLimits = BodyLimits { bytes: 100, read_timeout: Duration::from_secs(5) };

    async fn read(headers: &[(HeaderName, &'static str)], body: impl Into<Bytes>) -> Result<Value, String> {
        let mut map: HeaderMap =
            headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        let body = body.into();
        map.insert(header::CONTENT_LENGTH, body.len().into());
        read_json(&map, Full::new(body), LIMITS).await.map_err(|refusal| match refusal {
            Refusal::InvalidPayload { reason } => reason,
            other => panic!("{other:?}"),
        })
    }

    const JSON: (HeaderName, &str) = (header::CONTENT_TYPE, "application/json");

    #[tokio::test]
    async fn json_is_read() {
        assert_eq!(read(&[JSON], r#"{"a":1}"#).await, Ok(json!({ "a": 1 })));
        assert_eq!(read(&[JSON], "[1]").await, Ok(json!([1])));
        let spelled = (header::CONTENT_TYPE, "Application/JSON ; x=y; Charset=\"UTF-8\"");
        assert_eq!(read(&[spelled], "\u{feff}{\"a\":1}").await, Ok(json!({ "a": 1 })));
    }

    #[tokio::test]
    async fn other_types_and_empty_bodies_are_empty_objects() {
        for other in ["application/x-www-form-urlencoded", "text/plain", "application/vnd.api+json", "json", ""] {
            assert_eq!(read(&[(header::CONTENT_TYPE, other)], "{\"a\":1}").await, Ok(json!({})), "{other}");
        }
        assert_eq!(read(&[], "{\"a\":1}").await, Ok(json!({})));
        assert_eq!(read(&[JSON], "").await, Ok(json!({})));
        let nothing = read_json(&HeaderMap::new(), Full::<Bytes>::default(), LIMITS).await;
        assert_eq!(nothing, Ok(json!({})));
    }

    #[tokio::test]
    async fn bad_json_is_refused_in_javascripts_words() {
        assert_eq!(read(&[JSON], "{\"email\":").await, Err("Unexpected end of JSON input".to_owned()));
        assert_eq!(read(&[JSON], "null").await, Err("Unexpected token 'n', \"null\" is not valid JSON".to_owned()));
    }

    #[tokio::test]
    async fn charsets_and_encodings_that_are_not_known_are_named() {
        let latin = (header::CONTENT_TYPE, "application/json; charset=latin1");
        assert_eq!(read(&[latin], "{}").await, Err("unsupported charset \"LATIN1\"".to_owned()));
        for encoding in ["zstd", "br"] {
            let reason = format!("unsupported content encoding \"{encoding}\"");
            assert_eq!(read(&[JSON, (header::CONTENT_ENCODING, encoding)], "{}").await, Err(reason));
        }
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    const GZIP: (HeaderName, &str) = (header::CONTENT_ENCODING, "GZip");
    const DEFLATE: (HeaderName, &str) = (header::CONTENT_ENCODING, "deflate");

    #[tokio::test]
    async fn compressed_bodies_are_inflated() {
        assert_eq!(read(&[JSON, GZIP], gzip(r#"{"a":1}"#)).await, Ok(json!({ "a": 1 })));
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(b"[2]").unwrap();
        assert_eq!(read(&[JSON, DEFLATE], encoder.finish().unwrap()).await, Ok(json!([2])));
    }

    #[tokio::test]
    async fn broken_compression_is_refused_in_zlibs_words() {
        assert_eq!(read(&[JSON, GZIP], "abc").await, Err("incorrect header check".to_owned()));
        assert_eq!(read(&[JSON, DEFLATE], "abc").await, Err("incorrect header check".to_owned()));
        let mut cut = gzip(r#"{"a":"bcdefghijk"}"#);
        cut.truncate(cut.len() - 10);
        assert_eq!(read(&[JSON, GZIP], cut).await, Err("unexpected end of file".to_owned()));
        let mut flipped = gzip(r#"{"a":1}"#);
        let crc = flipped.len() - 6;
        flipped[crc] ^= 1;
        assert_eq!(read(&[JSON, GZIP], flipped).await, Err("incorrect data check".to_owned()));
    }

    #[tokio::test]
    async fn the_limit_holds_before_and_after_inflating() {
        let fits = format!("\"{}\"", "a".repeat(96));
        assert_eq!(read(&[JSON], format!("[{fits}]")).await, Ok(json!(["a".repeat(96)])));
        let large = "request entity too large".to_owned();
        assert_eq!(read(&[JSON], format!("[{fits} ]")).await, Err(large.clone()));
        let bomb = gzip(&format!("[\"{}\"]", "a".repeat(100_000)));
        let limits = BodyLimits { bytes: 1000, ..LIMITS };
        assert!(bomb.len() < limits.bytes);
        let headers = HeaderMap::from_iter([
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (header::CONTENT_ENCODING, HeaderValue::from_static("gzip")),
        ]);
        assert_eq!(read_json(&headers, Full::new(Bytes::from(bomb)), limits).await, Err(Refusal::payload(large)));
    }

    /// A body that sends `chunks` pieces of 60 bytes and does not say how many.
    struct Endless {
        chunks: usize,
    }

    impl Body for Endless {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            _context: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Infallible>>> {
            if self.chunks == 0 {
                return std::task::Poll::Pending;
            }
            self.chunks -= 1;
            std::task::Poll::Ready(Some(Ok(hyper::body::Frame::data(Bytes::from_static(&[b' '; 60])))))
        }
    }

    #[tokio::test]
    async fn a_body_without_length_is_cut_off() {
        let refusal = collect(Endless { chunks: usize::MAX }, LIMITS).await.unwrap_err();
        assert_eq!(refusal, Refusal::payload(TOO_LARGE));
    }

    #[tokio::test]
    async fn a_body_that_stops_arriving_is_given_up() {
        let limits = BodyLimits { read_timeout: Duration::from_millis(10), ..LIMITS };
        let refusal = collect(Endless { chunks: 1 }, limits).await.unwrap_err();
        assert_eq!(refusal.message(), "Invalid payload. request took longer than 0 s to arrive.");
    }

    proptest::proptest! {
        #[test]
        fn any_content_type_is_read_without_panic(content_type in "\\PC{0,40}") {
            let _ = json_charset(&content_type);
        }

        #[test]
        fn any_bytes_are_inflated_or_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..100)) {
            let _ = Encoding::Gzip.decode(bytes.clone(), 50);
            let _ = Encoding::Deflate.decode(bytes, 50);
        }
    }
}
