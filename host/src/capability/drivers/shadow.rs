//! A generation that watches: it is shown calls that another one has answered, and whether it would have answered the same
//! is counted. Nobody gets its answers, and it has a cache of its own.
//!
//! Shown is where a browser goes, who somebody is, who came back from a provider, and whether somebody may stay. Whoever watches is
//! told what the other one was told ([`Script`]): a code is good for one token, and a message may change something where it arrives.
//! Not shown are messages of providers, and the end of a session.

use super::{
    Answer, Occasion, Refusal,
    served::{OnTrial, Served},
};
use crate::{
    bindings::auth::gatewit::driver::types::{Arrival, Departure, Identity, Start, Subject},
    capability::{
        script::{Deviation, Script},
        trace::Trace,
    },
    engine::Services,
};
use std::sync::Arc;

/// Whether an answer is one that a sound driver gives to somebody at a provider that is there.
pub(super) fn is_sound<T>(answer: &Answer<T>) -> bool {
    use Refusal::{Expired, InvalidCredentials, Overloaded, Refused};
    matches!(answer, Ok(Ok(_) | Err(InvalidCredentials | Refused(_) | Expired(_) | Overloaded(_))))
}

/// What an answer comes down to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Somebody: identifier, address and groups.
    Somebody(String),
    /// Whoever it is may stay.
    Stays,
    /// Away, to this address without its query.
    Away(String),
    /// A refusal, by kind.
    Refused(&'static str),
}

impl Verdict {
    pub(super) fn of_identity(answer: &Result<Identity, Refusal>) -> Self {
        match answer {
            Ok(Identity { subject, email, email_verified, groups, .. }) => {
                let (Subject::Email(name) | Subject::Identifier(name)) = subject;
                let mut groups: Vec<_> = groups.iter().map(String::as_str).collect();
                groups.sort_unstable();
                Self::Somebody(format!("{name}\n{email:?} {email_verified}\n{}", groups.join("\n")))
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

    pub(super) fn of_stay(answer: &Result<Option<String>, Refusal>) -> Self {
        answer.as_ref().map_or_else(|refusal| Self::Refused(kind(refusal)), |_| Self::Stays)
    }

    /// The verdict without who it is about.
    fn kind(&self) -> &'static str {
        match self {
            Self::Somebody(_) => "somebody",
            Self::Stays => "stays",
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
    /// Who came back.
    Finish(Arrival),
    /// Whether this identifier may stay.
    Refresh(String, Option<String>),
}

impl Mirror {
    /// What the one that watches would have answered.
    async fn ask(self, occasion: Occasion<'_>) -> Verdict {
        fn settled<T>(answer: Answer<T>) -> Result<T, Refusal> {
            answer.unwrap_or_else(|_| Err(Refusal::Other(String::new())))
        }
        let driver = &occasion.served.driver;
        match self {
            Self::Login(values) => Verdict::of_identity(&settled(driver.login(occasion, &values).await)),
            Self::Begin(start) => Verdict::of_departure(&settled(driver.begin(occasion, start).await)),
            Self::Finish(arrival) => Verdict::of_identity(&settled(driver.finish(occasion, arrival).await)),
            Self::Refresh(identifier, auth_data) => {
                Verdict::of_stay(&settled(driver.refresh(occasion, &identifier, auth_data).await))
            }
        }
    }
}

/// Shows a call, later and beside everything else.
pub(super) fn show(watching: &OnTrial, services: &Arc<Services>, script: Script, verdict: Verdict, call: Mirror) {
    let (Some(room), Some(script)) = (watching.comparison.room(), script.rewound()) else { return };
    let (served, comparison, services) = (watching.served.clone(), watching.comparison.clone(), services.clone());
    tokio::spawn(async move {
        let trace = Trace::start().with_script(script.clone());
        let other = call.ask(Occasion { served: &served, services: &services, trace: &trace }).await;
        drop(room);
        // Whoever answers differently has no need of the same.
        let deviation = script.added().or_else(|| script.missed().filter(|_| other == verdict));
        let is_same = other == verdict && deviation.is_none();
        comparison.compared(is_same);
        if !is_same {
            differs(&served, &verdict, &other, deviation);
        }
    });
}

fn differs(served: &Served, verdict: &Verdict, other: &Verdict, deviation: Option<Deviation>) {
    let (provider, driver) = (&*served.name, served.driver.name());
    let (serving, watching) = (verdict.kind(), other.kind());
    match deviation {
        None => tracing::warn!(provider, driver, serving, watching, "a driver that is tried out answers differently"),
        Some(Deviation::Added(effect)) => {
            let text = "a driver that is tried out would do what the other one did not, or do it otherwise";
            tracing::warn!(provider, driver, serving, watching, effect, "{text}");
        }
        Some(Deviation::Missed(effect)) => {
            let text = "a driver that is tried out would not do what the other one did";
            tracing::warn!(provider, driver, serving, watching, effect, "{text}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::CallError;

    #[test]
    fn a_sound_answer_blames_nobody_but_the_person() {
        assert!(is_sound(&Ok(Ok(()))));
        assert!(is_sound::<()>(&Ok(Err(Refusal::InvalidCredentials))));
        assert!(!is_sound::<()>(&Ok(Err(Refusal::Misconfigured(String::new())))));
        assert!(!is_sound::<()>(&Ok(Err(Refusal::Unavailable(String::new())))));
        assert!(!is_sound::<()>(&Err(CallError::Full { component: "acme".into() })));
    }
}
