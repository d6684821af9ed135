//! `gatewit:drivers`: from the name of a provider to the driver that serves it.
//!
//! A driver that crashes, loops or hoards memory is `unavailable` to the rules, and the log says what it did.

use super::config::Settings;
use crate::{
    bindings::{
        auth::gatewit::{
            driver::types::{Identity, Refusal},
            drivers::dispatch::{self, Provider},
        },
        driver::exports::gatewit::driver::about::Field,
    },
    engine::{Driver, Services},
};
use std::sync::Arc;
use wasmtime::component::{HasData, Linker};

/// A provider and what serves it.
pub(crate) struct Served {
    pub(crate) name: Arc<str>,
    pub(crate) driver: Arc<Driver>,
    /// The fields of the form, as the driver described them.
    pub(crate) fields: Vec<Field>,
    pub(crate) settings: Settings,
}

/// The providers of the process.
#[derive(Default)]
pub(crate) struct Drivers {
    /// What people may choose, whether it is served or not.
    pub(crate) listed: Vec<Provider>,
    /// What is served, the built-in `default` included.
    pub(crate) served: Vec<Served>,
}

impl Drivers {
    pub(crate) fn find(&self, provider: &str) -> Option<&Served> {
        self.served.iter().find(|served| served.name.as_ref() == provider)
    }
}

pub(crate) struct DriversView<'a>(pub(crate) &'a Arc<Services>);

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

impl dispatch::Host for DriversView<'_> {
    fn providers(&mut self) -> Vec<Provider> {
        self.0.drivers.get().map(|drivers| drivers.listed.clone()).unwrap_or_default()
    }

    async fn login(&mut self, provider: String, values: Vec<String>) -> Result<Identity, Refusal> {
        let Some(served) = self.0.drivers.get().and_then(|drivers| drivers.find(&provider)) else {
            return Err(Refusal::Misconfigured("there is no such provider".to_owned()));
        };
        match served.driver.login(&served.name, &served.settings, self.0, &values).await {
            Ok(outcome) => outcome,
            Err(error) => {
                tracing::error!(provider, error = &error as &dyn std::error::Error, "a driver failed");
                Err(Refusal::Unavailable("the driver failed".to_owned()))
            }
        }
    }
}
