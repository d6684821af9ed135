//! Drivers that send the browser away, in memory: settings and cache are maps, and on the network nobody is there: every
//! request is refused like a connection to a closed port. What they do with answers is tested at a provider.

use std::collections::BTreeMap;
use std::path::Path;

use wasmtime::component::{Component, HasSelf, Linker, LinkerInstance, Resource, Val};
use wasmtime::{Engine, Store, StoreContextMut};

/// The world of drivers like `oauth2` and `openid`, without the network.
#[expect(missing_docs, reason = "generated from `wit/`, which is documented")]
pub(super) mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit",
        inline: "
            package gatewit:tests;
            world travelling {
                import gatewit:cache/cache@0.1.0;
                import gatewit:config/settings@0.1.0;
                import gatewit:keys/signing@0.1.0;
                import gatewit:log/log@0.1.0;
                import wasi:clocks/wall-clock@0.2.12;
                import wasi:random/random@0.2.12;
                export gatewit:driver/about@0.1.0;
                export gatewit:driver/redirect@0.1.0;
                export gatewit:driver/refresh@0.1.0;
                export gatewit:driver/logout@0.1.0;
            }
        ",
        world: "gatewit:tests/travelling",
        additional_derives: [PartialEq],
        imports: { "gatewit:keys": trappable },
    });
}

use super::trap;
use bindings::exports::gatewit::driver::about::Description;
use bindings::exports::gatewit::driver::redirect::{Arrival, Departure, Start};
use bindings::gatewit::cache::cache;
use bindings::gatewit::config::settings;
pub use bindings::gatewit::config::settings::Value;
use bindings::gatewit::driver::types::{Identity, Refusal};
use bindings::gatewit::keys::signing;
use bindings::gatewit::log::log;
use bindings::wasi::clocks::wall_clock;
use bindings::wasi::random::random;
use bindings::{Travelling, TravellingPre};

/// What a driver finds around it.
#[derive(Clone, Debug, Default)]
pub struct RedirectWorld {
    /// The provider's settings.
    pub settings: BTreeMap<String, Value>,
    /// What lies in the cache, and for how many seconds.
    pub cache: BTreeMap<String, (String, u32)>,
    /// What was logged: message and fields.
    pub log: Vec<String>,
    /// Requests that were made.
    pub requests: u32,
    drawn: u8,
}

impl cache::Host for RedirectWorld {
    fn get(&mut self, key: String) -> Option<cache::Entry> {
        self.cache.get(&key).map(|(value, age)| cache::Entry { value: value.clone(), age_seconds: *age })
    }

    fn put(&mut self, key: String, value: String, _: u32) {
        self.cache.insert(key, (value, 0));
    }
}

impl settings::Host for RedirectWorld {
    fn get(&mut self, name: String) -> Option<Value> {
        self.settings.get(&name).cloned()
    }
}

/// No key can be opened, and none is good.
impl signing::Host for RedirectWorld {
    fn open(&mut self, _: String) -> wasmtime::Result<Result<Resource<signing::Key>, signing::Error>> {
        Ok(Err(signing::Error::Unavailable))
    }

    fn import(&mut self, _: String, _: String) -> wasmtime::Result<Result<Resource<signing::Key>, signing::Error>> {
        Ok(Err(signing::Error::Denied))
    }
}

impl signing::HostKey for RedirectWorld {
    fn algorithm(&mut self, _: Resource<signing::Key>) -> wasmtime::Result<String> {
        Ok(String::new())
    }

    fn id(&mut self, _: Resource<signing::Key>) -> wasmtime::Result<Option<String>> {
        Ok(None)
    }

    fn sign(&mut self, _: Resource<signing::Key>, _: Vec<u8>) -> wasmtime::Result<Result<Vec<u8>, signing::Error>> {
        Ok(Err(signing::Error::Denied))
    }

    fn verify(
        &mut self,
        _: Resource<signing::Key>,
        _: Vec<u8>,
        _: Vec<u8>,
    ) -> wasmtime::Result<Result<bool, signing::Error>> {
        Ok(Err(signing::Error::Denied))
    }

    fn drop(&mut self, _: Resource<signing::Key>) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl log::Host for RedirectWorld {
    fn write(&mut self, _: log::Level, message: String, fields: Vec<log::Field>) {
        let fields: Vec<_> = fields.iter().map(|field| format!(" {}={}", field.name, field.value)).collect();
        self.log.push(format!("{message}{}", fields.concat()));
    }
}

impl wall_clock::Host for RedirectWorld {
    fn now(&mut self) -> wall_clock::Datetime {
        wall_clock::Datetime { seconds: 1_795_280_701, nanoseconds: 0 }
    }

    fn resolution(&mut self) -> wall_clock::Datetime {
        wall_clock::Datetime { seconds: 1, nanoseconds: 0 }
    }
}

impl random::Host for RedirectWorld {
    fn get_random_bytes(&mut self, count: u64) -> Vec<u8> {
        self.drawn += 1;
        vec![self.drawn; usize::try_from(count).unwrap_or_default()]
    }

    fn get_random_u64(&mut self) -> u64 {
        self.drawn += 1;
        self.drawn.into()
    }
}

impl bindings::gatewit::driver::types::Host for RedirectWorld {}

/// A driver component, ready to be called. Every call gets a fresh instance.
pub struct RedirectHost {
    engine: Engine,
    pre: TravellingPre<RedirectWorld>,
}

/// What a call answers, and the world afterwards.
pub type Told<T> = (Result<T, Refusal>, RedirectWorld);

impl RedirectHost {
    /// Loads a component.
    pub fn load(file: &Path) -> anyhow::Result<Self> {
        Self::link(file).map_err(trap)
    }

    fn link(file: &Path) -> wasmtime::Result<Self> {
        let engine = Engine::default();
        let component = Component::from_file(&engine, file)?;
        let mut linker = Linker::new(&engine);
        Travelling::add_to_linker::<_, HasSelf<RedirectWorld>>(&mut linker, |world| world)?;
        nobody_there(&mut linker)?;
        linker.define_unknown_imports_as_traps(&component)?;
        let pre = TravellingPre::new(linker.instantiate_pre(&component)?)?;
        Ok(Self { engine, pre })
    }

    /// Calls the driver once. An error is a trap.
    pub fn call<T>(
        &self,
        world: RedirectWorld,
        operation: impl FnOnce(&Travelling, &mut Store<RedirectWorld>) -> wasmtime::Result<T>,
    ) -> anyhow::Result<(T, RedirectWorld)> {
        let mut store = Store::new(&self.engine, world);
        let driver = self.pre.instantiate(&mut store).map_err(trap)?;
        let answer = operation(&driver, &mut store).map_err(trap)?;
        Ok((answer, store.into_data()))
    }

    /// What the driver says of itself.
    pub fn describe(&self) -> anyhow::Result<Description> {
        let told =
            self.call(RedirectWorld::default(), |driver, store| driver.gatewit_driver_about().call_describe(store));
        Ok(told?.0)
    }

    /// Where to send the browser.
    pub fn begin(&self, world: RedirectWorld, start: &Start) -> anyhow::Result<Told<Departure>> {
        self.call(world, |driver, store| driver.gatewit_driver_redirect().call_begin(store, start))
    }

    /// Who came back.
    pub fn finish(&self, world: RedirectWorld, arrival: &Arrival) -> anyhow::Result<Told<Identity>> {
        self.call(world, |driver, store| driver.gatewit_driver_redirect().call_finish(store, arrival))
    }
}

/// As much of wasi:http as it takes to be told that nobody is there; the rest traps.
fn nobody_there(linker: &mut Linker<RedirectWorld>) -> wasmtime::Result<()> {
    let mut types = linker.instance("wasi:http/types@0.2.12")?;
    for name in ["fields", "outgoing-request", "outgoing-body", "request-options"] {
        types.resource(name, wasmtime::component::ResourceType::host::<()>(), |_, _| Ok(()))?;
    }
    made(&mut types, "[constructor]outgoing-request", false)?;
    made(&mut types, "[constructor]request-options", false)?;
    made(&mut types, "[static]fields.from-list", true)?;
    made(&mut types, "[method]outgoing-request.body", true)?;
    for name in [
        "[method]outgoing-request.set-method",
        "[method]outgoing-request.set-scheme",
        "[method]outgoing-request.set-authority",
        "[method]outgoing-request.set-path-with-query",
        "[method]request-options.set-connect-timeout",
        "[method]request-options.set-first-byte-timeout",
        "[method]request-options.set-between-bytes-timeout",
    ] {
        types.func_new(name, |mut store, _, parameters, results| {
            given_back(&mut store, parameters)?;
            results[0] = Val::Result(Ok(None));
            Ok(())
        })?;
    }
    linker.instance("wasi:http/outgoing-handler@0.2.12")?.func_new("handle", |mut store, _, parameters, results| {
        given_back(&mut store, parameters)?;
        store.data_mut().requests += 1;
        let code = Val::Variant("connection-refused".to_owned(), None);
        results[0] = Val::Result(Err(Some(Box::new(code))));
        Ok(())
    })
}

/// A function that makes something.
fn made(types: &mut LinkerInstance<'_, RedirectWorld>, name: &str, fallible: bool) -> wasmtime::Result<()> {
    types.func_new(name, move |mut store, _, parameters, results| {
        given_back(&mut store, parameters)?;
        let made = Val::Resource(Resource::<()>::new_own(1).try_into_resource_any(store)?);
        results[0] = if fallible { Val::Result(Ok(Some(Box::new(made)))) } else { made };
        Ok(())
    })
}

/// Lets go of the things that a call was given.
fn given_back(store: &mut StoreContextMut<'_, RedirectWorld>, parameters: &[Val]) -> wasmtime::Result<()> {
    for parameter in parameters {
        match parameter {
            Val::Resource(thing) => thing.resource_drop(&mut *store)?,
            Val::Option(Some(inner)) => given_back(store, std::slice::from_ref(inner))?,
            _ => {}
        }
    }
    Ok(())
}
