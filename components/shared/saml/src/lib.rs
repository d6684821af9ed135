//! SAML 2.0 for the party that relies on an identity provider, as pure functions: what to send, and what to believe of an
//! answer.
//!
//! | module | what it decides | after |
//! |---|---|---|
//! | [`xml`] | what is looked at at all: limits, one parser, one tree, one canonical form | XML 1.0, Exclusive XML Canonicalization 1.0 |
//! | [`signature`] | what of a message somebody signed | XML Signature, SAML core §5 |
//! | [`encryption`] | what was encrypted for us | XML Encryption 1.1, SAML core §6 |
//! | [`key`] | which key a certificate holds | RFC 5280 §4.1 |
//! | [`metadata`] | where a provider is and what it signs with | SAML metadata |
//! | [`ourselves`] | what we are to a provider | SAML metadata |
//! | [`request`] | what a browser takes to the provider | SAML core §3.4 |
//! | [`response`] | what it brings back | SAML core §3.3.3, profiles §4.1 |
//! | [`assertion`] | whether an assertion is good, now and for us | SAML core §2, profiles §4.1.4 |
//! | [`person`] | who that is, by the attributes that are configured | |
//! | [`logout`] | signing out there, and being told of it | SAML core §3.7, profiles §4.4 |
//! | [`binding`] | how messages travel in queries and forms | SAML bindings §3.4, §3.5 |
//! | [`settings`] | what an operator can choose | |
//!
//! Invariants: a message is parsed once, and what is read of it is what was verified, because only [`signature::verify`]
//! makes a [`signature::Signed`] and nothing else can be read for a person; what is not on a list is refused: algorithms,
//! transforms, markup; which key is trusted is the metadata's to say, never a message's. Every check that fails names what
//! was found and what was expected, except for decryption, whose failures are all the same. Absent: I/O, clocks, randomness,
//! private keys, and the arithmetic of public ones, which is the host's.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod assertion;
pub mod binding;
pub mod encryption;
pub mod key;
pub mod logout;
pub mod metadata;
mod moment;
mod names;
pub mod ourselves;
pub mod person;
pub mod refusal;
pub mod request;
pub mod response;
pub mod settings;
pub mod signature;
mod text;
pub mod xml;

#[cfg(any(test, feature = "corpus"))]
pub mod corpus;
#[cfg(any(test, feature = "corpus"))]
mod forge;

pub use refusal::Refusal;

use alloc::{string::String, vec::Vec};

/// What is done with keys, which are not here.
pub trait Keys {
    /// Whether a signature of a message was made with this public key (a JWK) and this algorithm (a JWA name).
    fn verifies(&self, key: &str, algorithm: &str, message: &[u8], signature: &[u8]) -> Result<bool, String>;

    /// The algorithm of our own key; an error says why there is none.
    fn algorithm(&self) -> Result<String, String>;

    /// Our signature.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String>;

    /// What was encrypted for us with this algorithm (a JWA name). Whatever is wrong, it is nothing.
    fn decrypt(&self, algorithm: &str, ciphertext: &[u8]) -> Option<Vec<u8>>;
}
