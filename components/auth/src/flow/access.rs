//! Which policies apply to a client, and what they allow.

use alloc::{string::String, vec::Vec};
use core::net::IpAddr;

/// A policy of an account, as far as rights follow from it.
#[expect(clippy::struct_excessive_bools, reason = "each is a column of its own")]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// Its id.
    pub id: String,
    /// Whether it is attached to the account's own role: not to the account, not to a parent role.
    pub by_own_role: bool,
    /// Allows everything.
    pub admin: bool,
    /// Allows the app.
    pub app: bool,
    /// Demands a second factor.
    pub enforce_tfa: bool,
    /// Addresses, ranges (`a-b`) and CIDR blocks from where it applies; empty for everywhere.
    pub addresses: Vec<String>,
}

/// What the policies that apply allow, taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rights {
    /// Everything.
    pub admin: bool,
    /// The app, and with it the reading of the own account.
    pub app: bool,
}

/// The policies that apply to a client at this address. One that is bound to addresses does not apply to a client whose
/// address is not known.
#[must_use]
pub fn applying(policies: Vec<Policy>, address: Option<&str>) -> Vec<Policy> {
    let address = address.and_then(|text| text.parse::<IpAddr>().ok()).map(|ip| ip.to_canonical());
    let applies = |policy: &Policy| {
        policy.addresses.is_empty() || address.is_some_and(|ip| policy.addresses.iter().any(|rule| contains(rule, ip)))
    };
    policies.into_iter().filter(applies).collect()
}

/// What these policies allow.
#[must_use]
pub fn rights(policies: &[Policy]) -> Rights {
    let admin = policies.iter().any(|policy| policy.admin);
    Rights { admin, app: admin || policies.iter().any(|policy| policy.app) }
}

/// Whether a second factor is demanded of an account with these policies.
#[must_use]
pub fn demands_tfa(policies: &[Policy]) -> bool {
    policies.iter().any(|policy| policy.by_own_role && policy.enforce_tfa)
}

/// Whether an address, a range or a block holds this address. A rule that is none of these holds nothing.
fn contains(rule: &str, ip: IpAddr) -> bool {
    let address = |text: &str| text.trim().parse::<IpAddr>().ok().map(|ip| ip.to_canonical());
    if let Some((first, last)) = rule.split_once('-') {
        let (Some(first), Some(last)) = (address(first), address(last)) else { return false };
        return first.is_ipv4() == ip.is_ipv4() && last.is_ipv4() == ip.is_ipv4() && first <= ip && ip <= last;
    }
    let Some((block, bits)) = rule.split_once('/') else { return address(rule) == Some(ip) };
    let (Some(block), Ok(bits)) = (address(block), bits.trim().parse::<u32>()) else { return false };
    match (block, ip) {
        (IpAddr::V4(block), IpAddr::V4(ip)) if bits <= 32 => {
            (u64::from(block.to_bits()) ^ u64::from(ip.to_bits())) >> (32 - bits) == 0
        }
        (IpAddr::V6(block), IpAddr::V6(ip)) if bits <= 128 => {
            (block.to_bits() ^ ip.to_bits()).checked_shr(128 - bits).unwrap_or(0) == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(rules: &[&str]) -> Policy {
        Policy { admin: true, addresses: rules.iter().map(|rule| (*rule).into()).collect(), ..Policy::default() }
    }

    fn applies(rules: &[&str], address: Option<&str>) -> bool {
        !applying(alloc::vec![bound(rules)], address).is_empty()
    }

    #[test]
    fn an_unbound_policy_applies_everywhere() {
        assert!(applies(&[], None));
        assert!(applies(&[], Some("10.0.0.1")));
    }

    #[test]
    fn addresses_ranges_and_blocks_bind() {
        assert!(applies(&["10.0.0.1"], Some("10.0.0.1")));
        assert!(applies(&["10.0.0.1"], Some("::ffff:10.0.0.1")));
        assert!(applies(&["192.168.0.0/16", "10.0.0.1"], Some("192.168.200.3")));
        assert!(applies(&["10.0.0.5 - 10.0.0.9"], Some("10.0.0.9")));
        assert!(applies(&["2001:db8::/32"], Some("2001:db8::1")));
        assert!(applies(&["0.0.0.0/0"], Some("203.0.113.9")));
        assert!(applies(&["::/0"], Some("2001:db8::1")));
    }

    #[test]
    fn everything_else_is_outside() {
        assert!(!applies(&["10.0.0.1"], Some("10.0.0.2")));
        assert!(!applies(&["192.168.0.0/16"], Some("192.169.0.1")));
        assert!(!applies(&["10.0.0.5-10.0.0.9"], Some("10.0.0.10")));
        assert!(!applies(&["2001:db8::/32"], Some("2001:db9::1")));
        assert!(!applies(&["::/0"], Some("10.0.0.1")));
        assert!(!applies(&["10.0.0.0/33"], Some("10.0.0.0")));
        assert!(!applies(&["nonsense", "10.0.0.x", "/", "-"], Some("10.0.0.1")));
    }

    #[test]
    fn a_client_without_an_address_is_outside_of_every_bound() {
        assert!(!applies(&["0.0.0.0/0"], None));
        assert!(!applies(&["0.0.0.0/0"], Some("unknown")));
    }

    #[test]
    fn admin_implies_app_and_nothing_implies_admin() {
        let policy = |admin, app| Policy { admin, app, ..Policy::default() };
        assert_eq!(rights(&[policy(true, false)]), Rights { admin: true, app: true });
        assert_eq!(rights(&[policy(false, true)]), Rights { admin: false, app: true });
        assert_eq!(rights(&[]), Rights::default());
    }

    #[test]
    fn only_the_own_role_demands_a_second_factor() {
        let policy = |by_own_role| Policy { by_own_role, enforce_tfa: true, ..Policy::default() };
        assert!(demands_tfa(&[policy(true)]));
        assert!(!demands_tfa(&[policy(false)]));
    }
}
