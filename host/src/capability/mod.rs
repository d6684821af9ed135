//! What components may use, one folder or file a capability, named after its WIT package.
//!
//! Each has a backend that lives as long as the process, a view that lives as long as one call and knows who is calling,
//! and an `add_to_linker` that grants this capability and nothing else. Absent: decisions about authentication.

pub(crate) mod cache;
pub(crate) mod clock;
pub(crate) mod config;
pub(crate) mod drivers;
pub(crate) mod http;
pub(crate) mod keys;
pub(crate) mod log;
pub(crate) mod mail;
pub(crate) mod network;
pub(crate) mod pace;
pub(crate) mod passwords;
pub(crate) mod storage;
pub(crate) mod streams;
pub(crate) mod trace;
pub(crate) mod traces;
