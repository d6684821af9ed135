//! The driver `rogue`: misbehaves as the person who signs in asks it to, and behaves if asked nicely.
//!
//! Its form has the fields `what` (which misbehaviour; the words are in `glue`) and `value`. It imports nothing that a
//! driver may not: what it does wrong, it does at run time.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

use gatewit_guest as _;

#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "generated component glue")]
mod glue;
