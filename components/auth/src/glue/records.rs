//! Records of accounts and their rights, read.

use super::{
    Auth,
    accounts::not_in_setup,
    caller::Caller,
    change, convert,
    exports::gatewit::auth::records::{Guest, Page, Principal, Query, Target},
    fetch::{self, Window},
    gatewit::{
        auth::types::{Client, Reason},
        storage::records::{self as stored, Order},
    },
    rights,
};
use crate::flow::{
    filter::{Condition, Operator, Reader, forbidden_collection, forbidden_field},
    rights::Action,
    schema::{self, Collection, Kind},
    selection::{self, Selection},
    value,
};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};

/// Records of one answer where no limit is given.
const LIMIT_DEFAULT: u32 = 100;

/// Records of one answer at most: what a call's memory holds with room to spare.
const LIMIT_MAX: u32 = 5000;

impl Guest for Auth {
    fn list(principal: Option<Principal>, collection: String, query: Query) -> Result<Page, Reason> {
        let (caller, collection) = open(principal, &collection)?;
        let asked = Asked::new(&caller, collection, &query)?;
        let mut found = fetch::records(&caller, &asked.selection, asked.condition.clone(), asked.window)?;
        let data = match found.pop() {
            Some(record) if collection.singleton => value::write(&record),
            None if collection.singleton => "null".to_string(),
            last => {
                found.extend(last);
                value::write_all(&found)
            }
        };
        let seen = caller.allowed(collection, Action::Read)?.condition();
        let count =
            |condition: &Condition| stored::count(collection.name, &convert::nodes(condition)?).map_err(Reason::from);
        let total = query.count_total.then(|| count(&seen)).transpose()?;
        let filtered = query.count_filtered.then(|| count(&asked.condition.and(seen.clone()))).transpose()?;
        Ok(Page { data, total, filtered })
    }

    fn read(principal: Option<Principal>, collection: String, id: String, query: Query) -> Result<String, Reason> {
        let (caller, collection) = open(principal, &collection)?;
        one(&caller, collection, &id, &query)?.ok_or_else(|| forbidden_collection(collection.name).into())
    }

    fn create(
        principal: Option<Principal>,
        collection: String,
        data: String,
        query: Query,
        client: Client,
    ) -> Result<Option<String>, Reason> {
        let (caller, collection) = open(principal, &collection)?;
        let (ids, single) = change::create(&caller, collection, &data, &client)?;
        answer(&caller, collection, &ids, single, &query)
    }

    fn update(
        principal: Option<Principal>,
        collection: String,
        target: Target,
        data: String,
        query: Query,
        client: Client,
    ) -> Result<Option<String>, Reason> {
        let (caller, collection) = open(principal, &collection)?;
        let single = matches!(target, Target::One(_)) || collection.singleton;
        let ids = change::update(&caller, collection, &target, &data, &client)?;
        answer(&caller, collection, &ids, single, &query)
    }

    fn delete(principal: Option<Principal>, collection: String, target: Target, client: Client) -> Result<(), Reason> {
        let (caller, collection) = open(principal, &collection)?;
        change::delete(&caller, collection, &target, &client)
    }

    fn rights(principal: Option<Principal>, form: String) -> Result<String, Reason> {
        // Whoever has to set up a second factor may learn that, and nothing more.
        if let Some(principal) = principal.as_ref().filter(|_| form != "globals") {
            not_in_setup(principal)?;
        }
        rights::shown(&Caller::new(principal)?, &form)
    }
}

/// The caller and the collection; somebody who has to set up a second factor first gets no further.
fn open(principal: Option<Principal>, name: &str) -> Result<(Caller, &'static Collection), Reason> {
    if let Some(principal) = &principal {
        not_in_setup(principal)?;
    }
    let collection = schema::collection(name).ok_or_else(|| forbidden_collection(name))?;
    Ok((Caller::new(principal)?, collection))
}

/// A query that was checked.
pub(super) struct Asked {
    selection: Selection,
    condition: Condition,
    window: Window,
}

impl Asked {
    fn new(caller: &Caller, collection: &'static Collection, query: &Query) -> Result<Self, Reason> {
        if !caller.allowed(collection, Action::Read)?.anything() {
            return Err(forbidden_collection(collection.name).into());
        }
        let may_read = |collection: &str, field: &str| caller.may_read(collection, field);
        let selection = selection::select(&query.fields, collection, &may_read)?;
        Ok(Self {
            selection,
            condition: condition(caller, collection, query)?,
            window: window(caller, collection, query)?,
        })
    }
}

/// What a query's filter and search let through.
fn condition(caller: &Caller, collection: &'static Collection, query: &Query) -> Result<Condition, Reason> {
    let may_read = |collection: &str, field: &str| caller.may_read(collection, field);
    let mut all = Vec::new();
    if let Some(filter) = &query.filter {
        let malformed = |_| Reason::InvalidPayload("\"filter\" has to be a valid JSON object".to_string());
        let filter = serde_json::from_str(filter).map_err(malformed)?;
        all.push(Reader { variables: caller.variables(), may_read: &may_read }.read(&filter, collection)?);
    }
    if let Some(search) = query.search.as_ref().filter(|search| !search.is_empty()) {
        let texts = collection.fields.iter().filter(|field| field.kind == Kind::Text);
        let texts = texts.filter(|field| may_read(collection.name, field.name));
        let contains = |column: &str| Condition::Compare {
            column: column.to_string(),
            operator: Operator::ContainsFolded,
            values: alloc::vec![value::Value::Text(search.clone())],
        };
        let id = Condition::is(collection.id(), search);
        let id = (collection.fields.first().map(|field| field.kind) == Some(Kind::Uuid)
            && crate::flow::payload::is_uuid(search))
        .then_some(id);
        all.push(Condition::Any(texts.map(|field| contains(field.name)).chain(id).collect()));
    }
    Ok(Condition::All(all))
}

fn window(caller: &Caller, collection: &'static Collection, query: &Query) -> Result<Window, Reason> {
    let mut order = Vec::new();
    for name in &query.sort {
        let (column, descending) = name.strip_prefix('-').map_or((name.as_str(), false), |name| (name, true));
        let sortable = |kind| !matches!(kind, Kind::Many { .. } | Kind::Secret | Kind::Json);
        let field = collection.field(column).filter(|field| sortable(field.kind));
        let field = field.filter(|field| caller.may_read(collection.name, field.name));
        let field = field.ok_or_else(|| forbidden_field(collection.name, column))?;
        order.push(Order { column: field.name.to_string(), descending });
    }
    let limit = match query.limit {
        None => LIMIT_DEFAULT,
        Some(limit) => u32::try_from(limit).unwrap_or(LIMIT_MAX).min(LIMIT_MAX),
    };
    Ok(Window { order, limit: Some(limit), offset: query.offset })
}

/// The ids that a query means, for changes.
pub(super) fn meant(caller: &Caller, collection: &'static Collection, query: &Query) -> Result<Vec<String>, Reason> {
    let narrowed = Query { fields: alloc::vec![collection.id().to_string()], ..query.clone() };
    let asked = Asked::new(caller, collection, &narrowed)?;
    let found = fetch::records(caller, &asked.selection, asked.condition, asked.window)?;
    let id = |(_, value)| match value {
        value::Value::Text(id) => Some(id),
        value::Value::Integer(id) => Some(id.to_string()),
        _ => None,
    };
    Ok(found.into_iter().flatten().filter_map(id).collect())
}

/// One record as JSON, as far as the caller may read it.
fn one(caller: &Caller, collection: &'static Collection, id: &str, query: &Query) -> Result<Option<String>, Reason> {
    let asked = Asked::new(caller, collection, query)?;
    let window = Window { limit: Some(1), ..Window::default() };
    let found = fetch::records(caller, &asked.selection, Condition::is(collection.id(), id), window)?;
    Ok(found.first().map(|record| value::write(record)))
}

/// What was written, for those who may read it.
fn answer(
    caller: &Caller,
    collection: &'static Collection,
    ids: &[String],
    single: bool,
    query: &Query,
) -> Result<Option<String>, Reason> {
    if !caller.allowed(collection, Action::Read)?.anything() {
        return Ok(None);
    }
    if single {
        let Some(id) = ids.first() else { return Ok(None) };
        return one(caller, collection, id, query);
    }
    let plain = Query { filter: None, search: None, offset: 0, ..query.clone() };
    let asked = Asked::new(caller, collection, &plain)?;
    Ok(Some(value::write_all(&fetch::these(caller, &asked.selection, ids)?)))
}
