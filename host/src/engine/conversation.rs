//! The operations of the rules, called in one request's sandbox.
//!
//! Absent: what the operations mean (`wit/deps/auth`), and what becomes of their answers.

use super::{
    Call, CallError, Health, Watched,
    call::Sandbox,
    watch::{Again, Argument, Lent as _, Shown},
};
use crate::bindings::auth::{
    exports::gatewit::auth::{
        access::{self, Principal},
        identities::{self, Identity},
        invitations,
        open_sessions::{self, OpenSession},
        profile,
        providers::{self, Provider},
        records::{self, Page, Query, Target},
        recovery,
        registration::{self, Applicant},
        second_factor::{self, Secret},
        sessions::{self, Attempt, Form, Grant, Held},
        shares,
        single_sign_on::{self, Arrival, Departure, Destination, Failure, Outcome as Returned, Parameter, Start},
    },
    gatewit::auth::types::{Client, Reason},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use wasmtime::component::{Instance, InstancePre};

/// What an operation answers: the outcome that the rules decided on, or no answer at all.
pub(crate) type Outcome<T, F = Reason> = Result<Result<T, F>, CallError>;

/// One request's sandbox: who is asking, then what they want. Never used for a second request.
pub(crate) struct Conversation {
    pub(super) sandbox: Sandbox,
    pub(super) instance: Instance,
    pub(super) interfaces: Arc<Interfaces>,
    pub(super) health: Arc<Health>,
    /// Who is shown it when it is over.
    pub(super) watched: Option<Watched>,
}

/// The interfaces of the rules with their operations. Of an instance, the functions of one interface are looked up and
/// compared with the contract when one of them is called: with all of them in each request, opening a sandbox would take
/// twice as long.
macro_rules! operations {
    ($($interface:ident {
        $($call:ident: $name:ident($($argument:ident: $type:ty),*) -> $output:ty $(| $failure:ty)?;)*
    })*) => {
        /// Where the functions of each interface lie in the component.
        pub(super) struct Interfaces {
            $($interface: $interface::GuestIndices,)*
        }

        impl Interfaces {
            pub(super) fn new(component: &InstancePre<Call>) -> wasmtime::Result<Self> {
                Ok(Self { $($interface: $interface::GuestIndices::new(component)?,)* })
            }
        }

        impl Conversation {
            /// Compares every function with the contract.
            pub(super) fn check(&mut self) -> Result<(), CallError> {
                $({
                    let loaded = self.interfaces.$interface.load(&mut self.sandbox.store, &self.instance);
                    loaded.map_err(|error| self.explain(&error))?;
                })*
                Ok(())
            }

            $($(
            pub(crate) async fn $name(&mut self, $($argument: $type),*) -> Outcome<$output $(, $failure)?> {
                fn again(kept: ($(<$type as Argument>::Kept,)*)) -> Again {
                    Box::new(move |rules: &mut Conversation| Box::pin(async move {
                        let ($($argument,)*) = &kept;
                        Shown::of(stringify!($name), &rules.$name($($argument.lent()),*).await)
                    }))
                }
                let kept = self.watched.as_mut().map(|watched| {
                    watched.look();
                    ($(Argument::kept($argument),)*)
                });
                let answer = match self.interfaces.$interface.load(&mut self.sandbox.store, &self.instance) {
                    Ok(interface) => interface.$call(&mut self.sandbox.store, $($argument),*).await,
                    Err(error) => Err(error),
                };
                let outcome = answer.map_err(|error| self.explain(&error));
                if let (Some(watched), Some(kept)) = (&mut self.watched, kept) {
                    watched.saw(Shown::of(stringify!($name), &outcome), again(kept));
                }
                outcome
            }
            )*)*
        }
    };
}

operations! {
    access {
        call_authenticate: authenticate(token: &str, client: &Client) -> Principal;
    }
    sessions {
        call_login: login(attempt: &Attempt, client: &Client) -> Grant;
        call_refresh: refresh(held: &Held, form: Form, client: &Client) -> Grant;
        call_logout: logout(held: &Held, client: &Client) -> ();
    }
    open_sessions {
        call_list: open_sessions(principal: &Principal, user: Option<&str>, everybody: bool) -> Vec<OpenSession>;
        call_end: end_session(principal: &Principal, id: &str, client: &Client) -> ();
        call_end_all: end_sessions(principal: &Principal, user: Option<&str>, client: &Client) -> u32;
    }
    profile {
        call_me: me(principal: &Principal, fields: &[String]) -> String;
    }
    recovery {
        call_request: request_reset(email: &str, url: Option<&str>, client: &Client) -> ();
        call_reset: reset(token: &str, password: &str, client: &Client) -> ();
    }
    registration {
        call_register: register(applicant: &Applicant, url: Option<&str>, client: &Client) -> ();
        call_verify: verify(token: &str, client: &Client) -> String;
    }
    invitations {
        call_invite: invite(
            principal: Option<&Principal>, emails: &[String], role: &str, url: Option<&str>, client: &Client
        ) -> ();
        call_accept: accept(token: &str, password: &str, client: &Client) -> ();
    }
    second_factor {
        call_generate: generate(principal: &Principal, password: Option<&str>) -> Secret;
        call_enable: enable(principal: &Principal, secret: &str, otp: &str, client: &Client) -> ();
        call_disable: disable(principal: &Principal, otp: &str, client: &Client) -> ();
        call_remove: remove(principal: &Principal, user: &str, client: &Client) -> ();
        call_recovery_codes: recovery_codes(principal: &Principal, otp: &str, client: &Client) -> Vec<String>;
    }
    records {
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
    shares {
        call_login: share_login(share: &str, password: Option<&str>, form: Form, client: &Client) -> Grant;
        call_info: share_info(share: &str) -> String;
    }
    identities {
        call_list: list_identities(principal: &Principal) -> Vec<Identity>;
        call_unlink: unlink(principal: &Principal, id: &str, client: &Client) -> ();
    }
    single_sign_on {
        call_begin: begin(start: &Start, client: &Client) -> Departure | Failure;
        call_finish: finish(arrival: &Arrival, client: &Client) -> Returned | Failure;
        call_leave: leave(provider: &str, held: &Held, target: Option<&str>, client: &Client) -> Destination;
        call_notice: notice(provider: &str, parameters: &[Parameter], origin: Option<&str>, client: &Client) -> Option<Destination>;
        call_describe_us: describe_us(provider: &str, origin: Option<&str>) -> Option<String>;
    }
    providers {}
}

impl Conversation {
    /// Why a call failed, counted against the component if it is to blame.
    fn explain(&self, error: &wasmtime::Error) -> CallError {
        let error = self.sandbox.explain(error);
        if error.is_crash() {
            self.health.crashed(Instant::now());
        }
        error
    }

    /// For whom it goes on, so that what is put on record names them.
    pub(crate) fn acts_for(&mut self, user: Option<&str>) {
        self.sandbox.store.data_mut().actor = user.map(ToOwned::to_owned);
    }

    /// For how long, from the start of the request, the answer is to be held.
    pub(crate) fn hold(&self) -> Duration {
        self.sandbox.hold()
    }

    /// The providers that people may choose. Nobody is shown this: the host makes the list, and the rules hand it on.
    pub(crate) async fn providers(&mut self, sessions_only: bool) -> Outcome<Vec<Provider>> {
        let answer = match self.interfaces.providers.load(&mut self.sandbox.store, &self.instance) {
            Ok(providers) => providers.call_list(&mut self.sandbox.store, sessions_only).await,
            Err(error) => Err(error),
        };
        answer.map(Ok).map_err(|error| self.explain(&error))
    }
}
