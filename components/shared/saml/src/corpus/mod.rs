//! The corpus: attacks, each refused for its own reason, and what resembles them and is good.
//!
//! The messages are made here and kept in `tests/fixtures/saml`, one a file, with a table of them: what is in a file is what was
//! made, byte for byte, so both this code and other software can be held against it. `GATEWIT_WRITE_FIXTURES=1` writes them.

#![expect(clippy::too_many_lines, reason = "tables of attacks are as long as there are attacks")]

extern crate std;

mod accepted;
mod algorithms;
mod encrypted;
mod logout;
mod refused;
mod wrapped;

use crate::{
    Refusal,
    assertion::Assertion,
    forge::{Reader, expected, ourselves, provider},
    response,
    text::to_base64,
};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use proptest::prelude::*;
use std::{env, fs, path::PathBuf};

/// An attack.
pub(super) struct Attack {
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
pub(super) struct Variant {
    name: &'static str,
    what: &'static str,
    xml: String,
}

pub(super) fn read(xml: &str) -> Result<Assertion, Refusal> {
    let (provider, ourselves) = (provider(), ourselves());
    response::read(&to_base64(xml.as_bytes()), &expected(&provider, &ourselves), &Reader)
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../tests/fixtures/saml")
}

/// Compares a file with what was made, or writes it.
fn kept(name: &str, made: &str) {
    let file = folder().join(name);
    if env::var_os("GATEWIT_WRITE_FIXTURES").is_some() {
        fs::write(&file, made).unwrap();
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(found == made, "{name} is not what is made here; GATEWIT_WRITE_FIXTURES=1 writes it");
}

fn attacks() -> Vec<Attack> {
    [wrapped::attacks(), refused::attacks(), encrypted::attacks()].into_iter().flatten().collect()
}

fn variants() -> Vec<Variant> {
    [accepted::variants(), encrypted::variants()].into_iter().flatten().collect()
}

#[test]
fn every_attack_is_refused_for_its_own_reason() {
    let mut wrong = Vec::new();
    for attack in attacks() {
        kept(&format!("refused/{}.xml", attack.name), &attack.xml);
        let refusal = read(&attack.xml).map_or_else(|refusal| refusal.to_string(), |read| format!("ACCEPTED {read:?}"));
        if !refusal.starts_with(attack.why) {
            wrong.push(format!("{}: {refusal}\n    expected: {}", attack.name, attack.why));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_variant_is_accepted() {
    for variant in variants() {
        kept(&format!("accepted/{}.xml", variant.name), &variant.xml);
        let read = read(&variant.xml).unwrap_or_else(|refusal| panic!("{}: {refusal}", variant.name));
        assert_eq!(read.name_id.unwrap().value, "alice", "{}", variant.name);
    }
}

#[test]
fn the_table_tells_of_every_file() {
    let mut table = String::from(
        "# SAML messages\n\nMade, compared and read by the tests in `components/shared/saml/src/corpus`. Good at \
         2026-11-22T12:00:00Z for the request and the addresses in `components/shared/saml/src/forge.rs`. The keys in `keys` are \
         for these files and for `tests/suites/saml.rs`, where whole sign-ins are.\n\n## Refused\n\n\
         | file | attack | source | refusal |\n|---|---|---|---|\n",
    );
    let (attacks, of_logout) = (attacks(), logout::attacks());
    let line = |attack: &Attack| {
        let why = attack.why.replace('|', "\\|");
        format!("| `{}` | {} | {} | {why} … |\n", attack.name, attack.what, attack.source)
    };
    table.extend(attacks.iter().chain(&of_logout).map(line));
    table.push_str("\n## Accepted\n\n| file | what |\n|---|---|\n");
    table.extend(variants().iter().map(|variant| format!("| `{}` | {} |\n", variant.name, variant.what)));
    kept("README.md", &table);
    for (kind, count) in [("refused", attacks.len() + of_logout.len()), ("accepted", variants().len())] {
        assert_eq!(fs::read_dir(folder().join(kind)).unwrap().count(), count, "files in {kind}");
    }
}

/// Every byte of a good message, changed: whatever is still read says the same.
#[test]
fn nothing_that_was_changed_is_read_otherwise() {
    let good = crate::forge::with_signed_assertion();
    let expected = read(&good).unwrap();
    for place in (0..good.len()).step_by(3) {
        for change in [b'<', b'"', b' ', b'&', b'x', b'\0'] {
            let mut bytes = good.clone().into_bytes();
            bytes[place] = change;
            let Ok(text) = String::from_utf8(bytes) else { continue };
            if let Ok(read) = read(&text) {
                assert_eq!(read, expected, "{place} {change}");
            }
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_judged(bytes: Vec<u8>, text: String) {
        let (provider, ourselves) = (provider(), ourselves());
        for form in [to_base64(&bytes), text] {
            prop_assert!(response::read(&form, &expected(&provider, &ourselves), &Reader).is_err());
            let _ = response::claimed_state(&form);
        }
    }

    #[test]
    fn pieces_of_good_messages_put_together_anyhow_say_nothing_else(
        cuts in proptest::collection::vec((0_usize..4000, 0_usize..4000), 1..5), whole: bool
    ) {
        let good = if whole { crate::forge::signed_response() } else { crate::forge::with_signed_assertion() };
        let evil = good.replace("alice", "mallory");
        let mut text = String::new();
        for (from, to) in cuts {
            let (from, to) = (from.min(good.len()), to.min(good.len()));
            text.push_str(good.get(..from).unwrap_or_default());
            text.push_str(evil.get(from..to).unwrap_or_default());
            text.push_str(good.get(to..).unwrap_or_default());
        }
        if let Ok(read) = read(&text) {
            prop_assert_eq!(read.name_id.unwrap().value, "alice");
        }
    }
}
