//! Plays a group of recorded exchanges against a server and reports every difference, as
//! `group / exchange / field: expected …, got …`.
//!
//! A difference does not end the replay: the following exchanges run with what the answers gave.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use sqlx::sqlite::SqliteRow;
use sqlx::{Column as _, Row as _, TypeInfo as _, ValueRef as _};

use crate::binding::Bindings;
use crate::client::{Client, Request, Response};
use crate::compare::{Comparison, Window, now};
use crate::fixture::{self, Common, Exchange, Expect, Group, Part, Send, Step};
use crate::operator::Operator;
use crate::server::{self, SECRET, TestServer};

/// Plays the group `name`, each part on a server of its own.
pub async fn play(name: &str) -> anyhow::Result<()> {
    play_group(name, &fixture::group(name)?).await
}

/// Plays a group that was read already.
pub async fn play_group(name: &str, group: &Group) -> anyhow::Result<()> {
    let common = fixture::common()?;
    let mut found = Vec::new();
    for part in &group.parts {
        let env: Vec<_> = part.env.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let server = TestServer::seeded(&env).await?;
        let database = server.database()?;
        let mut replay = Replay::new(&common, part, server.address, Some(&database))?;
        replay.steps().await?;
        found.append(&mut replay.found);
    }
    if found.is_empty() {
        return Ok(());
    }
    let lines: Vec<_> = found.iter().map(|line| format!("{name} / {line}")).collect();
    bail!("{} differences\n{}", lines.len(), lines.join("\n"))
}

/// Plays the parts of the group `name` against servers whose rules are watched by `wasm`, whatever their answers: how often the
/// rules that watch answered the same, and what the log says of other answers. A part that no administrator can sign in to is
/// left out.
pub async fn watched(name: &str, wasm: &[u8]) -> anyhow::Result<(u64, Vec<String>)> {
    let (group, common) = (fixture::group(name)?, fixture::common()?);
    let mut seen = (0, Vec::new());
    for part in &group.parts {
        let env: Vec<_> = part.env.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let server = TestServer::seeded(&env).await?;
        let Ok(mut operator) = Operator::new(&server).await else { continue };
        let taken = operator.upload("auth", wasm, "?mode=shadow").await?;
        ensure!(taken.status == 200, "{}", taken.text());
        let database = server.database()?;
        Replay::new(&common, part, server.address, Some(&database))?.steps().await?;
        // The token of before may have expired meanwhile, and where sign-ins are limited there is no other.
        if let Ok(mut operator) = Operator::new(&server).await {
            seen.0 += operator.settled("auth").await?.0;
        }
        let log = server.log();
        seen.1.extend(log.lines().filter(|line| line.contains("that are tried out")).map(ToOwned::to_owned));
    }
    Ok(seen)
}

/// The replay of one part.
struct Replay<'a> {
    common: &'a Common,
    part: &'a Part,
    address: SocketAddr,
    database: Option<&'a Path>,
    client: Client,
    bindings: Bindings,
    stall_ms: u128,
    found: Vec<String>,
}

impl<'a> Replay<'a> {
    fn new(
        common: &'a Common,
        part: &'a Part,
        address: SocketAddr,
        database: Option<&'a Path>,
    ) -> anyhow::Result<Self> {
        let stall_ms =
            part.env.get("LOGIN_STALL_TIME").map_or(Ok(0), |text| text.parse()).context("LOGIN_STALL_TIME")?;
        let bindings = Bindings::new(SECRET, &part.forge, now())?;
        let client = Client::new(address);
        Ok(Self { common, part, address, database, client, bindings, stall_ms, found: Vec::new() })
    }

    async fn steps(&mut self) -> anyhow::Result<()> {
        for step in &self.part.steps {
            match step {
                Step::Exchange(exchange) => {
                    let result = self.exchange(exchange).await;
                    self.report(&exchange.name, result);
                }
                Step::Sql(step) => {
                    let statement = self.bindings.fill(&step.sql)?;
                    let mut database = server::open(self.database.context("no database")?).await?;
                    let run = sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut database).await;
                    run.with_context(|| step.sql.clone())?;
                }
                Step::Query(query) => {
                    let result = self.query(&query.query, &query.rows).await;
                    self.report(&query.name, result);
                }
                Step::Advance(step) => tokio::time::sleep(Duration::from_millis(step.advance_ms)).await,
            }
        }
        Ok(())
    }

    fn report(&mut self, name: &str, result: anyhow::Result<Vec<String>>) {
        let differences = result.unwrap_or_else(|error| vec![format!("not played: {error:#}")]);
        self.found.extend(differences.iter().map(|difference| format!("{name} / {difference}")));
    }

    async fn exchange(&mut self, exchange: &Exchange) -> anyhow::Result<Vec<String>> {
        let request = request(&exchange.send, &self.bindings)?;
        let sent = now();
        let answers = match exchange.parallel {
            None => vec![self.client.send(&request).await?],
            Some(count) => together(self.address, &request, count).await?,
        };
        let window = Window { sent, received: now() };
        let expected = exchange.expect.all();
        let mut found = Vec::new();
        for answer in &answers {
            let expect = expected.iter().find(|expect| expect.status == answer.status).unwrap_or(&expected[0]);
            let headers = self.common.headers(self.part, expect)?;
            let head = request.method == "HEAD";
            let comparison = Comparison { expect, headers: &headers, answer, head, stall_ms: self.stall_ms, window };
            found.extend(comparison.differences(&mut self.bindings));
        }
        found.extend(expected.iter().filter_map(|expect| miscounted(expect, &answers)));
        Ok(found)
    }

    async fn query(&self, statement: &str, rows: &[Vec<Value>]) -> anyhow::Result<Vec<String>> {
        let statement = self.bindings.fill(statement)?;
        let mut database = server::open(self.database.context("no database")?).await?;
        let got = sqlx::query(sqlx::AssertSqlSafe(statement)).fetch_all(&mut database).await?;
        let got = got.iter().map(values).collect::<anyhow::Result<Vec<Value>>>()?;
        let expected = rows.iter().map(|row| self.bindings.fill_json(&Value::from(row.clone())));
        let (expected, got) = (Value::from(expected.collect::<anyhow::Result<Vec<_>>>()?), Value::from(got));
        Ok(if expected == got { Vec::new() } else { vec![format!("rows: expected {expected}, got {got}")] })
    }
}

/// The request that a fixture describes. `User-Agent` and `Accept` are those it was recorded with.
fn request(send: &Send, bindings: &Bindings) -> anyhow::Result<Request> {
    let mut request = Request::new(&send.method, &bindings.fill(&send.path)?);
    request = request.header("User-Agent", "trace/1.0").header("Accept", "*/*");
    for (name, value) in &send.headers {
        let value = value.as_str().with_context(|| format!("header {name} is not a text"))?;
        request = request.header(name, &bindings.fill(value)?);
    }
    if let Some(json) = &send.json {
        request = request.json(&bindings.fill_json(json)?);
    } else if let Some(text) = &send.text {
        request.body = Some(bindings.fill(text)?.into_bytes());
    }
    Ok(request)
}

/// The same request `count` times at once, each on its own connection.
async fn together(address: SocketAddr, request: &Request, count: usize) -> anyhow::Result<Vec<Response>> {
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..count {
        let request = request.clone();
        running.spawn(async move { Client::new(address).send(&request).await });
    }
    running.join_all().await.into_iter().collect()
}

fn miscounted(expect: &Expect, answers: &[Response]) -> Option<String> {
    let expected = expect.times?;
    let got = answers.iter().filter(|answer| answer.status == expect.status).count();
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    (got != expected).then(|| format!("answers with {}: expected {expected}, got {got} of {statuses:?}", expect.status))
}

/// A row as an array of JSON values.
fn values(row: &SqliteRow) -> anyhow::Result<Value> {
    let mut values = Vec::new();
    for column in row.columns() {
        let raw = row.try_get_raw(column.ordinal())?;
        let kind = raw.type_info().name().to_owned();
        values.push(match kind.as_str() {
            _ if raw.is_null() => Value::Null,
            "INTEGER" | "BOOLEAN" | "DATETIME" => row.try_get_unchecked::<i64, _>(column.ordinal())?.into(),
            "REAL" => row.try_get_unchecked::<f64, _>(column.ordinal())?.into(),
            _ => row.try_get_unchecked::<String, _>(column.ordinal())?.into(),
        });
    }
    Ok(Value::Array(values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    const OPAQUE: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA_-";

    /// A server that answers `POST` with a refresh token and `GET` with what it was sent after `?`.
    async fn scripted() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut bytes = [0; 4096];
                    while let Ok(length @ 1..) = stream.read(&mut bytes).await {
                        let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
                        let path = text.split(' ').nth(1).unwrap().to_owned();
                        let body = match path.split_once('?') {
                            Some((_, query)) => query.to_owned(),
                            None => format!(r#"{{"refresh_token":"{OPAQUE}"}}"#),
                        };
                        let head = format!("HTTP/1.1 200 OK\r\nX-Powered-By: test\r\nContent-Length: {}", body.len());
                        stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await.unwrap();
                    }
                });
            }
        });
        address
    }

    async fn replay(steps: Value, database: Option<&Path>) -> Vec<String> {
        let common = json!({"head": [["X-Powered-By", "test"]], "tail": [], "profiles": {"plain": [["Content-Length", "{{length}}"]]}});
        let common: Common = serde_json::from_value(common).unwrap();
        let part: Part = serde_json::from_value(json!({"env": {}, "steps": steps})).unwrap();
        let mut replay = Replay::new(&common, &part, scripted().await, database).unwrap();
        replay.steps().await.unwrap();
        replay.found
    }

    fn login() -> Value {
        json!({"name": "login", "send": {"method": "POST", "path": "/", "json": {}},
            "expect": {"status": 200, "headers": "plain", "json": {"refresh_token": "{{refresh_token#1}}"}}})
    }

    #[tokio::test]
    async fn a_token_of_one_answer_is_used_in_the_next_request() {
        let echo = json!({"name": "echo", "send": {"method": "GET", "path": "/?{{refresh_token#1}}"},
            "expect": {"status": 200, "headers": "plain", "text": OPAQUE}});
        assert_eq!(replay(json!([login(), echo]), None).await, Vec::<String>::new());
        assert_eq!(replay(json!([echo]), None).await, ["echo / not played: no earlier answer gave `refresh_token#1`"]);
    }

    #[tokio::test]
    async fn every_difference_is_reported_with_the_name_of_its_exchange() {
        let wrong = |name: &str| {
            json!({"name": name, "send": {"method": "GET", "path": "/?a"},
                "expect": {"status": 200, "headers": [], "text": "b"}})
        };
        let found = replay(json!([wrong("first"), wrong("second")]), None).await;
        assert_eq!(
            found,
            [
                r#"first / body: expected "b", got "a""#,
                "first / headers: expected x-powered-by, got x-powered-by content-length",
                r#"second / body: expected "b", got "a""#,
                "second / headers: expected x-powered-by, got x-powered-by content-length",
            ]
        );
    }

    #[tokio::test]
    async fn answers_to_requests_sent_at_once_are_counted_by_status() {
        let race = |times: usize| {
            json!([{"name": "race", "parallel": 3, "send": {"method": "GET", "path": "/?x"}, "expect": [
                {"times": times, "status": 200, "headers": "plain", "text": "x"},
                {"times": 3 - times, "status": 401, "headers": "plain"}]}])
        };
        assert_eq!(replay(race(3), None).await, Vec::<String>::new());
        let found = replay(race(1), None).await;
        assert_eq!(found[0], "race / answers with 200: expected 1, got 3 of [200, 200, 200]");
        assert_eq!(found[1], "race / answers with 401: expected 2, got 0 of [200, 200, 200]");
    }

    #[tokio::test]
    async fn the_database_is_changed_and_looked_into() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("database");
        std::fs::write(&file, "").unwrap();
        let steps = |rows: Value| {
            json!([{"sql": "drop table if exists t; create table t (a, b, c, d)"}, login(),
                {"sql": "insert into t values (1, 'x', null, 2.5), (2, '{{refresh_token#1}}', null, 0.0)"},
                {"name": "look", "query": "select * from t order by a", "rows": rows}])
        };
        let rows = json!([[1, "x", null, 2.5], [2, "{{refresh_token#1}}", null, 0.0]]);
        assert_eq!(replay(steps(rows), Some(&file)).await, Vec::<String>::new());
        let found = replay(steps(json!([])), Some(&file)).await;
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("look / rows: expected [], got [[1,"), "{found:?}");
    }

    /// Every name in a request or a statement comes from an earlier answer of the same part.
    #[test]
    fn no_fixture_uses_a_name_before_an_answer_gave_it() {
        for name in fixture::names().unwrap() {
            for part in fixture::group(&name).unwrap().parts {
                let mut bindings = Bindings::new(SECRET, &part.forge, 0).unwrap();
                for step in &part.steps {
                    match step {
                        Step::Exchange(exchange) => {
                            let filled = request(&exchange.send, &bindings);
                            assert!(filled.is_ok(), "{name} / {}: {:#}", exchange.name, filled.unwrap_err());
                            exchange.expect.all().iter().for_each(|expect| give(expect, &mut bindings));
                        }
                        Step::Sql(sql) => assert!(bindings.fill(&sql.sql).is_ok(), "{name} / {}", sql.sql),
                        Step::Query(query) => assert!(bindings.fill(&query.query).is_ok(), "{name} / {}", query.name),
                        Step::Advance(_) => {}
                    }
                }
            }
        }
    }

    /// Binds every name that an answer would give.
    fn give(expect: &Expect, bindings: &mut Bindings) {
        let text = format!("{:?} {:?} {:?}", expect.cookies, expect.json, expect.tokens);
        for piece in crate::binding::pieces(&text) {
            if let crate::binding::Piece::Name(name) = piece {
                bindings.bind(name, "value");
            }
        }
        expect.tokens.keys().for_each(|name| bindings.bind(name, "header.claims.signature"));
    }
}
