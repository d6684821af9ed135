//! `gatewit:drivers`: from the name of a provider to the driver that serves it.
//!
//! Whatever goes wrong is a refusal, and the log says what it was: a provider that does not exist or whose driver cannot do
//! what is asked is `misconfigured`, a driver that crashes, loops or hoards memory is `unavailable`, and where too many wait
//! for their providers already, it is `overloaded`.

use super::{config::Settings, http, keys::ProviderKeys, streams, trace::Trace};
use crate::{
    bindings::{
        auth::gatewit::{
            config::settings::Value,
            driver::types::{Arrival, Claim, Departure, Destination, Identity, Notice, Parameter, Refusal, Start},
            drivers::dispatch::{self, Provider},
        },
        driver::exports::gatewit::driver::about::Field,
    },
    engine::{Answer, CallError, Driver, Occasion, Services},
};
use std::sync::Arc;
use wasmtime::component::{HasData, Linker};

/// When those are to come back who find too many waiting: so long takes a sign-in at a slow provider.
const RETRY_SECONDS: u32 = 5;

/// The ways to the hosts of a provider.
pub(crate) struct Outbound {
    pub(crate) http: Arc<http::Client>,
    pub(crate) streams: Arc<streams::Client>,
}

/// A provider and what serves it.
pub(crate) struct Served {
    pub(crate) name: Arc<str>,
    pub(crate) driver: Arc<Driver>,
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
}

impl Drivers {
    pub(crate) fn find(&self, provider: &str) -> Option<&Arc<Served>> {
        self.served.iter().find(|served| served.name.as_ref() == provider)
    }
}

pub(crate) struct DriversView<'a> {
    pub(crate) services: &'a Arc<Services>,
    pub(crate) trace: &'a Trace,
}

struct Granted;

impl HasData for Granted {
    type Data<'a> = DriversView<'a>;
}

/// Adds the way to the drivers, and nothing else, to `linker`.
pub(crate) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> DriversView<'_>,
) -> wasmtime::Result<()> {
    dispatch::add_to_linker::<T, Granted>(linker, view)
}

impl<'a> DriversView<'a> {
    fn find(&self, provider: &str) -> Option<&'a Arc<Served>> {
        self.services.drivers.get()?.find(provider)
    }

    fn occasion(&self, provider: &str) -> Result<Occasion<'a>, Refusal> {
        let missing = || Refusal::Misconfigured("there is no such provider".to_owned());
        let served = self.find(provider).ok_or_else(missing)?;
        Ok(Occasion { served, services: self.services, trace: self.trace })
    }

    /// A driver's answer as the rules get it.
    fn answer<T>(&self, provider: &str, answer: Answer<T>) -> Result<T, Refusal> {
        let outcome = answer.unwrap_or_else(|error| Err(self.failed(provider, &error)));
        if let Err(refusal) = &outcome {
            self.trace.add("warn", provider, &told(refusal));
        }
        outcome
    }

    fn failed(&self, provider: &str, error: &CallError) -> Refusal {
        if matches!(error, CallError::Full { .. }) {
            tracing::warn!(provider, "too many sign-ins wait for their providers");
            return Refusal::Overloaded(RETRY_SECONDS);
        }
        tracing::error!(provider, error = error as &dyn std::error::Error, "a driver failed");
        self.trace.add("error", provider, &error.to_string());
        Refusal::Unavailable("the driver failed".to_owned())
    }
}

/// A refusal in words for the trace.
fn told(refusal: &Refusal) -> String {
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

impl dispatch::Host for DriversView<'_> {
    fn providers(&mut self) -> Vec<Provider> {
        self.services.drivers.get().map(|drivers| drivers.listed.clone()).unwrap_or_default()
    }

    fn setting(&mut self, provider: String, name: String) -> Option<Value> {
        self.find(&provider)?.rules.get(&name).cloned()
    }

    async fn login(&mut self, provider: String, values: Vec<String>) -> Result<Identity, Refusal> {
        let occasion = self.occasion(&provider)?;
        self.answer(&provider, occasion.served.driver.login(occasion, &values).await)
    }

    async fn begin(&mut self, provider: String, start: Start) -> Result<Departure, Refusal> {
        let occasion = self.occasion(&provider)?;
        self.answer(&provider, occasion.served.driver.begin(occasion, start).await)
    }

    async fn recall(&mut self, provider: String, parameters: Vec<Parameter>) -> Result<Claim, Refusal> {
        let occasion = self.occasion(&provider)?;
        self.answer(&provider, occasion.served.driver.recall(occasion, parameters).await)
    }

    async fn finish(&mut self, provider: String, arrival: Arrival) -> Result<Identity, Refusal> {
        let occasion = self.occasion(&provider)?;
        self.answer(&provider, occasion.served.driver.finish(occasion, arrival).await)
    }

    async fn refresh(
        &mut self,
        provider: String,
        identifier: String,
        auth_data: Option<String>,
    ) -> Result<Option<String>, Refusal> {
        let occasion = self.occasion(&provider)?;
        self.answer(&provider, occasion.served.driver.refresh(occasion, &identifier, auth_data).await)
    }

    async fn leave(
        &mut self,
        provider: String,
        parting_data: Option<String>,
        callback: String,
    ) -> Result<Option<Destination>, Refusal> {
        let occasion = self.occasion(&provider)?;
        self.answer(&provider, occasion.served.driver.leave(occasion, parting_data.as_deref(), &callback).await)
    }

    async fn read_notice(
        &mut self,
        provider: String,
        parameters: Vec<Parameter>,
        callback: String,
    ) -> Result<Notice, Refusal> {
        let occasion = self.occasion(&provider)?;
        self.answer(&provider, occasion.served.driver.read_notice(occasion, parameters, &callback).await)
    }

    async fn describe_us(&mut self, provider: String, callback: String) -> Result<Option<String>, Refusal> {
        let occasion = self.occasion(&provider)?;
        self.answer(&provider, occasion.served.driver.describe_us(occasion, &callback).await)
    }
}
