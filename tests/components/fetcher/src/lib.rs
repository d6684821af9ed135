//! The driver `fetcher`: fetches the addresses that the person who signs in types, one after another, and logs what came.
//!
//! Its form has one field, `addresses`, a line each; a line `POST address` sends a form, a line `keep key value` and `kept key`
//! use the cache. Nobody ever signs in with it.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

use gatewit_guest as _;

#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "generated component glue")]
mod glue;
