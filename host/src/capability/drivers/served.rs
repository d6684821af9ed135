//! Providers and who serves them: the generations of their drivers that are at hand.
//!
//! A sign-in at a provider's own pages is two calls with minutes between them. What the first one wants remembered is marked
//! with the generation that it was, and the second one goes there, too. Absent: how it comes about who serves (`registry`).

use super::super::{comparison::Comparison, config::Settings, http, keys::ProviderKeys, streams};
use crate::{
    bindings::{
        auth::gatewit::{
            config::settings::Value,
            driver::types::{Arrival, Departure, Refusal},
            drivers::dispatch::Provider,
        },
        driver::exports::gatewit::driver::about::Field,
    },
    config,
    engine::Driver,
    registry::Mode,
};
use std::sync::Arc;

/// The ways to the hosts of a provider; `None` for one that is withheld from the driver.
pub(crate) struct Outbound {
    pub(crate) http: Option<Arc<http::Client>>,
    pub(crate) streams: Option<Arc<streams::Client>>,
}

/// A provider and what serves it.
pub(crate) struct Served {
    pub(crate) name: Arc<str>,
    pub(crate) driver: Arc<Driver>,
    /// A short name of the driver's generation.
    pub(crate) tag: Arc<str>,
    /// Whose the kept values are: each generation has its own, because the next one may write them otherwise.
    pub(crate) cache_key: Arc<str>,
    /// What it was made of; `None` for the built-in provider.
    pub(crate) made_of: Option<Arc<config::Provider>>,
    /// The fields of the form, as the driver described them.
    pub(crate) fields: Vec<Field>,
    /// What the driver may read …
    pub(crate) settings: Settings,
    /// … and what the rules may.
    pub(crate) rules: Settings,
    pub(crate) keys: ProviderKeys,
    /// The ways to the provider's hosts, if the driver uses the network.
    pub(crate) outbound: Option<Outbound>,
}

impl Served {
    /// Whether people sign in at the provider's own pages.
    pub(crate) fn redirects(&self) -> bool {
        self.driver.redirects()
    }

    /// Whether people sign in by filling in a form.
    pub(crate) fn takes_credentials(&self) -> bool {
        self.driver.takes_credentials()
    }

    pub(crate) fn driver_name(&self) -> &str {
        self.driver.name()
    }

    /// Whether a setting of the rules is `true`.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        matches!(self.rules.get(name), Some(Value::Boolean(true)))
    }
}

/// The providers of the process.
#[derive(Default)]
pub(crate) struct Drivers {
    /// What people may choose, whether it is served or not.
    pub(crate) listed: Vec<Provider>,
    /// What is served, the built-in `default` included.
    pub(crate) served: Vec<Arc<Served>>,
    /// The same with the generations before these, for sign-ins that began with them.
    pub(crate) earlier: Vec<Arc<Served>>,
    /// The same with generations that are tried out.
    pub(crate) trials: Vec<OnTrial>,
}

/// A provider with a generation of its driver that is tried out.
pub(crate) struct OnTrial {
    pub(crate) served: Arc<Served>,
    pub(crate) mode: Mode,
    pub(crate) comparison: Arc<Comparison>,
}

impl Drivers {
    pub(crate) fn find(&self, provider: &str) -> Option<&Arc<Served>> {
        self.served.iter().find(|served| served.name.as_ref() == provider)
    }

    /// Who takes the next call for a provider: mostly who serves it, and for its share of the calls who is tried out.
    /// `roll` is a number from 0 to 1.
    pub(super) fn choose(&self, provider: &str, roll: impl FnOnce() -> f64) -> Option<&Arc<Served>> {
        match self.trial(provider) {
            Some(OnTrial { served, mode: Mode::Canary(share), .. }) if roll() < *share => Some(served),
            _ => self.find(provider),
        }
    }

    /// Who watches the calls of a provider.
    pub(super) fn shadow(&self, provider: &str) -> Option<&OnTrial> {
        self.trial(provider).filter(|trial| trial.mode == Mode::Shadow)
    }

    /// The trial that this generation takes its share of calls by.
    pub(super) fn on_trial(&self, served: &Arc<Served>) -> Option<&OnTrial> {
        self.trials.iter().find(|trial| Arc::ptr_eq(&trial.served, served) && trial.mode != Mode::Shadow)
    }

    fn trial(&self, provider: &str) -> Option<&OnTrial> {
        self.trials.iter().find(|trial| trial.served.name.as_ref() == provider)
    }

    /// Who began a sign-in, if that generation is still at hand; else who serves now.
    pub(super) fn who_began(&self, provider: &str, tag: &str) -> Option<&Arc<Served>> {
        let at_hand = self.served.iter().chain(&self.earlier).chain(self.trials.iter().map(|trial| &trial.served));
        let began = at_hand.into_iter().find(|served| served.name.as_ref() == provider && served.tag.as_ref() == tag);
        began.or_else(|| self.find(provider))
    }
}

/// Marks what is to be remembered with who began.
pub(super) fn with_tag(departure: Departure, tag: &str) -> Departure {
    Departure { memory: format!("{tag} {}", departure.memory), ..departure }
}

/// Takes the mark off again. What does not begin here has no mark.
pub(super) fn read_tag(arrival: Arrival) -> Result<(Option<String>, Arrival), Refusal> {
    let Some(marked) = &arrival.memory else { return Ok((None, arrival)) };
    let broken = || Refusal::Expired("what was remembered of the beginning cannot be read".to_owned());
    let (tag, memory) = marked.split_once(' ').ok_or_else(broken)?;
    let (tag, memory) = (tag.to_owned(), memory.to_owned());
    Ok((Some(tag), Arrival { memory: Some(memory), ..arrival }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::auth::gatewit::driver::types::Destination;

    fn arrival(memory: Option<&str>) -> Arrival {
        Arrival { callback: String::new(), parameters: Vec::new(), memory: memory.map(ToOwned::to_owned) }
    }

    #[test]
    fn what_is_marked_comes_back_as_it_was() {
        let to = Destination { url: String::new(), form: Vec::new() };
        let marked = with_tag(Departure { to, memory: "a b".to_owned() }, "0123");
        let (tag, arrival) = read_tag(arrival(Some(&marked.memory))).unwrap();
        assert_eq!((tag.as_deref(), arrival.memory.as_deref()), (Some("0123"), Some("a b")));
    }

    #[test]
    fn without_a_beginning_there_is_no_mark() {
        assert_eq!(read_tag(arrival(None)).unwrap().0, None);
        assert!(read_tag(arrival(Some("unmarked"))).is_err());
    }
}
