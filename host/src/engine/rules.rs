//! The operations of the auth component.

use super::{Call, CallError, CodeCache, LoadError, Runtime, Services, call::Sandbox, grants};
use crate::{
    bindings::auth::{
        Auth, AuthPre,
        exports::gatewit::auth::{
            access::Principal,
            providers::Provider,
            sessions::{Attempt, Form, Grant, Held},
        },
        gatewit::auth::types::{Client, Reason},
    },
    capability::config::Settings,
};
use std::{sync::Arc, time::Duration};

/// What an operation answers: the outcome that the rules decided on, or no answer at all.
pub(crate) type Outcome<T> = Result<Result<T, Reason>, CallError>;

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

/// One request's sandbox: who is asking, then what they want. Never used for a second request.
pub(crate) struct Conversation {
    sandbox: Sandbox,
    instance: Auth,
}

impl Conversation {
    /// For how long, from the start of the request, the answer is to be held.
    pub(crate) fn hold(&self) -> Duration {
        self.sandbox.hold()
    }

    pub(crate) async fn authenticate(&mut self, token: &str, client: &Client) -> Outcome<Principal> {
        let access = self.instance.gatewit_auth_access();
        let answer = access.call_authenticate(&mut self.sandbox.store, token, client).await;
        answer.map_err(|error| self.sandbox.explain(&error))
    }

    pub(crate) async fn login(&mut self, attempt: &Attempt, client: &Client) -> Outcome<Grant> {
        let sessions = self.instance.gatewit_auth_sessions();
        let answer = sessions.call_login(&mut self.sandbox.store, attempt, client).await;
        answer.map_err(|error| self.sandbox.explain(&error))
    }

    pub(crate) async fn refresh(&mut self, held: &Held, form: Form, client: &Client) -> Outcome<Grant> {
        let sessions = self.instance.gatewit_auth_sessions();
        let answer = sessions.call_refresh(&mut self.sandbox.store, held, form, client).await;
        answer.map_err(|error| self.sandbox.explain(&error))
    }

    pub(crate) async fn logout(&mut self, held: &Held, client: &Client) -> Outcome<()> {
        let sessions = self.instance.gatewit_auth_sessions();
        let answer = sessions.call_logout(&mut self.sandbox.store, held, client).await;
        answer.map_err(|error| self.sandbox.explain(&error))
    }

    pub(crate) async fn me(&mut self, principal: &Principal, fields: &[String]) -> Outcome<String> {
        let profile = self.instance.gatewit_auth_profile();
        let answer = profile.call_me(&mut self.sandbox.store, principal, fields).await;
        answer.map_err(|error| self.sandbox.explain(&error))
    }

    pub(crate) async fn providers(&mut self, sessions_only: bool) -> Outcome<Vec<Provider>> {
        let providers = self.instance.gatewit_auth_providers();
        let answer = providers.call_list(&mut self.sandbox.store, sessions_only).await;
        answer.map(Ok).map_err(|error| self.sandbox.explain(&error))
    }
}
