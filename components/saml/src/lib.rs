//! The driver `saml`: people who sign in at a SAML 2.0 identity provider.
//!
//! It sends the browser to the provider with a request, and says who the assertion in its answer speaks of; it signs people out
//! along with the provider, in both directions. The protocol is decided in `gatewit_saml_protocol`; here it is only carried out.
//! Absent: private keys and the arithmetic of public ones (the host's), accounts, replays (the rules'), and sockets.
//!
//! One sign-in makes no request: metadata is a setting, or comes from `gatewit:cache`.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

use gatewit_guest as _;

#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "generated component glue")]
mod glue;
