//! Who is asking, and what their policies permit.

use super::{
    convert,
    exports::gatewit::auth::access::Principal,
    gatewit::{
        auth::types::Reason,
        storage::records::{self as stored, Query},
        storage::types::Value,
    },
    now_ms,
};
use crate::flow::{
    access::Rights,
    filter::{Condition, Variables},
    moment,
    payload::Input,
    rights::{self, Action, Allowed, Rule},
    schema::{self, Collection},
};
use alloc::{
    collections::BTreeMap,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use core::cell::RefCell;

/// Rules that one caller's policies may have.
const RULES_MAX: u32 = 10_000;

/// How far up a role's parents count, as in the store. A cycle in adopted data ends here.
const ANCESTORS_MAX: usize = 16;

/// A caller with everything that decides on what they may do.
pub(super) struct Caller {
    principal: Option<Principal>,
    rights: Rights,
    rules: Vec<Rule>,
    variables: Variables,
    /// What may be read of the collections that were asked about, by their names: selections ask field by field.
    readable: RefCell<BTreeMap<String, Option<Allowed>>>,
}

impl Caller {
    /// Looks up what a principal, or nobody in particular, may do.
    pub(super) fn new(principal: Option<Principal>) -> Result<Self, Reason> {
        let rights = match &principal {
            Some(principal) => Rights { admin: principal.admin, app: principal.app },
            None => Rights::default(),
        };
        let policies = match &principal {
            Some(principal) => principal.policies.clone(),
            None => public_policies()?,
        };
        let user = principal.as_ref().and_then(|principal| principal.user.clone());
        let role = principal.as_ref().and_then(|principal| principal.role.clone());
        let roles = lineage(role.as_deref())?;
        let rules = if rights.admin { Vec::new() } else { rules(&policies)? };
        let variables = Variables { user, role, roles, policies, now: moment::text(now_ms()) };
        Ok(Self { principal, rights, rules, variables, readable: RefCell::default() })
    }

    pub(super) fn principal(&self) -> Option<&Principal> {
        self.principal.as_ref()
    }

    pub(super) fn user(&self) -> Option<&str> {
        self.variables.user.as_deref()
    }

    pub(super) fn rights(&self) -> Rights {
        self.rights
    }

    pub(super) fn variables(&self) -> &Variables {
        &self.variables
    }

    pub(super) fn allowed(&self, collection: &'static Collection, action: Action) -> Result<Allowed, Reason> {
        Ok(rights::allowed(self.rights, &self.rules, &self.variables, collection, action)?)
    }

    /// Whether a field of a collection may be read, of some records at least.
    pub(super) fn may_read(&self, collection: &str, field: &str) -> bool {
        let mut known = self.readable.borrow_mut();
        if !known.contains_key(collection) {
            let found = schema::collection(collection);
            let allowed = found.and_then(|collection| self.allowed(collection, Action::Read).ok());
            known.insert(collection.to_string(), allowed);
        }
        matches!(known.get(collection), Some(Some(allowed)) if allowed.covers(field))
    }

    /// Whether a change of these fields is within what is allowed for this record.
    pub(super) fn reaches(
        &self,
        collection: &'static Collection,
        allowed: &Allowed,
        id: &str,
        assignments: &[(&'static str, Input)],
    ) -> Result<bool, Reason> {
        let fields: Vec<&str> = assignments.iter().map(|(name, _)| *name).collect();
        let condition = Condition::is(collection.id(), id).and(allowed.condition_for(&fields));
        Ok(stored::count(collection.name, &convert::nodes(&condition)?)? == 1)
    }
}

/// Records of a collection, for decisions of our own.
pub(super) fn find(
    collection: &str,
    columns: &[&str],
    condition: &Condition,
    limit: u32,
) -> Result<Vec<Vec<Value>>, Reason> {
    Ok(stored::find(&Query {
        collection: collection.into(),
        columns: columns.iter().map(ToString::to_string).collect(),
        condition: convert::nodes(condition)?,
        order: Vec::new(),
        limit: Some(limit),
        offset: 0,
    })?)
}

/// What everybody may, bound to no address.
fn public_policies() -> Result<Vec<String>, Reason> {
    let attached = Condition::Related {
        column: "id",
        key: "policy",
        collection: schema::ACCESS,
        condition: Condition::is_null("role").and(Condition::is_null("user")).into(),
    };
    let found = find(schema::POLICIES, &["id"], &attached.and(Condition::is_null("ip_access")), RULES_MAX)?;
    Ok(found.into_iter().flatten().filter_map(convert::id).collect())
}

/// A role and its parents.
fn lineage(role: Option<&str>) -> Result<Vec<String>, Reason> {
    let mut roles: Vec<String> = Vec::new();
    let mut next = role.map(ToString::to_string);
    while let Some(role) = next.filter(|role| !roles.contains(role) && roles.len() < ANCESTORS_MAX) {
        let parent = find(schema::ROLES, &["parent"], &Condition::is("id", &role), 1)?;
        next = parent.into_iter().flatten().find_map(convert::id);
        roles.push(role);
    }
    Ok(roles)
}

fn rules(policies: &[String]) -> Result<Vec<Rule>, Reason> {
    if policies.is_empty() {
        return Ok(Vec::new());
    }
    let columns = ["collection", "action", "fields", "permissions", "validation", "presets"];
    let condition = Condition::among("policy", policies.iter().map(String::as_str));
    let rows = find(schema::PERMISSIONS, &columns, &condition, RULES_MAX)?;
    Ok(rows.into_iter().filter_map(rule).collect())
}

/// A rule whose filter cannot be read permits nothing.
fn rule(row: Vec<Value>) -> Option<Rule> {
    let [collection, action, fields, filter, validation, presets] = <[Value; 6]>::try_from(row).ok()?;
    let json = |value| match value {
        Value::Json(text) => serde_json::from_str(&text).ok().map(Some),
        _ => Some(None),
    };
    let fields = match fields {
        Value::Text(text) => text.split(',').map(|field| field.trim().to_string()).collect(),
        _ => vec![],
    };
    Some(Rule {
        collection: convert::id(collection)?,
        action: convert::id(action)?,
        fields,
        filter: json(filter)?,
        validation: json(validation)?,
        presets: json(presets)?,
    })
}
