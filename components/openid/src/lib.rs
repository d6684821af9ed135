//! The driver `openid`: people who sign in at an OpenID Connect provider.
//!
//! It sends the browser to the provider, redeems the code that comes back, and says who the ID token and the userinfo
//! endpoint speak of; it renews and ends sessions along with the provider's. The protocol is decided in `gatewit_oauth`;
//! here it is only carried out. Absent: cryptography (the host verifies), accounts, and sockets.
//!
//! One sign-in costs a token request and, where the provider has such an endpoint, one for userinfo; discovery document and
//! keys come from `gatewit:cache`.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

use gatewit_guest as _;

#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "generated component glue")]
mod glue;
