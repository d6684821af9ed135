//! A running server, and its operations as typed calls.

use crate::{
    Clock, Config, Secret, StartError, SystemClock,
    bindings::auth::gatewit::auth::types::Reason,
    capability::{drivers::Served, storage::Backend, trace::Trace},
    engine::{CallError, Conversation, Rules, Services},
    http::{
        listener::{self, Limits},
        service::{Service, Wire},
    },
    start,
};
use std::sync::Arc;
use time::OffsetDateTime;
use tokio::net::TcpListener;

/// A running server. Clones are handles to the same one.
#[derive(Clone)]
pub struct Gatewit(pub(crate) Arc<Server>);

/// What all requests share.
pub(crate) struct Server {
    pub(crate) config: Config,
    pub(crate) services: Arc<Services>,
    pub(crate) wire: Wire,
    rules: Rules,
    first_admin: Option<FirstAdmin>,
}

/// The administrator that was made because the database had no account.
#[derive(Debug, Clone)]
pub struct FirstAdmin {
    /// The address to sign in with.
    pub email: String,
    /// The password, if it was made up. It is nowhere else; tell it now.
    pub password: Option<Secret<String>>,
}

impl Gatewit {
    /// Starts a server.
    ///
    /// # Errors
    /// Anything that would keep it from serving: see [`StartError`].
    pub async fn start(config: Config) -> Result<Self, StartError> {
        Self::start_with(config, Arc::new(SystemClock)).await
    }

    /// Starts a server with a clock of the caller's, for tests.
    ///
    /// # Errors
    /// As [`Gatewit::start`].
    pub async fn start_with(config: Config, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        let wire = Wire::new(&config).map_err(StartError::Setting)?;
        let start::Parts { rules, services, first_admin } = start::assemble(&config, clock).await?;
        Ok(Self(Arc::new(Server { config, services, wire, rules, first_admin })))
    }

    /// The server as a tower service, to mount in a program of your own.
    #[must_use]
    pub fn service(&self) -> Service {
        Service::new(self.0.clone())
    }

    /// Serves on a listener until `stop` is ready; then requests under way finish, within the configured time.
    pub async fn serve(&self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let limits = Limits { shutdown: self.0.config.server.shutdown_timeout, ..Limits::default() };
        let service = self.service();
        let answer = move |request, peer| {
            let service = service.clone();
            async move { service.answer(request, Some(peer)).await }
        };
        let cut = listener::serve(listener, limits, now, answer, stop).await;
        if cut > 0 {
            tracing::warn!(connections = cut, "requests did not finish in time and were cut");
        }
        self.close().await;
    }

    /// The administrator that this start has made, if it has.
    #[must_use]
    pub fn first_admin(&self) -> Option<&FirstAdmin> {
        self.0.first_admin.as_ref()
    }

    /// Finishes what is being written and lets go of the database. Requests that come later are refused.
    pub async fn close(&self) {
        self.0.services.post.close().await;
        self.0.services.traces.close().await;
        self.0.services.store.close().await;
    }
}

impl Server {
    pub(crate) fn store(&self) -> &dyn Backend {
        self.services.store.as_ref()
    }

    /// A provider that can be signed in with.
    pub(crate) fn provider(&self, name: &str) -> Option<&Served> {
        self.services.drivers.get()?.find(name).map(AsRef::as_ref)
    }

    /// Opens a sandbox for one request.
    pub(crate) async fn rules(&self, trace: &Trace) -> Result<Conversation, Reason> {
        self.rules.open(&self.services, trace).await.map_err(|error| broken(&error))
    }
}

/// The rules gave no answer: the request fails, and the log says why.
pub(crate) fn broken(error: &CallError) -> Reason {
    tracing::error!(error = error as &dyn std::error::Error, "the rules failed");
    Reason::Internal
}

/// For the `Date` of answers.
fn now() -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + SystemClock.now()
}
