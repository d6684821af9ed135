//! A real Directus and Gatewit on one database, with one `SECRET`: side by side, one after the other, and back. What one
//! of them issued is good at the other, and Gatewit's start changes nothing of what a Directus made.
//!
//! Where npm cannot install a Directus, these tests are skipped. What does not need one is in `adoption`.

mod database;
mod people;

use std::process::Command;

use anyhow::{Context as _, ensure};
use e2e::calls::{
    ADMIN, Caller, Tokens, in_session, login, logout, me, quick, refresh, refused, session_token, sign_in,
};
use e2e::client::{Client, Request};
use e2e::directus::Directus;
use e2e::runner::{Part, Test};
use e2e::server::{self, TestServer};
use e2e::{otp, tokens};
use serde_json::{Value, json};

use database::Database;
use people::{LATER, PLAIN, People, SUSPENDED};

/// The tests of this suite: one story for each database, because a Directus takes its time to start. Its chapters count.
pub(crate) fn tests() -> Vec<Test> {
    vec![
        Test::in_parts("directus::on_sqlite", || async {
            Directus::available().await?;
            story(&Database::sqlite()?).await
        }),
        Test::in_parts("directus::on_postgres", || async {
            Directus::available().await?;
            story(&Database::postgres()?).await
        }),
    ]
}

/// What came of the chapters.
#[derive(Default)]
struct Told(Vec<Part>);

impl Told {
    fn add(&mut self, name: &str, result: anyhow::Result<()>) {
        self.0.push(Part { name: name.to_owned(), failure: result.err().map(|error| format!("{error:#}")) });
    }
}

/// Shared, taken over, and handed back.
async fn story(database: &Database) -> anyhow::Result<Vec<Part>> {
    let mut told = Told::default();
    let settings = database.settings();
    Directus::bootstrap(&settings).await?;
    let directus = Directus::start(&settings).await?;
    let mut people = People::invite(&directus).await.context("setting up accounts at Directus")?;
    let theirs = Sessions::begin(&mut directus.client(), PLAIN).await.context("signing in at Directus")?;
    let left = Sessions::begin(&mut directus.client(), LATER).await.context("signing in at Directus")?;

    told.add("doctor tells what is there and touches nothing", told_before_a_start(database).await);
    let before = database.picture().await?;
    let gatewit = TestServer::start(&quick(&settings)).await?;
    told.add("a start changes neither tables nor rows", database.picture().await?.expect_same(&before));

    let both = Both { directus: directus.client(), gatewit: gatewit.client() };
    told.add("both show the same to everybody", everything_looks_the_same(&both, &people).await);
    told.add("sessions of Directus go on at Gatewit and back", theirs.go_on(&both).await);
    let ours = Sessions::begin(&mut gatewit.client(), PLAIN).await.context("signing in at Gatewit")?;
    told.add("sessions of Gatewit go on at Directus and back", ours.go_on(&both.turned()).await);
    told.add("credentials hold beside Directus", credentials_hold(&both.gatewit, &mut people).await);
    told.add("a sign-out at one holds at the other", a_sign_out_holds_for_both(&both).await);
    told.add("changes at one hold at the other", changes_hold_for_both(&both, &people).await);
    drop(directus);

    let host = gatewit.client();
    let alone = Both { directus: host.clone(), gatewit: host.clone() };
    told.add("sessions of Directus go on without it", left.go_on(&alone).await);
    told.add("credentials hold without Directus", credentials_hold(&host, &mut people).await);
    let kept = Sessions::begin(&mut gatewit.client(), LATER).await?;
    drop(gatewit);
    let again = TestServer::start(&quick(&settings)).await?;
    let session = again.client().send(&in_session("refresh", &kept.session)).await?;
    told.add("sessions of Gatewit outlive a restart", session_token(&session).map(drop));

    let handed = Sessions::begin(&mut again.client(), LATER).await?;
    let directus = Directus::start(&settings).await?;
    let both = Both { directus: directus.client(), gatewit: again.client() };
    told.add("sessions of Gatewit are handed back to Directus", handed.go_on(&both.turned()).await);
    told.add("the tables are as they were in the end", database.picture().await?.expect_same_tables(&before));
    Ok(told.0)
}

/// Somebody's sessions in each mode.
struct Sessions {
    json: Tokens,
    /// The refresh token of the mode `cookie`.
    cookie: String,
    /// The token in the cookie of the mode `session`.
    session: String,
}

/// A client of each server.
struct Both {
    directus: Client,
    gatewit: Client,
}

impl Both {
    /// With the servers in each other's place.
    fn turned(&self) -> Self {
        Self { directus: self.gatewit.clone(), gatewit: self.directus.clone() }
    }
}

/// `POST /auth/refresh` in the mode `cookie`.
fn by_cookie(token: &str) -> Request {
    let request = Request::new("POST", "/auth/refresh").json(&json!({"mode": "cookie"}));
    request.header("Cookie", &format!("directus_refresh_token={token}"))
}

/// The refresh token in the cookie that an answer sets.
fn refresh_cookie(answer: &e2e::client::Response) -> anyhow::Result<String> {
    ensure!(answer.status == 200, "{} {}", answer.status, answer.text());
    let cookie = answer.all("set-cookie").find_map(|cookie| cookie.strip_prefix("directus_refresh_token="));
    let token = cookie.and_then(|rest| rest.split(';').next()).filter(|token| !token.is_empty());
    Ok(token.context("no refresh cookie")?.to_owned())
}

/// The `session` that a token of the mode `session` names.
fn session_of(token: &str) -> anyhow::Result<String> {
    let (_, claims) = tokens::open(token, server::SECRET)?;
    let claims: Value = serde_json::from_str(&claims)?;
    Ok(claims["session"].as_str().context("no `session` in the token")?.to_owned())
}

impl Sessions {
    async fn begin(client: &mut Client, account: (&str, &str)) -> anyhow::Result<Self> {
        let json = sign_in(client, account).await.context("json")?;
        let cookie = refresh_cookie(&client.send(&login(account, "cookie")).await?).context("cookie")?;
        let session = session_token(&client.send(&login(account, "session")).await?).context("session")?;
        Ok(Self { json, cookie, session })
    }

    /// From where they began to the other server, back, and there again, with every token in between shown to both.
    async fn go_on(&self, both: &Both) -> anyhow::Result<()> {
        let (mut here, mut there) = (both.directus.clone(), both.gatewit.clone());
        let (mut json, mut cookie, mut session) = (self.json.clone(), self.cookie.clone(), self.session.clone());
        for turn in 1..=3 {
            for (client, whose) in [(&mut here, "where it began"), (&mut there, "the other")] {
                for token in [&json.access, &session] {
                    let answer = client.send(&me(token)).await?;
                    ensure!(answer.status == 200, "turn {turn}, {whose}: {} {}", answer.status, answer.text());
                }
            }
            let place = format!("turn {turn}");
            json = Tokens::of(&there.send(&refresh(&json.refresh)).await?).with_context(|| format!("json, {place}"))?;
            cookie =
                refresh_cookie(&there.send(&by_cookie(&cookie)).await?).with_context(|| format!("cookie, {place}"))?;
            let next = session_token(&there.send(&in_session("refresh", &session)).await?)
                .with_context(|| format!("session, {place}"))?;
            // Another tab that asks the other server meanwhile ends up in the same session.
            let tab = session_token(&here.send(&in_session("refresh", &session)).await?)
                .with_context(|| format!("session in another tab, {place}"))?;
            ensure!(session_of(&tab)? == session_of(&next)?, "{place}: two sessions from one");
            session = next;
            std::mem::swap(&mut here, &mut there);
        }
        Ok(())
    }
}

async fn told_before_a_start(database: &Database) -> anyhow::Result<()> {
    let before = database.picture().await?;
    let folder = tempfile::tempdir()?;
    let mut command: Command = server::command(folder.path(), &database.settings())?;
    command.arg("doctor");
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    for line in [
        "found: tables of a Directus, 7 accounts, 11 sessions",
        "untouched: no table, column or index of Directus is added, changed or removed",
        "tokens: kept as they are, as Directus does",
    ] {
        ensure!(told.contains(line), "no {line:?} in\n{told}");
    }
    // Version 11 has all that is known of.
    ensure!(!told.contains("missing:") && !told.contains("cannot start"), "{told}");
    database.picture().await?.expect_same(&before)
}

/// What people can read of accounts and rights.
const VIEWS: [&str; 17] = [
    "/users/me",
    "/users/me?fields=id,email,role.name",
    "/users/me?fields=id,email,role.name,policies.policy.name",
    "/users?sort=email",
    "/users?fields=email,status,role.policies.policy.name&filter[status][_neq]=suspended&sort=-email",
    "/users?search=plain&fields=email,role.users.email",
    "/roles?sort=name",
    "/policies?sort=name",
    "/access?sort=id",
    "/permissions?sort=id",
    "/settings?fields=id,project_name,auth_login_attempts,auth_password_policy,public_registration,default_language",
    "/policies/me/globals",
    "/roles/me",
    "/permissions/me",
    "/activity?sort=id&filter[action][_eq]=create",
    "/activity?sort=id&fields=action,user,collection,item,ip,timestamp&filter[action][_eq]=login",
    "/shares",
];

async fn everything_looks_the_same(both: &Both, people: &People) -> anyhow::Result<()> {
    let mut different = Vec::new();
    let callers = [
        ("administrator", people.admin.as_str()),
        ("plain", &people.plain),
        ("static", &people.fixed),
        ("narrow", &people.narrow),
        ("nobody", ""),
    ];
    for (name, token) in callers {
        let mut there = Caller::with(both.directus.clone(), token);
        let mut here = Caller::with(both.gatewit.clone(), token);
        for view in VIEWS {
            let theirs = there.send("GET", view, &Value::Null).await?;
            let ours = here.send("GET", view, &Value::Null).await?;
            let (shown, expected) = (comparable(ours.json()?), comparable(theirs.json()?));
            if (ours.status, &shown) != (theirs.status, &expected) {
                different.push(format!("{name} {view}\n  Directus: {expected}\n  Gatewit:  {shown}"));
            }
        }
    }
    ensure!(different.is_empty(), "{}", different.join("\n"));
    Ok(())
}

/// An answer without what has nothing to do with accounts (`docs/differences.md`): rights on collections that are not
/// here, those that everybody has by being let into the app, and a line that the app draws. Rights are sets.
fn comparable(mut answer: Value) -> Value {
    match answer.get_mut("data") {
        Some(Value::Object(rights)) if rights.contains_key("directus_users") => {
            rights.retain(|collection, _| COLLECTIONS.contains(&collection.as_str()));
            for rule in rights.values_mut().filter_map(Value::as_object_mut).flat_map(|rules| rules.values_mut()) {
                if let Some(Value::Array(fields)) = rule.get_mut("fields") {
                    fields.retain(|field| field != "preferences_divider");
                    fields.sort_by_key(ToString::to_string);
                }
            }
        }
        Some(Value::Array(rows)) => rows.retain(|row| row.get("system").is_none()),
        _ => {}
    }
    answer
}

/// The collections that are here.
const COLLECTIONS: [&str; 9] = [
    "directus_users",
    "directus_roles",
    "directus_policies",
    "directus_access",
    "directus_permissions",
    "directus_settings",
    "directus_activity",
    "directus_revisions",
    "directus_shares",
];

/// Passwords, a second factor, a static token; and whoever is suspended stays out.
async fn credentials_hold(client: &Client, people: &mut People) -> anyhow::Result<()> {
    let mut client = client.clone();
    refused(&client.send(&login((PLAIN.0, "wrong"), "json")).await?, 401, "INVALID_CREDENTIALS")?;
    sign_in(&mut client, ADMIN).await.context("administrator")?;
    sign_in(&mut client, (&PLAIN.0.to_uppercase(), PLAIN.1)).await.context("in capitals")?;
    let (account, key) = people.factors.pop().context("no second factor is left")?;
    refused(&client.send(&login((&account, PLAIN.1), "json")).await?, 401, "INVALID_OTP")?;
    otp::settle().await?;
    let mut body = json!({"email": account, "password": PLAIN.1, "otp": otp::code(&key, 3)?});
    refused(&client.send(&Request::new("POST", "/auth/login").json(&body)).await?, 401, "INVALID_OTP")?;
    body["otp"] = otp::code(&key, 0)?.into();
    Tokens::of(&client.send(&Request::new("POST", "/auth/login").json(&body)).await?).context("second factor")?;
    let answer = client.send(&me(&people.fixed)).await?;
    ensure!(answer.status == 200, "static token: {} {}", answer.status, answer.text());
    refused(&client.send(&login(SUSPENDED, "json")).await?, 401, "INVALID_CREDENTIALS")?;
    refused(&client.send(&me(&people.suspended)).await?, 401, "INVALID_CREDENTIALS")?;
    refused(&client.send(&refresh(&people.ended)).await?, 401, "INVALID_CREDENTIALS")
}

async fn a_sign_out_holds_for_both(both: &Both) -> anyhow::Result<()> {
    let (mut there, mut here) = (both.directus.clone(), both.gatewit.clone());
    for (one, other) in [(&mut there.clone(), &mut here), (&mut both.gatewit.clone(), &mut there)] {
        let sessions = Sessions::begin(other, PLAIN).await?;
        ensure!(one.send(&logout(&sessions.json.refresh)).await?.status == 204);
        refused(&other.send(&refresh(&sessions.json.refresh)).await?, 401, "INVALID_CREDENTIALS")?;
        ensure!(one.send(&in_session("logout", &sessions.session)).await?.status == 204);
        refused(&other.send(&me(&sessions.session)).await?, 401, "INVALID_CREDENTIALS")?;
    }
    Ok(())
}

/// Accounts that are made, changed and suspended at one server are so at the other.
async fn changes_hold_for_both(both: &Both, people: &People) -> anyhow::Result<()> {
    for (index, (one, other)) in
        [(&both.directus, &both.gatewit), (&both.gatewit, &both.directus)].into_iter().enumerate()
    {
        let (mut one, mut other) =
            (Caller::with(one.clone(), &people.admin), Caller::with(other.clone(), &people.admin));
        let email = format!("new{index}@example.com");
        let account = json!({"email": email, "password": "First-password1", "role": people.role});
        let made = one.data("POST", "/users", &account).await?;
        let path = format!("/users/{}", made["id"].as_str().context("no id")?);
        let session = sign_in(other.client(), (&email, "First-password1")).await.context("an account that was made")?;
        one.data("PATCH", &path, &json!({"password": "Second-password1"})).await?;
        refused(&other.client().send(&refresh(&session.refresh)).await?, 401, "INVALID_CREDENTIALS")?;
        let again = sign_in(other.client(), (&email, "Second-password1")).await.context("a password that was set")?;
        other.data("PATCH", &path, &json!({"status": "suspended"})).await?;
        refused(&one.client().send(&refresh(&again.refresh)).await?, 401, "INVALID_CREDENTIALS")?;
        refused(&one.client().send(&login((&email, "Second-password1"), "json")).await?, 401, "INVALID_CREDENTIALS")?;
        ensure!(one.send("DELETE", &path, &Value::Null).await?.status == 204, "deleting");
        refused(&other.send("GET", &path, &Value::Null).await?, 403, "FORBIDDEN")?;
    }
    Ok(())
}
