//! One operation of the document: how it is asked and what it answers, and the refusals that all share.
//!
//! Deliberately absent: which operations there are.

use super::super::{refusal::Refusal, status};
use serde_json::{Map, Value, json};
use std::time::Duration;
use time::OffsetDateTime;

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// Anybody; a token makes no difference.
    Anybody,
    /// Anybody, and those who are signed in may hear or do more.
    Perhaps,
    /// Those who are signed in.
    SignedIn,
}

/// An operation.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: String,
    tag: &'static str,
    name: String,
    summary: String,
    caller: Caller,
    parameters: Vec<Value>,
    body: Vec<(&'static str, Value)>,
    answers: Map<String, Value>,
}

impl Operation {
    pub(super) fn new(
        method: &'static str,
        path: impl Into<String>,
        tag: &'static str,
        name: impl Into<String>,
        summary: impl Into<String>,
    ) -> Self {
        let (path, name, summary) = (path.into(), name.into(), summary.into());
        let parameters = path.split(['{', '}']).skip(1).step_by(2).map(in_path).collect();
        let (body, answers) = (Vec::new(), Map::new());
        Self { method, path, tag, name, summary, caller: Caller::Anybody, parameters, body, answers }
    }

    pub(super) fn by(self, caller: Caller) -> Self {
        Self { caller, ..self }
    }

    pub(super) fn parameter(mut self, name: &str, schema: &Value, description: &str) -> Self {
        self.parameters.push(json!({ "name": name, "in": "query", "description": description, "schema": schema }));
        self
    }

    /// Takes a body of JSON.
    pub(super) fn takes(self, schema: Value) -> Self {
        self.takes_file("application/json", schema)
    }

    /// Takes a body of another kind; one of several, where it takes more than one.
    pub(super) fn takes_file(mut self, kind: &'static str, schema: Value) -> Self {
        self.body.push((kind, schema));
        self
    }

    /// Answers `{"data": …}`.
    pub(super) fn gives(self, description: &str, data: &Value) -> Self {
        let schema = json!({ "type": "object", "required": ["data"], "properties": { "data": data } });
        self.gives_as("200", description, "application/json", &schema)
    }

    /// Answers something of another form.
    pub(super) fn gives_as(mut self, status: &str, description: &str, kind: &str, schema: &Value) -> Self {
        let answer = json!({ "description": description, "content": { kind: { "schema": schema } } });
        self.answers.insert(status.to_owned(), answer);
        self
    }

    /// Answers nothing but that it was done.
    pub(super) fn gives_nothing(mut self, description: &str) -> Self {
        self.answers.insert("204".to_owned(), json!({ "description": description }));
        self
    }

    /// Sends the browser elsewhere.
    pub(super) fn leads_elsewhere(mut self, description: &str) -> Self {
        let location = json!({ "schema": { "type": "string" } });
        let answer = json!({ "description": description, "headers": { "Location": location } });
        self.answers.insert("302".to_owned(), answer);
        self
    }

    pub(super) fn to_json(&self) -> Value {
        let mut answers = self.answers.clone();
        for refused in ["400", "401", "403", "404", "429", "503"] {
            answers.entry(refused).or_insert_with(|| json!({ "$ref": format!("#/components/responses/{refused}") }));
        }
        let mut operation = json!({ "operationId": self.name, "summary": self.summary, "tags": [self.tag] });
        let Some(fields) = operation.as_object_mut() else { return operation };
        let known = json!([{ "bearer": [] }, { "query": [] }, { "session": [] }]);
        let security = match self.caller {
            Caller::Anybody => json!([]),
            Caller::Perhaps => json!([{}, { "bearer": [] }, { "query": [] }, { "session": [] }]),
            Caller::SignedIn => known,
        };
        fields.insert("security".to_owned(), security);
        if !self.parameters.is_empty() {
            fields.insert("parameters".to_owned(), self.parameters.clone().into());
        }
        if !self.body.is_empty() {
            let kind = |(kind, schema): &(&str, Value)| ((*kind).to_owned(), json!({ "schema": schema }));
            let content: Map<String, Value> = self.body.iter().map(kind).collect();
            fields.insert("requestBody".to_owned(), json!({ "content": content }));
        }
        fields.insert("responses".to_owned(), answers.into());
        operation
    }
}

fn in_path(name: &str) -> Value {
    json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
}

/// A reference to a schema.
pub(super) fn schema(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// Properties of types, of which those that begin with `!` are required.
pub(super) fn object(properties: &[(&str, Value)]) -> Value {
    let required: Vec<_> = properties.iter().filter_map(|(name, _)| name.strip_prefix('!')).collect();
    let named = |(name, schema): &(&str, Value)| (name.trim_start_matches('!').to_owned(), schema.clone());
    let properties: Map<String, Value> = properties.iter().map(named).collect();
    if required.is_empty() {
        return json!({ "type": "object", "properties": properties });
    }
    json!({ "type": "object", "required": required, "properties": properties })
}

pub(super) fn text() -> Value {
    json!({ "type": "string" })
}

/// The refusals that every operation may answer with, by status, with an example of each code.
pub(super) fn refusals() -> Value {
    let examples = [
        Refusal::payload("\"email\" is required"),
        Refusal::InvalidCredentials,
        Refusal::InvalidOtp,
        Refusal::TokenExpired,
        Refusal::Forbidden { reason: None },
        Refusal::InvalidToken,
        Refusal::RouteNotFound { path: "/nowhere".to_owned() },
        Refusal::RequestsExceeded { limit: 50, reset: OffsetDateTime::UNIX_EPOCH, retry_after: Duration::from_secs(1) },
        Refusal::under_pressure(1),
    ];
    let mut refusals = Map::new();
    for refusal in examples {
        let status = status::of_all(std::slice::from_ref(&refusal));
        let description = status.canonical_reason().unwrap_or_default();
        let answer = refusals.entry(status.as_str()).or_insert_with(|| {
            let content = json!({ "schema": schema("Errors"), "examples": {} });
            json!({ "description": description, "content": { "application/json": content } })
        });
        let examples = answer.pointer_mut("/content/application~1json/examples").and_then(Value::as_object_mut);
        if let Some(examples) = examples {
            let body = super::super::refusal::envelope(std::slice::from_ref(&refusal));
            examples.insert(refusal.code().to_owned(), json!({ "value": body }));
        }
    }
    refusals.into()
}
