//! Networks of IP addresses, and which proxies are believed about a client's address.
//!
//! Deliberately absent: reading `X-Forwarded-For`, which is HTTP's business.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::cast::Value;
use super::decode;
use super::error::Refusal;

/// Which peers are believed when they say whom they forward for (`X-Forwarded-For`, `X-Forwarded-Proto`, …).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrustProxy {
    /// Nobody: the peer's own address counts.
    Never,
    /// Everybody: the leftmost address counts. Only safe behind a proxy that overwrites the header.
    Always,
    /// The last so many hops, the peer included.
    Hops(u32),
    /// Peers with these addresses.
    Networks(Vec<Network>),
}

/// An address or a block of addresses (CIDR, RFC 4632).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix_length: u8,
}

impl Network {
    /// Reads `10.0.0.1`, `10.0.0.0/8`, `10.0.0.0/255.0.0.0` or `fc00::/7`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, prefix)| (a, Some(prefix)));
        let address: IpAddr = address.parse().ok()?;
        let length_max = if address.is_ipv4() { 32 } else { 128 };
        let prefix_length = match prefix {
            None => length_max,
            Some(prefix) => prefix.parse().ok().or_else(|| netmask_length(address, prefix))?,
        };
        (prefix_length <= length_max).then_some(Self { address, prefix_length })
    }

    /// Is `address` in this network? IPv4 addresses mapped into IPv6 (`::ffff:10.0.0.1`) count as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let (ours, theirs, width) = match (self.address, address.to_canonical()) {
            (IpAddr::V4(a), IpAddr::V4(b)) => (u128::from(u32::from(a)), u128::from(u32::from(b)), 32),
            (IpAddr::V6(a), IpAddr::V6(b)) => (u128::from(a), u128::from(b), 128),
            _ => return false,
        };
        let host_bits = width - u32::from(self.prefix_length);
        (ours ^ theirs).checked_shr(host_bits).unwrap_or_default() == 0
    }

    const fn v4(a: u8, b: u8, prefix_length: u8) -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::new(a, b, 0, 0)), prefix_length }
    }

    const fn v6(first: u16, last: u16, prefix_length: u8) -> Self {
        Self { address: IpAddr::V6(Ipv6Addr::new(first, 0, 0, 0, 0, 0, 0, last)), prefix_length }
    }
}

/// The prefix length that a netmask such as `255.255.0.0` stands for.
fn netmask_length(address: IpAddr, mask: &str) -> Option<u8> {
    let mask = u32::from(mask.parse::<Ipv4Addr>().ok()?);
    let is_contiguous = address.is_ipv4() && mask.leading_ones() + mask.trailing_zeros() >= 32;
    is_contiguous.then(|| u8::try_from(mask.leading_ones()).ok()).flatten()
}

/// The names that Express knows for groups of networks.
fn named(name: &str) -> Option<Vec<Network>> {
    Some(match name {
        "loopback" => vec![Network::v4(127, 0, 8), Network::v6(0, 1, 128)],
        "linklocal" => vec![Network::v4(169, 254, 16), Network::v6(0xfe80, 0, 10)],
        "uniquelocal" => {
            vec![Network::v4(10, 0, 8), Network::v4(172, 16, 12), Network::v4(192, 168, 16), Network::v6(0xfc00, 0, 7)]
        }
        _ => return None,
    })
}

fn not_a_network() -> Refusal {
    let expected = "true, false, a number of hops, or addresses such as 10.0.0.0/8,::1,loopback";
    Refusal::new(format!("names no network; write {expected}"))
}

/// Reads `IP_TRUST_PROXY`.
pub(super) fn trust_proxy(value: &Value) -> Result<TrustProxy, Refusal> {
    if let Value::Number(_) = value {
        return decode::integer(value, 0, 255).map(TrustProxy::Hops);
    }
    if let Ok(trusts) = decode::boolean(value) {
        return Ok(if trusts { TrustProxy::Always } else { TrustProxy::Never });
    }
    let mut networks = Vec::new();
    for part in decode::list(value)? {
        let found = named(&part).or_else(|| Network::parse(&part).map(|network| vec![network]));
        networks.extend(found.ok_or_else(not_a_network)?);
    }
    Ok(TrustProxy::Networks(networks))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::cast::cast;

    fn contains(network: &str, address: &str) -> bool {
        Network::parse(network).unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn a_network_contains_its_addresses_and_no_other() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.1.2", "11.0.0.0"),
            ("10.0.0.0/255.0.0.0", "10.255.1.2", "11.0.0.0"),
            ("10.0.0.1", "10.0.0.1", "10.0.0.2"),
            ("10.0.0.1", "::ffff:10.0.0.1", "::ffff:10.0.0.2"),
            ("0.0.0.0/0", "1.2.3.4", "::1"),
            ("fc00::/7", "fdff::1", "fe00::1"),
            ("::/0", "::1", "1.2.3.4"),
            ("::1", "::1", "::2"),
        ] {
            assert!(contains(network, inside), "{inside} in {network}");
            assert!(!contains(network, outside), "{outside} in {network}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in
            ["", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/", "10.0.0.0/255.0.255.0", "::/255.0.0.0", "a/b"]
        {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }

    #[test]
    fn trust_is_a_boolean_a_hop_count_or_networks() {
        let of = |raw: &str| trust_proxy(&cast("IP_TRUST_PROXY", raw));
        assert_eq!(of("false"), Ok(TrustProxy::Never));
        assert_eq!(of("true"), Ok(TrustProxy::Always));
        assert_eq!(of("1"), Ok(TrustProxy::Hops(1)));
        assert_eq!(of("loopback"), Ok(TrustProxy::Networks(named("loopback").unwrap())));
        let two = ["10.0.0.0/8", "::1"].map(|text| Network::parse(text).unwrap());
        assert_eq!(of("10.0.0.0/8, ::1"), Ok(TrustProxy::Networks(two.to_vec())));
        for raw in ["proxy.local", "10.0.0.0/8,x", "-1", "1.5"] {
            assert!(of(raw).is_err(), "{raw}");
        }
    }

    proptest! {
        #[test]
        fn reading_a_network_takes_any_text(text in any::<String>(), address in any::<[u8; 16]>()) {
            let _ = Network::parse(&text).map(|network| network.contains(IpAddr::from(address)));
        }

        #[test]
        fn every_prefix_of_an_address_contains_it(address in any::<u32>(), length in 0_u8..=32) {
            let address = Ipv4Addr::from(address);
            let network = format!("{address}/{length}");
            prop_assert!(contains(&network, &address.to_string()));
        }
    }
}
