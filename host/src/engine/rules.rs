//! The auth component, ready to be called.

use super::{
    Call, CallError, CodeCache, Conversation, LoadError, Runtime, Services, call::Sandbox, conversation::Interfaces,
    grants,
};
use crate::capability::{config::Settings, trace::Trace};
use std::sync::Arc;
use wasmtime::component::InstancePre;

/// The auth component, ready to be called.
pub(crate) struct Rules {
    runtime: Arc<Runtime>,
    component: InstancePre<Call>,
    interfaces: Arc<Interfaces>,
    name: Arc<str>,
    settings: Settings,
}

impl Rules {
    pub(crate) fn load(
        runtime: &Arc<Runtime>,
        cache: &CodeCache,
        name: &str,
        wasm: &[u8],
        settings: Settings,
    ) -> Result<Self, LoadError> {
        let component = cache.load(&runtime.engine, name, wasm)?;
        let link = || {
            let component = grants::rules(&runtime.engine)?.instantiate_pre(&component)?;
            let interfaces = Arc::new(Interfaces::new(&component)?);
            Ok((component, interfaces))
        };
        let (component, interfaces) = link().map_err(|error| LoadError::refused(name, &error))?;
        Ok(Self { runtime: runtime.clone(), component, interfaces, name: name.into(), settings })
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
        let call = Call::of_rules(&self.name, &self.settings, services, trace);
        let mut sandbox = Sandbox::new(&self.runtime, &self.runtime.rules, call).await;
        match self.component.instantiate_async(&mut sandbox.store).await {
            Ok(instance) => Ok(Conversation { sandbox, instance, interfaces: self.interfaces.clone() }),
            Err(error) => Err(sandbox.explain(&error)),
        }
    }
}
