//! What every driver that sends the browser away must do, each in a host in memory on whose network nobody is there; and how
//! `openid` does with documents of different age.

use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use e2e::guests;
use e2e::host::away::{Arrival, Description, Parameter, Refusal, Start, Value};
use e2e::host::{RedirectHost, RedirectWorld};
use serde_json::json;

e2e::suite! {
    a_document_is_used_while_it_is_young,
    an_old_document_is_used_while_the_provider_is_away,
    a_provider_that_is_away_is_asked_once_in_a_while,
    a_document_that_cannot_be_read_is_asked_for_again,
    settings_that_are_missing_are_named,
}

const CALLBACK: &str = "https://here.example.com/auth/login/op/callback";
const STATE: &str = "a-state-that-nobody-can-guess";
const SECRET: &str = "the-client's-secret-which-nobody-logs";
const CODE: &str = "the-code-which-nobody-logs";
const DOCUMENT: &str = "https://op.example.com/.well-known/openid-configuration";

/// Values that break those who believe what they are told.
const HOSTILE: [&str; 7] = ["", " ", "\0", "\r\nX: y", "{\"verifier\":1}", "%00", "\u{202e}\u{fe0f}"];

fn world(driver: &str) -> RedirectWorld {
    let mut world = RedirectWorld::default();
    for (name, value) in [
        ("client-id", "us"),
        ("client-secret", SECRET),
        ("issuer-url", "https://op.example.com"),
        ("authorize-url", "https://op.example.com/authorize"),
        ("access-url", "https://op.example.com/token"),
        ("profile-url", "https://op.example.com/me"),
    ] {
        world.settings.insert(name.to_owned(), Value::Text(value.to_owned()));
    }
    if driver == "openid" {
        world.cache.insert(DOCUMENT.to_owned(), (document(), 0));
    }
    world
}

fn document() -> String {
    let document = json!({
        "issuer": "https://op.example.com",
        "authorization_endpoint": "https://op.example.com/authorize",
        "token_endpoint": "https://op.example.com/token",
        "jwks_uri": "https://op.example.com/keys",
        "response_types_supported": ["code"],
    });
    document.to_string()
}

fn start() -> Start {
    Start { callback: CALLBACK.to_owned(), state: STATE.to_owned(), target: None, prompt: false }
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<Parameter> {
    pairs.iter().map(|(name, value)| Parameter { name: (*name).to_owned(), value: (*value).to_owned() }).collect()
}

fn arrival(memory: &str, parameters: &[(&str, &str)]) -> Arrival {
    Arrival { callback: CALLBACK.to_owned(), parameters: pairs(parameters), memory: Some(memory.to_owned()) }
}

/// All rules, in the order of the contract.
pub(crate) fn keeps_the_contract(name: &str, file: &Path) -> anyhow::Result<()> {
    let driver = RedirectHost::load(file)?;
    describes_itself(&driver, name)?;
    let memory = sends_the_browser_away(&driver, &world(name))?;
    knows_its_state_again(&driver, &world(name))?;
    says_when_it_cannot_know(&driver, &world(name), &memory)?;
    survives_nonsense(&driver, &world(name), &memory)
}

fn describes_itself(driver: &RedirectHost, name: &str) -> anyhow::Result<()> {
    let Description { name: called, fields, settings } = driver.describe()?;
    ensure!(called == name && fields.is_empty(), "it calls itself `{called}`, with {} fields", fields.len());
    ensure!(driver.describe()?.settings.len() == settings.len(), "it describes itself differently each time");
    for (place, setting) in settings.iter().enumerate() {
        ensure!(!setting.help.is_empty(), "the setting `{}` has no help", setting.name);
        ensure!(settings[..place].iter().all(|other| other.name != setting.name), "two settings `{}`", setting.name);
        ensure!(!(setting.required && setting.default.is_some()), "`{}` is required and has a default", setting.name);
        ensure!(!(setting.secret && setting.default.is_some()), "`{}` is secret and has a default", setting.name);
    }
    Ok(())
}

/// What it remembers stays out of the provider's sight, and is another thing each time.
fn sends_the_browser_away(driver: &RedirectHost, world: &RedirectWorld) -> anyhow::Result<String> {
    let (answer, after) = driver.begin(world.clone(), &start())?;
    let departure = answer.map_err(|refusal| anyhow::anyhow!("it does not begin: {refusal:?}"))?;
    ensure!(departure.to.url.starts_with("https://op.example.com/authorize?"), "{}", departure.to.url);
    ensure!(departure.to.url.contains(&format!("&state={STATE}")), "{}", departure.to.url);
    ensure!(departure.to.url.contains("here.example.com%2Fauth%2Flogin%2Fop%2Fcallback"), "{}", departure.to.url);
    ensure!(!departure.to.url.contains("prompt="), "{}", departure.to.url);
    let memory: serde_json::Value = serde_json::from_str(&departure.memory)?;
    let verifier = memory["verifier"].as_str().context("no verifier")?;
    ensure!(!departure.to.url.contains(verifier) && verifier != STATE, "the provider sees the verifier");
    let (answer, _) = driver.begin(after, &Start { prompt: true, ..start() })?;
    let other = answer.map_err(|refusal| anyhow::anyhow!("it begins once: {refusal:?}"))?;
    ensure!(other.memory != departure.memory, "it remembers the same each time");
    ensure!(other.to.url.contains("&prompt=consent&"), "{}", other.to.url);
    Ok(departure.memory)
}

fn knows_its_state_again(driver: &RedirectHost, world: &RedirectWorld) -> anyhow::Result<()> {
    for (parameters, expected) in [
        (pairs(&[("code", CODE), ("state", STATE)]), Some(STATE)),
        (pairs(&[("code", CODE)]), None),
        (pairs(&[]), None),
        (pairs(&[("state", STATE), ("state", "another")]), None),
    ] {
        let (claim, _) = driver
            .call(world.clone(), |driver, store| driver.gatewit_driver_redirect().call_recall(store, &parameters))?;
        ensure!(claim.state.as_deref() == expected && claim.target.is_none(), "{parameters:?}: {claim:?}");
    }
    Ok(())
}

/// A provider that is away is `unavailable`, and neither code nor secret is in a refusal or in the log.
fn says_when_it_cannot_know(driver: &RedirectHost, world: &RedirectWorld, memory: &str) -> anyhow::Result<()> {
    let (answer, after) = driver.finish(world.clone(), &arrival(memory, &[("code", CODE), ("state", STATE)]))?;
    let Err(Refusal::Unavailable(text)) = answer else { bail!("with nobody to ask it answers {answer:?}") };
    ensure!(after.requests == 1, "it asks {} times", after.requests);
    for told in after.log.iter().chain([&text]) {
        ensure!(!told.contains(CODE) && !told.contains(SECRET), "a secret is told: {told}");
    }
    let refresh = |auth_data: Option<&str>| {
        let call = driver
            .call(world.clone(), |driver, store| driver.gatewit_driver_refresh().call_refresh(store, "ann", auth_data));
        call.map(|(answer, _)| answer)
    };
    ensure!(refresh(None)? == Ok(None), "{:?}", refresh(None)?);
    let kept = Some(r#"{"refreshToken":"token"}"#);
    ensure!(matches!(refresh(kept)?, Err(Refusal::Unavailable(_))), "{:?}", refresh(kept)?);
    Ok(())
}

fn survives_nonsense(driver: &RedirectHost, world: &RedirectWorld, memory: &str) -> anyhow::Result<()> {
    let long = "x".repeat(1 << 20);
    let mut tries = vec![
        arrival(memory, &[]),
        arrival(memory, &[("error", "access_denied"), ("error_description", "no")]),
        arrival(memory, &[("code", CODE), ("code", CODE)]),
        arrival(&long, &[("code", CODE)]),
        arrival(memory, &[("code", &long)]),
        arrival(memory, &[(long.as_str(), long.as_str()); 3]),
    ];
    tries.extend(HOSTILE.map(|value| arrival(value, &[("code", CODE)])));
    tries.extend(
        HOSTILE.map(|value| arrival(memory, &[(value, value), ("code", value), ("state", value), ("iss", value)])),
    );
    for (place, arrival) in tries.iter().enumerate() {
        let (answer, _) = driver.finish(world.clone(), arrival).with_context(|| format!("it traps at try {place}"))?;
        ensure!(answer.is_err(), "try {place} signs in");
    }
    for value in HOSTILE.into_iter().chain([long.as_str()]) {
        let notice = pairs(&[("logout_token", value)]);
        let read = |world| {
            driver
                .call(world, |driver, store| driver.gatewit_driver_logout().call_read_notice(store, &notice, CALLBACK))
        };
        ensure!(read(world.clone())?.0.is_err(), "{value:?} is a notice");
        let mut open = world.clone();
        open.settings.insert("back-channel-logout".to_owned(), Value::Boolean(true));
        ensure!(read(open)?.0.is_err(), "{value:?} is a notice");
    }
    Ok(())
}

fn openid() -> anyhow::Result<RedirectHost> {
    RedirectHost::load(&guests::first_party("openid")?)
}

fn aged(document: String, age: u32) -> RedirectWorld {
    let mut world = world("openid");
    world.cache.insert(DOCUMENT.to_owned(), (document, age));
    world
}

async fn a_document_is_used_while_it_is_young() -> anyhow::Result<()> {
    for age in [0, 3_599] {
        let (answer, after) = openid()?.begin(aged(document(), age), &start())?;
        ensure!(answer.is_ok() && after.requests == 0, "{answer:?} after {} requests", after.requests);
    }
    Ok(())
}

async fn an_old_document_is_used_while_the_provider_is_away() -> anyhow::Result<()> {
    let driver = openid()?;
    let (answer, after) = driver.begin(aged(document(), 80_000), &start())?;
    ensure!(answer.is_ok() && after.requests == 1, "{answer:?} after {} requests", after.requests);
    ensure!(
        after.log.iter().any(|line| line.starts_with("the provider does not answer, an old copy is used")),
        "{:?}",
        after.log
    );
    // The next one does not even ask.
    let (answer, after) = driver.begin(after, &start())?;
    ensure!(answer.is_ok() && after.requests == 1, "{answer:?} after {} requests", after.requests);
    Ok(())
}

async fn a_provider_that_is_away_is_asked_once_in_a_while() -> anyhow::Result<()> {
    let driver = openid()?;
    let mut world = world("openid");
    world.cache.clear();
    for _ in 0..3 {
        let (answer, after) = driver.begin(world, &start())?;
        ensure!(matches!(&answer, Err(Refusal::Unavailable(text)) if text.contains("was refused")), "{answer:?}");
        ensure!(after.requests == 1, "{} requests", after.requests);
        world = after;
    }
    // The failure is forgotten by and by.
    world.cache.retain(|key, _| !key.starts_with("failure"));
    let (_, after) = driver.begin(world, &start())?;
    ensure!(after.requests == 2, "{} requests", after.requests);
    Ok(())
}

async fn a_document_that_cannot_be_read_is_asked_for_again() -> anyhow::Result<()> {
    for text in ["", "{", "{}", r#"{"issuer":"https://evil.example.com"}"#] {
        let (answer, after) = openid()?.begin(aged(text.to_owned(), 0), &start())?;
        ensure!(matches!(answer, Err(Refusal::Unavailable(_))) && after.requests == 1, "{text}: {answer:?}");
    }
    Ok(())
}

async fn settings_that_are_missing_are_named() -> anyhow::Result<()> {
    for (name, setting) in
        [("openid", "issuer-url"), ("openid", "client-id"), ("oauth2", "authorize-url"), ("oauth2", "client-id")]
    {
        let driver = RedirectHost::load(&guests::first_party(name)?)?;
        let mut world = world(name);
        world.settings.remove(setting);
        let (answer, _) = driver.begin(world, &start())?;
        let named = matches!(&answer, Err(Refusal::Misconfigured(text)) if text.contains(setting));
        ensure!(named, "{name} without {setting}: {answer:?}");
    }
    Ok(())
}
