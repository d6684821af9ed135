//! Records: the same operations for each collection.
//!
//! Deliberately absent: what a record holds ([`super::schemas`]).

use super::operation::{Caller, Operation, object, schema, text};
use serde_json::{Value, json};

const TAG: &str = "Records";

/// What can be done with the records of a collection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// Everything.
    All,
    /// There is one record, which is read and changed.
    Single,
    /// They come to be by themselves.
    ReadOnly,
}

/// Path, schema, words for one and for several, and what can be done.
const COLLECTIONS: [(&str, &str, &str, &str, Use); 9] = [
    ("users", "User", "account", "accounts", Use::All),
    ("roles", "Role", "role", "roles", Use::All),
    ("policies", "Policy", "policy", "policies", Use::All),
    ("access", "Access", "attachment of a policy", "attachments of policies", Use::All),
    ("permissions", "Permission", "permission", "permissions", Use::All),
    ("settings", "Settings", "settings", "settings", Use::Single),
    ("shares", "Share", "share", "shares", Use::All),
    ("activity", "Activity", "activity", "activities", Use::ReadOnly),
    ("revisions", "Revision", "revision", "revisions", Use::ReadOnly),
];

pub(super) fn operations() -> Vec<Operation> {
    COLLECTIONS
        .into_iter()
        .flat_map(|(path, kind, one, several, uses)| {
            let all = format!("/{path}");
            let mut operations = match uses {
                Use::Single => vec![],
                Use::All | Use::ReadOnly => vec![list(&all, kind, several), read(&all, kind, one)],
            };
            match uses {
                Use::All => operations.extend(changes(&all, kind, one, several)),
                Use::Single => operations.extend(single(&all, kind)),
                Use::ReadOnly => {}
            }
            operations
        })
        .collect()
}

fn new(
    method: &'static str,
    path: impl Into<String>,
    name: impl Into<String>,
    summary: impl Into<String>,
) -> Operation {
    Operation::new(method, path, TAG, name, summary).by(Caller::Perhaps)
}

fn with_fields(operation: Operation) -> Operation {
    operation.parameter("fields", &text(), "Names or paths with commas between, such as `id,role.name`; `*` for all.")
}

fn list(path: &str, kind: &str, several: &str) -> Operation {
    let whole = |least: i64| json!({ "type": "integer", "minimum": least });
    let answer = object(&[
        ("!data", json!({ "type": "array", "items": schema(kind) })),
        ("meta", object(&[("total_count", whole(0)), ("filter_count", whole(0))])),
    ]);
    let filter = "A filter as JSON, such as `{\"email\":{\"_eq\":\"a@example.com\"}}`.";
    with_fields(new(
        "get",
        path,
        format!("list{kind}s"),
        format!("Lists {several}; `SEARCH` does so with a query in the body"),
    ))
    .parameter("filter", &text(), filter)
    .parameter("search", &text(), "A text to look for in every text.")
    .parameter("sort", &text(), "Names with commas between; `-` before those that sort downwards.")
    .parameter("limit", &whole(-1), "How many; 100 if nothing is said, -1 for all.")
    .parameter("offset", &whole(0), "How many to leave out.")
    .parameter("page", &whole(1), "Which page of `limit` records, in place of an offset.")
    .parameter("meta", &text(), "`total_count`, `filter_count`, or `*` for both.")
    .gives_as("200", "What the caller may see.", "application/json", &answer)
}

fn read(path: &str, kind: &str, one: &str) -> Operation {
    let operation = new("get", format!("{path}/{{id}}"), format!("read{kind}"), format!("Reads one {one}"));
    with_fields(operation).gives("The record, as far as the caller may see it.", &schema(kind))
}

fn changes(path: &str, kind: &str, one: &str, several: &str) -> Vec<Operation> {
    let (record, records) = (schema(kind), json!({ "type": "array", "items": schema(kind) }));
    let either = json!({ "oneOf": [record, records] });
    let blind = "Done, but not to be read.";
    let by_id = format!("{path}/{{id}}");
    vec![
        with_fields(new(
            "post",
            path,
            format!("create{kind}"),
            format!("Makes {several}: of an object, or of a list of them"),
        ))
        .takes(either.clone())
        .gives("What was made.", &either)
        .gives_nothing(blind),
        with_fields(new("patch", path, format!("update{kind}s"), format!("Changes {several}")))
            .takes(many_changes(&record))
            .gives("What was changed.", &records)
            .gives_nothing(blind),
        new("delete", path, format!("delete{kind}s"), format!("Deletes {several}"))
            .takes(many())
            .gives_nothing("Deleted."),
        with_fields(new("patch", by_id.clone(), format!("update{kind}"), format!("Changes one {one}")))
            .takes(record.clone())
            .gives("What was changed.", &record)
            .gives_nothing(blind),
        new("delete", by_id, format!("delete{kind}"), format!("Deletes one {one}")).gives_nothing("Deleted."),
    ]
}

fn single(path: &str, kind: &str) -> Vec<Operation> {
    let record = schema(kind);
    vec![
        with_fields(new("get", path, format!("read{kind}"), "Reads the settings")).gives("The settings.", &record),
        with_fields(new("patch", path, format!("update{kind}"), "Changes the settings"))
            .takes(record.clone())
            .gives("The settings.", &record)
            .gives_nothing("Done, but not to be read."),
    ]
}

fn ids() -> Value {
    json!({ "type": "array", "items": { "type": ["string", "integer"] } })
}

/// Which records a change is for, and what it changes.
fn many_changes(record: &Value) -> Value {
    json!({ "oneOf": [
        { "type": "array", "items": record, "description": "Each names its own id." },
        object(&[("!keys", ids()), ("!data", record.clone())]),
        object(&[("!query", schema("Query")), ("!data", record.clone())]),
    ] })
}

/// Which records are meant.
fn many() -> Value {
    json!({ "oneOf": [ids(), object(&[("!keys", ids())]), object(&[("!query", schema("Query"))])] })
}
