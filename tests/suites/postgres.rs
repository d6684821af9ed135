//! Hosts on a PostgreSQL: alone, several on one database, and with the server away for a while.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use e2e::calls::{self, ADMIN, EDITOR, Tokens, USER, login, logout, me, quick, refresh, refused, sign_in};
use e2e::client::{Client, Request};
use e2e::needs::{self, Skip};
use e2e::postgres::Postgres;
use e2e::server::TestServer;
use e2e::{fixture, postgres, server};

e2e::suite! {
    people_sign_in_and_out_and_are_on_record,
    hosts_that_start_together_make_the_tables_once,
    refreshes_at_several_hosts_get_one_successor,
    what_happens_at_one_host_holds_at_the_others,
    a_server_that_is_away_is_told_at_once_and_comes_back,
    what_cannot_be_reached_is_named_without_the_password,
    encryption_verifies_the_server_unless_told_otherwise,
}

/// Hosts on one database.
const HOSTS: usize = 3;
/// Refreshes at the same time, at each host.
const AT_ONCE: usize = 4;
/// What an answer may take while the database is away: less than a client's patience, more than a busy machine needs.
const AT_ONCE_AWAY: Duration = Duration::from_secs(5);
/// How long it may take until answers are right again.
const RECOVERY: Duration = Duration::from_secs(20);

/// A database server of the test's own.
fn database_server() -> Result<Postgres, Skip> {
    Postgres::start().map_err(skip)
}

fn skip(missing: postgres::Missing) -> Skip {
    Skip(missing.0)
}

/// Settings of a database, with what makes sign-ins quick.
fn settings<'a>(database: &'a [(&'static str, String)], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let database = database.iter().map(|(name, value)| (*name, value.as_str()));
    quick(more).into_iter().chain(database).collect()
}

/// Fills a database whose schema a host has made with `fixtures/seed.sql`.
fn seed(server: &Postgres, database: &str) -> anyhow::Result<()> {
    let statements = std::fs::read_to_string(fixture::folder().join("seed.sql"))?;
    // The seed brings its own numbers, which the database does not count.
    let counted = "; select setval(pg_get_serial_sequence('directus_permissions', 'id'), 100);";
    server.query(database, &format!("{statements}{counted}"))?;
    Ok(())
}

async fn people_sign_in_and_out_and_are_on_record() -> anyhow::Result<()> {
    for storage in ["hashed", "plain"] {
        let server = database_server()?;
        let database = server.database("gatewit")?;
        let host = TestServer::start(&settings(&database, &[("GATEWIT_TOKEN_STORAGE", storage)])).await?;
        seed(&server, "gatewit")?;
        let mut client = host.client();
        refused(&client.send(&login((USER.0, "wrong"), "json")).await?, 401, "INVALID_CREDENTIALS")?;
        let first = sign_in(&mut client, ("User@Example.com", USER.1)).await?;
        let editor = sign_in(&mut client, EDITOR).await?;
        let read = client.send(&me(&editor.access)).await?;
        ensure!(read.json()?["data"]["first_name"] == "Ed", "{}", read.text());
        let second = Tokens::of(&client.send(&refresh(&first.refresh)).await?)?;
        ensure!(client.send(&logout(&second.refresh)).await?.status == 204);
        refused(&client.send(&refresh(&second.refresh)).await?, 401, "INVALID_CREDENTIALS")?;

        let administrator = sign_in(&mut client, ADMIN).await?;
        let bearer = format!("Bearer {}", administrator.access);
        let health = client.send(&Request::new("GET", "/server/health").header("Authorization", &bearer)).await?;
        ensure!(health.json()?["checks"]["pg:responseTime"][0]["status"] == "ok", "{}", health.text());

        let recorded = server.query("gatewit", "SELECT action FROM directus_activity ORDER BY id")?;
        ensure!(recorded == "login\nlogin\nlogout\nlogin\n", "{storage}: {recorded}");
        let kept = server.query("gatewit", "SELECT token FROM directus_sessions")?;
        ensure!(kept.contains(&administrator.refresh) == (storage == "plain"), "{storage}: {kept}");
        ensure!(!host.log().contains("1,2'3"), "the password of the database is in the log");
    }
    Ok(())
}

/// Hosts that start at the same time on one database.
async fn hosts(settings: &[(&str, &str)]) -> anyhow::Result<Vec<TestServer>> {
    let owned: Vec<(String, String)> = settings.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let start = |owned: Vec<(String, String)>| async move {
        let settings: Vec<_> = owned.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        TestServer::start(&settings).await
    };
    let started: Vec<_> = (0..HOSTS).map(|_| tokio::spawn(start(owned.clone()))).collect();
    let mut hosts = Vec::new();
    for host in started {
        hosts.push(host.await??);
    }
    Ok(hosts)
}

async fn hosts_that_start_together_make_the_tables_once() -> anyhow::Result<()> {
    let server = database_server()?;
    let database = server.database("gatewit")?;
    let hosts = hosts(&settings(&database, &[("ADMIN_EMAIL", ADMIN.0), ("ADMIN_PASSWORD", ADMIN.1)])).await?;
    for host in &hosts {
        sign_in(&mut host.client(), ADMIN).await?;
    }
    let rows = server.query("gatewit", "SELECT count(*) FROM directus_users")?;
    ensure!(rows.trim() == "1", "{rows} administrators");
    let made = server.query("gatewit", "SELECT count(*) = max(number) FROM gatewit_migrations")?;
    ensure!(made.trim() == "t", "{made}");
    Ok(())
}

async fn refreshes_at_several_hosts_get_one_successor() -> anyhow::Result<()> {
    for storage in ["hashed", "plain"] {
        let server = database_server()?;
        let database = server.database("gatewit")?;
        let hosts = hosts(&settings(&database, &[("GATEWIT_TOKEN_STORAGE", storage)])).await?;
        seed(&server, "gatewit")?;
        let mut token = sign_in(&mut hosts[0].client(), USER).await?.refresh;
        for round in 1..=3 {
            let tab = |host: &TestServer| {
                let (address, token) = (host.address, token.clone());
                tokio::spawn(async move { Tokens::of(&Client::new(address).send(&refresh(&token)).await?) })
            };
            let tabs: Vec<_> =
                hosts.iter().flat_map(|host| (0..AT_ONCE).map(|_| tab(host)).collect::<Vec<_>>()).collect();
            let mut successors = Vec::new();
            for tab in tabs {
                successors.push(tab.await??.refresh);
            }
            ensure!(successors.iter().all(|next| *next == successors[0]), "{storage}: {successors:?}");
            ensure!(successors[0] != token, "{storage}: the token was not exchanged");
            token = successors.swap_remove(0);
            let rows = server.query("gatewit", "SELECT count(*), count(next_token) FROM directus_sessions")?;
            ensure!(rows.trim() == format!("{}|{round}", round + 1), "{storage}: {rows}");
        }
    }
    Ok(())
}

async fn what_happens_at_one_host_holds_at_the_others() -> anyhow::Result<()> {
    let server = database_server()?;
    let database = server.database("gatewit")?;
    let hosts = hosts(&settings(&database, &[])).await?;
    seed(&server, "gatewit")?;
    let (mut here, mut there) = (hosts[0].client(), hosts[1].client());
    let session = calls::session_token(&here.send(&login(EDITOR, "session")).await?)?;
    ensure!(there.send(&me(&session)).await?.status == 200, "a session is known everywhere");
    ensure!(here.send(&calls::in_session("logout", &session)).await?.status == 204);
    refused(&there.send(&me(&session)).await?, 401, "INVALID_CREDENTIALS")?;

    let held = sign_in(&mut here, EDITOR).await?;
    server.query("gatewit", &format!("UPDATE directus_users SET status = 'suspended' WHERE email = '{}'", EDITOR.0))?;
    refused(&there.send(&refresh(&held.refresh)).await?, 401, "USER_SUSPENDED")
}

async fn a_server_that_is_away_is_told_at_once_and_comes_back() -> anyhow::Result<()> {
    let server = database_server()?;
    let database = server.database("gatewit")?;
    let host = TestServer::start(&settings(&database, &[])).await?;
    seed(&server, "gatewit")?;
    let mut client = host.client();
    let held = sign_in(&mut client, USER).await?;
    let session = calls::session_token(&client.send(&login(EDITOR, "session")).await?)?;

    server.stop();
    for request in [login(USER, "json"), refresh(&held.refresh), me(&session)] {
        let asked = Instant::now();
        let answer = client.send(&request).await?;
        refused(&answer, 503, "SERVICE_UNAVAILABLE").with_context(|| format!("{request:?}"))?;
        ensure!(asked.elapsed() < AT_ONCE_AWAY, "told after {:?}", asked.elapsed());
    }
    ensure!(client.send(&Request::new("GET", "/server/ping")).await?.text() == "pong");

    server.resume()?;
    let deadline = Instant::now() + RECOVERY;
    while client.send(&login(USER, "json")).await?.status != 200 {
        ensure!(Instant::now() < deadline, "it did not recover: {}", host.log());
    }
    Tokens::of(&client.send(&refresh(&held.refresh)).await?)?;
    ensure!(client.send(&me(&session)).await?.status == 200);
    Ok(())
}

async fn what_cannot_be_reached_is_named_without_the_password() -> anyhow::Result<()> {
    for (settings, expected) in [
        (
            vec![("DB_CONNECTION_STRING", "postgres://u:s3cret@127.0.0.1:1/d")],
            "cannot open the database `d on 127.0.0.1`",
        ),
        (vec![("DB_CONNECTION_STRING", "postgres:/s3cret")], "DB_CONNECTION_STRING"),
        (vec![("DB_HOST", "127.0.0.1"), ("DB_PASSWORD", "s3cret"), ("DB_USER", "u")], "DB_DATABASE: is missing"),
    ] {
        let environment: Vec<_> = [("DB_CLIENT", "pg")].into_iter().chain(settings).collect();
        let output = server::refusal(&environment).await?;
        let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(!output.status.success() && told.contains(expected) && !told.contains("s3cret"), "{told}");
    }
    Ok(())
}

async fn encryption_verifies_the_server_unless_told_otherwise() -> anyhow::Result<()> {
    needs::program("openssl")?;
    let server = Postgres::encrypted().map_err(skip)?;
    let certificate = std::fs::read_to_string(server.folder().join(postgres::CERTIFICATE))?;
    let database: Vec<_> = server.database("gatewit")?;
    let at = |host: &'static str, more: &[(&'static str, &str)]| {
        let own = |(name, value): &(&'static str, &str)| (*name, (*value).to_owned());
        let others = database.iter().filter(|(name, _)| *name != "DB_HOST").cloned();
        others.chain([("DB_HOST", host.to_owned())]).chain(more.iter().map(own)).collect::<Vec<_>>()
    };
    for (database, is_trusted) in [
        (at("localhost", &[("DB_SSL", "true")]), false),
        (at("127.0.0.1", &[("DB_SSL__CA", &certificate)]), false),
        (at("localhost", &[("DB_SSL__CA", &certificate)]), true),
        (at("127.0.0.1", &[("DB_SSL", "true"), ("DB_SSL__REJECT_UNAUTHORIZED", "false")]), true),
    ] {
        if is_trusted {
            let _host = TestServer::start(&settings(&database, &[("DB_POOL__MIN", "1")])).await?;
            let seen = "SELECT bool_and(ssl) FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) \
                        WHERE application_name = 'gatewit'";
            let encrypted = server.query("gatewit", seen)?;
            ensure!(encrypted.trim() == "t", "not encrypted: {encrypted:?}");
        } else {
            let output = server::refusal(&settings(&database, &[])).await?;
            let told = String::from_utf8_lossy(&output.stderr);
            ensure!(!output.status.success() && told.contains("certificate"), "{told}");
        }
    }
    Ok(())
}
