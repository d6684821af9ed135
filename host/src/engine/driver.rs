//! The operations of a driver.
//!
//! Drivers that may use the network have room of their own and a time in which a call has to end, because they wait for
//! somebody else: however many wait, sign-ins with passwords go on.

use super::{
    Budget, Call, CallError, CodeCache, Health, LoadError, Runtime, Services, Wasm, call::Sandbox, contract::Contracts,
    grants,
};
use crate::{
    bindings::{
        auth::gatewit::driver::types::{
            Arrival, Claim, Departure, Destination, Identity, Notice, Parameter, Refusal, Start,
        },
        driver::exports::gatewit::driver::about::Description,
    },
    capability::{drivers::Served, trace::Trace},
};
use std::{collections::BTreeSet, sync::Arc, time::Instant};
use tokio::time::error::Elapsed;
use wasmtime::component::InstancePre;

/// A driver component, ready to be called for any of its providers.
pub(crate) struct Driver {
    runtime: Arc<Runtime>,
    component: InstancePre<Call>,
    contracts: Contracts,
    name: Arc<str>,
    /// It waits for others.
    networked: bool,
    /// Capabilities that it imports and does not get.
    withheld: BTreeSet<String>,
    health: Health,
    budget: Budget,
}

/// What a driver answers: its own words, or no answer at all.
pub(crate) type Answer<T> = Result<Result<T, Refusal>, CallError>;

/// For whom a driver is called, and with what.
#[derive(Clone, Copy)]
pub(crate) struct Occasion<'a> {
    pub(crate) served: &'a Arc<Served>,
    pub(crate) services: &'a Arc<Services>,
    pub(crate) trace: &'a Trace,
}

/// Calls one function of one interface in a sandbox of its own, within the time of a call. A driver without the interface
/// cannot do what its provider was asked for.
macro_rules! ask {
    ($self:ident, $occasion:ident, $interface:ident.$call:ident($($argument:expr),*)) => {{
        let Some(indices) = &$self.contracts.$interface else {
            let missing = format!("the driver `{}` has no `{}`", $self.name, stringify!($interface));
            return Ok(Err(Refusal::Misconfigured(missing)));
        };
        let mut sandbox = $self.sandbox(Some($occasion.served), $occasion.services, $occasion.trace).await?;
        let work = async {
            let instance = $self.component.instantiate_async(&mut sandbox.store).await?;
            let interface = indices.load(&mut sandbox.store, &instance)?;
            interface.$call(&mut sandbox.store, $($argument),*).await
        };
        $self.settled(tokio::time::timeout($self.budget.wait, work).await, &sandbox)
    }};
}

impl Driver {
    pub(crate) fn load(
        runtime: &Arc<Runtime>,
        cache: &CodeCache,
        wasm: Wasm<'_>,
        health: Health,
        budget: Budget,
        withheld: &BTreeSet<String>,
    ) -> Result<Self, LoadError> {
        let (component, name) = (cache.load(&runtime.engine, wasm)?, wasm.name);
        let waits = |import: &str| grants::is_network(import) && !grants::is_withheld(import, withheld);
        let networked = component.component_type().imports(&runtime.engine).any(|(import, _)| waits(import));
        let link = || {
            let component = grants::driver(&runtime.engine, name)?.instantiate_pre(&component)?;
            let contracts = Contracts::new(&component)?;
            Ok((component, contracts))
        };
        let (component, contracts) = link().map_err(|error| LoadError::refused(name, &error))?;
        let withheld = withheld.clone();
        Ok(Self {
            runtime: runtime.clone(),
            component,
            contracts,
            name: name.into(),
            networked,
            withheld,
            health,
            budget,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The interfaces of the contract that it has.
    pub(crate) fn powers(&self) -> Vec<&'static str> {
        self.contracts.names()
    }

    /// Whether people sign in by filling in a form.
    pub(crate) fn takes_credentials(&self) -> bool {
        self.contracts.credentials.is_some()
    }

    /// Whether people sign in at the provider's own pages.
    pub(crate) fn redirects(&self) -> bool {
        self.contracts.redirect.is_some()
    }

    /// Whether it may use the network.
    pub(crate) fn is_networked(&self) -> bool {
        self.networked
    }

    /// What the driver says of itself. Looks at its other functions, too, so that a difference is not found in somebody's
    /// request.
    pub(crate) async fn describe(&self, services: &Arc<Services>) -> Result<Description, CallError> {
        let mut sandbox = self.sandbox(None, services, &Trace::start()).await?;
        let work = async {
            let instance = self.component.instantiate_async(&mut sandbox.store).await?;
            self.contracts.check(&mut sandbox.store, &instance)?;
            let about = self.contracts.about.load(&mut sandbox.store, &instance)?;
            about.call_describe(&mut sandbox.store).await
        };
        self.settled(tokio::time::timeout(self.budget.wait, work).await, &sandbox)
    }

    /// Asks who this is.
    pub(crate) async fn login(&self, occasion: Occasion<'_>, values: &[String]) -> Answer<Identity> {
        ask!(self, occasion, credentials.call_login(values))
    }

    /// Asks where the browser goes.
    pub(crate) async fn begin(&self, occasion: Occasion<'_>, start: Start) -> Answer<Departure> {
        ask!(self, occasion, redirect.call_begin(&start))
    }

    /// Asks which beginning an answer claims to belong to.
    pub(crate) async fn recall(&self, occasion: Occasion<'_>, parameters: Vec<Parameter>) -> Answer<Claim> {
        let claim = ask!(self, occasion, redirect.call_recall(&parameters))?;
        Ok(Ok(claim))
    }

    /// Asks who came back.
    pub(crate) async fn finish(&self, occasion: Occasion<'_>, arrival: Arrival) -> Answer<Identity> {
        ask!(self, occasion, redirect.call_finish(&arrival))
    }

    /// Asks whether somebody may still be here. A driver that cannot tell leaves everything as it is.
    pub(crate) async fn refresh(
        &self,
        occasion: Occasion<'_>,
        identifier: &str,
        auth_data: Option<String>,
    ) -> Answer<Option<String>> {
        if self.contracts.refresh.is_none() {
            return Ok(Ok(auth_data));
        }
        ask!(self, occasion, refresh.call_refresh(identifier, auth_data.as_deref()))
    }

    /// Asks where the browser goes to sign out at the provider, too. A driver that does not do that says nowhere.
    pub(crate) async fn leave(
        &self,
        occasion: Occasion<'_>,
        parting_data: Option<&str>,
        callback: &str,
    ) -> Answer<Option<Destination>> {
        if self.contracts.logout.is_none() {
            return Ok(Ok(None));
        }
        ask!(self, occasion, logout.call_leave(parting_data, callback))
    }

    /// Has it read what the provider tells by itself.
    pub(crate) async fn read_notice(
        &self,
        occasion: Occasion<'_>,
        parameters: Vec<Parameter>,
        callback: &str,
    ) -> Answer<Notice> {
        ask!(self, occasion, logout.call_read_notice(&parameters, callback))
    }

    /// Asks how we are described to the provider. A driver that does not do that describes nothing.
    pub(crate) async fn describe_us(&self, occasion: Occasion<'_>, callback: &str) -> Answer<Option<String>> {
        if self.contracts.metadata.is_none() {
            return Ok(Ok(None));
        }
        let document = ask!(self, occasion, metadata.call_describe_us(callback))?;
        Ok(document.map(Some))
    }

    /// Tries the settings of a provider. `None`: the driver cannot.
    pub(crate) async fn check(&self, occasion: Occasion<'_>) -> Option<Answer<Vec<String>>> {
        self.contracts.check.as_ref()?;
        Some(self.try_settings(occasion).await)
    }

    async fn try_settings(&self, occasion: Occasion<'_>) -> Answer<Vec<String>> {
        ask!(self, occasion, check.call_check())
    }

    pub(crate) fn budget(&self) -> Budget {
        self.budget
    }

    pub(crate) fn health(&self) -> &Health {
        &self.health
    }

    /// What the component imports and gets, by name.
    pub(crate) fn imports(&self) -> Vec<String> {
        let component = self.component.component().component_type();
        let given = component.imports(&self.runtime.engine).map(|(name, _)| name);
        given.filter(|name| !grants::is_withheld(name, &self.withheld)).map(ToOwned::to_owned).collect()
    }

    /// What became of a call: its answer, or why there is none, counted against the driver if it is to blame.
    fn settled<T>(&self, ended: Result<wasmtime::Result<T>, Elapsed>, sandbox: &Sandbox) -> Result<T, CallError> {
        let error = match ended {
            Ok(Ok(answer)) => {
                self.health.answered();
                return Ok(answer);
            }
            Ok(Err(error)) => sandbox.explain(&error),
            Err(_) => sandbox.overdue(),
        };
        if error.is_crash() {
            self.health.crashed(Instant::now());
        }
        Err(error)
    }

    async fn sandbox(
        &self,
        served: Option<&Arc<Served>>,
        services: &Arc<Services>,
        trace: &Trace,
    ) -> Result<Sandbox, CallError> {
        if let Err(rest) = self.health.admit(Instant::now()) {
            return Err(CallError::Resting { component: self.name.clone(), rest });
        }
        let call = Call::of_driver(&self.name, served, services, trace);
        if self.networked {
            Sandbox::try_new(&self.runtime, &self.runtime.waiting, call, self.budget)
        } else {
            Ok(Sandbox::new(&self.runtime, &self.runtime.drivers, call, self.budget).await)
        }
    }
}
