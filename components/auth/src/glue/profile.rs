//! The caller's own account. What is asked for most is read in two questions to the store; rules with a filter, and relations
//! other than the role, take the way of any other record.

use super::{
    Auth,
    caller::Caller,
    convert,
    exports::gatewit::auth::profile::{Guest, Principal},
    fetch::{self, Window},
    gatewit::{
        auth::types::Reason,
        storage::{access as stored, users},
    },
};
use crate::flow::{
    access::Rights,
    filter::Condition,
    profile::{self, Readable},
    schema, selection,
    value::{self, Value},
};
use alloc::{string::String, vec::Vec};

const USERS: &str = "directus_users";

impl Guest for Auth {
    fn me(principal: Principal, fields: Vec<String>) -> Result<String, Reason> {
        let Some(user) = &principal.user else {
            let share = principal.share.ok_or(Reason::InvalidCredentials)?;
            return Ok(value::write(&[("share".into(), Value::Text(share))]));
        };
        if principal.must_set_up {
            return Ok(profile_of_nobody(user));
        }
        let rights = Rights { admin: principal.admin, app: principal.app };
        let permissions = permissions(&principal)?;
        if permissions.iter().any(|permission| permission.filter.is_some())
            || fields.iter().any(|field| is_far(field, rights))
        {
            let user = user.clone();
            return Ok(as_record(&user, principal, &fields)?.unwrap_or_else(|| profile_of_nobody(&user)));
        }
        let permitted: Vec<_> = permissions.into_iter().map(|permission| permission.fields).collect();
        let own = profile::readable(rights, &permitted);
        let answer = match profile::select(&fields, &own, &profile::readable_role(rights)) {
            Some(selection) => read(user, &principal, rights, &selection)?,
            None => None,
        };
        Ok(answer.unwrap_or_else(|| profile_of_nobody(user)))
    }
}

/// What those learn of themselves who may read nothing.
fn profile_of_nobody(user: &str) -> String {
    value::write(&[("id".into(), Value::Text(user.into()))])
}

/// What the caller's policies permit to read of accounts. An administrator needs none.
fn permissions(principal: &Principal) -> Result<Vec<stored::Permission>, Reason> {
    if principal.admin || principal.policies.is_empty() {
        return Ok(Vec::new());
    }
    Ok(stored::permissions(&principal.policies, USERS, "read")?)
}

/// Whether a path leads beyond the account and its role, or to a role that may only be read by rules.
fn is_far(path: &str, rights: Rights) -> bool {
    match path.split_once('.') {
        Some(("role", field)) => field.contains('.') || !(rights.app || rights.admin),
        Some(_) => true,
        None => false,
    }
}

/// The account like any other record; `None` if the caller may not see it, or not these fields.
fn as_record(user: &str, principal: Principal, fields: &[String]) -> Result<Option<String>, Reason> {
    let caller = Caller::new(Some(principal))?;
    let users = schema::collection(USERS).ok_or(Reason::Internal)?;
    let may_read = |collection: &str, field: &str| caller.may_read(collection, field);
    let Ok(selection) = selection::select(fields, users, &may_read) else { return Ok(None) };
    let found = fetch::records(&caller, &selection, Condition::is("id", user), Window::default())?;
    Ok(found.first().map(|record| value::write(record)))
}

/// The account as JSON; `None` if it, or a field of the selection, does not exist.
fn read(
    user: &str,
    principal: &Principal,
    rights: Rights,
    selection: &profile::Selection,
) -> Result<Option<String>, Reason> {
    let Some(fields) = users::read(user, &convert::columns(&selection.fields))? else { return Ok(None) };
    let mut fields = convert::fields(fields);
    if !profile::complete(&selection.fields, &fields) {
        return Ok(None);
    }
    // Whoever does not administer sees no list of policies among all fields.
    if selection.fields == Readable::All && !rights.admin {
        fields.retain(|(_, value)| !matches!(value, Value::Ids(_)));
    }
    if let (Some(columns), Some(role)) = (&selection.role, &principal.role) {
        let Some(role) = stored::read_role(role, &convert::columns(columns))? else { return Ok(None) };
        let role = convert::fields(role);
        if !profile::complete(columns, &role) {
            return Ok(None);
        }
        for (_, slot) in fields.iter_mut().filter(|(name, _)| name == "role") {
            *slot = Value::Json(value::write(&role));
        }
    }
    Ok(Some(value::write(&fields)))
}
