//! The operations of a driver that takes credentials.

use super::{Call, CallError, CodeCache, LoadError, Runtime, Services, call::Sandbox, grants};
use crate::{
    bindings::{
        auth::gatewit::driver::types::{Identity, Refusal},
        driver::{CredentialsDriverPre, exports::gatewit::driver::about::Description},
    },
    capability::config::Settings,
};
use std::sync::Arc;

/// A driver component, ready to be called for any of its providers.
pub(crate) struct Driver {
    runtime: Arc<Runtime>,
    pre: CredentialsDriverPre<Call>,
    name: Arc<str>,
}

impl Driver {
    pub(crate) fn load(runtime: &Arc<Runtime>, cache: &CodeCache, name: &str, wasm: &[u8]) -> Result<Self, LoadError> {
        let component = cache.load(&runtime.engine, name, wasm)?;
        let link = || CredentialsDriverPre::new(grants::driver(&runtime.engine, name)?.instantiate_pre(&component)?);
        let pre = link().map_err(|error| LoadError::refused(name, &error))?;
        Ok(Self { runtime: runtime.clone(), pre, name: name.into() })
    }

    /// What the driver says of itself.
    pub(crate) async fn describe(&self, services: &Arc<Services>) -> Result<Description, CallError> {
        let mut sandbox = self.sandbox(None, &Settings::default(), services).await;
        let result = async {
            let instance = self.pre.instantiate_async(&mut sandbox.store).await?;
            instance.gatewit_driver_about().call_describe(&mut sandbox.store).await
        };
        result.await.map_err(|error| sandbox.explain(&error))
    }

    /// Asks who this is, on behalf of a provider.
    pub(crate) async fn login(
        &self,
        provider: &Arc<str>,
        settings: &Settings,
        services: &Arc<Services>,
        values: &[String],
    ) -> Result<Result<Identity, Refusal>, CallError> {
        let mut sandbox = self.sandbox(Some(provider), settings, services).await;
        let result = async {
            let instance = self.pre.instantiate_async(&mut sandbox.store).await?;
            instance.gatewit_driver_credentials().call_login(&mut sandbox.store, values).await
        };
        result.await.map_err(|error| sandbox.explain(&error))
    }

    async fn sandbox(&self, provider: Option<&Arc<str>>, settings: &Settings, services: &Arc<Services>) -> Sandbox {
        let call = Call::new(&self.name, provider, settings, services);
        Sandbox::new(&self.runtime, &self.runtime.drivers, call).await
    }
}
