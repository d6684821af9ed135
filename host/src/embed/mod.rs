//! Gatewit as a part of somebody else's program: what the program brings, and the operations as typed calls.
//!
//! A typed call goes the way of a request without the wire: the same sandbox of the rules, the same pause before a refusal, the
//! same figures and traces. Absent: HTTP ([`crate::Service`], `http/layer`), limits per address, which count what comes from
//! the network, and every decision about authentication.

mod builder;
mod calls;
mod people;

pub(crate) use builder::Brought;
pub use builder::Builder;
pub use calls::Call;
pub use people::{Client, Credentials, Held, OpenSession, Person, Provider, Refused, Tokens};
