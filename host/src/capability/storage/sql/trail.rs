//! What is put on record: an activity for each change, and a revision of what a record became.

use super::{
    Cell, Connection, Failure, Statement,
    catalogue::{Collection, Kind},
    plan::Planned,
    stamp, value,
};
use crate::capability::storage::{Action, Client};
use serde_json::{Map, Value as Json};

/// An activity.
pub(super) struct Entry<'a> {
    pub(super) action: &'a str,
    pub(super) user: Option<&'a str>,
    pub(super) client: &'a Client,
    pub(super) collection: &'a str,
    pub(super) item: &'a str,
    pub(super) now_ms: u64,
}

/// The text that puts an activity on record, and what follows.
macro_rules! activity {
    ($rest:literal) => {
        concat!(
            "INSERT INTO directus_activity (action, \"user\", timestamp, ip, user_agent, collection, item, origin) ",
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            $rest
        )
    };
}

impl Entry<'_> {
    /// Puts it on record.
    pub(super) fn statement(&self) -> Statement {
        self.bound(activity!(""))
    }

    fn bound(&self, text: &'static str) -> Statement {
        let Self { action, user, client, collection, item, now_ms } = *self;
        Statement::new(text)
            .bind(action)
            .bind(user)
            .bind(stamp(now_ms))
            .bind(client.address.as_deref())
            .bind(client.user_agent.as_deref())
            .bind(collection)
            .bind(item)
            .bind(client.origin.as_deref())
    }
}

/// Puts an activity on record; its number.
pub(super) async fn record(connection: &mut dyn Connection, entry: &Entry<'_>) -> Result<i64, Failure> {
    let row = connection.row(&entry.bound(activity!(" RETURNING id"))).await?;
    row.ok_or_else(|| Failure::Failed("an activity has no number".into()))?.integer()
}

/// Keeps what a record became, and what was written into it.
pub(super) async fn revise(
    connection: &mut dyn Connection,
    activity: i64,
    planned: &Planned,
    id: &Cell,
    item: &str,
) -> Result<(), Failure> {
    let Planned { collection, .. } = planned;
    let Some(data) = snapshot(connection, collection, id).await? else { return Ok(()) };
    let delta: Map<String, Json> = planned
        .assignments
        .iter()
        .map(|assigned| (assigned.column.name.to_string(), as_json(assigned.column.kind, assigned.cell.clone())))
        .collect();
    let statement = Statement::new(
        "INSERT INTO directus_revisions (activity, collection, item, data, delta) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(activity)
    .bind(collection.name)
    .bind(item)
    .bind(Json::Object(data).to_string())
    .bind(Json::Object(delta).to_string());
    connection.run(&statement).await?;
    Ok(())
}

async fn snapshot(
    connection: &mut dyn Connection,
    collection: &Collection,
    id: &Cell,
) -> Result<Option<Map<String, Json>>, Failure> {
    let text = format!("SELECT {} FROM \"{}\" WHERE \"id\" = $1", collection.names(), collection.name);
    let Some(mut row) = connection.row(&Statement::made(text).bind(id.clone())).await? else { return Ok(None) };
    let mut data = Map::new();
    for column in collection.present() {
        data.insert(column.name.to_string(), as_json(column.kind, row.cell()?));
    }
    Ok(Some(data))
}

fn as_json(kind: Kind, cell: Cell) -> Json {
    value::json(value::shown(kind, cell))
}

/// What an action is called on record.
pub(super) fn name(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Update => "update",
        Action::Delete => "delete",
    }
}
