//! Where a browser goes after a sign-in at a provider: back into this site, or to a place that the operator listed.
//!
//! Invariant: nothing that a browser could read as another origin passes. What two readers could read differently is
//! refused rather than repaired.

use super::{Refusal, link};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt::Write as _;

/// Where a browser goes that nobody sent anywhere.
pub const ROOT: &str = "/";

/// Resolves what was asked for; `None` if nothing was. `allowed` is the provider's list, if it has one.
///
/// # Errors
/// [`Refusal::InvalidPayload`] for places that are not allowed.
pub fn resolve(target: Option<&str>, allowed: Option<&[String]>, public_url: &str) -> Result<Option<String>, Refusal> {
    match target.filter(|target| !target.is_empty()) {
        Some(target) => place(target, allowed, public_url).map(Some),
        None => Ok(None),
    }
}

fn place(target: &str, allowed: Option<&[String]>, public_url: &str) -> Result<String, Refusal> {
    let refused = || Refusal::InvalidPayload(format!("URL \"{target}\" can't be used to redirect after login"));
    if target.chars().any(|letter| letter.is_control() || letter == '\\') || target.trim() != target {
        return Err(refused());
    }
    if !has_scheme(target) {
        return relative(target).ok_or_else(refused);
    }
    let public = [public_url.to_string()];
    let is_allowed = match allowed {
        Some(list) => link::is_listed(target, list) || link::is_listed(target, &public),
        None => link::origin(target).is_some_and(|origin| link::origin(public_url).as_ref() == Some(&origin)),
    };
    // A list may name anything; a browser is sent to web pages only.
    let is_page = link::origin(target).is_some();
    if is_allowed && is_page { Ok(encoded(target)) } else { Err(refused()) }
}

/// Whether a text begins with a scheme (RFC 3986, section 3.1).
fn has_scheme(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    })
}

/// A path here, with query and fragment. `None` for what leads elsewhere.
fn relative(target: &str) -> Option<String> {
    if target.starts_with("//") {
        return None;
    }
    let end = target.find(['?', '#']).unwrap_or(target.len());
    let (path, rest) = target.split_at(end);
    let path = without_dots(path);
    // `/.//host` is a path for one reader and a host for another.
    if path.starts_with("//") { None } else { Some(encoded(&format!("{path}{rest}"))) }
}

/// A path from the root, its dot segments resolved (RFC 3986, section 5.2.4), encoded ones too as browsers do.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let segments = path.strip_prefix('/').unwrap_or(path).split('/');
    let mut ends_open = false;
    for segment in segments {
        let plain = segment.to_ascii_lowercase().replace("%2e", ".");
        ends_open = matches!(plain.as_str(), "." | "..");
        match plain.as_str() {
            "." => {}
            ".." => drop(kept.pop()),
            _ => kept.push(segment),
        }
    }
    let slash = if ends_open && !kept.is_empty() { "/" } else { "" };
    format!("/{}{slash}", kept.join("/"))
}

/// What may not stand in a header or a link, percent-encoded.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' | b'"' | b'<' | b'>' | b'`' | 0x7f.. => push_encoded(&mut out, byte),
            _ => out.push(char::from(byte)),
        }
    }
    out
}

fn push_encoded(out: &mut String, byte: u8) {
    // Writing to a string cannot fail.
    let _ = write!(out, "%{byte:02X}");
}

/// A part of a query: everything but letters, digits and `-._~` percent-encoded (RFC 3986, section 2.3).
#[must_use]
pub fn component(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => push_encoded(&mut out, byte),
        }
    }
    out
}

/// Where the same sign-in begins once more, as seen from the callback; the provider is to ask the person then.
#[must_use]
pub fn again(target: &str) -> String {
    format!("./?redirect={}&prompt=true", component(target).replace("%2F", "/"))
}

/// Where a person sets up the second factor that is demanded, and from there where they wanted to go.
#[must_use]
pub fn factor_setup(public_url: &str, target: &str, provider: &str) -> String {
    let query = format!("redirect={}&provider={}", component(target), component(provider));
    link::own(public_url, &format!("admin/tfa-setup?{query}"))
}

/// Where a provider sends the browser back to: the step `step` of its sign-in. An entry of `allowed` with the origin that
/// the browser used takes the place of `public_url`.
#[must_use]
pub fn callback(provider: &str, step: &str, origin: Option<&str>, allowed: &[String], public_url: &str) -> String {
    let used = origin.and_then(link::origin);
    let same = |entry: &&String| used.is_some() && link::origin(entry) == used;
    let base = allowed.iter().find(same).map_or(public_url, String::as_str);
    format!("{}/auth/login/{provider}/{step}", base.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: &str = "http://auth.example.com:8055/sub";

    fn at(target: &str) -> Option<String> {
        resolve(Some(target), None, PUBLIC).ok().flatten()
    }

    #[test]
    fn paths_stay_here() {
        for (target, resolved) in [
            ("/x", "/x"),
            ("foo/bar", "/foo/bar"),
            ("/x?a=1&b=//c#d", "/x?a=1&b=//c#d"),
            ("?a", "/?a"),
            ("#a", "/#a"),
            ("/a/../b/./c", "/b/c"),
            ("../../a", "/a"),
            ("/a/..", "/"),
            ("/a/b/..", "/a/"),
            ("/a b/é", "/a%20b/%C3%A9"),
            ("/a//b", "/a//b"),
            ("x/y:z", "/x/y:z"),
            ("/a,/b", "/a,/b"),
        ] {
            assert_eq!(at(target).as_deref(), Some(resolved), "{target}");
        }
        for nothing in [None, Some("")] {
            assert_eq!(resolve(nothing, None, PUBLIC), Ok(None));
        }
    }

    #[test]
    fn other_origins_are_refused_in_every_spelling() {
        for target in [
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "\t//evil.example",
            " //evil.example",
            "/.//evil.example",
            "/..//evil.example",
            "/a/..//evil.example",
            "/%2e//evil.example",
            "/%2E%2e//evil.example",
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "data:text/html,x",
            "mailto:a@b.co",
            "http:evil.example",
            "https:/evil.example",
            "http://evil.example/",
            "https://auth.example.com:8055/x",
            "http://auth.example.com/x",
            "http://auth.example.com:8055@evil.example/",
            "http://auth.example.com:8055.evil.example/",
            "http://auth.example.com:8055\\@evil.example/",
            "http://auth.example.com%2eevil.example/",
            "http://\u{ff45}vil.example/",
            "ftp://auth.example.com:8055/",
            "/x\r\nSet-Cookie: a=b",
        ] {
            assert!(at(target).is_none(), "{target:?}");
        }
    }

    #[test]
    fn the_own_origin_needs_no_list() {
        assert_eq!(at("http://auth.example.com:8055/y?z#w").as_deref(), Some("http://auth.example.com:8055/y?z#w"));
        assert_eq!(at("HTTP://AUTH.example.com:8055/y").as_deref(), Some("HTTP://AUTH.example.com:8055/y"));
    }

    #[test]
    fn a_list_replaces_the_own_origin() {
        let list = ["http://app.example.com/cb".to_string(), "myapp://x".to_string()];
        let with = |target| resolve(Some(target), Some(&list), PUBLIC).is_ok();
        assert!(with("http://app.example.com/cb?a=1"));
        assert!(with(PUBLIC));
        assert!(with("/x"));
        for target in ["http://app.example.com/cb/more", "http://auth.example.com:8055/y", "myapp://x"] {
            assert!(!with(target), "{target}");
        }
    }

    #[test]
    fn callbacks_follow_the_origin_that_the_browser_used() {
        let allowed = ["http://localhost:8055/base/".to_string()];
        let callback = |origin| callback("okta", "callback", origin, &allowed, "https://a.example/");
        assert_eq!(callback(Some("http://localhost:8055")), "http://localhost:8055/base/auth/login/okta/callback");
        for origin in [None, Some("http://localhost"), Some("null")] {
            assert_eq!(callback(origin), "https://a.example/auth/login/okta/callback", "{origin:?}");
        }
    }

    #[test]
    fn the_way_back_is_a_part_of_the_way() {
        assert_eq!(again("/x?a=1"), "./?redirect=/x%3Fa%3D1&prompt=true");
        let setup = "http://a/admin/tfa-setup?redirect=%2Fadmin%2Fcontent&provider=oid";
        assert_eq!(factor_setup("http://a/", "/admin/content", "oid"), setup);
    }

    #[test]
    fn parts_of_queries_are_encoded() {
        assert_eq!(component("/x?a=1&b=é"), "%2Fx%3Fa%3D1%26b%3D%C3%A9");
    }
}
