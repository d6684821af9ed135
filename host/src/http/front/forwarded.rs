//! What an application is told of the client's connection: `X-Forwarded-For`, `-Proto`, `-Host` and `Forwarded` (RFC 7239).
//!
//! Invariant: what a client says of this by itself is dropped, in whatever spelling; what a proxy says that `IP_TRUST_PROXY`
//! names is kept, and this hop is added to it. Deliberately absent: `by`, which nobody needs to know.

use super::identity::begins;
use hyper::{
    HeaderMap,
    header::{self, HeaderName, HeaderValue},
};
use std::net::IpAddr;

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// What the header of all is called that proxies say of themselves.
const FAMILY: &str = "x-forwarded-";

/// A client, as its connection shows it.
pub(super) struct Hop {
    /// The other end of the connection; `None` where it has no address.
    pub(super) peer: Option<IpAddr>,
    /// Whether that is a proxy that is believed.
    pub(super) is_trusted: bool,
}

impl Hop {
    /// Whether a header, which says something of a client's connection, is dropped.
    pub(super) fn drops(&self, name: &str) -> bool {
        let is_one = begins(name, FAMILY) || name == "forwarded" || (begins(name, "x-real-ip") && name.len() == 9);
        // These four are written anew in any case.
        let is_own = name == FOR || name == PROTO || name == HOST || name == "forwarded";
        is_one
            && (!self.is_trusted
                || is_own
                || name.contains(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-'))
    }

    /// Adds this hop. `sent` are the headers that came.
    pub(super) fn tell(&self, headers: &mut HeaderMap, sent: &HeaderMap) {
        let proto = self.said(sent, &PROTO).unwrap_or_else(|| HeaderValue::from_static("http"));
        let host = self.said(sent, &HOST).or_else(|| sent.get(header::HOST).cloned());
        if let Some(peer) = self.peer {
            let peer = peer.to_canonical();
            self.add(headers, sent, &FOR, &peer.to_string());
            self.add(headers, sent, &header::FORWARDED, &element(peer, sent.get(header::HOST)));
        }
        headers.insert(PROTO, proto);
        headers.extend(host.map(|host| (HOST, host)));
    }

    /// What a trusted proxy says.
    fn said(&self, sent: &HeaderMap, name: &HeaderName) -> Option<HeaderValue> {
        sent.get(name).filter(|_| self.is_trusted).cloned()
    }

    /// Adds an entry at the end of a list that a trusted proxy began.
    fn add(&self, headers: &mut HeaderMap, sent: &HeaderMap, name: &HeaderName, entry: &str) {
        let mut list = Vec::new();
        for value in sent.get_all(name).iter().filter(|_| self.is_trusted) {
            list.extend_from_slice(value.as_bytes());
            list.extend_from_slice(b", ");
        }
        list.extend_from_slice(entry.as_bytes());
        headers.extend(HeaderValue::from_bytes(&list).ok().map(|list| (name.clone(), list)));
    }
}

/// An element of `Forwarded` (RFC 7239, section 4). This server speaks no TLS by itself.
fn element(peer: IpAddr, host: Option<&HeaderValue>) -> String {
    let node = match peer {
        IpAddr::V4(peer) => format!("for={peer}"),
        IpAddr::V6(peer) => format!("for=\"[{peer}]\""),
    };
    let is_plain = |host: &&str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte));
    match host.and_then(|host| host.to_str().ok()).filter(is_plain) {
        Some(host) => format!("{node};host=\"{host}\";proto=http"),
        None => format!("{node};proto=http"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    fn told(hop: &Hop, sent: &HeaderMap) -> Vec<String> {
        let mut told = HeaderMap::new();
        hop.tell(&mut told, sent);
        let mut lines: Vec<_> =
            told.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        lines.sort();
        lines
    }

    const CLAIMED: [(&str, &str); 5] = [
        ("host", "app.example.com:8055"),
        ("x-forwarded-for", "1.1.1.1"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "www.example.com"),
        ("forwarded", "for=1.1.1.1;proto=https"),
    ];

    #[test]
    fn strangers_are_not_believed() {
        let hop = Hop { peer: Some("10.0.0.9".parse().unwrap()), is_trusted: false };
        assert_eq!(
            told(&hop, &headers(&CLAIMED)),
            [
                "forwarded: for=10.0.0.9;host=\"app.example.com:8055\";proto=http",
                "x-forwarded-for: 10.0.0.9",
                "x-forwarded-host: app.example.com:8055",
                "x-forwarded-proto: http",
            ]
        );
        for name in ["x-forwarded-for", "x_forwarded_for", "x-forwarded-user", "forwarded", "x-real-ip", "x_real_ip"] {
            assert!(hop.drops(name), "{name}");
        }
        assert!(!hop.drops("x-forward") && !hop.drops("host") && !hop.drops("x-real-ipa"));
    }

    #[test]
    fn a_trusted_proxy_is_added_to() {
        let hop = Hop { peer: Some("::1".parse().unwrap()), is_trusted: true };
        assert_eq!(
            told(&hop, &headers(&CLAIMED)),
            [
                "forwarded: for=1.1.1.1;proto=https, for=\"[::1]\";host=\"app.example.com:8055\";proto=http",
                "x-forwarded-for: 1.1.1.1, ::1",
                "x-forwarded-host: www.example.com",
                "x-forwarded-proto: https",
            ]
        );
        assert!(hop.drops("x-forwarded-for"), "it is written anew");
        assert!(hop.drops("x_forwarded_port"), "no proxy writes it so");
        assert!(!hop.drops("x-forwarded-port") && !hop.drops("x-real-ip"));
    }

    #[test]
    fn a_connection_without_address_is_told_as_far_as_it_is_known() {
        let hop = Hop { peer: None, is_trusted: false };
        assert_eq!(told(&hop, &headers(&[("host", "a")])), ["x-forwarded-host: a", "x-forwarded-proto: http"]);
    }

    #[test]
    fn a_host_cannot_add_to_the_element() {
        let element = element("10.0.0.1".parse().unwrap(), Some(&HeaderValue::from_static("a\";for=1.1.1.1")));
        assert_eq!(element, "for=10.0.0.1;proto=http");
    }
}
