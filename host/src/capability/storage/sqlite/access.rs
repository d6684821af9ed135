//! Policies and permissions.

use super::super::Source;
use super::{Permission, Policy};
use sqlx::{Row, SqlitePool};

/// How far up a role's parents count. A cycle in adopted data ends here.
const POLICIES: &str = "\
    WITH RECURSIVE tree (id, depth) AS ( \
        SELECT ?2, 0 \
        UNION ALL \
        SELECT r.parent, tree.depth + 1 FROM tree JOIN directus_roles r ON r.id = tree.id \
        WHERE r.parent IS NOT NULL AND tree.depth < 16 \
    ), attached (policy, rank, sort) AS ( \
        SELECT policy, 0, sort FROM directus_access WHERE user = ?1 \
        UNION ALL \
        SELECT a.policy, min(tree.depth, 1) + 1, a.sort FROM tree JOIN directus_access a ON a.role = tree.id \
    ) \
    SELECT p.id, min(attached.rank) AS rank, p.admin_access, p.app_access, p.enforce_tfa, p.ip_access, \
           max(attached.rank = 1) AS by_role \
    FROM attached JOIN directus_policies p ON p.id = attached.policy \
    GROUP BY p.id ORDER BY min(attached.sort)";

pub(super) async fn policies(
    readers: &SqlitePool,
    user: Option<&str>,
    role: Option<&str>,
) -> Result<Vec<Policy>, sqlx::Error> {
    let rows = sqlx::query(POLICIES).bind(user).bind(role).fetch_all(readers).await?;
    rows.iter()
        .map(|row| {
            Ok(Policy {
                id: row.try_get("id")?,
                source: source(row.try_get("rank")?, row.try_get("by_role")?),
                admin: row.try_get("admin_access")?,
                app: row.try_get("app_access")?,
                enforce_tfa: row.try_get("enforce_tfa")?,
                addresses: list(row.try_get("ip_access")?),
            })
        })
        .collect()
}

/// A policy may be attached in several ways; the own role weighs most, because second factors are demanded by it.
fn source(rank: i64, by_role: bool) -> Source {
    match (rank, by_role) {
        (_, true) => Source::Role,
        (0, false) => Source::User,
        _ => Source::Ancestor,
    }
}

pub(super) async fn permissions(
    readers: &SqlitePool,
    policies: &[String],
    collection: &str,
    action: &str,
) -> Result<Vec<Permission>, sqlx::Error> {
    // One list of ids as JSON, so that the statement is the same for any number of policies.
    let ids = serde_json::to_string(policies).unwrap_or_default();
    let rows = sqlx::query(
        "SELECT fields, permissions FROM directus_permissions \
         WHERE collection = ? AND action = ? AND policy IN (SELECT value FROM json_each(?)) ORDER BY id",
    )
    .bind(collection)
    .bind(action)
    .bind(ids)
    .fetch_all(readers)
    .await?;
    rows.iter()
        .map(|row| Ok(Permission { fields: list(row.try_get("fields")?), filter: filter(row.try_get("permissions")?) }))
        .collect()
}

/// A column that holds a list as text with commas.
fn list(text: Option<String>) -> Vec<String> {
    let text = text.unwrap_or_default();
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(ToOwned::to_owned).collect()
}

/// An empty filter is none.
fn filter(json: Option<String>) -> Option<String> {
    json.filter(|json| !matches!(json.trim(), "" | "{}" | "null"))
}
