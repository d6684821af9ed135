//! `[front]`: standing in front of other applications, behind nginx, Caddy or Traefik (`/gatewit/forward-auth`) or as their
//! reverse proxy (`[upstream]`).
//!
//! Invariant: a browser is sent back to origins that are listed here, and to no other. Deliberately absent: whom to believe
//! about a client's address, which `IP_TRUST_PROXY` says for everything.

use super::cast::Value;
use super::cors::{AllowedOrigin, origins};
use super::decode::{optional_text, text};
use super::error::Refusal;
use super::server::is_token;
use super::setting::{Setting, put};

/// What the names of headers about who is signed in begin with by default.
pub(crate) const IDENTITY_PREFIX: &str = "X-Gatewit-";

/// Standing in front of other applications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Front {
    /// Where browsers sign in (`GATEWIT_SIGN_IN_URL`, default: `admin/login` below `PUBLIC_URL`). They come with
    /// `?redirect=`.
    pub sign_in_url: Option<String>,
    /// Origins of applications that browsers may be sent back to (`GATEWIT_RETURN_ORIGINS`, default: none).
    pub return_origins: Vec<AllowedOrigin>,
    /// What the names of headers about who is signed in begin with (`GATEWIT_IDENTITY_PREFIX`, default `X-Gatewit-`).
    pub identity_prefix: String,
}

impl Default for Front {
    fn default() -> Self {
        Self { sign_in_url: None, return_origins: Vec::new(), identity_prefix: IDENTITY_PREFIX.to_owned() }
    }
}

pub(super) const SETTINGS: &[Setting] = &[
    Setting::new("GATEWIT_SIGN_IN_URL", "front.sign_in_url", |c, v| put(&mut c.front.sign_in_url, sign_in_url(v)))
        .text(),
    Setting::new("GATEWIT_RETURN_ORIGINS", "front.return_origins", |c, v| put(&mut c.front.return_origins, origins(v))),
    Setting::new("GATEWIT_IDENTITY_PREFIX", "front.identity_prefix", |c, v| {
        put(&mut c.front.identity_prefix, identity_prefix(v))
    })
    .text(),
];

/// A path, or an address of a page.
fn sign_in_url(value: &Value) -> Result<Option<String>, Refusal> {
    let wrong = || Refusal::new("is not where people sign in; write for example https://auth.example.com/admin/login");
    let Some(text) = optional_text(value)? else { return Ok(None) };
    let is_path = text.starts_with('/') && !text.starts_with("//");
    let is_address = url::Url::parse(&text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    let is_plain = text.chars().all(|letter| letter.is_ascii_graphic() && letter != '\\' && letter != '#');
    if is_plain && (is_path || is_address) { Ok(Some(text)) } else { Err(wrong()) }
}

/// The beginning of names of headers. `X-Forwarded-` is what proxies say of themselves, and others are somebody's, too.
fn identity_prefix(value: &Value) -> Result<String, Refusal> {
    let prefix = text(value)?;
    let folded = prefix.to_ascii_lowercase();
    let is_name = is_token(&prefix) && prefix.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-');
    if !is_name || !prefix.ends_with('-') {
        return Err(Refusal::new("is not how names of headers begin; write for example X-Gatewit- or Remote-"));
    }
    let is_taken = ["x-forwarded-", "sec-", "content-", "access-control-", "if-", "accept-", "proxy-"];
    if folded == "x-" || is_taken.iter().any(|taken| folded.starts_with(taken)) {
        return Err(Refusal::new("is how names of other headers begin; write for example X-Gatewit- or Remote-"));
    }
    Ok(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::cast::cast;

    #[test]
    fn people_sign_in_at_a_path_or_an_address() {
        let of = |raw: &str| sign_in_url(&cast("GATEWIT_SIGN_IN_URL", raw));
        assert_eq!(of(""), Ok(None));
        for good in ["/admin/login", "https://auth.example.com/admin/login?a=b"] {
            assert_eq!(of(good), Ok(Some(good.to_owned())));
        }
        for bad in ["//evil.example", "auth.example.com", "javascript:alert(1)", "/a b", "/a#b", "/\\evil.example"] {
            assert!(of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn headers_of_others_are_not_taken() {
        let of = |raw: &str| identity_prefix(&cast("GATEWIT_IDENTITY_PREFIX", raw));
        for good in ["X-Gatewit-", "Remote-", "X-Auth-Request-"] {
            assert_eq!(of(good), Ok(good.to_owned()));
        }
        for bad in ["", "X-", "X-Forwarded-", "Remote", "Remote_", "X User-", "Sec-", "Content-", "a:b-"] {
            assert!(of(bad).is_err(), "{bad}");
        }
    }
}
