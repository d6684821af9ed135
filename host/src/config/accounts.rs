//! `[accounts]`: how accounts come to be, how long the links in mails live and where they may lead, second factors, and
//! what happens to somebody who guesses passwords.

use std::time::Duration;

use super::decode::{duration, list, one_of, ttl};
use super::duration::Ttl;
use super::setting::{Setting, put};

/// Accounts besides their sign-in.
#[derive(Clone, Debug, PartialEq)]
pub struct Accounts {
    /// What a registration takes at least (`REGISTER_STALL_TIME`, default 750 ms).
    pub register_stall_time: Duration,
    /// Life of an invitation (`USER_INVITE_TOKEN_TTL`, default `7d`).
    pub invite_ttl: Ttl,
    /// Life of the link that verifies an address (`EMAIL_VERIFICATION_TOKEN_TTL`, default `7d`).
    pub verification_ttl: Ttl,
    /// Where links of password resets may lead besides the built-in page (`PASSWORD_RESET_URL_ALLOW_LIST`).
    pub reset_urls: Vec<String>,
    /// Where links of invitations may lead (`USER_INVITE_URL_ALLOW_LIST`).
    pub invite_urls: Vec<String>,
    /// Where links that verify an address may lead (`USER_REGISTER_URL_ALLOW_LIST`).
    pub register_urls: Vec<String>,
    /// What a policy that demands a second factor does (`GATEWIT_ENFORCE_TFA`, default `enforce`).
    pub enforce_tfa: EnforceTfa,
    /// What too many wrong passwords do (`GATEWIT_LOGIN_ATTEMPTS`, default `delay`).
    pub attempts: Attempts,
}

/// What a demand for a second factor does to an account that has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnforceTfa {
    /// It may set one up and do nothing else.
    Enforce,
    /// Its token says so, as in Directus; nothing is withheld.
    Claim,
}

/// What happens to an account after `auth_login_attempts` wrong passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempts {
    /// Attempts on it from an address are refused for a while, longer each time.
    Delay,
    /// It is suspended, as in Directus: anybody can lock anybody out.
    Suspend,
}

impl Default for Accounts {
    fn default() -> Self {
        Self {
            register_stall_time: Duration::from_millis(750),
            invite_ttl: Ttl::from_ms(7 * 86_400_000),
            verification_ttl: Ttl::from_ms(7 * 86_400_000),
            reset_urls: Vec::new(),
            invite_urls: Vec::new(),
            register_urls: Vec::new(),
            enforce_tfa: EnforceTfa::Enforce,
            attempts: Attempts::Delay,
        }
    }
}

pub(super) const SETTINGS: &[Setting] = &[
    Setting::new("REGISTER_STALL_TIME", "accounts.register_stall_time", |c, v| {
        put(&mut c.accounts.register_stall_time, duration(v))
    }),
    Setting::new("USER_INVITE_TOKEN_TTL", "accounts.invite_ttl", |c, v| put(&mut c.accounts.invite_ttl, ttl(v))),
    Setting::new("EMAIL_VERIFICATION_TOKEN_TTL", "accounts.verification_ttl", |c, v| {
        put(&mut c.accounts.verification_ttl, ttl(v))
    }),
    Setting::new("PASSWORD_RESET_URL_ALLOW_LIST", "accounts.reset_urls", |c, v| {
        put(&mut c.accounts.reset_urls, list(v))
    }),
    Setting::new("USER_INVITE_URL_ALLOW_LIST", "accounts.invite_urls", |c, v| {
        put(&mut c.accounts.invite_urls, list(v))
    }),
    Setting::new("USER_REGISTER_URL_ALLOW_LIST", "accounts.register_urls", |c, v| {
        put(&mut c.accounts.register_urls, list(v))
    }),
    Setting::new("GATEWIT_ENFORCE_TFA", "accounts.enforce_tfa", |c, v| {
        let names = [("enforce", EnforceTfa::Enforce), ("claim", EnforceTfa::Claim)];
        put(&mut c.accounts.enforce_tfa, one_of(v, &names))
    }),
    Setting::new("GATEWIT_LOGIN_ATTEMPTS", "accounts.attempts", |c, v| {
        let names = [("delay", Attempts::Delay), ("suspend", Attempts::Suspend)];
        put(&mut c.accounts.attempts, one_of(v, &names))
    }),
];
