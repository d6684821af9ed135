//! Records as people see them: columns by name, secrets concealed, relations as ids.

use super::{
    Cell, Connection, Failure, Statement,
    catalogue::{Collection, Column},
    value,
};
use crate::capability::storage::{Columns, Field, Value};

/// Fields that are no columns: the collection, their name, and a query for the ids of the related records.
const RELATIONS: [(&str, &str, &str); 4] = [
    ("directus_users", "policies", "SELECT id FROM directus_access WHERE \"user\" = $1 ORDER BY sort NULLS FIRST"),
    ("directus_roles", "children", "SELECT id FROM directus_roles WHERE parent = $1"),
    ("directus_roles", "policies", "SELECT id FROM directus_access WHERE role = $1 ORDER BY sort NULLS FIRST"),
    ("directus_roles", "users", "SELECT id FROM directus_users WHERE role = $1"),
];

/// The wanted fields of one record.
pub(crate) async fn read(
    connection: &mut dyn Connection,
    collection: &Collection,
    id: Cell,
    columns: &Columns,
) -> Result<Option<Vec<Field>>, Failure> {
    let statement = format!("SELECT {} FROM \"{}\" WHERE \"id\" = $1", collection.names(), collection.name);
    let Some(mut row) = connection.row(&Statement::made(statement).bind(id.clone())).await? else { return Ok(None) };
    let mut found = Vec::new();
    for column in collection.present() {
        found.push((column, row.cell()?));
    }
    let mut fields = Vec::new();
    match columns {
        Columns::All => {
            fields.extend(found.into_iter().map(|(column, cell)| field(column, cell)));
            for (_, name, query) in relations(collection) {
                fields.push(related(connection, name, query, id.clone()).await?);
            }
        }
        Columns::Only(names) => {
            for name in names {
                if let Some((column, cell)) = found.iter().find(|(column, _)| column.name == *name) {
                    fields.push(field(column, cell.clone()));
                } else if let Some((_, name, query)) = relations(collection).find(|(_, relation, _)| relation == name) {
                    fields.push(related(connection, name, query, id.clone()).await?);
                }
            }
        }
    }
    Ok(Some(fields))
}

fn relations(collection: &Collection) -> impl Iterator<Item = &'static (&'static str, &'static str, &'static str)> {
    RELATIONS.iter().filter(|(of, ..)| *of == collection.name)
}

fn field(column: &Column, cell: Cell) -> Field {
    Field { name: column.name.to_string(), value: value::shown(column.kind, cell) }
}

async fn related(connection: &mut dyn Connection, name: &str, query: &'static str, id: Cell) -> Result<Field, Failure> {
    let rows = connection.rows(&Statement::new(query).bind(id)).await?;
    let ids = rows.into_iter().map(|mut row| row.text()).collect::<Result<_, _>>()?;
    Ok(Field { name: name.to_owned(), value: Value::Ids(ids) })
}
