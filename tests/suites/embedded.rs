//! Gatewit inside of this very process: typed calls, what a program may bring, the layer for its own routes, and how it ends.

mod layer;
mod memory;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use e2e::calls::quick;
use e2e::guests;
use e2e::server::SECRET;
use gatewit_host::{Client, Config, Credentials, Gatewit, Held, Mailer, NotSent, Refused, WrittenLetter, async_trait};
use layer::{a_layer_may_want_somebody, a_route_of_the_program_knows_who_asks};
use memory::Memory;
use serde_json::Value;
use tempfile::TempDir;

e2e::suite! {
    people_sign_in_and_out_by_calls,
    one_token_ends_with_its_session,
    every_refusal_has_the_code_of_the_wire,
    sessions_are_listed_and_ended,
    who_must_set_up_a_second_factor_is_nobody_yet,
    letters_go_out_by_the_program,
    people_register_by_calls,
    a_database_of_the_program_keeps_everything,
    a_component_of_the_program_serves_providers,
    two_servers_in_one_process_know_nothing_of_each_other,
    a_call_that_is_given_up_harms_nobody,
    after_the_end_calls_are_refused,
    a_runtime_that_ends_first_takes_nothing_along,
    settings_that_are_wrong_are_named,
    a_route_of_the_program_knows_who_asks,
    a_layer_may_want_somebody,
}

const ADMIN: (&str, &str) = ("admin@example.com", "Adm1n-password");

/// A server, and the folder that goes with it.
struct Inside {
    gatewit: Gatewit,
    data: TempDir,
}

/// What it is set to, with `more`.
fn config(data: &TempDir, more: &[(&str, &str)]) -> anyhow::Result<Config> {
    let folder = data.path().display().to_string();
    let settings = [
        ("GATEWIT_DATA", folder.as_str()),
        ("SECRET", SECRET),
        ("ADMIN_EMAIL", ADMIN.0),
        ("ADMIN_PASSWORD", ADMIN.1),
        ("LOGIN_STALL_TIME", "0"),
    ];
    let settings: Vec<_> = quick(&settings).into_iter().chain(more.iter().copied()).collect();
    Ok(Config::from_variables(settings)?.0)
}

async fn start(more: &[(&str, &str)]) -> anyhow::Result<Inside> {
    let data = tempfile::tempdir()?;
    let gatewit = Gatewit::start(config(&data, more)?).await?;
    Ok(Inside { gatewit, data })
}

fn client() -> Client {
    Client {
        address: Some([192, 0, 2, 7].into()),
        user_agent: Some("the program".to_owned()),
        origin: Some("https://app.example.com".to_owned()),
    }
}

fn admin() -> Credentials {
    Credentials::password(ADMIN.0, ADMIN.1)
}

/// The code of a refusal.
fn code<T>(answer: Result<T, Refused>) -> &'static str {
    answer.err().map_or("", |refused| refused.code())
}

async fn people_sign_in_and_out_by_calls() -> anyhow::Result<()> {
    let Inside { gatewit, data: _data } = start(&[]).await?;
    let tokens = gatewit.login(&admin(), &client()).await?;
    ensure!(tokens.expires_in == Duration::from_mins(15), "{tokens:?}");
    let refresh_token = tokens.refresh_token.clone().context("no refresh token")?;

    let person = gatewit.verify(&tokens.access_token, &client()).await?;
    ensure!(person.admin && person.app && person.share.is_none() && person.policies.len() == 1, "{person:?}");
    let me = gatewit.me(&tokens.access_token, &["id".to_owned(), "email".to_owned()], &client()).await?;
    let me: Value = serde_json::from_str(&me)?;
    ensure!(me["email"] == ADMIN.0 && me["id"].as_str() == person.user.as_deref(), "{me}");

    let next = gatewit.refresh(Held::RefreshToken(refresh_token.clone()), &client()).await?;
    let next = next.refresh_token.context("no refresh token")?;
    ensure!(next != refresh_token, "the refresh token is not a new one");
    gatewit.logout(Held::RefreshToken(next.clone()), &client()).await?;
    ensure!(code(gatewit.refresh(Held::RefreshToken(next), &client()).await) == "INVALID_CREDENTIALS");
    // A token that is not known is no error.
    gatewit.logout(Held::RefreshToken("nobody's".to_owned()), &client()).await?;
    gatewit.close().await;
    Ok(())
}

async fn one_token_ends_with_its_session() -> anyhow::Result<()> {
    let Inside { gatewit, data: _data } = start(&[]).await?;
    let tokens = gatewit.login(&Credentials { one_token: true, ..admin() }, &client()).await?;
    ensure!(tokens.refresh_token.is_none(), "a session has no refresh token");
    let held = Held::SessionToken(tokens.access_token);
    let next = gatewit.refresh(held, &client()).await?;
    ensure!(gatewit.verify(&next.access_token, &client()).await?.admin);
    gatewit.logout(Held::SessionToken(next.access_token.clone()), &client()).await?;
    let late = code(gatewit.verify(&next.access_token, &client()).await);
    ensure!(late == "INVALID_CREDENTIALS", "{late}");
    Ok(())
}

async fn every_refusal_has_the_code_of_the_wire() -> anyhow::Result<()> {
    let Inside { gatewit, data: _data } = start(&[]).await?;
    let attempt = async |credentials: &Credentials| code(gatewit.login(credentials, &client()).await);
    ensure!(attempt(&Credentials::password(ADMIN.0, "wrong")).await == "INVALID_CREDENTIALS");
    ensure!(attempt(&Credentials::password("nobody@example.com", "wrong")).await == "INVALID_CREDENTIALS");
    ensure!(attempt(&Credentials::password("no address", "wrong")).await == "INVALID_PAYLOAD");
    ensure!(attempt(&Credentials { fields: BTreeMap::new(), ..admin() }).await == "INVALID_PAYLOAD");
    ensure!(attempt(&Credentials { provider: "nowhere".to_owned(), ..admin() }).await == "INVALID_PAYLOAD");

    let verify = async |token: &str| gatewit.verify(token, &client()).await;
    let refused = verify("not a token").await.err().context("let in")?;
    ensure!((refused.code(), refused.status()) == ("INVALID_CREDENTIALS", 401), "{refused:?}");
    ensure!(refused.to_string() == "Invalid user credentials." && refused.retry_after().is_none());
    let tokens = gatewit.login(&admin(), &client()).await?;
    let forged = format!("{}x", tokens.access_token);
    ensure!(code(verify(&forged).await) == "INVALID_TOKEN");
    ensure!(code(gatewit.reset_password("no token", "new", &client()).await) == "INVALID_TOKEN");
    ensure!(code(gatewit.accept_invitation("no token", "new", &client()).await) == "INVALID_TOKEN");
    // Nothing secret is in what a log may get to see.
    let shown = format!("{tokens:?} {:?} {:?}", admin(), Held::RefreshToken("r3fresh".to_owned()));
    ensure!(!shown.contains("Adm1n") && !shown.contains("r3fresh") && !shown.contains(&tokens.access_token), "{shown}");
    Ok(())
}

async fn sessions_are_listed_and_ended() -> anyhow::Result<()> {
    let Inside { gatewit, data: _data } = start(&[]).await?;
    let here = gatewit.login(&Credentials { one_token: true, ..admin() }, &client()).await?.access_token;
    let elsewhere = Client { address: None, user_agent: Some("elsewhere".to_owned()), origin: None };
    let there = gatewit.login(&Credentials { one_token: true, ..admin() }, &elsewhere).await?.access_token;
    let sessions = gatewit.sessions(&here, &client()).await?;
    let (current, other): (Vec<_>, Vec<_>) = sessions.into_iter().partition(|session| session.current);
    ensure!(current.len() == 1 && current[0].client == client(), "{current:?}");
    ensure!(other.len() == 1 && other[0].client == elsewhere, "{other:?}");
    ensure!(code(gatewit.end_session(&here, "no such session", &client()).await) == "FORBIDDEN");
    gatewit.end_session(&here, &other[0].id, &client()).await?;
    ensure!(code(gatewit.verify(&there, &elsewhere).await) == "INVALID_CREDENTIALS");

    for _ in 0..2 {
        gatewit.login(&admin(), &elsewhere).await?;
    }
    ensure!(gatewit.end_other_sessions(&here, &client()).await? == 2);
    ensure!(gatewit.sessions(&here, &client()).await?.len() == 1);
    Ok(())
}

async fn who_must_set_up_a_second_factor_is_nobody_yet() -> anyhow::Result<()> {
    let (database, data) = (Memory::new().await?, tempfile::tempdir()?);
    let gatewit = Gatewit::builder(config(&data, &[])?).storage(database.clone()).start().await?;
    let token = gatewit.login(&admin(), &client()).await?.access_token;
    gatewit.verify(&token, &client()).await?;
    database.run("update directus_policies set enforce_tfa = true").await?;
    let token = gatewit.login(&admin(), &client()).await?.access_token;
    let refused = gatewit.verify(&token, &client()).await.err().context("let in")?;
    ensure!(refused.code() == "FORBIDDEN" && refused.to_string().contains("second factor"), "{refused}");
    ensure!(code(gatewit.sessions(&token, &client()).await) == "FORBIDDEN");
    Ok(())
}

/// A mailer that keeps what it is given, after it has not taken the first.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<(u32, Vec<WrittenLetter>)>>);

#[async_trait]
impl Mailer for Kept {
    async fn send(&self, letter: WrittenLetter) -> Result<(), NotSent> {
        let mut kept = self.0.lock().unwrap();
        kept.0 += 1;
        if kept.0 == 1 {
            return Err(NotSent::Later("not now".to_owned()));
        }
        kept.1.push(letter);
        Ok(())
    }
}

impl Kept {
    /// The token in the next letter, when it is there.
    async fn token(&self, recipient: &str) -> anyhow::Result<String> {
        for _ in 0..500 {
            if let Some(letter) = self.0.lock().unwrap().1.pop() {
                ensure!(letter.recipient == recipient && !letter.subject.is_empty(), "{letter:?}");
                let message = String::from_utf8(letter.message)?;
                ensure!(message.contains(&format!("\r\nTo: {recipient}\r\n")), "{message}");
                let token = letter.links.iter().find_map(|link| link.split_once("token="));
                let (_, token) = token.with_context(|| format!("no token in {:?}", letter.links))?;
                return Ok(token.to_owned());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        anyhow::bail!("no letter came")
    }
}

async fn letters_go_out_by_the_program() -> anyhow::Result<()> {
    let (mailer, data) = (Kept::default(), tempfile::tempdir()?);
    let settings = [("PUBLIC_URL", "https://auth.example.com"), ("GATEWIT_MAIL_RETRY_AFTER", "1s")];
    let gatewit = Gatewit::builder(config(&data, &settings)?).mailer(mailer.clone()).start().await?;
    gatewit.request_password_reset("nobody@example.com", None, &client()).await?;
    gatewit.request_password_reset(ADMIN.0, None, &client()).await?;
    let token = mailer.token(ADMIN.0).await?;
    gatewit.reset_password(&token, "Another-password1", &client()).await?;
    ensure!(code(gatewit.login(&admin(), &client()).await) == "INVALID_CREDENTIALS");
    gatewit.login(&Credentials::password(ADMIN.0, "Another-password1"), &client()).await?;
    Ok(())
}

async fn people_register_by_calls() -> anyhow::Result<()> {
    let (mailer, database, data) = (Kept::default(), Memory::new().await?, tempfile::tempdir()?);
    let settings = [("PUBLIC_URL", "https://auth.example.com"), ("GATEWIT_MAIL_RETRY_AFTER", "1s")];
    let builder = Gatewit::builder(config(&data, &settings)?).mailer(mailer.clone()).storage(database.clone());
    let gatewit = builder.start().await?;
    let register = async || gatewit.register("new@example.com", "New-password1", None, &client()).await;
    ensure!(code(register().await) == "FORBIDDEN");
    database.run("update directus_settings set public_registration = true").await?;
    register().await?;
    let credentials = Credentials::password("new@example.com", "New-password1");
    ensure!(code(gatewit.login(&credentials, &client()).await) == "INVALID_CREDENTIALS");
    let token = mailer.token("new@example.com").await?;
    let account = gatewit.verify_registration(&token, &client()).await?;
    let tokens = gatewit.login(&credentials, &client()).await?;
    let person = gatewit.verify(&tokens.access_token, &client()).await?;
    ensure!(person.user == Some(account) && !person.admin, "{person:?}");
    Ok(())
}

async fn a_database_of_the_program_keeps_everything() -> anyhow::Result<()> {
    let (database, data) = (Memory::new().await?, tempfile::tempdir()?);
    let first = Gatewit::builder(config(&data, &[])?).storage(database.clone()).start().await?;
    let held = first.login(&admin(), &client()).await?.refresh_token.context("no refresh token")?;
    // Many at once: each change is one that others may stand in the way of.
    let mut logins = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let gatewit = first.clone();
        logins.spawn(async move { gatewit.login(&admin(), &client()).await });
    }
    for login in logins.join_all().await {
        login?;
    }
    first.close().await;
    ensure!(!data.path().join("gatewit.db").exists(), "a file was made all the same");

    let second = Gatewit::builder(config(&data, &[])?).storage(database).start().await?;
    ensure!(second.first_admin().is_none(), "the accounts are gone");
    let tokens = second.refresh(Held::RefreshToken(held), &client()).await?;
    ensure!(second.sessions(&tokens.access_token, &client()).await?.len() == 17);
    Ok(())
}

async fn a_component_of_the_program_serves_providers() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let settings = [("AUTH_PROVIDERS", "acme"), ("AUTH_ACME_DRIVER", "rogue")];
    let wasm = std::fs::read(guests::file("rogue")?)?;
    let gatewit = Gatewit::builder(config(&data, &settings)?).component("rogue", wasm).start().await?;
    let providers = gatewit.providers().await?;
    ensure!(providers.len() == 1 && providers[0].name == "acme" && providers[0].driver == "rogue", "{providers:?}");
    let fields = [("what", "trap"), ("value", "now")];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let attempt = Credentials { provider: "acme".to_owned(), fields, ..admin() };
    ensure!(code(gatewit.login(&attempt, &client()).await) == "SERVICE_UNAVAILABLE");

    let broken = Gatewit::builder(config(&data, &[])?).component("auth", *b"\0asm no component").start().await;
    let told = broken.err().context("it started")?;
    ensure!(format!("{:#}", anyhow::Error::from(told)).contains("auth"), "the component is not named");
    Ok(())
}

async fn two_servers_in_one_process_know_nothing_of_each_other() -> anyhow::Result<()> {
    let one = start(&[]).await?;
    let other = start(&[("SECRET", "another secret, which is long enough for everybody")]).await?;
    let tokens = one.gatewit.login(&admin(), &client()).await?;
    one.gatewit.verify(&tokens.access_token, &client()).await?;
    ensure!(code(other.gatewit.verify(&tokens.access_token, &client()).await) == "INVALID_TOKEN");
    ensure!(one.data.path() != other.data.path());
    one.gatewit.close().await;
    other.gatewit.login(&admin(), &client()).await?;
    Ok(())
}

async fn a_call_that_is_given_up_harms_nobody() -> anyhow::Result<()> {
    let Inside { gatewit, data: _data } = start(&[]).await?;
    for micros in (0..4000).step_by(200) {
        let login = async { gatewit.login(&admin(), &client()).await };
        let _ = tokio::time::timeout(Duration::from_micros(micros), login).await;
    }
    let tokens = gatewit.login(&admin(), &client()).await?;
    ensure!(gatewit.verify(&tokens.access_token, &client()).await?.admin);
    Ok(())
}

async fn after_the_end_calls_are_refused() -> anyhow::Result<()> {
    let Inside { gatewit, data: _data } = start(&[]).await?;
    let tokens = gatewit.login(&admin(), &client()).await?;
    let also = gatewit.clone();
    gatewit.close().await;
    gatewit.close().await;
    ensure!(code(also.login(&admin(), &client()).await) == "SERVICE_UNAVAILABLE");
    ensure!(code(also.verify(&tokens.access_token, &client()).await) == "SERVICE_UNAVAILABLE");
    ensure!(code(also.providers().await) == "SERVICE_UNAVAILABLE");
    Ok(())
}

async fn a_runtime_that_ends_first_takes_nothing_along() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let config = config(&data, &[])?;
    let inner = config.clone();
    let task = move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let held = runtime.block_on(async {
            let gatewit = Gatewit::start(inner).await?;
            let tokens = gatewit.login(&admin(), &client()).await?;
            // Under way when the runtime goes.
            let calls = gatewit.clone();
            tokio::spawn(async move { while calls.login(&admin(), &client()).await.is_ok() {} });
            tokens.refresh_token.context("no refresh token")
        });
        runtime.shutdown_timeout(Duration::from_secs(5));
        held
    };
    let held: anyhow::Result<String> = tokio::task::spawn_blocking(task).await?;
    let gatewit = Gatewit::start(config).await?;
    gatewit.refresh(Held::RefreshToken(held?), &client()).await?;
    Ok(())
}

async fn settings_that_are_wrong_are_named() -> anyhow::Result<()> {
    let wrong = [("DB_CLIENT", "punchcards"), ("ACCESS_TOKEN_TTL", "soon"), ("GATEWIT_NO_SUCH_SETTING", "1")];
    let told = Config::from_variables(wrong).err().context("they were taken")?.to_string();
    ensure!(wrong.iter().all(|(name, _)| told.contains(name)), "{told}");
    let data = tempfile::tempdir()?;
    let refused = Gatewit::start(config(&data, &[("AUTH_PROVIDERS", "acme"), ("AUTH_ACME_DRIVER", "ldap")])?).await;
    let told = refused.err().context("it started")?.to_string();
    ensure!(told.contains("AUTH_ACME_USER_DN"), "{told}");
    Ok(())
}
