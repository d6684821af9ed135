//! Builds answers with the headers of the wire, in its order.
//!
//! A [`Reply`] says what is answered; [`Reply::into_response`] adds what depends on the policy and on the request (`HEAD`,
//! conditional requests). Invariant: a 204 or 304 has no body and no header about one. Deliberately absent: `Date`,
//! `Connection` and `Keep-Alive`, which belong to whoever owns the connection (`listener`, or the embedding server).

use bytes::Bytes;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{HeaderMap, Response, StatusCode};
use serde_json::Value;

use super::conditions::{Conditions, weak_etag};
use super::headers::HeaderPolicy;
use super::outgoing::Body;
use super::refusal::{self, Refusal};
use super::status::{self, Outcome};
use super::{percent, redirect};

const JSON: &str = "application/json; charset=utf-8";
const HEALTH: &str = "application/health+json; charset=utf-8";
const SVG: &str = "image/svg+xml; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const FILE: &str = "application/octet-stream; charset=utf-8";
const XML: &str = "text/xml; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
/// <https://prometheus.io/docs/specs/om/open_metrics_spec/>
const FIGURES: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone, Debug)]
struct Content {
    kind: &'static str,
    bytes: Bytes,
    etag: bool,
}

/// An answer before it is put on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    leading: Vec<(HeaderName, HeaderValue)>,
    cookies: Vec<HeaderValue>,
    location: Option<HeaderValue>,
    /// What the page may do, where that is not what others may.
    security: Option<HeaderValue>,
    /// Whether this is a successful answer of the API, which carries `Cache-Control` and `Vary`.
    api: bool,
    content: Option<Content>,
}

impl Reply {
    /// 200 with `body` as JSON, envelope included.
    pub(crate) fn json(body: &Value) -> Self {
        Self { api: true, ..Self::with_content(Outcome::Ok.status(), JSON, body.to_string()) }
    }

    /// 200 with `body` as JSON, without a word on caching.
    pub(crate) fn plain(body: &Value) -> Self {
        Self::with_content(Outcome::Ok.status(), JSON, body.to_string())
    }

    /// 200 with an envelope around `data`, which is JSON already.
    pub(crate) fn data(data: &str) -> Self {
        Self { api: true, ..Self::with_content(Outcome::Ok.status(), JSON, format!("{{\"data\":{data}}}")) }
    }

    /// 200 with an envelope around `data`, which is JSON already, and what was counted.
    pub(crate) fn data_with(meta: &Value, data: &str) -> Self {
        let body = format!("{{\"meta\":{meta},\"data\":{data}}}");
        Self { api: true, ..Self::with_content(Outcome::Ok.status(), JSON, body) }
    }

    /// 200 with a picture.
    pub(crate) fn picture(svg: String) -> Self {
        Self { api: true, ..Self::with_content(Outcome::Ok.status(), SVG, svg) }
    }

    /// 200 with a text to be kept as a file of this name.
    pub(crate) fn file(name: &str, text: String) -> Self {
        let disposition = format!("attachment; filename=\"{name}\"");
        Self::with_content(Outcome::Ok.status(), FILE, text).with_header(header::CONTENT_DISPOSITION, &disposition)
    }

    /// 204.
    pub(crate) fn no_content() -> Self {
        Self { api: true, ..Self::empty(Outcome::NoContent.status()) }
    }

    /// 200 without a body, and nothing to keep.
    pub(crate) fn acknowledged() -> Self {
        Self::empty(Outcome::Ok.status()).with_header(header::CACHE_CONTROL, "no-store")
    }

    /// The answer to a refused request. No refusal at all is a mistake of the caller and answered as an internal error.
    pub(crate) fn refused(refusals: &[Refusal]) -> Self {
        let refusals = if refusals.is_empty() { &[Refusal::InternalServerError] } else { refusals };
        let body = refusal::envelope(refusals).to_string();
        let mut reply = Self::with_content(status::of_all(refusals), JSON, body);
        for refusal in refusals {
            if let Some(seconds) = refusal.retry_after_seconds() {
                reply.leading.push((header::RETRY_AFTER, seconds.into()));
            }
            if let Refusal::MethodNotAllowed { allowed, .. } = refusal {
                reply = reply.with_header(header::ALLOW, &allowed.join(", "));
            }
        }
        reply
    }

    /// `pong`.
    pub(crate) fn pong() -> Self {
        Self::with_content(Outcome::Ok.status(), HTML, "pong")
    }

    /// The rules for crawlers: nothing here is for them.
    pub(crate) fn robots() -> Self {
        Self::with_content(Outcome::Ok.status(), TEXT, "User-agent: *\nDisallow: /")
    }

    /// A health report; unhealthy is a 503 with the same form.
    pub(crate) fn health(body: &Value, healthy: bool) -> Self {
        let outcome = if healthy { Outcome::Ok } else { Outcome::Unhealthy };
        Self { api: true, ..Self::with_content(outcome.status(), HEALTH, body.to_string()) }
    }

    /// The answer to `OPTIONS` without CORS; `allow` is the list of methods, such as `GET,HEAD`.
    pub(crate) fn options(allow: &str) -> Self {
        Self::with_content(Outcome::Ok.status(), HTML, allow.to_owned()).with_header(header::ALLOW, allow)
    }

    /// Sends the browser to `location`. `accept` is the request's header.
    pub(crate) fn redirect(outcome: Outcome, location: &str, accept: Option<&HeaderValue>) -> Self {
        let location = percent::encode_location(location);
        let status = outcome.status();
        let reason = status.canonical_reason().unwrap_or_default();
        let accept = accept.and_then(|value| value.to_str().ok());
        let content = redirect::body(reason, &location, accept).map(|(kind, body)| Content {
            kind,
            bytes: body.into(),
            etag: false,
        });
        Self {
            // What `encode_location` returns is plain ASCII; should that change, the answer lacks the header and goes nowhere.
            location: HeaderValue::from_str(&location).ok(),
            content,
            ..Self::empty(status)
        }
    }

    /// 200 with a page that may do what `security` says (Content Security Policy Level 3) and that nobody keeps.
    pub(crate) fn page(html: String, security: &str) -> Self {
        let content = Content { kind: HTML, bytes: html.into(), etag: false };
        let page = Self { content: Some(content), ..Self::empty(Outcome::Ok.status()) };
        let security = HeaderValue::from_str(security).ok();
        Self { security, ..page.with_header(header::CACHE_CONTROL, "no-store") }
    }

    /// A file as it is.
    pub(crate) fn document(outcome: Outcome, kind: &'static str, bytes: impl Into<Bytes>) -> Self {
        Self::with_content(outcome.status(), kind, bytes)
    }

    /// The same as a page that may do what `security` says.
    pub(crate) fn secured(self, security: &str) -> Self {
        Self { security: HeaderValue::from_str(security).ok(), ..self }
    }

    /// 200 with a document of XML.
    pub(crate) fn xml(text: String) -> Self {
        Self::with_content(Outcome::Ok.status(), XML, text)
    }

    /// 200 with figures for Prometheus.
    pub(crate) fn figures(text: String) -> Self {
        Self { api: true, ..Self::with_content(Outcome::Ok.status(), FIGURES, text) }
    }

    /// Adds a header behind those of the policy, such as one of CORS. A value that cannot be sent is left out.
    pub(crate) fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.leading.push((name, value));
        }
        self
    }

    /// Adds a `Set-Cookie`, see `cookies`.
    pub(crate) fn with_cookie(mut self, cookie: HeaderValue) -> Self {
        self.cookies.push(cookie);
        self
    }

    /// The answer to a preflight: nothing but what [`Reply::opened_with`] adds.
    pub(crate) fn preflight() -> Self {
        Self::empty(Outcome::NoContent.status())
    }

    /// Puts headers before all others but those of the policy: those of CORS.
    pub(crate) fn opened_with(mut self, headers: Vec<(HeaderName, HeaderValue)>) -> Self {
        self.leading.splice(0..0, headers);
        self
    }

    /// The status that will be sent, for the log.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// Puts the answer on the wire.
    pub(crate) fn into_response(self, policy: &HeaderPolicy, conditions: &Conditions) -> Response<Body> {
        self.into_bytes(policy, conditions).map(Body::whole)
    }

    /// The same for bodies of another kind.
    pub(crate) fn into_bytes(self, policy: &HeaderPolicy, conditions: &Conditions) -> Response<Bytes> {
        let mut headers = HeaderMap::new();
        policy.apply(&mut headers);
        if let Some(security) = self.security {
            headers.insert(header::CONTENT_SECURITY_POLICY, security);
        }
        headers.extend(self.leading);
        for cookie in self.cookies {
            headers.append(header::SET_COOKIE, cookie);
        }
        if let Some(location) = self.location {
            headers.insert(header::LOCATION, location);
            let varies = if headers.contains_key(header::VARY) { "Origin, Accept" } else { "Accept" };
            headers.insert(header::VARY, HeaderValue::from_static(varies));
        }
        // The health report is the one answer whose type is set before its caching.
        if let Some(content) = self.content.as_ref().filter(|content| content.kind == HEALTH) {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content.kind));
        }
        if self.api {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            headers.insert(header::VARY, HeaderValue::from_static("Origin, Cache-Control"));
        }
        let (status, bytes) = finish(self.status, self.content, conditions, &mut headers);
        let mut response = Response::new(bytes);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }

    fn empty(status: StatusCode) -> Self {
        Self {
            status,
            leading: Vec::new(),
            cookies: Vec::new(),
            location: None,
            security: None,
            api: false,
            content: None,
        }
    }

    fn with_content(status: StatusCode, kind: &'static str, bytes: impl Into<Bytes>) -> Self {
        let content = Content { kind, bytes: bytes.into(), etag: true };
        Self { content: Some(content), ..Self::empty(status) }
    }
}

/// Adds the headers about the body, and decides whether a body is sent at all.
fn finish(
    status: StatusCode,
    content: Option<Content>,
    conditions: &Conditions,
    headers: &mut HeaderMap,
) -> (StatusCode, Bytes) {
    let Some(content) = content else {
        return (status, Bytes::new());
    };
    let etag = content.etag.then(|| weak_etag(&content.bytes));
    if let Some(etag) = etag.as_ref().filter(|etag| status.is_success() && conditions.is_fresh(etag)) {
        headers.remove(header::CONTENT_TYPE);
        headers.extend(HeaderValue::from_str(etag).ok().map(|etag| (header::ETAG, etag)));
        return (Outcome::NotModified.status(), Bytes::new());
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content.kind));
    headers.insert(header::CONTENT_LENGTH, content.bytes.len().into());
    headers.extend(etag.and_then(|etag| HeaderValue::from_str(&etag).ok()).map(|etag| (header::ETAG, etag)));
    (status, if conditions.is_head() { Bytes::new() } else { content.bytes })
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use http_body_util::BodyExt as _;
    use hyper::Method;
    use serde_json::json;

    use super::*;

    fn policy() -> HeaderPolicy {
        HeaderPolicy::new(&[], true, None).unwrap()
    }

    fn render(reply: Reply, conditions: &Conditions) -> String {
        let response = reply.into_response(&policy(), conditions);
        let status = response.status();
        let mut text = format!("{status}\n");
        for (name, value) in response.headers() {
            let value = value.to_str().unwrap();
            let value = if value.len() > 200 { "…" } else { value };
            text.extend([name.as_str(), ": ", value, "\n"]);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let body = runtime.block_on(response.into_body().collect()).unwrap().to_bytes();
        text + "\n" + std::str::from_utf8(&body).unwrap()
    }

    fn check(reply: Reply, expected: &Expect) {
        expected.assert_eq(&render(reply, &Conditions::default()));
    }

    #[test]
    fn json_carries_caching_type_length_and_etag() {
        check(
            Reply::json(&json!({ "data": [], "disableDefault": false })),
            &expect![[r#"
                200 OK
                content-security-policy: …
                cross-origin-opener-policy: same-origin-allow-popups
                x-powered-by: Directus
                cache-control: no-cache
                vary: Origin, Cache-Control
                content-type: application/json; charset=utf-8
                content-length: 34
                etag: W/"22-O1BaNaG7zIwtn+iaxMwyk71bs0c"

                {"data":[],"disableDefault":false}"#]],
        );
    }

    #[test]
    fn a_refusal_carries_no_caching() {
        check(
            Reply::refused(&[Refusal::InvalidCredentials]).with_cookie(HeaderValue::from_static("a=; Path=/")),
            &expect![[r#"
                401 Unauthorized
                content-security-policy: …
                cross-origin-opener-policy: same-origin-allow-popups
                x-powered-by: Directus
                set-cookie: a=; Path=/
                content-type: application/json; charset=utf-8
                content-length: 96
                etag: W/"60-SpvBqFAbsdy4SkXwsevzfPClFZA"

                {"errors":[{"message":"Invalid user credentials.","extensions":{"code":"INVALID_CREDENTIALS"}}]}"#]],
        );
    }

    #[test]
    fn no_content_has_no_header_about_a_body() {
        let cookies = Reply::no_content()
            .with_cookie(HeaderValue::from_static("r=; Path=/"))
            .with_cookie(HeaderValue::from_static("s=; Path=/"));
        check(
            cookies,
            &expect![[r"
                204 No Content
                content-security-policy: …
                cross-origin-opener-policy: same-origin-allow-popups
                x-powered-by: Directus
                set-cookie: r=; Path=/
                set-cookie: s=; Path=/
                cache-control: no-cache
                vary: Origin, Cache-Control

            "]],
        );
    }

    #[test]
    fn pong_and_robots_are_not_part_of_the_api() {
        check(
            Reply::pong(),
            &expect![[r#"
                200 OK
                content-security-policy: …
                cross-origin-opener-policy: same-origin-allow-popups
                x-powered-by: Directus
                content-type: text/html; charset=utf-8
                content-length: 4
                etag: W/"4-DlFKBmK8tp3IY5U9HOJuPUDoGoc"

                pong"#]],
        );
        assert!(
            render(Reply::robots(), &Conditions::default()).contains(r#"etag: W/"19-2NTlN/votVlrfMtAaltZ799LfR0""#)
        );
    }

    #[test]
    fn options_lists_methods_twice() {
        check(
            Reply::options("POST"),
            &expect![[r#"
                200 OK
                content-security-policy: …
                cross-origin-opener-policy: same-origin-allow-popups
                x-powered-by: Directus
                allow: POST
                content-type: text/html; charset=utf-8
                content-length: 4
                etag: W/"4-Yf+Bwwqjx254r+pisuO9HfpJ6FQ"

                POST"#]],
        );
    }

    #[test]
    fn health_has_a_type_of_its_own_and_names_it_early() {
        check(
            Reply::health(&json!({ "status": "ok" }), true),
            &expect![[r#"
                200 OK
                content-security-policy: …
                cross-origin-opener-policy: same-origin-allow-popups
                x-powered-by: Directus
                content-type: application/health+json; charset=utf-8
                cache-control: no-cache
                vary: Origin, Cache-Control
                content-length: 15
                etag: W/"f-VaSQ4oDUiZblZNAEkkN+sX+q3Sg"

                {"status":"ok"}"#]],
        );
        let unhealthy = render(Reply::health(&json!({ "status": "error" }), false), &Conditions::default());
        assert!(unhealthy.starts_with("503"), "{unhealthy}");
    }

    #[test]
    fn a_redirect_has_neither_caching_nor_etag() {
        check(
            Reply::redirect(Outcome::Found, "./admin", Some(&HeaderValue::from_static("*/*"))),
            &expect![[r"
                302 Found
                content-security-policy: …
                cross-origin-opener-policy: same-origin-allow-popups
                x-powered-by: Directus
                location: ./admin
                vary: Accept
                content-type: text/plain; charset=utf-8
                content-length: 29

                Found. Redirecting to ./admin"]],
        );
    }

    #[test]
    fn a_location_cannot_smuggle_a_header() {
        let reply = Reply::redirect(Outcome::Found, "/a\r\nSet-Cookie: x=y é", None);
        assert_eq!(reply.location.unwrap(), "/a%0D%0ASet-Cookie:%20x=y%20%C3%A9");
    }

    #[test]
    fn refusals_bring_retry_after_and_allow() {
        let busy = render(Reply::refused(&[Refusal::under_pressure(1)]), &Conditions::default());
        assert!(busy.starts_with("503") && busy.contains("retry-after: 1\ncontent-type"), "{busy}");
        let refusal = Refusal::MethodNotAllowed { allowed: vec!["GET", "POST"], current: "PUT".to_owned() };
        let method = render(Reply::refused(&[refusal]), &Conditions::default());
        assert!(method.starts_with("405") && method.contains("allow: GET, POST\n"), "{method}");
    }

    #[test]
    fn headers_of_cors_come_first_and_their_vary_is_widened_where_it_stands() {
        let cors = || {
            let origin = (header::VARY, HeaderValue::from_static("Origin"));
            vec![origin, (header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("1"))]
        };
        let text = render(Reply::json(&json!({})).opened_with(cors()), &Conditions::default());
        assert!(
            text.contains("vary: Origin, Cache-Control\naccess-control-max-age: 1\ncache-control: no-cache\n"),
            "{text}"
        );
        let busy = Reply::refused(&[Refusal::under_pressure(1)]).opened_with(cors());
        let text = render(busy, &Conditions::default());
        assert!(text.contains("vary: Origin\naccess-control-max-age: 1\nretry-after: 1\ncontent-type"), "{text}");
        let elsewhere = render(Reply::redirect(Outcome::Found, "/", None).opened_with(cors()), &Conditions::default());
        assert!(elsewhere.contains("vary: Origin, Accept\n"), "{elsewhere}");
        let preflight = render(Reply::preflight().opened_with(cors()), &Conditions::default());
        assert!(preflight.starts_with("204") && preflight.ends_with("access-control-max-age: 1\n\n"), "{preflight}");
    }

    #[test]
    fn head_has_the_headers_of_get() {
        let head = render(Reply::pong(), &Conditions::of(&Method::HEAD, &HeaderMap::new()));
        assert!(head.contains("content-length: 4\n") && head.ends_with("\n\n"), "{head}");
    }

    #[test]
    fn a_known_etag_is_not_sent_again() {
        let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_static("*"))]);
        let conditions = Conditions::of(&Method::GET, &headers);
        let answer = render(Reply::pong(), &conditions);
        assert!(answer.starts_with("304") && answer.contains("etag: W/"), "{answer}");
        assert!(!answer.contains("content-type") && !answer.contains("content-length"), "{answer}");
        assert!(render(Reply::refused(&[Refusal::InvalidToken]), &conditions).starts_with("403"));
    }
}
