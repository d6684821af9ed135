//! Links by which people without an account see one record.

use super::{
    Auth,
    accounts::{assign, author, columns, write},
    exports::gatewit::auth::{
        sessions::Form,
        shares::{Grant, Guest},
    },
    gatewit::{
        auth::{
            pace,
            types::{Client, Reason},
        },
        passwords::{hashing, types::Verdict},
        storage::{
            records::{Action, Change, Expectation},
            types::Value as Stored,
        },
    },
    now_ms, number,
    sessions::{Beginning, begin, share_grant},
};
use crate::flow::{
    Refusal, moment,
    payload::is_uuid,
    schema::SHARES,
    value::{self, Value},
};
use alloc::{
    string::{String, ToString},
    vec,
};

/// Tries to count a use while others count theirs.
const TRIES: usize = 8;

impl Guest for Auth {
    fn login(share: String, password: Option<String>, form: Form, client: Client) -> Result<Grant, Reason> {
        pace::hold(number("login-stall-ms")?);
        let refused = || Reason::from(Refusal::InvalidCredentials);
        if !is_uuid(&share) {
            return Err(refused());
        }
        if hashing::verify_share(&share, &password.unwrap_or_default())? != Verdict::Match {
            return Err(refused());
        }
        for _ in 0..TRIES {
            if use_once(&share, &client)? {
                let session = begin(Beginning { share: Some(&share), ..Beginning::default() }, &client)?;
                return share_grant(&share, &session, form);
            }
        }
        Err(refused())
    }

    fn info(share: String) -> Result<String, Reason> {
        let forbidden = || Reason::from(Refusal::Forbidden(None));
        let names = ["id", "collection", "item", "password", "max_uses", "times_used", "date_start", "date_end"];
        let found = if is_uuid(&share) { columns(SHARES, &share, names)? } else { None };
        let fields = names.into_iter().zip(found.ok_or_else(forbidden)?);
        let fields: alloc::vec::Vec<(String, Value)> =
            fields.map(|(name, value)| (name.to_string(), super::convert::value(value))).collect();
        Ok(value::write(&fields))
    }
}

/// Counts one use of a share that is open. False if somebody else counted theirs in between.
fn use_once(share: &str, client: &Client) -> Result<bool, Reason> {
    let refused = || Reason::from(Refusal::InvalidCredentials);
    let names = ["date_start", "date_end", "times_used", "max_uses"];
    let [from, until, used, most] = columns(SHARES, share, names)?.ok_or_else(refused)?;
    // Dates are texts without a zone, in UTC: they sort like moments.
    let now = moment::text(now_ms());
    let early = matches!(&from, Stored::Text(from) if from.as_str() > now.as_str());
    let late = matches!(&until, Stored::Text(until) if until.as_str() <= now.as_str());
    let count = match used {
        Stored::Integer(count) => count,
        _ => 0,
    };
    let used_up = matches!(most, Stored::Integer(most) if count >= most);
    if early || late || used_up {
        return Err(refused());
    }
    let change = Change {
        action: Action::Update,
        collection: SHARES.into(),
        id: Some(share.into()),
        assignments: vec![assign("times_used", Stored::Integer(count + 1))],
        expectations: vec![Expectation::Value(("times_used".to_string(), used))],
    };
    Ok(write(&[change], &[], &author(None, client))?.is_some())
}
