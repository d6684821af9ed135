//! Components on wasmtime: loading them, and calling each in a sandbox that is new for every call.
//!
//! | file | what it does |
//! |---|---|
//! | [`runtime`] | the one wasmtime engine, and its pool |
//! | [`turns`] | its clock, and how calls that compute for long give way |
//! | [`code`] | compiled code, kept on disk and trusted only with our own seal |
//! | [`workshop`] | threads on which components are made ready |
//! | [`grants`] | which capabilities a component is linked with |
//! | [`call`] | one call: its state, its budget, and what went wrong |
//! | [`health`] | how often it crashes, and when it is given a rest |
//! | [`live`] | what is served now, and can be replaced while it is |
//! | [`rules`] | the auth component, ready to be called |
//! | [`conversation`] | the operations of the rules, in one request's sandbox |
//! | [`watch`] | another generation of the rules, which watches that |
//! | [`contract`] | which interfaces a driver has |
//! | [`driver`] | the operations of a driver |
//!
//! This folder alone names `Store`. Absent: HTTP, SQL, and decisions about authentication.

mod call;
mod code;
mod contract;
mod conversation;
mod driver;
mod grants;
mod health;
mod live;
mod rules;
mod runtime;
mod turns;
mod watch;
mod workshop;

pub(crate) use call::{Call, CallError, Services};
pub(crate) use code::{CodeCache, Digest, Wasm};
pub(crate) use conversation::{Conversation, Outcome};
pub(crate) use driver::{Answer, Driver, Occasion};
pub(crate) use health::{Alarm, Health};
pub(crate) use live::Live;
pub(crate) use rules::Rules;
pub(crate) use runtime::{Budget, Runtime};
pub(crate) use watch::Watched;

/// Why a component is not served. At the start nothing is served in its place; later, what was served before.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read the component `{name}`")]
    Read {
        /// The component.
        name: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is no component, or asks for more than its world has.
    #[error("the component `{name}` cannot be loaded: {reason}")]
    Refused {
        /// The component.
        name: String,
        /// What the engine says.
        reason: String,
    },
    /// The engine does not start.
    #[error("the engine for components does not start: {0}")]
    Engine(String),
}

impl LoadError {
    fn refused(name: &str, error: &wasmtime::Error) -> Self {
        let told = one_line(error);
        let reason = match unknown_version(&told) {
            Some(interface) => format!(
                "it was built for `{interface}`, a version of the contract that this server does not know; update the server, or \
                 build it for {TRACK} ({told})"
            ),
            None => told,
        };
        Self::Refused { name: name.to_owned(), reason }
    }
}

/// The track of the contract that components are served by. Within it, imports only grow.
const TRACK: &str = "0.1";

/// An interface of ours in a version that is not ours, if that is what the engine's reason is about.
fn unknown_version(reason: &str) -> Option<&str> {
    let ours = |text: &&str| text.starts_with("gatewit:");
    let mut named = reason.split('`').filter(ours);
    named.find(|name| name.split_once('@').is_some_and(|(_, version)| !version.starts_with(&format!("{TRACK}."))))
}

/// An error with its causes in one line; the engine spreads some over several.
fn one_line(error: &wasmtime::Error) -> String {
    format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_of_a_later_contract_is_told_from_one_that_asks_for_too_much() {
        let reason = |interface: &str| {
            format!(
                "component imports instance `{interface}`, but a matching implementation was not found in the linker"
            )
        };
        assert_eq!(unknown_version(&reason("gatewit:log/log@0.2.0")), Some("gatewit:log/log@0.2.0"));
        assert_eq!(unknown_version(&reason("gatewit:log/log@1.0.0")), Some("gatewit:log/log@1.0.0"));
        assert_eq!(unknown_version(&reason("gatewit:storage/users@0.1.3")), None);
        assert_eq!(unknown_version(&reason("wasi:sockets/tcp@0.3.0")), None);
    }
}
