//! What drivers that ask a provider have in common: HTTP over wasi:http, the token endpoint, and a short way to settings,
//! log, clock and randomness.
//!
//! A request is sent once, its answer has a limit and a deadline, and a redirect is an answer like any other: where it leads
//! is never followed. Absent: sockets, TLS, proxies and the question whom a driver may reach, which are the host's.
#![no_std]

extern crate alloc;

use gatewit_guest as _;

use alloc::{string::String, vec::Vec};
use core::fmt;

#[cfg(target_arch = "wasm32")]
pub mod exchange;
#[cfg(target_arch = "wasm32")]
pub mod surroundings;
#[cfg(target_arch = "wasm32")]
mod wire;
#[cfg(target_arch = "wasm32")]
pub use wire::send;

/// A request. With a form it is a POST, else a GET.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Where to.
    pub url: &'a str,
    /// Headers, names in lower case.
    pub headers: &'a [(&'static str, String)],
    /// `application/x-www-form-urlencoded`.
    pub form: Option<&'a str>,
    /// Most bytes that the answer's body may have.
    pub most_bytes: usize,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The `Content-Type`, if there is one.
    pub content_type: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// The same as the protocol reads it.
    #[must_use]
    pub fn told(&self) -> gatewit_oauth::Response<'_> {
        gatewit_oauth::Response { status: self.status, content_type: self.content_type.as_deref(), body: &self.body }
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The URL is none that can be asked.
    Address,
    /// The host does not let this driver go there.
    Denied,
    /// Nobody is there.
    Unreachable(String),
    /// It takes too long.
    TooSlow,
    /// The answer has more bytes than it may have.
    TooLarge(usize),
    /// Something is there and does not speak HTTP, or not to its end.
    Broken(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => formatter.write_str("that is no address of the web"),
            Self::Denied => formatter.write_str("this server may not go there"),
            Self::Unreachable(why) => write!(formatter, "it cannot be reached ({why})"),
            Self::TooSlow => formatter.write_str("it did not answer in time"),
            Self::TooLarge(most) => write!(formatter, "the answer has more than {most} bytes"),
            Self::Broken(why) => write!(formatter, "its answer broke off ({why})"),
        }
    }
}

/// A URL as wasi:http wants it.
#[derive(Debug, PartialEq, Eq)]
struct Target<'a> {
    encrypted: bool,
    authority: &'a str,
    path: String,
}

/// Takes a URL apart.
#[cfg_attr(not(any(target_arch = "wasm32", test)), expect(dead_code, reason = "for components"))]
fn target(url: &str) -> Option<Target<'_>> {
    let (scheme, rest) = url.split_once("://")?;
    let encrypted = scheme.eq_ignore_ascii_case("https");
    if !encrypted && !scheme.eq_ignore_ascii_case("http") {
        return None;
    }
    let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    // A name or password before the host would be sent along.
    if authority.is_empty() || authority.contains('@') {
        return None;
    }
    let path = if path.starts_with('/') { String::from(path) } else { ["/", path].concat() };
    Some(Target { encrypted, authority, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        for (url, encrypted, authority, path) in [
            ("https://op.example.com", true, "op.example.com", "/"),
            ("http://127.0.0.1:9000/a/b?c=d#e", false, "127.0.0.1:9000", "/a/b?c=d"),
            ("HTTPS://op?x", true, "op", "/?x"),
        ] {
            assert_eq!(target(url), Some(Target { encrypted, authority, path: path.into() }), "{url}");
        }
        for url in ["", "op", "ftp://op/", "https://", "https:///a", "https://a:b@op/", "https://op@evil/"] {
            assert_eq!(target(url), None, "{url}");
        }
    }
}
