//! People who sign in at providers, in a host in memory: who gets an account, which one, and what never changes.

pub(crate) mod world;

use anyhow::{Context as _, ensure};
use e2e::host::Memory;
use e2e::host::contract::{Form, Held, Notice, Outcome, Reason, Start, Value, rules_driver};
use e2e::host::setting::{boolean, json, words};

use world::{
    NOW_MS, OWNER, account, ann, arrive, client, come, leave, open, principal, refused, refused_at, return_with, rules,
    set, signed_in, start, text, with_ann, world,
};

e2e::suite! {
    who_is_new_gets_an_account_with_the_role_of_the_first_mapped_group,
    who_is_new_is_refused_unless_registration_is_open,
    an_unverified_address_may_be_refused,
    the_same_identifier_at_another_provider_is_somebody_else,
    an_address_that_is_taken_is_no_way_in,
    a_verified_address_links_only_where_the_provider_is_trusted,
    an_account_follows_its_provider,
    policies_follow_the_groups,
    nothing_changes_before_the_account_is_let_in,
    a_second_factor_is_asked_for,
    only_the_answer_to_this_browsers_sign_in_counts_and_once,
    what_is_spent_is_asked_for_once_more,
    somebody_who_is_signed_in_links_a_further_identity,
    an_identity_of_somebody_else_is_not_linked,
    a_refresh_asks_the_provider,
    a_provider_ends_sessions_by_a_notice,
    nobody_is_sent_here_who_did_not_begin_here,
    a_provider_that_may_sends_people_by_itself_each_message_once,
    a_message_counts_once_for_those_who_began_here_too,
    saml_answers_right_here_if_nobody_said_where_to_go,
    a_notice_that_names_nobody_leads_home_at_most,
    signing_out_goes_on_at_the_provider,
    browsers_are_sent_back_to_places_that_are_allowed,
}

async fn who_is_new_gets_an_account_with_the_role_of_the_first_mapped_group() -> anyhow::Result<()> {
    let mut memory = open();
    set(&mut memory, "default-role-id", &words("everybody"));
    set(&mut memory, "role-mapping", &json(r#"{"admins": "boss", "staff": "worker"}"#));
    let (answer, memory) = come(memory, &start("okta"), ann())?;
    let grant = signed_in(answer)?;
    let made = account(&memory, "ann")?;
    for (column, value) in [
        ("email", "ann@example.com"),
        ("first_name", "Ann"),
        ("status", "active"),
        ("provider", "okta"),
        ("role", "boss"),
    ] {
        ensure!(made.get(column) == Some(&text(value)), "{column} is {:?}", made.get(column));
    }
    ensure!(made.get("auth_data") == Some(&Value::Json(r#"{"refreshToken":"one"}"#.to_owned())), "{made:?}");
    ensure!(!made.contains_key("password") && !made.contains_key("last_name"), "{made:?}");
    let session = memory.sessions.get(&grant.refresh_token).context("there is no session")?;
    let source = session.source.as_ref().context("it goes back to nobody")?;
    ensure!((source.provider.as_str(), source.identifier.as_str()) == ("okta", "ann"), "{source:?}");
    ensure!(source.session.as_deref() == Some("sid-1") && session.parting_data.as_deref() == Some("id-token"));
    Ok(())
}

async fn who_is_new_is_refused_unless_registration_is_open() -> anyhow::Result<()> {
    let (answer, memory) = come(world(), &start("okta"), ann())?;
    refused(&answer, &Reason::InvalidCredentials, &memory)?;
    ensure!(account(&memory, "ann").is_err(), "there is an account");
    Ok(())
}

async fn an_unverified_address_may_be_refused() -> anyhow::Result<()> {
    let mut memory = open();
    set(&mut memory, "require-verified-email", &boolean(true));
    let (answer, memory) = come(memory, &start("okta"), rules_driver::Identity { email_verified: false, ..ann() })?;
    refused(&answer, &Reason::InvalidCredentials, &memory)?;
    signed_in(come(memory, &start("okta"), ann())?.0)?;
    Ok(())
}

async fn the_same_identifier_at_another_provider_is_somebody_else() -> anyhow::Result<()> {
    let before = with_ann();
    let ann_before = account(&before, "ann")?.clone();
    let other = rules_driver::Identity { email: Some("other@example.com".to_owned()), ..ann() };
    let (answer, memory) = come(before, &start("hub"), other)?;
    signed_in(answer)?;
    ensure!(*account(&memory, "ann")? == ann_before, "Ann's account was changed");
    let linked = memory.at_providers.linked.first().context("the newcomer has no identity")?;
    ensure!(linked.provider == "hub" && linked.user != "ann-account", "{linked:?}");
    // The next sign-in finds the same account.
    let accounts = memory.tables_of("directus_users").len();
    let again = rules_driver::Identity { email: Some("other@example.com".to_owned()), ..ann() };
    let (answer, memory) = come(memory, &start("hub"), again)?;
    signed_in(answer)?;
    ensure!(memory.tables_of("directus_users").len() == accounts, "there is another account");
    Ok(())
}

async fn an_address_that_is_taken_is_no_way_in() -> anyhow::Result<()> {
    let owner = rules_driver::Identity { email: Some("OWNER@example.com".to_owned()), ..ann() };
    let (answer, memory) = come(open(), &start("okta"), owner)?;
    refused(&answer, &Reason::InvalidProvider, &memory)?;
    ensure!(memory.tables_of("directus_users").len() == 1 && memory.at_providers.linked.is_empty());
    Ok(())
}

async fn a_verified_address_links_only_where_the_provider_is_trusted() -> anyhow::Result<()> {
    let owner = || rules_driver::Identity { email: Some("owner@example.com".to_owned()), ..ann() };
    let mut memory = open();
    set(&mut memory, "link-verified-email", &boolean(true));
    let unverified = rules_driver::Identity { email_verified: false, ..owner() };
    let (answer, memory) = come(memory, &start("okta"), unverified)?;
    refused(&answer, &Reason::InvalidProvider, &memory)?;
    let (answer, memory) = come(memory, &start("okta"), owner())?;
    signed_in(answer)?;
    let linked = memory.at_providers.linked.first().context("nothing is linked")?;
    ensure!(linked.user == OWNER && memory.tables_of("directus_users").len() == 1, "{linked:?}");
    Ok(())
}

async fn an_account_follows_its_provider() -> anyhow::Result<()> {
    let mut memory = with_ann();
    let moved = || rules_driver::Identity {
        given_name: Some("Anna".to_owned()),
        email: Some("anna@example.com".to_owned()),
        groups: Vec::new(),
        ..ann()
    };
    let (answer, kept) = come(memory, &start("okta"), moved())?;
    signed_in(answer)?;
    ensure!(account(&kept, "ann")?.get("first_name") == Some(&text("Ann")), "names follow unasked");
    memory = kept;
    memory.sessions.clear();
    set(&mut memory, "sync-user-info", &boolean(true));
    set(&mut memory, "role-mapping", &json(r#"{"admins": "boss"}"#));
    set(&mut memory, "default-role-id", &words("everybody"));
    let (answer, memory) = come(memory, &start("okta"), moved())?;
    signed_in(answer)?;
    let found = account(&memory, "ann")?;
    ensure!(found.get("first_name") == Some(&text("Anna")) && found.get("email") == Some(&text("anna@example.com")));
    ensure!(found.get("role") == Some(&text("everybody")), "{found:?}");
    // An address that is taken stays where it is.
    let taken = rules_driver::Identity { email: Some("owner@example.com".to_owned()), ..moved() };
    let (answer, memory) = come(memory, &start("okta"), taken)?;
    signed_in(answer)?;
    ensure!(account(&memory, "ann")?.get("email") == Some(&text("anna@example.com")));
    Ok(())
}

async fn policies_follow_the_groups() -> anyhow::Result<()> {
    let mut memory = with_ann();
    set(&mut memory, "policy-mapping", &json(r#"{"staff": ["p1", "p2"], "admins": "p2", "others": "p3"}"#));
    for (id, policy) in [("kept", "p1"), ("left", "p3"), ("own", "p9")] {
        memory.put("directus_access", &[("id", text(id)), ("user", text("ann-account")), ("policy", text(policy))]);
    }
    let (answer, memory) = come(memory, &start("okta"), ann())?;
    signed_in(answer)?;
    let mut policies: Vec<_> =
        memory.tables_of("directus_access").iter().map(|row| row.get("policy").cloned()).collect();
    policies.sort_by_key(|policy| format!("{policy:?}"));
    ensure!(policies == [Some(text("p1")), Some(text("p2")), Some(text("p9"))], "{policies:?}");
    Ok(())
}

async fn nothing_changes_before_the_account_is_let_in() -> anyhow::Result<()> {
    let moved = || rules_driver::Identity { given_name: Some("Anna".to_owned()), ..ann() };
    for (column, value) in [("status", "suspended"), ("status", "invited"), ("tfa_secret", e2e::otp::SECRET)] {
        let mut memory = with_ann();
        set(&mut memory, "sync-user-info", &boolean(true));
        set(&mut memory, "role-mapping", &json(r#"{"admins": "boss"}"#));
        memory.change("directus_users", "ann-account", column, &text(value));
        let before = account(&memory, "ann")?.clone();
        let (answer, memory) = come(memory, &start("okta"), moved())?;
        let reason = if column == "status" { Reason::InvalidCredentials } else { Reason::InvalidOtp };
        refused(&answer, &reason, &memory)?;
        ensure!(*account(&memory, "ann")? == before, "{column}: the account was changed");
        ensure!(memory.at_providers.auth_data.is_empty(), "{column}: the provider's token was kept");
    }
    Ok(())
}

async fn a_second_factor_is_asked_for() -> anyhow::Result<()> {
    let mut memory = with_ann();
    memory.change("directus_users", "ann-account", "tfa_secret", &text(e2e::otp::SECRET));
    let wrong = Start { otp: Some("000000".to_owned()), ..start("okta") };
    let (answer, memory) = come(memory, &wrong, ann())?;
    refused(&answer, &Reason::InvalidOtp, &memory)?;
    let right = Start { otp: Some(e2e::otp::code_at(NOW_MS / 1000)?), ..start("okta") };
    signed_in(come(memory, &right, ann())?.0)?;
    Ok(())
}

async fn only_the_answer_to_this_browsers_sign_in_counts_and_once() -> anyhow::Result<()> {
    let mut memory = with_ann();
    memory.identity = Some(Ok(ann()));
    let (ticket, state, memory) = leave(memory, &start("okta"))?;
    let (other_ticket, other_state, mut memory) = leave(memory, &start("okta"))?;
    for state in [None, Some(""), Some("tampered"), Some(other_state.as_str())] {
        let (answer, after) = return_with(memory, "okta", Some(&ticket), state)?;
        refused(&answer, &Reason::InvalidCredentials, &after)?;
        memory = after;
    }
    // Without a good ticket nobody knows where the browser wanted to go.
    let forged = format!("{ticket}x");
    for (provider, ticket) in
        [("okta", None), ("okta", Some(forged.as_str())), ("okta", Some("")), ("hub", Some(ticket.as_str()))]
    {
        let (answer, after) = return_with(memory, provider, ticket, Some(&state))?;
        let Err(failure) = answer else { anyhow::bail!("{provider} {ticket:?}: let in") };
        let page = (provider == "okta").then(|| "https://auth.example.com/admin/login".to_owned());
        ensure!(failure.reason == Reason::InvalidCredentials && failure.target == page, "{failure:?}");
        ensure!(after.sessions.is_empty());
        memory = after;
    }
    let (answer, mut memory) = return_with(memory, "okta", Some(&ticket), Some(&state))?;
    signed_in(answer)?;
    memory.sessions.clear();
    let (answer, mut memory) = return_with(memory, "okta", Some(&ticket), Some(&state))?;
    refused(&answer, &Reason::InvalidCredentials, &memory)?;
    // The other tab is late.
    memory.now_ms += 300_001;
    let (answer, memory) = return_with(memory, "okta", Some(&other_ticket), Some(&other_state))?;
    ensure!(matches!(&answer, Err(failure) if failure.reason == Reason::InvalidCredentials), "{answer:?}");
    ensure!(memory.sessions.is_empty());
    Ok(())
}

async fn what_is_spent_is_asked_for_once_more() -> anyhow::Result<()> {
    let spent = || Some(Err(rules_driver::Refusal::Expired("invalid_grant".to_owned())));
    let mut memory = with_ann();
    memory.identity = spent();
    let there = Start { target: Some("/x?a=1".to_owned()), ..start("okta") };
    let (ticket, state, memory) = leave(memory, &there)?;
    let (answer, memory) = return_with(memory, "okta", Some(&ticket), Some(&state))?;
    ensure!(matches!(&answer, Ok(Outcome::Again(url)) if url == "./?redirect=/x%3Fa%3D1&prompt=true"), "{answer:?}");
    let (ticket, state, memory) = leave(memory, &Start { prompt: true, ..start("okta") })?;
    let (answer, memory) = return_with(memory, "okta", Some(&ticket), Some(&state))?;
    refused(&answer, &Reason::InvalidToken, &memory)
}

async fn somebody_who_is_signed_in_links_a_further_identity() -> anyhow::Result<()> {
    let link = Start { link: Some(principal(OWNER)), ..start("okta") };
    let (answer, memory) = come(world(), &link, ann())?;
    ensure!(matches!(&answer, Ok(Outcome::Linked(target)) if target == "/x"), "{answer:?}");
    ensure!(memory.sessions.is_empty() && memory.tables_of("directus_users").len() == 1);
    // From now on it signs in, though nobody may register.
    let (answer, memory) = come(memory, &start("okta"), ann())?;
    let grant = signed_in(answer)?;
    ensure!(memory.sessions[&grant.refresh_token].user.as_deref() == Some(OWNER));
    // Until it is taken away.
    let (answer, memory) = rules()?.call(memory, |rules, store| {
        rules.gatewit_auth_identities().call_unlink(store, &principal(OWNER), "okta:ann", &client())
    })?;
    ensure!(answer.is_ok(), "{answer:?}");
    let mut memory = memory;
    memory.sessions.clear();
    let (answer, memory) = come(memory, &start("okta"), ann())?;
    refused(&answer, &Reason::InvalidCredentials, &memory)
}

async fn an_identity_of_somebody_else_is_not_linked() -> anyhow::Result<()> {
    let link = Start { link: Some(principal(OWNER)), ..start("okta") };
    let (answer, memory) = come(with_ann(), &link, ann())?;
    refused(&answer, &Reason::InvalidProvider, &memory)?;
    ensure!(memory.at_providers.linked.is_empty() && memory.at_providers.auth_data.is_empty());
    Ok(())
}

async fn a_refresh_asks_the_provider() -> anyhow::Result<()> {
    let (answer, mut memory) = come(open(), &start("okta"), ann())?;
    let grant = signed_in(answer)?;
    let held = Held::SessionToken(grant.access_token);
    let refresh = |memory: Memory, held: Held| {
        rules()?.call(memory, |rules, store| {
            rules.gatewit_auth_sessions().call_refresh(store, &held, Form::Session, &client())
        })
    };
    for (refusal, reason) in [
        (rules_driver::Refusal::Expired("invalid_grant".to_owned()), Reason::InvalidToken),
        (rules_driver::Refusal::InvalidCredentials, Reason::InvalidCredentials),
    ] {
        memory.at_providers.refreshed = Some(Err(refusal));
        let sessions: Vec<_> = memory.sessions.keys().cloned().collect();
        let (answer, after) = refresh(memory, held.clone())?;
        ensure!(answer == Err(reason.clone()), "{answer:?}");
        ensure!(after.sessions.keys().cloned().collect::<Vec<_>>() == sessions, "the session did not stay");
        memory = after;
    }
    memory.at_providers.refreshed = Some(Ok(Some(r#"{"refreshToken":"two"}"#.to_owned())));
    let (answer, memory) = refresh(memory, held)?;
    ensure!(answer.is_ok(), "{answer:?}");
    let kept = memory.at_providers.auth_data.get(&("okta".to_owned(), "ann".to_owned()));
    ensure!(kept.is_some_and(|kept| kept.contains("two")), "{kept:?}");
    Ok(())
}

async fn a_provider_ends_sessions_by_a_notice() -> anyhow::Result<()> {
    let (answer, mut memory) = come(open(), &start("okta"), ann())?;
    signed_in(answer)?;
    let notice = |memory: Memory| {
        rules()?.call(memory, |rules, store| {
            rules.gatewit_auth_single_sign_on().call_notice(store, "okta", &[], None, &client())
        })
    };
    let told = |id: &str, session: &str| Notice {
        id: id.to_owned(),
        identifier: None,
        session: Some(session.to_owned()),
        answer: None,
    };
    memory.at_providers.notice = Some(told("a", "sid-2"));
    let (answer, mut memory) = notice(memory)?;
    ensure!(answer.is_ok() && memory.sessions.len() == 1, "another session of the provider ended ours");
    memory.at_providers.notice = Some(told("a", "sid-1"));
    let (answer, mut memory) = notice(memory)?;
    ensure!(answer.is_err() && memory.sessions.len() == 1, "a notice was heard twice");
    memory.at_providers.notice = Some(told("b", "sid-1"));
    let (answer, memory) = notice(memory)?;
    ensure!(answer.is_ok() && memory.sessions.is_empty(), "{answer:?}");
    Ok(())
}

/// What a provider gives that is to count once.
fn once(id: &str) -> rules_driver::Identity {
    let expires = NOW_MS / 1000 + 60;
    rules_driver::Identity { receipt: Some(rules_driver::Receipt { id: id.to_owned(), expires }), ..ann() }
}

async fn nobody_is_sent_here_who_did_not_begin_here() -> anyhow::Result<()> {
    let mut memory = with_ann();
    memory.identity = Some(Ok(once("m-1")));
    let (answer, memory) = arrive(memory, "corp", None, &[("target", "/y")])?;
    refused_at(Some("/y"), &answer, &Reason::InvalidCredentials, &memory)
}

async fn a_provider_that_may_sends_people_by_itself_each_message_once() -> anyhow::Result<()> {
    let mut memory = open();
    set(&mut memory, "allow-idp-initiated", &boolean(true));
    memory.identity = Some(Ok(once("m-1")));
    let (answer, mut memory) = arrive(memory, "corp", None, &[("target", "/y")])?;
    ensure!(matches!(&answer, Ok(Outcome::SignedIn(one)) if one.target.as_deref() == Some("/y")), "{answer:?}");
    memory.sessions.clear();
    let (answer, mut memory) = arrive(memory, "corp", None, &[])?;
    refused_at(None, &answer, &Reason::InvalidCredentials, &memory)?;
    // What cannot be told from a copy does not count at all.
    memory.identity = Some(Ok(ann()));
    let (answer, mut memory) = arrive(memory, "corp", None, &[])?;
    refused_at(None, &answer, &Reason::InvalidCredentials, &memory)?;
    // An answer to a question needs its question, whoever may come without one.
    memory.identity = Some(Ok(once("m-2")));
    let (answer, memory) = arrive(memory, "corp", None, &[("state", "s")])?;
    refused_at(None, &answer, &Reason::InvalidCredentials, &memory)?;
    let (answer, memory) = arrive(memory, "corp", None, &[("target", "https://evil.example")])?;
    let not_allowed = "URL \"https://evil.example\" can't be used to redirect after login".to_owned();
    refused_at(None, &answer, &Reason::InvalidPayload(not_allowed), &memory)
}

async fn a_message_counts_once_for_those_who_began_here_too() -> anyhow::Result<()> {
    let (answer, mut memory) = come(open(), &start("okta"), once("m-1"))?;
    signed_in(answer)?;
    memory.sessions.clear();
    let (answer, memory) = come(memory, &start("okta"), once("m-1"))?;
    refused(&answer, &Reason::InvalidCredentials, &memory)
}

async fn saml_answers_right_here_if_nobody_said_where_to_go() -> anyhow::Result<()> {
    let nowhere = Start { target: None, ..start("corp") };
    let (answer, memory) = come(open(), &nowhere, once("m-1"))?;
    let told =
        |answer: &_| matches!(answer, Ok(Outcome::SignedIn(one)) if one.target.is_none() && one.form == Form::Tokens);
    ensure!(told(&answer), "{answer:?}");
    ensure!(memory.at_providers.begun.as_ref().is_some_and(|begun| begun.callback.ends_with("/auth/login/corp/acs")));
    let (answer, _) = come(open(), &Start { target: None, ..start("okta") }, ann())?;
    ensure!(matches!(&answer, Ok(Outcome::SignedIn(one)) if one.target.as_deref() == Some("/")), "{answer:?}");
    Ok(())
}

async fn a_notice_that_names_nobody_leads_home_at_most() -> anyhow::Result<()> {
    for (answer, expected) in [(Some("/bye"), Some("/bye")), (Some("https://evil.example/"), None), (None, None)] {
        let mut memory = with_ann();
        let destination = |url: &str| rules_driver::Destination { url: url.to_owned(), form: Vec::new() };
        let answer = answer.map(destination);
        memory.at_providers.notice = Some(Notice { id: "a".to_owned(), identifier: None, session: None, answer });
        let (answer, _) = rules()?.call(memory, |rules, store| {
            rules.gatewit_auth_single_sign_on().call_notice(store, "corp", &[], None, &client())
        })?;
        let url = answer.ok().flatten().map(|to| to.url);
        ensure!(url.as_deref() == expected, "{url:?}");
    }
    Ok(())
}

async fn signing_out_goes_on_at_the_provider() -> anyhow::Result<()> {
    let (answer, memory) = come(open(), &start("okta"), ann())?;
    let held = Held::SessionToken(signed_in(answer)?.access_token);
    let (answer, memory) = rules()?.call(memory, |rules, store| {
        rules.gatewit_auth_single_sign_on().call_leave(store, "okta", &held, Some("/bye"), &client())
    })?;
    let url = answer.map(|to| to.url);
    ensure!(url.as_deref() == Ok("https://provider.example/leave?hint=id-token"), "{url:?}");
    ensure!(memory.sessions.is_empty());
    Ok(())
}

async fn browsers_are_sent_back_to_places_that_are_allowed() -> anyhow::Result<()> {
    for (target, is_allowed) in
        [("//evil.example/x", false), ("javascript:alert(1)", false), ("https://auth.example.com/y", true)]
    {
        let there = Start { target: Some(target.to_owned()), ..start("okta") };
        let (answer, _) = rules()?
            .call(world(), |rules, store| rules.gatewit_auth_single_sign_on().call_begin(store, &there, &client()))?;
        let reason = format!("URL \"{target}\" can't be used to redirect after login");
        match answer {
            Ok(_) => ensure!(is_allowed, "{target}"),
            Err(failure) => ensure!(!is_allowed && failure.reason == Reason::InvalidPayload(reason), "{failure:?}"),
        }
    }
    Ok(())
}
