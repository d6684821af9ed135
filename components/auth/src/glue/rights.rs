//! What the caller may do, as clients ask for it.

use super::{
    caller::{Caller, find},
    convert,
    fetch::{self, Window},
    gatewit::auth::types::Reason,
};
use crate::flow::{
    Refusal,
    filter::Condition,
    rights::{Action, Allowed, Fields},
    schema::{self, COLLECTIONS},
    selection,
    value::{self, Value},
};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};

/// In the form of `GET /policies/me/globals`, `GET /roles/me` or `GET /permissions/me`.
pub(super) fn shown(caller: &Caller, form: &str) -> Result<String, Reason> {
    match form {
        "globals" => globals(caller),
        "roles" => roles(caller),
        "permissions" => permissions(caller),
        _ => Err(Reason::Internal),
    }
}

fn globals(caller: &Caller) -> Result<String, Reason> {
    if caller.principal().is_none() {
        return Ok(value::write(&[("app_access".to_string(), Value::Boolean(false))]));
    }
    let policies = caller.variables().policies.iter().map(String::as_str);
    let found = find(schema::POLICIES, &["enforce_tfa"], &Condition::among("id", policies), u32::MAX)?;
    let enforced = found.into_iter().flatten().any(|value| convert::is_true(&value));
    let rights = caller.rights();
    let flag = |name: &str, truth| (name.to_string(), Value::Boolean(truth));
    Ok(value::write(&[
        flag("app_access", rights.app),
        flag("admin_access", rights.admin),
        flag("enforce_tfa", enforced),
    ]))
}

fn roles(caller: &Caller) -> Result<String, Reason> {
    if caller.user().is_none() {
        return Err(Refusal::Forbidden(None).into());
    }
    let own = &caller.variables().roles;
    let collection = schema::collection(schema::ROLES).ok_or(Reason::Internal)?;
    if !caller.allowed(collection, Action::Read)?.anything() {
        let ids: Vec<_> = own.iter().map(|id| alloc::vec![("id".to_string(), Value::Text(id.clone()))]).collect();
        return Ok(value::write_all(&ids));
    }
    let may_read = |collection: &str, field: &str| caller.may_read(collection, field);
    let selection = selection::select(&[], collection, &may_read)?;
    let these = Condition::among("id", own.iter().map(String::as_str));
    Ok(value::write_all(&fetch::records(caller, &selection, these, Window::default())?))
}

/// Of the collections with which anything may be done.
fn permissions(caller: &Caller) -> Result<String, Reason> {
    let mut all = Vec::new();
    for collection in &COLLECTIONS {
        let (mut actions, mut anything) = (Vec::new(), false);
        for action in Action::ALL {
            let allowed = caller.allowed(collection, action)?;
            anything |= allowed.anything();
            actions.push((action.name().to_string(), Value::Object(access(&allowed))));
        }
        if anything {
            all.push((collection.name.to_string(), Value::Object(actions)));
        }
    }
    Ok(value::write(&all))
}

/// Whether all records are covered, some or none, and which of their fields.
fn access(allowed: &Allowed) -> Vec<(String, Value)> {
    let text = |text: &str| Value::Text(text.to_string());
    let extent = match allowed {
        allowed if !allowed.anything() => return alloc::vec![("access".to_string(), text("none"))],
        allowed if allowed.condition() == Condition::always() => "full",
        _ => "partial",
    };
    let mut fields: Vec<&str> = Vec::new();
    for case in &allowed.0 {
        match &case.fields {
            Fields::All => fields.push("*"),
            Fields::Only(names) => fields.extend(names.iter().map(String::as_str)),
        }
    }
    if fields.contains(&"*") {
        fields = alloc::vec!["*"];
    }
    fields.sort_unstable();
    fields.dedup();
    let fields = Value::List(fields.into_iter().map(text).collect());
    alloc::vec![("access".to_string(), text(extent)), ("fields".to_string(), fields)]
}
