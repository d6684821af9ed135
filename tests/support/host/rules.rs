//! The rules in memory.

use std::path::Path;

use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Engine, Store};

use super::memory::Memory;
use super::memory::bindings::{Auth, AuthPre};
use super::trap;

/// The auth component, ready to be called.
pub struct RulesHost {
    engine: Engine,
    pre: AuthPre<Memory>,
}

impl RulesHost {
    /// Loads a component.
    pub fn load(file: &Path) -> anyhow::Result<Self> {
        Self::link(file).map_err(trap)
    }

    fn link(file: &Path) -> wasmtime::Result<Self> {
        let engine = Engine::default();
        let component = Component::from_file(&engine, file)?;
        let mut linker = Linker::new(&engine);
        Auth::add_to_linker::<_, HasSelf<Memory>>(&mut linker, |memory| memory)?;
        let pre = AuthPre::new(linker.instantiate_pre(&component)?)?;
        Ok(Self { engine, pre })
    }

    /// Calls the rules once, on a fresh instance; what is around them goes in and comes out. An error is a trap.
    pub fn call<T>(
        &self,
        memory: Memory,
        operation: impl FnOnce(&Auth, &mut Store<Memory>) -> wasmtime::Result<T>,
    ) -> anyhow::Result<(T, Memory)> {
        let mut store = Store::new(&self.engine, memory);
        let rules = self.pre.instantiate(&mut store).map_err(trap)?;
        let answer = operation(&rules, &mut store).map_err(trap)?;
        Ok((answer, store.into_data()))
    }
}
