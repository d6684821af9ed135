//! What the server says of itself, and GraphQL as far as REST can describe it.

use super::operation::{Caller, Operation, object, schema, text};
use serde_json::json;

const TAG: &str = "Server";

pub(super) fn operations() -> Vec<Operation> {
    let get = |path: &str, name: &str, summary: &str| Operation::new("get", path, TAG, name, summary);
    let length = json!({ "type": "integer", "minimum": 0, "maximum": 500 });
    let any = json!({ "type": "object" });
    let asked = object(&[("!query", text()), ("variables", any.clone()), ("operationName", text())]);
    let answer = object(&[("data", any.clone()), ("errors", json!({ "type": "array", "items": any }))]);
    vec![
        get("/server/ping", "ping", "Whether the server is there").gives_as(
            "200",
            "It is.",
            "text/html",
            &json!({ "type": "string", "const": "pong" }),
        ),
        get("/server/info", "readInfo", "What the project is called and looks like")
            .by(Caller::Perhaps)
            .gives("Those who are signed in hear more.", &schema("Info")),
        get("/server/health", "readHealth", "Whether all is well")
            .by(Caller::SignedIn)
            .gives_as("200", "A word; the details for administrators.", "application/health+json", &schema("Health"))
            .gives_as("503", "Something does not work.", "application/health+json", &schema("Health")),
        get("/server/specs/oas", "readSpecification", "This document").gives_as(
            "200",
            "An OpenAPI 3.1 document.",
            "application/json",
            &json!({ "type": "object" }),
        ),
        get("/server/specs/graphql/system", "readGraphqlSchema", "What can be asked for in GraphQL")
            .by(Caller::Perhaps)
            .gives_as("200", "The schema, as far as the caller may use it.", "application/octet-stream", &text()),
        get("/utils/random/string", "readRandomString", "A text that nobody can guess")
            .parameter("length", &length, "How many letters; 32 if nothing is said.")
            .gives("The text.", &text()),
        get("/graphql/system", "queryGraphql", "A query in GraphQL")
            .by(Caller::Perhaps)
            .parameter("query", &text(), "The document.")
            .parameter("variables", &text(), "Its variables as JSON.")
            .parameter("operationName", &text(), "Which of its operations is meant.")
            .gives_as("200", "What was asked for, and what was refused.", "application/json", &answer),
        Operation::new("post", "/graphql/system", TAG, "askGraphql", "A query or a mutation in GraphQL")
            .by(Caller::Perhaps)
            .takes(asked)
            .gives_as("200", "What was asked for, and what was refused.", "application/json", &answer),
    ]
}
