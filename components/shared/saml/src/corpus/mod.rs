//! The corpus: attacks, each refused for its own reason, and what resembles them and is good.
//!
//! The messages are made here and kept in `tests/fixtures/saml`, one a file, with a table of them: what is in a file is what was
//! made, byte for byte, so both this code and other software can be held against it. `GATEWIT_WRITE_FIXTURES=1` writes them.
//! [`make`] makes one of them for a server with a clock and requests of its own.

#![expect(clippy::too_many_lines, reason = "tables of attacks are as long as there are attacks")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "only tests of servers make attacks, with this feature"
)]

mod accepted;
#[cfg(test)]
mod algorithms;
mod encrypted;
mod logout;
mod refused;
#[cfg(test)]
mod tests;
mod wrapped;

pub use crate::forge::Stage;

use crate::forge::staged;
use alloc::{string::String, vec::Vec};

/// An attack.
pub(crate) struct Attack {
    /// The name of its file.
    name: &'static str,
    /// Who found it, or where it is described.
    source: &'static str,
    /// What it is.
    what: &'static str,
    xml: String,
    /// The refusal begins so.
    why: &'static str,
}

/// Something that is good.
pub(crate) struct Variant {
    name: &'static str,
    what: &'static str,
    xml: String,
}

/// A message of the corpus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The name of its file.
    pub name: &'static str,
    /// What it is.
    pub what: &'static str,
    /// Who found it, or where it is described.
    pub source: &'static str,
    /// The message.
    pub xml: String,
    /// What becomes of it.
    pub fate: Fate,
}

/// What becomes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Its person is signed in.
    Accepted,
    /// An answer that is refused, with a reason that begins so.
    Refused(String),
    /// A message about signing out that is refused, with a reason that begins so.
    LogoutRefused(String),
}

/// A message by its place: a group is made at once, because each signature takes a millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    group: usize,
    index: usize,
}

/// Attacks on answers, in groups.
const ATTACKS: [fn() -> Vec<Attack>; 11] = [
    wrapped::of_responses,
    wrapped::of_assertions,
    wrapped::hidden,
    wrapped::doubled,
    refused::algorithms,
    refused::references,
    refused::markup,
    refused::conditions,
    refused::addresses,
    refused::limits,
    encrypted::attacks,
];

fn group(number: usize) -> Vec<Message> {
    let refused = |attack: Attack, fate: fn(String) -> Fate| Message {
        name: attack.name,
        what: attack.what,
        source: attack.source,
        xml: staged(&attack.xml),
        fate: fate(staged(attack.why)),
    };
    let accepted = |variant: Variant| {
        let Variant { name, what, xml } = variant;
        Message { name, what, source: "", xml: staged(&xml), fate: Fate::Accepted }
    };
    match ATTACKS.get(number) {
        Some(attacks) => attacks().into_iter().map(|attack| refused(attack, Fate::Refused)).collect(),
        None if number == ATTACKS.len() => {
            logout::attacks().into_iter().map(|attack| refused(attack, Fate::LogoutRefused)).collect()
        }
        None if number == ATTACKS.len() + 1 => accepted::variants().into_iter().map(accepted).collect(),
        None if number == ATTACKS.len() + 2 => encrypted::variants().into_iter().map(accepted).collect(),
        None => Vec::new(),
    }
}

/// All messages, by name and place.
#[must_use]
pub fn all() -> Vec<(&'static str, Place)> {
    let mut all = Vec::new();
    for number in 0.. {
        let messages = group(number);
        if messages.is_empty() {
            break;
        }
        let placed = messages.into_iter().enumerate();
        all.extend(placed.map(|(index, message)| (message.name, Place { group: number, index })));
    }
    all
}

/// A message, for a request and a moment.
#[must_use]
pub fn make(place: Place, stage: &Stage) -> Option<Message> {
    stage.play(|| group(place.group).into_iter().nth(place.index))
}
