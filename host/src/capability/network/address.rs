//! Which addresses a driver may be connected to, and which names it may ask for. Pure.
//!
//! Invariant: an address counts as the worst of what it can mean. IPv4 addresses are looked for in every form in which IPv6
//! carries them, because a translator on the way would unpack them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Names that clouds give to their metadata, for the case that a proxy resolves them.
const METADATA_NAMES: [&str; 4] = ["metadata", "metadata.google.internal", "instance-data", "metadata.azure.internal"];

/// What an address is, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// Somewhere in the world.
    Public,
    /// This machine or a private network.
    Nearby,
    /// Metadata of clouds, link-local addresses, and what is nobody's: no driver has business there.
    Never,
}

/// What a name tells by itself, in lower case and without a dot at its end. `None`: it has to be resolved.
pub(crate) fn reach_of_name(name: &str) -> Option<Reach> {
    if METADATA_NAMES.contains(&name) {
        return Some(Reach::Never);
    }
    // RFC 6761, section 6.3.
    (name == "localhost" || name.ends_with(".localhost")).then_some(Reach::Nearby)
}

/// What an address is.
pub(crate) fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => reach_v4(address),
        IpAddr::V6(address) => embedded(address).map_or(Reach::Public, reach_v4).max(reach_v6(address)),
    }
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    let never = match address.octets() {
        // "This network", which Linux takes for this machine (RFC 1122, section 3.2.1.3).
        [0, ..]
        // Link-local (RFC 3927), where clouds put their metadata.
        | [169, 254, ..]
        // Protocol assignments (RFC 6890); Oracle's metadata is among them.
        | [192, 0, 0, _]
        // Alibaba's metadata, and Azure's wire server.
        | [100, 100, 100, 200]
        | [168, 63, 129, 16] => true,
        // Multicast, reserved, broadcast.
        [first, ..] => first >= 224,
    };
    let nearby = match address.octets() {
        // This machine, private networks (RFC 1918), carrier-grade NAT (RFC 6598), benchmarks (RFC 2544).
        [127 | 10, ..] | [192, 168, ..] | [198, 18 | 19, ..] => true,
        [172, second, ..] => (16..=31).contains(&second),
        [100, second, ..] => (64..=127).contains(&second),
        _ => false,
    };
    if never {
        Reach::Never
    } else if nearby {
        Reach::Nearby
    } else {
        Reach::Public
    }
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    match address.segments() {
        // This machine.
        [0, 0, 0, 0, 0, 0, 0, 1] => Reach::Nearby,
        // Unspecified, and the discard prefix (RFC 6666).
        [0, 0, 0, 0, 0, 0, 0, 0]
        | [0x100, 0, 0, 0, ..]
        // Metadata of Amazon and Google, in the range of private addresses.
        | [0xfd00, 0xec2, ..]
        | [0xfd20, 0xce, ..] => Reach::Never,
        // Multicast, link-local.
        [first, ..] if first >= 0xff00 || first & 0xffc0 == 0xfe80 => Reach::Never,
        // Private (RFC 4193), and site-local of old (RFC 3879).
        [first, ..] if first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfec0 => Reach::Nearby,
        // Translation inside of one network (RFC 8215).
        [0x64, 0xff9b, 1, ..] => Reach::Nearby,
        _ => Reach::Public,
    }
}

/// The IPv4 address that is meant by an IPv6 address.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        // Compatible and mapped (RFC 4291, section 2.5.5), translated (RFC 2765).
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        // NAT64 (RFC 6052; RFC 8215).
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, _, _, _, high, low]
        // 6to4 (RFC 3056).
        | [0x2002, high, low, ..] => v4(high, low),
        // Teredo (RFC 4380), whose client's address is written inverted.
        [0x2001, 0, _, _, _, _, high, low] => v4(!high, !low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(addresses: &[&str], expected: Reach) {
        for address in addresses {
            assert_eq!(reach(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn addresses_of_the_world_are_public() {
        check(
            &["1.1.1.1", "172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1", "169.253.0.1", "223.255.255.255"],
            Reach::Public,
        );
        check(&["2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"], Reach::Public);
    }

    #[test]
    fn this_machine_and_private_networks_are_nearby() {
        check(&["127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "172.31.255.1", "192.168.1.1"], Reach::Nearby);
        check(&["100.64.0.1", "198.18.0.1", "::1", "fc00::1", "fdff::1", "fec0::1"], Reach::Nearby);
    }

    #[test]
    fn metadata_and_link_local_addresses_are_never_reached() {
        check(&["169.254.169.254", "169.254.0.1", "100.100.100.200", "192.0.0.192", "168.63.129.16"], Reach::Never);
        check(&["fe80::1", "febf::1", "fd00:ec2::254", "fd20:ce::254"], Reach::Never);
    }

    #[test]
    fn what_is_nobodys_is_never_reached() {
        check(&["0.0.0.0", "0.1.2.3", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"], Reach::Never);
        check(&["::", "ff02::1", "100::1"], Reach::Never);
    }

    #[test]
    fn an_address_inside_of_another_counts() {
        for form in ["::ffff:", "::", "::ffff:0:", "64:ff9b::", "64:ff9b:1::"] {
            check(
                &[&format!("{form}169.254.169.254"), &format!("{form}0.0.0.0").replace("::0.0.0.0", "::224.0.0.1")],
                Reach::Never,
            );
            check(&[&format!("{form}127.0.0.1"), &format!("{form}10.0.0.1")], Reach::Nearby);
        }
        check(&["2002:a9fe:a9fe::1", "2001:0:1:2:3:4:5601:5601"], Reach::Never);
        check(&["2002:7f00:1::", "2002:c0a8:1::1", "2001:0:1:2:3:4:f5ff:fffe"], Reach::Nearby);
    }
}
