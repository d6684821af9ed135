//! The file format of the recorded exchanges; `fixtures/wire/README.md` explains every field. Unknown fields are
//! refused, so that a misspelt expectation cannot silently be none.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::tokens::Algorithm;

/// Header names and values in order.
pub type Headers = Vec<(String, String)>;

/// One file: a subject.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// What it is about.
    pub title: String,
    /// What it was recorded from.
    pub source: String,
    /// What was recorded there and is not compared.
    #[serde(default)]
    pub left_out: Vec<String>,
    /// Sequences; each on a fresh server and a fresh database.
    pub parts: Vec<Part>,
}

/// A sequence of steps on one server.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The server's environment, besides what every test server gets.
    pub env: BTreeMap<String, String>,
    /// Headers that open every answer, where they differ from [`Common::head`].
    pub head: Option<Headers>,
    /// Tokens that the server did not issue.
    #[serde(default)]
    pub forge: BTreeMap<String, Forged>,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// A token to be signed by the replay.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forged {
    /// What the header says.
    pub alg: Algorithm,
    /// What the signature is made with, where the header lies.
    pub signed_as: Option<Algorithm>,
    /// The claims in order; `{{now}}` and `{{now+seconds}}` are filled in.
    pub claims: Map<String, Value>,
}

/// One thing that happens.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Step {
    /// A request and the answer it must get.
    Exchange(Box<Exchange>),
    /// A change in the database.
    Sql(Sql),
    /// A look into the database.
    Query(Query),
    /// Time that passes.
    Advance(Advance),
}

/// A request, or several alike at once, and what must come back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// What it shows.
    pub name: String,
    /// Why the expectation is not what was recorded.
    pub adapted: Option<String>,
    /// A remark.
    pub note: Option<String>,
    /// How many times it is sent at once, each on its own connection; 1 if absent.
    pub parallel: Option<usize>,
    /// The request.
    pub send: Send,
    /// The answer, or the answers told apart by status.
    pub expect: Expected,
}

/// A request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Send {
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// A body to be sent compact and as `application/json`.
    pub json: Option<Value>,
    /// A body to be sent as it is.
    pub text: Option<String>,
    /// Headers besides `User-Agent` and `Accept`.
    #[serde(default)]
    pub headers: Map<String, Value>,
}

/// One expected answer or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Expected {
    /// Every answer is this one.
    One(Box<Expect>),
    /// Answers are told apart by status and counted.
    Many(Vec<Expect>),
}

impl Expected {
    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Expect] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

/// An expected answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// How many of the answers to a `parallel` request are this one.
    pub times: Option<usize>,
    /// The status code.
    pub status: u16,
    /// The headers between those that open and close every answer.
    pub headers: Profile,
    /// The values of `Set-Cookie`, which come before `headers`.
    #[serde(default)]
    pub cookies: Vec<String>,
    /// A body that must be this value, compact and with its keys in this order.
    pub json: Option<Value>,
    /// A body that must be this text. For `HEAD`: the body that `GET` would have.
    pub text: Option<String>,
    /// Whether objects in `json` may have further keys.
    #[serde(default)]
    pub open: bool,
    /// The claims of the tokens in the answer, by the name they are bound to.
    #[serde(default)]
    pub tokens: BTreeMap<String, Value>,
    /// Whether the answer takes at least `LOGIN_STALL_TIME`.
    #[serde(default)]
    pub stalled: bool,
}

/// Headers by the name of a usual set, or in full.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Profile {
    /// One of [`Common::profiles`].
    Named(String),
    /// In full.
    Full(Headers),
}

/// A change in the database.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sql {
    /// The statement.
    pub sql: String,
    /// What it stands for.
    pub note: Option<String>,
}

/// A look into the database.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// What it shows.
    pub name: String,
    /// The statement.
    pub query: String,
    /// The rows it must give.
    pub rows: Vec<Vec<Value>>,
}

/// Time that passes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advance {
    /// How long, in milliseconds of the real clock: the server is another process.
    pub advance_ms: u64,
    /// What for.
    pub note: Option<String>,
}

/// What all groups share.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Common {
    /// Headers that open every answer.
    pub head: Headers,
    /// Headers that close every answer.
    pub tail: Headers,
    /// Usual sets of headers in between.
    pub profiles: BTreeMap<String, Headers>,
}

impl Common {
    /// The headers that `expect` asks for, in order.
    pub fn headers(&self, part: &Part, expect: &Expect) -> anyhow::Result<Headers> {
        let middle = match &expect.headers {
            Profile::Full(headers) => headers,
            Profile::Named(name) => self.profiles.get(name).with_context(|| format!("no profile `{name}`"))?,
        };
        let cookies = expect.cookies.iter().map(|value| ("Set-Cookie".to_owned(), value.clone()));
        let head = part.head.as_ref().unwrap_or(&self.head);
        Ok(head.iter().cloned().chain(cookies).chain(middle.iter().cloned()).chain(self.tail.iter().cloned()).collect())
    }
}

/// The folder of the fixtures.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// Reads what all groups share.
pub fn common() -> anyhow::Result<Common> {
    read("wire", "common")
}

/// Reads the group `name`.
pub fn group(name: &str) -> anyhow::Result<Group> {
    read("wire", name)
}

/// Reads a group beside those of the wire, which needs something besides a server.
pub fn group_in(folder: &str, name: &str) -> anyhow::Result<Group> {
    read(folder, name)
}

/// The names of all groups.
pub fn names() -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in folder().join("wire").read_dir()? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if path.extension().is_some_and(|extension| extension == "json") && name != "common" {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn read<T: serde::de::DeserializeOwned>(place: &str, name: &str) -> anyhow::Result<T> {
    let path = folder().join(place).join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_is_readable_and_its_header_sets_exist() {
        let common = common().unwrap();
        let mut exchanges = 0;
        for name in names().unwrap() {
            for part in group(&name).unwrap().parts {
                for step in &part.steps {
                    let Step::Exchange(exchange) = step else { continue };
                    exchanges += 1;
                    let expected = exchange.expect.all();
                    assert!(expected.iter().all(|expect| common.headers(&part, expect).is_ok()), "{}", exchange.name);
                    let times: usize = expected.iter().filter_map(|expect| expect.times).sum();
                    assert_eq!(times, exchange.parallel.unwrap_or(0), "{}", exchange.name);
                }
            }
        }
        assert!(exchanges > 200, "only {exchanges} exchanges");
    }

    #[test]
    fn an_unknown_field_is_refused() {
        let step =
            r#"{"name":"n","send":{"method":"GET","path":"/"},"expect":{"status":200,"headers":"data"},"expct":1}"#;
        assert!(serde_json::from_str::<Step>(step).is_err());
        assert!(serde_json::from_str::<Step>(&step.replace(r#","expct":1"#, "")).is_ok());
    }
}
