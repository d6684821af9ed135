//! Hosts as a grant names them: `idp.example.com`, `*.example.com` for all below it, each with a port or without. Pure.

use super::error::Refusal;

/// Longest name of a host (RFC 1035, section 2.3.4), its port and a star included.
const PATTERN_BYTES_MAX: usize = 262;

/// One host, or all below a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPattern {
    /// In lower case, an address of IPv6 without its brackets.
    name: String,
    /// All hosts below it, and not itself?
    below: bool,
    port: Option<u16>,
}

impl HostPattern {
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        let wrong = || {
            Refusal::new(format!(
                "has {text:?}, which is no host; write for example idp.example.com, *.example.com or localhost:8080"
            ))
        };
        let (below, rest) = text.strip_prefix("*.").map_or((false, text), |rest| (true, rest));
        let (name, port) = match rest.rsplit_once(':') {
            // More colons than one are those of an address.
            Some((name, port)) if !name.contains(':') || name.ends_with(']') => (name, Some(port)),
            _ => (rest, None),
        };
        let port = port.map(|port| port.parse().map_err(|_| wrong())).transpose()?;
        let name = name.trim_start_matches('[').trim_end_matches([']', '.']).to_ascii_lowercase();
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        if name.is_empty() || text.len() > PATTERN_BYTES_MAX || !name.bytes().all(fits) {
            return Err(wrong());
        }
        Ok(Self { name, below, port })
    }

    /// Whether it names this host. `host` is written as URLs write it.
    pub(crate) fn names(&self, host: &str, port: Option<u16>) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches([']', '.']).to_ascii_lowercase();
        let is_host = match host.strip_suffix(&self.name) {
            Some("") => !self.below,
            Some(rest) => self.below && rest.ends_with('.'),
            None => false,
        };
        is_host && self.port.is_none_or(|own| port == Some(own))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_named_exactly_or_by_what_it_is_below() {
        let names = |pattern: &str, host: &str, port| HostPattern::parse(pattern).unwrap().names(host, Some(port));
        assert!(names("idp.example.com", "IdP.Example.com.", 443));
        assert!(!names("idp.example.com", "evil-idp.example.com", 443));
        assert!(!names("idp.example.com", "a.idp.example.com", 443));
        assert!(names("*.example.com", "a.b.example.com", 443));
        assert!(!names("*.example.com", "example.com", 443) && !names("*.example.com", "evilexample.com", 443));
        assert!(names("localhost:8080", "localhost", 8080) && !names("localhost:8080", "localhost", 443));
        assert!(names("[::1]:8080", "[::1]", 8080) && names("::1", "[::1]", 1));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for wrong in ["", "*", "*.", "https://a", "a/b", "a b", "a:b", "a:99999", "*.*.a"] {
            assert!(HostPattern::parse(wrong).is_err(), "{wrong}");
        }
    }
}
