//! A driver whose author did not think: what the check for authors of drivers has to find.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

use gatewit_guest as _;

#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "generated component glue")]
mod glue;
