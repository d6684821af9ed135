//! Where a directory is (RFC 4516): the operator's own addresses, and those that servers send us on to.

use crate::{limits::ADDRESS_BYTES, message::Scope};
use alloc::{format, string::String, vec::Vec};

/// The port of `ldap`.
const PORT: u16 = 389;
/// The port of `ldaps`.
const SECURE_PORT: u16 = 636;

/// A server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// At a host.
    Host {
        /// Its name or address, without brackets.
        host: String,
        /// Its port.
        port: u16,
        /// Whether TLS begins at once.
        tls: bool,
    },
    /// At a path of this machine.
    Socket(String),
}

impl Place {
    /// For a log.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Host { host, port, tls } => {
                let scheme = if *tls { "ldaps" } else { "ldap" };
                if host.contains(':') {
                    format!("{scheme}://[{host}]:{port}")
                } else {
                    format!("{scheme}://{host}:{port}")
                }
            }
            Self::Socket(path) => format!("the socket {path}"),
        }
    }
}

/// An address with what it asks for there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The server.
    pub place: Place,
    /// Where to search; `None` if that is as it was.
    pub base: Option<String>,
    /// How far; `None` if that is as it was.
    pub scope: Option<Scope>,
}

impl Address {
    /// Reads an address. `None` if it is none that can be gone to; one with a filter of its own is none either, because we
    /// would search for something else than we meant.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > ADDRESS_BYTES || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let (scheme, rest) = text.split_once("://")?;
        let tls = scheme.eq_ignore_ascii_case("ldaps");
        if !tls && !scheme.eq_ignore_ascii_case("ldap") {
            return None;
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, port) = host_and_port(authority)?;
        let mut parts = path.split('?');
        let base = decoded(parts.next().unwrap_or_default())?;
        let scope = match parts.nth(1).unwrap_or_default() {
            "" => None,
            scope if scope.eq_ignore_ascii_case("base") => Some(Scope::Base),
            scope if scope.eq_ignore_ascii_case("one") => Some(Scope::One),
            scope if scope.eq_ignore_ascii_case("sub") => Some(Scope::Sub),
            _ => return None,
        };
        if parts.next().is_some_and(|filter| !filter.is_empty()) {
            return None;
        }
        let port = port.unwrap_or(if tls { SECURE_PORT } else { PORT });
        let base = Some(base).filter(|base| !base.is_empty());
        Some(Self { place: Place::Host { host, port, tls }, base, scope })
    }
}

fn host_and_port(authority: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            let is_number = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
            let port = if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) };
            (Some(host).filter(|host| host.bytes().all(is_number))?, port)
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let is_named = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':');
    if host.is_empty() || !host.bytes().all(is_named) {
        return None;
    }
    let port = match port {
        None | Some("") => None,
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(port.parse().ok().filter(|port| *port > 0)?)
        }
        Some(_) => return None,
    };
    Some((host.into(), port))
}

/// With percent-encoding undone.
fn decoded(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.bytes());
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            if !digits.iter().all(u8::is_ascii_hexdigit) {
                return None;
            }
            bytes.push(u8::from_str_radix(core::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn host(host: &str, port: u16, tls: bool) -> Place {
        Place::Host { host: host.into(), port, tls }
    }

    #[test]
    fn addresses_are_taken_apart() {
        for (text, place, base, scope) in [
            ("ldap://dc.example.com", host("dc.example.com", 389, false), None, None),
            ("LDAPS://dc.example.com/", host("dc.example.com", 636, true), None, None),
            ("ldap://[::1]:1389", host("::1", 1389, false), None, None),
            ("ldap://a:/dc=x%2Cdc=y??sub", host("a", 389, false), Some("dc=x,dc=y"), Some(Scope::Sub)),
            ("ldap://a/dc=x?mail?base?", host("a", 389, false), Some("dc=x"), Some(Scope::Base)),
            ("ldap://a/?", host("a", 389, false), None, None),
        ] {
            let expected = Address { place, base: base.map(Into::into), scope };
            assert_eq!(Address::parse(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "a",
            "http://a",
            "ldap://",
            "ldap:///dc=x",
            "ldap://a:0",
            "ldap://a:99999",
            "ldap://a:+1",
            "ldap://u@a",
            "ldap://[::1",
            "ldap://[g]",
            "ldap://[::1]x",
            "ldap://a/%zz",
            "ldap://a/%+1",
            "ldap://a/%ff",
            "ldap://a/x??far",
            "ldap://a/x???(cn=*)",
            "ldap://a b",
            "ldap://ä",
        ] {
            assert_eq!(Address::parse(text), None, "{text}");
        }
    }

    #[test]
    fn places_are_shown() {
        assert_eq!(host("::1", 389, false).shown(), "ldap://[::1]:389");
        assert_eq!(host("a", 636, true).shown(), "ldaps://a:636");
    }

    proptest! {
        #[test]
        fn any_text_is_an_address_or_none(text: String, tail in "[ -~]{0,60}") {
            let _ = Address::parse(&text);
            let _ = Address::parse(&format!("ldap://{tail}"));
        }

        #[test]
        fn a_base_survives_its_encoding(base in "\\PC{1,40}") {
            let encoded: String = base.bytes().flat_map(|byte| format!("%{byte:02x}").into_bytes()).map(char::from).collect();
            let address = Address::parse(&format!("ldap://a/{encoded}")).unwrap();
            prop_assert_eq!(address.base, Some(base));
        }
    }
}
