//! Every field of every endpoint that takes a text, as the server's own description lists them, with texts that are code
//! in some language or longer than a column. No endpoint may fail, and what is stored is what was sent.

use anyhow::{Context as _, bail, ensure};
use e2e::calls::{ADMIN, Caller, sign_in};
use e2e::client::{Client, Request, Response};
use e2e::server::TestServer;
use serde_json::{Map, Value, json};

/// Requests at the same time: some endpoints answer late on purpose.
const AT_ONCE: usize = 16;
/// Fewer fields than this, and the description was not read.
const FIELDS_MIN: usize = 120;

/// An account of the seed whose records are written to.
const SCRATCH: &str = "850106de-8796-48c0-90f0-bb78f04dfc8a";
/// A role of the seed.
const ROLE: &str = "3b59bf5a-82a4-4f92-8c50-1ef9965795aa";
/// A policy of the seed.
const POLICY: &str = "78e7d754-6df5-4292-91a6-ec08269b081d";

/// Texts, and what they would be elsewhere.
fn texts() -> Vec<String> {
    let short = [
        "'; DROP TABLE directus_users; --",
        "\" OR 1=1 --",
        "x' UNION SELECT password FROM directus_users --",
        "%_\\",
        "$1 ?1 :name @p",
        "{{7*7}}{% raw %}{% include 'x' %}",
        "${jndi:ldap://x} #{7*7}",
        "\r\nBcc: x@example.org\r\n\r\nbody",
        "\r\nSet-Cookie: a=b",
        "a\u{0}b",
        "\u{202e}\u{feff}\u{1f600}e\u{301}",
        "<script>alert(1)</script>",
        "../../../etc/passwd",
        "$CURRENT_USER",
        "null",
        "[]",
        "",
    ];
    let long = [65, 129, 300, 5000, 70_000].map(|length| "x".repeat(length));
    short.into_iter().map(str::to_owned).chain(long).collect()
}

/// Where a text goes.
#[derive(Clone, Debug)]
enum Place {
    /// A field of the body.
    Body(String),
    /// A parameter of the query.
    Query(String),
    /// The variable part of the path.
    Path(String),
    /// A header that is kept with a session or told to somebody.
    Header(&'static str),
}

/// An operation with one of its places.
#[derive(Clone, Debug)]
struct Target {
    method: String,
    path: String,
    /// What the operation needs besides.
    needed: Map<String, Value>,
    place: Place,
}

/// Sends every text to every place.
pub(super) async fn send_all(server: &TestServer) -> anyhow::Result<()> {
    // Their account is written to by `/users/me`; what they hold is good whatever becomes of it.
    let mut admin = Caller::new(server, ADMIN).await?;
    let own =
        json!({"email": "hostile@example.com", "password": "User-password1", "role": admin_role(&mut admin).await?});
    admin.data("POST", "/users", &own).await?;
    let token = sign_in(admin.client(), ("hostile@example.com", "User-password1")).await?.access;
    let description = admin.client().send(&Request::new("GET", "/server/specs/oas")).await?.json()?;
    let targets = targets(&description)?;
    ensure!(targets.len() >= FIELDS_MIN, "only {} places", targets.len());

    let mut running = tokio::task::JoinSet::new();
    let mut queue = in_turn(targets).into_iter();
    let (mut failures, mut stored, mut count) = (Vec::new(), 0, 0);
    loop {
        while count < AT_ONCE
            && let Some(group) = queue.next()
        {
            let (mut client, token) = (server.client(), token.clone());
            running.spawn(async move {
                let mut results = Vec::new();
                for target in group {
                    for value in values() {
                        results.push(attempt(&mut client, &token, &target, &value).await);
                    }
                }
                results
            });
            count += 1;
        }
        let Some(results) = running.join_next().await else { break };
        for result in results? {
            match result {
                Ok(was_stored) => stored += usize::from(was_stored),
                Err(error) => failures.push(format!("{error:#}")),
            }
        }
        count -= 1;
    }
    failures.sort();
    ensure!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
    ensure!(stored > 300, "only {stored} texts were stored");
    // The tables are there, and the administrator is who they were.
    ensure!(admin.get("/users?filter[email][_eq]=admin@example.com").await?[0]["status"] == "active");
    ensure!(!server.log().contains("panicked"), "{}", server.log());
    Ok(())
}

/// Groups of targets that are tried one after the other: two changes of one record must not mix.
fn in_turn(targets: Vec<Target>) -> Vec<Vec<Target>> {
    let mut groups: Vec<Vec<Target>> = Vec::new();
    for target in targets {
        let same = |group: &&mut Vec<Target>| {
            target.method == "patch" && group[0].method == "patch" && group[0].path == target.path
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(target),
            None => groups.push(vec![target]),
        }
    }
    groups
}

/// The texts, and what is none.
fn values() -> Vec<Value> {
    let others =
        [json!(null), json!(true), json!(99_999_999_999_i64), json!(-0.5), json!([["a"]]), json!({"a": {"b": 1}})];
    texts().into_iter().map(Value::from).chain(others).collect()
}

async fn admin_role(admin: &mut Caller) -> anyhow::Result<Value> {
    Ok(admin.get("/roles?filter[name][_eq]=Administrator").await?[0]["id"].clone())
}

/// Whether a text was taken and came back as it was.
async fn attempt(client: &mut Client, token: &str, target: &Target, value: &Value) -> anyhow::Result<bool> {
    let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    let request = request(target, value, &text).header("Authorization", &format!("Bearer {token}"));
    let answer = client.send(&request).await;
    let start: String = text.chars().take(40).collect();
    let name = || format!("{} {} {:?} {start:?} ({})", target.method, target.path, target.place, text.len());
    let answer = answer.with_context(name)?;
    if answer.status >= 500 {
        bail!("{}: {} {}", name(), answer.status, answer.text());
    }
    if answer.headers.iter().any(|(_, value)| value.contains("a=b")) {
        bail!("{}: a header was added", name());
    }
    came_back(target, &text, &answer).with_context(name)
}

fn came_back(target: &Target, text: &str, answer: &Response) -> anyhow::Result<bool> {
    let (Place::Body(field), 200) = (&target.place, answer.status) else { return Ok(false) };
    // What the server says by itself: who made a record, and when, and how it is called.
    if ["id", "user_created", "date_created"].contains(&field.as_str()) {
        return Ok(false);
    }
    let body = answer.json()?;
    let Some(shown) = body["data"].get(field).and_then(Value::as_str) else { return Ok(false) };
    // Secrets are not shown; PostgreSQL has no place for one of the letters.
    let kept = shown == "**********" || shown == text || shown == text.replace('\0', "\u{fffd}");
    ensure!(kept, "came back as {:?}", shown.chars().take(100).collect::<String>());
    Ok(shown != "**********")
}

fn request(target: &Target, value: &Value, text: &str) -> Request {
    let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
    // A line of a request that is too long is refused before it is read.
    let encoded = &encoded[..encoded.len().min(6000)];
    let mut path = target.path.clone();
    let (mut body, mut header) = (target.needed.clone(), None);
    match &target.place {
        Place::Body(field) => drop(body.insert(field.clone(), value.clone())),
        Place::Query(name) => path = format!("{path}?{name}={encoded}"),
        Place::Path(name) => {
            path = path.replace(&format!("{{{name}}}"), if encoded.is_empty() { "%20" } else { encoded });
        }
        Place::Header(name) => {
            // No client can send the others.
            let sendable = |letter: &char| !letter.is_control();
            header = Some((*name, text.chars().filter(sendable).take(8000).collect::<String>()));
        }
    }
    let path = path.replace("{id}", known(&target.path)).replace("{provider}", "default");
    let request = Request::new(&target.method.to_uppercase(), &path);
    let request = if target.method == "get" { request } else { request.json(&Value::Object(body)) };
    match header {
        Some((name, value)) => request.header(name, &value),
        None => request,
    }
}

/// A record that may be changed.
fn known(path: &str) -> &'static str {
    match path.split('/').nth(1) {
        Some("users") => SCRATCH,
        Some("roles") => ROLE,
        Some("policies") => POLICY,
        Some("permissions") => "1",
        _ => "6e34c994-9645-4f5c-9eea-acfdba85badb",
    }
}

/// Everything that takes a text.
fn targets(description: &Value) -> anyhow::Result<Vec<Target>> {
    let mut targets = Vec::new();
    for (path, operations) in description["paths"].as_object().context("no paths")? {
        for (method, operation) in operations.as_object().context("no operations")? {
            // What deletes takes no text but the name of what goes.
            let body = &operation["requestBody"]["content"]["application/json"]["schema"];
            let schema = resolved(description, body);
            let needed = if method == "post" { needed(path, schema) } else { Map::new() };
            let mut add = |place| {
                let (method, path, needed) = (method.clone(), path.clone(), needed.clone());
                targets.push(Target { method, path, needed, place });
            };
            let fields = schema["properties"].as_object().into_iter().flatten();
            for (name, _) in fields.filter(|(_, field)| is_text(resolved(description, field))) {
                add(Place::Body(name.clone()));
            }
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let name = parameter["name"].as_str().context("no name")?.to_owned();
                match parameter["in"].as_str() {
                    Some("query") => add(Place::Query(name)),
                    Some("path") if method != "delete" => add(Place::Path(name)),
                    _ => {}
                }
            }
            if path == "/auth/login" {
                ["Origin", "User-Agent", "X-Forwarded-For", "Cookie"].into_iter().map(Place::Header).for_each(add);
            }
        }
    }
    // The one field that everything else is judged by.
    targets.retain(|target| !matches!(&target.place, Place::Body(field) if field == "auth_password_policy"));
    Ok(targets)
}

/// A schema, or the one that it names; of several the first.
fn resolved<'a>(description: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(name) = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
        return &description["components"]["schemas"][name];
    }
    let first = schema["oneOf"].get(0).or_else(|| schema["anyOf"].get(0));
    first.map_or(schema, |first| resolved(description, first))
}

fn is_text(field: &Value) -> bool {
    let kinds = &field["type"];
    kinds == "string"
        || kinds.as_array().is_some_and(|kinds| kinds.contains(&json!("string")))
        || field.get("enum").is_some()
}

/// What an operation cannot do without.
fn needed(path: &str, schema: &Value) -> Map<String, Value> {
    let names = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let sample = |name: &str| match name {
        "email" => json!("user@example.com"),
        "role" => json!(ROLE),
        "policy" => json!(POLICY),
        "keys" => json!([SCRATCH]),
        "data" => json!({}),
        _ => json!("sample"),
    };
    let mut needed: Map<String, Value> = names.map(|name| (name.to_owned(), sample(name))).collect();
    // New records need more than the description insists on.
    let needs: &[(&str, &str)] = match path {
        "/roles" | "/policies" => &[("name", "new")],
        "/access" => &[("policy", POLICY)],
        "/permissions" => &[("policy", POLICY), ("collection", "directus_users"), ("action", "read")],
        "/shares" => &[("collection", "directus_users"), ("item", SCRATCH)],
        _ => &[],
    };
    needed.extend(needs.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
    needed
}
