//! Who is asking: address, user agent and origin of a request.
//!
//! Forwarded headers are believed only as far as [`TrustProxy`] says. Invariant: what comes out as an address is one; at an
//! entry of `X-Forwarded-For` that is none, the walk stops at the last hop that was. Deliberately absent: `Forwarded`
//! (RFC 7239), which Directus does not read.

use std::net::IpAddr;

use hyper::HeaderMap;
use hyper::header::{self, HeaderName};

use super::headers::text;
use crate::config::TrustProxy;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// UTF-16 code units of a user agent that are kept, as Directus does.
const MAX_USER_AGENT_UNITS: usize = 1024;

const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// What Directus's columns hold of an origin. A name of the DNS has no more than 253 letters.
const MAX_ORIGIN_LETTERS: usize = 255;

fn trusts(trust: &TrustProxy, address: IpAddr, hop: usize) -> bool {
    match trust {
        TrustProxy::Never => false,
        TrustProxy::Always => true,
        TrustProxy::Hops(count) => u32::try_from(hop).is_ok_and(|hop| hop < *count),
        TrustProxy::Networks(networks) => networks.iter().any(|network| network.contains(address)),
    }
}

/// The client's address: from `custom_header` if that holds one, else from the peer and the hops that are trusted.
///
/// `peer` is `None` where the connection has no address, such as a Unix socket.
pub(crate) fn address(
    peer: Option<IpAddr>,
    headers: &HeaderMap,
    trust: &TrustProxy,
    custom_header: Option<&HeaderName>,
) -> Option<IpAddr> {
    let custom = custom_header.and_then(|name| text(headers, name)).and_then(|value| value.parse::<IpAddr>().ok());
    custom
        .map(|address| address.to_canonical())
        .or_else(|| Some(forwarded_address(peer?.to_canonical(), headers, trust)))
}

fn forwarded_address(peer: IpAddr, headers: &HeaderMap, trust: &TrustProxy) -> IpAddr {
    let values: Vec<_> = headers.get_all(X_FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok()).collect();
    let values = values.join(",");
    let hops = values.rsplit(',').map(str::trim).filter(|hop| !hop.is_empty());
    let mut address = peer;
    for (hop, behind) in hops.enumerate() {
        match behind.parse::<IpAddr>() {
            Ok(behind) if trusts(trust, address, hop) => address = behind.to_canonical(),
            _ => break,
        }
    }
    address
}

/// Whether whoever is at the other end of the connection is a proxy that is believed.
pub(crate) fn is_trusted(peer: Option<IpAddr>, trust: &TrustProxy) -> bool {
    peer.is_some_and(|peer| trusts(trust, peer.to_canonical(), 0))
}

/// Scheme, host and port by which the browser reached us, as far as the request says.
pub(crate) fn reached(peer: Option<IpAddr>, headers: &HeaderMap, trust: &TrustProxy) -> Option<String> {
    let host = text(headers, header::HOST)?;
    let forwarded = text(headers, X_FORWARDED_PROTO).filter(|_| is_trusted(peer, trust)).unwrap_or_default();
    let scheme = forwarded.split(',').next().unwrap_or_default().trim();
    Some(format!("{}://{host}", if scheme.eq_ignore_ascii_case("https") { "https" } else { "http" }))
}

/// The user agent, as it is stored.
pub(crate) fn user_agent(headers: &HeaderMap) -> Option<String> {
    let agent = text(headers, header::USER_AGENT)?;
    let mut units = 0;
    let kept = agent.chars().take_while(|character| {
        units += character.len_utf16();
        units <= MAX_USER_AGENT_UNITS
    });
    Some(kept.collect())
}

/// The `Origin` header, cut to what is stored.
pub(crate) fn origin(headers: &HeaderMap) -> Option<String> {
    Some(text(headers, header::ORIGIN)?.chars().take(MAX_ORIGIN_LETTERS).collect())
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;
    use proptest::prelude::*;

    use super::*;
    use crate::config::Network;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    fn seen(trust: &TrustProxy, peer: &str, forwarded: &str) -> String {
        let headers = headers(&[("x-forwarded-for", forwarded)]);
        address(Some(peer.parse().unwrap()), &headers, trust, None).unwrap().to_string()
    }

    fn networks(list: &[&str]) -> TrustProxy {
        TrustProxy::Networks(list.iter().map(|text| Network::parse(text).unwrap()).collect())
    }

    #[test]
    fn nobody_is_believed_unless_told() {
        assert_eq!(seen(&TrustProxy::Never, "10.0.0.1", "1.1.1.1"), "10.0.0.1");
        assert_eq!(seen(&TrustProxy::Hops(0), "10.0.0.1", "1.1.1.1"), "10.0.0.1");
    }

    #[test]
    fn the_scheme_is_the_one_that_a_trusted_proxy_names() {
        let sent = headers(&[("host", "a.example:1"), ("x-forwarded-proto", "https, http")]);
        let at = |peer: Option<&str>, trust| reached(peer.map(|peer| peer.parse().unwrap()), &sent, trust);
        assert_eq!(at(Some("10.0.0.1"), &TrustProxy::Always).as_deref(), Some("https://a.example:1"));
        assert_eq!(at(Some("10.0.0.1"), &TrustProxy::Never).as_deref(), Some("http://a.example:1"));
        assert_eq!(at(None, &TrustProxy::Always).as_deref(), Some("http://a.example:1"));
        assert_eq!(reached(None, &HeaderMap::new(), &TrustProxy::Never), None);
    }

    #[test]
    fn everybody_is_believed_if_told() {
        assert_eq!(seen(&TrustProxy::Always, "10.0.0.1", "1.1.1.1, 2.2.2.2"), "1.1.1.1");
        assert_eq!(seen(&TrustProxy::Always, "10.0.0.1", ",1.1.1.1,"), "1.1.1.1");
        assert_eq!(seen(&TrustProxy::Always, "10.0.0.1", ""), "10.0.0.1");
    }

    #[test]
    fn hops_are_counted_from_the_server() {
        for (hops, address) in [(1, "2.2.2.2"), (2, "1.1.1.1"), (9, "1.1.1.1")] {
            assert_eq!(seen(&TrustProxy::Hops(hops), "10.0.0.1", "1.1.1.1, 2.2.2.2"), address);
        }
    }

    #[test]
    fn networks_are_believed_up_to_the_first_stranger() {
        let ten = networks(&["10.0.0.0/8"]);
        assert_eq!(seen(&ten, "10.0.0.1", "1.1.1.1, 10.2.2.2"), "1.1.1.1");
        assert_eq!(seen(&ten, "10.0.0.1", "1.1.1.1, 9.9.9.9"), "9.9.9.9");
        assert_eq!(seen(&ten, "11.0.0.1", "1.1.1.1, 10.2.2.2"), "11.0.0.1");
    }

    #[test]
    fn an_entry_that_is_no_address_ends_the_walk() {
        assert_eq!(seen(&TrustProxy::Always, "10.0.0.1", "unknown, 2.2.2.2"), "2.2.2.2");
        assert_eq!(seen(&TrustProxy::Always, "10.0.0.1", "1.1.1.1:80"), "10.0.0.1");
    }

    #[test]
    fn mapped_addresses_are_stored_as_ipv4() {
        assert_eq!(seen(&TrustProxy::Never, "::ffff:127.0.0.1", ""), "127.0.0.1");
        assert_eq!(seen(&TrustProxy::Always, "::1", "::ffff:4.4.4.4"), "4.4.4.4");
    }

    #[test]
    fn a_custom_header_wins_if_it_holds_an_address() {
        let name = HeaderName::from_static("x-real-ip");
        let peer = Some("10.0.0.1".parse().unwrap());
        let real = |value: &str| address(peer, &headers(&[("x-real-ip", value)]), &TrustProxy::Never, Some(&name));
        assert_eq!(real("7.7.7.7"), Some("7.7.7.7".parse().unwrap()));
        assert_eq!(real("not-an-ip"), peer);
    }

    #[test]
    fn a_connection_without_address_has_none() {
        assert_eq!(address(None, &HeaderMap::new(), &TrustProxy::Always, None), None);
    }

    #[test]
    fn a_user_agent_is_cut() {
        let long = "a".repeat(1025);
        assert_eq!(user_agent(&headers(&[("user-agent", &long)])).unwrap().len(), 1024);
        let wide = "😀".repeat(600);
        assert_eq!(user_agent(&headers(&[("user-agent", &wide)])).unwrap().chars().count(), 512);
        assert_eq!(user_agent(&HeaderMap::new()), None);
    }

    #[test]
    fn the_origin_is_taken_as_it_is() {
        assert_eq!(
            origin(&headers(&[("origin", "http://app.example.com")])).as_deref(),
            Some("http://app.example.com")
        );
    }

    #[test]
    fn a_long_origin_is_cut() {
        let long = format!("https://{}", "x".repeat(1000));
        assert_eq!(origin(&headers(&[("origin", &long)])).unwrap(), long[..255]);
    }

    proptest! {
        #[test]
        fn any_forwarded_header_gives_an_address(value in "[0-9a-f.:, /xé]{0,40}", hops in 0_u32..4) {
            let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) else { return Ok(()) };
            let headers = HeaderMap::from_iter([(X_FORWARDED_FOR, value)]);
            let peer = Some("10.0.0.1".parse().unwrap());
            prop_assert!(address(peer, &headers, &TrustProxy::Hops(hops), None).is_some());
        }

        #[test]
        fn what_a_client_claims_of_itself_is_behind_the_hops_that_are_trusted(
            claimed in prop::collection::vec(any::<std::net::Ipv4Addr>(), 0..6),
            hops in 0_u32..8,
        ) {
            let peer = IpAddr::from([10, 0, 0, 1]);
            let value = claimed.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let headers = headers(&[("x-forwarded-for", &value)]);
            let at = |trust: &TrustProxy| address(Some(peer), &headers, trust, None).unwrap();
            // The last entry was written by the nearest proxy.
            let chain: Vec<IpAddr> =
                std::iter::once(peer).chain(claimed.iter().rev().map(|address| IpAddr::V4(*address))).collect();
            prop_assert_eq!(at(&TrustProxy::Never), peer);
            prop_assert_eq!(at(&TrustProxy::Hops(hops)), chain[(hops as usize).min(claimed.len())]);
            prop_assert_eq!(at(&TrustProxy::Always), chain[claimed.len()]);
        }

        #[test]
        fn any_network_is_read_without_panic(text in "[0-9a-f.:/]{0,20}", address in any::<IpAddr>()) {
            if let Some(network) = Network::parse(&text) {
                let _ = network.contains(address);
            }
        }
    }
}
