//! An answer against what was recorded: pure, and every difference at once.
//!
//! Compared: status, all headers with their order (names without regard to case, RFC 9110 §5.1), cookies, the body to
//! the byte, the claims of every token, the entity tag by computing it again, times against the moment of the request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha1::Digest as _;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::binding::{Bindings, Piece, pieces};
use crate::client::Response;
use crate::fixture::{Expect, Headers};
use crate::tokens;

/// Letters of a nanoid.
const OPAQUE_LENGTH: usize = 64;

/// When a request was sent and its answer received, in seconds since 1970. A server's "now" lies between, give or take
/// the second that rounding costs.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Sent.
    pub sent: i64,
    /// Received.
    pub received: i64,
}

impl Window {
    fn has(self, moment: i64) -> bool {
        (self.sent - 1..=self.received + 1).contains(&moment)
    }
}

/// One answer to be compared.
pub struct Comparison<'a> {
    /// What must come.
    pub expect: &'a Expect,
    /// All headers that must come.
    pub headers: &'a Headers,
    /// What came.
    pub answer: &'a Response,
    /// Whether the request was `HEAD`.
    pub head: bool,
    /// The server's `LOGIN_STALL_TIME` in milliseconds.
    pub stall_ms: u128,
    /// When.
    pub window: Window,
}

impl Comparison<'_> {
    /// What differs, as `field: expected … got …`; binds the names that the answer gives a value.
    pub fn differences(&self, bindings: &mut Bindings) -> Vec<String> {
        let mut found = Vec::new();
        let (expect, answer) = (self.expect, self.answer);
        if answer.status != expect.status {
            found.push(difference("status", expect.status, format!("{} {}", answer.status, answer.text())));
            return found;
        }
        self.body(bindings, &mut found);
        self.headers(bindings, &mut found);
        let elapsed = answer.elapsed.as_millis();
        if expect.stalled && elapsed < self.stall_ms {
            found.push(difference("time", format!("at least {} ms", self.stall_ms), format!("{elapsed} ms")));
        }
        found
    }

    fn body(&self, bindings: &mut Bindings, found: &mut Vec<String>) {
        let text = self.answer.text();
        let Some(expected) = &self.expect.json else {
            let expected = if self.head { "" } else { self.expect.text.as_deref().unwrap_or_default() };
            if text != expected {
                found.push(difference("body", quoted(expected), quoted(&text)));
            }
            return;
        };
        match serde_json::from_str::<Value>(&text) {
            Err(_) => found.push(difference("body", expected, quoted(&text))),
            Ok(got) => {
                if format!("{got}") != text {
                    found.push(difference("body", "compact JSON", quoted(&text)));
                }
                self.json("body", expected, &got, bindings, found);
            }
        }
    }

    fn headers(&self, bindings: &mut Bindings, found: &mut Vec<String>) {
        let names = |headers: &Headers| headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect::<Vec<_>>();
        let (expected, got) = (names(self.headers), names(&self.answer.headers));
        if expected != got {
            found.push(difference("headers", expected.join(" "), got.join(" ")));
        }
        let mut seen: Vec<&str> = Vec::new();
        for (name, expected) in self.headers {
            let nth = seen.iter().filter(|earlier| earlier.eq_ignore_ascii_case(name)).count();
            seen.push(name);
            if let Some(got) = self.answer.all(name).nth(nth) {
                self.text(&format!("header {name}"), expected, got, bindings, found);
            }
        }
    }

    /// Compares two JSON values; `at` is the path so far.
    fn json(&self, at: &str, expected: &Value, got: &Value, bindings: &mut Bindings, found: &mut Vec<String>) {
        match (expected, got) {
            (Value::String(kind), Value::Object(_)) if kind == "{{object}}" => {}
            (Value::String(kind), Value::Number(moment)) if kind == "{{now}}" => {
                if !moment.as_i64().is_some_and(|moment| self.window.has(moment)) {
                    found.push(difference(at, format!("about {}", self.window.received), got));
                }
            }
            (Value::String(expected), Value::String(got)) => self.text(at, expected, got, bindings, found),
            (Value::Array(wanted), Value::Array(items)) if wanted.len() == items.len() => {
                for (index, (expected, got)) in wanted.iter().zip(items).enumerate() {
                    self.json(&format!("{at}[{index}]"), expected, got, bindings, found);
                }
            }
            (Value::Object(wanted), Value::Object(fields)) => {
                let known = |key: &&String| !self.expect.open || wanted.contains_key(key.as_str());
                let (want, have): (Vec<_>, Vec<_>) = (wanted.keys().collect(), fields.keys().filter(known).collect());
                if want != have {
                    found.push(difference(&format!("{at} keys"), format!("{want:?}"), format!("{have:?}")));
                }
                for (key, expected) in wanted {
                    if let Some(got) = fields.get(key) {
                        self.json(&format!("{at}.{key}"), expected, got, bindings, found);
                    }
                }
            }
            _ if expected == got => {}
            _ => found.push(difference(at, expected, got)),
        }
    }

    /// Compares a text that may have names in it: each stands for what is there up to the next piece of plain text.
    fn text(&self, at: &str, expected: &str, got: &str, bindings: &mut Bindings, found: &mut Vec<String>) {
        let mut rest = got;
        let pieces = pieces(expected);
        for (index, piece) in pieces.iter().enumerate() {
            match piece {
                Piece::Text(plain) => match rest.strip_prefix(plain) {
                    Some(after) => rest = after,
                    None => return found.push(difference(at, quoted(expected), quoted(got))),
                },
                Piece::Name(name) => {
                    let end = match pieces.get(index + 1) {
                        Some(Piece::Text(plain)) => rest.find(plain).unwrap_or(rest.len()),
                        _ => rest.len(),
                    };
                    let (value, after) = rest.split_at(end);
                    self.name(at, name, value, bindings, found);
                    rest = after;
                }
            }
        }
        if !rest.is_empty() {
            found.push(difference(at, quoted(expected), quoted(got)));
        }
    }

    fn name(&self, at: &str, name: &str, value: &str, bindings: &mut Bindings, found: &mut Vec<String>) {
        let kind = name.split(['#', '+']).next().unwrap_or_default();
        match kind {
            "refresh_token" | "session" => self::opaque(at, name, value, bindings, found),
            "access_token" | "session_token" => self.token(at, name, value, bindings, found),
            "date" => {
                let offset = name.strip_prefix("date+").map_or(0, |seconds| seconds.parse().unwrap_or(i64::MIN));
                if !http_date(value).is_some_and(|moment| self.window.has(moment.saturating_sub(offset))) {
                    found.push(difference(at, format!("the request's time + {offset} s"), quoted(value)));
                }
            }
            "etag" => self.computed(at, &entity_tag(&self.measured_body()), value, found),
            "length" => self.computed(at, &self.measured_body().len().to_string(), value, found),
            "string" if !value.is_empty() => {}
            _ => found.push(difference(at, format!("{{{{{name}}}}}"), quoted(value))),
        }
    }

    #[expect(clippy::unused_self, reason = "reads as its neighbours do")]
    fn computed(&self, at: &str, expected: &str, got: &str, found: &mut Vec<String>) {
        if expected != got {
            found.push(difference(at, quoted(expected), quoted(got)));
        }
    }

    fn token(&self, at: &str, name: &str, value: &str, bindings: &mut Bindings, found: &mut Vec<String>) {
        bindings.bind(name, value);
        let at = format!("{at} ({name})");
        let (header, text) = match tokens::open(value, &bindings.secret) {
            Ok(parts) => parts,
            Err(error) => return found.push(difference(&at, "a signed token", format!("{error}: {value:?}"))),
        };
        self.computed(&format!("{at} header"), r#"{"alg":"HS256","typ":"JWT"}"#, &header, found);
        let Ok(got) = serde_json::from_str::<Value>(&text) else {
            return found.push(difference(&at, "JSON claims", quoted(&text)));
        };
        if format!("{got}") != text {
            found.push(difference(&at, "compact JSON claims", quoted(&text)));
        }
        let mut expected = self.expect.tokens.get(name).cloned().unwrap_or_default();
        if let Some((lifetime, issued)) = lifetime(&expected).zip(got["iat"].as_i64()) {
            expected["exp"] = (issued + lifetime).into();
        }
        self.json(&at, &expected, &got, bindings, found);
    }

    /// The body whose length and tag the headers state: for `HEAD`, what `GET` would have sent.
    fn measured_body(&self) -> Vec<u8> {
        if self.head { self.expect.text.clone().unwrap_or_default().into_bytes() } else { self.answer.body.clone() }
    }
}

/// The seconds in `"exp": "{{iat+seconds}}"`.
fn lifetime(claims: &Value) -> Option<i64> {
    claims.get("exp")?.as_str()?.strip_prefix("{{iat+")?.strip_suffix("}}")?.parse().ok()
}

fn opaque(at: &str, name: &str, value: &str, bindings: &mut Bindings, found: &mut Vec<String>) {
    let letters = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    match bindings.get(name) {
        Some(bound) if bound != value => {
            found.push(difference(at, format!("{name}, which is {bound:?}"), quoted(value)));
        }
        None if !letters || value.len() != OPAQUE_LENGTH => {
            found.push(difference(at, format!("{OPAQUE_LENGTH} letters of A-Za-z0-9_-"), quoted(value)));
        }
        _ => bindings.bind(name, value),
    }
}

/// `W/"<length in hex>-<27 letters of the Base64 of the SHA-1>"`.
#[must_use]
pub fn entity_tag(body: &[u8]) -> String {
    let hash = STANDARD.encode(sha1::Sha1::digest(body));
    format!("W/\"{:x}-{}\"", body.len(), &hash[..27])
}

/// Seconds since 1970 of an IMF-fixdate (RFC 9110 §5.6.7): RFC 2822 with the zone written `GMT`.
fn http_date(text: &str) -> Option<i64> {
    let date = text.strip_suffix(" GMT")?;
    Some(OffsetDateTime::parse(&format!("{date} +0000"), &Rfc2822).ok()?.unix_timestamp())
}

/// Now, in seconds since 1970.
#[must_use]
pub fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

fn difference(field: &str, expected: impl std::fmt::Display, got: impl std::fmt::Display) -> String {
    format!("{field}: expected {expected}, got {got}")
}

fn quoted(text: &str) -> String {
    format!("{text:?}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::Algorithm::HS256;
    use serde_json::json;
    use std::collections::BTreeMap;
    use std::time::Duration;

    const OPAQUE: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA_-";

    fn bindings() -> Bindings {
        Bindings::new("secret", &BTreeMap::new(), 0).unwrap()
    }

    fn expect(value: Value) -> Expect {
        serde_json::from_value(value).unwrap()
    }

    fn headers(list: &[(&str, &str)]) -> Headers {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn compare(expect: &Expect, wanted: &Headers, answer: &Response, bindings: &mut Bindings) -> Vec<String> {
        let window = Window { sent: 1_000, received: 1_001 };
        Comparison { expect, headers: wanted, answer, head: false, stall_ms: 60, window }.differences(bindings)
    }

    fn body(expected: &Value, got: &str, bindings: &mut Bindings) -> Vec<String> {
        let expect = expect(json!({"status": 200, "headers": [], "json": expected}));
        compare(&expect, &Headers::new(), &Response { status: 200, body: got.into(), ..Response::default() }, bindings)
    }

    #[test]
    fn an_equal_body_has_no_difference_and_another_order_of_keys_has() {
        let expected = json!({"b": 1, "a": [null, "x"]});
        assert_eq!(body(&expected, r#"{"b":1,"a":[null,"x"]}"#, &mut bindings()), Vec::<String>::new());
        let swapped = body(&expected, r#"{"a":[null,"x"],"b":1}"#, &mut bindings());
        assert_eq!(swapped, [r#"body keys: expected ["b", "a"], got ["a", "b"]"#]);
        let spaced = body(&expected, r#"{"b": 1,"a":[null,"x"]}"#, &mut bindings());
        assert!(spaced[0].starts_with("body: expected compact JSON"), "{spaced:?}");
        let deep = body(&expected, r#"{"b":1,"a":[null,"y"]}"#, &mut bindings());
        assert_eq!(deep, [r#"body.a[1]: expected "x", got "y""#]);
    }

    #[test]
    fn all_differences_come_at_once_but_another_status_comes_alone() {
        let expect = expect(json!({"status": 200, "headers": [], "text": "pong", "stalled": true}));
        let wanted = headers(&[("X-Powered-By", "Directus"), ("Vary", "Origin")]);
        let answer = Response { status: 200, body: b"ping".into(), ..Response::default() };
        let answer = Response { headers: headers(&[("vary", "*")]), elapsed: Duration::from_millis(59), ..answer };
        let all = compare(&expect, &wanted, &answer, &mut bindings());
        assert_eq!(
            all,
            [
                r#"body: expected "pong", got "ping""#,
                "headers: expected x-powered-by vary, got vary",
                r#"header Vary: expected "Origin", got "*""#,
                "time: expected at least 60 ms, got 59 ms",
            ]
        );
        let other = compare(&expect, &wanted, &Response { status: 500, ..answer }, &mut bindings());
        assert_eq!(other, ["status: expected 200, got 500 ping"]);
    }

    #[test]
    fn an_opaque_token_is_bound_once_and_must_stay_the_same() {
        let mut bindings = bindings();
        let expected = json!({"refresh_token": "{{refresh_token#1}}"});
        let good = format!(r#"{{"refresh_token":"{OPAQUE}"}}"#);
        assert_eq!(body(&expected, &good, &mut bindings), Vec::<String>::new());
        assert_eq!(bindings.get("refresh_token#1"), Some(OPAQUE));
        assert_eq!(body(&expected, &good.replace('-', "x"), &mut bindings).len(), 1);
        let short = body(&json!("{{session#1}}"), r#""short""#, &mut bindings);
        assert_eq!(short, [r#"body: expected 64 letters of A-Za-z0-9_-, got "short""#]);
    }

    #[test]
    fn the_claims_of_a_token_are_compared_with_order_and_lifetime() {
        let expect = expect(json!({
            "status": 200, "headers": [], "json": "{{access_token#1}}",
            "tokens": {"access_token#1": {"id": "x", "iat": "{{now}}", "exp": "{{iat+900}}"}},
        }));
        let check = |claims: Value, key: &str| {
            let body = format!("{:?}", tokens::forge(HS256, HS256, key, &claims)).into_bytes();
            compare(&expect, &Headers::new(), &Response { status: 200, body, ..Response::default() }, &mut bindings())
        };
        assert_eq!(check(json!({"id": "x", "iat": 1_000, "exp": 1_900}), "secret"), Vec::<String>::new());
        let long = check(json!({"id": "x", "iat": 1_000, "exp": 1_901}), "secret");
        assert_eq!(long, ["body (access_token#1).exp: expected 1900, got 1901"]);
        let old = check(json!({"id": "x", "iat": 10, "exp": 910}), "secret");
        assert_eq!(old, ["body (access_token#1).iat: expected about 1001, got 10"]);
        let order = check(json!({"iat": 1_000, "exp": 1_900, "id": "x"}), "secret");
        assert!(order[0].starts_with("body (access_token#1) keys: expected"), "{order:?}");
        let key = check(json!({"id": "x", "iat": 1_000, "exp": 1_900}), "other");
        assert!(key[0].contains("expected a signed token"), "{key:?}");
    }

    #[test]
    fn a_cookie_is_compared_piece_by_piece() {
        let expect = expect(json!({"status": 204, "headers": []}));
        let wanted = headers(&[("Set-Cookie", "n={{refresh_token#1}}; Max-Age=5; Expires={{date+5}}; HttpOnly")]);
        let check = |cookie: String| {
            let headers = headers(&[("set-cookie", &cookie)]);
            compare(&expect, &wanted, &Response { status: 204, headers, ..Response::default() }, &mut bindings())
        };
        let good = format!("n={OPAQUE}; Max-Age=5; Expires=Thu, 01 Jan 1970 00:16:45 GMT; HttpOnly");
        assert_eq!(check(good.clone()), Vec::<String>::new());
        assert_eq!(check(good.replace("; HttpOnly", "")).len(), 1);
        assert_eq!(check(format!("{good}; Secure")).len(), 1);
        let late = check(good.replace("16:45", "16:55"));
        assert_eq!(late[0].split(':').next(), Some("header Set-Cookie"));
    }

    #[test]
    fn an_entity_tag_is_computed_again() {
        let error = r#"{"errors":[{"message":"Token expired.","extensions":{"code":"TOKEN_EXPIRED"}}]}"#;
        assert_eq!(entity_tag(error.as_bytes()), "W/\"4f-lsLidoCOOiTyDVjYkFZzRb1La9s\"");
        let expect = expect(json!({"status": 200, "headers": [], "text": "pong"}));
        let wanted = headers(&[("Content-Length", "{{length}}"), ("ETag", "{{etag}}")]);
        let check = |tag: &str, head: bool| {
            let body = if head { Vec::new() } else { b"pong".to_vec() };
            let headers = headers(&[("Content-Length", "4"), ("etag", tag)]);
            let answer = Response { status: 200, headers, body, ..Response::default() };
            let window = Window { sent: 0, received: 0 };
            let comparison =
                Comparison { expect: &expect, headers: &wanted, answer: &answer, head, stall_ms: 0, window };
            comparison.differences(&mut bindings())
        };
        assert_eq!(check(&entity_tag(b"pong"), false), Vec::<String>::new());
        assert_eq!(check(&entity_tag(b"pong"), true), Vec::<String>::new());
        assert_eq!(check("\"x\"", false).len(), 1);
    }

    #[test]
    fn an_open_object_may_have_further_keys_but_not_fewer() {
        let open = |got: &str| {
            let expect = expect(
                json!({"status": 200, "headers": [], "open": true, "json": {"a": "{{string}}", "c": "{{object}}"}}),
            );
            let answer = Response { status: 200, body: got.into(), ..Response::default() };
            compare(&expect, &Headers::new(), &answer, &mut bindings())
        };
        assert_eq!(open(r#"{"a":"v","b":1,"c":{}}"#), Vec::<String>::new());
        assert_eq!(open(r#"{"a":"v","b":1}"#).len(), 1);
        assert_eq!(open(r#"{"a":"","b":1,"c":[]}"#).len(), 2);
    }
}
