//! The driver `local`: passwords of accounts that live here.
//!
//! It asks `gatewit:passwords` whether a password fits and says whose it is. Whether that account may sign in is not its
//! business. Absent: hashes, accounts, settings, and anything to decide natively; so there is no `flow` here.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

use gatewit_guest as _;

#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "generated component glue")]
mod glue;
