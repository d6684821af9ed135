//! Which fields of the own account a caller may read, and how they are written.
//!
//! A request for a field that is not there or not permitted is answered with the id alone: the caller learns nothing of
//! what exists.

use super::{access::Rights, value::Value};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};

/// What everybody with access to the app may read of the own account, in this order.
pub const APP_FIELDS: [&str; 19] = [
    "id",
    "first_name",
    "last_name",
    "last_page",
    "email",
    "password",
    "location",
    "title",
    "description",
    "tags",
    "provider",
    "avatar",
    "language",
    "appearance",
    "theme_light",
    "theme_dark",
    "tfa_secret",
    "status",
    "role",
];

/// What everybody with access to the app may read of the own role, in this order.
pub const APP_ROLE_FIELDS: [&str; 5] = ["id", "name", "icon", "description", "parent"];

/// The field that leads to the role's own fields.
const ROLE: &str = "role";

/// Fields that a caller may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readable {
    /// All that exist.
    All,
    /// These, in this order.
    Only(Vec<String>),
}

/// What to read: fields of the account, and of its role if any were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Fields of the account, in the order of the answer.
    pub fields: Readable,
    /// Fields of the role, which then stand in for its id.
    pub role: Option<Readable>,
}

/// What a caller may read of the own account. `permitted` are the fields of unfiltered permissions; filtered ones do
/// not count.
#[must_use]
pub fn readable(rights: Rights, permitted: &[Vec<String>]) -> Readable {
    if rights.admin || permitted.iter().flatten().any(|field| field == "*") {
        return Readable::All;
    }
    let mut fields: Vec<String> = Vec::new();
    let app = APP_FIELDS.iter().filter(|_| rights.app).map(ToString::to_string);
    for field in app.chain(permitted.iter().flatten().cloned()) {
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    Readable::Only(fields)
}

/// What a caller may read of the own role.
#[must_use]
pub fn readable_role(rights: Rights) -> Readable {
    match rights {
        Rights { admin: true, .. } => Readable::All,
        Rights { app: true, .. } => Readable::Only(APP_ROLE_FIELDS.iter().map(ToString::to_string).collect()),
        _ => Readable::Only(Vec::new()),
    }
}

/// Resolves requested names. `None` if the caller may read nothing, or asks for something that is not permitted.
#[must_use]
pub fn select(requested: &[String], own: &Readable, role: &Readable) -> Option<Selection> {
    if matches!(own, Readable::Only(fields) if fields.is_empty()) {
        return None;
    }
    let mut plain: Vec<&str> = Vec::new();
    let mut of_role: Vec<&str> = Vec::new();
    for name in requested {
        match name.split_once('.') {
            None => plain.push(name),
            Some((ROLE, field)) => {
                if !plain.contains(&ROLE) {
                    plain.push(ROLE);
                }
                of_role.push(field);
            }
            Some(_) => return None,
        }
    }
    let fields = resolve(&plain, own)?;
    let role = if of_role.is_empty() { None } else { Some(resolve(&of_role, role)?) };
    Some(Selection { fields, role })
}

/// Names within what is readable; `*` and no name at all mean everything. `None` if a name is not readable.
fn resolve(names: &[&str], readable: &Readable) -> Option<Readable> {
    if names.is_empty() || names.contains(&"*") {
        return Some(readable.clone());
    }
    let mut fields: Vec<String> = Vec::new();
    for name in names {
        if matches!(readable, Readable::Only(allowed) if !allowed.iter().any(|field| field == name)) {
            return None;
        }
        if !fields.iter().any(|field| field == name) {
            fields.push((*name).to_string());
        }
    }
    Some(Readable::Only(fields))
}

/// Whether all that was selected is there.
#[must_use]
pub fn complete(selected: &Readable, fields: &[(String, Value)]) -> bool {
    match selected {
        Readable::All => true,
        Readable::Only(names) => names.len() == fields.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADMIN: Rights = Rights { admin: true, app: true };
    const APP: Rights = Rights { admin: false, app: true };
    const NONE: Rights = Rights { admin: false, app: false };

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(ToString::to_string).collect()
    }

    fn selection(rights: Rights, requested: &[&str]) -> Option<Selection> {
        select(&names(requested), &readable(rights, &[]), &readable_role(rights))
    }

    fn only(list: &[&str]) -> Readable {
        Readable::Only(names(list))
    }

    #[test]
    fn without_rights_nothing_is_readable() {
        assert_eq!(selection(NONE, &[]), None);
        assert_eq!(selection(NONE, &["id"]), None);
    }

    #[test]
    fn the_app_reads_its_list() {
        assert_eq!(selection(APP, &[]).unwrap().fields, only(&APP_FIELDS));
        assert_eq!(selection(APP, &["*"]).unwrap().fields, only(&APP_FIELDS));
        assert_eq!(selection(APP, &["email", "id", "email"]).unwrap().fields, only(&["email", "id"]));
    }

    #[test]
    fn a_field_out_of_bounds_spoils_the_request() {
        assert_eq!(selection(APP, &["id", "token"]), None);
        assert_eq!(selection(APP, &["id", "role.users"]), None);
        assert_eq!(selection(ADMIN, &["avatar.id"]), None);
    }

    #[test]
    fn fields_of_the_role_stand_in_for_its_id() {
        let selection = selection(APP, &["id", "role.id", "role.name"]).unwrap();
        assert_eq!(selection.fields, only(&["id", "role"]));
        assert_eq!(selection.role, Some(only(&["id", "name"])));
    }

    #[test]
    fn permissions_add_to_the_list_of_the_app() {
        let permitted = [names(&["email", "token"])];
        assert_eq!(readable(NONE, &permitted), only(&["email", "token"]));
        let Readable::Only(fields) = readable(APP, &permitted) else { panic!("not all") };
        assert_eq!(fields.len(), APP_FIELDS.len() + 1);
        assert_eq!(readable(NONE, &[names(&["*"])]), Readable::All);
    }
}
