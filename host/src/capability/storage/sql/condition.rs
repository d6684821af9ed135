//! Conditions as SQL. Pure.
//!
//! The list in postfix order becomes a tree, within limits; the tree becomes text over the columns of the catalogue.
//! Where SQL would say *unknown* (a comparison with a column that is null), the contract says *does not hold*: a negation
//! therefore asks `IS NOT TRUE`. Parts of texts are compared by position, so there are no patterns and nothing to escape.

use super::{
    Draft,
    catalogue::{Catalogue, Collection, Column, Kind, Use},
    nonsense, quoted, value,
};
use crate::capability::storage::{Comparison, Error, Node, Operator, Relation, Value};

/// Nodes of a condition. `SQLite` gives up on expressions a thousand deep, and a long `AND` counts as deep.
const NODES_MAX: usize = 500;

/// How deep conditions may be nested. A filter that a person writes has a handful.
const DEPTH_MAX: usize = 32;

/// Values of a condition. `SQLite` takes 32766 arguments, `PostgreSQL` twice as many.
const VALUES_MAX: usize = 10_000;

/// A condition with its parts in place.
enum Condition<'a> {
    Compare(&'a Comparison),
    All(Vec<Condition<'a>>),
    Any(Vec<Condition<'a>>),
    Not(Box<Condition<'a>>),
    Related(&'a Relation, Box<Condition<'a>>),
}

/// Writes ` WHERE …`, or nothing where everything is meant.
pub(super) fn write_where(
    draft: &mut Draft,
    catalogue: &Catalogue,
    collection: &Collection,
    nodes: &[Node],
) -> Result<(), Error> {
    if let Some(condition) = tree(nodes)? {
        draft.push(" WHERE ");
        write(draft, catalogue, collection, &condition)?;
    }
    Ok(())
}

/// The tree of a condition; `None` for one that always holds.
fn tree(nodes: &[Node]) -> Result<Option<Condition<'_>>, Error> {
    let values = nodes.iter().map(|node| if let Node::Compare(compare) = node { compare.values.len() } else { 0 });
    if nodes.len() > NODES_MAX || values.sum::<usize>() > VALUES_MAX {
        return Err(nonsense("a condition is too long"));
    }
    let mut stack: Vec<(usize, Condition<'_>)> = Vec::new();
    for node in nodes {
        let (depth, condition) = match node {
            Node::Compare(comparison) => (0, Condition::Compare(comparison)),
            Node::All(count) => group(&mut stack, *count, Condition::All)?,
            Node::Any(count) => group(&mut stack, *count, Condition::Any)?,
            Node::Not => {
                let (depth, condition) = pop(&mut stack)?;
                (depth, Condition::Not(Box::new(condition)))
            }
            Node::Related(relation) => {
                let (depth, condition) = pop(&mut stack)?;
                (depth, Condition::Related(relation, Box::new(condition)))
            }
        };
        if depth >= DEPTH_MAX {
            return Err(nonsense("a condition is nested too deep"));
        }
        stack.push((depth + 1, condition));
    }
    let root = stack.pop().map(|(_, condition)| condition);
    if stack.is_empty() { Ok(root) } else { Err(nonsense("a condition has parts that belong to nothing")) }
}

type Stack<'a> = Vec<(usize, Condition<'a>)>;

fn pop<'a>(stack: &mut Stack<'a>) -> Result<(usize, Condition<'a>), Error> {
    stack.pop().ok_or_else(|| nonsense("a condition lacks a part"))
}

fn group<'a>(
    stack: &mut Stack<'a>,
    count: u32,
    join: fn(Vec<Condition<'a>>) -> Condition<'a>,
) -> Result<(usize, Condition<'a>), Error> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let start = stack.len().checked_sub(count).ok_or_else(|| nonsense("a condition lacks a part"))?;
    let parts = stack.split_off(start);
    let depth = parts.iter().map(|(depth, _)| *depth).max().unwrap_or_default();
    Ok((depth, join(parts.into_iter().map(|(_, condition)| condition).collect())))
}

fn write(
    draft: &mut Draft,
    catalogue: &Catalogue,
    collection: &Collection,
    condition: &Condition<'_>,
) -> Result<(), Error> {
    match condition {
        Condition::Compare(comparison) => compare(draft, collection, comparison),
        Condition::All(parts) if parts.is_empty() => {
            draft.push(ALWAYS);
            Ok(())
        }
        Condition::Any(parts) if parts.is_empty() => {
            draft.push(NEVER);
            Ok(())
        }
        Condition::All(parts) => joined(draft, catalogue, collection, parts, " AND "),
        Condition::Any(parts) => joined(draft, catalogue, collection, parts, " OR "),
        Condition::Not(part) => {
            draft.push("(");
            write(draft, catalogue, collection, part)?;
            draft.push(") IS NOT TRUE");
            Ok(())
        }
        Condition::Related(relation, part) => related(draft, catalogue, collection, relation, part),
    }
}

/// What needs no look at a record.
const ALWAYS: &str = "TRUE";
const NEVER: &str = "FALSE";

fn joined(
    draft: &mut Draft,
    catalogue: &Catalogue,
    collection: &Collection,
    parts: &[Condition<'_>],
    word: &str,
) -> Result<(), Error> {
    draft.push("(");
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            draft.push(word);
        }
        write(draft, catalogue, collection, part)?;
    }
    draft.push(")");
    Ok(())
}

fn related(
    draft: &mut Draft,
    catalogue: &Catalogue,
    collection: &Collection,
    relation: &Relation,
    part: &Condition<'_>,
) -> Result<(), Error> {
    let column = open(collection, &relation.column)?;
    let other = catalogue.collection_for(&relation.collection, Use::Count)?;
    let key = open(other, &relation.key)?;
    if !column.present || !key.present {
        draft.push(NEVER);
        return Ok(());
    }
    // An identifier in one table may be a text in another (`directus_activity.item`).
    let name = |column: &Column| if column.kind == key.kind { quoted(&column.name) } else { as_text(column) };
    let key_name = if column.kind == key.kind { quoted(&key.name) } else { as_text(key) };
    draft.push(&name(column)).push(" IN (SELECT ").push(&key_name).push(" FROM ").name(other.name).push(" WHERE ");
    write(draft, catalogue, other, part)?;
    draft.push(")");
    Ok(())
}

/// A column whose content is no secret.
fn open<'a>(collection: &'a Collection, name: &str) -> Result<&'a Column, Error> {
    let column = collection.column(name)?;
    if column.kind == Kind::Secret { Err(nonsense(format!("`{name}` is a secret"))) } else { Ok(column) }
}

fn compare(draft: &mut Draft, collection: &Collection, comparison: &Comparison) -> Result<(), Error> {
    let column = collection.column(&comparison.column)?;
    let operator = comparison.operator;
    // Anything but equality would tell a secret letter by letter.
    if column.kind == Kind::Secret && !matches!(operator, Operator::Null | Operator::Equal | Operator::Among) {
        return Err(nonsense(format!("`{}` is a secret", comparison.column)));
    }
    match (operator, comparison.values.as_slice()) {
        (Operator::Null, []) if !column.present => {
            draft.push(ALWAYS);
            Ok(())
        }
        (Operator::Null, []) => {
            draft.name(&column.name).push(" IS NULL");
            Ok(())
        }
        (Operator::Among, values) => among(draft, column, values),
        (Operator::Null, _) => Err(nonsense("a comparison has a value too many")),
        (operator, [value]) => single(draft, column, operator, value),
        _ => Err(nonsense("a comparison needs one value")),
    }
}

/// A column against one value.
pub(super) fn single(draft: &mut Draft, column: &Column, operator: Operator, value: &Value) -> Result<(), Error> {
    let word = match operator {
        Operator::Equal => " = ",
        Operator::Less => " < ",
        Operator::LessOrEqual => " <= ",
        Operator::Greater => " > ",
        Operator::GreaterOrEqual => " >= ",
        _ => {
            part(draft, column, operator, value);
            return Ok(());
        }
    };
    match value::compared(column.kind, value)? {
        Some(cell) if column.present => draft.push(&comparable(column)).push(word).argument(cell),
        _ => draft.push(NEVER),
    };
    Ok(())
}

fn among(draft: &mut Draft, column: &Column, values: &[Value]) -> Result<(), Error> {
    let mut cells = Vec::with_capacity(values.len());
    for value in values {
        cells.extend(value::compared(column.kind, value)?);
    }
    if cells.is_empty() || !column.present {
        draft.push(NEVER);
        return Ok(());
    }
    draft.push(&comparable(column)).push(" IN (");
    for (index, cell) in cells.into_iter().enumerate() {
        draft.push(if index > 0 { ", " } else { "" }).argument(cell);
    }
    draft.push(")");
    Ok(())
}

/// Whether a column's text contains, begins or ends with another.
fn part(draft: &mut Draft, column: &Column, operator: Operator, value: &Value) {
    let Some(needle) = value::text_of(value).filter(|_| column.present) else {
        draft.push(NEVER);
        return;
    };
    if needle.is_empty() {
        draft.name(&column.name).push(" IS NOT NULL");
        return;
    }
    let folded = matches!(operator, Operator::ContainsFolded | Operator::StartsWithFolded | Operator::EndsWithFolded);
    let fold = |text: String| if folded { format!("lower({text})") } else { text };
    draft.arguments.push(needle.into());
    let hay = fold(as_text(column));
    let needle = fold(format!("CAST(${} AS text)", draft.arguments.len()));
    let text = match operator {
        Operator::Contains | Operator::ContainsFolded => format!("replace({hay}, {needle}, '') <> {hay}"),
        Operator::StartsWith | Operator::StartsWithFolded => format!("substr({hay}, 1, length({needle})) = {needle}"),
        _ => format!("substr({hay}, length({hay}) - length({needle}) + 1) = {needle}"),
    };
    draft.push(&text);
}

/// A column as something that has an equality: `PostgreSQL`'s `json` has none.
fn comparable(column: &Column) -> String {
    if column.kind == Kind::Json { as_text(column) } else { quoted(&column.name) }
}

fn as_text(column: &Column) -> String {
    format!("CAST({} AS text)", quoted(&column.name))
}

#[cfg(test)]
mod tests {
    use super::super::Cell;
    use super::*;
    use expect_test::{Expect, expect};

    fn compare(column: &str, operator: Operator, values: &[&str]) -> Node {
        let values = values.iter().map(|text| Value::Text((*text).to_owned())).collect();
        Node::Compare(Comparison { column: column.into(), operator, values })
    }

    fn text(collection: &str, nodes: &[Node]) -> Result<(String, Vec<Cell>), Error> {
        let catalogue = Catalogue::known();
        let mut draft = Draft::default();
        write_where(&mut draft, &catalogue, catalogue.collection(collection)?, nodes)?;
        Ok((draft.text, draft.arguments))
    }

    fn check(nodes: &[Node], expected: &Expect) {
        expected.assert_eq(&text("directus_users", nodes).unwrap().0);
    }

    #[test]
    fn parts_stand_where_they_belong() {
        check(&[], &expect![""]);
        let (a, b) = (compare("email", Operator::Equal, &["a"]), compare("role", Operator::Null, &[]));
        check(
            &[a.clone(), b, Node::Not, Node::Any(2), a, Node::All(2)],
            &expect![[r#" WHERE (("email" = $1 OR ("role" IS NULL) IS NOT TRUE) AND "email" = $2)"#]],
        );
        check(&[Node::All(0), Node::Any(0), Node::All(2)], &expect![" WHERE (TRUE AND FALSE)"]);
    }

    #[test]
    fn relations_look_into_other_tables() {
        let relation = |column: &str, key: &str, collection: &str| {
            Node::Related(Relation { column: column.into(), key: key.into(), collection: collection.into() })
        };
        let name = compare("name", Operator::Equal, &["x"]);
        check(
            &[name, relation("role", "id", "directus_roles")],
            &expect![[r#" WHERE "role" IN (SELECT "id" FROM "directus_roles" WHERE "name" = $1)"#]],
        );
        check(
            &[Node::All(0), relation("id", "item", "directus_activity")],
            &expect![[
                r#" WHERE CAST("id" AS text) IN (SELECT CAST("item" AS text) FROM "directus_activity" WHERE TRUE)"#
            ]],
        );
    }

    #[test]
    fn texts_are_compared_by_position() {
        check(
            &[compare("title", Operator::EndsWithFolded, &["100%_"])],
            &expect![[
                r#" WHERE substr(lower(CAST("title" AS text)), length(lower(CAST("title" AS text))) - length(lower(CAST($1 AS text))) + 1) = lower(CAST($1 AS text))"#
            ]],
        );
        check(&[compare("title", Operator::Contains, &[""])], &expect![[r#" WHERE "title" IS NOT NULL"#]]);
    }

    #[test]
    fn what_cannot_be_equal_never_is() {
        check(&[compare("id", Operator::Equal, &["x' OR 1=1"])], &expect![" WHERE FALSE"]);
        let ids = ["x", "2fcb9fb3-c7a4-41a4-8d9d-df6b9dd0aba6"];
        check(&[compare("id", Operator::Among, &ids)], &expect![[r#" WHERE "id" IN ($1)"#]]);
        check(&[compare("id", Operator::Among, &[])], &expect![" WHERE FALSE"]);
    }

    #[test]
    fn nonsense_is_refused() {
        let email = || compare("email", Operator::Equal, &["a"]);
        let deep: Vec<_> = std::iter::once(email()).chain((0..DEPTH_MAX).map(|_| Node::Not)).collect();
        let long: Vec<_> = (0..=NODES_MAX).map(|_| email()).collect();
        let wide = Node::Compare(Comparison {
            column: "email".into(),
            operator: Operator::Among,
            values: vec![Value::Null; VALUES_MAX + 1],
        });
        let bad: [&[Node]; 11] = [
            &[Node::Not],
            &[Node::All(1)],
            &[Node::Any(u32::MAX)],
            &[email(), email()],
            &[compare("nope", Operator::Null, &[])],
            &[compare("email", Operator::Equal, &[])],
            &[compare("email", Operator::Null, &["a"])],
            &[compare("password", Operator::StartsWith, &["$"])],
            &deep,
            &long,
            &[wide],
        ];
        for nodes in bad {
            assert!(text("directus_users", nodes).is_err(), "{nodes:?}");
        }
    }
}
