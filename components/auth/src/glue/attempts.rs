//! Wrong attempts at an account, counted.

use super::{
    accounts::{self, account_change, assign_text, author, end_sessions, project},
    exports::gatewit::auth::sessions::Attempt,
    flag,
    gatewit::{
        auth::types::{Client, Reason},
        log::log::Level,
        storage::{
            counters,
            types::Value,
            users::{self, Status, User},
        },
    },
    now_ms, write_log,
};
use crate::flow::{Refusal, attempts};
use alloc::{format, string::String};

/// What is known of the attempts at one account from one network, before this one.
pub(super) struct Guard {
    limit: Option<u32>,
    /// `None` where attempts are not counted.
    keys: Option<Keys>,
    suspends: bool,
    email: Option<String>,
    provider: String,
}

struct Keys {
    count: String,
    wait: String,
}

impl Guard {
    pub(super) fn new(attempt: &Attempt, client: &Client) -> Result<Self, Reason> {
        // Where nothing names an account there is nothing to count, and no limit to ask for.
        let limit = match &attempt.account {
            Some(_) => limit()?,
            None => None,
        };
        let suspends = flag("suspend-after-attempts");
        let network = match (suspends, &client.address) {
            (true, _) | (_, None) => String::new(),
            (false, Some(address)) => attempts::network(address),
        };
        let keys = limit.and(attempt.account.as_ref()).map(|account| {
            let whose = format!("{}/{}/{network}", attempt.provider, account.to_lowercase());
            Keys { count: format!("attempts/{whose}"), wait: format!("wait/{whose}") }
        });
        Ok(Self { limit, keys, suspends, email: attempt.account.clone(), provider: attempt.provider.clone() })
    }

    /// Refuses while attempts have to wait, in the words of a wrong password.
    pub(super) fn check(&self) -> Result<(), Reason> {
        match &self.keys {
            Some(keys) if !self.suspends && counters::read(&keys.wait, now_ms())?.is_some() => {
                Err(Refusal::InvalidCredentials.into())
            }
            _ => Ok(()),
        }
    }

    /// Counts a wrong attempt, at accounts that exist: others have nothing to guess.
    pub(super) fn failed(&self, client: &Client) -> Result<(), Reason> {
        let (Some(_), Some(email)) = (&self.keys, &self.email) else { return Ok(()) };
        // An account of another provider is not what was tried, even if it is called the same.
        let is_meant = |user: &User| user.status == Status::Active && user.provider == self.provider;
        match users::find_by_email(email)?.filter(is_meant) {
            Some(user) => self.missed(&user, client),
            None => Ok(()),
        }
    }

    /// Counts a wrong attempt at this account.
    pub(super) fn missed(&self, user: &User, client: &Client) -> Result<(), Reason> {
        let (Some(keys), Some(limit)) = (&self.keys, self.limit) else { return Ok(()) };
        let now = now_ms();
        let count = counters::add(&keys.count, 1, now + attempts::MEMORY_MS, now)?.value;
        if self.suspends {
            return if count > limit { suspend(&user.id, keys, client) } else { Ok(()) };
        }
        let wait = attempts::wait_ms(count, limit);
        if wait > 0 {
            counters::add(&keys.wait, 1, now + wait, now)?;
            write_log(Level::Warn, "attempts to sign in have to wait", &[("user", &user.id)]);
        }
        Ok(())
    }

    /// Forgets wrong attempts.
    pub(super) fn succeeded(&self) -> Result<(), Reason> {
        if let Some(keys) = &self.keys
            && counters::read(&keys.count, now_ms())?.is_some()
        {
            counters::clear(&keys.count)?;
        }
        Ok(())
    }
}

/// Wrong attempts that an account may have, by the project's settings.
fn limit() -> Result<Option<u32>, Reason> {
    let [limit] = project(["auth_login_attempts"])?;
    Ok(match limit {
        Value::Integer(limit) => u32::try_from(limit).ok(),
        _ => None,
    })
}

/// What Directus does: the account is suspended, by itself as the record says.
fn suspend(user: &str, keys: &Keys, client: &Client) -> Result<(), Reason> {
    let change = account_change(
        user,
        alloc::vec![assign_text("status", "suspended")],
        alloc::vec![accounts::expect_text("status", "active"),],
    );
    accounts::write(&[change], &[end_sessions(user, None)], &author(Some(user), client))?;
    counters::clear(&keys.count)?;
    write_log(Level::Warn, "an account was suspended after too many wrong passwords", &[("user", user)]);
    Ok(())
}
