//! The corpus is what is in its files, and read as its table says.

extern crate std;

use super::{ATTACKS, Attack, Fate, Stage, Variant, accepted, encrypted, logout};
use crate::{
    Refusal,
    assertion::Assertion,
    forge::{NOW, REQUEST, Reader, expected, ourselves, provider},
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

pub(in crate::corpus) fn read(xml: &str) -> Result<Assertion, Refusal> {
    let (provider, ourselves) = (provider(), ourselves());
    response::read(&to_base64(xml.as_bytes()), &expected(&provider, &ourselves), &Reader)
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../tests/fixtures/saml")
}

/// Compares a file with what was made, or writes it.
pub(in crate::corpus) fn kept(name: &str, made: &str) {
    let file = folder().join(name);
    if env::var_os("GATEWIT_WRITE_FIXTURES").is_some() {
        fs::write(&file, made).unwrap();
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(found == made, "{name} is not what is made here; GATEWIT_WRITE_FIXTURES=1 writes it");
}

fn attacks() -> Vec<Attack> {
    ATTACKS.iter().flat_map(|group| group()).collect()
}

fn variants() -> Vec<Variant> {
    [accepted::variants(), encrypted::variants()].into_iter().flatten().collect()
}

/// On the stage of the files nothing moves; on another one everything does, and what was good is good there.
#[test]
fn messages_are_made_for_other_requests_and_moments() {
    let here = Stage { request: REQUEST.into(), now: NOW, assertion: "_a".into() };
    let there = Stage { request: "_another".into(), now: NOW + 86_400 * 400, assertion: "_c".into() };
    let (provider, ourselves) = (provider(), ourselves());
    let (mut accepted, mut refused) = (0, 0);
    // Group by group, because each message takes a signature or two.
    let made = |stage: &Stage| -> Vec<_> {
        stage.play(|| (0..).map(super::group).take_while(|group| !group.is_empty()).flatten().collect())
    };
    for (near, far) in made(&here).into_iter().zip(made(&there)) {
        let name = near.name;
        let folder = if near.fate == Fate::Accepted { "accepted" } else { "refused" };
        kept(&format!("{folder}/{name}.xml"), &near.xml);
        assert!(!far.xml.contains("2026-11-2") && !far.xml.contains(REQUEST), "{name}");
        let expected =
            response::Expected { request: Some("_another"), now: there.now, ..expected(&provider, &ourselves) };
        let read = response::read(&to_base64(far.xml.as_bytes()), &expected, &Reader);
        match far.fate {
            Fate::Accepted => {
                assert_eq!(read.unwrap_or_else(|refusal| panic!("{name}: {refusal}")).id, "_c", "{name}");
                accepted += 1;
            }
            Fate::Refused(why) => {
                let refusal = read.unwrap_err().to_string();
                assert!(refusal.starts_with(&why), "{name}: {refusal}, expected {why}");
                refused += 1;
            }
            Fate::LogoutRefused(_) => {}
        }
    }
    assert_eq!((accepted, refused), (variants().len(), attacks().len()));
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

/// The texts of the files, good and bad.
fn files() -> &'static [(bool, String)] {
    static FILES: std::sync::OnceLock<Vec<(bool, String)>> = std::sync::OnceLock::new();
    FILES.get_or_init(|| {
        let of = |kind: &str| {
            let files = fs::read_dir(folder().join(kind)).unwrap();
            let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
            paths.sort();
            paths.into_iter().map(|path| fs::read_to_string(path).unwrap()).collect::<Vec<_>>()
        };
        let good = of("accepted").into_iter().map(|text| (true, text));
        good.chain(of("refused").into_iter().map(|text| (false, text))).collect()
    })
}

proptest! {
    #[test]
    fn what_was_changed_in_any_file_names_nobody_else(
        file in 0_usize..1_000, place: prop::sample::Index, length in 0_usize..40, put in "[ -~]{0,12}|<[a-z:]{1,9}/?>|<!--|&[a-z]{2};"
    ) {
        let (is_good, text) = &files()[file % files().len()];
        let from = place.index(text.len());
        let to = (from + length).min(text.len());
        let changed = match (text.get(..from), text.get(to..)) {
            (Some(before), Some(after)) => [before, put.as_str(), after].concat(),
            _ => text.clone(),
        };
        let read = read(&changed);
        prop_assert!(*is_good || changed != *text || read.is_err());
        if let Ok(read) = read {
            prop_assert_eq!(read.name_id.unwrap().value, "alice");
        }
        let form = |name: &str| Vec::from([(name.to_string(), to_base64(changed.as_bytes()))]);
        for name in ["SAMLRequest", "SAMLResponse"] {
            prop_assert!(logout::tests::read_parameters(&form(name)).is_err());
        }
    }

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
