//! Filters of Directus's form (`{"email": {"_eq": "a@example.com"}}`) as conditions, for the store or for a look at values
//! that are not stored yet.
//!
//! Names are checked against the schema and against what the caller may read: a filter over a field tells of its content.

use super::{
    Refusal,
    schema::{self, Collection, Kind},
    value::Value,
};
use alloc::{boxed::Box, format, string::String, string::ToString, vec, vec::Vec};
use serde_json::{Map, Value as Json};

/// Comparisons in one filter. Rules that people write have a handful; a hundred thousand would keep the database busy.
const COMPARISONS_MAX: usize = 200;

/// Values of one comparison, such as the ids of a list.
const VALUES_MAX: usize = 1000;

/// How deep conditions may lie in each other.
const DEPTH_MAX: usize = 10;

/// How a column is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// Equal to the value.
    Equal,
    /// Less than the value.
    Less,
    /// Less or equal.
    LessOrEqual,
    /// Greater than the value.
    Greater,
    /// Greater or equal.
    GreaterOrEqual,
    /// One of the values.
    Among,
    /// No value.
    Null,
    /// The text is within the column's.
    Contains,
    /// The column begins with the text.
    StartsWith,
    /// The column ends with the text.
    EndsWith,
    /// As [`Operator::Contains`], without regard to case.
    ContainsFolded,
    /// As [`Operator::StartsWith`], without regard to case.
    StartsWithFolded,
    /// As [`Operator::EndsWith`], without regard to case.
    EndsWithFolded,
    /// Matches a regular expression. Only for values that are not stored yet.
    Matches,
}

/// When a record is meant.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// All of these hold; of none: always.
    All(Vec<Condition>),
    /// One of these holds; of none: never.
    Any(Vec<Condition>),
    /// This does not hold.
    Not(Box<Condition>),
    /// A column against values.
    Compare {
        /// The column.
        column: String,
        /// How.
        operator: Operator,
        /// With what.
        values: Vec<Value>,
    },
    /// A related record meets a condition.
    Related {
        /// The column here …
        column: &'static str,
        /// … that is among the values of this one …
        key: &'static str,
        /// … in this collection …
        collection: &'static str,
        /// … in the records that meet this.
        condition: Box<Condition>,
    },
}

impl Condition {
    /// What always holds.
    #[must_use]
    pub const fn always() -> Self {
        Self::All(Vec::new())
    }

    /// A column equals a text.
    #[must_use]
    pub fn is(column: &str, text: &str) -> Self {
        Self::among(column, [text])
    }

    /// A column is one of these texts.
    #[must_use]
    pub fn among<'a>(column: &str, texts: impl IntoIterator<Item = &'a str>) -> Self {
        let values = texts.into_iter().map(|text| Value::Text(text.to_string())).collect();
        Self::Compare { column: column.to_string(), operator: Operator::Among, values }
    }

    /// A column has no value.
    #[must_use]
    pub fn is_null(column: &str) -> Self {
        Self::Compare { column: column.to_string(), operator: Operator::Null, values: Vec::new() }
    }

    /// Both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::All(vec![self, other])
    }
}

/// What stands for something else in filters.
#[derive(Debug, Clone, Default)]
pub struct Variables {
    /// `$CURRENT_USER`.
    pub user: Option<String>,
    /// `$CURRENT_ROLE`.
    pub role: Option<String>,
    /// `$CURRENT_ROLES`: the role and its parents.
    pub roles: Vec<String>,
    /// `$CURRENT_POLICIES`.
    pub policies: Vec<String>,
    /// `$NOW`, a text of RFC 3339.
    pub now: String,
}

/// What a filter is read with.
pub struct Reader<'a> {
    /// What variables stand for.
    pub variables: &'a Variables,
    /// Whether the caller may read a field of a collection.
    pub may_read: &'a dyn Fn(&str, &str) -> bool,
}

impl Reader<'_> {
    /// Reads a filter on a collection.
    ///
    /// # Errors
    /// [`Refusal::InvalidPayload`] for what is no filter, [`Refusal::Forbidden`] for fields that are not there or not to
    /// be read.
    pub fn read(&self, filter: &Json, collection: &'static Collection) -> Result<Condition, Refusal> {
        let mut left = COMPARISONS_MAX;
        self.object(filter, collection, DEPTH_MAX, &mut left)
    }

    fn object(
        &self,
        filter: &Json,
        collection: &'static Collection,
        depth: usize,
        left: &mut usize,
    ) -> Result<Condition, Refusal> {
        let Some(depth) = depth.checked_sub(1) else { return Err(invalid("The filter is too deep")) };
        let Json::Object(entries) = filter else { return Err(invalid("The filter has to be an object")) };
        let mut all = Vec::new();
        for (name, inner) in entries {
            all.push(match name.as_str() {
                "_and" => Condition::All(self.several(inner, collection, depth, left)?),
                "_or" => Condition::Any(self.several(inner, collection, depth, left)?),
                name => self.field(name, inner, collection, depth, left)?,
            });
        }
        Ok(match <[Condition; 1]>::try_from(all) {
            Ok([one]) => one,
            Err(all) => Condition::All(all),
        })
    }

    fn several(
        &self,
        filters: &Json,
        collection: &'static Collection,
        depth: usize,
        left: &mut usize,
    ) -> Result<Vec<Condition>, Refusal> {
        // Bracket queries write lists as objects with numbers for keys.
        match filters {
            Json::Array(filters) => filters.iter().map(|each| self.object(each, collection, depth, left)).collect(),
            Json::Object(filters) => filters.values().map(|each| self.object(each, collection, depth, left)).collect(),
            _ => Err(invalid("_and and _or take lists of filters")),
        }
    }

    fn field(
        &self,
        name: &str,
        inner: &Json,
        collection: &'static Collection,
        depth: usize,
        left: &mut usize,
    ) -> Result<Condition, Refusal> {
        let field = collection.field(name).filter(|_| (self.may_read)(collection.name, name));
        let field = field.ok_or_else(|| forbidden_field(collection.name, name))?;
        let Json::Object(operators) = inner else { return Err(invalid("A filter on a field is an object")) };
        let related = |other: &str, column, key, inner: &Json, left: &mut usize| {
            let other = schema::collection(other).ok_or_else(|| invalid("No such collection"))?;
            let condition = Box::new(self.object(inner, other, depth, left)?);
            Ok(Condition::Related { column, key, collection: other.name, condition })
        };
        match field.kind {
            Kind::Many { collection: other, key } => {
                Self::many(operators, inner, |inner| related(other, collection.id(), key, inner, left))
            }
            Kind::One(other) if operators.keys().any(|key| !key.starts_with('_')) => {
                let id = schema::collection(other).map_or("id", Collection::id);
                related(other, field.name, id, inner, left)
            }
            // A secret may be there or not; what it is cannot be asked for.
            Kind::Secret if operators.keys().any(|key| !matches!(key.as_str(), "_null" | "_nnull")) => {
                Err(forbidden_field(collection.name, name))
            }
            kind => {
                let compare = |(operator, value): (&String, &Json)| {
                    *left = left.checked_sub(1).ok_or_else(|| invalid("The filter has too many comparisons"))?;
                    self.compare(name, kind, operator, value)
                };
                Ok(Condition::All(operators.iter().map(compare).collect::<Result<_, _>>()?))
            }
        }
    }

    fn many(
        operators: &Map<String, Json>,
        inner: &Json,
        mut related: impl FnMut(&Json) -> Result<Condition, Refusal>,
    ) -> Result<Condition, Refusal> {
        match (operators.get("_some"), operators.get("_none")) {
            (Some(some), None) => related(some),
            (None, Some(none)) => Ok(Condition::Not(Box::new(related(none)?))),
            (None, None) => related(inner),
            (Some(some), Some(none)) => Ok(related(some)?.and(Condition::Not(Box::new(related(none)?)))),
        }
    }

    fn compare(&self, column: &str, kind: Kind, operator: &str, operand: &Json) -> Result<Condition, Refusal> {
        let with = |operator, values| Condition::Compare { column: column.to_string(), operator, values };
        let one = |operator| Ok(with(operator, self.values(operand, kind, false)?));
        // A variable may stand for several values, or for none, which nothing equals.
        let equal =
            |values: Vec<Value>| with(if values.len() == 1 { Operator::Equal } else { Operator::Among }, values);
        let not = |condition| Ok(Condition::Not(Box::new(condition)));
        let flagged = |condition: Condition| {
            let wanted = !matches!(operand, Json::Bool(false)) && operand.as_str() != Some("false");
            if wanted { condition } else { Condition::Not(Box::new(condition)) }
        };
        let empty = || Condition::Any(vec![Condition::is_null(column), Condition::is(column, "")]);
        match operator {
            "_eq" if operand.is_null() => Ok(Condition::is_null(column)),
            "_neq" if operand.is_null() => not(Condition::is_null(column)),
            "_eq" => Ok(equal(self.values(operand, kind, false)?)),
            "_neq" => not(equal(self.values(operand, kind, false)?)),
            "_lt" => one(Operator::Less),
            "_lte" => one(Operator::LessOrEqual),
            "_gt" => one(Operator::Greater),
            "_gte" => one(Operator::GreaterOrEqual),
            "_in" => Ok(with(Operator::Among, self.values(operand, kind, true)?)),
            "_nin" => not(with(Operator::Among, self.values(operand, kind, true)?)),
            "_null" => Ok(flagged(Condition::is_null(column))),
            "_nnull" => Ok(flagged(Condition::Not(Box::new(Condition::is_null(column))))),
            "_empty" => Ok(flagged(empty())),
            "_nempty" => Ok(flagged(Condition::Not(Box::new(empty())))),
            "_contains" => one(Operator::Contains),
            "_ncontains" => not(one(Operator::Contains)?),
            "_icontains" => one(Operator::ContainsFolded),
            "_nicontains" => not(one(Operator::ContainsFolded)?),
            "_starts_with" => one(Operator::StartsWith),
            "_nstarts_with" => not(one(Operator::StartsWith)?),
            "_istarts_with" => one(Operator::StartsWithFolded),
            "_nistarts_with" => not(one(Operator::StartsWithFolded)?),
            "_ends_with" => one(Operator::EndsWith),
            "_nends_with" => not(one(Operator::EndsWith)?),
            "_iends_with" => one(Operator::EndsWithFolded),
            "_niends_with" => not(one(Operator::EndsWithFolded)?),
            "_between" | "_nbetween" => {
                let values = self.values(operand, kind, true)?;
                let [low, high] = <[Value; 2]>::try_from(values).map_err(|_| invalid("_between takes two values"))?;
                let between = with(Operator::GreaterOrEqual, vec![low]).and(with(Operator::LessOrEqual, vec![high]));
                if operator == "_between" { Ok(between) } else { not(between) }
            }
            "_regex" => one(Operator::Matches),
            _ => Err(invalid(&format!("Filters have no operator \"{operator}\""))),
        }
    }

    fn values(&self, operand: &Json, kind: Kind, several: bool) -> Result<Vec<Value>, Refusal> {
        let mut found = Vec::new();
        match operand {
            Json::Array(items) if several => {
                for item in items {
                    found.extend(self.value(item, kind)?);
                }
            }
            Json::Object(items) if several => {
                for item in items.values() {
                    found.extend(self.value(item, kind)?);
                }
            }
            Json::String(text) if several && !text.starts_with('$') => {
                for item in text.split(',') {
                    found.extend(self.value(&Json::String(item.trim().to_string()), kind)?);
                }
            }
            one => found = self.value(one, kind)?,
        }
        if found.len() > VALUES_MAX {
            return Err(invalid("A comparison has too many values"));
        }
        Ok(found)
    }

    /// The values that one operand stands for: one, but for variables that are lists or nothing.
    fn value(&self, operand: &Json, kind: Kind) -> Result<Vec<Value>, Refusal> {
        if let Json::String(text) = operand
            && let Some(name) = text.strip_prefix('$')
        {
            let texts = |texts: &[String]| Ok(texts.iter().cloned().map(Value::Text).collect());
            return match name {
                "CURRENT_USER" => texts(self.variables.user.as_slice()),
                "CURRENT_ROLE" => texts(self.variables.role.as_slice()),
                "CURRENT_ROLES" => texts(&self.variables.roles),
                "CURRENT_POLICIES" => texts(&self.variables.policies),
                "NOW" => Ok(vec![Value::Text(self.variables.now.clone())]),
                _ => Err(invalid(&format!("Filters have no variable \"{text}\""))),
            };
        }
        typed(operand, kind).map(|value| vec![value])
    }
}

/// A value of a kind, as clients write it.
fn typed(operand: &Json, kind: Kind) -> Result<Value, Refusal> {
    let wrong = || invalid("A value does not fit its field");
    match (kind, operand) {
        (Kind::Boolean, Json::Bool(truth)) => Ok(Value::Boolean(*truth)),
        (Kind::Boolean, Json::String(text)) => match text.as_str() {
            "true" | "1" => Ok(Value::Boolean(true)),
            "false" | "0" => Ok(Value::Boolean(false)),
            _ => Err(wrong()),
        },
        (Kind::Integer, Json::Number(number)) => number.as_i64().map(Value::Integer).ok_or_else(wrong),
        (Kind::Integer, Json::String(text)) => text.parse().map(Value::Integer).map_err(|_| wrong()),
        (_, Json::String(text)) => Ok(Value::Text(text.clone())),
        (_, Json::Number(number)) => Ok(Value::Text(number.to_string())),
        _ => Err(wrong()),
    }
}

fn invalid(reason: &str) -> Refusal {
    Refusal::InvalidPayload(reason.to_string())
}

/// The refusal for a field that is not there, or not for this caller: the two are not told apart.
#[must_use]
pub fn forbidden_field(collection: &str, field: &str) -> Refusal {
    Refusal::Forbidden(Some(format!(
        "You don't have permission to access field \"{field}\" in collection \"{collection}\" or it does not exist. \
         Queried in root."
    )))
}

/// The refusal for a collection that is not there, or not for this caller.
#[must_use]
pub fn forbidden_collection(collection: &str) -> Refusal {
    Refusal::Forbidden(Some(format!(
        "You don't have permission to access collection \"{collection}\" or it does not exist. Queried in root."
    )))
}

#[cfg(test)]
mod tests {
    use super::{super::verdict::holds, *};
    use serde_json::json;

    fn read_as(filter: &Json, may_read: &dyn Fn(&str, &str) -> bool) -> Result<Condition, Refusal> {
        let variables =
            Variables { user: Some("me".into()), roles: vec!["a".into(), "b".into()], ..Variables::default() };
        Reader { variables: &variables, may_read }.read(filter, schema::collection(schema::USERS).unwrap())
    }

    fn read(filter: &Json) -> Result<Condition, Refusal> {
        read_as(filter, &|_, _| true)
    }

    fn email(text: &str) -> impl Fn(&str) -> Value {
        let text = text.to_string();
        move |column| if column == "email" { Value::Text(text.clone()) } else { Value::Null }
    }

    #[test]
    fn filters_hold_or_do_not() {
        for (filter, expected) in [
            (json!({}), true),
            (json!({"email": {"_eq": "a@b.co"}}), true),
            (json!({"email": {"_neq": "a@b.co"}}), false),
            (json!({"email": {"_ends_with": "@b.co"}}), true),
            (json!({"email": {"_iends_with": "@B.CO", "_nnull": true}}), true),
            (json!({"email": {"_null": false}}), true),
            (json!({"email": {"_in": "x@b.co, a@b.co"}}), true),
            (json!({"email": {"_nin": ["x@b.co"]}}), true),
            (json!({"_or": [{"email": {"_eq": "x"}}, {"email": {"_contains": "@"}}]}), true),
            (json!({"_and": [{"email": {"_eq": "x"}}, {"email": {"_contains": "@"}}]}), false),
            (json!({"_or": []}), false),
            (json!({"email": {"_regex": "^[a-c]@"}}), true),
            (json!({"email": {"_between": ["a", "b"]}}), true),
            (json!({"title": {"_empty": true}}), true),
            (json!({"role": {"name": {"_eq": "x"}}}), false),
        ] {
            assert_eq!(holds(&read(&filter).unwrap(), &email("a@b.co")), expected, "{filter}");
        }
    }

    #[test]
    fn variables_stand_for_the_caller() {
        let condition = read(&json!({"id": {"_eq": "$CURRENT_USER"}})).unwrap();
        assert!(holds(&condition, &|_| Value::Text("me".into())));
        let condition = read(&json!({"role": {"_in": "$CURRENT_ROLES"}})).unwrap();
        assert!(holds(&condition, &|_| Value::Text("b".into())));
        // Nobody is not everybody.
        let nobody = Reader { variables: &Variables::default(), may_read: &|_, _| true };
        let users = schema::collection(schema::USERS).unwrap();
        let condition = nobody.read(&json!({"id": {"_eq": "$CURRENT_USER"}}), users).unwrap();
        assert!(!holds(&condition, &|_| Value::Null));
    }

    #[test]
    fn relations_become_looks_at_other_collections() {
        let condition = read(&json!({"role": {"name": {"_eq": "x"}}})).unwrap();
        assert!(matches!(condition, Condition::Related { column: "role", key: "id", collection: schema::ROLES, .. }));
        let condition = read(&json!({"policies": {"_none": {"policy": {"_eq": "x"}}}})).unwrap();
        assert!(matches!(condition, Condition::Not(_)));
    }

    #[test]
    fn what_is_not_for_the_caller_is_refused_like_what_is_not_there() {
        let nope = |filter: Json| read_as(&filter, &|_, field| field != "status").unwrap_err();
        assert_eq!(nope(json!({"status": {"_eq": "x"}})), forbidden_field(schema::USERS, "status"));
        assert_eq!(nope(json!({"nope": {"_eq": "x"}})), forbidden_field(schema::USERS, "nope"));
        assert_eq!(nope(json!({"password": {"_starts_with": "$argon2"}})), forbidden_field(schema::USERS, "password"));
    }

    #[test]
    fn nonsense_is_refused() {
        let mut deep = json!({"email": {"_eq": "x"}});
        for _ in 0..DEPTH_MAX {
            deep = json!({"_and": [deep]});
        }
        for filter in [
            json!([]),
            json!("x"),
            json!({"email": "x"}),
            json!({"email": {"_nope": 1}}),
            json!({"email": {"_eq": "$NOPE"}}),
            json!({"email": {"_eq": {"a": 1}}}),
            json!({"email_notifications": {"_eq": "perhaps"}}),
            json!({"_and": 1}),
            json!({"_or": vec![json!({"email": {"_eq": "x"}}); COMPARISONS_MAX + 1]}),
            deep,
        ] {
            assert!(matches!(read(&filter), Err(Refusal::InvalidPayload(_))), "{filter}");
        }
    }
}
