//! The schemas of the document: what is sent and answered, by name.
//!
//! Records are described by the columns that GraphQL has, so that there is one list. Deliberately absent: which columns a
//! caller may see.

use super::super::graphql::collections::{ACCESS, Collection, Kind, PERMISSIONS, POLICIES, ROLES, SETTINGS, USERS};
use super::super::server::PROJECT;
use super::operation::{object, schema, text};
use serde_json::{Map, Value, json};

pub(super) fn all() -> Value {
    let mut schemas = protocol();
    for (name, collection) in [
        ("User", &USERS),
        ("Role", &ROLES),
        ("Policy", &POLICIES),
        ("Access", &ACCESS),
        ("Permission", &PERMISSIONS),
        ("Settings", &SETTINGS),
    ] {
        schemas.insert(name.to_owned(), of(collection));
    }
    schemas.extend(history());
    schemas.extend(operated());
    schemas.into()
}

/// A collection by its columns.
fn of(collection: &Collection) -> Value {
    let columns = collection.columns.iter().map(|(name, kind)| ((*name).to_owned(), column(*kind)));
    json!({ "type": "object", "properties": columns.collect::<Map<_, _>>() })
}

fn column(kind: Kind) -> Value {
    match kind {
        Kind::Id => json!({ "type": ["string", "integer"] }),
        Kind::Text => json!({ "type": ["string", "null"] }),
        Kind::Integer => json!({ "type": ["integer", "null"] }),
        Kind::Boolean => json!({ "type": ["boolean", "null"] }),
        Kind::Json => json!({}),
        Kind::Hash => json!({ "type": ["string", "null"], "description": "A secret: shown as `**********`." }),
        Kind::Date => json!({ "type": ["string", "null"], "format": "date-time" }),
        Kind::One(name) => json!({ "anyOf": [text(), { "type": "null" }, schema(named(name))] }),
        Kind::Many(name) => json!({ "type": "array", "items": { "anyOf": [text(), schema(named(name))] } }),
    }
}

/// The schema of a collection.
fn named(collection: &str) -> &'static str {
    match collection {
        "directus_users" => "User",
        "directus_roles" => "Role",
        "directus_policies" => "Policy",
        "directus_access" => "Access",
        _ => "Permission",
    }
}

fn protocol() -> Map<String, Value> {
    let whole = || json!({ "type": "integer" });
    let truth = || json!({ "type": "boolean" });
    let limit = || json!({ "oneOf": [{ "const": false }, object(&[("!points", whole()), ("!duration", whole())])] });
    let extensions = json!({ "type": "object", "required": ["code"], "properties": { "code": text() } });
    let error = object(&[("!message", text()), ("!extensions", extensions)]);
    let access = json!({ "type": "object", "properties": {
        "access": { "enum": ["none", "partial", "full"] }, "fields": { "type": "array", "items": text() },
    } });
    let project = SETTINGS.columns.iter().filter(|(name, _)| PROJECT.contains(name));
    let project: Map<_, _> = project.map(|(name, kind)| ((*name).to_owned(), column(*kind))).collect();
    let schemas = [
        ("Errors", object(&[("!errors", json!({ "type": "array", "minItems": 1, "items": error }))])),
        (
            "Mode",
            json!({ "enum": ["json", "cookie", "session"], "description": "Where the client keeps what it holds." }),
        ),
        (
            "Tokens",
            object(&[
                (
                    "!expires",
                    json!({ "type": "integer", "description": "Milliseconds until the access token expires." }),
                ),
                ("refresh_token", text()),
                ("access_token", text()),
            ]),
        ),
        ("Provider", object(&[("!name", text()), ("label", text()), ("!driver", text()), ("icon", text())])),
        (
            "Identity",
            object(&[
                ("!id", text()),
                ("!provider", text()),
                ("!identifier", text()),
                ("email", text()),
                ("primary", truth()),
                ("linked_at", json!({ "type": ["string", "null"], "format": "date-time" })),
            ]),
        ),
        ("Globals", object(&[("app_access", truth()), ("admin_access", truth()), ("enforce_tfa", truth())])),
        (
            "OwnPermissions",
            json!({ "type": "object", "additionalProperties": { "type": "object", "additionalProperties": access } }),
        ),
        (
            "Info",
            object(&[
                ("!project", json!({ "type": "object", "properties": project })),
                ("rateLimit", limit()),
                ("rateLimitGlobal", limit()),
                ("version", text()),
            ]),
        ),
        (
            "Health",
            object(&[
                ("!status", json!({ "enum": ["ok", "warn", "error"] })),
                ("releaseId", text()),
                ("serviceId", text()),
                ("checks", json!({ "type": "object" })),
            ]),
        ),
        ("Query", query()),
    ];
    schemas.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

fn query() -> Value {
    let texts = || json!({ "type": "array", "items": text() });
    let whole = || json!({ "type": "integer" });
    object(&[
        ("fields", texts()),
        ("filter", json!({ "type": "object" })),
        ("search", text()),
        ("sort", texts()),
        ("limit", whole()),
        ("offset", whole()),
        ("page", whole()),
        ("meta", texts()),
    ])
}

/// Shares, and what is on record.
fn history() -> Map<String, Value> {
    let id = || json!({ "type": ["string", "integer"] });
    let maybe = || json!({ "type": ["string", "null"] });
    let date = || json!({ "type": ["string", "null"], "format": "date-time" });
    let number = || json!({ "type": ["integer", "null"] });
    let dates = [("date_start", date()), ("date_end", date()), ("times_used", number()), ("max_uses", number())];
    let info = [("id", id()), ("collection", text()), ("item", text()), ("password", maybe())];
    let share = [("name", maybe()), ("role", maybe()), ("user_created", maybe()), ("date_created", date())];
    let activity = [
        ("id", id()),
        ("action", text()),
        ("user", maybe()),
        ("timestamp", date()),
        ("ip", maybe()),
        ("user_agent", maybe()),
        ("collection", text()),
        ("item", text()),
        ("origin", maybe()),
    ];
    let revision = [
        ("id", id()),
        ("activity", id()),
        ("collection", text()),
        ("item", text()),
        ("data", json!({})),
        ("delta", json!({})),
        ("parent", id()),
        ("version", maybe()),
    ];
    let joined = |parts: &[&[(&str, Value)]]| object(&parts.concat());
    let schemas = [
        ("ShareInfo", joined(&[&info, &dates])),
        ("Share", joined(&[&info, &share, &dates])),
        ("Activity", object(&activity)),
        ("Revision", object(&revision)),
    ];
    schemas.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

/// What operators see.
fn operated() -> Map<String, Value> {
    let maybe = || json!({ "type": ["string", "null"] });
    let date = || json!({ "type": "string", "format": "date-time" });
    let session = [
        ("!id", text()),
        ("user", maybe()),
        ("share", maybe()),
        ("provider", maybe()),
        ("!current", json!({ "type": "boolean" })),
        ("!expires", date()),
        ("ip", maybe()),
        ("user_agent", maybe()),
        ("origin", maybe()),
    ];
    let entry = [
        ("!number", json!({ "type": "integer" })),
        ("!at", date()),
        ("!who", text()),
        ("!what", text()),
        ("!object", text()),
        ("!outcome", text()),
        ("request", maybe()),
        ("ip", maybe()),
        ("!hash", text()),
    ];
    let verdict = [
        ("!intact", json!({ "type": "boolean" })),
        ("!entries", json!({ "type": "integer" })),
        ("head", maybe()),
        ("broken_at", json!({ "type": ["integer", "null"] })),
        ("reason", maybe()),
    ];
    let schemas = [
        ("Session", object(&session)),
        ("AuditEntry", object(&entry)),
        ("AuditVerdict", object(&verdict)),
        ("FailedSignIn", failed_sign_in()),
    ];
    schemas.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

fn failed_sign_in() -> Value {
    let text = || json!({ "type": "string" });
    let whole = || json!({ "type": "integer" });
    let step = object(&[("!at_ms", whole()), ("!level", text()), ("!from", text()), ("!text", text())]);
    object(&[
        ("number", whole()),
        ("!request", text()),
        ("!at", text()),
        ("!provider", text()),
        ("!reason", text()),
        ("steps", json!({ "type": "array", "items": step })),
    ])
}
