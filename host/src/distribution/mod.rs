//! Components in OCI registries: how they are named, fetched and put there.
//!
//! | file | what it does |
//! |---|---|
//! | [`name`] | `oci://REGISTRY/REPOSITORY@sha256:…` (pure) |
//! | [`artifact`] | what a manifest says: which bytes are the component, and who signed it (pure) |
//! | [`credentials`] | who we are to a registry |
//! | [`failure`] | why there is no component, in words that say what to do (pure) |
//! | [`client`] | fetches and puts |
//!
//! Invariant: nothing is believed of a registry. The manifest has the digest that was asked for, the component the digest that
//! the manifest says, and both are computed here; nobody reads more than a component may have, or waits longer than is set.
//! Absent: what becomes of a component, and whether its signature is good, which `registry` decides as for a file.

mod artifact;
mod client;
mod credentials;
mod failure;
mod name;

pub(crate) use client::{Pulled, pull};
pub use client::{Pushed, push};
pub use failure::Failure;
pub use name::{Name, SCHEME};

use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// The digest of bytes, as registries write it.
fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold("sha256:".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
