//! LDAP (RFC 4511) as pure functions: what to say to a directory, and what to believe of its answers.
//!
//! The walk through a sign-in ([`sign_in`]) is here, too: it speaks through [`line::Network`], which the component's glue
//! fulfils and a test scripts, so that all of it is tested without a socket. Nothing that a person typed becomes part of a
//! name or of a filter's text: filters are built as trees ([`filter`]) and values travel as they are. Whatever a server can
//! make long, deep or endless has a limit in [`limits`], and is measured before it is read.
//!
//! Deliberately absent: sockets, TLS, clocks, SASL, writing to a directory, and a parser of filters.
#![forbid(unsafe_code)]
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod account;
pub mod address;
pub mod directory;
pub mod entry;
pub mod filter;
pub mod frame;
pub mod groups;
pub mod limits;
pub mod line;
pub mod message;
pub mod name;
pub mod person;
pub mod refusal;
pub mod settings;
pub mod sign_in;
mod speaker;
mod text;

pub use refusal::Refusal;

#[cfg(test)]
mod scripted;
