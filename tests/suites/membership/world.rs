//! A world in memory with three providers, and the way of a browser through it.

use std::sync::OnceLock;

use anyhow::{Context as _, ensure};
use e2e::guests;
use e2e::host::contract::{
    Arrival, Client, Failure, Form, Grant, Outcome, Parameter, Principal, Provider, Reason, Start, Value, rules_driver,
};
use e2e::host::setting::{boolean, number, words};
use e2e::host::{Memory, RulesHost};

/// 2026-11-21T17:05:01.949Z
pub(crate) const NOW_MS: u64 = 1_795_280_701_949;

pub(crate) const OWNER: &str = "850106de-8796-48c0-90f0-bb78f04dfc8a";

/// The rules, compiled once for all tests of this suite.
pub(crate) fn rules() -> anyhow::Result<&'static RulesHost> {
    static RULES: OnceLock<RulesHost> = OnceLock::new();
    if let Some(rules) = RULES.get() {
        return Ok(rules);
    }
    let loaded = RulesHost::load(&guests::first_party("auth")?)?;
    Ok(RULES.get_or_init(|| loaded))
}

pub(crate) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// Three providers, and an account with a password.
pub(crate) fn world() -> Memory {
    let mut memory = Memory::at(NOW_MS);
    for (name, value) in [
        ("access-token-ms", number(900_000)),
        ("access-token-seconds", number(900)),
        ("refresh-token-ms", number(604_800_000)),
        ("session-ms", number(86_400_000)),
        ("session-seconds", number(86_400)),
        ("session-refresh-grace-ms", number(10_000)),
        ("login-stall-ms", number(500)),
        ("sign-in-ms", number(300_000)),
        ("public-url", words("https://auth.example.com")),
        ("enforce-second-factor", boolean(true)),
    ] {
        memory.settings.insert(name.to_owned(), value);
    }
    memory.put("directus_settings", &[("id", Value::Integer(1)), ("auth_login_attempts", Value::Integer(25))]);
    memory.put(
        "directus_users",
        &[
            ("id", text(OWNER)),
            ("email", text("owner@example.com")),
            ("status", text("active")),
            ("provider", text("default")),
        ],
    );
    let provider = |name: &str, driver: &str| Provider {
        name: name.to_owned(),
        driver: driver.to_owned(),
        label: None,
        icon: None,
        session: true,
    };
    memory.at_providers.listed = vec![provider("okta", "openid"), provider("hub", "oauth2"), provider("corp", "saml")];
    memory
}

pub(crate) fn set(memory: &mut Memory, name: &str, value: &e2e::host::setting::Value) {
    for provider in ["okta", "hub", "corp"] {
        memory.at_providers.settings.insert((provider.to_owned(), name.to_owned()), value.clone());
    }
}

/// A world in which everybody may register.
pub(crate) fn open() -> Memory {
    let mut memory = world();
    set(&mut memory, "allow-public-registration", &boolean(true));
    memory
}

/// A world with an account that was made for Ann.
pub(crate) fn with_ann() -> Memory {
    let mut memory = open();
    memory.put(
        "directus_users",
        &[
            ("id", text("ann-account")),
            ("email", text("ann@example.com")),
            ("first_name", text("Ann")),
            ("status", text("active")),
            ("provider", text("okta")),
            ("external_identifier", text("ann")),
        ],
    );
    memory
}

pub(crate) fn client() -> Client {
    Client { address: Some("203.0.113.7".to_owned()), user_agent: None, origin: None }
}

pub(crate) fn ann() -> rules_driver::Identity {
    rules_driver::Identity {
        subject: rules_driver::Subject::Identifier("ann".to_owned()),
        email: Some("ann@example.com".to_owned()),
        email_verified: true,
        given_name: Some("Ann".to_owned()),
        family_name: None,
        groups: vec!["staff".to_owned(), "admins".to_owned()],
        claims: "{}".to_owned(),
        auth_data: Some(r#"{"refreshToken":"one"}"#.to_owned()),
        session: Some("sid-1".to_owned()),
        parting_data: Some("id-token".to_owned()),
        receipt: None,
    }
}

pub(crate) fn start(provider: &str) -> Start {
    Start {
        provider: provider.to_owned(),
        target: Some("/x".to_owned()),
        prompt: false,
        otp: None,
        origin: None,
        link: None,
    }
}

pub(crate) type Answer = Result<Outcome, Failure>;

/// Sends a browser away; its ticket, and the state that the provider hands back.
pub(crate) fn leave(memory: Memory, start: &Start) -> anyhow::Result<(String, String, Memory)> {
    let (answer, memory) = rules()?
        .call(memory, |rules, store| rules.gatewit_auth_single_sign_on().call_begin(store, start, &client()))?;
    let departure = answer.map_err(|failure| anyhow::anyhow!("{failure:?}"))?;
    let state = memory.at_providers.begun.as_ref().context("no sign-in has begun")?.state.clone();
    ensure!(departure.to.url.ends_with(&state), "{}", departure.to.url);
    Ok((departure.ticket, state, memory))
}

/// Brings it back.
pub(crate) fn return_with(
    memory: Memory,
    provider: &str,
    ticket: Option<&str>,
    state: Option<&str>,
) -> anyhow::Result<(Answer, Memory)> {
    let state = state.map(|state| ("state", state));
    arrive(memory, provider, ticket, state.as_slice())
}

/// Brings it back with an answer of these parameters.
pub(crate) fn arrive(
    memory: Memory,
    provider: &str,
    ticket: Option<&str>,
    parameters: &[(&str, &str)],
) -> anyhow::Result<(Answer, Memory)> {
    let parameter = |(name, value): &(&str, &str)| Parameter { name: (*name).to_owned(), value: (*value).to_owned() };
    let arrival = Arrival {
        provider: provider.to_owned(),
        parameters: parameters.iter().map(parameter).collect(),
        ticket: ticket.map(ToOwned::to_owned),
        origin: None,
    };
    rules()?.call(memory, |rules, store| rules.gatewit_auth_single_sign_on().call_finish(store, &arrival, &client()))
}

/// A whole sign-in.
pub(crate) fn come(
    mut memory: Memory,
    start: &Start,
    identity: rules_driver::Identity,
) -> anyhow::Result<(Answer, Memory)> {
    memory.identity = Some(Ok(identity));
    let (ticket, state, memory) = leave(memory, start)?;
    return_with(memory, &start.provider, Some(&ticket), Some(&state))
}

pub(crate) fn signed_in(answer: Answer) -> anyhow::Result<Grant> {
    match answer {
        Ok(Outcome::SignedIn(signed_in)) => {
            ensure!(
                signed_in.target.as_deref() == Some("/x") && signed_in.form == Form::Session,
                "{:?}",
                signed_in.target
            );
            Ok(signed_in.grant)
        }
        other => anyhow::bail!("not signed in: {other:?}"),
    }
}

/// Nobody is signed in, for this reason, and the browser goes where it wanted to.
pub(crate) fn refused(answer: &Answer, reason: &Reason, memory: &Memory) -> anyhow::Result<()> {
    refused_at(Some("/x"), answer, reason, memory)
}

/// The same where the browser goes elsewhere, or nowhere.
pub(crate) fn refused_at(
    target: Option<&str>,
    answer: &Answer,
    reason: &Reason,
    memory: &Memory,
) -> anyhow::Result<()> {
    let Err(failure) = answer else { anyhow::bail!("not refused: {answer:?}") };
    ensure!(failure.reason == *reason && failure.target.as_deref() == target, "{failure:?}");
    ensure!(memory.sessions.is_empty(), "there is a session");
    Ok(())
}

pub(crate) fn account<'a>(memory: &'a Memory, identifier: &str) -> anyhow::Result<&'a e2e::host::Record> {
    let identifier = Some(text(identifier));
    let users = memory.tables_of("directus_users");
    users.iter().find(|user| user.get("external_identifier") == identifier.as_ref()).context("there is no such account")
}

pub(crate) fn principal(user: &str) -> Principal {
    Principal {
        user: Some(user.to_owned()),
        role: None,
        share: None,
        session: None,
        admin: false,
        app: true,
        must_set_up: false,
        policies: Vec::new(),
    }
}
