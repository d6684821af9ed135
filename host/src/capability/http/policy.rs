//! Where a driver may send its requests. Pure decisions; who connects asks them, before and after names are resolved.
//!
//! A driver reaches the origins (scheme, host and port) of its provider's addresses, and those that a document at such an
//! address names. Invariant: whatever a document says, no driver comes to an address that is nobody's business
//! ([`Reach::Never`]), and none comes nearby unless the operator wrote a host there. Deliberately absent: paths. Who serves a
//! host serves all of it.

use crate::{
    capability::network::address::{Reach, reach, reach_of_name},
    config::HostPattern,
};
use std::{fmt, net::IpAddr};
use url::{Host, Url};

/// Origins that are taken from one document. Discovery documents name one or two.
const ORIGINS_MAX: usize = 32;

/// Why a request is not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Denial {
    /// Neither `http` nor `https`, or with a user's name in it.
    Form,
    /// No address of the provider has this scheme, host and port.
    Foreign,
    /// A document that came encrypted names this host without encryption.
    Downgrade,
    /// The name is one of those that clouds give to their metadata.
    Metadata,
    /// Nobody is to come here.
    Never(IpAddr),
    /// The operator gives the driver other hosts, and not this one.
    Ungranted,
    /// Only who is configured may be nearby.
    Nearby(Option<IpAddr>),
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => f.write_str("is not an address that requests are sent to"),
            Self::Foreign => f.write_str("is not an address of the provider, nor in a document of it"),
            Self::Downgrade => f.write_str("is not encrypted, but the document that names it was"),
            Self::Metadata => f.write_str("is a name of a cloud's metadata"),
            Self::Never(address) => write!(f, "leads to {address}, where no driver has business"),
            Self::Ungranted => f.write_str("is not among the hosts that GATEWIT_GRANTS gives the driver"),
            Self::Nearby(Some(address)) => write!(f, "leads to {address}, which is nearby, but is not configured"),
            Self::Nearby(None) => f.write_str("is nearby, but is not configured"),
        }
    }
}

impl std::error::Error for Denial {}

/// Scheme, host and port. Two spellings of one host are the same, as far as a URL's parser makes them so.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    is_secure: bool,
    host: Host<String>,
    port: u16,
}

impl Origin {
    fn of(url: &Url) -> Option<Self> {
        let is_secure = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let host = match url.host()? {
            Host::Domain(name) => Host::Domain(name.trim_end_matches('.').to_ascii_lowercase()),
            Host::Ipv4(address) => Host::Ipv4(address),
            Host::Ipv6(address) => Host::Ipv6(address),
        };
        Some(Self { is_secure, host, port: url.port_or_known_default()? })
    }

    /// How near the host is, as far as its name tells. `None`: a name that has to be resolved.
    fn reach(&self) -> Option<Reach> {
        match &self.host {
            Host::Domain(name) => reach_of_name(name),
            Host::Ipv4(address) => Some(reach((*address).into())),
            Host::Ipv6(address) => Some(reach((*address).into())),
        }
    }

    fn address(&self) -> Option<IpAddr> {
        match &self.host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some((*address).into()),
            Host::Ipv6(address) => Some((*address).into()),
        }
    }
}

/// What an admitted request may be connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pass {
    /// Loopback and private addresses, too.
    nearby: bool,
}

impl Pass {
    /// Whether a resolved address may be connected to.
    pub(super) fn check(self, address: IpAddr) -> Result<(), Denial> {
        match reach(address) {
            Reach::Never => Err(Denial::Never(address)),
            Reach::Nearby if !self.nearby => Err(Denial::Nearby(Some(address))),
            _ => Ok(()),
        }
    }
}

/// Where the driver of one provider may go.
pub(super) struct Egress {
    configured: Vec<Origin>,
    documents: Vec<Document>,
    /// The hosts that the driver was given; `None`: all that settings and documents name.
    granted: Option<Vec<HostPattern>>,
}

/// A document that the provider's settings name, and what the last one fetched named.
struct Document {
    address: Url,
    origins: Vec<Origin>,
    /// Left out because the document came encrypted and they would not; kept for a better message.
    downgrades: Vec<Origin>,
    nearby: bool,
}

impl Egress {
    /// `urls` and `documents` are the provider's settings of these kinds.
    pub(super) fn new(urls: &[Url], documents: &[Url], granted: Option<Vec<HostPattern>>) -> Self {
        let configured = urls.iter().chain(documents).filter_map(Origin::of).collect();
        let document = |address: &Url| {
            let mut address = address.clone();
            address.set_fragment(None);
            Document { address, origins: Vec::new(), downgrades: Vec::new(), nearby: false }
        };
        Self { configured, documents: documents.iter().map(document).collect(), granted }
    }

    /// Whether a request may be sent, and how near it may be connected.
    pub(super) fn admit(&self, url: &Url) -> Result<Pass, Denial> {
        let has_user = !url.username().is_empty() || url.password().is_some();
        let origin = Origin::of(url).filter(|_| !has_user).ok_or(Denial::Form)?;
        let pass = self.pass(&origin)?;
        match (origin.reach(), origin.address()) {
            (Some(Reach::Never), None) => Err(Denial::Metadata),
            (Some(Reach::Nearby), None) if !pass.nearby => Err(Denial::Nearby(None)),
            (_, Some(address)) => pass.check(address).map(|()| pass),
            _ => Ok(pass),
        }
    }

    fn pass(&self, origin: &Origin) -> Result<Pass, Denial> {
        if !self.is_granted(origin) {
            return Err(Denial::Ungranted);
        }
        if self.configured.contains(origin) {
            return Ok(Pass { nearby: true });
        }
        let naming = || self.documents.iter().filter(|document| document.origins.contains(origin));
        if naming().next().is_some() {
            return Ok(Pass { nearby: naming().any(|document| document.nearby) });
        }
        let is_downgrade = self.documents.iter().any(|document| document.downgrades.contains(origin));
        Err(if is_downgrade { Denial::Downgrade } else { Denial::Foreign })
    }

    fn is_granted(&self, origin: &Origin) -> bool {
        let (host, port) = (origin.host.to_string(), Some(origin.port));
        self.granted.as_ref().is_none_or(|granted| granted.iter().any(|pattern| pattern.names(&host, port)))
    }

    /// The document that is at this address: the setting's own, or one in `.well-known` below it.
    pub(super) fn document(&self, url: &Url) -> Option<usize> {
        let is_at = |document: &Document| {
            let own = &document.address;
            let folder = format!("{}/.well-known/", own.path().trim_end_matches('/'));
            let is_below = url.path().starts_with(&folder) && url.query().is_none() && own.query().is_none();
            let is_same = url.path() == own.path() && url.query() == own.query();
            Origin::of(url) == Origin::of(own) && (is_same || is_below)
        };
        self.documents.iter().position(is_at)
    }

    /// Takes the addresses out of a document that was fetched, in place of those of the one before. `nearby`: it was fetched
    /// from a loopback or private address.
    pub(super) fn learn(&mut self, document: usize, json: &[u8], nearby: bool) {
        let Ok(serde_json::Value::Object(members)) = serde_json::from_slice(json) else { return };
        let Some(document) = self.documents.get_mut(document) else { return };
        let own = Origin::of(&document.address);
        let is_secure = own.as_ref().is_some_and(|own| own.is_secure);
        let nested = members.values().filter_map(serde_json::Value::as_object).flat_map(serde_json::Map::values);
        let mut found: Vec<Origin> = Vec::new();
        for text in members.values().chain(nested).filter_map(serde_json::Value::as_str) {
            let origin = Url::parse(text).ok().as_ref().and_then(Origin::of);
            found.extend(origin.filter(|origin| !found.contains(origin) && found.len() < ORIGINS_MAX));
        }
        (document.origins, document.downgrades) = found.into_iter().partition(|origin| origin.is_secure || !is_secure);
        document.nearby = nearby || own.and_then(|own| own.reach()) == Some(Reach::Nearby);
    }
}

#[cfg(test)]
mod tests;
