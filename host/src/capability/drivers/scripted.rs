//! The drivers as the rules reach them: a call that only watches is told what drivers said to the one that serves, and reaches none.

use super::DriversView;
use crate::{
    bindings::auth::gatewit::{
        config::settings::Value,
        driver::types::{Arrival, Claim, Departure, Destination, Identity, Notice, Parameter, Refusal, Start},
        drivers::dispatch::{self, Provider},
    },
    capability::script::{Asked, Nature, Script},
};
use std::fmt::Debug;
use wasmtime::component::{HasData, Linker};

pub(crate) struct ScriptedDrivers<'a> {
    pub(crate) drivers: DriversView<'a>,
    pub(crate) script: &'a Script,
}

struct Granted;

impl HasData for Granted {
    type Data<'a> = ScriptedDrivers<'a>;
}

/// Adds the way to the drivers, and nothing else, to `linker`.
pub(crate) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> ScriptedDrivers<'_>,
) -> wasmtime::Result<()> {
    dispatch::add_to_linker::<T, Granted>(linker, view)
}

type Answer<T> = Result<T, Refusal>;

impl ScriptedDrivers<'_> {
    fn asks(&self, operation: &'static str, about: &dyn Debug) -> Asked {
        self.script.ask(Nature::Effect, operation, about)
    }
}

/// What a driver says, a refusal included: that is told again, too.
async fn told<T: Clone + Send + 'static>(asked: Asked, answer: impl Future<Output = Answer<T>>) -> Answer<T> {
    let denied = || Refusal::Other("whoever watches asks no driver".to_owned());
    asked.told(async { Ok(answer.await) }, denied).await.flatten()
}

impl dispatch::Host for ScriptedDrivers<'_> {
    fn providers(&mut self) -> Vec<Provider> {
        self.drivers.providers()
    }

    fn setting(&mut self, provider: String, name: String) -> Option<Value> {
        self.drivers.setting(provider, name)
    }

    async fn login(&mut self, provider: String, values: Vec<String>) -> Answer<Identity> {
        let asked = self.asks("login", &(&provider, &values));
        told(asked, self.drivers.login(provider, values)).await
    }

    async fn begin(&mut self, provider: String, start: Start) -> Answer<Departure> {
        let asked = self.asks("begin", &(&provider, &start));
        told(asked, self.drivers.begin(provider, start)).await
    }

    async fn recall(&mut self, provider: String, parameters: Vec<Parameter>) -> Answer<Claim> {
        let asked = self.asks("recall", &(&provider, &parameters));
        told(asked, self.drivers.recall(provider, parameters)).await
    }

    async fn finish(&mut self, provider: String, arrival: Arrival) -> Answer<Identity> {
        let asked = self.asks("finish", &(&provider, &arrival));
        told(asked, self.drivers.finish(provider, arrival)).await
    }

    async fn refresh(
        &mut self,
        provider: String,
        identifier: String,
        auth_data: Option<String>,
    ) -> Answer<Option<String>> {
        let asked = self.asks("refresh", &(&provider, &identifier, &auth_data));
        told(asked, self.drivers.refresh(provider, identifier, auth_data)).await
    }

    async fn leave(
        &mut self,
        provider: String,
        parting_data: Option<String>,
        callback: String,
    ) -> Answer<Option<Destination>> {
        let asked = self.asks("leave", &(&provider, &parting_data, &callback));
        told(asked, self.drivers.leave(provider, parting_data, callback)).await
    }

    async fn read_notice(&mut self, provider: String, parameters: Vec<Parameter>, callback: String) -> Answer<Notice> {
        let asked = self.asks("read_notice", &(&provider, &parameters, &callback));
        told(asked, self.drivers.read_notice(provider, parameters, callback)).await
    }

    async fn describe_us(&mut self, provider: String, callback: String) -> Answer<Option<String>> {
        let asked = self.asks("describe_us", &(&provider, &callback));
        told(asked, self.drivers.describe_us(provider, callback)).await
    }
}
