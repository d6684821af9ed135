//! Whether a condition holds for values that are not stored yet: what a rule demands of new records, or a project of the
//! addresses that may register.

use super::{
    filter::{Condition, Operator},
    pattern,
    value::Value,
};

/// Whether a condition holds for values that are not stored. What looks at other collections does not hold.
#[must_use]
pub fn holds(condition: &Condition, value_of: &dyn Fn(&str) -> Value) -> bool {
    match condition {
        Condition::All(conditions) => conditions.iter().all(|each| holds(each, value_of)),
        Condition::Any(conditions) => conditions.iter().any(|each| holds(each, value_of)),
        Condition::Not(condition) => !holds(condition, value_of),
        Condition::Compare { column, operator, values } => compares(&value_of(column), *operator, values),
        Condition::Related { .. } => false,
    }
}

fn compares(value: &Value, operator: Operator, values: &[Value]) -> bool {
    if operator == Operator::Null {
        return *value == Value::Null;
    }
    if operator == Operator::Among {
        return values.iter().any(|other| other == value);
    }
    let Some(other) = values.first() else { return false };
    if let (Value::Integer(left), Value::Integer(right)) = (value, other) {
        return ordered(operator, left.cmp(right));
    }
    let (Value::Text(text), Value::Text(other)) = (value, other) else {
        return operator == Operator::Equal && value == other;
    };
    let (folded, wanted) = (text.to_lowercase(), other.to_lowercase());
    match operator {
        Operator::Contains => text.contains(other.as_str()),
        Operator::StartsWith => text.starts_with(other.as_str()),
        Operator::EndsWith => text.ends_with(other.as_str()),
        Operator::ContainsFolded => folded.contains(&wanted),
        Operator::StartsWithFolded => folded.starts_with(&wanted),
        Operator::EndsWithFolded => folded.ends_with(&wanted),
        Operator::Matches => pattern::matches(other, text).unwrap_or(false),
        _ => ordered(operator, text.cmp(other)),
    }
}

fn ordered(operator: Operator, order: core::cmp::Ordering) -> bool {
    match operator {
        Operator::Equal => order.is_eq(),
        Operator::Less => order.is_lt(),
        Operator::LessOrEqual => order.is_le(),
        Operator::Greater => order.is_gt(),
        Operator::GreaterOrEqual => order.is_ge(),
        _ => false,
    }
}
