//! `GET /server/specs/oas`: what this server offers over REST, as an `OpenAPI` 3.1 document
//! (<https://spec.openapis.org/oas/v3.1.0.html>).
//!
//! Invariant: every route of `route` is in it, and nothing else; a test holds that. The document is the same for everybody:
//! it tells what can be asked for, and the answers tell who may. Deliberately absent: `SEARCH`, a method that this version of
//! `OpenAPI` has no word for, and the pages for people.

mod accounts;
mod operate;
mod operation;
mod records;
mod schemas;
mod server;

use operation::Operation;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

static DOCUMENT: LazyLock<Value> = LazyLock::new(build);

/// The document.
pub(super) fn document() -> &'static Value {
    &DOCUMENT
}

/// All operations, in the order in which they are read best.
fn operations() -> Vec<Operation> {
    [
        accounts::sessions(),
        accounts::single_sign_on(),
        accounts::accounts(),
        accounts::own(),
        accounts::own_sessions(),
        records::operations(),
        server::operations(),
        operate::operations(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn build() -> Value {
    let mut paths = Map::new();
    for operation in operations() {
        let path = paths.entry(operation.path.clone()).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(operation.method.to_owned(), operation.to_json());
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Gatewit",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Authentication and accounts, over the REST protocol of Directus.",
        },
        "tags": [
            { "name": "Sessions", "description": "Signing in, staying signed in, signing out." },
            { "name": "Accounts", "description": "Registering, being invited, recovering a password." },
            { "name": "Own account", "description": "What people do with their own accounts." },
            { "name": "Records", "description": "Accounts, roles, policies and what belongs to them." },
            { "name": "Server", "description": "What the server says of itself." },
            { "name": "Operation", "description": "What administrators see and do to the server." },
        ],
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "responses": operation::refusals(),
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "An access token or a static token." },
                "query": { "type": "apiKey", "in": "query", "name": "access_token" },
                "session": { "type": "apiKey", "in": "cookie", "name": "directus_session_token" },
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::super::{
        route::{self, Route, Verb},
        template,
    };
    use super::*;
    use hyper::Method;
    use std::collections::BTreeSet;

    /// A route as the document has it; `None` for what is not in it.
    fn documented(route: &Route) -> Option<String> {
        let left_out = matches!(
            route,
            // Pages for people, what HTTP itself has, figures in a format of their own, and `SEARCH`.
            Route::Root
                | Route::Robots
                | Route::Admin(_)
                | Route::Metrics
                | Route::Options { .. }
                | Route::Unknown
                | Route::Records(Verb::Search, _)
        );
        let (method, path) = template::of(route);
        let path = if matches!(route, Route::Graphql) { "/graphql/system" } else { &path };
        (!left_out).then(|| format!("{} {path}", method.to_ascii_lowercase()))
    }

    /// What the document has, as `method path`.
    fn entries() -> BTreeSet<String> {
        let paths = document()["paths"].as_object().unwrap();
        let methods = |path: &Value| path.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        paths
            .iter()
            .flat_map(|(path, item)| methods(item).into_iter().map(move |method| format!("{method} {path}")))
            .collect()
    }

    /// Every word that a path can have.
    const WORDS: &[&str] = &[
        "",
        "server",
        "ping",
        "info",
        "health",
        "specs",
        "oas",
        "graphql",
        "system",
        "utils",
        "random",
        "string",
        "auth",
        "login",
        "refresh",
        "logout",
        "password",
        "request",
        "reset",
        "users",
        "register",
        "verify-email",
        "invite",
        "accept",
        "me",
        "track",
        "page",
        "tfa",
        "generate",
        "qr-code",
        "enable",
        "disable",
        "recovery-codes",
        "identities",
        "callback",
        "backchannel-logout",
        "policies",
        "globals",
        "roles",
        "permissions",
        "shares",
        "access",
        "settings",
        "activity",
        "revisions",
        "some-id",
        "acs",
        "metadata",
        "gatewit",
        "live",
        "forward-auth",
        "return",
        "ready",
        "status",
        "sessions",
        "audit",
        "traces",
        "verify",
        "components",
        "rollback",
        "promote",
        "end-trial",
        "drivers",
        "providers",
        "test",
    ];

    /// What the server answers for paths of up to four parts made of every word that a path can have.
    fn served() -> BTreeSet<String> {
        let mut paths = vec![String::new()];
        let mut found = BTreeSet::new();
        for parts in 1..=4 {
            let longer = |path: &String| WORDS.iter().map(move |word| format!("{path}/{word}")).collect::<Vec<_>>();
            // Only these have four parts.
            let long = [
                "/tfa",
                "/track",
                "/identities",
                "/sessions",
                "/login/some-id",
                "/graphql",
                "/components/some-id",
                "/providers/some-id",
            ];
            let goes_on = |path: &&String| parts < 4 || long.iter().any(|end| path.ends_with(end));
            paths = paths.iter().filter(|path| !path.ends_with('/')).filter(goes_on).flat_map(longer).collect();
            for path in &paths {
                for method in [Method::GET, Method::POST, Method::PATCH, Method::DELETE, Method::PUT] {
                    found.extend(documented(&route::find(&method, path)));
                }
            }
        }
        found
    }

    #[test]
    fn every_route_is_in_the_document_and_the_other_way_round() {
        let (mut entries, served) = (entries(), served());
        // Both methods lead to one route.
        assert!(entries.remove("get /graphql/system"));
        assert_eq!(entries.difference(&served).collect::<Vec<_>>(), Vec::<&String>::new(), "nobody answers these");
        assert_eq!(served.difference(&entries).collect::<Vec<_>>(), Vec::<&String>::new(), "nobody can read of these");
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
            match value {
                Value::Object(fields) => {
                    found.extend(fields.get("$ref").and_then(Value::as_str));
                    fields.values().for_each(|value| references(value, found));
                }
                Value::Array(items) => items.iter().for_each(|value| references(value, found)),
                _ => {}
            }
        }
        let mut found = Vec::new();
        references(document(), &mut found);
        assert!(found.len() > 100, "{}", found.len());
        for reference in found {
            let path = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference}"));
            assert!(document().pointer(path).is_some(), "{reference}");
        }
    }

    #[test]
    fn operations_are_named_once_and_say_what_they_take() {
        let mut names = BTreeSet::new();
        for operation in operations() {
            let json = operation.to_json();
            assert!(names.insert(json["operationId"].as_str().unwrap().to_owned()), "{}", json["operationId"]);
            assert!(
                json["responses"].as_object().unwrap().keys().any(|status| status.starts_with(['2', '3'])),
                "{json}"
            );
            let parameters: BTreeSet<_> = operation.path.split(['{', '}']).skip(1).step_by(2).collect();
            let told =
                json["parameters"].as_array().into_iter().flatten().filter(|parameter| parameter["in"] == "path");
            let told: BTreeSet<_> = told.map(|parameter| parameter["name"].as_str().unwrap()).collect();
            assert_eq!(parameters, told, "{}", operation.path);
        }
    }
}
