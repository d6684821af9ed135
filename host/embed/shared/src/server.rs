//! A server on threads of its own, so that it depends on nobody's event loop and two of them on nothing in common.

use crate::{
    calls,
    letters::{OwnMailer, Post},
    problem::Problem,
    request::{self, Answer, Asked},
    under_way::{End, UnderWay},
};
use futures_util::{FutureExt as _, future::Abortable};
use gatewit_host::{Config, Gatewit, Service};
use serde_json::json;
use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::{runtime::Runtime, sync::Notify};

/// How long a server that nobody has closed may take to close by itself, when the last handle to it is gone.
const LAST_MOMENT: Duration = Duration::from_secs(5);

/// A server in somebody's program.
pub(crate) struct Embedded {
    gatewit: Gatewit,
    service: Service,
    /// `None` only while this is dropped.
    runtime: Option<Runtime>,
    grace: Duration,
    facts: String,
    post: Option<Arc<Post>>,
    /// Those that can be given up.
    calls: UnderWay,
    under_way: AtomicUsize,
    idle: Notify,
}

impl Embedded {
    /// Starts a server from variables as a `.env` file would have them. Takes a second or two on the calling thread.
    ///
    /// # Errors
    /// All problems of the settings at once, or whatever else keeps it from serving.
    pub(crate) fn start(variables: Vec<(String, String)>, post: Option<Arc<Post>>) -> Result<Self, Problem> {
        let (config, warnings) = Config::from_variables(variables)?;
        if config.upstream.url.is_some() {
            // Answers are handed over whole, and those of an application have no limit.
            let line =
                "GATEWIT_UPSTREAM: only a server by itself passes requests on; ask the application from your program";
            return Err(Problem::Configuration(vec![line.to_owned()]));
        }
        gatewit_host::log::init(&config.log);
        let no_threads = |error: std::io::Error| Problem::Start(format!("there are no threads: {error}"));
        let mut threads = tokio::runtime::Builder::new_multi_thread();
        let runtime = threads.thread_name("gatewit").enable_all().build().map_err(no_threads)?;
        let body_limit = config.server.max_payload_bytes;
        let grace = config.server.shutdown_timeout;
        let mut builder = Gatewit::builder(config);
        if let Some(post) = &post {
            builder = builder.mailer(OwnMailer(post.clone()));
        }
        let gatewit = match runtime.block_on(builder.start()) {
            Ok(gatewit) => gatewit,
            Err(error) => {
                runtime.shutdown_background();
                return Err(error.into());
            }
        };
        let first_admin = gatewit.first_admin().map(|admin| {
            let password = admin.password.as_ref().map(|password| password.expose().clone());
            json!({"email": admin.email, "password": password})
        });
        let warnings: Vec<_> = warnings.iter().map(ToString::to_string).collect();
        let facts = json!({"warnings": warnings, "first_admin": first_admin, "body_limit": body_limit}).to_string();
        let service = gatewit.service();
        let (under_way, idle) = (AtomicUsize::new(0), Notify::new());
        let calls = UnderWay::default();
        Ok(Self { gatewit, service, runtime: Some(runtime), grace, facts, post, calls, under_way, idle })
    }

    /// What is known once it has started, as JSON: `warnings` about settings, the `first_admin` if one was made (its password
    /// is nowhere else), and the `body_limit`: nobody needs to read further than one byte more.
    pub(crate) fn facts(&self) -> &str {
        &self.facts
    }

    /// What became of a letter.
    pub(crate) fn sent(&self, number: u32, failure: Option<String>) {
        if let Some(post) = &self.post {
            post.sent(number, failure);
        }
    }

    /// Whether a route of the server has this path and method. Those that a program has itself, `/` and `/robots.txt`, are not
    /// among them.
    pub(crate) fn owns(method: &str, path: &str) -> bool {
        let Ok(method) = http::Method::from_bytes(method.as_bytes()) else { return false };
        !matches!(path, "" | "/" | "/robots.txt") && Service::has_route(&method, path)
    }

    /// Runs a future on the server's threads and tells its end. The number by which it can be given up; 0 if it has ended.
    pub(crate) fn run<T: Send + 'static>(
        self: &Arc<Self>,
        future: impl Future<Output = T> + Send + 'static,
        done: impl FnOnce(End<T>) + Send + 'static,
    ) -> u64 {
        let Some(runtime) = &self.runtime else {
            done(End::Broken);
            return 0;
        };
        let (number, registration) = self.calls.begin();
        let future = Abortable::new(AssertUnwindSafe(future).catch_unwind(), registration);
        // The threads stay until its end was told.
        let server = self.clone();
        runtime.spawn(async move {
            let end = match future.await {
                Ok(Ok(end)) => End::Done(end),
                Ok(Err(_)) => End::Broken,
                Err(_) => End::Cancelled,
            };
            server.calls.end(number);
            done(end);
            drop(server);
        });
        number
    }

    /// Gives a call up, as if whoever it is for had gone away.
    pub(crate) fn cancel(&self, number: u64) {
        self.calls.cancel(number);
    }

    /// The same, but begins on this thread: what waits for nobody has ended, and its end was told, when this returns.
    ///
    /// Components are stopped after a millisecond, and then go on elsewhere, as does what waits.
    pub(crate) fn begin<T: Send + 'static>(
        self: &Arc<Self>,
        future: impl Future<Output = T> + Send + 'static,
        done: impl FnOnce(End<T>) + Send + 'static,
    ) -> u64 {
        let Some(runtime) = &self.runtime else {
            done(End::Broken);
            return 0;
        };
        let mut begun = Box::pin(AssertUnwindSafe(future).catch_unwind());
        let first = {
            let _within = runtime.enter();
            begun.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        };
        match first {
            Poll::Ready(end) => {
                done(end.map_or(End::Broken, End::Done));
                0
            }
            // Whatever woke nobody meanwhile is found when it is looked at again, which happens at once.
            Poll::Pending => self.run(begun, |end| {
                done(match end {
                    End::Done(Ok(end)) => End::Done(end),
                    End::Done(Err(_)) | End::Broken => End::Broken,
                    End::Cancelled => End::Cancelled,
                });
            }),
        }
    }

    /// Answers one request. It is under way from now on; after [`Embedded::close`] the answer is 503.
    pub(crate) fn answer(self: &Arc<Self>, asked: Asked) -> impl Future<Output = Answer> + Send + use<> {
        let under_way = Counted::new(self);
        async move { request::answer(under_way.0.service.clone(), asked).await }
    }

    /// A typed call: an operation such as `login`, its arguments and its answer as JSON. It is under way from now on.
    ///
    /// # Errors
    /// A refusal, or arguments that are none.
    pub(crate) fn call(
        self: &Arc<Self>,
        operation: String,
        arguments: Vec<u8>,
    ) -> impl Future<Output = Result<String, Problem>> + Send + use<> {
        let under_way = Counted::new(self);
        async move { calls::call(&under_way.0.gatewit, &operation, &arguments).await }
    }

    /// Lets what is under way finish, for `SHUTDOWN_TIMEOUT` at most, writes what is to be written, and lets go of the
    /// database. Closing twice is closing once.
    pub(crate) async fn close(&self) {
        let idle = async {
            loop {
                let changed = self.idle.notified();
                if self.under_way.load(Ordering::SeqCst) == 0 {
                    break;
                }
                changed.await;
            }
        };
        let _ = tokio::time::timeout(self.grace, idle).await;
        self.gatewit.close().await;
    }
}

/// Whoever forgot to close waits for nothing here: this may be a thread that must not wait, or one of ours.
impl Drop for Embedded {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        let gatewit = self.gatewit.clone();
        let end = move || {
            let _ = runtime.block_on(async { tokio::time::timeout(LAST_MOMENT, gatewit.close()).await });
            runtime.shutdown_background();
        };
        // Without a thread nothing is lost that was promised: that is on the disk.
        let _ = std::thread::Builder::new().name("gatewit-end".to_owned()).spawn(end);
    }
}

/// Counts a call while it lives.
struct Counted(Arc<Embedded>);

impl Counted {
    fn new(server: &Arc<Embedded>) -> Self {
        server.under_way.fetch_add(1, Ordering::SeqCst);
        Self(server.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if self.0.under_way.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.idle.notify_waiters();
        }
    }
}
