//! Whether an account of a directory is disabled, expired or locked, as the three families of servers say it.
//!
//! | attribute | of | means |
//! |---|---|---|
//! | `userAccountControl`, `msDS-User-Account-Control-Computed` | Active Directory | flags: disabled, locked, password expired |
//! | `accountExpires` | Active Directory | 100 ns since 1601; 0 and the largest number are never |
//! | `shadowExpire` | RFC 2307 | days since 1970; negative is never |
//! | `pwdAccountLockedTime` | password policies, as of `slapd` | locked since then; `000001010000Z` is for good |
//! | `nsAccountLock` | 389 Directory Server | `true` |
//!
//! Invariant: what cannot be read counts as disabled. An attribute that the bind account may not read is not seen at all.

use crate::{entry::Entry, text::shown};
use alloc::{format, string::String};

/// What an entry is asked for, to judge its account.
pub const ATTRIBUTES: [&str; 7] =
    [CONTROL, CONTROL_COMPUTED, ACCOUNT_EXPIRES, SHADOW_EXPIRE, LOCKED_TIME, POLICY, NS_ACCOUNT_LOCK];

/// The attribute with the name of the password policy's entry.
pub const POLICY: &str = "pwdPolicySubentry";

/// The attribute of that entry with the seconds that a lock lasts; 0 and none are until somebody takes it away.
pub const LOCKOUT_DURATION: &str = "pwdLockoutDuration";

const CONTROL: &str = "userAccountControl";
const CONTROL_COMPUTED: &str = "msDS-User-Account-Control-Computed";
const ACCOUNT_EXPIRES: &str = "accountExpires";
const SHADOW_EXPIRE: &str = "shadowExpire";
const LOCKED_TIME: &str = "pwdAccountLockedTime";
const NS_ACCOUNT_LOCK: &str = "nsAccountLock";

/// Disabled, locked, password expired (MS-ADTS, section 2.2.16): those that Directus looks at.
const FLAGS: i64 = 0x2 | 0x10 | 0x80_0000;

/// How an administrator locks for good (draft-behera-ldap-password-policy, section 5.3.3).
const FOR_GOOD: &str = "000001010000Z";

const SECONDS_A_DAY: i64 = 86_400;

/// Seconds from 1601, where Active Directory begins, to 1970.
const SECONDS_1601_TO_1970: i64 = 11_644_473_600;

/// Active Directory's ticks in a second.
const TICKS_A_SECOND: i64 = 10_000_000;

/// When an account is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Right after the server has accepted the password: a lock that ended by itself has ended for the server, too.
    SignIn,
    /// While nobody types a password. A lock lasts so many seconds, if that is known.
    Refresh {
        /// How long a lock lasts; `None` or 0 if until somebody takes it away.
        lock_seconds: Option<i64>,
    },
}

/// Whether the entry says that it is locked for a while, so that its policy is of interest.
#[must_use]
pub fn may_be_locked(entry: &Entry) -> bool {
    entry.has(LOCKED_TIME)
}

/// Judges. The error says which attribute speaks against the account.
///
/// # Errors
/// The account is disabled, expired or locked.
pub fn check(entry: &Entry, now: i64, moment: Moment) -> Result<(), String> {
    let against = |attribute: &str, value: &str, why: &str| Err(format!("{attribute} is `{}`: {why}", shown(value)));
    for attribute in [CONTROL, CONTROL_COMPUTED] {
        match (entry.first(attribute), entry.number(attribute)) {
            (Some(value), None) => return against(attribute, value, "that cannot be read"),
            (Some(value), Some(flags)) if flags & FLAGS != 0 => {
                return against(attribute, value, "the account is disabled or locked, or its password has expired");
            }
            _ => {}
        }
    }
    match (entry.first(ACCOUNT_EXPIRES), entry.number(ACCOUNT_EXPIRES)) {
        (Some(value), None) => return against(ACCOUNT_EXPIRES, value, "that cannot be read"),
        (Some(value), Some(ticks)) if has_expired(ticks, now) => {
            return against(ACCOUNT_EXPIRES, value, "the account has expired");
        }
        _ => {}
    }
    match (entry.first(SHADOW_EXPIRE), entry.number(SHADOW_EXPIRE)) {
        (Some(value), None) => return against(SHADOW_EXPIRE, value, "that cannot be read"),
        (Some(value), Some(days)) if days >= 0 && now / SECONDS_A_DAY >= days => {
            return against(SHADOW_EXPIRE, value, "the account has expired");
        }
        _ => {}
    }
    if let Some(value) = entry.first(NS_ACCOUNT_LOCK).filter(|value| !value.eq_ignore_ascii_case("false")) {
        return against(NS_ACCOUNT_LOCK, value, "the account is locked");
    }
    match entry.first(LOCKED_TIME) {
        Some(value) if is_locked(value, now, moment) => against(LOCKED_TIME, value, "the account is locked"),
        _ => Ok(()),
    }
}

/// Active Directory writes 0 or the largest number for never.
fn has_expired(ticks: i64, now: i64) -> bool {
    !matches!(ticks, 0 | i64::MAX) && ticks / TICKS_A_SECOND - SECONDS_1601_TO_1970 <= now
}

fn is_locked(since: &str, now: i64, moment: Moment) -> bool {
    match moment {
        _ if since == FOR_GOOD => true,
        Moment::SignIn => false,
        Moment::Refresh { lock_seconds } => match (seconds(since), lock_seconds) {
            (Some(since), Some(lasting)) if lasting > 0 => since.saturating_add(lasting) > now,
            _ => true,
        },
    }
}

/// A generalized time in UTC (RFC 4517, section 3.3.13), as password policies write it, in seconds since 1970.
fn seconds(text: &str) -> Option<i64> {
    let digits = text.strip_suffix('Z')?;
    let digits = digits.split_once(['.', ',']).map_or(digits, |(digits, _)| digits);
    if !matches!(digits.len(), 12 | 14) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |from: usize, to: usize| digits.get(from..to).unwrap_or("0").parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(8, 10)?, number(10, 12)?, number(12, 14)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // Days since 1970 by years that begin in March, so that a leap day is the last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    Some(days * SECONDS_A_DAY + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{string::ToString, vec};
    use proptest::prelude::*;

    /// 2026-11-22 04:00:00.
    const NOW: i64 = 1_795_320_000;
    const REFRESH: Moment = Moment::Refresh { lock_seconds: Some(300) };

    fn judged(attribute: &str, value: &str, moment: Moment) -> bool {
        let attributes = vec![(attribute.to_string(), vec![value.as_bytes().to_vec()])];
        check(&Entry { name: "cn=a".into(), attributes }, NOW, moment).is_ok()
    }

    fn check_all(attribute: &str, good: &[&str], bad: &[&str]) {
        for moment in [Moment::SignIn, REFRESH] {
            assert!(good.iter().all(|value| judged(attribute, value, moment)), "{attribute}");
            for value in bad {
                assert!(!judged(attribute, value, moment), "{attribute}: {value}");
            }
        }
    }

    #[test]
    fn flags_of_active_directory_speak_against_an_account() {
        check_all("userAccountControl", &["512", "66048", "544"], &["514", "66050", "528", "8389120", "x", "-1"]);
        check_all("USERACCOUNTCONTROL", &["512"], &["514"]);
        check_all("msDS-User-Account-Control-Computed", &["0"], &["16", "8388608"]);
        let soon = ((NOW + 60 + SECONDS_1601_TO_1970) * TICKS_A_SECOND).to_string();
        let over = ((NOW + SECONDS_1601_TO_1970) * TICKS_A_SECOND).to_string();
        check_all("accountExpires", &["0", "9223372036854775807", &soon], &[&over, "1", "never"]);
    }

    #[test]
    fn accounts_expire_on_their_day() {
        let today = NOW / SECONDS_A_DAY;
        check_all(
            "shadowExpire",
            &["-1", &(today + 1).to_string()],
            &[&today.to_string(), &(today - 1).to_string(), "0", "soon"],
        );
        check_all("nsAccountLock", &["false", "FALSE"], &["true", "1"]);
    }

    #[test]
    fn a_lock_for_good_holds_and_one_for_a_while_ends() {
        check_all("pwdAccountLockedTime", &[], &["000001010000Z"]);
        // The server has just accepted the password.
        assert!(judged("pwdAccountLockedTime", "20261122035900Z", Moment::SignIn));
        assert!(!judged("pwdAccountLockedTime", "20261122035900Z", REFRESH));
        assert!(judged("pwdAccountLockedTime", "20261122035459Z", REFRESH));
        assert!(!judged("pwdAccountLockedTime", "20261122035501.5Z", REFRESH));
        for lock_seconds in [None, Some(0), Some(-1)] {
            assert!(!judged("pwdAccountLockedTime", "20200101000000Z", Moment::Refresh { lock_seconds }));
        }
        assert!(!judged("pwdAccountLockedTime", "yesterday", REFRESH));
    }

    #[test]
    fn times_are_read() {
        for (text, expected) in [
            ("19700101000000Z", Some(0)),
            ("20000229120000Z", Some(951_825_600)),
            ("202611220400Z", Some(NOW)),
            ("20261122040000,123Z", Some(NOW)),
            ("20261322040000Z", None),
            ("2026112204Z", None),
            ("20261122040000+0100", None),
            ("", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_value_is_judged(value: String, seconds: Option<i64>, now: i64) {
            for attribute in ATTRIBUTES {
                let attributes = vec![(attribute.to_string(), vec![value.as_bytes().to_vec()])];
                let entry = Entry { name: "cn=a".into(), attributes };
                let _ = check(&entry, now, Moment::Refresh { lock_seconds: seconds });
            }
        }
    }
}
