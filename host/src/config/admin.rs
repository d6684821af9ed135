//! `[admin]`: the first administrator, created when the database is. Ignored afterwards.

use super::cast::Value;
use super::decode::{optional_text, secret};
use super::error::Refusal;
use super::setting::{Setting, put};
use crate::Secret;

/// The first administrator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admin {
    /// E-mail address (`ADMIN_EMAIL`, default none: no administrator is created).
    pub email: Option<String>,
    /// Password (`ADMIN_PASSWORD`, default none).
    pub password: Option<Secret<String>>,
    /// Static token (`ADMIN_TOKEN`, default none).
    pub token: Option<Secret<String>>,
}

pub(super) const SETTINGS: &[Setting] = &[
    Setting::new("ADMIN_EMAIL", "admin.email", |c, v| put(&mut c.admin.email, email(v))).text(),
    Setting::new("ADMIN_PASSWORD", "admin.password", |c, v| put(&mut c.admin.password, secret(v))).secret(),
    Setting::new("ADMIN_TOKEN", "admin.token", |c, v| put(&mut c.admin.token, secret(v))).secret(),
];

/// A coarse check against slips; whether the address can sign in is the auth component's to say.
fn email(value: &Value) -> Result<Option<String>, Refusal> {
    let email = optional_text(value)?;
    let fits = |email: &str| email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    if email.as_deref().is_some_and(|email| !fits(email) || email.contains(' ')) {
        return Err(Refusal::new("is not an e-mail address; write for example admin@example.com"));
    }
    Ok(email)
}
