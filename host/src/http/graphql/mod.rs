//! `/graphql/system`: the operations of REST for those who would rather ask in GraphQL.
//!
//! | file | what |
//! |---|---|
//! | [`request`] | what a request says: document, variables, operation |
//! | [`lexer`], [`syntax`] | whether the document is one, in graphql-js's words |
//! | [`document`] | what it asks for, within limits |
//! | [`collections`], [`roots`], [`schema`] | what can be asked for, by what the caller may do |
//! | [`wording`], [`suggest`], [`invalid`] | mistakes, in graphql-js's words |
//! | [`operations`] | what is done, by the calls that REST makes |
//! | [`outcome`] | the answer |
//!
//! Deliberately absent: `/graphql`, since this server has no items, and subscriptions.

pub(super) mod collections;
mod document;
mod invalid;
mod lexer;
mod operations;
mod outcome;
mod request;
mod roots;
mod schema;
mod suggest;
mod syntax;
mod wording;

pub(super) use schema::Schemas;

use self::{collections::Rights, document::Document, operations::Operations, outcome::Failed, request::Request};
use super::{
    refusal::Refusal,
    respond::Reply,
    service::{Caller, Exchange},
};
use async_graphql::parser::types::OperationType;
use serde_json::Value;
use std::collections::BTreeMap;

/// `GET` and `POST /graphql/system`, and the refusal of other methods.
pub(super) async fn answer(exchange: &Exchange<'_>, caller: Option<Caller>, body: &Value) -> Reply {
    match try_answer(exchange, caller, body).await {
        Ok(reply) => reply,
        Err(refusal) => Reply::refused(&[refusal]),
    }
}

/// `GET /server/specs/graphql/system`: the schema, as far as the caller may use it, in GraphQL's own language.
pub(super) async fn schema_language(exchange: &Exchange<'_>, caller: Option<Caller>) -> Reply {
    // What may not be asked for by introspection is not given away here.
    if !exchange.wire.graphql.introspection() {
        return Reply::refused(&[Refusal::Forbidden { reason: None }]);
    }
    let rights = Operations::new(exchange, caller).rights().await;
    match rights.and_then(|rights| find(exchange, rights)) {
        Ok(schema) => Reply::file("schema.graphql", schema.sdl()),
        Err(refusal) => Reply::refused(&[refusal]),
    }
}

fn find(exchange: &Exchange<'_>, rights: Rights) -> Result<async_graphql::dynamic::Schema, Refusal> {
    exchange.wire.graphql.find(rights).map_err(|error| {
        tracing::error!(%error, "a schema cannot be made");
        Refusal::InternalServerError
    })
}

async fn try_answer(exchange: &Exchange<'_>, caller: Option<Caller>, body: &Value) -> Result<Reply, Refusal> {
    let method = &exchange.parts.method;
    let request = Request::read(method, &exchange.query, body)?;
    let schemas = &exchange.wire.graphql;
    let document = Document::read(&request, schemas.introspection()).map_err(|wrong| invalid::refusal(&wrong))?;
    if request.is_safe && document.kind != OperationType::Query {
        return Err(Refusal::MethodNotAllowed { allowed: vec!["POST"], current: method.to_string() });
    }
    let mut operations = Operations::new(exchange, caller);
    let rights = if schemas.serves_everybody(&document) { Rights::NONE } else { operations.rights().await? };
    let schema = find(exchange, rights)?;
    let planned = schema::plan(&schema, &request, &document).await;
    let (calls, mut response) = planned.map_err(|wrong| invalid::refusal(&wrong))?;
    let (mut answers, mut failed) = (BTreeMap::new(), Vec::new());
    for call in &calls {
        match operations.run(call).await {
            Ok(answer) => drop(answers.insert(call.key.clone(), answer)),
            Err(refusal) => failed.push(Failed { call, refusal }),
        }
    }
    let (cookies, hold) = operations.finish();
    if !calls.is_empty() {
        response = schema::shape(&schema, &request, &document, answers).await;
    }
    // Fields that are needed and were refused are broken for the library, too; they are told already.
    let is_told = |error: &&async_graphql::ServerError| {
        failed.iter().any(|failed| failed.call.is_needed && is_about(error, &failed.call.key))
    };
    let broken = response.errors.iter().filter(|error| !is_told(error)).count();
    if broken > 0 {
        tracing::error!(errors = ?response.errors, "answers do not fit the schema");
    }
    let data = response.data.into_json().unwrap_or_default();
    let body = outcome::body(&document, data, &failed, broken);
    exchange.hold(hold).await;
    Ok(cookies.into_iter().fold(Reply::json(&body), Reply::with_cookie))
}

/// Whether the library's error is about the field of this name in the answer.
fn is_about(error: &async_graphql::ServerError, key: &str) -> bool {
    matches!(error.path.first(), Some(async_graphql::PathSegment::Field(name)) if name == key)
}
