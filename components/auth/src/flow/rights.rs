//! What a caller may do with the records of a collection.
//!
//! Policies permit by rules: on a collection, for an action, which fields of which records. Administrators need none; who
//! may use the app may read a little of itself and of the project besides.

use super::{
    Refusal,
    access::Rights,
    filter::{Condition, Reader, Variables},
    profile::APP_FIELDS,
    schema::{self, Collection},
};
use alloc::{string::String, string::ToString, vec, vec::Vec};
use serde_json::Value as Json;

/// What can be done with records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Make new ones.
    Create,
    /// See them.
    Read,
    /// Change them.
    Update,
    /// Remove them.
    Delete,
    /// Share them.
    Share,
}

impl Action {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 5] = [Self::Read, Self::Create, Self::Update, Self::Delete, Self::Share];

    /// As rules name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Share => "share",
        }
    }
}

/// A rule of a policy, as it is stored.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rule {
    /// The collection that it is about.
    pub collection: String,
    /// The name of the action.
    pub action: String,
    /// The fields that it covers; `*` for all.
    pub fields: Vec<String>,
    /// Which records it covers.
    pub filter: Option<Json>,
    /// What new values must meet.
    pub validation: Option<Json>,
    /// Values of fields that are not given.
    pub presets: Option<Json>,
}

/// Fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fields {
    /// All there are.
    All,
    /// These.
    Only(Vec<String>),
}

impl Fields {
    /// Whether a field is among them.
    #[must_use]
    pub fn hold(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.iter().any(|each| each == name),
        }
    }
}

/// Fields of some records.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The fields.
    pub fields: Fields,
    /// The records.
    pub condition: Condition,
    /// What new values must meet.
    pub validation: Option<Json>,
    /// Values of fields that are not given.
    pub presets: Option<Json>,
}

/// What a caller may do with a collection, for one action: the union of the cases.
#[derive(Debug, Clone, PartialEq)]
pub struct Allowed(pub Vec<Case>);

impl Allowed {
    /// Everything.
    #[must_use]
    pub fn everything() -> Self {
        Self(vec![Case { fields: Fields::All, condition: Condition::always(), validation: None, presets: None }])
    }

    /// Whether there is anything at all.
    #[must_use]
    pub fn anything(&self) -> bool {
        !self.0.is_empty()
    }

    /// Whether a field of at least some records is covered.
    #[must_use]
    pub fn covers(&self, field: &str) -> bool {
        self.0.iter().any(|case| case.fields.hold(field))
    }

    /// The records of which anything is covered.
    #[must_use]
    pub fn condition(&self) -> Condition {
        if self.0.iter().any(|case| case.condition == Condition::always()) {
            return Condition::always();
        }
        Condition::Any(self.0.iter().map(|case| case.condition.clone()).collect())
    }

    /// The records of which all these fields are covered.
    #[must_use]
    pub fn condition_for(&self, fields: &[&str]) -> Condition {
        let per_field = fields.iter().map(|field| {
            let cases = self.0.iter().filter(|case| case.fields.hold(field));
            Condition::Any(cases.map(|case| case.condition.clone()).collect())
        });
        if self.0.len() == 1 { self.condition() } else { Condition::All(per_field.collect()) }
    }

    /// Whether which fields are covered depends on the record.
    #[must_use]
    pub fn varies(&self) -> bool {
        self.0.iter().any(|case| case.condition != Condition::always())
            && self.0.windows(2).any(|pair| matches!(pair, [a, b] if a.fields != b.fields))
    }
}

/// Decides what a caller may do with a collection.
///
/// # Errors
/// [`Refusal::InvalidPayload`] where a rule's filter is none.
pub fn allowed(
    rights: Rights,
    rules: &[Rule],
    variables: &Variables,
    collection: &'static Collection,
    action: Action,
) -> Result<Allowed, Refusal> {
    if rights.admin {
        return Ok(Allowed::everything());
    }
    let reader = Reader { variables, may_read: &|_, _| true };
    let mut cases = Vec::new();
    for rule in rules.iter().filter(|rule| rule.collection == collection.name && rule.action == action.name()) {
        let condition = rule.filter.as_ref().map(|filter| reader.read(filter, collection)).transpose()?;
        let fields =
            if rule.fields.iter().any(|field| field == "*") { Fields::All } else { Fields::Only(rule.fields.clone()) };
        cases.push(Case {
            fields,
            condition: condition.unwrap_or(Condition::always()),
            validation: rule.validation.clone(),
            presets: rule.presets.clone(),
        });
    }
    if rights.app && action == Action::Read {
        cases.extend(of_the_app(collection, variables));
    }
    Ok(Allowed(cases))
}

/// What everybody who may use the app may read: the own account, the own roles, what they did and shared, and how the
/// project is set up.
fn of_the_app(collection: &Collection, variables: &Variables) -> Option<Case> {
    let names = |names: &[&str]| Fields::Only(names.iter().map(ToString::to_string).collect());
    let (fields, condition) = match collection.name {
        schema::USERS => (names(&APP_FIELDS), Condition::is("id", variables.user.as_ref()?)),
        schema::ROLES => {
            let own = variables.roles.iter().map(String::as_str);
            (Fields::All, Condition::among("id", own))
        }
        schema::ACTIVITY => (Fields::All, Condition::is("user", variables.user.as_ref()?)),
        schema::SHARES => (Fields::All, Condition::is("user_created", variables.user.as_ref()?)),
        schema::SETTINGS => (Fields::All, Condition::always()),
        _ => return None,
    };
    Some(Case { fields, condition, validation: None, presets: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const PERSON: Rights = Rights { admin: false, app: false };

    fn rule(action: &str, fields: &[&str], filter: Json) -> Rule {
        Rule {
            collection: schema::USERS.into(),
            action: action.into(),
            fields: fields.iter().map(ToString::to_string).collect(),
            filter: Some(filter),
            ..Rule::default()
        }
    }

    fn decide(rights: Rights, rules: &[Rule], action: Action) -> Allowed {
        let variables = Variables { user: Some("me".into()), ..Variables::default() };
        allowed(rights, rules, &variables, schema::collection(schema::USERS).unwrap(), action).unwrap()
    }

    #[test]
    fn without_a_rule_nothing_is_allowed() {
        assert!(!decide(PERSON, &[], Action::Read).anything());
        assert!(!decide(PERSON, &[rule("read", &["*"], json!({}))], Action::Update).anything());
    }

    #[test]
    fn administrators_need_no_rule() {
        assert_eq!(decide(Rights { admin: true, app: true }, &[], Action::Delete), Allowed::everything());
    }

    #[test]
    fn the_app_reads_the_own_account_only() {
        let own = decide(Rights { admin: false, app: true }, &[], Action::Read);
        assert_eq!(own.condition(), Condition::Any(vec![Condition::is("id", "me")]));
        assert!(own.covers("email") && !own.covers("token"));
        assert!(!decide(Rights { admin: false, app: true }, &[], Action::Update).anything());
    }

    #[test]
    fn rules_add_up() {
        let rules =
            [rule("read", &["id"], json!({})), rule("read", &["email"], json!({"id": {"_eq": "$CURRENT_USER"}}))];
        let allowed = decide(PERSON, &rules, Action::Read);
        assert_eq!(allowed.condition(), Condition::always());
        assert!(allowed.covers("email") && allowed.varies());
        assert!(!decide(PERSON, &rules[..1], Action::Read).varies());
    }

    #[test]
    fn a_change_must_be_covered_field_by_field() {
        let rules = [rule("update", &["title"], json!({})), rule("update", &["email"], json!({"id": {"_eq": "x"}}))];
        let allowed = decide(PERSON, &rules, Action::Update);
        let Condition::All(parts) = allowed.condition_for(&["title", "email"]) else { panic!("not all") };
        assert_eq!(parts.len(), 2);
    }
}
