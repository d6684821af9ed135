//! A running server, and its operations as typed calls.

use crate::{
    Builder, Clock, Config, Secret, StartError, SystemClock,
    bindings::auth::gatewit::auth::types::{Reason, Service as Needed},
    capability::{drivers::Served, storage::Backend, trace::Trace},
    embed::Brought,
    engine::{CallError, Conversation, Services},
    http::{
        front::proxy::Upstream,
        listener::{self, Limits},
        service::{Service, Wire},
        threads::Threads,
    },
    registry::Registry,
    start,
};
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use time::OffsetDateTime;
use tokio::{net::TcpListener, runtime::Handle};

/// A running server. Clones are handles to the same one.
#[derive(Clone)]
pub struct Gatewit(pub(crate) Arc<Server>);

/// What all requests share.
pub(crate) struct Server {
    pub(crate) config: Config,
    pub(crate) services: Arc<Services>,
    pub(crate) wire: Wire,
    pub(crate) registry: Arc<Registry>,
    /// What goes on beside requests; it ends with the server.
    tasks: Vec<tokio::task::AbortHandle>,
    /// When this server started.
    pub(crate) started_at: OffsetDateTime,
    /// Whether it has been told to stop.
    draining: AtomicBool,
    /// Whether it has stopped.
    closed: AtomicBool,
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

/// Work of ours in a box, so that programs compile their own code and not ours.
type Unit<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

impl Gatewit {
    /// Starts a server.
    ///
    /// # Errors
    /// Anything that would keep it from serving: see [`StartError`].
    pub async fn start(config: Config) -> Result<Self, StartError> {
        Self::builder(config).start().await
    }

    /// Begins to put a server together that takes storage, letters, components or time from the program.
    ///
    /// ```no_run
    /// # async fn run(config: gatewit_host::Config, acme: Vec<u8>) -> Result<(), Box<dyn std::error::Error>> {
    /// let gatewit = gatewit_host::Gatewit::builder(config).component("acme", acme).start().await?;
    /// # Ok(()) }
    /// ```
    pub fn builder(config: Config) -> Builder {
        Builder::new(config)
    }

    /// In a box, so that programs compile their own code and not ours.
    pub(crate) fn put_together(
        config: Config,
        brought: Brought,
    ) -> Pin<Box<dyn Future<Output = Result<Self, StartError>> + Send>> {
        Box::pin(async move {
            let wire = Wire::new(&config).map_err(StartError::Setting)?;
            let start::Parts { registry, services, first_admin } = start::assemble(&config, brought).await?;
            let (registry, tasks) = registry.run(config.engine.watch);
            let started_at = OffsetDateTime::UNIX_EPOCH + services.clock.now();
            let (draining, closed) = (AtomicBool::new(false), AtomicBool::new(false));
            let server = Server { config, services, wire, registry, tasks, started_at, draining, closed, first_admin };
            Ok(Self(Arc::new(server)))
        })
    }

    /// The server as a tower service, to mount in a program of your own.
    #[must_use]
    pub fn service(&self) -> Service {
        Service::new(self.0.clone())
    }

    /// Serves on a listener until `stop` is ready. Then it says so under `/gatewit/ready` and goes on for the configured
    /// drain time, and after that requests under way finish, within the configured time.
    pub async fn serve(&self, listener: TcpListener, stop: impl Future<Output = ()> + Send) {
        self.serve_until(listener, Box::pin(stop)).await;
    }

    fn serve_until<'a>(&'a self, listener: TcpListener, stop: Unit<'a>) -> Unit<'a> {
        Box::pin(async move {
            let limits = Limits { shutdown: self.0.config.server.shutdown_timeout, ..Limits::default() };
            let threads = self.threads();
            let service = self.service().at_home(threads.as_ref().map(|_| Handle::current()));
            let answer = move |request, peer| {
                let service = service.clone();
                async move { service.answer(request, Some(peer)).await }
            };
            let stop = async {
                stop.await;
                self.drain().await;
            };
            let cut = listener::serve(listener, threads.as_ref(), limits, now, answer, stop).await;
            if cut > 0 {
                tracing::warn!(connections = cut, "requests did not finish in time and were cut");
            }
            self.close().await;
        })
    }

    /// Threads for connections, where there is an application behind this server.
    fn threads(&self) -> Option<Threads> {
        self.0.wire.upstream.as_ref()?;
        let started = Threads::start();
        started.inspect_err(|error| tracing::warn!(%error, "connections have no threads of their own")).ok()
    }

    /// Says under `/gatewit/ready` that no more requests should come, and waits for the configured drain time.
    pub async fn drain(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
        let time = self.0.config.server.drain_time;
        tracing::info!(drain_ms = time.as_millis(), "told to stop");
        tokio::time::sleep(time).await;
    }

    /// The administrator that this start has made, if it has.
    #[must_use]
    pub fn first_admin(&self) -> Option<&FirstAdmin> {
        self.0.first_admin.as_ref()
    }

    /// Looks at the components folder again and serves what has changed there, as for `SIGHUP`.
    pub async fn reload(&self) {
        self.0.registry.look_at_folder().await;
    }

    /// Finishes what is being written and lets go of the database. Requests and calls that come later are refused with
    /// `SERVICE_UNAVAILABLE`. Closing twice is closing once.
    pub async fn close(&self) {
        self.end().await;
    }

    fn end(&self) -> Unit<'_> {
        Box::pin(async move {
            if self.0.closed.swap(true, Ordering::SeqCst) {
                return;
            }
            self.0.wire.upstream.iter().for_each(Upstream::close);
            self.0.tasks.iter().for_each(tokio::task::AbortHandle::abort);
            self.0.services.post.close().await;
            self.0.services.traces.close().await;
            self.0.services.store.close().await;
        })
    }
}

impl Server {
    /// Whether it has been told to stop.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    pub(crate) fn store(&self) -> &dyn Backend {
        self.services.store.as_ref()
    }

    /// A provider that can be signed in with.
    pub(crate) fn provider(&self, name: &str) -> Option<Arc<Served>> {
        self.services.drivers.get().find(name).cloned()
    }

    /// Opens a sandbox for one request.
    pub(crate) async fn rules(&self, trace: &Trace) -> Result<Conversation, Reason> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(Reason::Unavailable(Needed { name: "api".to_owned(), reason: "It is shut down".to_owned() }));
        }
        self.registry.open(trace).await.map_err(|error| broken(&error))
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
