//! The caller's own account.

use super::{
    Auth, convert,
    exports::gatewit::auth::profile::{Guest, Principal},
    gatewit::{
        auth::types::Reason,
        storage::{access as stored, users},
    },
};
use crate::flow::{
    access::Rights,
    profile::{self, Readable, Value},
};
use alloc::{string::String, vec::Vec};

const USERS: &str = "directus_users";

impl Guest for Auth {
    fn me(principal: Principal, fields: Vec<String>) -> Result<String, Reason> {
        let Some(user) = &principal.user else {
            let share = principal.share.ok_or(Reason::InvalidCredentials)?;
            return Ok(profile::write(&[("share".into(), Value::Text(share))]));
        };
        let rights = Rights { admin: principal.admin, app: principal.app };
        let own = profile::readable(rights, &permitted(&principal)?);
        let answer = match profile::select(&fields, &own, &profile::readable_role(rights)) {
            Some(selection) => read(user, &principal, rights, &selection)?,
            None => None,
        };
        Ok(answer.unwrap_or_else(|| profile::write(&[("id".into(), Value::Text(user.clone()))])))
    }
}

/// Fields that permissions without a filter let the caller read. An administrator needs none.
fn permitted(principal: &Principal) -> Result<Vec<Vec<String>>, Reason> {
    if principal.admin || principal.policies.is_empty() {
        return Ok(Vec::new());
    }
    let permissions = stored::permissions(&principal.policies, USERS, "read")?;
    Ok(permissions.into_iter().filter(|permission| permission.filter.is_none()).map(|each| each.fields).collect())
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
        for (_, value) in fields.iter_mut().filter(|(name, _)| name == "role") {
            *value = Value::Json(profile::write(&role));
        }
    }
    Ok(Some(profile::write(&fields)))
}
