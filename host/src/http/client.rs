//! Who is asking: address, user agent, origin and protocol of a request.
//!
//! Forwarded headers are believed only as far as [`TrustProxy`] says. Invariant: what comes out as an address is one; at an
//! entry of `X-Forwarded-For` that is none, the walk stops at the last hop that was. Deliberately absent: `Forwarded`
//! (RFC 7239), which Directus does not read.

use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use hyper::HeaderMap;
use hyper::header::{self, HeaderName};

use super::headers::text;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// UTF-16 code units of a user agent that are kept, as Directus does.
const MAX_USER_AGENT_UNITS: usize = 1024;

/// Which hops in front of the server may say whom they forward.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum TrustProxy {
    /// None: the peer of the connection is the client.
    #[default]
    Never,
    /// All of them; only right when nobody can connect around the proxy.
    Always,
    /// So many, counted from the server.
    Hops(usize),
    /// Those with these addresses.
    Networks(Vec<Network>),
}

impl TrustProxy {
    fn trusts(&self, address: IpAddr, hop: usize) -> bool {
        match self {
            Self::Never => false,
            Self::Always => true,
            Self::Hops(count) => hop < *count,
            Self::Networks(networks) => networks.iter().any(|network| network.contains(address)),
        }
    }

    /// Reads a list of addresses, networks (`10.0.0.0/8`) and the names `loopback`, `linklocal` and `uniquelocal`.
    pub(crate) fn networks<'a>(
        entries: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, NetworkError> {
        let mut networks = Vec::new();
        for entry in entries {
            match named_networks(entry.trim()) {
                Some(named) => {
                    for network in named {
                        networks.push(network.parse()?);
                    }
                }
                None => networks.push(entry.trim().parse()?),
            }
        }
        Ok(Self::Networks(networks))
    }
}

fn named_networks(name: &str) -> Option<&'static [&'static str]> {
    match name {
        "loopback" => Some(&["127.0.0.1/8", "::1/128"]),
        "linklocal" => Some(&["169.254.0.0/16", "fe80::/10"]),
        "uniquelocal" => Some(&["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]),
        _ => None,
    }
}

/// An entry of a trust list that is not a network.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is neither an address nor a network; write it like `10.0.0.1`, `10.0.0.0/8` or `loopback`"
)]
pub(crate) struct NetworkError(String);

/// A range of addresses (RFC 4632). Mapped IPv4 addresses (`::ffff:…`) count as IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    /// Whether `address` is in this network.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let difference = network.to_bits() ^ address.to_bits();
                difference.checked_shr(32 - self.prefix).unwrap_or(0) == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let difference = network.to_bits() ^ address.to_bits();
                difference.checked_shr(128 - self.prefix).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let error = || NetworkError(text.to_owned());
        let (address, prefix) = text
            .split_once('/')
            .map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let written = address.parse::<IpAddr>().map_err(|_| error())?;
        let (address, bits) = (
            written.to_canonical(),
            if written.is_ipv4() { 32 } else { 128 },
        );
        let prefix = match prefix {
            None => bits,
            Some(prefix) => prefix
                .parse()
                .ok()
                .or_else(|| netmask(prefix))
                .filter(|prefix| *prefix <= bits)
                .ok_or_else(error)?,
        };
        // A mapped network is written with 96 bits more than the IPv4 network it means.
        let mapped = u32::from(written.is_ipv6() && address.is_ipv4()) * 96;
        Ok(Self {
            address,
            prefix: prefix.checked_sub(mapped).ok_or_else(error)?,
        })
    }
}

/// The prefix length of a mask such as `255.0.0.0`.
fn netmask(text: &str) -> Option<u32> {
    let bits = text.parse::<Ipv4Addr>().ok()?.to_bits();
    (bits.leading_ones() == bits.count_ones()).then(|| bits.leading_ones())
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
    let custom = custom_header
        .and_then(|name| text(headers, name))
        .and_then(|value| value.parse::<IpAddr>().ok());
    custom
        .map(|address| address.to_canonical())
        .or_else(|| Some(forwarded_address(peer?.to_canonical(), headers, trust)))
}

fn forwarded_address(peer: IpAddr, headers: &HeaderMap, trust: &TrustProxy) -> IpAddr {
    let values: Vec<_> = headers
        .get_all(X_FORWARDED_FOR)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    let values = values.join(",");
    let hops = values
        .rsplit(',')
        .map(str::trim)
        .filter(|hop| !hop.is_empty());
    let mut address = peer;
    for (hop, behind) in hops.enumerate() {
        match behind.parse::<IpAddr>() {
            Ok(behind) if trust.trusts(address, hop) => address = behind.to_canonical(),
            _ => break,
        }
    }
    address
}

/// `http` or `https`, as the client sees it. `encrypted`: whether the connection to this server is.
pub(crate) fn protocol(
    peer: Option<IpAddr>,
    headers: &HeaderMap,
    trust: &TrustProxy,
    encrypted: bool,
) -> &'static str {
    let trusted = peer.is_some_and(|peer| trust.trusts(peer.to_canonical(), 0));
    let forwarded = text(headers, X_FORWARDED_PROTO)
        .filter(|_| trusted)
        .unwrap_or_default();
    match forwarded.split(',').next().unwrap_or_default().trim() {
        "https" => "https",
        "http" => "http",
        _ if encrypted => "https",
        _ => "http",
    }
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

/// The `Origin` header, as it is stored.
pub(crate) fn origin(headers: &HeaderMap) -> Option<String> {
    text(headers, header::ORIGIN)
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_str(value).unwrap(),
                )
            })
            .collect()
    }

    fn seen(trust: &TrustProxy, peer: &str, forwarded: &str) -> String {
        let headers = headers(&[("x-forwarded-for", forwarded)]);
        address(Some(peer.parse().unwrap()), &headers, trust, None)
            .unwrap()
            .to_string()
    }

    fn networks(list: &[&str]) -> TrustProxy {
        TrustProxy::networks(list.iter().copied()).unwrap()
    }

    #[test]
    fn nobody_is_believed_unless_told() {
        assert_eq!(seen(&TrustProxy::Never, "10.0.0.1", "1.1.1.1"), "10.0.0.1");
        assert_eq!(
            seen(&TrustProxy::Hops(0), "10.0.0.1", "1.1.1.1"),
            "10.0.0.1"
        );
    }

    #[test]
    fn everybody_is_believed_if_told() {
        assert_eq!(
            seen(&TrustProxy::Always, "10.0.0.1", "1.1.1.1, 2.2.2.2"),
            "1.1.1.1"
        );
        assert_eq!(
            seen(&TrustProxy::Always, "10.0.0.1", ",1.1.1.1,"),
            "1.1.1.1"
        );
        assert_eq!(seen(&TrustProxy::Always, "10.0.0.1", ""), "10.0.0.1");
    }

    #[test]
    fn hops_are_counted_from_the_server() {
        for (hops, address) in [(1, "2.2.2.2"), (2, "1.1.1.1"), (9, "1.1.1.1")] {
            assert_eq!(
                seen(&TrustProxy::Hops(hops), "10.0.0.1", "1.1.1.1, 2.2.2.2"),
                address
            );
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
    fn networks_are_written_in_many_ways() {
        for (entry, peer) in [
            ("loopback", "::1"),
            ("loopback", "::ffff:127.0.0.9"),
            ("linklocal", "fe80::1"),
            ("uniquelocal", "172.31.0.1"),
            ("::ffff:127.0.0.1", "127.0.0.1"),
            ("::ffff:10.0.0.0/104", "10.9.9.9"),
            ("10.0.0.0/255.0.0.0", "10.9.9.9"),
            ("0.0.0.0/0", "8.8.8.8"),
            ("::/0", "2001:db8::1"),
        ] {
            assert_eq!(
                seen(&networks(&[entry]), peer, "1.1.1.1"),
                "1.1.1.1",
                "{entry}"
            );
        }
        assert_eq!(
            seen(&networks(&["172.16.0.0/12"]), "172.32.0.1", "1.1.1.1"),
            "172.32.0.1"
        );
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for bad in [
            "",
            "10.0.0",
            "10.0.0.0/33",
            "10.0.0.0/255.0.255.0",
            "::1/129",
            "::ffff:1.2.3.4/64",
            "localhost",
        ] {
            assert!(TrustProxy::networks([bad]).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_entry_that_is_no_address_ends_the_walk() {
        assert_eq!(
            seen(&TrustProxy::Always, "10.0.0.1", "unknown, 2.2.2.2"),
            "2.2.2.2"
        );
        assert_eq!(
            seen(&TrustProxy::Always, "10.0.0.1", "1.1.1.1:80"),
            "10.0.0.1"
        );
    }

    #[test]
    fn mapped_addresses_are_stored_as_ipv4() {
        assert_eq!(
            seen(&TrustProxy::Never, "::ffff:127.0.0.1", ""),
            "127.0.0.1"
        );
        assert_eq!(
            seen(&TrustProxy::Always, "::1", "::ffff:4.4.4.4"),
            "4.4.4.4"
        );
    }

    #[test]
    fn a_custom_header_wins_if_it_holds_an_address() {
        let name = HeaderName::from_static("x-real-ip");
        let peer = Some("10.0.0.1".parse().unwrap());
        let real = |value: &str| {
            address(
                peer,
                &headers(&[("x-real-ip", value)]),
                &TrustProxy::Never,
                Some(&name),
            )
        };
        assert_eq!(real("7.7.7.7"), Some("7.7.7.7".parse().unwrap()));
        assert_eq!(real("not-an-ip"), peer);
    }

    #[test]
    fn a_connection_without_address_has_none() {
        assert_eq!(
            address(None, &HeaderMap::new(), &TrustProxy::Always, None),
            None
        );
    }

    #[test]
    fn the_protocol_is_believed_from_a_trusted_peer_only() {
        let peer = Some("10.0.0.1".parse().unwrap());
        let forwarded = headers(&[("x-forwarded-proto", "https, http")]);
        assert_eq!(
            protocol(peer, &forwarded, &TrustProxy::Hops(1), false),
            "https"
        );
        assert_eq!(
            protocol(peer, &forwarded, &TrustProxy::Never, false),
            "http"
        );
        assert_eq!(
            protocol(peer, &HeaderMap::new(), &TrustProxy::Always, true),
            "https"
        );
        assert_eq!(
            protocol(
                peer,
                &headers(&[("x-forwarded-proto", "gopher")]),
                &TrustProxy::Always,
                false
            ),
            "http"
        );
    }

    #[test]
    fn a_user_agent_is_cut() {
        let long = "a".repeat(1025);
        assert_eq!(
            user_agent(&headers(&[("user-agent", &long)]))
                .unwrap()
                .len(),
            1024
        );
        let wide = "😀".repeat(600);
        assert_eq!(
            user_agent(&headers(&[("user-agent", &wide)]))
                .unwrap()
                .chars()
                .count(),
            512
        );
        assert_eq!(user_agent(&HeaderMap::new()), None);
    }

    #[test]
    fn the_origin_is_taken_as_it_is() {
        assert_eq!(
            origin(&headers(&[("origin", "http://app.example.com")])).as_deref(),
            Some("http://app.example.com")
        );
    }

    proptest! {
        #[test]
        fn any_forwarded_header_gives_an_address(value in "[0-9a-f.:, /xé]{0,40}", hops in 0_usize..4) {
            let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) else { return Ok(()) };
            let headers = HeaderMap::from_iter([(X_FORWARDED_FOR, value)]);
            let peer = Some("10.0.0.1".parse().unwrap());
            prop_assert!(address(peer, &headers, &TrustProxy::Hops(hops), None).is_some());
        }

        #[test]
        fn any_network_is_read_without_panic(text in "[0-9a-f.:/]{0,20}", address in any::<IpAddr>()) {
            if let Ok(network) = text.parse::<Network>() {
                let _ = network.contains(address);
            }
        }
    }
}
