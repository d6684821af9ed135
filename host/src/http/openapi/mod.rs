//! `GET /server/specs/oas`: what this server offers over REST, as an `OpenAPI` 3.1 document
//! (<https://spec.openapis.org/oas/v3.1.0.html>).
//!
//! Invariant: every route of `route` is in it, and nothing else; a test holds that. The document is the same for everybody:
//! it tells what can be asked for, and the answers tell who may. Deliberately absent: `SEARCH`, a method that this version of
//! `OpenAPI` has no word for, and the pages for people.

mod accounts;
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
        records::operations(),
        server::operations(),
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
    use super::super::route::{self, Route, Verb};
    use super::*;
    use hyper::Method;
    use std::collections::BTreeSet;

    /// The path of a route in the document and its method; `None` for what is not in it. Exhaustive, so that a new route
    /// does not compile before it is documented or left out for a reason.
    fn documented(route: &Route) -> Option<String> {
        let verb = |verb: Verb| match verb {
            Verb::Read => Some("get"),
            Verb::Search => None,
            Verb::Create => Some("post"),
            Verb::Update => Some("patch"),
            Verb::Delete => Some("delete"),
        };
        let short = |collection: &str| collection.trim_start_matches("directus_").to_owned();
        Some(match route {
            // Pages for people, what HTTP itself has,.
            Route::Root | Route::Robots | Route::Admin(_) | Route::Options { .. } | Route::Unknown => {
                return None;
            }
            Route::SingleSignOn(step, _) => {
                use route::Step;
                let (method, rest) = match step {
                    Step::Begin => ("get", ""),
                    Step::Return => ("get", "/callback"),
                    Step::ReturnByForm => ("post", "/callback"),
                    Step::ReturnInForm => ("post", "/acs"),
                    Step::Metadata => ("get", "/metadata"),
                    Step::Leave => ("post", "/logout"),
                    Step::Message => ("get", "/logout"),
                    Step::Notice => ("post", "/backchannel-logout"),
                };
                format!("{method} /auth/login/{{provider}}{rest}")
            }
            Route::Identities => "get /users/me/identities".to_owned(),
            Route::Link(_) => "post /users/me/identities/{id}".to_owned(),
            Route::Unlink(_) => "delete /users/me/identities/{id}".to_owned(),
            Route::Ping => "get /server/ping".to_owned(),
            Route::Info => "get /server/info".to_owned(),
            Route::Health => "get /server/health".to_owned(),
            Route::Specification => "get /server/specs/oas".to_owned(),
            Route::GraphqlSchema => "get /server/specs/graphql/system".to_owned(),
            Route::Graphql => "post /graphql/system".to_owned(),
            Route::RandomString => "get /utils/random/string".to_owned(),
            Route::Providers => "get /auth".to_owned(),
            Route::Login => "post /auth/login".to_owned(),
            Route::LoginWith(_) => "post /auth/login/{provider}".to_owned(),
            Route::Refresh => "post /auth/refresh".to_owned(),
            Route::Logout => "post /auth/logout".to_owned(),
            Route::RequestReset => "post /auth/password/request".to_owned(),
            Route::Reset => "post /auth/password/reset".to_owned(),
            Route::Register => "post /users/register".to_owned(),
            Route::VerifyEmail => "get /users/register/verify-email".to_owned(),
            Route::Invite => "post /users/invite".to_owned(),
            Route::Accept => "post /users/invite/accept".to_owned(),
            Route::Me => "get /users/me".to_owned(),
            Route::UpdateMe => "patch /users/me".to_owned(),
            Route::TrackPage => "patch /users/me/track/page".to_owned(),
            Route::Factor(what) => {
                use route::Factor;
                let what = match what {
                    Factor::Generate => "generate",
                    Factor::Picture => "qr-code",
                    Factor::Enable => "enable",
                    Factor::Disable => "disable",
                    Factor::RecoveryCodes => "recovery-codes",
                };
                format!("post /users/me/tfa/{what}")
            }
            Route::RemoveFactor(_) => "post /users/{id}/tfa/disable".to_owned(),
            Route::Rights("globals") => "get /policies/me/globals".to_owned(),
            Route::Rights(form) => format!("get /{form}/me"),
            Route::ShareLogin => "post /shares/auth".to_owned(),
            Route::ShareInfo(_) => "get /shares/info/{id}".to_owned(),
            Route::Records(what, collection) => format!("{} /{}", verb(*what)?, short(collection)),
            Route::Record(what, collection, _) => format!("{} /{}/{{id}}", verb(*what)?, short(collection)),
        })
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

    /// What the server answers for paths of up to four parts made of every word that a path can have.
    fn served() -> BTreeSet<String> {
        let words = [
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
        ];
        let mut paths = vec![String::new()];
        let mut found = BTreeSet::new();
        for parts in 1..=4 {
            let longer = |path: &String| words.map(|word| format!("{path}/{word}"));
            // Only these have four parts.
            let long = ["/tfa", "/track", "/identities", "/login/some-id", "/graphql"];
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
