//! What all ways of drivers to the outside share: which addresses are anybody's business, how often a call may go there, how
//! names are resolved, whom to trust, and what a provider sets differently. `http` and `streams` are the ways.
//!
//! Deliberately absent: a way. Nothing here opens a connection.

pub(crate) mod address;
pub(crate) mod allowance;
pub(crate) mod resolve;
pub(crate) mod tls;

use super::http::OwnProxy;
use crate::config::HostPattern;
use std::time::Duration;
use tls::OwnTls;
use url::Url;

/// What one provider sets differently.
#[derive(Default)]
pub(crate) struct Own {
    pub(crate) proxy: OwnProxy,
    pub(crate) tls: OwnTls,
    /// Longest time for one request and its answer, or for one connection.
    pub(crate) timeout: Option<Duration>,
    /// Longest time until there is a connection.
    pub(crate) connect_timeout: Option<Duration>,
    /// Its settings that are addresses, and those that are addresses of documents.
    pub(crate) urls: Vec<Url>,
    pub(crate) documents: Vec<Url>,
    /// Its settings that are Unix sockets.
    pub(crate) sockets: Vec<String>,
    /// The hosts that its driver may reach, whatever the settings and documents say; `None`: all of those.
    pub(crate) granted: Option<Vec<HostPattern>>,
}
