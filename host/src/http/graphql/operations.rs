//! Carries out what a document asks, by the operations that REST calls, one after another in the request's one sandbox.
//!
//! Invariant: an answer leaves no earlier than the rules want, whatever else the document asks. Deliberately absent:
//! decisions, which are the rules', and the shape of answers.

use super::{
    super::{
        auth::Mode,
        email, records,
        refusal::{FailedCheck, Refusal},
        server,
        service::{Caller, Exchange},
    },
    collections::{Collection, Kind, Rights, USERS},
    roots::{Right, Task},
    schema::Call,
};
use crate::{
    bindings::auth::{
        exports::gatewit::auth::{
            access::Principal,
            records::{Query, Target},
            registration::Applicant,
            sessions::{Attempt, Grant, Held},
        },
        gatewit::auth::types::{Client, Reason},
    },
    engine::{Conversation, Outcome},
    gatewit::broken,
};
use hyper::header::HeaderValue;
use serde_json::{Value, json};
use std::time::Duration;

/// The operations of one request.
pub(super) struct Operations<'a> {
    exchange: &'a Exchange<'a>,
    principal: Option<Principal>,
    /// Opened by whoever needs it first.
    rules: Option<Conversation>,
    cookies: Vec<HeaderValue>,
}

impl<'a> Operations<'a> {
    pub(super) fn new(exchange: &'a Exchange<'a>, caller: Option<Caller>) -> Self {
        let (principal, rules) = caller.map(|Caller { principal, rules }| (principal, rules)).unzip();
        Self { exchange, principal, rules, cookies: Vec::new() }
    }

    /// What the caller may do.
    pub(super) async fn rights(&mut self) -> Result<Rights, Refusal> {
        if self.principal.as_ref().is_some_and(|principal| principal.admin) {
            return Ok(Rights::ALL);
        }
        let rights = self.ask(async |rules, who, _| rules.rights(who, "permissions").await).await?;
        Ok(Rights::of(&parsed(&rights)?))
    }

    /// Closes the sandbox. The cookies that were set, and for how long the answer is to be held.
    pub(super) fn finish(self) -> (Vec<HeaderValue>, Duration) {
        (self.cookies, self.rules.map_or(Duration::ZERO, |rules| rules.hold()))
    }

    /// Carries out one operation.
    pub(super) async fn run(&mut self, call: &Call) -> Result<Value, Refusal> {
        let answer = match call.task {
            Task::Ping => json!("pong"),
            Task::Info => limits_or_null(server::info_data(self.exchange, self.principal.is_some()).await?),
            Task::Health => server::health_report(self.exchange, self.principal.as_ref()).await?.0,
            Task::Specification => super::super::openapi::document().clone(),
            Task::Login => self.login(call).await?,
            Task::Refresh => self.refresh(call).await?,
            Task::Logout => self.logout(call).await?,
            Task::RequestReset | Task::Reset | Task::Accept | Task::Register | Task::Verify | Task::Invite => {
                self.account(call).await?
            }
            Task::Generate | Task::Enable | Task::Disable => self.second_factor(call).await?,
            Task::Me | Task::UpdateMe => self.own_account(call).await?,
            Task::Rights(form) => self.told_rights(form).await?,
            Task::List(collection) => self.list(call, collection).await?,
            Task::Read(collection) => self.read(call, collection).await?,
            Task::CreateOne(collection) | Task::CreateMany(collection) => self.create(call, collection).await?,
            Task::UpdateOne(_) | Task::UpdateMany(_) | Task::UpdateEach(_) => self.update(call).await?,
            Task::DeleteOne(_) | Task::DeleteMany(_) => self.delete(call).await?,
        };
        Ok(if call.is_truth && !answer.is_null() { true.into() } else { answer })
    }

    async fn login(&mut self, call: &Call) -> Result<Value, Refusal> {
        if self.exchange.server.provider("default").is_none() {
            return Err(Refusal::InvalidProviderConfig { provider: "default".to_owned() });
        }
        let mode = mode(call);
        let attempt = Attempt {
            provider: "default".to_owned(),
            account: optional(call, "email"),
            values: vec![text(call, "email"), text(call, "password")],
            otp: optional(call, "otp"),
            form: mode.form(),
        };
        let answer = self.ask(async |rules, _, client| rules.login(&attempt, client).await).await;
        self.exchange.server.services.metrics.signed_in("default", outcome(&answer));
        let grant = answer.inspect_err(|refusal| self.exchange.sign_in_failed("default", refusal.code()))?;
        Ok(self.granted(mode, grant))
    }

    async fn refresh(&mut self, call: &Call) -> Result<Value, Refusal> {
        let (mode, held) = self.held(call)?;
        let answer = self.ask(async |rules, _, client| rules.refresh(&held, mode.form(), client).await).await;
        self.exchange.server.services.metrics.refreshed(outcome(&answer));
        Ok(self.granted(mode, answer?))
    }

    async fn logout(&mut self, call: &Call) -> Result<Value, Refusal> {
        let (_, held) = self.held(call)?;
        self.ask(async |rules, _, client| rules.logout(&held, client).await).await?;
        let carried = [&self.exchange.wire.refresh_cookie, &self.exchange.wire.session_cookie];
        let carried = carried.into_iter().filter(|cookie| self.exchange.cookie(cookie).is_some());
        self.cookies.extend(carried.map(|cookie| cookie.clear(self.exchange.now)));
        Ok(true.into())
    }

    /// The mode, which is never guessed here, and what the client holds in it.
    fn held(&self, call: &Call) -> Result<(Mode, Held), Refusal> {
        let (mode, wire) = (mode(call), self.exchange.wire);
        let held = match mode {
            Mode::Json => optional(call, "refresh_token").map(Held::RefreshToken),
            Mode::Cookie => self.exchange.cookie(&wire.refresh_cookie).map(Held::RefreshToken),
            Mode::Session => self.exchange.cookie(&wire.session_cookie).map(Held::SessionToken),
        };
        let missing = "The refresh token is required in either the payload or cookie";
        Ok((mode, held.ok_or_else(|| Refusal::payload(missing))?))
    }

    /// The tokens of a signed-in client, each where the mode wants it. Numbers of this size are texts in GraphQL.
    fn granted(&mut self, mode: Mode, grant: Grant) -> Value {
        let Grant { access_token, refresh_token, expires_in_ms } = grant;
        let (wire, now, expires) = (self.exchange.wire, self.exchange.now, expires_in_ms.to_string());
        match mode {
            Mode::Json => json!({ "access_token": access_token, "expires": expires, "refresh_token": refresh_token }),
            Mode::Cookie => {
                self.cookies.push(wire.refresh_cookie.set(&refresh_token, now));
                json!({ "access_token": access_token, "expires": expires })
            }
            Mode::Session => {
                self.cookies.push(wire.session_cookie.set(&access_token, now));
                json!({ "expires": expires })
            }
        }
    }

    /// Accounts that are made, verified, invited or recovered. The answer is that it was done.
    async fn account(&mut self, call: &Call) -> Result<Value, Refusal> {
        let [email, password, token, role] = ["email", "password", "token", "role"].map(|name| text(call, name));
        let url = |name| optional(call, name);
        match call.task {
            Task::RequestReset => {
                let url = url("reset_url");
                self.ask(async |rules, _, client| rules.request_reset(&email, url.as_deref(), client).await).await?;
            }
            Task::Reset => self.ask(async |rules, _, client| rules.reset(&token, &password, client).await).await?,
            Task::Accept => self.ask(async |rules, _, client| rules.accept(&token, &password, client).await).await?,
            Task::Verify => drop(self.ask(async |rules, _, client| rules.verify(&token, client).await).await?),
            Task::Invite => {
                check_address(&email)?;
                let (emails, url) = (vec![email], url("invite_url"));
                let invite = async |rules: &mut Conversation, who: Option<&Principal>, client: &Client| {
                    rules.invite(who, &emails, &role, url.as_deref(), client).await
                };
                self.ask(invite).await?;
            }
            _ => {
                count_registration(self.exchange).await?;
                check_address(&email)?;
                let [given_name, family_name] = ["first_name", "last_name"].map(|name| optional(call, name));
                let (applicant, url) =
                    (Applicant { email, password, given_name, family_name }, url("verification_url"));
                self.ask(async |rules, _, client| rules.register(&applicant, url.as_deref(), client).await).await?;
            }
        }
        Ok(true.into())
    }

    /// Nothing for those who are not signed in: so the wire has it.
    async fn second_factor(&mut self, call: &Call) -> Result<Value, Refusal> {
        let Some(who) = self.principal.clone() else { return Ok(Value::Null) };
        let [password, otp, secret] = ["password", "otp", "secret"].map(|name| text(call, name));
        match call.task {
            Task::Enable => {
                self.ask(async |rules, _, client| rules.enable(&who, &secret, &otp, client).await).await?;
            }
            Task::Disable => self.ask(async |rules, _, client| rules.disable(&who, &otp, client).await).await?,
            _ => {
                let made = self.ask(async |rules, _, _| rules.generate(&who, Some(&password)).await).await?;
                return Ok(json!({ "secret": made.secret, "otpauth_url": made.url }));
            }
        }
        Ok(true.into())
    }

    /// The caller's own account; nothing for shares and those who are not signed in.
    async fn own_account(&mut self, call: &Call) -> Result<Value, Refusal> {
        let Some(who) = self.principal.clone() else { return Ok(Value::Null) };
        let Some(user) = who.user.clone() else { return Ok(Value::Null) };
        let fields = fields(call);
        if matches!(call.task, Task::Me) {
            let me = self.ask(async |rules, _, _| rules.me(&who, &fields).await).await?;
            return parsed(&me);
        }
        let (data, target, query) = (data(call, &USERS), Target::One(user), query(call)?);
        let update = async |rules: &mut Conversation, who: Option<&Principal>, client: &Client| {
            rules.update(who, USERS.name, &target, &data, &query, client).await
        };
        changed(self.ask(update).await?)
    }

    async fn told_rights(&mut self, form: Right) -> Result<Value, Refusal> {
        let form = match form {
            Right::Globals => "globals",
            Right::Roles => "roles",
            Right::Permissions => "permissions",
        };
        parsed(&self.ask(async |rules, who, _| rules.rights(who, form).await).await?)
    }

    async fn list(&mut self, call: &Call, collection: &Collection) -> Result<Value, Refusal> {
        let query = query(call)?;
        let page = self.ask(async |rules, who, _| rules.list(who, collection.name, &query).await).await?;
        parsed(&page.data)
    }

    async fn read(&mut self, call: &Call, collection: &Collection) -> Result<Value, Refusal> {
        let (id, query) = (text(call, "id"), query(call)?);
        let record = self.ask(async |rules, who, _| rules.read(who, collection.name, &id, &query).await).await?;
        parsed(&record)
    }

    async fn create(&mut self, call: &Call, collection: &Collection) -> Result<Value, Refusal> {
        let (data, query) = (data(call, collection), query(call)?);
        let create = async |rules: &mut Conversation, who: Option<&Principal>, client: &Client| {
            rules.create(who, collection.name, &data, &query, client).await
        };
        changed(self.ask(create).await?)
    }

    async fn update(&mut self, call: &Call) -> Result<Value, Refusal> {
        let (collection, target) = match call.task {
            Task::UpdateOne(collection) => (collection, Target::One(text(call, "id"))),
            Task::UpdateMany(collection) => (collection, Target::Many(texts(call, "ids"))),
            Task::UpdateEach(collection) => (collection, Target::Each),
            _ => return Err(Refusal::InternalServerError),
        };
        let (data, query) = (data(call, collection), query(call)?);
        let update = async |rules: &mut Conversation, who: Option<&Principal>, client: &Client| {
            rules.update(who, collection.name, &target, &data, &query, client).await
        };
        changed(self.ask(update).await?)
    }

    async fn delete(&mut self, call: &Call) -> Result<Value, Refusal> {
        let (collection, target, answer) = match call.task {
            Task::DeleteOne(collection) => {
                let id = text(call, "id");
                (collection, Target::One(id.clone()), json!({ "id": id }))
            }
            Task::DeleteMany(collection) => {
                let ids = texts(call, "ids");
                (collection, Target::Many(ids.clone()), json!({ "ids": ids }))
            }
            _ => return Err(Refusal::InternalServerError),
        };
        self.ask(async |rules, who, client| rules.delete(who, collection.name, &target, client).await).await?;
        Ok(answer)
    }

    /// Calls the rules, in the sandbox in which the caller was found out or in a new one.
    async fn ask<T>(
        &mut self,
        operation: impl AsyncFnOnce(&mut Conversation, Option<&Principal>, &Client) -> Outcome<T>,
    ) -> Result<T, Refusal> {
        let (exchange, refused) = (self.exchange, |reason: Reason| Refusal::of(reason, self.exchange.now));
        let rules = match &mut self.rules {
            Some(rules) => rules,
            none => none.insert(exchange.rules().await.map_err(refused)?),
        };
        let outcome = operation(rules, self.principal.as_ref(), &exchange.client).await;
        outcome.map_err(|error| refused(broken(&error)))?.map_err(refused)
    }
}

async fn count_registration(exchange: &Exchange<'_>) -> Result<(), Refusal> {
    let (server, wire, client, now) = (exchange.server, exchange.wire, &exchange.client, exchange.now);
    wire.limits.registration(client.address.as_deref(), server.store(), now).await
}

/// Whether an account can have this address. REST says so in other words, before anything is done.
fn check_address(email: &str) -> Result<(), Refusal> {
    if email::is_valid(email) {
        return Ok(());
    }
    Err(Refusal::FailedValidation { field: "email".to_owned(), check: FailedCheck::Email })
}

fn mode(call: &Call) -> Mode {
    optional(call, "mode").and_then(|name| Mode::named(&name)).unwrap_or(Mode::Json)
}

/// An argument that is a text; empty where there is none, which nothing but a text that is asked for can be.
fn text(call: &Call, name: &str) -> String {
    optional(call, name).unwrap_or_default()
}

/// An argument that is a text and not empty. Ids may be numbers.
fn optional(call: &Call, name: &str) -> Option<String> {
    call.arguments.get(name).and_then(plain_text).filter(|text| !text.is_empty())
}

fn texts(call: &Call, name: &str) -> Vec<String> {
    match call.arguments.get(name) {
        Some(Value::Array(values)) => values.iter().filter_map(plain_text).collect(),
        // A single value where a list is wanted is a list of one.
        Some(value) => plain_text(value).into_iter().collect(),
        None => Vec::new(),
    }
}

fn plain_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The columns to answer with; where only the name of the type is wanted, the least.
fn fields(call: &Call) -> Vec<String> {
    if call.fields.is_empty() { vec!["id".to_owned()] } else { call.fields.clone() }
}

/// What to answer with: the arguments of a field have the names of REST's parameters.
fn query(call: &Call) -> Result<Query, Refusal> {
    let mut asked = call.arguments.clone();
    asked.insert("fields".to_owned(), fields(call).into());
    records::query(&asked).map_err(Refusal::payload)
}

/// What records are made of or changed to, as JSON. Relations are written `{ id: … }` in GraphQL and are ids in REST.
fn data(call: &Call, collection: &Collection) -> String {
    let plain = |mut record: Value| {
        if let Some(record) = record.as_object_mut() {
            let relations = collection.columns.iter().filter(|(_, kind)| matches!(kind, Kind::One(_)));
            for (name, _) in relations {
                if let Some(value) = record.get_mut(*name)
                    && let Some(id) =
                        value.as_object().filter(|object| object.len() == 1).and_then(|object| object.get("id"))
                {
                    *value = id.clone();
                }
            }
        }
        record
    };
    let data = match call.arguments.get("data").cloned() {
        Some(Value::Array(records)) => records.into_iter().map(plain).collect(),
        Some(Value::Null) | None => json!({}),
        Some(record) => plain(record),
    };
    data.to_string()
}

/// The answer about records that were changed; that it was done for those who may not read them.
fn changed(records: Option<String>) -> Result<Value, Refusal> {
    records.map_or(Ok(true.into()), |records| parsed(&records))
}

fn parsed(json: &str) -> Result<Value, Refusal> {
    serde_json::from_str(json).map_err(|error| {
        tracing::error!(%error, "the rules answered something that is not JSON");
        Refusal::InternalServerError
    })
}

/// `false` for a limit that is not there is nothing in GraphQL, where a value has one type.
fn limits_or_null(mut info: Value) -> Value {
    for name in ["rateLimit", "rateLimitGlobal"] {
        if let Some(limit) = info.get_mut(name).filter(|limit| limit.is_boolean()) {
            *limit = Value::Null;
        }
    }
    info
}

/// An answer in a word, for the figures.
fn outcome<T>(answer: &Result<T, Refusal>) -> &'static str {
    answer.as_ref().err().map_or("ok", Refusal::code)
}

#[cfg(test)]
mod tests {
    use super::super::collections::ROLES;
    use super::*;
    use async_graphql::Pos;

    fn call(arguments: &Value, fields: &[&str]) -> Call {
        let fields = fields.iter().map(|field| (*field).to_owned()).collect();
        let (key, place) = ("k".to_owned(), Pos { line: 1, column: 1 });
        let arguments = arguments.as_object().cloned().unwrap();
        Call { key, task: Task::List(&USERS), arguments, fields, place, is_truth: false, is_needed: false }
    }

    #[test]
    fn arguments_become_a_query() {
        let arguments = json!({ "filter": { "email": { "_eq": "a" } }, "sort": "-email", "limit": 10, "page": 3 });
        let query = query(&call(&arguments, &["id", "role.name"])).unwrap();
        assert_eq!(query.filter.as_deref(), Some(r#"{"email":{"_eq":"a"}}"#));
        assert_eq!((query.sort, query.limit, query.offset), (vec!["-email".to_owned()], Some(10), 20));
        assert_eq!(query.fields, ["id", "role.name"]);
        assert!(super::query(&call(&json!({ "offset": -1 }), &[])).is_err());
        assert_eq!(super::query(&call(&json!({}), &[])).unwrap().fields, ["id"], "only __typename is asked for");
    }

    #[test]
    fn relations_are_ids() {
        let one = json!({ "data": { "email": "a", "role": { "id": "r" }, "tags": { "id": "t" } } });
        assert_eq!(data(&call(&one, &[]), &USERS), r#"{"email":"a","role":"r","tags":{"id":"t"}}"#);
        let many = json!({ "data": [{ "parent": { "id": "p" } }, { "parent": "q" }] });
        assert_eq!(data(&call(&many, &[]), &ROLES), r#"[{"parent":"p"},{"parent":"q"}]"#);
        assert_eq!(data(&call(&json!({}), &[]), &ROLES), "{}");
    }

    #[test]
    fn ids_may_be_numbers_and_stand_alone() {
        assert_eq!(texts(&call(&json!({ "ids": ["a", 5, null] }), &[]), "ids"), ["a", "5"]);
        assert_eq!(texts(&call(&json!({ "ids": "a" }), &[]), "ids"), ["a"]);
        assert_eq!(text(&call(&json!({ "id": 7 }), &[]), "id"), "7");
    }
}
