//! Whole sign-ins against a directory in memory.

use super::*;
use crate::{
    message::code,
    scripted::{Server, World, entry},
    settings::Value,
};
use alloc::vec;
use proptest::prelude::*;

const MAIN: &str = "ldap://a:389";
const BASE: [(&str, &str); 5] = [
    ("client-url", "ldap://a"),
    ("bind-dn", "cn=service"),
    ("bind-password", "hush"),
    ("user-dn", "ou=people"),
    ("user-attribute", "uid"),
];

fn settings(more: &[(&str, &str)]) -> Settings {
    Settings::read(|name| {
        let (_, value) = more.iter().chain(&BASE).find(|(known, _)| *known == name)?;
        Some(match *value {
            "true" => Value::Boolean(true),
            text => Value::Text(text.into()),
        })
    })
    .unwrap()
}

/// Alice, in groups in groups.
fn server() -> Server {
    Server {
        entries: vec![
            entry("cn=Alice,ou=people", &[("uid", "alice"), ("mail", "a@b.co"), ("givenName", "Al"), ("sn", "Ice")]),
            entry("cn=Bob,ou=people", &[("uid", "bob"), ("mail", "bob@b.co"), ("userAccountControl", "514")]),
            entry("cn=one,ou=groups", &[("cn", "one"), ("member", "cn=Alice,ou=people"), ("memberUid", "alice")]),
            entry(
                "cn=two,ou=groups",
                &[("cn", "two"), ("member", "cn=one,ou=groups"), ("member", "cn=three,ou=groups")],
            ),
            entry("cn=three,ou=groups", &[("cn", "three"), ("member", "cn=two,ou=groups")]),
        ],
        passwords: [("cn=service", "hush"), ("cn=Alice,ou=people", "pw"), ("cn=Bob,ou=people", "pw")]
            .map(|(name, password)| (name.into(), password.into()))
            .into(),
        ..Server::default()
    }
}

fn world(server: Server) -> World {
    World { servers: vec![(MAIN, server)], now: 1_795_320_000, ..World::default() }
}

fn sign_in(world: &World, more: &[(&str, &str)]) -> Result<Person, Refusal> {
    login(world, &settings(more), "alice", "pw")
}

#[test]
fn the_password_is_checked_before_groups_are_asked_for() {
    let world = world(server());
    let person = sign_in(&world, &[("group-dn", "ou=groups")]).unwrap();
    assert_eq!(person.identifier, "cn=Alice,ou=people");
    assert_eq!((person.email.as_deref(), person.given_name.as_deref()), (Some("a@b.co"), Some("Al")));
    assert_eq!((person.family_name.as_deref(), person.groups), (Some("Ice"), vec!["one".to_string()]));
    assert!(person.claims.starts_with(r#"{"dn":"cn=Alice,ou=people","#), "{}", person.claims);
    let asked = [
        "connect ldap://a:389",
        "bind cn=service",
        "search ou=people SingleLevel",
        "bind cn=Alice,ou=people",
        "bind cn=service",
        "search ou=groups SingleLevel",
        "goodbye",
    ];
    assert_eq!(*world.asked.borrow(), asked);
    let told = world.noted.borrow().concat();
    assert!(!told.contains("hush") && !told.contains("pw"), "{told}");
}

#[test]
fn an_empty_password_reaches_nobody() {
    let world = world(server());
    assert_eq!(login(&world, &settings(&[]), "alice", ""), Err(Refusal::InvalidCredentials));
    assert!(world.asked.borrow().is_empty());
}

#[test]
fn what_nobody_types_reaches_nobody() {
    let (long, world) = ("x".repeat(10_000), world(server()));
    assert_eq!(login(&world, &settings(&[]), &long, "pw"), Err(Refusal::InvalidCredentials));
    assert_eq!(login(&world, &settings(&[]), "alice", &long), Err(Refusal::InvalidCredentials));
    assert!(world.asked.borrow().is_empty());
}

#[test]
fn wrong_passwords_and_unknown_people_are_the_same() {
    let world = world(server());
    for (identifier, password) in [("alice", "x"), ("ghost", "pw"), ("", "pw"), ("*", "pw"), ("alice)(uid=*", "pw")] {
        assert_eq!(login(&world, &settings(&[]), identifier, password), Err(Refusal::InvalidCredentials));
    }
}

/// A bind with an empty name succeeds and proves nothing.
#[test]
fn an_entry_without_a_name_signs_nobody_in() {
    let mut server = server();
    server.entries.push(entry("", &[("uid", "root")]));
    let base = [("user-dn", ""), ("user-scope", "sub")];
    assert_eq!(login(&world(server), &settings(&base), "root", "any"), Err(Refusal::InvalidCredentials));
}

#[test]
fn groups_are_found_in_every_way() {
    let groups = |more: &[(&str, &str)]| {
        let mut groups = sign_in(&world(server()), more).unwrap().groups;
        groups.sort();
        groups
    };
    let all = ["one", "three", "two"];
    let base = ("group-dn", "ou=groups");
    assert_eq!(groups(&[base, ("group-nesting", "recursive")]), all);
    assert_eq!(groups(&[base, ("group-attribute", "memberUid")]), ["one"]);
    assert!(groups(&[]).is_empty());
    let mut chained = server();
    // Without the circle, in which this directory would turn for ever.
    chained.entries.pop();
    let found = sign_in(&world(chained), &[base, ("group-nesting", "rule")]).unwrap();
    assert_eq!(found.groups, ["one", "two"]);
    let mut named = server();
    named.entries[0]
        .attributes
        .push(("memberOf".into(), vec![b"cn=one,ou=groups".to_vec(), b"cn=x,ou=other".to_vec()]));
    let own = [base, ("member-of-attribute", "memberOf")];
    assert_eq!(sign_in(&world(named.clone()), &own).unwrap().groups, ["one"]);
    let nested = [&own[..], &[("group-nesting", "recursive")]].concat();
    assert_eq!(sign_in(&world(named), &nested).unwrap().groups, ["one", "two", "three"]);
}

fn with_groups(count: usize) -> Server {
    let mut server = server();
    for number in 0..count {
        let name = format!("g{number}");
        let group = entry(&format!("cn={name},ou=groups"), &[("cn", &name), ("member", "cn=Alice,ou=people")]);
        server.entries.push(group);
    }
    server
}

#[test]
fn groups_come_page_by_page() {
    let world = world(with_groups(1_200));
    assert_eq!(sign_in(&world, &[("group-dn", "ou=groups")]).unwrap().groups.len(), 1_201);
    assert_eq!(world.asked.borrow().iter().filter(|asked| asked.starts_with("search ou=groups")).count(), 3);
}

#[test]
fn a_hundred_thousand_groups_are_too_many() {
    let refusal = sign_in(&world(with_groups(100_000)), &[("group-dn", "ou=groups")]).unwrap_err();
    assert_eq!(refusal, Refusal::Unavailable("the directory tells of more than 5000 groups".into()));
    let endless = Server { pages_without_end: true, ..server() };
    let refusal = sign_in(&world(endless), &[("group-dn", "ou=groups")]).unwrap_err();
    assert!(refusal.to_string().contains("pages without end"), "{refusal}");
}

#[test]
fn several_entries_are_none() {
    let mut twins = server();
    for number in 0..100_000 {
        twins.entries.push(entry(&format!("cn={number},ou=people"), &[("uid", "alice")]));
    }
    let refusal = sign_in(&world(twins), &[]).unwrap_err();
    assert!(matches!(&refusal, Refusal::Refused(why) if why.contains("(uid=alice)")), "{refusal}");
}

#[test]
fn the_next_server_stands_in_for_one_that_is_down() {
    let down = Server { is_down: true, ..Server::default() };
    let garbage = Server { says: Some(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()), ..Server::default() };
    let servers = vec![(MAIN, down.clone()), ("ldap://b:389", garbage.clone()), ("ldap://c:389", server())];
    let world = World { servers, ..World::default() };
    let urls = [("client-url", "ldap://a,ldap://b,ldap://c")];
    assert_eq!(sign_in(&world, &urls).unwrap().identifier, "cn=Alice,ou=people");
    let world = World { servers: vec![(MAIN, down), ("ldap://b:389", garbage)], ..World::default() };
    let told = sign_in(&world, &urls).unwrap_err();
    let expected = "ldap://a:389: it cannot be reached (connection refused); ldap://b:389: what it answers is not LDAP; \
                    ldap://c:389: it is not among the servers in the settings";
    assert_eq!(told, Refusal::Unavailable(expected.into()));
}

#[test]
fn a_refused_bind_account_is_the_operators_to_mend() {
    let world = World { servers: vec![(MAIN, server()), ("ldap://b:389", server())], ..World::default() };
    let wrong = [("bind-password", "wrong"), ("client-url", "ldap://a,ldap://b")];
    let told = sign_in(&world, &wrong).unwrap_err();
    assert_eq!(
        told,
        Refusal::Misconfigured(
            "ldap://a:389: it refuses the bind account `cn=service`: 49 (invalid credentials)".into()
        )
    );
    // The other server is not asked: it would count the same failure.
    assert_eq!(world.asked.borrow().len(), 2);
}

#[test]
fn tls_begins_before_anything_else_and_nothing_comes_before_it() {
    let tls = [("start-tls", "true")];
    let good = world(server());
    sign_in(&good, &tls).unwrap();
    assert_eq!(good.asked.borrow()[1..4], ["start tls", "secure", "bind cn=service"]);
    let forged = world(Server { adds: vec![0x30, 0], ..server() });
    let told = sign_in(&forged, &tls).unwrap_err();
    assert!(told.to_string().contains("before the encryption began"), "{told}");
    assert!(!forged.asked.borrow().iter().any(|asked| asked.starts_with("bind")));
}

#[test]
fn referrals_are_followed_only_if_wanted_and_not_for_ever() {
    let sent_on = |to: &str| Server { referral: Some(("ou=people".into(), to.into())), entries: vec![], ..server() };
    let both = |to: &str| World { servers: vec![(MAIN, sent_on(to)), ("ldap://b:389", server())], ..World::default() };
    let follow = [("follow-referrals", "true")];
    let refusal = sign_in(&both("ldap://b/ou=people"), &[]).unwrap_err();
    assert!(matches!(&refusal, Refusal::Unavailable(why) if why.contains("ldap://b/ou=people")), "{refusal}");
    assert_eq!(sign_in(&both("ldap://b/ou=people"), &follow).unwrap().identifier, "cn=Alice,ou=people");
    // To itself, to somebody whom nobody knows, and to nonsense.
    for to in ["ldap://a/ou=people", "ldap://c/ou=people", "nonsense", "http://b/"] {
        let refusal = sign_in(&both(to), &follow).unwrap_err();
        assert!(matches!(refusal, Refusal::Unavailable(_)), "{to}: {refusal}");
    }
    // What is found there is signed in there.
    let world = both("ldap://b/ou=people??sub");
    sign_in(&world, &follow).unwrap();
    assert!(world.asked.borrow().contains(&"search ou=people WholeSubtree".to_string()));
    // Not out of the encryption.
    let servers = vec![("ldaps://a:636", sent_on("ldap://b/ou=people")), ("ldap://b:389", server())];
    let world = World { servers, ..World::default() };
    assert!(sign_in(&world, &[follow[0], ("client-url", "ldaps://a")]).is_err());
    assert!(!world.asked.borrow().contains(&"connect ldap://b:389".to_string()));
}

#[test]
fn references_besides_are_no_hindrance_and_have_an_end() {
    let some = Server { references: vec!["ldap://elsewhere/dc=x".into(); 3], ..server() };
    sign_in(&world(some), &[]).unwrap();
    let many = Server { references: vec!["ldap://a/ou=people".into(); 500], ..server() };
    assert!(matches!(sign_in(&world(many), &[]), Err(Refusal::Unavailable(_))));
    let circle = Server { references: vec!["ldap://a/ou=people".into()], ..server() };
    let refusal = sign_in(&world(circle), &[("follow-referrals", "true")]).unwrap_err();
    assert!(refusal.to_string().contains("sends us on more than 4 times"), "{refusal}");
}

#[test]
fn the_alternative_is_looked_at_if_nobody_has_the_identifier() {
    let world = world(server());
    let mail = [("user-attribute-alternative", "mail")];
    assert!(login(&world, &settings(&mail), "a@b.co", "pw").is_ok());
    assert!(
        world.noted.borrow().iter().any(|line| line.starts_with("nobody has the identifier in the first attribute"))
    );
    assert_eq!(login(&world, &settings(&[]), "a@b.co", "pw"), Err(Refusal::InvalidCredentials));
}

#[test]
fn disabled_accounts_are_refused_at_both_doors() {
    let world = world(server());
    let refused = |refusal: Refusal| matches!(refusal, Refusal::Refused(why) if why.starts_with("userAccountControl"));
    assert!(refused(login(&world, &settings(&[]), "bob", "pw").unwrap_err()));
    assert_eq!(login(&world, &settings(&[]), "bob", "x"), Err(Refusal::InvalidCredentials));
    assert!(refused(refresh(&world, &settings(&[]), "cn=bob,ou=people").unwrap_err()));
    assert_eq!(refresh(&world, &settings(&[]), "CN=alice,OU=people"), Ok(()));
    for name in ["cn=gone,ou=people", "", "nonsense"] {
        assert!(matches!(refresh(&world, &settings(&[]), name), Err(Refusal::Refused(_))), "{name}");
    }
}

#[test]
fn a_lock_lasts_as_long_as_its_policy_says() {
    let locked = |since: &str, policy: &[(&str, &str)]| {
        let mut server = server();
        let attributes = [("uid", "eve"), ("pwdAccountLockedTime", since), ("pwdPolicySubentry", "cn=policy")];
        server.entries.push(entry("cn=eve,ou=people", &attributes));
        server.entries.push(entry("cn=policy", policy));
        refresh(&world(server), &settings(&[]), "cn=eve,ou=people").is_ok()
    };
    assert!(locked("20261122035459Z", &[("pwdLockoutDuration", "300")]));
    assert!(!locked("20261122035501Z", &[("pwdLockoutDuration", "300")]));
    assert!(!locked("20200101000000Z", &[("pwdLockoutDuration", "0")]));
    assert!(!locked("20200101000000Z", &[]));
}

#[test]
fn what_the_search_says_is_told_apart() {
    let refusal = |code: u32| {
        let search = Search {
            base: "dc=x".into(),
            scope: Scope::One,
            filter: Filter::equals("cn", "a"),
            attributes: vec![],
            most: 1,
        };
        crate::directory::unsearchable(&search, &crate::message::Outcome { code, said: "hm".into(), referral: vec![] })
    };
    let told = "searching below `dc=x` failed: 50 (insufficient rights): hm";
    assert_eq!(refusal(code::INSUFFICIENT_ACCESS), Refusal::Misconfigured(told.into()));
    assert!(matches!(refusal(code::BUSY), Refusal::Unavailable(_)));
    assert!(
        matches!(refusal(code::CONFIDENTIALITY_REQUIRED), Refusal::Misconfigured(why) if why.ends_with("START_TLS"))
    );
}

proptest! {
    #[test]
    fn any_answer_is_a_refusal_and_never_a_sign_in(bytes in any::<Vec<u8>>()) {
        let garbage = Server { says: Some(bytes), ..Server::default() };
        prop_assert!(sign_in(&world(garbage), &[("group-dn", "ou=groups")]).is_err());
    }

    #[test]
    fn any_identifier_is_looked_for_as_it_is(identifier: String, password: String) {
        let known = identifier.to_lowercase() == "alice" && password == "pw";
        prop_assert_eq!(login(&world(server()), &settings(&[]), &identifier, &password).is_ok(), known);
    }
}
