//! `[client]`: the server that commands such as `gatewit session` talk to, and what they show it.

use super::cast::Value;
use super::decode::{optional_text, secret};
use super::error::Refusal;
use super::setting::{Setting, put};
use crate::Secret;

/// The way of the command line to a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// Where the server is (`GATEWIT_URL`, default: where these settings say that it listens).
    pub url: Option<String>,
    /// Token of an administrator (`GATEWIT_TOKEN`, default: `ADMIN_TOKEN`).
    pub token: Option<Secret<String>>,
}

pub(super) const SETTINGS: &[Setting] = &[
    Setting::new("GATEWIT_URL", "client.url", |c, v| put(&mut c.client.url, url(v))).text(),
    Setting::new("GATEWIT_TOKEN", "client.token", |c, v| put(&mut c.client.token, secret(v))).secret(),
];

/// The address of a server, without a slash at its end.
fn url(value: &Value) -> Result<Option<String>, Refusal> {
    let Some(text) = optional_text(value)? else { return Ok(None) };
    if !text.starts_with("http://") && !text.starts_with("https://") {
        return Err(Refusal::new("is not the address of a server; write for example https://auth.example.com"));
    }
    Ok(Some(text.trim_end_matches('/').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::cast::cast;

    #[test]
    fn a_server_is_named_by_its_address() {
        let of = |raw: &str| url(&cast("GATEWIT_URL", raw));
        assert_eq!(of(""), Ok(None));
        assert_eq!(of("https://auth.example.com/"), Ok(Some("https://auth.example.com".to_owned())));
        assert_eq!(of("http://127.0.0.1:8055/below"), Ok(Some("http://127.0.0.1:8055/below".to_owned())));
        assert!(of("auth.example.com").is_err());
    }
}
