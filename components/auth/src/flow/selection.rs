//! Which fields an answer holds: paths (`id`, `role.name`, `*`, `users.*`) as a tree over the schema.

use super::{
    Refusal,
    filter::forbidden_field,
    schema::{self, Collection, Field, Kind},
};
use alloc::{string::String, string::ToString, vec::Vec};

/// How many relations a path may follow. The app asks for three.
const DEPTH_MAX: usize = 5;

/// Fields of one answer, relations included; `*.*.*` over all collections stays below.
const FIELDS_MAX: usize = 500;

/// The fields of a record that are wanted, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// The collection.
    pub collection: &'static Collection,
    /// The fields.
    pub fields: Vec<Chosen>,
}

/// A field that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The field.
    pub field: &'static Field,
    /// What is wanted of the related records; `None` for ids or plain values.
    pub inner: Option<Selection>,
}

/// Resolves paths. `may_read` says whether the caller may read a field of a collection.
///
/// A path that leads to a collection of which the caller may read nothing is left out, as if it had not been asked for.
///
/// # Errors
/// [`Refusal::Forbidden`] for what is not there or not to be read, [`Refusal::InvalidPayload`] for too much.
pub fn select(
    paths: &[String],
    collection: &'static Collection,
    may_read: &dyn Fn(&str, &str) -> bool,
) -> Result<Selection, Refusal> {
    let mut left = FIELDS_MAX;
    let everything = ["*".to_string()];
    let paths = if paths.is_empty() { everything.as_slice() } else { paths };
    let paths: Vec<Vec<&str>> = paths.iter().map(|path| path.split('.').collect()).collect();
    let paths: Vec<&[&str]> = paths.iter().map(Vec::as_slice).collect();
    build(&paths, collection, may_read, DEPTH_MAX, &mut left)
}

fn build(
    paths: &[&[&str]],
    collection: &'static Collection,
    may_read: &dyn Fn(&str, &str) -> bool,
    depth: usize,
    left: &mut usize,
) -> Result<Selection, Refusal> {
    let too_much = || Refusal::InvalidPayload("Too many fields are asked for".to_string());
    let mut wanted: Vec<(&'static Field, Vec<&[&str]>)> = Vec::new();
    let mut want = |field: &'static Field, rest| match wanted.iter_mut().find(|(known, _)| *known == field) {
        Some((_, paths)) => paths.extend(rest),
        None => wanted.push((field, Vec::from_iter(rest))),
    };
    for path in paths {
        let Some((head, rest)) = path.split_first() else { continue };
        let rest = Some(rest).filter(|rest| !rest.is_empty());
        let is_closed =
            |field: &Field| rest.is_some() && other(field.kind).is_some_and(|other| is_closed(other, may_read));
        if *head == "*" {
            let readable = collection.fields.iter().filter(|field| is_readable(collection, field, may_read));
            for field in readable.filter(|field| !is_closed(field)) {
                want(field, rest.filter(|_| other(field.kind).is_some()));
            }
            continue;
        }
        if collection.field(head).is_some_and(is_closed) {
            continue;
        }
        let field = collection.field(head).filter(|field| is_readable(collection, field, may_read));
        want(field.ok_or_else(|| forbidden_field(collection.name, head))?, rest);
    }
    let mut fields = Vec::new();
    for (field, paths) in wanted {
        *left = left.checked_sub(1).ok_or_else(too_much)?;
        let inner = match (other(field.kind), paths.as_slice()) {
            (_, []) => None,
            (None, _) => return Err(forbidden_field(collection.name, field.name)),
            (Some(other), paths) => {
                let depth = depth.checked_sub(1).ok_or_else(too_much)?;
                Some(build(paths, other, may_read, depth, left)?)
            }
        };
        fields.push(Chosen { field, inner });
    }
    Ok(Selection { collection, fields })
}

/// The collection that a field leads to.
fn other(kind: Kind) -> Option<&'static Collection> {
    match kind {
        Kind::One(name) | Kind::Many { collection: name, .. } => schema::collection(name),
        _ => None,
    }
}

/// Whether nothing of a collection may be read.
fn is_closed(collection: &Collection, may_read: &dyn Fn(&str, &str) -> bool) -> bool {
    !collection.fields.iter().any(|field| may_read(collection.name, field.name))
}

/// Related records that name this one are shown to those who may read how they do.
fn is_readable(collection: &Collection, field: &Field, may_read: &dyn Fn(&str, &str) -> bool) -> bool {
    let there = match field.kind {
        Kind::Many { collection: name, key } => {
            schema::collection(name).is_some_and(|other| may_read(name, other.id()) && may_read(name, key))
        }
        _ => true,
    };
    there && may_read(collection.name, field.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(selection: &Selection) -> String {
        let one = |chosen: &Chosen| match &chosen.inner {
            None => chosen.field.name.to_string(),
            Some(inner) => alloc::format!("{}({})", chosen.field.name, shown(inner)),
        };
        selection.fields.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    fn selected(paths: &[&str], collection: &str, may_read: &dyn Fn(&str, &str) -> bool) -> Result<String, Refusal> {
        let paths: Vec<_> = paths.iter().map(ToString::to_string).collect();
        select(&paths, schema::collection(collection).unwrap(), may_read).map(|selection| shown(&selection))
    }

    #[test]
    fn paths_become_a_tree_in_the_order_asked_for() {
        let all = |_: &str, _: &str| true;
        let found = selected(&["id", "role.id", "email", "role.name"], schema::USERS, &all);
        assert_eq!(found.unwrap(), "id role(id name) email");
        let found = selected(&["*"], schema::ACCESS, &all);
        assert_eq!(found.unwrap(), "id role user policy sort");
        let found = selected(&["policy.name", "*"], schema::ACCESS, &all);
        assert_eq!(found.unwrap(), "policy(name) id role user sort");
    }

    #[test]
    fn a_star_holds_what_may_be_read() {
        let users_only = |collection: &str, _: &str| collection == schema::USERS;
        assert!(!selected(&["*"], schema::USERS, &users_only).unwrap().contains("policies"));
        let nested = selected(&["*.*"], schema::ACCESS, &|_, field| field == "id" || field == "role");
        assert_eq!(nested.unwrap(), "id role(id)");
    }

    #[test]
    fn what_leads_to_nothing_readable_is_left_out() {
        let accounts = |collection: &str, field: &str| {
            collection == schema::ROLES || (collection == schema::USERS && field != "policies")
        };
        let found =
            selected(&["id", "policies.policy.name", "role.policies.id", "role.name"], schema::USERS, &accounts);
        assert_eq!(found.unwrap(), "id role(name)");
        assert_eq!(selected(&["role.policies.id"], schema::USERS, &accounts).unwrap(), "role()");
    }

    #[test]
    fn what_may_not_be_read_is_refused_like_what_is_not_there() {
        let nope = forbidden_field(schema::USERS, "token");
        assert_eq!(selected(&["token"], schema::USERS, &|_, field| field != "token"), Err(nope));
        let nope = forbidden_field(schema::USERS, "nope");
        assert_eq!(selected(&["nope"], schema::USERS, &|_, _| true), Err(nope));
        assert!(selected(&["email.x"], schema::USERS, &|_, _| true).is_err());
    }

    #[test]
    fn depth_and_size_have_an_end() {
        assert!(selected(&["role.users.role.users.role.users.role"], schema::USERS, &|_, _| true).is_err());
        assert!(selected(&["*.*.*.*.*"], schema::USERS, &|_, _| true).is_err());
    }
}
