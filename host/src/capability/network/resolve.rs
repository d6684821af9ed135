//! From names to addresses.

use std::{io, net::IpAddr, pin::Pin};

/// Addresses, when they are known.
pub(crate) type Resolved = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Whoever resolves names.
pub(crate) trait Resolve: Send + Sync {
    fn resolve(&self, name: &str) -> Resolved;
}

/// As the operating system resolves.
pub(crate) struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: &str) -> Resolved {
        let name = name.to_owned();
        Box::pin(
            async move { Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.map(|address| address.ip()).collect()) },
        )
    }
}
