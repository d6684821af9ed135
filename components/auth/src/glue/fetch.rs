//! Records as an answer wants them: fields of a selection, related records with them, nothing that the caller may not see.

use super::{
    caller::{Caller, find},
    convert,
    gatewit::{
        auth::types::Reason,
        storage::{
            records::{self as stored, Order, Query},
            types::Value as Stored,
        },
    },
};
use crate::flow::{
    filter::Condition,
    rights::{Action, Allowed},
    schema::{self, Collection, Kind},
    selection::{Chosen, Selection},
    value::Value,
};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};

/// Related records of all records of an answer, for one field.
const RELATED_MAX: u32 = 5000;

/// An object of the answer.
pub(super) type Record = Vec<(String, Value)>;

/// Which part of what is found is wanted.
#[derive(Default)]
pub(super) struct Window {
    pub(super) order: Vec<Order>,
    pub(super) limit: Option<u32>,
    pub(super) offset: u32,
}

/// A record, its id, and the value of the column by which it belongs to another.
struct Found {
    id: String,
    key: Option<String>,
    record: Record,
}

/// The records that meet a condition and that the caller may see.
pub(super) fn records(
    caller: &Caller,
    selection: &Selection,
    condition: Condition,
    window: Window,
) -> Result<Vec<Record>, Reason> {
    // Directus's order where none is asked for.
    let window = if window.order.is_empty() { Window { order: by_id(selection.collection), ..window } } else { window };
    let found = fetch(caller, selection, None, condition, window)?;
    Ok(found.into_iter().map(|found| found.record).collect())
}

/// The records with these ids, in this order; without those that the caller may not see.
pub(super) fn these(caller: &Caller, selection: &Selection, ids: &[String]) -> Result<Vec<Record>, Reason> {
    let condition = Condition::among(selection.collection.id(), ids.iter().map(String::as_str));
    let mut found =
        fetch(caller, selection, None, condition, Window { limit: Some(RELATED_MAX), ..Window::default() })?;
    found.sort_by_key(|found| ids.iter().position(|id| *id == found.id));
    Ok(found.into_iter().map(|found| found.record).collect())
}

fn fetch(
    caller: &Caller,
    selection: &Selection,
    key: Option<&str>,
    condition: Condition,
    window: Window,
) -> Result<Vec<Found>, Reason> {
    let collection = selection.collection;
    let allowed = caller.allowed(collection, Action::Read)?;
    let stored_fields = || selection.fields.iter().filter(|chosen| !matches!(chosen.field.kind, Kind::Many { .. }));
    let mut columns = alloc::vec![collection.id().to_string()];
    columns.extend(key.map(ToString::to_string));
    columns.extend(stored_fields().map(|chosen| chosen.field.name.to_string()));
    let Window { order, limit, offset } = window;
    let condition = convert::nodes(&condition.and(allowed.condition()))?;
    let rows = stored::find(&Query { collection: collection.name.into(), columns, condition, order, limit, offset })?;

    let mut found: Vec<Found> = Vec::new();
    for row in rows {
        let mut values = row.into_iter();
        let id = values.next().and_then(convert::id).ok_or(Reason::Internal)?;
        let key = key.and_then(|_| values.next()).and_then(convert::id);
        let mut values = stored_fields().zip(values);
        let mut record = Record::new();
        for chosen in &selection.fields {
            let value = match chosen.field.kind {
                Kind::Many { .. } => Value::List(Vec::new()),
                kind => values.next().map_or(Value::Null, |(_, value)| shown(kind, value)),
            };
            record.push((chosen.field.name.to_string(), value));
        }
        found.push(Found { id, key, record });
    }
    mask(collection, &allowed, &mut found)?;
    for (place, chosen) in selection.fields.iter().enumerate() {
        relate(caller, chosen, place, &mut found)?;
    }
    Ok(found)
}

/// Hides the fields of records that only cover them in other records.
fn mask(collection: &'static Collection, allowed: &Allowed, found: &mut [Found]) -> Result<(), Reason> {
    if !allowed.varies() || found.is_empty() {
        return Ok(());
    }
    let mut covered = Vec::new();
    for case in &allowed.0 {
        let these = Condition::among(collection.id(), found.iter().map(|found| found.id.as_str()));
        let ids = find(collection.name, &[collection.id()], &these.and(case.condition.clone()), RELATED_MAX)?;
        let ids: Vec<String> = ids.into_iter().flatten().filter_map(convert::id).collect();
        covered.push((&case.fields, ids));
    }
    for Found { id, record, .. } in found {
        for (name, value) in record {
            if !covered.iter().any(|(fields, ids)| fields.hold(name) && ids.contains(id)) {
                *value = Value::Null;
            }
        }
    }
    Ok(())
}

/// Puts related records, or their ids, in their place.
fn relate(caller: &Caller, chosen: &Chosen, place: usize, found: &mut [Found]) -> Result<(), Reason> {
    let window = |collection| Window { order: by_id(collection), limit: Some(RELATED_MAX), offset: 0 };
    let at = |record: &mut Record, value| {
        if let Some((_, slot)) = record.get_mut(place) {
            *slot = value;
        }
    };
    match (chosen.field.kind, &chosen.inner) {
        (Kind::One(_), Some(inner)) => {
            let text = |found: &Found| match found.record.get(place) {
                Some((_, Value::Text(id))) => Some(id.clone()),
                Some((_, Value::Integer(id))) => Some(id.to_string()),
                _ => None,
            };
            let mut ids: Vec<String> = found.iter().filter_map(text).collect();
            ids.sort_unstable();
            ids.dedup();
            let these = Condition::among(inner.collection.id(), ids.iter().map(String::as_str));
            let related = fetch(caller, inner, None, these, window(inner.collection))?;
            for one in found {
                let id = text(one);
                let other = related.iter().find(|other| Some(&other.id) == id.as_ref());
                at(&mut one.record, other.map_or(Value::Null, |other| within(Some(inner), other)));
            }
        }
        (Kind::Many { collection: name, key }, inner) => {
            let other = schema::collection(name).ok_or(Reason::Internal)?;
            let these = Condition::among(key, found.iter().map(|found| found.id.as_str()));
            let ids = Selection { collection: other, fields: Vec::new() };
            let related = fetch(caller, inner.as_ref().unwrap_or(&ids), Some(key), these, window(other))?;
            for one in found {
                let its = related.iter().filter(|other| other.key.as_ref() == Some(&one.id));
                let value = Value::List(its.map(|other| within(inner.as_ref(), other)).collect());
                at(&mut one.record, value);
            }
        }
        _ => {}
    }
    Ok(())
}

fn by_id(collection: &Collection) -> Vec<Order> {
    alloc::vec![Order { column: collection.id().to_string(), descending: false }]
}

/// A related record in another one: what is wanted of it, or its id.
fn within(inner: Option<&Selection>, related: &Found) -> Value {
    match inner {
        Some(inner) if !inner.fields.is_empty() => Value::Object(related.record.clone()),
        _ if related.id.parse::<i64>().is_ok() => Value::Json(related.id.clone()),
        _ => Value::Text(related.id.clone()),
    }
}

/// A stored value as a field of its kind shows it.
fn shown(kind: Kind, value: Stored) -> Value {
    match (kind, value) {
        (Kind::List, Stored::Text(text)) => {
            Value::List(text.split(',').map(|item| Value::Text(item.trim().to_string())).collect())
        }
        (_, value) => convert::value(value),
    }
}
