//! `gatewit:drivers`: from the name of a provider to the driver that serves it.
//!
//! Whatever goes wrong is a refusal, and the log says what it was: a provider that does not exist or whose driver cannot do
//! what is asked is `misconfigured`, a driver that crashes, loops or hoards memory is `unavailable`, and where too many wait
//! for their providers already, it is `overloaded`.

mod auth_data;
mod scripted;
mod served;
mod shadow;

use super::{script::Script, trace::Trace};
use crate::{
    bindings::auth::gatewit::{
        config::settings::Value,
        driver::types::{Arrival, Claim, Departure, Destination, Identity, Notice, Parameter, Refusal, Start},
        drivers::dispatch::{self, Provider},
    },
    engine::{Answer, CallError, Occasion, Services},
    telemetry::spans,
};
pub(crate) use scripted::{ScriptedDrivers, add_to_linker};
pub(crate) use served::{Drivers, OnTrial, Outbound, Served};
use shadow::{Mirror, Verdict};
use std::sync::Arc;
use tracing::{Instrument as _, Span};

/// When those are to come back who find too many waiting: so long takes a sign-in at a slow provider.
const RETRY_SECONDS: u32 = 5;

pub(crate) struct DriversView<'a> {
    pub(crate) drivers: &'a Drivers,
    pub(crate) services: &'a Arc<Services>,
    pub(crate) trace: &'a Trace,
}

impl<'a> DriversView<'a> {
    fn occasion(&self, provider: &str) -> Result<Occasion<'a>, Refusal> {
        let roll = || self.services.clock.roll();
        self.with(self.drivers.choose(provider, roll))
    }

    fn with(&self, served: Option<&'a Arc<Served>>) -> Result<Occasion<'a>, Refusal> {
        let missing = || Refusal::Misconfigured("there is no such provider".to_owned());
        Ok(Occasion { served: served.ok_or_else(missing)?, services: self.services, trace: self.trace })
    }

    /// Asks a driver by one of its operations, and what it was told meanwhile, if somebody watches.
    async fn ask<T>(
        &self,
        operation: &'static str,
        occasion: Occasion<'a>,
        call: impl AsyncFnOnce(Occasion<'_>) -> Answer<T>,
    ) -> (Result<T, Refusal>, Option<Script>) {
        let Some(_) = self.watching(occasion) else {
            return (self.answer(occasion, call(occasion).instrument(span(operation, occasion)).await), None);
        };
        let script = Script::blank();
        let trace = self.trace.with_script(script.clone());
        let ask = call(Occasion { trace: &trace, ..occasion }).instrument(span(operation, occasion));
        (self.answer(occasion, ask.await), Some(script))
    }

    /// Shows a call to the generation that watches, if one does.
    fn show(&self, occasion: Occasion<'_>, script: Option<Script>, verdict: Verdict, call: Mirror) {
        if let (Some(watching), Some(script)) = (self.watching(occasion), script) {
            shadow::show(watching, self.services, script, verdict, call);
        }
    }

    /// Who watches those that serve. What another generation does is no measure.
    fn watching(&self, occasion: Occasion<'_>) -> Option<&'a OnTrial> {
        let provider = &occasion.served.name;
        let serves = self.drivers.find(provider).is_some_and(|served| Arc::ptr_eq(served, occasion.served));
        self.drivers.shadow(provider).filter(|_| serves)
    }

    /// A driver's answer as the rules get it.
    fn answer<T>(&self, occasion: Occasion<'_>, answer: Answer<T>) -> Result<T, Refusal> {
        let provider = &occasion.served.name;
        if let Some(trial) = self.drivers.on_trial(occasion.served) {
            trial.comparison.took(shadow::is_sound(&answer));
        }
        let outcome = answer.unwrap_or_else(|error| Err(self.failed(provider, &error)));
        if let Err(refusal) = &outcome {
            self.trace.add("warn", provider, &told(refusal));
        }
        outcome
    }

    fn failed(&self, provider: &str, error: &CallError) -> Refusal {
        if let CallError::Resting { rest, .. } = error {
            tracing::warn!(provider, "{error}");
            self.trace.add("error", provider, &error.to_string());
            return Refusal::Overloaded(u32::try_from(rest.as_secs()).unwrap_or(u32::MAX).max(1));
        }
        if matches!(error, CallError::Full { .. }) {
            tracing::warn!(provider, "too many sign-ins wait for their providers");
            return Refusal::Overloaded(RETRY_SECONDS);
        }
        tracing::error!(provider, error = error as &dyn std::error::Error, "a driver failed");
        self.trace.add("error", provider, &error.to_string());
        Refusal::Unavailable("the driver failed".to_owned())
    }
}

/// The span of a call of a driver.
fn span(operation: &'static str, occasion: Occasion<'_>) -> Span {
    let served = occasion.served;
    spans::driver(operation, &served.name, served.driver_name(), &served.tag)
}

/// A refusal in words for the trace.
pub(crate) fn told(refusal: &Refusal) -> String {
    match refusal {
        Refusal::InvalidCredentials => "the driver refuses the credentials".to_owned(),
        Refusal::Refused(why) => format!("the provider refuses: {why}"),
        Refusal::Expired(why) => format!("no longer good: {why}"),
        Refusal::Unavailable(why) => format!("unavailable: {why}"),
        Refusal::Overloaded(seconds) => format!("too busy for {seconds} s"),
        Refusal::Misconfigured(why) => format!("the settings do not work: {why}"),
        Refusal::Other(why) => why.clone(),
    }
}

/// An identity as the database can keep it.
fn to_keep(identity: Identity) -> Identity {
    Identity { auth_data: identity.auth_data.map(auth_data::wrapped), ..identity }
}

impl dispatch::Host for DriversView<'_> {
    fn providers(&mut self) -> Vec<Provider> {
        self.drivers.listed.clone()
    }

    fn setting(&mut self, provider: String, name: String) -> Option<Value> {
        self.drivers.find(&provider)?.rules.get(&name).cloned()
    }

    async fn login(&mut self, provider: String, values: Vec<String>) -> Result<Identity, Refusal> {
        let occasion = self.occasion(&provider)?;
        let call = async |occasion: Occasion<'_>| occasion.served.driver.login(occasion, &values).await;
        let (answer, script) = self.ask("driver login", occasion, call).await;
        self.show(occasion, script, Verdict::of_identity(&answer), Mirror::Login(values));
        answer.map(to_keep)
    }

    async fn begin(&mut self, provider: String, start: Start) -> Result<Departure, Refusal> {
        let occasion = self.occasion(&provider)?;
        let call = async |occasion: Occasion<'_>| occasion.served.driver.begin(occasion, start.clone()).await;
        let (answer, script) = self.ask("driver begin", occasion, call).await;
        self.show(occasion, script, Verdict::of_departure(&answer), Mirror::Begin(start));
        // Whoever begins a sign-in finishes it, although somebody else may serve by then.
        answer.map(|departure| served::with_tag(departure, &occasion.served.tag))
    }

    async fn recall(&mut self, provider: String, parameters: Vec<Parameter>) -> Result<Claim, Refusal> {
        let occasion = self.occasion(&provider)?;
        let call = async |occasion: Occasion<'_>| occasion.served.driver.recall(occasion, parameters).await;
        self.ask("driver recall", occasion, call).await.0
    }

    async fn finish(&mut self, provider: String, arrival: Arrival) -> Result<Identity, Refusal> {
        let (tag, arrival) = served::read_tag(arrival)?;
        let began = match tag {
            Some(tag) => self.drivers.who_began(&provider, &tag),
            None => self.drivers.find(&provider),
        };
        let occasion = self.with(began)?;
        let call = async |occasion: Occasion<'_>| occasion.served.driver.finish(occasion, arrival.clone()).await;
        let (answer, script) = self.ask("driver finish", occasion, call).await;
        self.show(occasion, script, Verdict::of_identity(&answer), Mirror::Finish(arrival));
        answer.map(to_keep)
    }

    async fn refresh(
        &mut self,
        provider: String,
        identifier: String,
        auth_data: Option<String>,
    ) -> Result<Option<String>, Refusal> {
        let occasion = self.occasion(&provider)?;
        let auth_data = auth_data.map(auth_data::unwrapped);
        let call = async |occasion: Occasion<'_>| {
            occasion.served.driver.refresh(occasion, &identifier, auth_data.clone()).await
        };
        let (answer, script) = self.ask("driver refresh", occasion, call).await;
        self.show(occasion, script, Verdict::of_stay(&answer), Mirror::Refresh(identifier, auth_data));
        answer.map(|auth_data| auth_data.map(auth_data::wrapped))
    }

    async fn leave(
        &mut self,
        provider: String,
        parting_data: Option<String>,
        callback: String,
    ) -> Result<Option<Destination>, Refusal> {
        let occasion = self.occasion(&provider)?;
        let call = async |occasion: Occasion<'_>| {
            occasion.served.driver.leave(occasion, parting_data.as_deref(), &callback).await
        };
        self.ask("driver leave", occasion, call).await.0
    }

    async fn read_notice(
        &mut self,
        provider: String,
        parameters: Vec<Parameter>,
        callback: String,
    ) -> Result<Notice, Refusal> {
        let occasion = self.occasion(&provider)?;
        let call =
            async |occasion: Occasion<'_>| occasion.served.driver.read_notice(occasion, parameters, &callback).await;
        self.ask("driver read notice", occasion, call).await.0
    }

    async fn describe_us(&mut self, provider: String, callback: String) -> Result<Option<String>, Refusal> {
        let occasion = self.occasion(&provider)?;
        let call = async |occasion: Occasion<'_>| occasion.served.driver.describe_us(occasion, &callback).await;
        self.ask("driver describe us", occasion, call).await.0
    }
}
