//! Records that meet a condition: found and counted.

use super::{
    Connection, Draft, Failure, Statement,
    catalogue::{Catalogue, Collection, Column, Kind, Use},
    condition, nonsense, value,
};
use crate::capability::storage::{Error, Node, Order, Query, Value};

/// Records in one answer where the caller sets no limit. A call's memory holds about so many.
const RECORDS_MAX: u32 = 10_000;

/// Columns that a query may ask for, and order by. The widest table has some sixty.
const COLUMNS_MAX: usize = 200;

/// A question that is ready to be asked, with the kinds of the columns of its answer.
#[derive(Debug)]
pub(crate) struct Find {
    statement: Statement,
    kinds: Vec<Kind>,
    limit: u32,
}

/// Prepares a query.
pub(crate) fn find(catalogue: &Catalogue, query: &Query) -> Result<Find, Error> {
    let collection = catalogue.collection_for(&query.collection, Use::Read)?;
    if query.columns.len() > COLUMNS_MAX || query.order.len() > COLUMNS_MAX {
        return Err(nonsense("a query names too many columns"));
    }
    let columns: Vec<&Column> = query.columns.iter().map(|name| collection.column(name)).collect::<Result<_, _>>()?;
    let mut draft = Draft::default();
    draft.push("SELECT ");
    for (index, column) in columns.iter().enumerate() {
        draft.push(if index > 0 { ", " } else { "" });
        if column.present {
            draft.name(&column.name)
        } else {
            draft.push("NULL")
        };
    }
    // A query for nothing asks how many times nothing.
    draft.push(if columns.is_empty() { "1 FROM " } else { " FROM " }).name(collection.name);
    condition::write_where(&mut draft, catalogue, collection, &query.condition)?;
    order_by(&mut draft, collection, &query.order)?;
    let limit = query.limit.map_or(RECORDS_MAX + 1, |limit| limit.min(RECORDS_MAX + 1));
    draft.push(" LIMIT ").argument(i64::from(limit)).push(" OFFSET ").argument(i64::from(query.offset));
    let kinds = columns.iter().map(|column| column.kind).collect();
    Ok(Find { statement: draft.finish(), kinds, limit })
}

fn order_by(draft: &mut Draft, collection: &Collection, order: &[Order]) -> Result<(), Error> {
    let mut word = " ORDER BY ";
    for Order { column, descending } in order {
        let column = collection.column(column)?;
        if matches!(column.kind, Kind::Secret | Kind::Json) {
            return Err(nonsense(format!("`{}` has no order", column.name)));
        }
        if column.present {
            // The databases disagree on where null stands.
            let end = if *descending { " DESC NULLS LAST" } else { " ASC NULLS FIRST" };
            let end = if column.name == "id" { end.split(" NULLS").next().unwrap_or_default() } else { end };
            draft.push(word).name(&column.name).push(end);
            word = ", ";
        }
    }
    Ok(())
}

impl Find {
    /// Asks.
    pub(crate) async fn ask(&self, connection: &mut dyn Connection) -> Result<Vec<Vec<Value>>, Failure> {
        let rows = connection.rows(&self.statement).await?;
        if self.limit > RECORDS_MAX && rows.len() >= usize::try_from(self.limit).unwrap_or(usize::MAX) {
            let reason = format!("there are more than {RECORDS_MAX} records; ask for them in parts");
            return Err(Failure::Failed(reason.into()));
        }
        rows.into_iter()
            .map(|mut row| self.kinds.iter().map(|kind| Ok(value::shown(*kind, row.cell()?))).collect())
            .collect()
    }
}

/// Prepares a count.
pub(crate) fn count(catalogue: &Catalogue, collection: &str, condition: &[Node]) -> Result<Statement, Error> {
    let collection = catalogue.collection_for(collection, Use::Count)?;
    let mut draft = Draft::default();
    draft.push("SELECT count(*) FROM ").name(collection.name);
    condition::write_where(&mut draft, catalogue, collection, condition)?;
    Ok(draft.finish())
}

/// Counts.
pub(crate) async fn counted(connection: &mut dyn Connection, statement: &Statement) -> Result<u64, Failure> {
    match connection.row(statement).await? {
        Some(mut row) => Ok(u64::try_from(row.integer()?).unwrap_or_default()),
        None => Ok(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn query(columns: &[&str], order: &[(&str, bool)]) -> Query {
        let order =
            order.iter().map(|(column, descending)| Order { column: (*column).into(), descending: *descending });
        Query {
            collection: "directus_users".into(),
            columns: columns.iter().map(|name| (*name).to_owned()).collect(),
            condition: vec![],
            order: order.collect(),
            limit: Some(5),
            offset: 10,
        }
    }

    #[test]
    fn a_query_becomes_a_statement() {
        let found = find(&Catalogue::known(), &query(&["id", "role"], &[("email", false), ("id", true)])).unwrap();
        expect![[
            r#"SELECT "id", "role" FROM "directus_users" ORDER BY "email" ASC NULLS FIRST, "id" DESC LIMIT $1 OFFSET $2"#
        ]]
        .assert_eq(&found.statement.text);
    }

    #[test]
    fn secrets_and_unknown_names_are_refused() {
        for (columns, order) in [(["nope"], "id"), (["id"], "password"), (["id"], "nope")] {
            assert!(find(&Catalogue::known(), &query(&columns, &[(order, false)])).is_err());
        }
        let sessions = Query { collection: "directus_sessions".into(), ..query(&["user"], &[]) };
        assert!(find(&Catalogue::known(), &sessions).is_err());
        assert!(count(&Catalogue::known(), "directus_sessions", &[]).is_ok());
    }
}
