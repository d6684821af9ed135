//! Attributes that are there, twice, or not.

use super::*;
use alloc::vec;

const NAMES: Names<'static> = Names {
    identifier: "uid",
    second_identifier: Some(NAME_ID),
    email: "mail",
    email_verified: Some("verified"),
    given_name: "given",
    family_name: "family",
    groups: "groups",
};

fn attribute(name: &str, values: &[&str]) -> Attribute {
    Attribute { name: name.into(), friendly_name: None, values: values.iter().map(ToString::to_string).collect() }
}

fn said(name: Option<(&str, Option<&str>)>, attributes: Vec<Attribute>) -> Assertion {
    let name_id = name.map(|(value, format)| NameId {
        value: value.into(),
        format: format.map(ToString::to_string),
        qualifier: None,
        sp_qualifier: None,
    });
    Assertion { id: "_a".into(), expires: 0, name_id, session: None, attributes }
}

fn why(assertion: &Assertion, names: &Names<'_>) -> String {
    person(assertion, names).unwrap_err().to_string()
}

#[test]
fn a_person_is_what_the_attributes_say() {
    let attributes = vec![
        attribute("uid", &["alice"]),
        attribute("mail", &["alice@example.com", "second@example.com"]),
        attribute("verified", &["true"]),
        attribute("given", &["Alice"]),
        attribute("family", &["Ünal"]),
        attribute("groups", &["staff", "", "editors"]),
    ];
    let read = person(&said(Some(("name", None)), attributes), &NAMES).unwrap();
    assert_eq!((read.identifier.as_str(), read.found_in_second), ("alice", false));
    assert_eq!(read.email.as_deref(), Some("alice@example.com"));
    assert!(read.email_verified);
    assert_eq!((read.given_name.as_deref(), read.family_name.as_deref()), (Some("Alice"), Some("Ünal")));
    assert_eq!(read.groups, ["staff", "editors"]);
    let claims: Value = serde_json::from_str(&read.claims).unwrap();
    assert_eq!((&claims["uid"], &claims[NAME_ID]), (&Value::from("alice"), &Value::from("name")));
    assert_eq!(claims["groups"], serde_json::json!(["staff", "", "editors"]));
}

#[test]
fn an_address_is_vouched_for_in_so_many_words_only() {
    for (value, expected) in
        [("true", true), ("1", true), ("TRUE", false), ("yes", false), ("false", false), ("", false)]
    {
        let assertion = said(None, vec![attribute("uid", &["a"]), attribute("verified", &[value])]);
        assert_eq!(person(&assertion, &NAMES).unwrap().email_verified, expected, "{value}");
        let nobody = Names { email_verified: None, ..NAMES };
        assert!(!person(&assertion, &nobody).unwrap().email_verified, "{value}");
    }
}

#[test]
fn the_second_place_counts_if_the_first_is_empty() {
    let found = |assertion: &Assertion| person(assertion, &NAMES).map(|read| (read.identifier, read.found_in_second));
    assert_eq!(found(&said(Some(("name", None)), vec![])), Ok(("name".into(), true)));
    assert_eq!(found(&said(Some(("name", None)), vec![attribute("uid", &[""])])), Ok(("name".into(), true)));
    assert_eq!(found(&said(Some(("name", None)), vec![attribute("uid", &["a"])])), Ok(("a".into(), false)));
    let only = Names { second_identifier: None, ..NAMES };
    let refusal = why(&said(Some(("name", None)), vec![attribute("other", &["a"])]), &only);
    let told = "the provider tells neither `uid` that would last, so there is nothing to know the person by; attributes: other; \
                format of the NameID: unspecified";
    assert_eq!(refusal, told);
    assert!(why(&said(None, vec![]), &NAMES).contains("`uid` nor `NameID`"));
    assert!(why(&said(None, vec![]), &NAMES).ends_with("format of the NameID: none"));
}

#[test]
fn a_name_for_one_session_identifies_nobody() {
    let assertion = said(Some(("_77", Some(TRANSIENT))), vec![]);
    assert!(why(&assertion, &NAMES).ends_with(TRANSIENT));
    assert!(person(&assertion, &Names { identifier: NAME_ID, second_identifier: None, ..NAMES }).is_err());
}

#[test]
fn several_values_identify_nobody() {
    for (identifier, second_identifier) in [("uid", None), ("uid", Some(NAME_ID)), ("missing", Some("uid"))] {
        let names = Names { identifier, second_identifier, ..NAMES };
        let two = said(Some(("name", None)), vec![attribute("uid", &["alice", "bob"])]);
        assert_eq!(why(&two, &names), "the attribute `uid` has several values, so it identifies nobody");
        let same = said(None, vec![attribute("uid", &["alice", "", "alice"])]);
        assert_eq!(person(&same, &names).unwrap().identifier, "alice");
    }
}

#[test]
fn names_come_before_names_for_people() {
    let friendly = |name: &str, friendly: &str, value: &str| Attribute {
        friendly_name: Some(friendly.into()),
        ..attribute(name, &[value])
    };
    let read = |attributes| person(&said(None, attributes), &NAMES).unwrap().identifier;
    assert_eq!(read(vec![friendly("urn:oid:0.9", "uid", "alice")]), "alice");
    assert_eq!(read(vec![friendly("urn:oid:0.9", "uid", "mallory"), attribute("uid", &["alice"])]), "alice");
    // What is called like the subject is not the subject.
    let assertion = said(None, vec![attribute(NAME_ID, &["mallory"])]);
    assert!(person(&assertion, &Names { identifier: NAME_ID, second_identifier: None, ..NAMES }).is_err());
}

#[test]
fn what_no_column_holds_is_not_there() {
    let long = "a".repeat(LONGEST + 1);
    for value in [long.as_str(), "", "a\0b"] {
        let assertion = said(None, vec![attribute("uid", &[value])]);
        assert!(person(&assertion, &NAMES).is_err());
        let assertion = said(None, vec![attribute("uid", &["a"]), attribute("mail", &[value])]);
        assert_eq!(person(&assertion, &NAMES).unwrap().email, None);
    }
    assert!(person(&said(None, vec![attribute("uid", &[&long[1..]])]), &NAMES).is_ok());
    let groups = vec!["g"; MOST_GROUPS + 1];
    let read = person(&said(None, vec![attribute("uid", &["a"]), attribute("groups", &groups)]), &NAMES).unwrap();
    assert_eq!(read.groups.len(), MOST_GROUPS);
}
