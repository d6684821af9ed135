//! Drivers in memory: settings and passwords are maps, log lines are kept.

use std::collections::BTreeMap;
use std::path::Path;

use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Engine, Store};

/// The world of the driver `local`, with what any driver may use but the network.
#[expect(missing_docs, reason = "generated from `wit/`, which is documented")]
pub(super) mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit",
        inline: "
            package gatewit:tests;
            world driver {
                import gatewit:config/settings@0.1.0;
                import gatewit:log/log@0.1.0;
                include gatewit:worlds/local@0.1.0;
            }
        ",
        world: "gatewit:tests/driver",
        additional_derives: [PartialEq],
    });
}

use super::trap;
use bindings::exports::gatewit::driver::about::Description;
use bindings::gatewit::config::settings;
use bindings::gatewit::driver::types::{Identity, Refusal};
use bindings::gatewit::log::log;
use bindings::gatewit::passwords::{accounts, types as passwords};
use bindings::{Driver, DriverPre};

/// What a driver finds around it.
#[derive(Clone, Debug, Default)]
pub struct DriverWorld {
    /// The provider's settings, as texts.
    pub settings: BTreeMap<String, String>,
    /// Passwords by address.
    pub passwords: BTreeMap<String, String>,
    /// Nobody answers about passwords.
    pub passwords_are_away: bool,
    /// What was logged: message and fields.
    pub log: Vec<String>,
}

impl settings::Host for DriverWorld {
    fn get(&mut self, name: String) -> Option<settings::Value> {
        self.settings.get(&name).cloned().map(settings::Value::Text)
    }
}

impl log::Host for DriverWorld {
    fn write(&mut self, _: log::Level, message: String, fields: Vec<log::Field>) {
        let fields: Vec<_> = fields.iter().map(|field| format!("{}={}", field.name, field.value)).collect();
        self.log.push(format!("{message} {}", fields.join(" ")));
    }
}

impl passwords::Host for DriverWorld {}

impl accounts::Host for DriverWorld {
    fn verify(&mut self, email: String, password: String) -> Result<passwords::Verdict, passwords::Error> {
        if self.passwords_are_away {
            return Err(passwords::Error::Unavailable);
        }
        let known = self.passwords.get(&email.to_lowercase());
        Ok(if known == Some(&password) { passwords::Verdict::Match } else { passwords::Verdict::Mismatch })
    }
}

impl bindings::gatewit::driver::types::Host for DriverWorld {}

/// A driver component, ready to be called. Every call gets a fresh instance.
pub struct DriverHost {
    engine: Engine,
    pre: DriverPre<DriverWorld>,
}

impl DriverHost {
    /// Loads a component.
    pub fn load(file: &Path) -> anyhow::Result<Self> {
        Self::link(file).map_err(trap)
    }

    fn link(file: &Path) -> wasmtime::Result<Self> {
        let engine = Engine::default();
        let component = Component::from_file(&engine, file)?;
        let mut linker = Linker::new(&engine);
        Driver::add_to_linker::<_, HasSelf<DriverWorld>>(&mut linker, |world| world)?;
        let pre = DriverPre::new(linker.instantiate_pre(&component)?)?;
        Ok(Self { engine, pre })
    }

    /// What the driver says of itself.
    pub fn describe(&self) -> anyhow::Result<Description> {
        self.call_describe().map_err(trap)
    }

    fn call_describe(&self) -> wasmtime::Result<Description> {
        let mut store = Store::new(&self.engine, DriverWorld::default());
        let driver = self.pre.instantiate(&mut store)?;
        driver.gatewit_driver_about().call_describe(&mut store)
    }

    /// Asks who this is; the world afterwards. An error is a trap.
    pub fn login(
        &self,
        world: DriverWorld,
        values: &[String],
    ) -> anyhow::Result<(Result<Identity, Refusal>, DriverWorld)> {
        let mut store = Store::new(&self.engine, world);
        let driver = self.pre.instantiate(&mut store).map_err(trap)?;
        let answer = driver.gatewit_driver_credentials().call_login(&mut store, values).map_err(trap)?;
        Ok((answer, store.into_data()))
    }
}
