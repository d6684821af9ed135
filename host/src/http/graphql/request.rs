//! What a request to the GraphQL endpoint says: a document, variables, and which of its operations is meant
//! (<https://graphql.github.io/graphql-over-http/draft/>, as far as Directus follows it).
//!
//! Deliberately absent: several requests in one body, uploads and subscriptions.

use super::super::{
    query::{Given, Query},
    refusal::Refusal,
};
use hyper::Method;
use serde_json::{Map, Value};

/// A request that may be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// The document, as it was sent.
    pub(super) document: String,
    pub(super) variables: Map<String, Value>,
    /// The operation that is meant, where the document has several.
    pub(super) operation: Option<String>,
    /// Only queries may be asked for: the request is one that browsers send unasked and proxies repeat.
    pub(super) is_safe: bool,
}

impl Request {
    /// Reads a request: from the query string for `GET`, from the body for `POST`.
    pub(super) fn read(method: &Method, query: &Query, body: &Value) -> Result<Self, Refusal> {
        match *method {
            Method::GET => Self::from_query(query),
            Method::POST => Self::from_body(body),
            _ => Err(Refusal::MethodNotAllowed { allowed: vec!["GET", "POST"], current: method.to_string() }),
        }
    }

    fn from_query(query: &Query) -> Result<Self, Refusal> {
        let text = |name| match query.text(name) {
            Given::Text(text) => Some(text),
            Given::Nothing | Given::Structure => None,
        };
        let variables = match text("variables") {
            None => Map::new(),
            Some(text) => match serde_json::from_str(&text) {
                Ok(Value::Object(variables)) => variables,
                Ok(Value::Null) => Map::new(),
                _ => return Err(Refusal::payload("Variables are invalid JSON")),
            },
        };
        let document = text("query").ok_or_else(no_document)?;
        Ok(Self { document, variables, operation: text("operationName"), is_safe: true })
    }

    fn from_body(body: &Value) -> Result<Self, Refusal> {
        let text =
            |name| body.get(name).and_then(Value::as_str).filter(|text: &&str| !text.is_empty()).map(str::to_owned);
        let variables = match body.get("variables") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(variables)) => variables.clone(),
            Some(_) => return Err(Refusal::payload("Variables must be an object")),
        };
        let document = text("query").ok_or_else(no_document)?;
        Ok(Self { document, variables, operation: text("operationName"), is_safe: false })
    }
}

fn no_document() -> Refusal {
    Refusal::payload("Must provide query string")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn get(query: &str) -> Result<Request, Refusal> {
        Request::read(&Method::GET, &Query::parse(Some(query)), &Value::Null)
    }

    fn post(body: &Value) -> Result<Request, Refusal> {
        Request::read(&Method::POST, &Query::default(), body)
    }

    #[test]
    fn both_methods_say_the_same() {
        let sent = post(&json!({ "query": "{a}", "variables": { "x": 1 }, "operationName": "Q" })).unwrap();
        let asked = get("query=%7Ba%7D&variables=%7B%22x%22%3A1%7D&operationName=Q").unwrap();
        assert_eq!(Request { is_safe: true, ..sent }, asked);
        assert_eq!(post(&json!({ "query": "{a}", "variables": null, "operationName": null })).unwrap().operation, None);
    }

    #[test]
    fn without_a_document_there_is_nothing_to_do() {
        for refused in [
            get(""),
            get("query="),
            get("query[]=a"),
            post(&json!({})),
            post(&json!({ "query": 5 })),
            post(&json!([{ "query": "{a}" }])),
        ] {
            assert_eq!(refused, Err(no_document()));
        }
    }

    #[test]
    fn variables_are_an_object() {
        for refused in [
            get("query={a}&variables=x"),
            get("query={a}&variables=[]"),
            post(&json!({ "query": "{a}", "variables": [] })),
        ] {
            assert!(matches!(refused, Err(Refusal::InvalidPayload { .. })), "{refused:?}");
        }
    }

    #[test]
    fn other_methods_are_refused_by_name() {
        let refused = Request::read(&Method::PUT, &Query::default(), &json!({ "query": "{a}" }));
        assert_eq!(refused, Err(Refusal::MethodNotAllowed { allowed: vec!["GET", "POST"], current: "PUT".to_owned() }));
    }
}
