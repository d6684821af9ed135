//! Drivers in memory: settings and passwords are maps, log lines are kept. Connections are real ones, to a directory of the
//! test on this machine.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use wasmtime::component::{Component, HasSelf, Linker, Resource};
use wasmtime::{Engine, Store};

/// The worlds of the drivers that take credentials: what any of them may use.
#[expect(missing_docs, reason = "generated from `wit/`, which is documented")]
pub(super) mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit",
        inline: "
            package gatewit:tests;
            world driver {
                import gatewit:config/settings@0.1.0;
                import gatewit:log/log@0.1.0;
                import gatewit:streams/streams@0.1.0;
                import wasi:clocks/wall-clock@0.2.12;
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
use bindings::gatewit::streams::streams::{self, Connection, Error};
use bindings::wasi::clocks::wall_clock;
use bindings::{Driver, DriverPre};

/// What a driver finds around it.
#[derive(Clone, Debug, Default)]
pub struct DriverWorld {
    /// The provider's settings, as texts.
    pub settings: BTreeMap<String, String>,
    /// Passwords by address.
    pub passwords: BTreeMap<String, String>,
    /// Nobody answers about passwords, and nobody is connected to.
    pub passwords_are_away: bool,
    /// Connections that were made; a handle is a place in it.
    pub connections: Vec<Arc<TcpStream>>,
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

impl wall_clock::Host for DriverWorld {
    fn now(&mut self) -> wall_clock::Datetime {
        wall_clock::Datetime { seconds: 1_795_320_000, nanoseconds: 0 }
    }

    fn resolution(&mut self) -> wall_clock::Datetime {
        wall_clock::Datetime { seconds: 1, nanoseconds: 0 }
    }
}

fn broken(error: &std::io::Error) -> Error {
    Error::Unreachable(error.kind().to_string())
}

impl streams::Host for DriverWorld {
    fn connect(&mut self, host: String, port: u16, tls: bool) -> Result<Resource<Connection>, Error> {
        if self.passwords_are_away {
            return Err(Error::Unreachable("connection refused".to_owned()));
        }
        if tls || host != "127.0.0.1" {
            return Err(Error::Denied);
        }
        let stream = TcpStream::connect((host.as_str(), port)).map_err(|error| broken(&error))?;
        self.connections.push(Arc::new(stream));
        Ok(Resource::new_own(u32::try_from(self.connections.len() - 1).unwrap_or(u32::MAX)))
    }

    fn connect_to_socket(&mut self, _: String) -> Result<Resource<Connection>, Error> {
        Err(Error::Denied)
    }
}

impl DriverWorld {
    fn stream(&self, handle: &Resource<Connection>) -> Result<Arc<TcpStream>, Error> {
        let stream = usize::try_from(handle.rep()).ok().and_then(|place| self.connections.get(place));
        stream.cloned().ok_or(Error::Denied)
    }
}

impl streams::HostConnection for DriverWorld {
    fn send(&mut self, connection: Resource<Connection>, bytes: Vec<u8>) -> Result<(), Error> {
        self.stream(&connection)?.as_ref().write_all(&bytes).map_err(|error| broken(&error))
    }

    fn receive(&mut self, connection: Resource<Connection>, most: u32) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; usize::try_from(most).unwrap_or_default().min(1 << 16)];
        let count = self.stream(&connection)?.as_ref().read(&mut bytes).map_err(|error| broken(&error))?;
        bytes.truncate(count);
        Ok(bytes)
    }

    fn secure(&mut self, _: Resource<Connection>) -> Result<(), Error> {
        Err(Error::Untrusted("there is no TLS here".to_owned()))
    }

    fn drop(&mut self, _: Resource<Connection>) -> wasmtime::Result<()> {
        Ok(())
    }
}

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
