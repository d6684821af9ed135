//! Translation between the bindings' types and those of `flow`.

use super::{
    fault,
    gatewit::{
        auth::types::{Client, Reason, Service},
        driver::types as driver,
        keys::signing,
        storage::access as stored_access,
        storage::sessions as stored_sessions,
        storage::types as stored,
        storage::users,
    },
    write_log,
};
use crate::flow::{
    Refusal,
    access::Policy,
    profile::{Readable, Value},
    sign_in::{Account, Standing},
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
            Refusal::UserSuspended => Self::UserSuspended,
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
        driver::Refusal::Unavailable(text) => {
            log("unavailable", &text);
            let reason = "Service returned unexpected error".to_string();
            Reason::Unavailable(Service { name: provider.to_string(), reason })
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
    Account { standing: standing(user.status), provider: user.provider.clone(), tfa_secret: user.tfa_secret.clone() }
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

fn value(value: stored::Value) -> Value {
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
