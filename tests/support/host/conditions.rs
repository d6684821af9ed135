//! Conditions of `gatewit:storage/records`, as they hold for records in maps.

use super::contract::Value;
use super::memory::{
    Record, Tables,
    bindings::gatewit::storage::records::{Comparison, Node, Operator, Relation},
};

/// A condition as a tree.
enum Tree<'a> {
    Compare(&'a Comparison),
    All(Vec<Tree<'a>>),
    Any(Vec<Tree<'a>>),
    Not(Box<Tree<'a>>),
    Related(&'a Relation, Box<Tree<'a>>),
}

/// Whether a record meets a condition. A condition that is not well-formed holds for nothing.
pub(super) fn holds(nodes: &[Node], record: &Record, tables: &Tables) -> bool {
    tree(nodes).is_some_and(|tree| meets(&tree, record, tables))
}

fn tree(nodes: &[Node]) -> Option<Tree<'_>> {
    let mut stack = Vec::new();
    for node in nodes {
        let next = match node {
            Node::Compare(comparison) => Tree::Compare(comparison),
            Node::All(count) => Tree::All(last(&mut stack, *count)?),
            Node::Any(count) => Tree::Any(last(&mut stack, *count)?),
            Node::Not => Tree::Not(Box::new(stack.pop()?)),
            Node::Related(relation) => Tree::Related(relation, Box::new(stack.pop()?)),
        };
        stack.push(next);
    }
    match stack.len() {
        0 => Some(Tree::All(Vec::new())),
        1 => stack.pop(),
        _ => None,
    }
}

fn last<'a>(stack: &mut Vec<Tree<'a>>, count: u32) -> Option<Vec<Tree<'a>>> {
    let from = stack.len().checked_sub(usize::try_from(count).ok()?)?;
    Some(stack.split_off(from))
}

fn meets(tree: &Tree<'_>, record: &Record, tables: &Tables) -> bool {
    match tree {
        Tree::Compare(comparison) => compares(comparison, record.get(&comparison.column).unwrap_or(&Value::Null)),
        Tree::All(trees) => trees.iter().all(|tree| meets(tree, record, tables)),
        Tree::Any(trees) => trees.iter().any(|tree| meets(tree, record, tables)),
        Tree::Not(tree) => !meets(tree, record, tables),
        Tree::Related(relation, tree) => {
            let here = record.get(&relation.column);
            let there = tables.get(&relation.collection).map(Vec::as_slice).unwrap_or_default();
            there.iter().any(|other| {
                let linked = here.is_some() && other.get(&relation.key) == here && here != Some(&Value::Null);
                linked && meets(tree, other, tables)
            })
        }
    }
}

fn compares(comparison: &Comparison, value: &Value) -> bool {
    let text = |value: &Value| match value {
        Value::Text(text) | Value::Json(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        _ => None,
    };
    let equal = |other: &Value| value == other || (text(value).is_some() && text(value) == text(other));
    let first = comparison.values.first();
    let texts = || Some((text(value)?, text(first?)?));
    let folded = || texts().map(|(text, other)| (text.to_lowercase(), other.to_lowercase()));
    match comparison.operator {
        Operator::Null => *value == Value::Null,
        _ if *value == Value::Null => false,
        Operator::Equal => first.is_some_and(equal),
        Operator::Among => comparison.values.iter().any(equal),
        Operator::Less => texts().is_some_and(|(text, other)| text < other),
        Operator::LessOrEqual => texts().is_some_and(|(text, other)| text <= other),
        Operator::Greater => texts().is_some_and(|(text, other)| text > other),
        Operator::GreaterOrEqual => texts().is_some_and(|(text, other)| text >= other),
        Operator::Contains => texts().is_some_and(|(text, other)| text.contains(&other)),
        Operator::StartsWith => texts().is_some_and(|(text, other)| text.starts_with(&other)),
        Operator::EndsWith => texts().is_some_and(|(text, other)| text.ends_with(&other)),
        Operator::ContainsFolded => folded().is_some_and(|(text, other)| text.contains(&other)),
        Operator::StartsWithFolded => folded().is_some_and(|(text, other)| text.starts_with(&other)),
        Operator::EndsWithFolded => folded().is_some_and(|(text, other)| text.ends_with(&other)),
    }
}
