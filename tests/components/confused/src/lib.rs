//! The driver `confused`: exports the interfaces of a driver, but its `login` answers in another shape, as if it were built
//! against another contract of the same name. A host must refuse to load it.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

use gatewit_guest as _;

#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "generated component glue")]
mod glue;
