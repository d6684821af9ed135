//! The driver `ldap`: people whose passwords a directory knows.
//!
//! A directory is asked who somebody is and which groups they are in, and at each refresh whether they may still be here.
//! The protocol is decided in `gatewit_ldap_protocol`; here it is only carried out. Absent: names, addresses and TLS (the
//! host's, through `gatewit:streams`), accounts, and anything that writes to a directory.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

use gatewit_guest as _;

#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "generated component glue")]
mod glue;
