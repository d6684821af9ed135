//! `[keys]`: what tokens are signed with.

use super::cast::Value;
use super::decode::secret;
use super::error::Refusal;
use super::setting::{Setting, put};
use crate::Secret;

/// Shortest `SECRET`, in bytes, without a warning: HS256 wants a key as long as its hash (RFC 7518 §3.2).
pub(super) const SECRET_BYTES_MIN: usize = 32;

/// Earlier secrets at most. Each is tried with every token that the present one has not signed.
const PREVIOUS_MAX: usize = 8;

/// The server's keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// HMAC key of every JWT (`SECRET`, default none: a random one, so that tokens die with the process).
    pub secret: Option<Secret<String>>,
    /// Secrets whose tokens are still good (`GATEWIT_PREVIOUS_SECRETS`, default none). Nothing new is signed with them.
    pub previous: Vec<Secret<String>>,
    /// Directus's identifier of the project (`KEY`, default none); taken so that an `.env` file works, used for nothing.
    pub key: Option<Secret<String>>,
    /// What the secrets of providers in the database are sealed with (`GATEWIT_SEALING_KEY`, default none: a key derived
    /// from `SECRET`). With one of its own, `SECRET` can change without their having to be written again.
    pub sealing: Option<Secret<String>>,
}

pub(super) const SETTINGS: &[Setting] = &[
    Setting::new("SECRET", "keys.secret", |c, v| put(&mut c.keys.secret, secret(v))).secret(),
    Setting::new("GATEWIT_PREVIOUS_SECRETS", "keys.previous", |c, v| put(&mut c.keys.previous, previous(v))).secret(),
    Setting::new("KEY", "keys.key", |c, v| put(&mut c.keys.key, secret(v))).secret(),
    Setting::new("GATEWIT_SEALING_KEY", "keys.sealing", |c, v| put(&mut c.keys.sealing, secret(v))).secret(),
];

/// Secrets: a list, or one text with a secret on each line. A comma belongs to a secret: to cut there would make keys of its
/// pieces, which somebody may guess.
fn previous(value: &Value) -> Result<Vec<Secret<String>>, Refusal> {
    let parts: Vec<Value> = match value {
        Value::List(parts) => parts.clone(),
        Value::Text(text) => text.lines().map(|line| Value::Text(line.trim().to_owned())).collect(),
        other => vec![other.clone()],
    };
    let mut found = Vec::new();
    for part in &parts {
        found.extend(secret(part)?);
    }
    if found.len() > PREVIOUS_MAX {
        return Err(Refusal::new(format!(
            "holds more than {PREVIOUS_MAX} secrets; leave out those whose tokens are over"
        )));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::cast::cast;

    #[test]
    fn previous_secrets_are_a_list() {
        let of = |raw: &str| {
            let found = previous(&cast("GATEWIT_PREVIOUS_SECRETS", raw));
            found.map(|found| found.iter().map(|secret| secret.expose().clone()).collect::<Vec<_>>())
        };
        assert_eq!(of(""), Ok(vec![]));
        assert_eq!(of("one"), Ok(vec!["one".to_owned()]));
        assert_eq!(of("one, and all\r\ntwo\n\n"), Ok(vec!["one, and all".to_owned(), "two".to_owned()]));
        assert_eq!(of("json:[\"o,ne\", \"two\"]"), Ok(vec!["o,ne".to_owned(), "two".to_owned()]));
        assert!(of(&"x\n".repeat(9)).is_err());
        assert!(of("json:{}").is_err());
    }
}
