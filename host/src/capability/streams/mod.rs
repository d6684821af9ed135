//! `gatewit:streams`: connections of drivers to the servers of their providers, for protocols that are not HTTP.
//!
//! | file | what it does |
//! |---|---|
//! | [`policy`] | decides where a driver may connect |
//! | [`client`] | the connections of one provider: names, encryption, deadlines |
//! | [`connection`] | the bytes of one connection within its limits |
//! | [`line`] | the same as a call has it: a connection of its own, or what it is told of another one |
//! | [`report`] | what was connected to and how it ended |
//!
//! Invariant: a guest reads and writes plain bytes and nothing else; names, addresses, certificates and keys stay here.
//! Deliberately absent: listening, UDP, proxies, and a pool, because what a protocol leaves behind in a connection is not
//! known here.

mod client;
mod connection;
mod line;
mod policy;
mod report;
#[cfg(test)]
mod tests;

pub(crate) use client::Client;
#[expect(unreachable_pub, reason = "named by generated bindings, which are public in their module")]
pub use line::Line;

use super::{
    network::allowance::Allowance,
    script::{Asked, Nature, Script},
    trace::Trace,
};
use crate::{bindings::driver::gatewit::streams::streams, telemetry::spans};
use connection::Connection;
use std::{io, sync::Arc};
use tracing::Instrument as _;
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};

/// Connections of one call. A sign-in makes one, and one more for each server that is down or sends us on.
pub(crate) const CONNECTIONS_MAX: u32 = 16;

/// Why there is no connection, or no more of it. Texts hold no addresses but those that the driver said.
#[derive(Debug, thiserror::Error)]
#[expect(unreachable_pub, reason = "named by generated bindings, which are public in their module")]
pub enum Error {
    #[error("denied")]
    Denied,
    #[error("{0}")]
    Unreachable(String),
    #[error("{0}")]
    Untrusted(String),
    #[error("there was no answer in time")]
    Overdue,
    #[error("more bytes came or went than a connection may carry")]
    Exhausted,
    #[error("a handle is not valid")]
    Handle(#[from] wasmtime::component::ResourceTableError),
}

impl Error {
    fn closed() -> Self {
        Self::Unreachable("the connection is closed".to_owned())
    }

    fn unknown_name() -> Self {
        Self::Unreachable("the name is not found".to_owned())
    }

    /// What the system says, by its kind: its text may name more than the driver knows. What rustls says comes as it is.
    fn of(error: &io::Error) -> Self {
        match tls_error(error) {
            Some(cause) => Self::Untrusted(cause.to_string()),
            None => Self::Unreachable(error.kind().to_string()),
        }
    }

    /// The same while encryption begins: whatever goes wrong then is one of TLS.
    fn of_handshake(error: &io::Error) -> Self {
        let cause = tls_error(error).map_or_else(|| error.kind().to_string(), ToString::to_string);
        Self::Untrusted(cause)
    }
}

fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>())
}

/// Connections as one call makes them.
pub(crate) struct StreamsView<'a> {
    /// Without a client there is no network.
    pub(crate) client: Option<&'a Arc<Client>>,
    pub(crate) trace: &'a Trace,
    pub(crate) script: &'a Script,
    pub(crate) connections: &'a mut Allowance,
    pub(crate) table: &'a mut ResourceTable,
}

struct Granted;

impl HasData for Granted {
    type Data<'a> = StreamsView<'a>;
}

/// Adds connections, and nothing else, to `linker`.
pub(crate) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> StreamsView<'_>,
) -> wasmtime::Result<()> {
    streams::add_to_linker::<T, Granted>(linker, view)
}

impl<'a> StreamsView<'a> {
    /// The client, if one more connection may be made.
    fn admit(&mut self) -> Result<&'a Arc<Client>, Error> {
        let has_network = self.client.is_some();
        let may = self.connections.take(has_network, "makes too many connections", "a connection", self.trace);
        self.client.filter(|_| may).ok_or(Error::Denied)
    }
}

impl StreamsView<'_> {
    /// Opens a line by a connection that is about to be made, unless somebody who watches is told of one.
    async fn open(
        &mut self,
        asked: Asked,
        connect: impl Future<Output = Result<Connection, Error>>,
    ) -> Result<Resource<Line>, Error> {
        let mut made = None;
        let connect = async {
            made = Some(connect.await?);
            Ok(())
        };
        asked.told(connect, || Error::Denied).await?;
        Ok(self.table.push(Line::new(self.connections.taken(), made))?)
    }
}

impl streams::Host for StreamsView<'_> {
    async fn connect(&mut self, host: String, port: u16, tls: bool) -> Result<Resource<Line>, Error> {
        let (client, trace) = (self.admit()?, self.trace);
        let asked = self.script.ask(Nature::Effect, "connect", &(&host, port, tls));
        self.open(asked, client.connect(&host, port, tls, trace).instrument(spans::connection())).await
    }

    async fn connect_to_socket(&mut self, path: String) -> Result<Resource<Line>, Error> {
        let (client, trace) = (self.admit()?, self.trace);
        let asked = self.script.ask(Nature::Effect, "connect_to_socket", &path);
        self.open(asked, client.connect_to_socket(&path, trace)).await
    }

    fn convert_error(&mut self, error: Error) -> wasmtime::Result<streams::Error> {
        Ok(match error {
            Error::Denied => streams::Error::Denied,
            Error::Unreachable(why) => streams::Error::Unreachable(why),
            Error::Untrusted(why) => streams::Error::Untrusted(why),
            Error::Overdue => streams::Error::Overdue,
            Error::Exhausted => streams::Error::Exhausted,
            Error::Handle(error) => return Err(error.into()),
        })
    }
}

impl streams::HostConnection for StreamsView<'_> {
    async fn send(&mut self, line: Resource<Line>, bytes: Vec<u8>) -> Result<(), Error> {
        self.table.get_mut(&line)?.send(self.script, &bytes).await
    }

    async fn receive(&mut self, line: Resource<Line>, most: u32) -> Result<Vec<u8>, Error> {
        self.table.get_mut(&line)?.receive(self.script, most).await
    }

    async fn secure(&mut self, line: Resource<Line>) -> Result<(), Error> {
        let within = self.client.map(|client| client.connect_timeout()).unwrap_or_default();
        self.table.get_mut(&line)?.secure(self.script, within).await
    }

    async fn drop(&mut self, line: Resource<Line>) -> wasmtime::Result<()> {
        self.table.delete(line)?;
        Ok(())
    }
}
