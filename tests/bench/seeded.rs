//! A server whose database holds the accounts of `fixtures/seed.sql`: in a file, or on a PostgreSQL of its own.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, ensure};
use e2e::client::{Client, Request};
use e2e::postgres::Postgres;
use e2e::{fixture, server};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Pace;
use crate::load::{self, Exchange, Load, Refresh, Same};
use crate::process::{self, Process};

/// Connections of most runs.
pub(crate) const CONNECTIONS: usize = 64;

/// Sign-ins at the same time: a few more than there are threads that hash.
const SIGN_INS: usize = 8;

/// Passwords as cheap as those of the seed, for runs that are about something else.
pub(crate) const CHEAP: [(&str, &str); 3] =
    [("HASH_MEMORY_COST", "1024"), ("HASH_TIME_COST", "1"), ("HASH_PARALLELISM", "1")];

pub(crate) const USER: (&str, &str) = ("user@example.com", "User-password1");
pub(crate) const ADMIN: (&str, &str) = ("admin@example.com", "Adm1n-password");

/// The name of a database on a PostgreSQL.
const NAME: &str = "gatewit";

pub(crate) struct Seeded {
    // The server goes before its data.
    pub(crate) server: Process,
    data: TempDir,
    pub(crate) runtime: tokio::runtime::Runtime,
    postgres: Option<Postgres>,
}

impl Seeded {
    /// With its database in a file.
    pub(crate) fn start(env: &[(&str, &str)]) -> anyhow::Result<Self> {
        Self::run(None, env)
    }

    /// With its database on a PostgreSQL.
    pub(crate) fn on_postgres(env: &[(&str, &str)]) -> anyhow::Result<Self> {
        let postgres = Postgres::start()?;
        let settings = postgres.database(NAME)?;
        let settings = settings.iter().map(|(name, value)| (*name, value.as_str()));
        let env: Vec<_> = env.iter().copied().chain(settings).collect();
        Self::run(Some(postgres), &env)
    }

    /// In a program that has a server in it.
    pub(crate) fn inside(program: Command, env: &[(&str, &str)]) -> anyhow::Result<Self> {
        let data = folder()?;
        Self::seed(Process::of(program, data.path(), env)?, data, None)
    }

    fn run(postgres: Option<Postgres>, env: &[(&str, &str)]) -> anyhow::Result<Self> {
        let data = folder()?;
        Self::seed(Process::start(data.path(), env)?, data, postgres)
    }

    fn seed(server: Process, data: TempDir, postgres: Option<Postgres>) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let seeded = Self { server, data, runtime, postgres };
        seeded.change(std::fs::read_to_string(fixture::folder().join("seed.sql"))?)?;
        Ok(seeded)
    }

    /// The file of the database.
    pub(crate) fn database(&self) -> anyhow::Result<PathBuf> {
        server::database(self.data.path())
    }

    /// Runs statements on the database.
    fn change(&self, statements: String) -> anyhow::Result<()> {
        if let Some(postgres) = &self.postgres {
            postgres.query(NAME, &statements)?;
            return Ok(());
        }
        self.runtime.block_on(async {
            let mut database = server::open(&self.database()?).await?;
            sqlx::raw_sql(sqlx::AssertSqlSafe(statements)).execute(&mut database).await?;
            Ok(())
        })
    }

    /// The tokens of somebody who signs in.
    pub(crate) fn sign_in(&self, who: (&str, &str)) -> anyhow::Result<Value> {
        let request = Request::new("POST", "/auth/login").json(&credentials(who));
        let response = self.runtime.block_on(Client::new(self.server.address).send(&request))?;
        ensure!(response.status == 200, "{}: {}", response.status, response.text());
        Ok(response.json()?["data"].clone())
    }

    /// `GET /users/me` of somebody on all connections.
    pub(crate) fn me(&self, pace: Pace, who: (&str, &str)) -> anyhow::Result<Load> {
        let grant = self.sign_in(who)?;
        let token = grant["access_token"].as_str().context("no access_token")?;
        self.repeat(pace, &load::get_request("/users/me", Some(token)), "\"id\":\"")
    }

    /// `POST /auth/refresh`, every connection a session of an account of its own.
    pub(crate) fn refresh(&self, pace: Pace) -> anyhow::Result<Load> {
        self.send(self.refreshes()?, pace.load)
    }

    /// Chains of refreshes, each of an account of its own.
    pub(crate) fn refreshes(&self) -> anyhow::Result<Vec<Box<dyn Exchange>>> {
        let mut exchanges: Vec<Box<dyn Exchange>> = Vec::new();
        for email in self.more_users()? {
            let grant = self.sign_in((&email, USER.1))?;
            let token = grant["refresh_token"].as_str().context("no refresh_token")?;
            exchanges.push(Box::new(Refresh { token: token.to_owned(), spare: Vec::new() }));
        }
        Ok(exchanges)
    }

    pub(crate) fn repeat(&self, pace: Pace, request: &[u8], expected: &'static str) -> anyhow::Result<Load> {
        self.send(same(request, expected, CONNECTIONS), pace.load)
    }

    pub(crate) fn send(&self, exchanges: Vec<Box<dyn Exchange>>, span: load::Span) -> anyhow::Result<Load> {
        load::run(&self.server, exchanges, span)
    }

    /// An account for each connection, like the one of the seed; their addresses.
    fn more_users(&self) -> anyhow::Result<Vec<String>> {
        let emails: Vec<String> = (0..CONNECTIONS).map(|index| format!("user{index}@example.com")).collect();
        let statement = |(index, email): (usize, &String)| {
            format!(
                "insert into directus_users (id, email, password, status, role) values \
                 ('850106de-8796-48c0-90f0-{index:012}', '{email}', \
                 (select password from directus_users where email = '{}'), 'active', \
                 '3b59bf5a-82a4-4f92-8c50-1ef9965795aa') on conflict do nothing;\n",
                USER.0
            )
        };
        self.change(emails.iter().enumerate().map(statement).collect())?;
        Ok(emails)
    }
}

/// Sign-ins with a password, some at the same time.
pub(crate) fn sign_ins() -> Vec<Box<dyn Exchange>> {
    same(&load::json_request("/auth/login", &credentials(USER).to_string()), "refresh_token", SIGN_INS)
}

/// The same request on each of some connections.
pub(crate) fn same(request: &[u8], expected: &'static str, connections: usize) -> Vec<Box<dyn Exchange>> {
    let one = |_| Box::new(Same { request: request.to_vec(), expected }) as Box<dyn Exchange>;
    (0..connections).map(one).collect()
}

pub(crate) fn credentials((email, password): (&str, &str)) -> Value {
    json!({"email": email, "password": password})
}

/// A folder beside this program: a temporary folder of the system may be in memory.
pub(crate) fn folder() -> anyhow::Result<TempDir> {
    Ok(tempfile::Builder::new().prefix("bench-data-").tempdir_in(process::folder()?)?)
}

/// Requests a second, and who used the processor for them.
pub(crate) fn rate(load: &Load) -> String {
    format!("{:.0}/s (cores: server {:.2}, load {:.2})", load.rate(), load.server_cores, load.generator_cores)
}

pub(crate) fn latency(load: &Load) -> String {
    format!("{:.2} ms, {:.2} ms", load.quantile(0.5), load.quantile(0.99))
}

pub(crate) fn megabytes(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "memory of a process")]
    let mb = bytes as f64 / 1e6;
    format!("{mb:.1} MB")
}
