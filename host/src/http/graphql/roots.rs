//! The fields of `Query` and `Mutation`: for each, its arguments, its type, and the operation behind it.
//!
//! Pure: the table depends on what the caller may do and on nothing else, so callers with the same rights share a schema.
//! Deliberately absent: how operations are carried out ([`super::operations`]), and `utils_*`, for which there is nothing here.

use super::collections::{self, Action, Collection, ROLES, Rights, USERS};
use async_graphql::dynamic::TypeRef;

/// The scalar of whole numbers beyond 32 bits, which are written as texts.
pub(super) const BIG_INT: &str = "GraphQLBigInt";
pub(super) const DATE: &str = "Date";
pub(super) const HASH: &str = "Hash";
pub(super) const JSON: &str = "JSON";
/// Where a client keeps what it holds.
pub(super) const MODE: &str = "auth_mode";

/// An operation.
#[derive(Clone, Copy, Debug)]
pub(super) enum Task {
    Login,
    Refresh,
    Logout,
    RequestReset,
    Reset,
    Generate,
    Enable,
    Disable,
    Invite,
    Accept,
    Register,
    Verify,
    Me,
    UpdateMe,
    Ping,
    Info,
    Health,
    Specification,
    Rights(Right),
    List(&'static Collection),
    Read(&'static Collection),
    CreateOne(&'static Collection),
    CreateMany(&'static Collection),
    UpdateOne(&'static Collection),
    UpdateMany(&'static Collection),
    UpdateEach(&'static Collection),
    DeleteOne(&'static Collection),
    DeleteMany(&'static Collection),
}

/// The forms in which clients ask for their rights.
#[derive(Clone, Copy, Debug)]
pub(super) enum Right {
    Globals,
    Roles,
    Permissions,
}

/// A field of `Query` or `Mutation`.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) name: String,
    pub(super) arguments: Vec<(&'static str, TypeRef)>,
    pub(super) kind: TypeRef,
    pub(super) task: Task,
}

fn root(name: &str, task: Task, kind: TypeRef, arguments: Vec<(&'static str, TypeRef)>) -> Root {
    Root { name: name.to_owned(), arguments, kind, task }
}

fn text() -> TypeRef {
    TypeRef::named(TypeRef::STRING)
}

fn needed() -> TypeRef {
    TypeRef::named_nn(TypeRef::STRING)
}

fn id() -> TypeRef {
    TypeRef::named_nn(TypeRef::ID)
}

fn truth() -> TypeRef {
    TypeRef::named(TypeRef::BOOLEAN)
}

/// The fields of `Query`.
pub(super) fn queries(rights: Rights) -> Vec<Root> {
    let named = |name: &str| TypeRef::named(name);
    let mut roots = vec![
        root("server_ping", Task::Ping, text(), vec![]),
        root("server_info", Task::Info, named("server_info"), vec![]),
        root("server_health", Task::Health, named(JSON), vec![]),
        root("server_specs_oas", Task::Specification, named(JSON), vec![]),
        root("policies_me_globals", Task::Rights(Right::Globals), named("policies_me_globals"), vec![]),
        root("permissions_me", Task::Rights(Right::Permissions), named(JSON), vec![]),
    ];
    if rights.allows(Action::Read, &USERS) {
        roots.push(root("users_me", Task::Me, named(USERS.name), vec![]));
    }
    if rights.allows(Action::Read, &ROLES) {
        roots.push(root("roles_me", Task::Rights(Right::Roles), TypeRef::named_list(ROLES.name), vec![]));
    }
    for collection in collections::ALL.into_iter().filter(|collection| rights.allows(Action::Read, collection)) {
        if collection.single {
            roots.push(root(collection.short, Task::List(collection), named(collection.name), vec![]));
            continue;
        }
        roots.push(root(collection.short, Task::List(collection), all_of(collection), list_arguments(collection)));
        let by_id = format!("{}_by_id", collection.short);
        roots.push(root(&by_id, Task::Read(collection), named(collection.name), vec![("id", id())]));
    }
    roots
}

fn all_of(collection: &Collection) -> TypeRef {
    TypeRef::named_nn_list_nn(collection.name)
}

fn list_arguments(collection: &Collection) -> Vec<(&'static str, TypeRef)> {
    vec![
        ("filter", TypeRef::named(filter_name(collection))),
        ("sort", TypeRef::named_list(TypeRef::STRING)),
        ("limit", TypeRef::named(TypeRef::INT)),
        ("offset", TypeRef::named(TypeRef::INT)),
        ("page", TypeRef::named(TypeRef::INT)),
        ("search", text()),
    ]
}

/// The type of a collection's filters.
pub(super) fn filter_name(collection: &Collection) -> String {
    format!("{}_filter", collection.name)
}

/// The type of what records are made of (`create`) or changed to (`update`).
pub(super) fn input_name(action: Action, collection: &Collection) -> String {
    let verb = if action == Action::Create { "create" } else { "update" };
    format!("{verb}_{}_input", collection.name)
}

/// The fields of `Mutation`: those of everybody, then those that need a right.
pub(super) fn mutations(rights: Rights) -> Vec<Root> {
    let mut roots = for_everybody();
    if rights.allows(Action::Create, &USERS) {
        let arguments = vec![("email", needed()), ("role", needed()), ("invite_url", text())];
        roots.push(root("users_invite", Task::Invite, truth(), arguments));
    }
    if rights.allows(Action::Update, &USERS) {
        let data = TypeRef::named(input_name(Action::Update, &USERS));
        roots.push(root("update_users_me", Task::UpdateMe, changed(rights, &USERS), vec![("data", data)]));
    }
    for collection in collections::ALL.into_iter().filter(|collection| !collection.single) {
        creations(rights, collection, &mut roots);
        updates(rights, collection, &mut roots);
        deletions(rights, collection, &mut roots);
    }
    roots
}

fn for_everybody() -> Vec<Root> {
    let (tokens, mode) = (|| TypeRef::named("auth_tokens"), || TypeRef::named(MODE));
    let held = || vec![("refresh_token", text()), ("mode", mode())];
    let secret = TypeRef::named("users_me_tfa_generate_data");
    let applicant = vec![
        ("email", needed()),
        ("password", needed()),
        ("verification_url", text()),
        ("first_name", text()),
        ("last_name", text()),
    ];
    let password = || vec![("token", needed()), ("password", needed())];
    let login = vec![("email", needed()), ("password", needed()), ("mode", mode()), ("otp", text())];
    vec![
        root("auth_login", Task::Login, tokens(), login),
        root("auth_refresh", Task::Refresh, tokens(), held()),
        root("auth_logout", Task::Logout, truth(), held()),
        root("auth_password_request", Task::RequestReset, truth(), vec![("email", needed()), ("reset_url", text())]),
        root("auth_password_reset", Task::Reset, truth(), password()),
        root("users_me_tfa_generate", Task::Generate, secret, vec![("password", needed())]),
        root("users_me_tfa_enable", Task::Enable, truth(), vec![("otp", needed()), ("secret", needed())]),
        root("users_me_tfa_disable", Task::Disable, truth(), vec![("otp", needed())]),
        root("users_invite_accept", Task::Accept, truth(), password()),
        root("users_register", Task::Register, truth(), applicant),
        root("users_register_verify", Task::Verify, truth(), vec![("token", needed())]),
    ]
}

/// The type of a record that was changed: those who may not read it are told that it was.
fn changed(rights: Rights, collection: &Collection) -> TypeRef {
    if rights.allows(Action::Read, collection) { TypeRef::named(collection.name) } else { truth() }
}

/// The type of records that were changed.
fn all_changed(rights: Rights, collection: &Collection) -> TypeRef {
    if rights.allows(Action::Read, collection) { all_of(collection) } else { truth() }
}

fn creations(rights: Rights, collection: &'static Collection, roots: &mut Vec<Root>) {
    if !rights.allows(Action::Create, collection) {
        return;
    }
    let (short, input) = (collection.short, input_name(Action::Create, collection));
    let (one, many) = (TypeRef::named_nn(&*input), TypeRef::named_nn_list(&*input));
    let (item, items) = (changed(rights, collection), all_changed(rights, collection));
    roots.push(root(&format!("create_{short}_item"), Task::CreateOne(collection), item, vec![("data", one)]));
    roots.push(root(&format!("create_{short}_items"), Task::CreateMany(collection), items, vec![("data", many)]));
}

fn updates(rights: Rights, collection: &'static Collection, roots: &mut Vec<Root>) {
    if !rights.allows(Action::Update, collection) {
        return;
    }
    let (short, input) = (collection.short, input_name(Action::Update, collection));
    let data = || ("data", TypeRef::named_nn(&*input));
    let (ids, each) = (TypeRef::named_list_nn(TypeRef::ID), TypeRef::named_nn_list(&*input));
    let (item, items) = (changed(rights, collection), || all_changed(rights, collection));
    let by_id = vec![("id", id()), data()];
    roots.push(root(&format!("update_{short}_item"), Task::UpdateOne(collection), item, by_id));
    let by_ids = vec![("ids", ids), data()];
    roots.push(root(&format!("update_{short}_items"), Task::UpdateMany(collection), items(), by_ids));
    roots.push(root(&format!("update_{short}_batch"), Task::UpdateEach(collection), items(), vec![("data", each)]));
}

fn deletions(rights: Rights, collection: &'static Collection, roots: &mut Vec<Root>) {
    if !rights.allows(Action::Delete, collection) {
        return;
    }
    let (short, ids) = (collection.short, TypeRef::named_list_nn(TypeRef::ID));
    let (one, many) = (TypeRef::named("delete_one"), TypeRef::named("delete_many"));
    roots.push(root(&format!("delete_{short}_item"), Task::DeleteOne(collection), one, vec![("id", id())]));
    roots.push(root(&format!("delete_{short}_items"), Task::DeleteMany(collection), many, vec![("ids", ids)]));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(roots: &[Root]) -> Vec<&str> {
        roots.iter().map(|root| root.name.as_str()).collect()
    }

    #[test]
    fn without_rights_there_is_what_everybody_may_do() {
        assert_eq!(
            names(&mutations(Rights::NONE)),
            [
                "auth_login",
                "auth_refresh",
                "auth_logout",
                "auth_password_request",
                "auth_password_reset",
                "users_me_tfa_generate",
                "users_me_tfa_enable",
                "users_me_tfa_disable",
                "users_invite_accept",
                "users_register",
                "users_register_verify",
            ]
        );
        assert!(!names(&queries(Rights::NONE)).contains(&"users_me"));
    }

    #[test]
    fn with_all_rights_there_is_everything() {
        let all = names(&mutations(Rights::ALL)).len() + names(&queries(Rights::ALL)).len();
        assert_eq!(all, 11 + 2 + 5 * 7 + 6 + 2 + 5 * 2 + 1);
        for name in
            ["users_invite", "update_users_me", "create_users_item", "update_access_batch", "delete_roles_items"]
        {
            assert!(names(&mutations(Rights::ALL)).contains(&name), "{name}");
        }
    }

    #[test]
    fn those_who_may_not_read_are_told_that_it_was_done() {
        let blind = Rights::of(&serde_json::json!({ "directus_users": { "create": { "access": "full" } } }));
        let made = mutations(blind).into_iter().find(|root| root.name == "create_users_item").unwrap();
        assert_eq!(made.kind.to_string(), "Boolean");
    }
}
