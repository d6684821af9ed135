//! The auth component, ready to be called.

use super::{Call, CallError, CodeCache, Conversation, LoadError, Runtime, Services, call::Sandbox, grants};
use crate::{bindings::auth::AuthPre, capability::config::Settings};
use std::sync::Arc;

/// The auth component, ready to be called.
pub(crate) struct Rules {
    runtime: Arc<Runtime>,
    pre: AuthPre<Call>,
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
        let link = || AuthPre::new(grants::rules(&runtime.engine)?.instantiate_pre(&component)?);
        let pre = link().map_err(|error| LoadError::refused(name, &error))?;
        Ok(Self { runtime: runtime.clone(), pre, name: name.into(), settings })
    }

    /// Tries whether the rules fit their contract. Signatures are compared when an instance is made, not before, and that
    /// should not be in somebody's request.
    pub(crate) async fn check(&self, services: &Arc<Services>) -> Result<(), LoadError> {
        let opened = self.open(services).await.map(drop);
        opened.map_err(|error| LoadError::Refused { name: self.name.to_string(), reason: error.to_string() })
    }

    /// Opens a sandbox for one request.
    pub(crate) async fn open(&self, services: &Arc<Services>) -> Result<Conversation, CallError> {
        let call = Call::new(&self.name, None, &self.settings, services);
        let mut sandbox = Sandbox::new(&self.runtime, &self.runtime.rules, call).await;
        match self.pre.instantiate_async(&mut sandbox.store).await {
            Ok(instance) => Ok(Conversation { sandbox, instance }),
            Err(error) => Err(sandbox.explain(&error)),
        }
    }
}
