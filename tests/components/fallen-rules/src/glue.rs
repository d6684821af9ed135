//! The bindings, and nothing that works.

wit_bindgen::generate!({
    path: "../../../wit",
    world: "gatewit:worlds/auth",
    generate_all,
});

use alloc::{string::String, vec::Vec};
use core::arch::wasm32::unreachable;
use exports::gatewit::auth::{
    access::{self, Principal},
    profile,
    providers::{self, Provider},
    sessions::{self, Attempt, Form, Grant, Held},
};
use gatewit::auth::types::{Client, Reason};

struct Fallen;

export!(Fallen);

impl access::Guest for Fallen {
    fn authenticate(_: String, _: Client) -> Result<Principal, Reason> {
        unreachable()
    }
}

impl sessions::Guest for Fallen {
    fn login(_: Attempt, _: Client) -> Result<Grant, Reason> {
        unreachable()
    }

    fn refresh(_: Held, _: Form, _: Client) -> Result<Grant, Reason> {
        unreachable()
    }

    fn logout(_: Held, _: Client) -> Result<(), Reason> {
        unreachable()
    }
}

impl profile::Guest for Fallen {
    fn me(_: Principal, _: Vec<String>) -> Result<String, Reason> {
        unreachable()
    }
}

impl providers::Guest for Fallen {
    fn list(_: bool) -> Vec<Provider> {
        unreachable()
    }
}
