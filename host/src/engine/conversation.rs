//! The operations of the rules, called in one request's sandbox.
//!
//! Absent: what the operations mean (`wit/deps/auth`), and what becomes of their answers.

use super::{CallError, call::Sandbox};
use crate::bindings::auth::{
    Auth,
    exports::gatewit::auth::{
        access::Principal,
        providers::Provider,
        records::{Page, Query, Target},
        registration::Applicant,
        second_factor::Secret,
        sessions::{Attempt, Form, Grant, Held},
    },
    gatewit::auth::types::{Client, Reason},
};
use std::time::Duration;

/// What an operation answers: the outcome that the rules decided on, or no answer at all.
pub(crate) type Outcome<T> = Result<Result<T, Reason>, CallError>;

/// One request's sandbox: who is asking, then what they want. Never used for a second request.
pub(crate) struct Conversation {
    pub(super) sandbox: Sandbox,
    pub(super) instance: Auth,
}

/// Methods that call one function of an interface each.
macro_rules! operations {
    ($($interface:ident { $($call:ident: $name:ident($($argument:ident: $type:ty),*) -> $output:ty;)* })*) => {
        impl Conversation {$($(
            pub(crate) async fn $name(&mut self, $($argument: $type),*) -> Outcome<$output> {
                let interface = self.instance.$interface();
                let answer = interface.$call(&mut self.sandbox.store, $($argument),*).await;
                answer.map_err(|error| self.sandbox.explain(&error))
            }
        )*)*}
    };
}

operations! {
    gatewit_auth_access {
        call_authenticate: authenticate(token: &str, client: &Client) -> Principal;
    }
    gatewit_auth_sessions {
        call_login: login(attempt: &Attempt, client: &Client) -> Grant;
        call_refresh: refresh(held: &Held, form: Form, client: &Client) -> Grant;
        call_logout: logout(held: &Held, client: &Client) -> ();
    }
    gatewit_auth_profile {
        call_me: me(principal: &Principal, fields: &[String]) -> String;
    }
    gatewit_auth_recovery {
        call_request: request_reset(email: &str, url: Option<&str>, client: &Client) -> ();
        call_reset: reset(token: &str, password: &str, client: &Client) -> ();
    }
    gatewit_auth_registration {
        call_register: register(applicant: &Applicant, url: Option<&str>, client: &Client) -> ();
        call_verify: verify(token: &str, client: &Client) -> String;
    }
    gatewit_auth_invitations {
        call_invite: invite(
            principal: Option<&Principal>, emails: &[String], role: &str, url: Option<&str>, client: &Client
        ) -> ();
        call_accept: accept(token: &str, password: &str, client: &Client) -> ();
    }
    gatewit_auth_second_factor {
        call_generate: generate(principal: &Principal, password: Option<&str>) -> Secret;
        call_enable: enable(principal: &Principal, secret: &str, otp: &str, client: &Client) -> ();
        call_disable: disable(principal: &Principal, otp: &str, client: &Client) -> ();
        call_remove: remove(principal: &Principal, user: &str, client: &Client) -> ();
        call_recovery_codes: recovery_codes(principal: &Principal, otp: &str, client: &Client) -> Vec<String>;
    }
    gatewit_auth_records {
        call_list: list(principal: Option<&Principal>, collection: &str, query: &Query) -> Page;
        call_read: read(principal: Option<&Principal>, collection: &str, id: &str, query: &Query) -> String;
        call_create: create(
            principal: Option<&Principal>, collection: &str, data: &str, query: &Query, client: &Client
        ) -> Option<String>;
        call_update: update(
            principal: Option<&Principal>, collection: &str, target: &Target, data: &str, query: &Query,
            client: &Client
        ) -> Option<String>;
        call_delete: delete(
            principal: Option<&Principal>, collection: &str, target: &Target, client: &Client
        ) -> ();
        call_rights: rights(principal: Option<&Principal>, form: &str) -> String;
    }
    gatewit_auth_shares {
        call_login: share_login(share: &str, password: Option<&str>, form: Form, client: &Client) -> Grant;
        call_info: share_info(share: &str) -> String;
    }
}

impl Conversation {
    /// For how long, from the start of the request, the answer is to be held.
    pub(crate) fn hold(&self) -> Duration {
        self.sandbox.hold()
    }

    pub(crate) async fn providers(&mut self, sessions_only: bool) -> Outcome<Vec<Provider>> {
        let providers = self.instance.gatewit_auth_providers();
        let answer = providers.call_list(&mut self.sandbox.store, sessions_only).await;
        answer.map(Ok).map_err(|error| self.sandbox.explain(&error))
    }
}
