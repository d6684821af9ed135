//! The schema as the library knows it, and the two passes over a document.
//!
//! The library validates and gives answers their shape; what happens between is ours. In the first pass the fields of the
//! roots only write down what is asked of them; then the operations run, one after another, in the request's sandbox; in the
//! second pass the fields take their values from the answers. So nothing that runs here waits or fails, and a document that
//! is not valid has done nothing. Invariant: callers with the same rights share a schema, and how many are kept is bounded.

use super::{
    collections::{self, Action, Collection, Kind, Rights, USERS},
    document::{DEPTH_MAX, Document, FIELDS_MAX},
    invalid::Invalid,
    request::Request,
    roots::{self, BIG_INT, DATE, HASH, JSON, MODE, Root, Task},
    wording,
};
use async_graphql::{
    self as graphql, Pos, Response, SelectionField, Value, Variables,
    dynamic::{
        Enum, Field, FieldFuture, InputObject, InputValue, Object, ResolverContext, Scalar, Schema, SchemaError,
        TypeRef,
    },
};
use serde_json::{Map, Value as Json};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

/// Schemas that are kept. A project has a handful of kinds of rights; one schema takes some 200 KB and a millisecond to make.
const SCHEMAS_MAX: usize = 32;

/// The schemas that were made so far.
pub(crate) struct Schemas {
    introspection: bool,
    /// The fields of the roots that are there whatever the caller may do.
    for_everybody: HashSet<String>,
    made: Mutex<HashMap<Rights, Schema>>,
}

impl Schemas {
    /// Makes the smallest and the largest, so that what is wrong with either is known at the start.
    pub(crate) fn new(introspection: bool) -> Result<Self, SchemaError> {
        let roots = roots::queries(Rights::NONE).into_iter().chain(roots::mutations(Rights::NONE));
        let for_everybody = roots.map(|root| root.name).chain(["__typename".to_owned()]).collect();
        let schemas = Self { introspection, for_everybody, made: Mutex::default() };
        schemas.find(Rights::NONE)?;
        schemas.find(Rights::ALL)?;
        Ok(schemas)
    }

    /// The schema of callers with these rights.
    pub(super) fn find(&self, rights: Rights) -> Result<Schema, SchemaError> {
        if let Some(schema) = self.made.lock().unwrap_or_else(PoisonError::into_inner).get(&rights) {
            return Ok(schema.clone());
        }
        let schema = build(rights, self.introspection)?;
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.len() < SCHEMAS_MAX {
            made.insert(rights, schema.clone());
        }
        Ok(schema)
    }

    pub(super) fn introspection(&self) -> bool {
        self.introspection
    }

    /// Whether a document is the same for every caller, so that nobody has to ask what this one may do.
    pub(super) fn serves_everybody(&self, document: &Document) -> bool {
        document.roots.iter().all(|(_, name)| self.for_everybody.contains(name))
    }
}

/// What a document asks of one operation.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// Its name in the answer.
    pub(super) key: String,
    pub(super) task: Task,
    pub(super) arguments: Map<String, Json>,
    /// The columns to answer with, as paths.
    pub(super) fields: Vec<String>,
    pub(super) place: Pos,
    /// Whether the answer is whether it was done.
    pub(super) is_truth: bool,
    /// Whether there is no answer at all without this one.
    pub(super) is_needed: bool,
}

/// Where the first pass writes down what is asked.
#[derive(Clone, Default)]
struct Notebook(Arc<Mutex<Vec<Call>>>);

/// What the second pass answers with.
struct Answers(BTreeMap<String, Value>);

/// The first pass: validates, and finds out what is asked. The answer is whole already where nothing is.
pub(super) async fn plan(
    schema: &Schema,
    request: &Request,
    document: &Document,
) -> Result<(Vec<Call>, Response), Vec<Invalid>> {
    let notebook = Notebook::default();
    let response = schema.execute(prepared(request, document).data(notebook.clone())).await;
    if !response.errors.is_empty() {
        let registry = schema.registry();
        return Err(response
            .errors
            .iter()
            .filter_map(|error| wording::reword(error, &document.parsed, registry))
            .collect());
    }
    let calls = std::mem::take(&mut *notebook.0.lock().unwrap_or_else(PoisonError::into_inner));
    Ok((calls, response))
}

/// The second pass: gives the answers their shape.
pub(super) async fn shape(
    schema: &Schema,
    request: &Request,
    document: &Document,
    answers: BTreeMap<String, Json>,
) -> Response {
    let value = |(key, json)| Some((key, Value::from_json(json).ok()?));
    let answers = Answers(answers.into_iter().filter_map(value).collect());
    schema.execute(prepared(request, document).data(answers)).await
}

fn prepared(request: &Request, document: &Document) -> graphql::Request {
    let variables = Variables::from_json(Json::Object(request.variables.clone()));
    let mut prepared = graphql::Request::new(&*request.document).variables(variables);
    prepared.operation_name.clone_from(&request.operation);
    prepared.set_parsed_query(document.parsed.clone());
    prepared
}

fn build(rights: Rights, introspection: bool) -> Result<Schema, SchemaError> {
    let mut builder = Schema::build("Query", Some("Mutation"), None);
    // What is too large was refused before; these are for the day when something else counts than what was counted there.
    builder = builder.limit_depth(DEPTH_MAX).limit_recursive_depth(DEPTH_MAX).limit_complexity(FIELDS_MAX);
    builder = builder.disable_suggestions();
    if !introspection {
        builder = builder.disable_introspection();
    }
    for name in [BIG_INT, DATE, HASH, JSON] {
        builder = builder.register(Scalar::new(name));
    }
    builder = builder.register(Enum::new(MODE).item("json").item("cookie").item("session"));
    for (name, columns) in plain_objects() {
        let object = Object::new(name);
        builder =
            builder.register(columns.into_iter().fold(object, |object, (name, kind)| object.field(column(name, kind))));
    }
    for collection in collections::ALL {
        let object = Object::new(collection.name);
        let columns = collection.columns.iter().filter(|(_, kind)| is_shown(*kind, rights));
        let columns = columns.map(|(name, kind)| column(name, shown(*kind)));
        builder = builder.register(columns.fold(object, Object::field));
        builder = builder.register(Scalar::new(roots::filter_name(collection)));
        for action in [Action::Create, Action::Update] {
            let name = roots::input_name(action, collection);
            builder = if collection.name == USERS.name {
                builder.register(user_input(&name, action))
            } else {
                builder.register(Scalar::new(name))
            };
        }
    }
    let object = |name: &str, roots: Vec<Root>| roots.into_iter().map(field).fold(Object::new(name), Object::field);
    let query = object("Query", roots::queries(rights));
    builder.register(query).register(object("Mutation", roots::mutations(rights))).finish()
}

/// Types that are no collections.
fn plain_objects() -> Vec<(&'static str, Vec<(&'static str, TypeRef)>)> {
    let [text, truth, number] =
        [TypeRef::STRING, TypeRef::BOOLEAN, TypeRef::INT].map(|name| move || TypeRef::named(name));
    let limit = || TypeRef::named("server_info_rate_limit");
    let project = collections::SETTINGS.columns.iter().filter(|(name, _)| super::super::server::PROJECT.contains(name));
    vec![
        (
            "auth_tokens",
            vec![("access_token", text()), ("expires", TypeRef::named(BIG_INT)), ("refresh_token", text())],
        ),
        ("users_me_tfa_generate_data", vec![("secret", text()), ("otpauth_url", text())]),
        ("delete_one", vec![("id", TypeRef::named_nn(TypeRef::ID))]),
        ("delete_many", vec![("ids", TypeRef::named_list_nn(TypeRef::ID))]),
        ("policies_me_globals", vec![("enforce_tfa", truth()), ("app_access", truth()), ("admin_access", truth())]),
        (
            "server_info",
            vec![
                ("project", TypeRef::named("server_info_project")),
                ("rateLimit", limit()),
                ("rateLimitGlobal", limit()),
                ("version", text()),
            ],
        ),
        ("server_info_rate_limit", vec![("points", number()), ("duration", number())]),
        ("server_info_project", project.map(|(name, kind)| (*name, shown(*kind))).collect()),
    ]
}

/// Whether a column is shown: lists of other records are, to those who may read them.
fn is_shown(kind: Kind, rights: Rights) -> bool {
    let readable = |name| related(name).is_some_and(|collection| rights.allows(Action::Read, collection));
    !matches!(kind, Kind::Many(name) if !readable(name))
}

fn related(name: &str) -> Option<&'static Collection> {
    collections::ALL.into_iter().find(|collection| collection.name == name)
}

/// The type of a column in answers.
fn shown(kind: Kind) -> TypeRef {
    match kind {
        Kind::Id => TypeRef::named_nn(TypeRef::ID),
        Kind::Text => TypeRef::named(TypeRef::STRING),
        Kind::Integer => TypeRef::named(TypeRef::INT),
        Kind::Boolean => TypeRef::named(TypeRef::BOOLEAN),
        Kind::Json => TypeRef::named(JSON),
        Kind::Hash => TypeRef::named(HASH),
        Kind::Date => TypeRef::named(DATE),
        Kind::One(name) => TypeRef::named(name),
        Kind::Many(name) => TypeRef::named_list(name),
    }
}

/// What accounts are made of. Other collections take any object.
fn user_input(name: &str, action: Action) -> InputObject {
    let kind = |kind| match kind {
        Kind::Id => TypeRef::named(TypeRef::ID),
        Kind::One(other) => TypeRef::named(related(other).map_or(JSON.to_owned(), |it| roots::input_name(action, it))),
        Kind::Many(_) => TypeRef::named(JSON),
        other => shown(other),
    };
    let values = USERS.columns.iter().map(|(name, column)| InputValue::new(*name, kind(*column)));
    values.fold(InputObject::new(name), InputObject::field)
}

/// A column: what its record holds under its name.
fn column(name: &'static str, kind: TypeRef) -> Field {
    Field::new(name, kind, move |context: ResolverContext<'_>| {
        let held = match context.parent_value.as_value() {
            Some(Value::Object(record)) => record.get(name).filter(|value| **value != Value::Null).cloned(),
            _ => None,
        };
        FieldFuture::from_value(held)
    })
}

/// A field of the roots: writes down what is asked in the first pass, and answers in the second.
fn field(root: Root) -> Field {
    let Root { name, arguments, kind, task } = root;
    let is_list = matches!(&kind, TypeRef::List(_))
        || matches!(&kind, TypeRef::NonNull(inner) if matches!(**inner, TypeRef::List(_)));
    let (is_truth, is_needed) = (kind.type_name() == TypeRef::BOOLEAN, matches!(kind, TypeRef::NonNull(_)));
    let field = Field::new(name, kind, move |context: ResolverContext<'_>| {
        let asked = context.field();
        let key = asked.alias().unwrap_or_else(|| asked.name());
        if let Some(Answers(answers)) = context.data_opt::<Answers>() {
            return FieldFuture::from_value(answers.get(key).filter(|value| **value != Value::Null).cloned());
        }
        if let Some(Notebook(calls)) = context.data_opt::<Notebook>() {
            let json = |value: &Value| value.clone().into_json().unwrap_or_default();
            let arguments = context.args.iter().map(|(name, value)| (name.to_string(), json(value.as_value())));
            let mut fields = Vec::new();
            paths(&asked, "", &mut fields);
            let (key, arguments, place) = (key.to_owned(), arguments.collect(), context.item.pos);
            let call = Call { key, task, arguments, fields, place, is_truth, is_needed };
            write_down(&mut calls.lock().unwrap_or_else(PoisonError::into_inner), call);
        }
        FieldFuture::from_value(is_list.then(|| Value::List(Vec::new())))
    });
    arguments.into_iter().fold(field, |field, (name, kind)| field.argument(InputValue::new(name, kind)))
}

/// What is asked twice under one name is asked once, for the columns of both.
fn write_down(calls: &mut Vec<Call>, call: Call) {
    match calls.iter_mut().find(|other| other.key == call.key) {
        Some(other) => other.fields.extend(call.fields),
        None => calls.push(call),
    }
}

/// The columns of a selection as paths: `role.name`.
fn paths(selection: &SelectionField<'_>, before: &str, found: &mut Vec<String>) {
    for field in selection.selection_set().filter(|field| field.name() != "__typename") {
        let path = format!("{before}{}", field.name());
        if field.selection_set().next().is_some() {
            paths(&field, &format!("{path}."), found);
        } else if !found.contains(&path) {
            found.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request(document: &str) -> Request {
        let variables = json!({ "e": "a@example.com" }).as_object().cloned().unwrap();
        Request { document: document.to_owned(), variables, operation: None, is_safe: false }
    }

    async fn planned(document: &str, rights: Rights) -> Result<Vec<Call>, Vec<String>> {
        let request = request(document);
        let told = |errors: Vec<Invalid>| errors.iter().map(|error| error.to_json().to_string()).collect::<Vec<_>>();
        let document = Document::read(&request, true).map_err(told)?;
        let schema = Schemas::new(true).unwrap().find(rights).unwrap();
        plan(&schema, &request, &document).await.map(|(calls, _)| calls).map_err(told)
    }

    async fn refused(document: &str) -> String {
        planned(document, Rights::NONE).await.unwrap_err().join("\n")
    }

    #[tokio::test]
    async fn what_is_asked_is_written_down() {
        let calls =
            planned("mutation($e:String!){x:auth_login(email:$e,password:\"p\",mode:cookie){expires}}", Rights::NONE);
        let call = calls.await.unwrap().remove(0);
        assert!(matches!(call.task, Task::Login) && call.key == "x" && !call.is_needed && !call.is_truth);
        assert_eq!(json!(call.arguments), json!({ "email": "a@example.com", "password": "p", "mode": "cookie" }));
        assert_eq!(call.place, Pos { line: 1, column: 22 });
        let document = "{users(filter:{email:{_eq:$e}},limit:2){id ...F role{name}}} fragment F on directus_users{role{id __typename}}";
        let calls = planned(&document.replacen('{', "query($e:String!){", 1), Rights::ALL).await.unwrap();
        assert_eq!(calls[0].fields, ["id", "role.id", "role.name"]);
        assert_eq!(calls[0].arguments["filter"], json!({ "email": { "_eq": "a@example.com" } }));
        assert!(calls[0].is_needed);
        let merged = planned("{users_me{id} users_me{email}}", Rights::ALL).await.unwrap();
        assert_eq!((merged.len(), merged[0].fields.join(" ")), (1, "id email".to_owned()));
    }

    #[tokio::test]
    async fn mistakes_are_told_as_graphql_js_does() {
        for (document, expected) in [
            (
                "{nope}",
                r#"{"message":"Cannot query field \"nope\" on type \"Query\".","locations":[{"line":1,"column":2}]}"#,
            ),
            (
                "mutation{auth_login(email:\"x\"){access_token}}",
                r#"{"message":"Field \"auth_login\" argument \"password\" of type \"String!\" is required, but it was not provided.","locations":[{"line":1,"column":10}]}"#,
            ),
            (
                "mutation{auth_login(email:\"x\",password:\"y\",mode:bogus){access_token}}",
                r#"{"message":"Value \"bogus\" does not exist in \"auth_mode\" enum.","locations":[{"line":1,"column":49}]}"#,
            ),
            (
                "mutation{users_invite(email:\"g3@example.com\",role:\"3b59bf5a-82a4-4f92-8c50-1ef9965795aa\")}",
                r#"{"message":"Cannot query field \"users_invite\" on type \"Mutation\". Did you mean \"users_register\"?","locations":[{"line":1,"column":10}]}"#,
            ),
            (
                "{server_info}",
                r#"{"message":"Field \"server_info\" of type \"server_info\" must have a selection of subfields. Did you mean \"server_info { ... }\"?","locations":[{"line":1,"column":2}]}"#,
            ),
            (
                "{server_ping {a}}",
                r#"{"message":"Field \"server_ping\" must not have a selection since type \"String\" has no subfields.","locations":[{"line":1,"column":14}]}"#,
            ),
            (
                "{server_ping(a:1)}",
                r#"{"message":"Unknown argument \"a\" on field \"Query.server_ping\".","locations":[{"line":1,"column":14}]}"#,
            ),
            (
                "mutation{users_register_verify(token:5)}",
                r#"{"message":"String cannot represent a non string value: 5","locations":[{"line":1,"column":38}]}"#,
            ),
            (
                "query($a:String){server_ping}",
                r#"{"message":"Variable \"$a\" is never used.","locations":[{"line":1,"column":7}]}"#,
            ),
            ("{...F}", r#"{"message":"Unknown fragment \"F\".","locations":[{"line":1,"column":5}]}"#),
            (
                "{server_ping @nope}",
                r#"{"message":"Unknown directive \"@nope\".","locations":[{"line":1,"column":14}]}"#,
            ),
        ] {
            assert_eq!(refused(document).await, expected, "{document}");
        }
    }

    #[tokio::test]
    async fn answers_take_the_shape_of_the_document() {
        let request = request("{a:users_me{name:first_name role{id} __typename} users(limit:1){id email}}");
        let document = Document::read(&request, true).unwrap_or_else(|errors| panic!("{errors:?}"));
        let schema = Schemas::new(true).unwrap().find(Rights::ALL).unwrap();
        let me = json!({ "first_name": "Ed", "role": { "id": "r", "name": "x" } });
        let answers =
            BTreeMap::from([("a".to_owned(), me), ("users".to_owned(), json!([{ "id": "1", "email": null }]))]);
        let response = shape(&schema, &request, &document, answers).await;
        assert!(response.errors.is_empty(), "{:?}", response.errors);
        let data = response.data.into_json().unwrap();
        assert_eq!(data["a"].to_string(), r#"{"name":"Ed","role":{"id":"r"},"__typename":"directus_users"}"#);
        assert_eq!(data["users"].to_string(), r#"[{"id":"1","email":null}]"#);
    }

    #[tokio::test]
    async fn the_schema_tells_what_the_caller_may_do_and_no_more() {
        let ask = async |rights| {
            let request = request("{__schema{types{name}mutationType{fields{name}}}}");
            let document = Document::read(&request, true).unwrap_or_else(|errors| panic!("{errors:?}"));
            let schema = Schemas::new(true).unwrap().find(rights).unwrap();
            plan(&schema, &request, &document).await.unwrap().1.data.into_json().unwrap().to_string()
        };
        let (anybody, admin) = (ask(Rights::NONE).await, ask(Rights::ALL).await);
        assert!(admin.contains("create_directus_users_input") && admin.contains("delete_roles_item"));
        assert!(!anybody.contains("create_directus_users_input") && !anybody.contains("users_invite\""), "{anybody}");
        assert!(!anybody.contains("directus_permissions"), "{anybody}");
    }

    #[test]
    fn schemas_are_kept_within_limits() {
        let schemas = Schemas::new(false).unwrap();
        for access in 0..40_u32 {
            let access = |bit: u32| if access >> bit & 1 == 1 { "full" } else { "none" };
            let all = |offset| json!({ "read": { "access": access(offset) }, "create": { "access": access(offset + 1) }, "delete": { "access": access(offset + 2) } });
            let rights = Rights::of(&json!({ "directus_users": all(0), "directus_roles": all(3) }));
            assert!(schemas.find(rights).is_ok());
        }
        assert_eq!(schemas.made.lock().unwrap().len(), SCHEMAS_MAX);
    }
}
