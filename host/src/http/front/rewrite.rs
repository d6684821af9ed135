//! Heads of requests and answers as they are passed on.
//!
//! Invariants: what belongs to one connection stays on it (RFC 9110, section 7.6.1), a length is told once, and an upgrade that
//! would let a client write requests of its own past this server (`h2c`) is never passed on. Deliberately absent: trailers of
//! requests, which applications merge with headers that were looked at before.

use super::{forwarded::Hop, identity::Names};
use hyper::{
    HeaderMap, Method, Request, Response, Uri, Version,
    header::{self, HeaderName, HeaderValue},
    http::{request::Parts, response},
};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// How we call ourselves in `Via` (RFC 9110, section 7.6.3), and the entry.
const SELF: &str = "gatewit";
const OURS: &str = "1.1 gatewit";

/// How often a request may have been here: twice is a chain that somebody wants, more is a circle.
const VISITS_MAX: usize = 3;

/// Why a request is not passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// `TRACE` would show a client what the application is told; `CONNECT` is for other proxies.
    Method,
    /// None, several, or another than the request's target names (RFC 9112, section 3.2).
    Host,
    /// It comes from here.
    Circle,
}

/// What a request is passed on with.
pub(super) struct Passage<'a> {
    pub(super) names: &'a Names,
    pub(super) hop: Hop,
    /// The `Host` that the application is told, where it is not the client's.
    pub(super) host: Option<&'a HeaderValue>,
}

impl Passage<'_> {
    /// The head of a request as it is passed on.
    pub(super) fn request(&self, parts: &Parts) -> Result<Request<()>, Unfit> {
        if matches!(parts.method, Method::TRACE | Method::CONNECT) {
            return Err(Unfit::Method);
        }
        let host = host(parts)?;
        let target = parts.uri.path_and_query().filter(|target| target.as_str().starts_with('/')).ok_or(Unfit::Host)?;
        let mut headers = HeaderMap::with_capacity(parts.headers.len() + 8);
        headers.insert(header::HOST, self.host.unwrap_or(host).clone());
        let listed = listed(&parts.headers);
        for (name, value) in &parts.headers {
            let stays = is_hop(name) || listed.iter().any(|other| name == other.as_str());
            let text = name.as_str();
            if !stays && *name != header::HOST && !self.names.reserve(text) && !self.hop.drops(text) {
                headers.append(name.clone(), value.clone());
            }
        }
        self.hop.tell(&mut headers, &parts.headers);
        via(&mut headers)?;
        if parts.headers.contains_key(header::TRANSFER_ENCODING) {
            // A length that was told besides is none (RFC 9112, section 6.3).
            headers.remove(header::CONTENT_LENGTH);
            headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        if let Some(protocol) = upgrade(&parts.headers) {
            headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(header::UPGRADE, protocol);
        }
        let mut request = Request::new(());
        *request.method_mut() = parts.method.clone();
        *request.uri_mut() = Uri::from(target.clone());
        *request.headers_mut() = headers;
        Ok(request)
    }
}

/// The one `Host` of a request.
fn host(parts: &Parts) -> Result<&HeaderValue, Unfit> {
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    let host = hosts.next().filter(|_| hosts.next().is_none()).ok_or(Unfit::Host)?;
    match parts.uri.authority() {
        Some(authority) if authority.as_str().as_bytes() != host.as_bytes() => Err(Unfit::Host),
        _ => Ok(host),
    }
}

/// The protocol that a client wants to go on with, if it may. HTTP in any version would be requests that nobody looks at.
pub(super) fn upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let protocol = headers.get(header::UPGRADE)?;
    let wants = listed(headers).iter().any(|name| name == "upgrade");
    let text = protocol.to_str().ok()?;
    let is_refused = |part: &str| {
        let part = part.trim().to_ascii_lowercase();
        part.is_empty() || ["h2", "http", "tls"].iter().any(|other| part.starts_with(other))
    };
    let is_one = headers.get_all(header::UPGRADE).iter().count() == 1;
    (wants && is_one && !text.split(',').any(is_refused)).then(|| protocol.clone())
}

/// What an application answers with, as it is passed back.
///
/// # Errors
/// Its length cannot be told to the client as it was told to us.
pub(super) fn answer(mut parts: response::Parts) -> Result<Response<()>, &'static str> {
    let headers = &mut parts.headers;
    let is_upgrade = parts.status.as_u16() == SWITCHING_PROTOCOLS;
    let protocol = headers.get(header::UPGRADE).cloned().filter(|_| is_upgrade);
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    if let Some(coding) = codings.next() {
        if !coding.as_bytes().eq_ignore_ascii_case(b"chunked") || codings.next().is_some() {
            return Err("it has a transfer coding that is not known");
        }
        headers.remove(header::CONTENT_LENGTH);
    }
    for name in listed(headers).iter().filter(|name| *name != "content-length") {
        headers.remove(name.as_str());
    }
    for name in HOP {
        headers.remove(name);
    }
    if let Some(protocol) = protocol {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, protocol);
    }
    let _ = via(headers);
    // HTTP/1.0 is between that application and us.
    parts.version = Version::HTTP_11;
    Ok(Response::from_parts(parts, ()))
}

/// The status with which a connection goes on with another protocol (RFC 9110, section 15.2.2).
pub(super) const SWITCHING_PROTOCOLS: u16 = 101;

/// Headers that belong to one connection.
const HOP: [HeaderName; 8] = [
    header::CONNECTION,
    KEEP_ALIVE,
    PROXY_CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Whether a header of a request stays here.
fn is_hop(name: &HeaderName) -> bool {
    HOP.contains(name) || *name == header::TRAILER
}

/// The names that `Connection` lists, in small letters.
fn listed(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(|name| name.trim().to_ascii_lowercase()).collect()
}

/// Adds us to those on the way.
fn via(headers: &mut HeaderMap) -> Result<(), Unfit> {
    if !headers.contains_key(header::VIA) {
        headers.insert(header::VIA, HeaderValue::from_static(OURS));
        return Ok(());
    }
    let mut list = Vec::new();
    for value in headers.get_all(header::VIA) {
        list.extend_from_slice(value.as_bytes());
        list.extend_from_slice(b", ");
    }
    let visits = String::from_utf8_lossy(&list).split(',').filter(|hop| hop.trim().ends_with(SELF)).count();
    if visits >= VISITS_MAX {
        return Err(Unfit::Circle);
    }
    list.extend_from_slice(OURS.as_bytes());
    headers.remove(header::VIA);
    headers.extend(HeaderValue::from_bytes(&list).ok().map(|list| (header::VIA, list)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(target: &'static str, pairs: &[(&'static str, &'static str)]) -> Parts {
        let mut request = Request::new(());
        *request.uri_mut() = Uri::from_static(target);
        for (name, value) in pairs {
            request.headers_mut().append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        request.into_parts().0
    }

    fn passed(target: &'static str, pairs: &[(&'static str, &'static str)]) -> Result<HeaderMap, Unfit> {
        let names = Names::new("X-Gatewit-").unwrap();
        let hop = Hop { peer: None, is_trusted: false };
        let passage = Passage { names: &names, hop, host: None };
        passage.request(&parts(target, pairs)).map(|request| request.headers().clone())
    }

    #[test]
    fn what_belongs_to_a_connection_stays_on_it() {
        let sent = [
            ("host", "a"),
            ("connection", "close, X-Secret"),
            ("connection", "X-Other"),
            ("x-secret", "1"),
            ("x-other", "1"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("proxy-authorization", "Basic x"),
            ("te", "trailers"),
            ("trailer", "x-gatewit-user"),
            ("upgrade", "h2c"),
            ("accept", "*/*"),
            ("cookie", "a=b"),
        ];
        let passed = passed("/", &sent).unwrap();
        let mut names: Vec<_> = passed.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "cookie", "host", "via", "x-forwarded-host", "x-forwarded-proto"]);
        assert_eq!(passed["via"], "1.1 gatewit");
    }

    #[test]
    fn who_somebody_is_never_comes_from_outside() {
        let sent = [("host", "a"), ("x-gatewit-user", "1"), ("x_gatewit_user", "1"), ("x.gatewit.admin", "true")];
        assert!(passed("/", &sent).unwrap().keys().all(|name| !name.as_str().contains("gatewit")));
    }

    #[test]
    fn a_request_names_one_host() {
        assert_eq!(passed("/", &[]).unwrap_err(), Unfit::Host);
        assert_eq!(passed("/", &[("host", "a"), ("host", "a")]).unwrap_err(), Unfit::Host);
        assert_eq!(passed("http://b/", &[("host", "a")]).unwrap_err(), Unfit::Host);
        assert_eq!(passed("*", &[("host", "a")]).unwrap_err(), Unfit::Host);
        assert_eq!(passed("http://a/x", &[("host", "a")]).unwrap()["host"], "a");
    }

    #[test]
    fn a_length_is_told_once() {
        let sent = [("host", "a"), ("transfer-encoding", "chunked"), ("content-length", "5")];
        let passed = passed("/", &sent).unwrap();
        assert!(!passed.contains_key("content-length"));
        assert_eq!(passed["transfer-encoding"], "chunked");
    }

    #[test]
    fn an_upgrade_is_passed_on_unless_it_is_http() {
        let wants = |protocol: &'static str| {
            let sent = [("host", "a"), ("connection", "keep-alive, Upgrade"), ("upgrade", protocol)];
            passed("/", &sent).unwrap().contains_key("upgrade")
        };
        for good in ["websocket", "WebSocket", "irc/6.9", "echo"] {
            assert!(wants(good), "{good}");
        }
        for bad in ["h2c", "H2C", "websocket, h2c", "HTTP/2.0", "TLS/1.0", "", "h2"] {
            assert!(!wants(bad), "{bad}");
        }
        assert!(!passed("/", &[("host", "a"), ("upgrade", "websocket")]).unwrap().contains_key("upgrade"));
    }

    #[test]
    fn a_circle_is_found() {
        assert!(passed("/", &[("host", "a"), ("via", "1.1 gatewit, 1.1 other")]).is_ok());
        let round = [("host", "a"), ("via", "1.1 gatewit, 1.1 gatewit"), ("via", "1.1 gatewit")];
        assert_eq!(passed("/", &round).unwrap_err(), Unfit::Circle);
    }

    fn answered(status: u16, pairs: &[(&'static str, &'static str)]) -> Result<HeaderMap, &'static str> {
        let mut response = Response::builder().status(status).body(()).unwrap();
        for (name, value) in pairs {
            response.headers_mut().append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        answer(response.into_parts().0).map(|response| response.headers().clone())
    }

    #[test]
    fn an_answer_keeps_what_is_the_client_s() {
        let sent = [
            ("connection", "close, x-mine"),
            ("x-mine", "1"),
            ("keep-alive", "1"),
            ("content-length", "3"),
            ("set-cookie", "a=b"),
        ];
        let headers = answered(200, &sent).unwrap();
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["content-length", "set-cookie", "via"]);
    }

    #[test]
    fn an_answer_of_two_lengths_has_one() {
        let headers = answered(200, &[("transfer-encoding", "chunked"), ("content-length", "3")]).unwrap();
        assert!(!headers.contains_key("content-length") && !headers.contains_key("transfer-encoding"));
        assert!(answered(200, &[("transfer-encoding", "gzip, chunked")]).is_err());
        assert!(answered(200, &[("transfer-encoding", "gzip"), ("transfer-encoding", "chunked")]).is_err());
    }

    #[test]
    fn only_an_upgrade_that_was_made_is_told() {
        let sent = [("connection", "upgrade"), ("upgrade", "websocket")];
        assert_eq!(answered(101, &sent).unwrap()["upgrade"], "websocket");
        assert!(!answered(426, &sent).unwrap().contains_key("upgrade"));
    }
}
