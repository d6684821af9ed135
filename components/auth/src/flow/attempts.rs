//! What becomes of somebody who guesses passwords.
//!
//! Wrong attempts are counted for an account from a network. Beyond the limit of the project, further attempts from there
//! are refused for a while, right or wrong, longer each time; from everywhere else the account can be signed in to: nobody
//! can lock anybody out.

use alloc::string::{String, ToString};
use core::net::{IpAddr, Ipv6Addr};

/// The first wait after the limit, in milliseconds. Doubled with each further attempt.
const FIRST_WAIT_MS: u64 = 1000;

/// The longest wait, in milliseconds: somebody who shares a network with a guesser gets in a minute after they stop, and
/// the guesser gets 1,440 tries a day.
const LONGEST_WAIT_MS: u64 = 60_000;

/// How long attempts are remembered, in milliseconds.
pub const MEMORY_MS: u64 = 86_400_000;

/// For how long further attempts are refused after `count` wrong ones, in milliseconds; 0 within the limit.
#[must_use]
pub fn wait_ms(count: u32, limit: u32) -> u64 {
    match count.checked_sub(limit) {
        None | Some(0) => 0,
        Some(beyond) => FIRST_WAIT_MS.saturating_mul(2_u64.saturating_pow(beyond - 1)).min(LONGEST_WAIT_MS),
    }
}

/// What an address is counted as: an IPv4 address itself, of IPv6 the /64 that one customer has.
#[must_use]
pub fn network(address: &str) -> String {
    match address.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
        Ok(IpAddr::V6(ip)) => Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX)).to_string(),
        Ok(ip) => ip.to_string(),
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_begin_beyond_the_limit_and_double() {
        let waits: alloc::vec::Vec<_> = (0..8).map(|count| wait_ms(count, 3)).collect();
        assert_eq!(waits, [0, 0, 0, 0, 1000, 2000, 4000, 8000]);
    }

    #[test]
    fn networks_are_what_one_customer_has() {
        assert_eq!(network("::ffff:10.0.0.1"), "10.0.0.1");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("unknown"), "");
    }

    #[test]
    fn waits_have_an_end() {
        for count in [20, 63, 64, 65, 66, 67, 1000, u32::MAX] {
            assert_eq!(wait_ms(count, 3), LONGEST_WAIT_MS, "{count}");
        }
    }
}
