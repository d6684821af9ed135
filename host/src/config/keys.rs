//! `[keys]`: what tokens are signed with.

use super::decode::secret;
use super::setting::{Setting, put};
use crate::Secret;

/// Shortest `SECRET`, in bytes, without a warning: HS256 wants a key as long as its hash (RFC 7518 §3.2).
pub(super) const SECRET_BYTES_MIN: usize = 32;

/// The server's keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// HMAC key of every JWT (`SECRET`, default none: a random one, so that tokens die with the process).
    pub secret: Option<Secret<String>>,
    /// Directus's identifier of the project (`KEY`, default none); taken so that an `.env` file works, used for nothing.
    pub key: Option<Secret<String>>,
}

pub(super) const SETTINGS: &[Setting] = &[
    Setting::new("SECRET", "keys.secret", |c, v| put(&mut c.keys.secret, secret(v))).secret(),
    Setting::new("KEY", "keys.key", |c, v| put(&mut c.keys.key, secret(v))).secret(),
];
