//! Policies and permissions.

use super::{Connection, Failure, Statement};
use crate::capability::storage::{Permission, Policy, Source};

/// Roles are climbed sixteen times; a cycle in adopted data ends there.
const POLICIES: &str = "\
    WITH RECURSIVE tree (id, depth) AS ( \
        SELECT id, 0 FROM directus_roles WHERE id = $2 \
        UNION ALL \
        SELECT r.parent, tree.depth + 1 FROM tree JOIN directus_roles r ON r.id = tree.id \
        WHERE r.parent IS NOT NULL AND tree.depth < 16 \
    ), attached (policy, distance, sort) AS ( \
        SELECT a.policy, 0, a.sort FROM directus_access a WHERE a.\"user\" = $1 \
        UNION ALL \
        SELECT a.policy, CASE WHEN tree.depth = 0 THEN 1 ELSE 2 END, a.sort \
        FROM tree JOIN directus_access a ON a.role = tree.id \
    ) \
    SELECT p.id, min(attached.distance), max(CASE WHEN attached.distance = 1 THEN 1 ELSE 0 END), \
           p.admin_access, p.app_access, p.enforce_tfa, p.ip_access \
    FROM attached JOIN directus_policies p ON p.id = attached.policy \
    GROUP BY p.id ORDER BY min(attached.sort) NULLS FIRST";

pub(crate) async fn policies(
    connection: &mut dyn Connection,
    user: Option<&str>,
    role: Option<&str>,
) -> Result<Vec<Policy>, Failure> {
    let rows = connection.rows(&Statement::new(POLICIES).bind(user).bind(role)).await?;
    rows.into_iter()
        .map(|mut row| {
            Ok(Policy {
                id: row.text()?,
                source: source(row.integer()?, row.boolean()?),
                admin: row.boolean()?,
                app: row.boolean()?,
                enforce_tfa: row.boolean()?,
                addresses: list(row.optional_text()?),
            })
        })
        .collect()
}

/// A policy may be attached in several ways; the own role weighs most, because second factors are demanded by it.
fn source(distance: i64, by_role: bool) -> Source {
    match (distance, by_role) {
        (_, true) => Source::Role,
        (0, false) => Source::User,
        _ => Source::Ancestor,
    }
}

pub(crate) async fn permissions(
    connection: &mut dyn Connection,
    policies: &[String],
    collection: &str,
    action: &str,
) -> Result<Vec<Permission>, Failure> {
    if policies.is_empty() {
        return Ok(Vec::new());
    }
    let places: Vec<_> = (0..policies.len()).map(|index| format!("${}", index + 3)).collect();
    let mut statement = Statement::made(format!(
        "SELECT fields, permissions FROM directus_permissions \
         WHERE collection = $1 AND action = $2 AND policy IN ({}) ORDER BY id",
        places.join(", ")
    ));
    statement.lasting = policies.len() <= LASTING_POLICIES;
    statement = policies.iter().fold(statement.bind(collection).bind(action), Statement::bind);
    let rows = connection.rows(&statement).await?;
    rows.into_iter()
        .map(|mut row| Ok(Permission { fields: list(row.optional_text()?), filter: filter(row.optional_text()?) }))
        .collect()
}

/// With up to so many policies, which is what people have, the statement is kept prepared.
const LASTING_POLICIES: usize = 16;

/// A column that holds a list as text with commas.
fn list(text: Option<String>) -> Vec<String> {
    let text = text.unwrap_or_default();
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(ToOwned::to_owned).collect()
}

/// An empty filter is none.
fn filter(json: Option<String>) -> Option<String> {
    json.filter(|json| !matches!(json.trim(), "" | "{}" | "null"))
}
