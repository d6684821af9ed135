//! A host in memory: components run in it without a server, with a clock that stands still, randomness that is known,
//! tables that are maps, and letters that are kept. So what they answer can be asserted to the letter.
//!
//! It is a second implementation of the contracts in `wit/`, written from their text alone; nothing of the real host is in
//! it. Absent: limits, concurrency, anything durable.

mod conditions;
mod driver;
pub mod faulty;
mod memory;
mod providers;
mod redirect;
mod rules;
mod sessions;

pub use driver::{DriverHost, DriverWorld};
pub use memory::{Memory, Record};
pub use providers::Providers;
pub use redirect::{RedirectHost, RedirectWorld, Told};
pub use rules::RulesHost;

pub use memory::bindings::Auth;

/// Settings of the rules, as the host gives them.
pub mod setting {
    pub use super::memory::bindings::gatewit::config::settings::Value;

    /// A number.
    #[must_use]
    pub fn number(number: u32) -> Value {
        Value::Number(f64::from(number))
    }

    /// A text.
    #[must_use]
    pub fn words(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    /// Anything with an inner structure, as JSON.
    #[must_use]
    pub fn json(text: &str) -> Value {
        Value::Json(text.to_owned())
    }

    /// On or off.
    #[must_use]
    pub fn boolean(truth: bool) -> Value {
        Value::Boolean(truth)
    }
}

/// Types of the contract of drivers that send the browser away.
pub mod away {
    pub use super::redirect::Value;
    pub use super::redirect::bindings::exports::gatewit::driver::about::Description;
    pub use super::redirect::bindings::exports::gatewit::driver::redirect::{Arrival, Parameter, Start};
    pub use super::redirect::bindings::gatewit::driver::types::Refusal;
}

/// Types of the contracts.
pub mod contract {
    pub use super::driver::bindings::exports::gatewit::driver::about::{Description, Format};
    pub use super::driver::bindings::gatewit::driver::types::{Identity, Refusal, Subject};
    pub use super::memory::bindings::exports::gatewit::auth::{
        access::Principal,
        records::Query,
        registration::Applicant,
        sessions::{Attempt, Form, Grant, Held},
        single_sign_on::{Arrival, Departure, Failure, Outcome, Parameter, SignedIn, Start},
    };
    pub use super::memory::bindings::gatewit::auth::types::{Client, Reason};
    pub use super::memory::bindings::gatewit::driver::types as rules_driver;
    pub use super::memory::bindings::gatewit::driver::types::Notice;
    pub use super::memory::bindings::gatewit::drivers::dispatch::Provider;
    pub use super::memory::bindings::gatewit::mail::post::Letter;
    pub use super::memory::bindings::gatewit::storage::sessions::Source;
    pub use super::memory::bindings::gatewit::storage::types::Value;
}

/// What the engine says, as an error of the tests.
#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn trap(error: wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:#}")
}
