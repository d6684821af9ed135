//! Records over REST: `/users`, `/roles`, `/policies`, `/access`, `/permissions`, `/settings`, `/shares`, `/activity`,
//! `/revisions`, with the query parameters and batch forms of Directus.
//!
//! Absent: who may see or change what.

use super::{
    refusal::Refusal,
    respond::Reply,
    route::Verb,
    service::{Caller, Exchange},
};
use crate::bindings::auth::{
    exports::gatewit::auth::records::{Page, Query, Target},
    gatewit::auth::types::Reason,
};
use serde_json::{Map, Value, json};

/// The records of a collection.
pub(super) async fn all(
    exchange: &Exchange<'_>,
    caller: Option<Caller>,
    verb: Verb,
    collection: &str,
    body: &Value,
) -> Reply {
    let asked = match verb {
        Verb::Search => query(body.get("query").and_then(Value::as_object).unwrap_or(&Map::new())),
        _ => query(&exchange.query.to_json()),
    };
    let query = match asked {
        Ok(query) => query,
        Err(reason) => return Reply::refused(&[Refusal::payload(reason)]),
    };
    match verb {
        Verb::Read | Verb::Search => {
            let listed = exchange.operate(caller, async |who, rules| rules.list(who, collection, &query).await);
            match listed.await {
                Ok(page) => listing(&page, &query),
                Err(reason) => exchange.refused(reason),
            }
        }
        Verb::Create => {
            let data = body.to_string();
            let made = exchange.operate(caller, async |who, rules| {
                rules.create(who, collection, &data, &query, &exchange.client).await
            });
            written(exchange, made.await)
        }
        Verb::Update => {
            let (target, data) = match batch(body) {
                Ok(batch) => batch,
                Err(reason) => return Reply::refused(&[Refusal::payload(reason)]),
            };
            let data = data.to_string();
            let changed = exchange.operate(caller, async |who, rules| {
                rules.update(who, collection, &target, &data, &query, &exchange.client).await
            });
            written(exchange, changed.await)
        }
        Verb::Delete => {
            let target = match doomed(body) {
                Ok(target) => target,
                Err(reason) => return Reply::refused(&[Refusal::payload(reason)]),
            };
            let removed = exchange
                .operate(caller, async |who, rules| rules.delete(who, collection, &target, &exchange.client).await);
            super::accounts::done(exchange, removed.await)
        }
    }
}

/// One record.
pub(super) async fn one(
    exchange: &Exchange<'_>,
    caller: Option<Caller>,
    verb: Verb,
    collection: &str,
    id: &str,
    body: &Value,
) -> Reply {
    match verb {
        Verb::Update => written(exchange, update_one(exchange, caller, collection, id, body).await),
        Verb::Delete => {
            let target = Target::One(id.to_owned());
            let removed = exchange
                .operate(caller, async |who, rules| rules.delete(who, collection, &target, &exchange.client).await);
            super::accounts::done(exchange, removed.await)
        }
        Verb::Read | Verb::Search | Verb::Create => {
            let query = match query(&exchange.query.to_json()) {
                Ok(query) => query,
                Err(reason) => return Reply::refused(&[Refusal::payload(reason)]),
            };
            let read = exchange.operate(caller, async |who, rules| rules.read(who, collection, id, &query).await);
            match read.await {
                Ok(json) => Reply::data(&json),
                Err(reason) => exchange.refused(reason),
            }
        }
    }
}

/// Changes one record; its JSON for those who may read it.
pub(super) async fn update_one(
    exchange: &Exchange<'_>,
    caller: Option<Caller>,
    collection: &str,
    id: &str,
    body: &Value,
) -> Result<Option<String>, Reason> {
    let query = query(&exchange.query.to_json()).map_err(Reason::InvalidPayload)?;
    // No body is no change.
    let data = if body.is_null() { json!({}) } else { body.clone() }.to_string();
    let target = Target::One(id.to_owned());
    let changed = exchange.operate(caller, async |who, rules| {
        rules.update(who, collection, &target, &data, &query, &exchange.client).await
    });
    changed.await
}

fn written(exchange: &Exchange<'_>, answer: Result<Option<String>, Reason>) -> Reply {
    match answer {
        Ok(Some(json)) => Reply::data(&json),
        Ok(None) => Reply::no_content(),
        Err(reason) => exchange.refused(reason),
    }
}

/// A list with what was counted.
fn listing(page: &Page, query: &Query) -> Reply {
    if !query.count_total && !query.count_filtered {
        return Reply::data(&page.data);
    }
    let counts = [("total_count", page.total), ("filter_count", page.filtered)];
    let meta: Map<String, Value> =
        counts.into_iter().filter_map(|(name, count)| Some((name.to_owned(), count?.into()))).collect();
    Reply::data_with(&Value::Object(meta), &page.data)
}

/// Which records a batch change is for, and what it changes.
fn batch(body: &Value) -> Result<(Target, Value), String> {
    if body.is_array() {
        return Ok((Target::Each, body.clone()));
    }
    let data = || body.get("data").filter(|data| data.is_object()).cloned().ok_or("\"data\" is required");
    match (body.get("keys"), body.get("query")) {
        (Some(keys), _) => Ok((Target::Many(ids(keys)?), data()?)),
        (None, Some(Value::Object(asked))) => Ok((Target::Matching(query(asked)?), data()?)),
        // Only where the collection holds one record is that enough.
        _ => Ok((Target::Many(Vec::new()), body.clone())),
    }
}

fn doomed(body: &Value) -> Result<Target, String> {
    match (body, body.get("keys"), body.get("query")) {
        (Value::Array(_), ..) => Ok(Target::Many(ids(body)?)),
        (_, Some(keys), _) => Ok(Target::Many(ids(keys)?)),
        (_, _, Some(Value::Object(asked))) => Ok(Target::Matching(query(asked)?)),
        _ => Err("Either \"keys\" or \"query\" is required".to_owned()),
    }
}

fn ids(keys: &Value) -> Result<Vec<String>, String> {
    let id = |key: &Value| match key {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let ids: Option<Vec<_>> = keys.as_array().and_then(|keys| keys.iter().map(id).collect());
    ids.ok_or_else(|| "\"keys\" must be a list of ids".to_owned())
}

/// Reads what a client asks for, out of its query string or out of a body.
pub(crate) fn query(asked: &Map<String, Value>) -> Result<Query, String> {
    let filter = match asked.get("filter") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) if text.is_empty() => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(other) => Some(other.to_string()),
    };
    let limit = number(asked, "limit")?;
    let page = number(asked, "page")?.filter(|page| *page > 0);
    let offset = match (number(asked, "offset")?, page, limit) {
        (None, Some(page), limit) => (page - 1).saturating_mul(limit.filter(|limit| *limit >= 0).unwrap_or(100)),
        (offset, ..) => offset.unwrap_or_default(),
    };
    let meta = list(asked, "meta");
    let counts = |name: &str| meta.iter().any(|each| each == "*" || each == name);
    Ok(Query {
        fields: list(asked, "fields"),
        filter,
        search: asked.get("search").and_then(Value::as_str).map(ToOwned::to_owned),
        sort: list(asked, "sort"),
        limit: limit.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX)),
        offset: u32::try_from(offset).map_err(|_| "\"offset\" must be a positive number")?,
        count_total: counts("total_count"),
        count_filtered: counts("filter_count"),
    })
}

/// A whole number, perhaps as text.
fn number(asked: &Map<String, Value>, name: &str) -> Result<Option<i64>, String> {
    let number = match asked.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) if text.is_empty() => return Ok(None),
        Some(Value::String(text)) => text.parse().ok(),
        Some(other) => other.as_i64(),
    };
    number.map(Some).ok_or_else(|| format!("\"{name}\" must be a number"))
}

/// Texts: a list, or one text with commas.
fn list(asked: &Map<String, Value>, name: &str) -> Vec<String> {
    let items: Vec<&str> = match asked.get(name) {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        Some(Value::Object(items)) => items.values().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let items = items.iter().flat_map(|item| item.split(',')).map(|item| item.trim().to_owned());
    items.filter(|item| !item.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(asked: &Value) -> Result<Query, String> {
        query(asked.as_object().unwrap())
    }

    #[test]
    fn query_strings_and_bodies_say_the_same() {
        let text =
            read(&json!({"fields": "id, email", "sort": "-id", "limit": "2", "page": "3", "meta": "*"})).unwrap();
        let json = read(&json!({"fields": ["id", "email"], "sort": ["-id"], "limit": 2, "page": 3, "meta": ["*"]}));
        let json = json.unwrap();
        assert_eq!((text.fields.clone(), text.sort, text.limit, text.offset), (json.fields, json.sort, json.limit, 4));
        assert!(text.count_total && json.count_filtered);
        assert_eq!(text.fields, ["id", "email"]);
    }

    #[test]
    fn filters_are_handed_on_as_json() {
        let filter = read(&json!({"filter": {"email": {"_eq": "a"}}})).unwrap().filter.unwrap();
        assert_eq!(filter, r#"{"email":{"_eq":"a"}}"#);
        assert_eq!(read(&json!({"filter": "{\"a\":1}"})).unwrap().filter.unwrap(), "{\"a\":1}");
        assert_eq!(read(&json!({"filter": ""})).unwrap().filter, None);
    }

    #[test]
    fn numbers_are_numbers() {
        assert_eq!(read(&json!({"limit": "many"})).unwrap_err(), "\"limit\" must be a number");
        assert_eq!(read(&json!({"limit": -1})).unwrap().limit, Some(-1));
        assert!(read(&json!({"offset": -1})).is_err());
        assert_eq!(
            read(&json!({"page": i64::MAX, "limit": i64::MAX})).unwrap_err(),
            "\"offset\" must be a positive number"
        );
    }

    #[test]
    fn batches_name_their_records() {
        assert!(matches!(batch(&json!([{"id": 1}])), Ok((Target::Each, _))));
        assert!(
            matches!(batch(&json!({"keys": ["a", 1], "data": {}})), Ok((Target::Many(ids), _)) if ids == ["a", "1"])
        );
        assert!(matches!(batch(&json!({"query": {"limit": 1}, "data": {}})), Ok((Target::Matching(_), _))));
        assert_eq!(batch(&json!({"keys": ["a"]})).unwrap_err(), "\"data\" is required");
        assert!(matches!(doomed(&json!(["a"])), Ok(Target::Many(_))));
        assert!(doomed(&json!({})).is_err());
        assert!(doomed(&json!([{}])).is_err());
    }
}
