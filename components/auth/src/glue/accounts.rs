//! What several operations need: the project's settings, passwords that fit its policy, letters, changes of accounts.

use super::{
    caller::find,
    convert,
    exports::gatewit::auth::access::Principal,
    fault,
    gatewit::{
        auth::types::{Client, Reason},
        mail::post::{self, Letter},
        passwords::hashing,
        storage::{
            records::{self as stored, Action, Assignment, Author, Change, Ending, Expectation, Input, Written},
            types::Value,
            users::{self, User},
        },
    },
    list_setting, now_ms, sign, text_setting, verify,
};
use crate::flow::{
    Refusal,
    filter::Condition,
    link, pattern, schema,
    scoped::{self, Mandate, Scope},
    token::ISSUER,
};
use alloc::{
    string::{String, ToString},
    vec,
    vec::Vec,
};
use gatewit_jose::Compact;

/// Columns of the one record of settings.
pub(super) fn project<const N: usize>(columns: [&str; N]) -> Result<[Value; N], Reason> {
    let row = first(schema::SETTINGS, columns, &Condition::always())?;
    row.ok_or_else(|| fault("the project has no settings", &[]))
}

/// Columns of one record, in their order.
pub(super) fn columns<const N: usize>(
    collection: &str,
    id: &str,
    columns: [&str; N],
) -> Result<Option<[Value; N]>, Reason> {
    first(collection, columns, &Condition::is("id", id))
}

fn first<const N: usize>(
    collection: &str,
    columns: [&str; N],
    condition: &Condition,
) -> Result<Option<[Value; N]>, Reason> {
    let row = find(collection, &columns, condition, 1)?.pop();
    row.map(|row| <[Value; N]>::try_from(row).map_err(|_| Reason::Internal)).transpose()
}

/// A text out of a record.
pub(super) fn text(value: Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// Hashes a password that fits the project's policy; the number by which it is written.
pub(super) fn new_password(password: &str) -> Result<u32, Reason> {
    let [policy] = project(["auth_password_policy"])?;
    if let Some(policy) = text(policy).filter(|policy| !policy.is_empty()) {
        match pattern::matches(&policy, password) {
            Some(true) => {}
            Some(false) => {
                let value = Some(password.to_string());
                return Err(Refusal::FailedValidation { field: "password".to_string(), rule: "regex", value }.into());
            }
            None => return Err(fault("the password policy of the project is no regular expression", &[])),
        }
    }
    Ok(hashing::hash(password)?)
}

/// Refuses a link that is not in the list of a setting. `purpose` completes the sentence that people read.
pub(super) fn check_url(url: Option<&str>, setting: &str, purpose: &str) -> Result<(), Reason> {
    let Some(url) = url else { return Ok(()) };
    if link::is_listed(url, &list_setting(setting)) {
        return Ok(());
    }
    Err(Reason::InvalidPayload(alloc::format!("URL \"{url}\" can't be used to {purpose}")))
}

/// A page of ours, for links that lead nowhere else.
pub(super) fn own_page(path: &str) -> Result<String, Reason> {
    Ok(link::own(&text_setting("public-url")?, path))
}

/// A token for a link in a mail.
pub(super) fn scoped_token(email: &str, scope: Scope, mark: Option<&str>, life: &str) -> Result<String, Reason> {
    let iat = now_ms() / 1000;
    let exp = iat + super::number(life)?;
    sign(&scoped::Claims { email, scope: scope.name(), hash: mark, iat, exp, iss: ISSUER })
}

/// Verifies a token out of such a link.
pub(super) fn mandate(token: &str, scope: Scope) -> Result<Mandate, Reason> {
    let jws = Compact::parse(token).ok_or(Refusal::InvalidToken)?;
    Ok(scoped::read(&jws, verify(&jws)?, scope, now_ms() / 1000)?)
}

/// Hands a letter to the post. That it could not be taken is for the log: the person is told the same either way.
pub(super) fn mail(template: &str, user: &Recipient<'_>, url: String) {
    let mut values = vec![("url".to_string(), url), ("email".to_string(), user.email.to_string())];
    let names = [("first_name", user.given_name), ("last_name", user.family_name)];
    values.extend(names.into_iter().filter_map(|(name, value)| Some((name.to_string(), value?.to_string()))));
    let language = user.language.map(ToString::to_string);
    let letter = Letter { template: template.into(), recipient: user.email.into(), language, values };
    if let Err(error) = post::send(&letter) {
        let why = match error {
            post::Error::Overloaded => "too many letters are waiting".to_string(),
            post::Error::Unavailable => "the post is away".to_string(),
            post::Error::Other(why) => why,
        };
        fault("a letter was not taken", &[("template", template), ("error", &why)]);
    }
}

/// Who gets a letter.
#[derive(Default)]
pub(super) struct Recipient<'a> {
    pub(super) email: &'a str,
    pub(super) language: Option<&'a str>,
    pub(super) given_name: Option<&'a str>,
    pub(super) family_name: Option<&'a str>,
}

/// The account with an address, and the address and language as it has them.
pub(super) fn by_email(email: &str) -> Result<Option<(User, String, Option<String>)>, Reason> {
    let Some(user) = users::find_by_email(email)? else { return Ok(None) };
    let Some([email, language]) = columns(schema::USERS, &user.id, ["email", "language"])? else { return Ok(None) };
    Ok(text(email).map(|email| (user, email, text(language))))
}

pub(super) fn assign(column: &str, value: Value) -> Assignment {
    Assignment { column: column.to_string(), input: Input::Plain(value) }
}

pub(super) fn assign_text(column: &str, text: &str) -> Assignment {
    assign(column, Value::Text(text.to_string()))
}

pub(super) fn assign_hash(column: &str, hash: u32) -> Assignment {
    Assignment { column: column.to_string(), input: Input::PasswordHash(hash) }
}

pub(super) fn expect_text(column: &str, text: &str) -> Expectation {
    Expectation::Value((column.to_string(), Value::Text(text.to_string())))
}

/// A new account. Its id is made up by the store.
pub(super) fn new_account(assignments: Vec<Assignment>) -> Change {
    Change { action: Action::Create, collection: schema::USERS.into(), id: None, assignments, expectations: Vec::new() }
}

/// A change of an account.
pub(super) fn account_change(id: &str, assignments: Vec<Assignment>, expectations: Vec<Expectation>) -> Change {
    Change {
        action: Action::Update,
        collection: schema::USERS.into(),
        id: Some(id.to_string()),
        assignments,
        expectations,
    }
}

/// Every session of an account ends, but for one.
pub(super) fn end_sessions(user: &str, except: Option<&str>) -> Ending {
    Ending { user: user.to_string(), except: except.map(ToString::to_string) }
}

pub(super) fn author(user: Option<&str>, client: &Client) -> Author {
    Author { user: user.map(ToString::to_string), client: convert::client(client) }
}

/// Refuses what the columns of a change have no place for.
fn check(change: &Change) -> Result<(), Reason> {
    let Change { action, collection, assignments, .. } = change;
    let failed = |field: String, rule| Err(Refusal::FailedValidation { field, rule, value: None }.into());
    for Assignment { column, input } in assignments {
        match input {
            Input::Plain(Value::Null) if schema::is_needed(collection, column) => {
                return failed(column.clone(), "nnull");
            }
            Input::Plain(Value::Text(text)) if schema::is_too_long(collection, column, text) => {
                return failed(alloc::format!("{collection}.{column}"), "length");
            }
            _ => {}
        }
    }
    let is_given = |name: &str| assignments.iter().any(|assignment| assignment.column == name);
    match schema::missing(collection, is_given) {
        Some(field) if *action == Action::Create => failed(field.to_string(), "required"),
        _ => Ok(()),
    }
}

/// Writes a step. `None` if something else was first.
pub(super) fn write(changes: &[Change], endings: &[Ending], author: &Author) -> Result<Option<Vec<String>>, Reason> {
    changes.iter().try_for_each(check)?;
    Ok(match stored::write(changes, endings, author, now_ms())? {
        Written::Done(ids) => Some(ids),
        Written::Superseded => None,
        Written::Taken(clash) => return Err(Reason::NotUnique(convert::clash(clash))),
        Written::Dangling(clash) => return Err(Reason::Dangling(convert::clash(clash))),
    })
}

/// Who is asking, or nobody may.
pub(super) fn own_id(principal: &Principal) -> Result<&str, Reason> {
    principal.user.as_deref().ok_or(Reason::InvalidCredentials)
}

/// Refuses everything to somebody who has to set up a second factor first.
pub(super) fn not_in_setup(principal: &Principal) -> Result<(), Reason> {
    if principal.must_set_up {
        let why = "A second factor has to be set up first".to_string();
        return Err(Reason::Forbidden(Some(why)));
    }
    Ok(())
}
