//! The rules in a host in memory: at a known moment and with known randomness their answers are known to the letter.

use anyhow::{Context as _, ensure};
use e2e::guests;
use e2e::host::contract::{Applicant, Attempt, Client, Form, Reason, Value, rules_driver};
use e2e::host::{Memory, RulesHost};
use expect_test::expect;

e2e::suite! {
    a_sign_in_gives_these_tokens,
    a_refusal_of_the_driver_changes_nothing,
    a_forgotten_password_is_set_anew_once,
    who_registers_gets_this_letter_and_is_verified_by_it,
    nobody_learns_who_has_an_account,
    a_store_that_is_away_is_told_apart_from_wrong_credentials,
}

/// 2026-11-21T17:05:01.949Z
const NOW_MS: u64 = 1_795_280_701_949;

const USER: &str = "850106de-8796-48c0-90f0-bb78f04dfc8a";

fn rules() -> anyhow::Result<RulesHost> {
    RulesHost::load(&guests::first_party("auth")?)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// A world with one account, and the settings that the host gives to the rules.
fn world() -> Memory {
    use e2e::host::setting::{boolean, number, words};
    let mut memory = Memory::at(NOW_MS);
    for (name, value) in [
        ("access-token-ms", number(900_000)),
        ("access-token-seconds", number(900)),
        ("refresh-token-ms", number(604_800_000)),
        ("session-ms", number(86_400_000)),
        ("session-seconds", number(86_400)),
        ("session-refresh-grace-ms", number(10_000)),
        ("login-stall-ms", number(500)),
        ("register-stall-ms", number(750)),
        ("password-reset-seconds", number(86_400)),
        ("verification-seconds", number(604_800)),
        ("invitation-seconds", number(604_800)),
        ("public-url", words("https://auth.example.com")),
        ("enforce-second-factor", boolean(true)),
    ] {
        memory.settings.insert(name.to_owned(), value);
    }
    memory.put(
        "directus_settings",
        &[
            ("id", Value::Integer(1)),
            ("auth_login_attempts", Value::Integer(25)),
            ("public_registration", Value::Boolean(true)),
            ("public_registration_verify_email", Value::Boolean(true)),
        ],
    );
    memory.put(
        "directus_users",
        &[
            ("id", text(USER)),
            ("email", text("user@example.com")),
            ("password", text("hash of User-password1")),
            ("status", text("active")),
            ("provider", text("default")),
            ("language", text("de-DE")),
        ],
    );
    memory
}

fn client() -> Client {
    Client { address: Some("203.0.113.7".to_owned()), user_agent: None, origin: None }
}

fn attempt() -> Attempt {
    Attempt {
        provider: "default".to_owned(),
        values: vec!["user@example.com".to_owned(), "User-password1".to_owned()],
        account: Some("user@example.com".to_owned()),
        otp: None,
        form: Form::Tokens,
    }
}

fn identity() -> rules_driver::Identity {
    rules_driver::Identity {
        subject: rules_driver::Subject::Email("user@example.com".to_owned()),
        email: Some("user@example.com".to_owned()),
        email_verified: false,
        given_name: None,
        family_name: None,
        groups: Vec::new(),
        claims: "{}".to_owned(),
        auth_data: None,
        session: None,
        parting_data: None,
        receipt: None,
    }
}

async fn a_sign_in_gives_these_tokens() -> anyhow::Result<()> {
    let mut memory = world();
    memory.identity = Some(Ok(identity()));
    let (answer, memory) =
        rules()?.call(memory, |rules, store| rules.gatewit_auth_sessions().call_login(store, &attempt(), &client()))?;
    let grant = answer.map_err(|reason| anyhow::anyhow!("{reason:?}"))?;
    expect!["eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"].assert_eq(grant.access_token.split('.').next().context("token")?);
    let claims = e2e::tokens::open(&grant.access_token, "access-tokens")?.1;
    expect![[
        r#"{"id":"850106de-8796-48c0-90f0-bb78f04dfc8a","role":null,"app_access":false,"admin_access":false,"iat":1795280701,"exp":1795281601,"iss":"directus"}"#
    ]]
    .assert_eq(&claims);
    expect!["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v"].assert_eq(&grant.refresh_token);
    let session = memory.sessions.get(&grant.refresh_token).context("no session")?;
    ensure!(session.user.as_deref() == Some(USER) && session.expires_at_ms == NOW_MS + 604_800_000, "{session:?}");
    ensure!(memory.held_ms == 500 && grant.expires_in_ms == 900_000);
    Ok(())
}

async fn a_refusal_of_the_driver_changes_nothing() -> anyhow::Result<()> {
    let rules = rules()?;
    for (refusal, told) in [
        (rules_driver::Refusal::InvalidCredentials, "InvalidCredentials"),
        (rules_driver::Refusal::Refused("because".to_owned()), "InvalidCredentials"),
        (rules_driver::Refusal::Overloaded(7), "Overloaded(7)"),
        (rules_driver::Refusal::Other("odd".to_owned()), "Internal"),
    ] {
        let mut memory = world();
        memory.identity = Some(Err(refusal));
        let call = |rules: &e2e::host::Auth, store: &mut _| {
            rules.gatewit_auth_sessions().call_login(store, &attempt(), &client())
        };
        let (answer, memory) = rules.call(memory, call)?;
        let reason = answer.err().map(|reason| format!("{reason:?}")).unwrap_or_default();
        ensure!(reason.contains(told), "{reason}, not {told}");
        ensure!(!reason.contains("because") && !reason.contains("odd"), "a driver's words reach the person");
        ensure!(memory.sessions.is_empty() && memory.held_ms == 500);
    }
    Ok(())
}

/// The token in a link.
fn token(link: &str) -> anyhow::Result<String> {
    Ok(link.split_once("token=").context("no token")?.1.to_owned())
}

fn value<'a>(letter: &'a e2e::host::contract::Letter, name: &str) -> &'a str {
    letter.values.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).unwrap_or_default()
}

async fn a_forgotten_password_is_set_anew_once() -> anyhow::Result<()> {
    let rules = rules()?;
    let (answer, memory) = rules.call(world(), |rules, store| {
        rules.gatewit_auth_recovery().call_request(store, "USER@example.com", None, &client())
    })?;
    ensure!(answer.is_ok() && memory.held_ms == 500, "{answer:?}");
    let [letter] = memory.letters.as_slice() else { anyhow::bail!("{} letters", memory.letters.len()) };
    ensure!(letter.template == "password-reset" && letter.recipient == "user@example.com", "{letter:?}");
    ensure!(letter.language.as_deref() == Some("de-DE"), "{letter:?}");
    ensure!(value(letter, "url").starts_with("https://auth.example.com/admin/reset-password?token="), "{letter:?}");
    let token = token(value(letter, "url"))?;
    let reset = |rules: &e2e::host::Auth, store: &mut _| {
        rules.gatewit_auth_recovery().call_reset(store, &token, "New-password1", &client())
    };
    let (answer, memory) = rules.call(memory, reset)?;
    ensure!(answer.is_ok(), "{answer:?}");
    ensure!(memory.column("directus_users", USER, "password") == Some(&text("hash of New-password1")));
    let (answer, memory) = rules.call(memory, reset)?;
    ensure!(matches!(answer, Err(Reason::Forbidden(None))), "{answer:?}");
    // A day later the link is none any more, used or not.
    let mut memory = memory;
    memory.now_ms += 86_400_000;
    let (answer, _) = rules.call(memory, reset)?;
    ensure!(matches!(answer, Err(Reason::TokenExpired)), "{answer:?}");
    Ok(())
}

async fn who_registers_gets_this_letter_and_is_verified_by_it() -> anyhow::Result<()> {
    let rules = rules()?;
    let applicant = Applicant {
        email: "new@example.com".to_owned(),
        password: "New-password1".to_owned(),
        given_name: Some("New".to_owned()),
        family_name: None,
    };
    let (answer, memory) = rules.call(world(), |rules, store| {
        rules.gatewit_auth_registration().call_register(store, &applicant, None, &client())
    })?;
    ensure!(answer.is_ok() && memory.held_ms == 750, "{answer:?}");
    let letter = memory.letters.first().context("no letter")?;
    ensure!(letter.template == "user-registration" && value(letter, "first_name") == "New", "{letter:?}");
    let token = token(value(letter, "url"))?;
    let verify = |rules: &e2e::host::Auth, store: &mut _| {
        rules.gatewit_auth_registration().call_verify(store, &token, &client())
    };
    let (answer, memory) = rules.call(memory, verify)?;
    let id = answer.map_err(|reason| anyhow::anyhow!("{reason:?}"))?;
    ensure!(memory.column("directus_users", &id, "status") == Some(&text("active")));
    let (answer, _) = rules.call(memory, verify)?;
    ensure!(matches!(answer, Err(Reason::InvalidPayload(_))), "{answer:?}");
    Ok(())
}

async fn nobody_learns_who_has_an_account() -> anyhow::Result<()> {
    let rules = rules()?;
    let (answer, memory) = rules.call(world(), |rules, store| {
        rules.gatewit_auth_recovery().call_request(store, "ghost@example.com", None, &client())
    })?;
    ensure!(answer.is_ok() && memory.held_ms == 500 && memory.letters.is_empty(), "{answer:?}");
    let applicant = Applicant {
        email: "user@example.com".to_owned(),
        password: "New-password1".to_owned(),
        given_name: None,
        family_name: None,
    };
    let (answer, memory) = rules.call(world(), |rules, store| {
        rules.gatewit_auth_registration().call_register(store, &applicant, None, &client())
    })?;
    ensure!(answer.is_ok() && memory.held_ms == 750 && memory.letters.is_empty(), "{answer:?}");
    ensure!(memory.column("directus_users", USER, "password") == Some(&text("hash of User-password1")));
    Ok(())
}

async fn a_store_that_is_away_is_told_apart_from_wrong_credentials() -> anyhow::Result<()> {
    let mut memory = world();
    memory.identity = Some(Ok(identity()));
    memory.store_is_away = true;
    let (answer, _) =
        rules()?.call(memory, |rules, store| rules.gatewit_auth_sessions().call_login(store, &attempt(), &client()))?;
    ensure!(matches!(answer, Err(Reason::Unavailable(_))), "{answer:?}");
    Ok(())
}
