//! Translation between the bindings' types and those of `flow`.

use super::{
    fault,
    gatewit::{
        auth::types::{Client, Reason, Service, Uniqueness, Validation},
        driver::types as driver,
        drivers::dispatch,
        keys::signing,
        passwords::types as passwords,
        storage::access as stored_access,
        storage::records,
        storage::sessions as stored_sessions,
        storage::types as stored,
        storage::users,
    },
    write_log,
};
use crate::flow::{
    Refusal,
    access::Policy,
    filter::{Condition, Operator},
    profile::Readable,
    schema,
    sign_in::{Account, Standing},
    value::Value,
};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};

impl From<Refusal> for Reason {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::InvalidPayload(why) => Self::InvalidPayload(why),
            Refusal::InvalidCredentials => Self::InvalidCredentials,
            Refusal::InvalidOtp => Self::InvalidOtp,
            Refusal::InvalidToken => Self::InvalidToken,
            Refusal::TokenExpired => Self::TokenExpired,
            Refusal::InvalidProvider => Self::InvalidProvider,
            Refusal::UserSuspended => Self::UserSuspended,
            Refusal::Forbidden(why) => Self::Forbidden(why),
            Refusal::InvalidInvite => Self::InvalidInvite,
            Refusal::FailedValidation { field, rule, value } => {
                Self::FailedValidation(Validation { field, rule: rule.to_string(), value })
            }
        }
    }
}

/// The store is our own; that it cannot answer is for a person to hear, why is for the log.
impl From<stored::Error> for Reason {
    fn from(error: stored::Error) -> Self {
        match error {
            stored::Error::Unavailable => Self::Unavailable(Service {
                name: "database".to_string(),
                reason: "The database does not answer".to_string(),
            }),
            stored::Error::Denied => fault("the store denied access", &[]),
            stored::Error::Other(what) => fault("the store failed", &[("error", &what)]),
        }
    }
}

impl From<signing::Error> for Reason {
    fn from(error: signing::Error) -> Self {
        match error {
            signing::Error::Denied => fault("a key was denied", &[]),
            signing::Error::Unavailable => fault("a key is unavailable", &[]),
            signing::Error::Other(what) => fault("a key failed", &[("error", &what)]),
        }
    }
}

impl From<passwords::Error> for Reason {
    fn from(error: passwords::Error) -> Self {
        match error {
            passwords::Error::Overloaded(seconds) => Self::Overloaded(seconds),
            passwords::Error::Unavailable => fault("passwords are unavailable", &[]),
            passwords::Error::Other(what) => fault("a password failed", &[("error", &what)]),
        }
    }
}

/// The name of a provider's driver; `None` for the built-in provider.
pub(super) fn driver_of(provider: &str) -> Option<String> {
    dispatch::providers().into_iter().find(|listed| listed.name == provider).map(|listed| listed.driver)
}

/// What a driver's refusal means to the person: its texts stay in the log.
pub(super) fn driver_refusal(provider: &str, refusal: driver::Refusal) -> Reason {
    let log = |why: &str, text: &str| {
        let facts = [("provider", provider), ("refusal", why), ("detail", text)];
        write_log(super::log::Level::Warn, "a driver refused", &facts);
    };
    match refusal {
        driver::Refusal::InvalidCredentials => Reason::InvalidCredentials,
        driver::Refusal::Refused(text) => {
            log("refused", &text);
            Reason::InvalidCredentials
        }
        driver::Refusal::Expired(text) => {
            log("expired", &text);
            Reason::InvalidToken
        }
        driver::Refusal::Unavailable(text) => {
            log("unavailable", &text);
            let reason = "Service returned unexpected error".to_string();
            Reason::Unavailable(Service { name: driver_of(provider).unwrap_or_else(|| provider.to_string()), reason })
        }
        driver::Refusal::Overloaded(seconds) => Reason::Overloaded(seconds),
        driver::Refusal::Misconfigured(text) => {
            log("misconfigured", &text);
            Reason::InvalidProviderConfig(provider.to_string())
        }
        driver::Refusal::Other(text) => {
            log("other", &text);
            Reason::Internal
        }
    }
}

pub(super) fn standing(status: users::Status) -> Standing {
    match status {
        users::Status::Active => Standing::Active,
        users::Status::Suspended => Standing::Suspended,
        _ => Standing::Inactive,
    }
}

pub(super) fn account(user: &users::User) -> Account {
    Account { standing: standing(user.status), provider: user.provider.clone() }
}

pub(super) fn policy(policy: stored_access::Policy) -> Policy {
    Policy {
        by_own_role: matches!(policy.source, stored_access::Source::Role),
        id: policy.id,
        admin: policy.admin,
        app: policy.app,
        enforce_tfa: policy.enforce_tfa,
        addresses: policy.addresses,
    }
}

pub(super) fn client(client: &Client) -> stored_sessions::Client {
    stored_sessions::Client {
        address: client.address.clone(),
        user_agent: client.user_agent.clone(),
        origin: client.origin.clone(),
    }
}

pub(super) fn columns(selected: &Readable) -> stored::Columns {
    match selected {
        Readable::All => stored::Columns::All,
        Readable::Only(names) => stored::Columns::Only(names.clone()),
    }
}

pub(super) fn fields(fields: Vec<stored::Field>) -> Vec<(String, Value)> {
    fields.into_iter().map(|field| (field.name, value(field.value))).collect()
}

pub(super) fn value(value: stored::Value) -> Value {
    match value {
        stored::Value::Null => Value::Null,
        stored::Value::Boolean(truth) => Value::Boolean(truth),
        stored::Value::Integer(number) => Value::Integer(number),
        stored::Value::Decimal(number) => Value::Decimal(number),
        stored::Value::Text(text) => Value::Text(text),
        stored::Value::Json(text) => Value::Json(text),
        stored::Value::Ids(ids) => Value::Ids(ids),
        stored::Value::Concealed => Value::Concealed,
    }
}

/// A value for the store. Records and secrets that are shown are no values there.
pub(super) fn stored(value: Value) -> stored::Value {
    match value {
        Value::Boolean(truth) => stored::Value::Boolean(truth),
        Value::Integer(number) => stored::Value::Integer(number),
        Value::Decimal(number) => stored::Value::Decimal(number),
        Value::Text(text) => stored::Value::Text(text),
        Value::Json(text) => stored::Value::Json(text),
        Value::Null | Value::Ids(_) | Value::Concealed | Value::Object(_) | Value::List(_) => stored::Value::Null,
    }
}

/// Whether a column holds true.
pub(super) fn is_true(value: &stored::Value) -> bool {
    matches!(value, stored::Value::Boolean(true))
}

/// The id in a column.
pub(super) fn id(value: stored::Value) -> Option<String> {
    match value {
        stored::Value::Text(text) => Some(text),
        stored::Value::Integer(number) => Some(number.to_string()),
        _ => None,
    }
}

pub(super) fn clash(taken: records::Taken) -> Uniqueness {
    let records::Taken { collection, column, value } = taken;
    // Directus names addresses so.
    let value = if collection == schema::USERS && column == "email" { alloc::format!("[{value}]") } else { value };
    Uniqueness { collection, field: column, value }
}

/// A condition in the order of the contract: what it is made of comes before it.
pub(super) fn nodes(condition: &Condition) -> Result<Vec<records::Node>, Reason> {
    let mut nodes = Vec::new();
    push(condition, &mut nodes)?;
    Ok(nodes)
}

fn push(condition: &Condition, nodes: &mut Vec<records::Node>) -> Result<(), Reason> {
    let several = |conditions: &[Condition], nodes: &mut Vec<_>| {
        conditions.iter().try_for_each(|each| push(each, nodes))?;
        u32::try_from(conditions.len()).map_err(|_| Reason::Internal)
    };
    let node = match condition {
        Condition::All(conditions) => records::Node::All(several(conditions, nodes)?),
        Condition::Any(conditions) => records::Node::Any(several(conditions, nodes)?),
        Condition::Not(condition) => {
            push(condition, nodes)?;
            records::Node::Not
        }
        Condition::Related { column, key, collection, condition } => {
            push(condition, nodes)?;
            let (column, key) = ((*column).to_string(), (*key).to_string());
            records::Node::Related(records::Relation { column, key, collection: (*collection).to_string() })
        }
        Condition::Compare { column, operator, values } => {
            let values = values.iter().cloned().map(stored).collect();
            records::Node::Compare(records::Comparison { column: column.clone(), operator: how(*operator)?, values })
        }
    };
    nodes.push(node);
    Ok(())
}

fn how(operator: Operator) -> Result<records::Operator, Reason> {
    Ok(match operator {
        Operator::Equal => records::Operator::Equal,
        Operator::Less => records::Operator::Less,
        Operator::LessOrEqual => records::Operator::LessOrEqual,
        Operator::Greater => records::Operator::Greater,
        Operator::GreaterOrEqual => records::Operator::GreaterOrEqual,
        Operator::Among => records::Operator::Among,
        Operator::Null => records::Operator::Null,
        Operator::Contains => records::Operator::Contains,
        Operator::StartsWith => records::Operator::StartsWith,
        Operator::EndsWith => records::Operator::EndsWith,
        Operator::ContainsFolded => records::Operator::ContainsFolded,
        Operator::StartsWithFolded => records::Operator::StartsWithFolded,
        Operator::EndsWithFolded => records::Operator::EndsWithFolded,
        Operator::Matches => {
            let why = "Stored records cannot be searched with \"_regex\"";
            return Err(Reason::InvalidPayload(why.to_string()));
        }
    })
}
