//! JSON Web Signatures and Keys (RFC 7515, RFC 7517), apart from the cryptography: components hold no keys, so signing and
//! verifying happen in the host and this crate prepares and reads the texts.
//!
//! | module | what it reads |
//! |---|---|
//! | [`compact`](mod@compact) | tokens in compact form |
//! | [`keys`] | sets of public keys, and which of them a token means |
//! | [`strict`] | JSON that can be read in one way only |
//!
//! Invariant: what a token's header says of keys (`jwk`, `jku`, `x5c`, `x5u`) is never looked at. Absent: clocks, I/O, JSON
//! serialisation of signatures, encryption (RFC 7516), and any decision on whether a token is good.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod compact;
pub mod keys;
pub mod strict;
mod weak;

pub use compact::{Compact, Flaw, compact, signing_input, signing_input_of};
