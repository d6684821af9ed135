//! The rules of authentication: who may sign in, which tokens they get and how long those live.
//!
//! | module | what it decides |
//! |---|---|
//! | [`flow::token`] | what is in a token, and which tokens are ours |
//! | [`flow::session`] | session ids, their families and successors |
//! | [`flow::sign_in`] | who is let in after a driver said who it is |
//! | [`flow::otp`] | whether a one-time password is right (RFC 6238) |
//! | [`flow::access`] | which policies apply, and what they allow |
//! | [`flow::profile`] | which fields of the own account a caller may read |
//!
//! `glue` alone sees the bindings: it fetches what a decision needs and does what it says. Absent: I/O, keys, password
//! hashes, HTTP, and any state between two calls.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

use gatewit_guest as _;

pub mod flow;

#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "generated component glue")]
mod glue;
