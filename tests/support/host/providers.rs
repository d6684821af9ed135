//! Providers in memory: what their drivers answer, and who signs in where.

use std::collections::BTreeMap;

use super::memory::bindings::gatewit::config::settings;
use super::memory::bindings::gatewit::driver::types::{
    Arrival, Claim, Departure, Destination, Identity, Notice, Parameter, Refusal, Start,
};
use super::memory::bindings::gatewit::drivers::dispatch;
use super::memory::bindings::gatewit::storage::identities::{self, NewIdentity};
use super::memory::bindings::gatewit::storage::sessions;
use super::memory::bindings::gatewit::storage::types::{Error, Value};
use super::memory::bindings::gatewit::storage::users::User;
use super::memory::{Memory, text};

/// What there is of providers.
#[derive(Default)]
pub struct Providers {
    /// Those that people may choose.
    pub listed: Vec<dispatch::Provider>,
    /// Settings that are for the rules, by provider and name.
    pub settings: BTreeMap<(String, String), settings::Value>,
    /// Where people go in the end, and with what they come back: the last beginning.
    pub begun: Option<Start>,
    /// What a driver says at a refresh.
    pub refreshed: Option<Result<Option<String>, Refusal>>,
    /// What a driver reads in a notice.
    pub notice: Option<Notice>,
    /// Identities besides those that accounts were made for.
    pub linked: Vec<NewIdentity>,
    /// What drivers want to see again, by provider and identifier.
    pub auth_data: BTreeMap<(String, String), String>,
}

impl dispatch::Host for Memory {
    fn providers(&mut self) -> Vec<dispatch::Provider> {
        self.at_providers.listed.clone()
    }

    fn setting(&mut self, provider: String, name: String) -> Option<settings::Value> {
        self.at_providers.settings.get(&(provider, name)).cloned()
    }

    fn login(&mut self, _: String, _: Vec<String>) -> Result<Identity, Refusal> {
        self.identity.clone().unwrap_or(Err(Refusal::InvalidCredentials))
    }

    fn begin(&mut self, _: String, start: Start) -> Result<Departure, Refusal> {
        let url = format!("https://provider.example/authorize?state={}", start.state);
        self.at_providers.begun = Some(start);
        Ok(Departure { to: Destination { url, form: Vec::new() }, memory: "memory".to_owned() })
    }

    fn recall(&mut self, _: String, parameters: Vec<Parameter>) -> Result<Claim, Refusal> {
        let find = |name| parameters.iter().find(|parameter| parameter.name == name);
        let value = |name| find(name).map(|parameter| parameter.value.clone());
        Ok(Claim { state: value("state"), target: value("target") })
    }

    fn finish(&mut self, provider: String, arrival: Arrival) -> Result<Identity, Refusal> {
        if arrival.memory.is_some_and(|memory| memory != "memory") {
            return Err(Refusal::Other("the memory is another".to_owned()));
        }
        dispatch::Host::login(self, provider, Vec::new())
    }

    fn refresh(&mut self, _: String, _: String, auth_data: Option<String>) -> Result<Option<String>, Refusal> {
        self.at_providers.refreshed.clone().unwrap_or(Ok(auth_data))
    }

    fn leave(&mut self, _: String, parting_data: Option<String>, _: String) -> Result<Option<Destination>, Refusal> {
        let url = parting_data.map(|hint| format!("https://provider.example/leave?hint={hint}"));
        Ok(url.map(|url| Destination { url, form: Vec::new() }))
    }

    fn read_notice(&mut self, _: String, _: Vec<Parameter>, _: String) -> Result<Notice, Refusal> {
        self.at_providers.notice.clone().ok_or(Refusal::InvalidCredentials)
    }

    fn describe_us(&mut self, _: String, callback: String) -> Result<Option<String>, Refusal> {
        Ok(Some(callback))
    }
}

impl identities::Host for Memory {
    fn find(&mut self, provider: String, identifier: String) -> Result<Option<User>, Error> {
        let primary = self.user(|record| {
            text(record, "provider").as_ref() == Some(&provider)
                && text(record, "external_identifier").as_ref() == Some(&identifier)
        })?;
        let linked = self.at_providers.linked.iter().find(|known| is(known, &provider, &identifier));
        match (primary, linked) {
            (Some(user), _) => Ok(Some(user)),
            (None, Some(known)) => self.user(|record| text(record, "id").as_ref() == Some(&known.user)),
            (None, None) => Ok(None),
        }
    }

    fn list(&mut self, user: String) -> Result<Vec<identities::Identity>, Error> {
        let of_user = self.at_providers.linked.iter().filter(|known| known.user == user);
        Ok(of_user.map(shown).collect())
    }

    fn link(&mut self, identity: NewIdentity, _: sessions::Client, _: u64) -> Result<bool, Error> {
        let known = identities::Host::find(self, identity.provider.clone(), identity.identifier.clone())?;
        if known.is_none() {
            self.at_providers.linked.push(identity);
        }
        Ok(known.is_none())
    }

    fn unlink(&mut self, user: String, id: String, _: sessions::Client, _: u64) -> Result<bool, Error> {
        let before = self.at_providers.linked.len();
        self.at_providers.linked.retain(|known| known.user != user || shown(known).id != id);
        Ok(self.at_providers.linked.len() < before)
    }

    fn auth_data(&mut self, provider: String, identifier: String) -> Result<Option<String>, Error> {
        let of_account = self.tables.get("directus_users").into_iter().flatten().find(|record| {
            text(record, "provider").as_ref() == Some(&provider)
                && text(record, "external_identifier").as_ref() == Some(&identifier)
        });
        let of_account = of_account.and_then(|record| match record.get("auth_data") {
            Some(Value::Json(data)) => Some(data.clone()),
            _ => None,
        });
        Ok(self.at_providers.auth_data.get(&(provider, identifier)).cloned().or(of_account))
    }

    fn set_auth_data(&mut self, provider: String, identifier: String, data: Option<String>) -> Result<(), Error> {
        match data {
            Some(data) => drop(self.at_providers.auth_data.insert((provider, identifier), data)),
            None => drop(self.at_providers.auth_data.remove(&(provider, identifier))),
        }
        Ok(())
    }
}

fn is(known: &NewIdentity, provider: &str, identifier: &str) -> bool {
    known.provider == provider && known.identifier == identifier
}

fn shown(known: &NewIdentity) -> identities::Identity {
    identities::Identity {
        id: format!("{}:{}", known.provider, known.identifier),
        provider: known.provider.clone(),
        identifier: known.identifier.clone(),
        email: known.email.clone(),
        primary: false,
        linked_at_ms: Some(0),
    }
}
