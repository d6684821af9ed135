//! Messages as servers write them, and as they should not.

use super::*;
use crate::frame::Frames;
use proptest::prelude::*;
use rasn_ldap::{
    BindResponse, LdapResult, PartialAttribute, SearchResultDone, SearchResultEntry, SearchResultReference,
};

fn message(operation: ProtocolOp) -> Vec<u8> {
    ber::encode(&LdapMessage::new(7, operation)).unwrap()
}

#[test]
fn a_bind_is_what_rfc_4511_says() {
    let bytes = bind(1, "cn=a", "pw").unwrap();
    let expected = [
        &[0x30, 0x12, 0x02, 1, 1][..],
        &[0x60, 0x0d, 0x02, 1, 3],
        &[0x04, 4, b'c', b'n', b'=', b'a'],
        &[0x80, 2, b'p', b'w'],
    ]
    .concat();
    assert_eq!(bytes, expected);
}

#[test]
fn tls_is_asked_for_and_the_end_is_told() {
    let bytes = start_tls(1).unwrap();
    assert_eq!(bytes[..9], [0x30, 0x1d, 0x02, 1, 1, 0x77, 0x18, 0x80, 0x16]);
    assert_eq!(&bytes[9..], START_TLS);
    assert_eq!(unbind(3).unwrap(), [0x30, 5, 2, 1, 3, 0x42, 0]);
}

#[test]
fn a_search_is_paged_only_where_pages_are_wanted() {
    let few = Search {
        base: "dc=x".into(),
        scope: Scope::Sub,
        filter: Filter::equals("cn", "a"),
        attributes: vec!["mail".into()],
        most: 2,
    };
    let has_pages = |bytes: &[u8]| bytes.windows(PAGED_RESULTS.len()).any(|window| window == PAGED_RESULTS);
    assert!(!has_pages(&search(1, &few, &[]).unwrap()));
    let many = Search { most: 5_000, ..few };
    let bytes = search(1, &many, b"next").unwrap();
    assert!(has_pages(&bytes) && bytes.windows(4).any(|window| window == b"next"));
}

#[test]
fn answers_are_read() {
    let bytes = message(ProtocolOp::BindResponse(BindResponse::new(
        ResultCode::InvalidCredentials,
        "".into(),
        "no\nway".into(),
        None,
        None,
    )));
    let Some((7, Answer::Ended(outcome))) = read(&bytes) else { panic!("{bytes:?}") };
    assert_eq!((outcome.code, outcome.said.as_str()), (49, "no\u{fffd}way"));
    assert_eq!(outcome.told(), "49 (invalid credentials): no\u{fffd}way");

    let mail = PartialAttribute::new("mail".into(), vec![b"a@b.co".to_vec().into()].into());
    let entry = message(ProtocolOp::SearchResEntry(SearchResultEntry::new("cn=a".into(), vec![mail])));
    let Some((7, Answer::Entry(entry))) = read(&entry) else { panic!("no entry") };
    assert_eq!((entry.name.as_str(), entry.first("MAIL")), ("cn=a", Some("a@b.co")));

    let reference = message(ProtocolOp::SearchResRef(SearchResultReference(vec!["ldap://b/".into()])));
    assert_eq!(read(&reference), Some((7, Answer::Reference(vec!["ldap://b/".into()]))));
}

#[test]
fn the_way_to_the_next_page_is_read() {
    let result = LdapResult::new(ResultCode::Success, "".into(), "".into());
    let mut done = LdapMessage::new(7, ProtocolOp::SearchResDone(SearchResultDone(result)));
    let page = ber::encode(&Page { size: 0, cookie: b"more".to_vec().into() }).unwrap();
    done.controls = Some(vec![Control::new(PAGED_RESULTS.to_vec().into(), false, Some(page.into()))]);
    let Some((7, Answer::Done(_, cookie))) = read(&ber::encode(&done).unwrap()) else { panic!("no end") };
    assert_eq!(cookie, b"more");
    done.controls = Some(vec![Control::new(PAGED_RESULTS.to_vec().into(), false, Some(vec![1, 2, 3].into()))]);
    assert_eq!(read(&ber::encode(&done).unwrap()), None);
}

/// Lengths in four bytes, as Active Directory writes them.
#[test]
fn long_lengths_are_read() {
    let bytes = [&[0x30, 0x84, 0, 0, 0, 0x10, 2, 1, 7][..], &[0x61, 0x84, 0, 0, 0, 7, 0x0a, 1, 0, 4, 0, 4, 0]].concat();
    assert!(matches!(read(&bytes), Some((7, Answer::Ended(Outcome { code: 0, .. })))), "{:?}", read(&bytes));
    let bytes = [0x30, 0x0f, 2, 0x82, 0, 1, 7, 0x61, 8, 0x0a, 0x81, 1, 0, 4, 0, 4, 0];
    assert!(matches!(read(&bytes), Some((7, Answer::Ended(Outcome { code: 0, .. })))), "{:?}", read(&bytes));
}

#[test]
fn a_server_that_asks_is_not_answered() {
    for request in [bind(1, "cn=a", "x").unwrap(), start_tls(1).unwrap(), unbind(1).unwrap()] {
        assert_eq!(read(&request), None);
    }
    // Filters nest; a message with one is not even looked into.
    let mut nested = vec![0x87, 1, b'a'];
    for _ in 0..1_000 {
        let length = u32::try_from(nested.len()).unwrap().to_be_bytes();
        nested = [&[0xa2, 0x84][..], &length, &nested].concat();
    }
    let length = u32::try_from(nested.len() + 3 + 6).unwrap().to_be_bytes();
    let operation = u32::try_from(nested.len()).unwrap().to_be_bytes();
    let bytes = [&[0x30, 0x84][..], &length, &[2, 1, 1, 0x63, 0x84], &operation, &nested].concat();
    assert_eq!(read(&bytes), None);
}

/// What servers sent, and what was made of it, in `tests/corpus`.
#[test]
fn the_corpus_is_read_without_harm() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus");
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "ber") {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let is_good = path.file_name().unwrap().to_string_lossy().starts_with("good-");
        let mut frames = Frames::default();
        frames.push(&bytes);
        let is_read = frames.next_message().is_ok_and(|message| message.is_some_and(|message| read(message).is_some()));
        assert_eq!(is_read, is_good, "{}", path.display());
        for end in 0..bytes.len() {
            let _ = read(&bytes[..end]);
        }
        for place in 0..bytes.len() {
            for change in [0x00, 0x01, 0x7f, 0x80, 0x84, 0xff] {
                let mut changed = bytes.clone();
                changed[place] = change;
                let _ = read(&changed);
            }
        }
        count += 1;
    }
    assert!(count >= 10, "{count} files");
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in any::<Vec<u8>>()) {
        let _ = read(&bytes);
    }

    #[test]
    fn any_operation_is_read_or_refused(tag: u8, bytes in any::<Vec<u8>>()) {
        let inner = [&[2, 1, 1, tag, 0x82][..], &u16::try_from(bytes.len()).unwrap().to_be_bytes(), &bytes].concat();
        let outer = u16::try_from(inner.len()).unwrap().to_be_bytes();
        let _ = read(&[&[0x30, 0x82][..], &outer, &inner].concat());
    }

    #[test]
    fn entries_come_through(name: String, attribute in "[a-z]{1,9}", mut values: Vec<Vec<u8>>) {
        let sent = values.iter().map(|value| value.clone().into()).collect::<Vec<_>>();
        let sent = PartialAttribute::new(attribute.as_str().into(), sent.into());
        let bytes = message(ProtocolOp::SearchResEntry(SearchResultEntry::new(name.as_str().into(), vec![sent])));
        let Some((7, Answer::Entry(mut entry))) = read(&bytes) else { panic!("{bytes:?}") };
        // A set has no order.
        entry.attributes[0].1.sort();
        values.sort();
        prop_assert_eq!(entry, Entry { name, attributes: vec![(attribute, values)] });
    }
}
