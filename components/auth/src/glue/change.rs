//! Records of accounts and their rights, written: each change within what the caller may do, all of a request in one step.

use super::{
    accounts::{self, author, end_sessions, new_password},
    caller::Caller,
    convert,
    exports::gatewit::auth::records::Target,
    gatewit::{
        auth::types::{Client, Reason},
        passwords::hashing,
        storage::records::{self as stored, Assignment, Change, Ending, Input as StoredInput},
    },
    records::meant,
};
use crate::flow::{
    filter::{Condition, Reader, forbidden_collection, forbidden_field},
    payload::{self, Input},
    rights::{Action, Allowed, Case},
    schema::{self, Collection},
    value::Value,
    verdict::holds,
};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use serde_json::{Map, Value as Json};

/// The id of the one record of a singleton.
const SINGLETON: &str = "1";

type Fields = Vec<payload::Assignment>;

/// Makes records; their ids, and whether there was one rather than a list.
pub(super) fn create(
    caller: &Caller,
    collection: &'static Collection,
    data: &str,
    client: &Client,
) -> Result<(Vec<String>, bool), Reason> {
    let body = parse(data)?;
    let allowed = permitted(caller, collection, Action::Create)?;
    let mut changes = Vec::new();
    for record in payload::records(&body)? {
        let mut fields = read(caller, collection, record)?;
        let case = covering(collection, &allowed, &fields)?;
        preset(caller, collection, case, &mut fields)?;
        validate(caller, collection, case, &fields)?;
        if collection.name == schema::SHARES {
            let text = |text: &str| Input::Plain(Value::Text(text.to_string()));
            // Nobody shares in another's name, nor at another time.
            fields.retain(|(name, _)| !matches!(*name, "user_created" | "date_created"));
            fields.extend(caller.user().map(|user| ("user_created", text(user))));
            fields.push(("date_created", text(&caller.variables().now)));
        }
        let id = record.get(collection.id()).and_then(Json::as_str);
        let id = id.filter(|id| payload::is_uuid(id)).map(ToString::to_string);
        changes.push(stored_change(stored::Action::Create, collection, id, fields)?);
    }
    let ids = accounts::write(&changes, &[], &author(caller.user(), client))?.ok_or(Reason::Internal)?;
    Ok((ids, body.is_object()))
}

/// Changes records; their ids.
pub(super) fn update(
    caller: &Caller,
    collection: &'static Collection,
    target: &Target,
    data: &str,
    client: &Client,
) -> Result<Vec<String>, Reason> {
    let body = parse(data)?;
    let records = payload::records(&body)?;
    let targets: Vec<(String, &Map<String, Json>)> = match target {
        Target::Each => {
            let id = |record: &Map<String, Json>| record.get(collection.id()).and_then(id_text);
            let missing = || Reason::InvalidPayload("Each record has to name its id".to_string());
            records
                .into_iter()
                .map(|record| Ok((id(record).ok_or_else(missing)?, record)))
                .collect::<Result<_, Reason>>()?
        }
        _ => {
            let one = || Reason::InvalidPayload("The change has to be an object".to_string());
            let [record] = <[_; 1]>::try_from(records).map_err(|_| one())?;
            ids(caller, collection, target)?.into_iter().map(|id| (id, record)).collect()
        }
    };
    bounded(targets.len())?;
    let mut changes = Vec::new();
    let mut endings = Vec::new();
    let allowed = caller.allowed(collection, Action::Update)?;
    let mut gone = Vec::new();
    for (id, record) in targets {
        let mut fields = read(caller, collection, record)?;
        if is_own_page(caller, collection, &id, &fields) {
            changes.push(stored_change(stored::Action::Update, collection, Some(id), fields)?);
            continue;
        }
        if !collection.writable || !allowed.anything() {
            return Err(forbidden_collection(collection.name).into());
        }
        let case = covering(collection, &allowed, &fields)?;
        validate(caller, collection, case, &fields)?;
        if !caller.reaches(collection, &allowed, &id, &fields)? {
            return Err(forbidden_collection(collection.name).into());
        }
        if collection.name == schema::USERS {
            endings.extend(ending(caller, &id, &fields));
            gone.extend(leaves_office(&fields).then(|| id.clone()));
            forget_identity(&mut fields);
        }
        if !fields.is_empty() {
            changes.push(stored_change(stored::Action::Update, collection, Some(id.clone()), fields)?);
        }
    }
    keep_an_administrator(&gone)?;
    let ids: Vec<String> = changes.iter().filter_map(|change| change.id.clone()).collect();
    if changes.is_empty() {
        return match target {
            Target::One(id) => Ok(alloc::vec![id.clone()]),
            _ => Ok(ids),
        };
    }
    let written = accounts::write(&changes, &endings, &author(caller.user(), client))?;
    written.ok_or_else(|| forbidden_collection(collection.name).into())
}

/// Removes records.
pub(super) fn delete(
    caller: &Caller,
    collection: &'static Collection,
    target: &Target,
    client: &Client,
) -> Result<(), Reason> {
    let allowed = permitted(caller, collection, Action::Delete)?;
    let ids = ids(caller, collection, target)?;
    bounded(ids.len())?;
    let these = Condition::among(collection.id(), ids.iter().map(String::as_str)).and(allowed.condition());
    let reached = stored::count(collection.name, &convert::nodes(&these)?)?;
    if reached != ids.len() as u64 {
        return Err(forbidden_collection(collection.name).into());
    }
    if collection.name == schema::USERS {
        keep_an_administrator(&ids)?;
    }
    let change = |id| stored_change(stored::Action::Delete, collection, Some(id), Fields::new());
    let changes: Vec<Change> = ids.into_iter().map(change).collect::<Result<_, _>>()?;
    let written = accounts::write(&changes, &[], &author(caller.user(), client))?;
    written.map(drop).ok_or_else(|| forbidden_collection(collection.name).into())
}

fn parse(data: &str) -> Result<Json, Reason> {
    serde_json::from_str(data).map_err(|_| Reason::InvalidPayload("The body has to be JSON".to_string()))
}

fn permitted(caller: &Caller, collection: &'static Collection, action: Action) -> Result<Allowed, Reason> {
    let allowed = caller.allowed(collection, action)?;
    if !collection.writable || collection.singleton || !allowed.anything() {
        return Err(forbidden_collection(collection.name).into());
    }
    Ok(allowed)
}

fn bounded(records: usize) -> Result<(), Reason> {
    if records > payload::RECORDS_MAX {
        let why = alloc::format!("More than {} records at once", payload::RECORDS_MAX);
        return Err(Reason::InvalidPayload(why));
    }
    Ok(())
}

fn id_text(id: &Json) -> Option<String> {
    id.as_str().map(ToString::to_string).or_else(|| id.as_i64().map(|id| id.to_string()))
}

fn ids(caller: &Caller, collection: &'static Collection, target: &Target) -> Result<Vec<String>, Reason> {
    Ok(match target {
        _ if collection.singleton => alloc::vec![SINGLETON.to_string()],
        Target::One(id) => alloc::vec![id.clone()],
        Target::Many(ids) => ids.clone(),
        Target::Matching(query) => meant(caller, collection, query)?,
        Target::Each => Vec::new(),
    })
}

/// Reads a record; what is written into accounts by hand is looked at before anything else.
fn read(caller: &Caller, collection: &'static Collection, record: &Map<String, Json>) -> Result<Fields, Reason> {
    if collection.name == schema::USERS
        && let Some(name) = payload::not_by_hand(record, caller.rights().admin)
    {
        return Err(Reason::InvalidPayload(alloc::format!("You can't change the \"{name}\" value manually")));
    }
    let fields = payload::read(record, collection);
    if collection.name == schema::USERS
        && let Ok(fields) = &fields
    {
        payload::check_address(fields)?;
    }
    Ok(fields?)
}

/// The first case that covers all fields.
fn covering<'a>(collection: &Collection, allowed: &'a Allowed, fields: &Fields) -> Result<&'a Case, Reason> {
    for (name, _) in fields {
        if !allowed.covers(name) {
            return Err(forbidden_field(collection.name, name).into());
        }
    }
    let all = |case: &&Case| fields.iter().all(|(name, _)| case.fields.hold(name));
    let found = allowed.0.iter().find(all).or(allowed.0.first());
    found.ok_or_else(|| forbidden_collection(collection.name).into())
}

/// Values that a rule gives to fields that the caller left out.
fn preset(caller: &Caller, collection: &'static Collection, case: &Case, fields: &mut Fields) -> Result<(), Reason> {
    let Some(Json::Object(presets)) = &case.presets else { return Ok(()) };
    let resolved: Map<String, Json> = presets
        .iter()
        .filter(|(name, _)| !fields.iter().any(|(known, _)| known == name))
        .map(|(name, value)| (name.clone(), resolve(caller, value)))
        .collect();
    fields.extend(payload::read(&resolved, collection)?);
    Ok(())
}

fn resolve(caller: &Caller, value: &Json) -> Json {
    let variables = caller.variables();
    match value.as_str() {
        Some("$CURRENT_USER") => variables.user.clone().into(),
        Some("$CURRENT_ROLE") => variables.role.clone().into(),
        Some("$NOW") => variables.now.clone().into(),
        _ => value.clone(),
    }
}

/// Refuses values that do not meet the rule.
fn validate(caller: &Caller, collection: &'static Collection, case: &Case, fields: &Fields) -> Result<(), Reason> {
    let Some(validation) = &case.validation else { return Ok(()) };
    let reader = Reader { variables: caller.variables(), may_read: &|_, _| true };
    let condition = reader.read(validation, collection)?;
    let value_of = |column: &str| match fields.iter().find(|(name, _)| *name == column) {
        Some((_, Input::Plain(value))) => value.clone(),
        Some((_, Input::Password(text))) => Value::Text(text.clone()),
        None => Value::Null,
    };
    if holds(&condition, &value_of) {
        return Ok(());
    }
    Err(Reason::InvalidPayload("The values do not meet the rules for them".to_string()))
}

fn stored_change(
    action: stored::Action,
    collection: &Collection,
    id: Option<String>,
    fields: Fields,
) -> Result<Change, Reason> {
    let assignment = |(name, input): payload::Assignment| {
        let input = match input {
            Input::Plain(value) => StoredInput::Plain(convert::stored(value)),
            Input::Password(text) if collection.name == schema::USERS => {
                StoredInput::PasswordHash(new_password(&text)?)
            }
            Input::Password(text) => StoredInput::PasswordHash(hashing::hash(&text)?),
        };
        Ok(Assignment { column: name.to_string(), input })
    };
    let assignments = fields.into_iter().map(assignment).collect::<Result<_, Reason>>()?;
    Ok(Change { action, collection: collection.name.to_string(), id, assignments, expectations: Vec::new() })
}

/// Where somebody was last in the app is theirs to say, whatever else they may.
fn is_own_page(caller: &Caller, collection: &Collection, id: &str, fields: &Fields) -> bool {
    let page = matches!(fields.as_slice(), [("last_page", _)]);
    page && collection.name == schema::USERS && caller.user() == Some(id)
}

/// The sessions that end with a change of an account: all when it stands elsewhere, others than this one when its
/// password or address is another.
fn ending(caller: &Caller, id: &str, fields: &Fields) -> Option<Ending> {
    let set = |name: &str| fields.iter().find(|(known, _)| *known == name).map(|(_, input)| input);
    let inactive = set("status").is_some_and(|input| *input != Input::Plain(Value::Text("active".to_string())));
    let own = caller.principal().filter(|principal| principal.user.as_deref() == Some(id));
    let this = own.and_then(|principal| principal.session.as_deref()).filter(|_| !inactive);
    (inactive || set("password").is_some() || set("email").is_some()).then(|| end_sessions(id, this))
}

/// What a provider keeps of somebody is of no use with another identity.
fn forget_identity(fields: &mut Fields) {
    if fields.iter().any(|(name, _)| matches!(*name, "provider" | "external_identifier")) {
        fields.retain(|(name, _)| *name != "auth_data");
        fields.push(("auth_data", Input::Plain(Value::Null)));
    }
}

/// Whether an account may administer less after a change than before it.
fn leaves_office(fields: &Fields) -> bool {
    fields.iter().any(|(name, input)| match *name {
        "status" => *input != Input::Plain(Value::Text("active".to_string())),
        "role" => true,
        _ => false,
    })
}

/// Refuses to take the last administrator away: nobody could undo it.
fn keep_an_administrator(gone: &[String]) -> Result<(), Reason> {
    if gone.is_empty() {
        return Ok(());
    }
    let related = |column, key, collection, condition: Condition| Condition::Related {
        column,
        key,
        collection,
        condition: condition.into(),
    };
    let admin = Condition::Compare {
        column: "admin_access".to_string(),
        operator: crate::flow::filter::Operator::Equal,
        values: alloc::vec![Value::Boolean(true)],
    };
    let attached = related("policy", "id", schema::POLICIES, admin);
    let administers = Condition::Any(alloc::vec![
        related("id", "user", schema::ACCESS, attached.clone()),
        related("role", "role", schema::ACCESS, attached),
    ])
    .and(Condition::is("status", "active"));
    let these = Condition::among("id", gone.iter().map(String::as_str));
    let count = |condition: Condition| stored::count(schema::USERS, &convert::nodes(&condition)?).map_err(Reason::from);
    let leaving = count(administers.clone().and(these.clone()))?;
    let staying = count(administers.and(Condition::Not(these.into())))?;
    if leaving > 0 && staying == 0 {
        return Err(Reason::InvalidPayload("The last administrator can't be removed".to_string()));
    }
    Ok(())
}
