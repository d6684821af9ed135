//! The auth component, ready to be called.

use super::{
    Budget, Call, CallError, CodeCache, Conversation, Health, LoadError, Runtime, Services, Wasm, Watched,
    call::Sandbox, conversation::Interfaces, grants,
};
use crate::capability::{config::Settings, script::Script, trace::Trace};
use std::{sync::Arc, time::Instant};
use wasmtime::component::InstancePre;

/// The auth component, ready to be called.
pub(crate) struct Rules {
    runtime: Arc<Runtime>,
    component: InstancePre<Call>,
    interfaces: Arc<Interfaces>,
    name: Arc<str>,
    settings: Settings,
    health: Arc<Health>,
    budget: Budget,
}

impl Rules {
    pub(crate) fn load(
        runtime: &Arc<Runtime>,
        cache: &CodeCache,
        wasm: Wasm<'_>,
        settings: Settings,
        health: Arc<Health>,
        budget: Budget,
    ) -> Result<Self, LoadError> {
        let (component, name) = (cache.load(&runtime.engine, wasm)?, wasm.name);
        let link = || {
            let component = grants::rules(&runtime.engine)?.instantiate_pre(&component)?;
            let interfaces = Arc::new(Interfaces::new(&component)?);
            Ok((component, interfaces))
        };
        let (component, interfaces) = link().map_err(|error| LoadError::refused(name, &error))?;
        Ok(Self { runtime: runtime.clone(), component, interfaces, name: name.into(), settings, health, budget })
    }

    /// Tries whether the rules fit their contract. Signatures are compared when there is an instance, not before, and a
    /// difference should not be found in somebody's request.
    pub(crate) async fn check(&self, services: &Arc<Services>) -> Result<(), LoadError> {
        let checked = match self.open(services, &Trace::start()).await {
            Ok(mut conversation) => conversation.check(),
            Err(error) => Err(error),
        };
        checked.map_err(|error| LoadError::Refused { name: self.name.to_string(), reason: error.to_string() })
    }

    /// Opens a sandbox for one request.
    pub(crate) async fn open(&self, services: &Arc<Services>, trace: &Trace) -> Result<Conversation, CallError> {
        let call = Call::of_rules(&self.name, &self.settings, services, trace, Script::default());
        self.begin(Sandbox::new(&self.runtime, &self.runtime.rules, call, self.budget).await).await
    }

    /// Opens a sandbox for one request that another generation watches.
    pub(crate) async fn open_watched(
        &self,
        services: &Arc<Services>,
        trace: &Trace,
        watched: Watched,
    ) -> Result<Conversation, CallError> {
        let call = Call::of_rules(&self.name, &self.settings, services, trace, watched.script());
        let sandbox = Sandbox::new(&self.runtime, &self.runtime.rules, call, self.budget).await;
        Ok(Conversation { watched: Some(watched), ..self.begin(sandbox).await? })
    }

    /// Opens a sandbox to watch a request that was told what is in the script, if there is room for it.
    pub(super) async fn open_again(&self, services: &Arc<Services>, script: Script) -> Result<Conversation, CallError> {
        let call = Call::of_rules(&self.name, &self.settings, services, &Trace::start(), script);
        self.begin(Sandbox::try_new(&self.runtime, &self.runtime.rules, call, self.budget)?).await
    }

    async fn begin(&self, mut sandbox: Sandbox) -> Result<Conversation, CallError> {
        // Never refused: the rules are given no rests.
        let _ = self.health.admit(Instant::now());
        match self.component.instantiate_async(&mut sandbox.store).await {
            Ok(instance) => {
                let (interfaces, health) = (self.interfaces.clone(), self.health.clone());
                Ok(Conversation { sandbox, instance, interfaces, health, watched: None })
            }
            Err(error) => {
                self.health.crashed(Instant::now());
                Err(sandbox.explain(&error))
            }
        }
    }

    /// What the component imports, by name.
    pub(crate) fn imports(&self) -> Vec<String> {
        let component = self.component.component().component_type();
        component.imports(&self.runtime.engine).map(|(name, _)| name.to_owned()).collect()
    }

    pub(crate) fn budget(&self) -> Budget {
        self.budget
    }

    pub(crate) fn health(&self) -> &Health {
        &self.health
    }
}
