//! Where a driver may connect. Pure decisions; who connects asks them, before and after names are resolved.
//!
//! A driver reaches the hosts of its provider's addresses, at the ports written there, and the sockets of its settings. An
//! operator has written each of them, so loopback and private addresses are fine. Invariant: nobody comes to an address that
//! is nobody's business ([`Reach::Never`]), whatever is configured and wherever a name leads.

use crate::capability::network::address::{Reach, reach, reach_of_name};
use std::{fmt, net::IpAddr};
use url::Url;

/// Ports of schemes that `url` does not know.
const PORTS: [(&str, u16); 2] = [("ldap", 389), ("ldaps", 636)];

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Denial {
    /// No setting of the provider names it.
    Foreign,
    /// The name is one of those that clouds give to their metadata.
    Metadata,
    /// Nobody is to come here.
    Never(IpAddr),
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => f.write_str("is in no setting of the provider"),
            Self::Metadata => f.write_str("is a name of a cloud's metadata"),
            Self::Never(address) => write!(f, "leads to {address}, where no driver has business"),
        }
    }
}

/// A host as settings and drivers write it, brought into one form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    Name(String),
    Address(IpAddr),
}

impl Host {
    /// Names in lower case without a dot at the end, addresses with or without brackets.
    pub(super) fn of(text: &str) -> Option<Self> {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = bare.parse() {
            return Some(Self::Address(address));
        }
        let name = bare.trim_end_matches('.').to_ascii_lowercase();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        (!name.is_empty() && name.bytes().all(is_plain)).then_some(Self::Name(name))
    }
}

/// The servers of one provider.
pub(super) struct Servers {
    /// Each with its port; any port where the address has none.
    hosts: Vec<(Host, Option<u16>)>,
    sockets: Vec<String>,
}

impl Servers {
    pub(super) fn new(urls: &[Url], sockets: &[String]) -> Self {
        let server = |url: &Url| {
            let known = PORTS.iter().find(|(scheme, _)| *scheme == url.scheme()).map(|(_, port)| *port);
            Some((Host::of(url.host_str()?)?, url.port_or_known_default().or(known)))
        };
        Self { hosts: urls.iter().filter_map(server).collect(), sockets: sockets.to_vec() }
    }

    /// Whether a host may be connected to.
    pub(super) fn admit(&self, host: &Host, port: u16) -> Result<(), Denial> {
        let is_there = |(known, at): &(Host, Option<u16>)| known == host && at.is_none_or(|at| at == port);
        if !self.hosts.iter().any(is_there) {
            return Err(Denial::Foreign);
        }
        match host {
            Host::Name(name) if reach_of_name(name) == Some(Reach::Never) => Err(Denial::Metadata),
            Host::Name(_) => Ok(()),
            Host::Address(address) => check(*address),
        }
    }

    /// Whether a socket may be connected to.
    pub(super) fn admit_socket(&self, path: &str) -> Result<(), Denial> {
        self.sockets.iter().any(|known| known == path).then_some(()).ok_or(Denial::Foreign)
    }
}

/// Whether a resolved address may be connected to.
pub(super) fn check(address: IpAddr) -> Result<(), Denial> {
    if reach(address) == Reach::Never { Err(Denial::Never(address)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(urls: &[&str]) -> Servers {
        let urls: Vec<Url> = urls.iter().map(|url| Url::parse(url).unwrap()).collect();
        Servers::new(&urls, &["/run/ldapi".to_owned()])
    }

    fn denial(servers: &Servers, host: &str, port: u16) -> Option<Denial> {
        servers.admit(&Host::of(host)?, port).err()
    }

    #[test]
    fn hosts_of_settings_are_reached_at_their_ports() {
        let servers = servers(&["ldap://DC.Example.com.", "ldaps://10.0.0.1:1636", "ldap://[::1]", "imap://mail"]);
        for (host, port) in [("dc.example.com", 389), ("10.0.0.1", 1636), ("::1", 389), ("[::1]", 389), ("mail", 25)] {
            assert_eq!(denial(&servers, host, port), None, "{host}:{port}");
        }
        for (host, port) in [("dc.example.com", 636), ("10.0.0.1", 636), ("10.0.0.2", 1636), ("example.com", 389)] {
            assert_eq!(denial(&servers, host, port), Some(Denial::Foreign), "{host}:{port}");
        }
    }

    #[test]
    fn what_is_nobodys_business_stays_so_even_if_it_is_configured() {
        let servers = servers(&["ldap://169.254.169.254", "ldap://metadata.google.internal", "ldap://[fe80::1]"]);
        assert!(matches!(denial(&servers, "169.254.169.254", 389), Some(Denial::Never(_))));
        assert_eq!(denial(&servers, "metadata.google.internal", 389), Some(Denial::Metadata));
        assert!(matches!(denial(&servers, "fe80::1", 389), Some(Denial::Never(_))));
        assert!(check("::ffff:169.254.169.254".parse().unwrap()).is_err());
        assert!(check("127.0.0.1".parse().unwrap()).is_ok());
    }

    #[test]
    fn only_sockets_of_settings_are_reached() {
        let servers = servers(&[]);
        assert_eq!(servers.admit_socket("/run/ldapi"), Ok(()));
        for path in ["/run/docker.sock", "/run/../run/ldapi", "/run/ldapi/", ""] {
            assert_eq!(servers.admit_socket(path), Err(Denial::Foreign), "{path}");
        }
    }

    #[test]
    fn what_is_no_host_is_none() {
        for text in ["", ".", "a b", "a%2eb", "a/b", "user@a", "[a]b", "ä"] {
            assert_eq!(Host::of(text), None, "{text}");
        }
    }
}
