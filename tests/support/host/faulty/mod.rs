//! A host in memory whose imports can be made to fail, to take an hour, and to lie, each by its name and at a call of choice.
//!
//! Its network answers as a script says, its directory is a real one on this machine, and its keys verify for good: what is not
//! made faulty is right. Drivers are called by the names of their functions, so any of them runs in it. Absent: limits.

mod fault;
mod http;
mod imports;

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use gatewit_host::keys::PublicKey;
use wasmtime::component::{Component, HasSelf, InstancePre, Linker, Val};
use wasmtime::{Engine, Store};

pub use fault::{Conduct, Fault, Import};
pub use http::{Answer, Asked};

use super::trap;
use imports::bindings::Faulty;

/// What answers requests: what was asked, and how the answer is to lie.
pub type Network = Arc<dyn Fn(&Asked, Option<Conduct>) -> Answer + Send + Sync>;

/// What a driver finds around it.
#[derive(Clone)]
pub struct World {
    /// The provider's settings, all texts.
    pub settings: BTreeMap<String, String>,
    /// The password of the one account.
    pub account: Option<(String, String)>,
    /// The port of the directory.
    pub directory: u16,
    /// Who answers over HTTP.
    pub network: Network,
    /// The public key of somebody else, as a JWK, for lies.
    pub stranger: String,
    /// Settings that are never faulty, because what their absence means is as right.
    pub sound: &'static [&'static str],
    /// What is wrong here.
    pub faults: Vec<Fault>,
    /// How often each import was called.
    pub calls: BTreeMap<Import, u32>,
    /// Seconds since the Unix epoch.
    pub now: u64,
    cache: BTreeMap<String, (String, u64)>,
    drawn: u8,
    keys: Vec<Arc<PublicKey>>,
    connections: Vec<Connection>,
    exchanges: Vec<http::Exchange>,
    fields: Vec<Vec<(String, Vec<u8>)>>,
}

/// A connection to the directory.
#[derive(Clone)]
struct Connection(Arc<TcpStream>);

impl World {
    /// One in which all is well.
    #[must_use]
    pub fn new(now: u64, settings: &[(&str, &str)], network: Network) -> Self {
        Self {
            settings: settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            account: None,
            directory: 0,
            network,
            stranger: String::new(),
            sound: &[],
            faults: Vec::new(),
            calls: BTreeMap::new(),
            now,
            cache: BTreeMap::new(),
            drawn: 0,
            keys: Vec::new(),
            connections: Vec::new(),
            exchanges: Vec::new(),
            fields: Vec::new(),
        }
    }

    /// How a call of this import goes wrong, if it does. An hour passes here.
    fn conduct(&mut self, import: Import) -> Option<Conduct> {
        let call = self.calls.entry(import).or_default();
        *call += 1;
        let (call, is) = (*call, |fault: &&Fault| fault.import == import);
        let fault = self.faults.iter().filter(is).find(|fault| fault.call.is_none_or(|at| at == call));
        let conduct = fault.map(|fault| fault.conduct);
        if conduct == Some(Conduct::Delay) {
            self.now += fault::HOUR;
        }
        conduct
    }
}

/// A driver component, ready to be called. Every call gets a fresh instance.
pub struct FaultyHost {
    engine: Engine,
    component: InstancePre<World>,
}

impl FaultyHost {
    /// Loads a component.
    pub fn load(file: &Path) -> anyhow::Result<Self> {
        Self::link(file).map_err(trap)
    }

    fn link(file: &Path) -> wasmtime::Result<Self> {
        let engine = Engine::default();
        let component = Component::from_file(&engine, file)?;
        let mut linker = Linker::new(&engine);
        Faulty::add_to_linker::<_, HasSelf<World>>(&mut linker, |world| world)?;
        http::add_to_linker(&mut linker)?;
        linker.define_unknown_imports_as_traps(&component)?;
        Ok(Self { component: linker.instantiate_pre(&component)?, engine })
    }

    /// Calls a function of `gatewit:driver`. An error is a trap.
    pub fn call(&self, world: World, interface: &str, name: &str, input: &[Val]) -> anyhow::Result<(Told, World)> {
        let mut store = Store::new(&self.engine, world);
        let instance = self.component.instantiate(&mut store).map_err(trap)?;
        let interface = format!("gatewit:driver/{interface}@0.1.0");
        let interface = instance.get_export_index(&mut store, None, &interface).context("no such interface")?;
        let function = instance.get_export_index(&mut store, Some(&interface), name).context("no such function")?;
        let function = instance.get_func(&mut store, function).context("no function")?;
        let mut output = [Val::Bool(false)];
        function.call(&mut store, input, &mut output).map_err(trap)?;
        let [output] = output;
        let told = match output {
            Val::Result(Ok(Some(value))) => Ok(*value),
            Val::Result(Err(Some(refusal))) => Err(*refusal),
            other => bail!("an answer of another kind: {other:?}"),
        };
        Ok((told, store.into_data()))
    }
}

/// What a driver answers: its value, or its refusal.
pub type Told = Result<Val, Val>;

/// A member of a record.
#[must_use]
pub fn member<'a>(record: &'a Val, name: &str) -> Option<&'a Val> {
    let Val::Record(members) = record else { return None };
    members.iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

/// The text of a text, or of the case of a variant that has one.
#[must_use]
pub fn text(value: &Val) -> Option<&str> {
    match value {
        Val::String(text) => Some(text),
        Val::Variant(_, Some(inner)) => text(inner),
        _ => None,
    }
}
