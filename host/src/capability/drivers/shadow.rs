//! A generation that watches: it is shown calls that another one has answered, and whether it would have answered the same
//! is counted. Nobody gets its answers, and it has a cache of its own.
//!
//! Shown is what can be asked twice: where a browser goes, and who somebody is with right credentials (wrong ones would count
//! twice where they are checked). Not shown is what a provider lets happen once: its answer to a sign-in, a refresh, a message.

use super::{Occasion, Refusal, served::OnTrial};
use crate::{
    bindings::auth::gatewit::driver::types::{Departure, Identity, Start, Subject},
    capability::trace::Trace,
    engine::Services,
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use tokio::sync::Semaphore;

/// Calls that are shown at the same time; more are not shown. Watching must not keep anybody waiting.
const SHOWN_MAX: usize = 16;

/// How often the one that watches would have answered the same.
pub(crate) struct Comparison {
    pub(crate) same: AtomicU64,
    pub(crate) different: AtomicU64,
    room: Arc<Semaphore>,
}

impl Default for Comparison {
    fn default() -> Self {
        let room = Arc::new(Semaphore::new(SHOWN_MAX));
        Self { same: AtomicU64::default(), different: AtomicU64::default(), room }
    }
}

/// What an answer comes down to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Somebody, by identifier or address.
    Somebody(String),
    /// Away, to this address without its query.
    Away(String),
    /// A refusal, by kind.
    Refused(&'static str),
}

impl Verdict {
    pub(super) fn of_identity(answer: &Result<Identity, Refusal>) -> Self {
        match answer {
            Ok(Identity { subject: Subject::Email(name) | Subject::Identifier(name), .. }) => {
                Self::Somebody(name.clone())
            }
            Err(refusal) => Self::Refused(kind(refusal)),
        }
    }

    pub(super) fn of_departure(answer: &Result<Departure, Refusal>) -> Self {
        match answer {
            Ok(departure) => Self::Away(departure.to.url.split(['?', '#']).next().unwrap_or_default().to_owned()),
            Err(refusal) => Self::Refused(kind(refusal)),
        }
    }

    /// The verdict without who it is about.
    fn kind(&self) -> &'static str {
        match self {
            Self::Somebody(_) => "somebody",
            Self::Away(_) => "away",
            Self::Refused(kind) => kind,
        }
    }
}

fn kind(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::InvalidCredentials => "invalid credentials",
        Refusal::Refused(_) => "refused",
        Refusal::Expired(_) => "expired",
        Refusal::Unavailable(_) => "unavailable",
        Refusal::Overloaded(_) => "overloaded",
        Refusal::Misconfigured(_) => "misconfigured",
        Refusal::Other(_) => "other",
    }
}

/// A call that is shown.
pub(super) enum Mirror {
    Login(Vec<String>),
    Begin(Start),
}

/// Shows a call, later and beside everything else.
pub(super) fn show(watching: &OnTrial, services: &Arc<Services>, verdict: Verdict, call: Mirror) {
    let may_be_shown = matches!((&call, &verdict), (Mirror::Login(_), Verdict::Somebody(_)) | (Mirror::Begin(_), _));
    let Ok(room) = watching.comparison.room.clone().try_acquire_owned() else { return };
    if !may_be_shown {
        return;
    }
    let (served, comparison, services) = (watching.served.clone(), watching.comparison.clone(), services.clone());
    tokio::spawn(async move {
        let trace = Trace::start();
        let occasion = Occasion { served: &served, services: &services, trace: &trace };
        let crashed = |_| Err(Refusal::Unavailable(String::new()));
        let other = match call {
            Mirror::Login(values) => {
                Verdict::of_identity(&served.driver.login(occasion, &values).await.unwrap_or_else(crashed))
            }
            Mirror::Begin(start) => Verdict::of_departure(
                &served
                    .driver
                    .begin(occasion, start)
                    .await
                    .unwrap_or_else(|_| Err(Refusal::Unavailable(String::new()))),
            ),
        };
        drop(room);
        if other == verdict {
            comparison.same.fetch_add(1, Ordering::Relaxed);
            return;
        }
        comparison.different.fetch_add(1, Ordering::Relaxed);
        let (serving, watching) = (verdict.kind(), other.kind());
        let driver = served.driver.name();
        tracing::warn!(provider = %served.name, driver, serving, watching, "a driver that is tried out answers differently");
    });
}
