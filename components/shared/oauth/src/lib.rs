//! OAuth 2.0 and OpenID Connect for the party that relies on a provider, as pure functions: what to send, and what to
//! believe of an answer.
//!
//! | module | what it decides | after |
//! |---|---|---|
//! | [`authorization`] | where the browser goes, and what it brings back | RFC 6749 §4.1, RFC 9207 |
//! | [`pkce`] | the proof that whoever redeems a code asked for it | RFC 7636 |
//! | [`client`] | how we show a provider who we are | RFC 6749 §2.3, RFC 7523 |
//! | [`token`] | what codes and refresh tokens are exchanged for | RFC 6749 §4.1.3, §5, §6 |
//! | [`discovery`] | a provider's own description | OpenID Connect Discovery 1.0 |
//! | [`signed`] | whose signature a token bears | OpenID Connect Core 1.0 §10.1 |
//! | [`issuer`] | whose name a token has to bear | OpenID Connect Core 1.0 §3.1.3.7 |
//! | [`id_token`] | whether an ID token is good, and for us | OpenID Connect Core 1.0 §3.1.3.7 |
//! | [`userinfo`] | what else a provider says of a person | OpenID Connect Core 1.0 §5.3 |
//! | [`person`] | who that is, by the claims that are configured | |
//! | [`logout`] | signing out there, and being told of it | RP-Initiated and Back-Channel Logout 1.0 |
//! | [`cached`] | when a document is asked for again | |
//! | [`memory`] | what is kept for us | |
//! | [`settings`] | what an operator can choose | |
//!
//! Invariants: claims can be had of a verified token only; every check that fails names what was found and what was
//! expected, and never a token, code or secret. Absent: I/O, clocks, randomness, keys.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod authorization;
pub mod cached;
pub mod client;
mod code;
pub mod discovery;
pub mod id_token;
pub mod issuer;
pub mod logout;
pub mod memory;
pub mod person;
pub mod pkce;
pub mod refusal;
pub mod settings;
pub mod signed;
mod text;
pub mod token;
pub mod userinfo;

pub use refusal::Refusal;

/// A provider's answer to a request.
#[derive(Debug, Clone, Copy)]
pub struct Response<'a> {
    /// The status code.
    pub status: u16,
    /// The `Content-Type`, if there was one.
    pub content_type: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

/// A request for a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Where to.
    pub url: alloc::string::String,
    /// Headers, names in lower case.
    pub headers: alloc::vec::Vec<(&'static str, alloc::string::String)>,
    /// A form to post; without one it is a GET.
    pub form: Option<alloc::string::String>,
}
