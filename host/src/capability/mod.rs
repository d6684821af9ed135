//! What components may use, one folder or file a capability, named after its WIT package.
//!
//! Each has a backend that lives as long as the process, a view that lives as long as one call and knows who is calling,
//! and an `add_to_linker` that grants this capability and nothing else. Beside them is what the host keeps for operators:
//! the audit log, traces and figures; and what a generation that is tried out needs, so that it changes nothing. Absent:
//! decisions about authentication.

pub(crate) mod audit;
pub(crate) mod cache;
pub(crate) mod clock;
pub(crate) mod comparison;
pub(crate) mod config;
pub(crate) mod drivers;
pub(crate) mod http;
pub(crate) mod keys;
pub(crate) mod log;
pub(crate) mod mail;
pub(crate) mod metrics;
pub(crate) mod network;
pub(crate) mod pace;
pub(crate) mod passwords;
pub(crate) mod script;
pub(crate) mod storage;
pub(crate) mod streams;
pub(crate) mod trace;
pub(crate) mod traces;
