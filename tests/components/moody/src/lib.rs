//! A driver whose check finds what its bytes say: what a new generation of a driver is refused for.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

use gatewit_guest as _;

#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "generated component glue")]
mod glue;
