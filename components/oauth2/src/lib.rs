//! The driver `oauth2`: people who sign in at an OAuth 2.0 provider, which tells who they are at an address of its own.
//!
//! It sends the browser to the provider, redeems the code that comes back, and believes the profile endpoint. Providers that
//! speak OpenID Connect are for the driver `openid`: an answer with an ID token is refused, because nobody would check it.
//! The protocol is decided in `gatewit_oauth`; here it is only carried out. Absent: discovery, signing out at the provider,
//! accounts, and sockets.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

use gatewit_guest as _;

#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "generated component glue")]
mod glue;
