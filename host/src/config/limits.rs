//! `[server.limits]`: how many requests are answered, to one address and to all.
//!
//! Deliberately absent: counting, which is `http/limits`, and the limit on failed sign-ins, which is kept in the database.

use std::time::Duration;

use super::cast::Value;
use super::decode::{boolean, integer, one_of};
use super::error::{Refusal, Report};
use super::setting::{Setting, put};

/// Most requests that a limit may allow in its time: what a 32-bit count holds.
const POINTS_MAX: u64 = u32::MAX as u64;

/// Longest time of a limit in seconds: a day. Who was refused would not come back later than that.
const SECONDS_MAX: u64 = 86_400;

/// Limits on requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For each address (`RATE_LIMITER_…`, default off, 50 in 1 s).
    pub address: Limit,
    /// Where counts are kept (`RATE_LIMITER_STORE`, default `memory`).
    pub store: LimitStore,
    /// For all together (`RATE_LIMITER_GLOBAL_…`, default off, 1000 in 1 s).
    pub global: Limit,
    /// For `POST /users/register` from each address (`RATE_LIMITER_REGISTRATION_…`, default on, 5 in 60 s).
    pub registration: Limit,
    /// For mails (`RATE_LIMITER_EMAIL_…`, default off, 50 in 1 s).
    pub mail: Limit,
}

/// So many in so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Does it count (`…_ENABLED`)?
    pub enabled: bool,
    /// How many (`…_POINTS`).
    pub points: u32,
    /// In how many seconds (`…_DURATION`).
    pub seconds: u32,
}

/// Where counts are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitStore {
    /// In this process: each host counts for itself.
    Memory,
    /// In the database: all hosts count together.
    Database,
}

impl Limit {
    /// Its time.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }

    /// Does it allow more in the same time than `other`?
    fn is_above(&self, other: &Self) -> bool {
        let per_second = |limit: &Self, of: &Self| u64::from(limit.points) * u64::from(of.seconds);
        per_second(self, other) > per_second(other, self)
    }
}

impl Default for Limits {
    fn default() -> Self {
        let limit = |enabled, points, seconds| Limit { enabled, points, seconds };
        Self {
            address: limit(false, 50, 1),
            store: LimitStore::Memory,
            global: limit(false, 1000, 1),
            registration: limit(true, 5, 60),
            mail: limit(false, 50, 1),
        }
    }
}

pub(super) const SETTINGS: &[Setting] = &[
    Setting::new("RATE_LIMITER_ENABLED", "server.limits.enabled", |c, v| {
        put(&mut c.server.limits.address.enabled, boolean(v))
    }),
    Setting::new("RATE_LIMITER_POINTS", "server.limits.points", |c, v| {
        put(&mut c.server.limits.address.points, points(v))
    }),
    Setting::new("RATE_LIMITER_DURATION", "server.limits.duration", |c, v| {
        put(&mut c.server.limits.address.seconds, seconds(v))
    }),
    Setting::new("RATE_LIMITER_STORE", "server.limits.store", |c, v| put(&mut c.server.limits.store, store(v))),
    Setting::new("RATE_LIMITER_GLOBAL_ENABLED", "server.limits.global.enabled", |c, v| {
        put(&mut c.server.limits.global.enabled, boolean(v))
    }),
    Setting::new("RATE_LIMITER_GLOBAL_POINTS", "server.limits.global.points", |c, v| {
        put(&mut c.server.limits.global.points, points(v))
    }),
    Setting::new("RATE_LIMITER_GLOBAL_DURATION", "server.limits.global.duration", |c, v| {
        put(&mut c.server.limits.global.seconds, seconds(v))
    }),
    Setting::new("RATE_LIMITER_REGISTRATION_ENABLED", "server.limits.registration.enabled", |c, v| {
        put(&mut c.server.limits.registration.enabled, boolean(v))
    }),
    Setting::new("RATE_LIMITER_REGISTRATION_POINTS", "server.limits.registration.points", |c, v| {
        put(&mut c.server.limits.registration.points, points(v))
    }),
    Setting::new("RATE_LIMITER_REGISTRATION_DURATION", "server.limits.registration.duration", |c, v| {
        put(&mut c.server.limits.registration.seconds, seconds(v))
    }),
    Setting::new("RATE_LIMITER_EMAIL_ENABLED", "server.limits.mail.enabled", |c, v| {
        put(&mut c.server.limits.mail.enabled, boolean(v))
    }),
    Setting::new("RATE_LIMITER_EMAIL_POINTS", "server.limits.mail.points", |c, v| {
        put(&mut c.server.limits.mail.points, points(v))
    }),
    Setting::new("RATE_LIMITER_EMAIL_DURATION", "server.limits.mail.duration", |c, v| {
        put(&mut c.server.limits.mail.seconds, seconds(v))
    }),
];

impl Limits {
    /// What the settings must satisfy together: a limit for all that is no higher than that for one would let one address
    /// shut out the others.
    pub(super) fn check(&self, report: &mut Report) {
        if !self.global.enabled {
            return;
        }
        if !self.address.enabled {
            report.problem("RATE_LIMITER_GLOBAL_ENABLED: needs RATE_LIMITER_ENABLED=true as well");
        } else if !self.global.is_above(&self.address) {
            report.problem(format!(
                "RATE_LIMITER_GLOBAL_POINTS: {} in {} s is not more than the {} in {} s of a single address",
                self.global.points, self.global.seconds, self.address.points, self.address.seconds
            ));
        }
    }
}

fn points(value: &Value) -> Result<u32, Refusal> {
    integer(value, 1, POINTS_MAX)
}

fn seconds(value: &Value) -> Result<u32, Refusal> {
    integer(value, 1, SECONDS_MAX)
}

fn store(value: &Value) -> Result<LimitStore, Refusal> {
    if matches!(value, Value::Text(name) if name.eq_ignore_ascii_case("redis")) {
        return Err(Refusal::new("is not supported; write database, which several hosts share as well, or memory"));
    }
    one_of(value, &[("memory", LimitStore::Memory), ("database", LimitStore::Database)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(address: Limit, global: Limit) -> Vec<String> {
        let mut report = Report::default();
        Limits { address, global, ..Limits::default() }.check(&mut report);
        report.problems
    }

    fn limit(points: u32, seconds: u32) -> Limit {
        Limit { enabled: true, points, seconds }
    }

    #[test]
    fn the_limit_for_all_lies_above_that_for_one() {
        assert_eq!(problems(limit(50, 1), limit(1000, 1)), Vec::<String>::new());
        assert_eq!(problems(limit(50, 10), limit(50, 1)), Vec::<String>::new(), "rates are compared, not counts");
        for (address, global) in [(limit(50, 1), limit(50, 1)), (limit(50, 1), limit(499, 10))] {
            assert_eq!(problems(address, global).len(), 1);
        }
        let off = Limit { enabled: false, ..limit(50, 1) };
        assert_eq!(problems(off, limit(1000, 1)).len(), 1, "it needs the other one");
        assert_eq!(problems(off, Limit { enabled: false, ..limit(1, 1) }), Vec::<String>::new());
    }
}
