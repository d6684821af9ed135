//! One call from outside on its way through the rules, whether it came by HTTP or from the program that embeds us.
//!
//! It opens the sandboxes of the call, holds the answer for as long as the rules want it, and tells figures and log how it
//! ended. Absent: how a call travels (`http`, `embed`), and every decision about authentication.

use crate::{
    bindings::auth::{
        exports::gatewit::auth::{
            access::Principal,
            sessions::{Attempt, Form, Grant, Held},
        },
        gatewit::auth::types::{Client, Reason},
    },
    capability::{trace::Trace, traces::FailedSignIn},
    engine::{Conversation, Outcome},
    gatewit::{Server, broken},
    http::refusal::Refusal,
    telemetry::spans,
};
use std::{fmt, time::Duration};
use time::OffsetDateTime;
use tokio::time::Instant;
use tracing::Instrument as _;
use uuid::Uuid;

/// The id under which everything that a call caused can be found in the log. It never leaves the server by itself: Directus
/// sends no `X-Request-Id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CallId(Uuid);

impl CallId {
    pub(crate) fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// What somebody is told who has to set up a second factor, and may do nothing else.
pub(crate) const SET_UP_FIRST: &str = "A second factor has to be set up first";

/// A call that is under way.
pub(crate) struct Visit<'a> {
    pub(crate) server: &'a Server,
    pub(crate) client: Client,
    pub(crate) now: OffsetDateTime,
    pub(crate) id: CallId,
    started: Instant,
    trace: Trace,
}

/// Who is asking, and the sandbox in which that was found out.
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    pub(crate) rules: Conversation,
}

impl<'a> Visit<'a> {
    pub(crate) fn new(server: &'a Server, client: Client, started: Instant, id: CallId) -> Self {
        let now = OffsetDateTime::UNIX_EPOCH + server.services.clock.now();
        Self { server, client, now, id, started, trace: Trace::start() }
    }

    /// Opens a sandbox of the rules for this call.
    pub(crate) async fn rules(&self) -> Result<Conversation, Reason> {
        self.server.rules(&self.trace).await
    }

    /// Whose token that is.
    pub(crate) async fn authenticate(&self, token: &str) -> Result<Caller, Reason> {
        let authenticated = async {
            let mut rules = self.rules().await?;
            let principal = rules.authenticate(token, &self.client).await.map_err(|error| broken(&error))??;
            Ok::<_, Reason>(Caller { principal, rules })
        };
        authenticated.instrument(spans::rules("authenticate")).await
    }

    /// Calls the rules, in the sandbox that found out who is asking or in a new one, and answers no sooner than they want,
    /// the sandbox gone.
    pub(crate) async fn operate<T>(
        &self,
        caller: Option<Caller>,
        operation: impl AsyncFnOnce(Option<&Principal>, &mut Conversation) -> Outcome<T>,
    ) -> Result<T, Reason> {
        let operated = async {
            let (principal, mut rules) = match caller {
                Some(Caller { principal, rules }) => (Some(principal), rules),
                None => (None, self.rules().await?),
            };
            rules.acts_for(principal.as_ref().and_then(|principal| principal.user.as_deref()));
            let outcome = operation(principal.as_ref(), &mut rules).await;
            Ok::<_, Reason>((outcome, rules.hold()))
        };
        let (outcome, hold) = operated.instrument(spans::rules("operate")).await?;
        self.hold(hold).await;
        outcome.map_err(|error| broken(&error))?
    }

    /// The same for what only a known caller can do.
    pub(crate) async fn operate_as<T>(
        &self,
        caller: Caller,
        operation: impl AsyncFnOnce(&Principal, &mut Conversation) -> Outcome<T>,
    ) -> Result<T, Reason> {
        let operation = async |principal: Option<&Principal>, rules: &mut Conversation| match principal {
            Some(principal) => operation(principal, rules).await,
            None => Ok(Err(Reason::InvalidCredentials)),
        };
        self.operate(Some(caller), operation).await
    }

    /// Signs in, counts it, and keeps what happened if it failed.
    pub(crate) async fn login(&self, provider: &str, attempt: &Attempt) -> Result<Grant, Reason> {
        let answer = self.operate(None, async |_, rules| rules.login(attempt, &self.client).await).await;
        self.signed_in(provider, answer.as_ref().err());
        if let Err(reason) = &answer {
            self.sign_in_failed(&attempt.provider, Refusal::of(reason.clone(), self.now).code());
        }
        answer
    }

    /// Exchanges what a client holds for its successor, and counts it.
    pub(crate) async fn refresh(&self, held: &Held, form: Form) -> Result<Grant, Reason> {
        let answer = self.operate(None, async |_, rules| rules.refresh(held, form, &self.client).await).await;
        self.refreshed(answer.as_ref().err());
        answer
    }

    /// Waits until so much time has passed since the call began.
    pub(crate) async fn hold(&self, at_least: Duration) {
        if !at_least.is_zero() {
            tokio::time::sleep_until(self.started + at_least).await;
        }
    }

    /// Counts a sign-in at a provider that there is.
    pub(crate) fn signed_in(&self, provider: &str, refused: Option<&Reason>) {
        self.server.services.metrics.signed_in(provider, self.outcome(refused));
    }

    /// Counts a refresh.
    fn refreshed(&self, refused: Option<&Reason>) {
        self.server.services.metrics.refreshed(self.outcome(refused));
    }

    fn outcome(&self, refused: Option<&Reason>) -> &'static str {
        refused.map_or("ok", |reason| Refusal::of(reason.clone(), self.now).code())
    }

    /// Keeps what happened in a sign-in that failed, for whoever asks why.
    pub(crate) fn sign_in_failed(&self, provider: &str, reason: &str) {
        tracing::info!(provider, reason, "a sign-in failed; `gatewit trace` tells more of this request");
        let at_ms = u64::try_from(self.now.unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
        let failed = FailedSignIn::new(self.id.to_string(), at_ms, provider, reason, &self.trace);
        self.server.services.traces.keep(failed);
    }
}
