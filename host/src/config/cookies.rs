//! `[cookies]`: the refresh cookie and the session cookie.
//!
//! Both are always `HttpOnly` with `Path=/`, so neither is a setting.

use super::cast::Value;
use super::decode::{one_of, optional_text, text};
use super::error::Refusal;
use super::server::is_token;
use super::setting::{Setting, put};

/// The two cookies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookies {
    /// Holds the refresh token in the mode `cookie` (`REFRESH_TOKEN_COOKIE_…`).
    pub refresh: Cookie,
    /// Holds the access token in the mode `session` (`SESSION_COOKIE_…`).
    pub session: Cookie,
}

/// One cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookie {
    /// `…_NAME`; defaults `directus_refresh_token`, `directus_session_token`.
    pub name: String,
    /// `…_DOMAIN`; default none: only the host that set it.
    pub domain: Option<String>,
    /// `…_SECURE`; default false. Everything that JavaScript takes for true counts, as `string:false` does.
    pub secure: bool,
    /// `…_SAME_SITE`; default `lax`. `true` and everything that JavaScript takes for false mean `Strict`.
    pub same_site: SameSite,
}

/// The `SameSite` attribute (RFC 6265bis §5.6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// Never sent from other sites.
    Strict,
    /// Sent from other sites when the person follows a link.
    Lax,
    /// Always sent; browsers want `Secure` with it.
    None,
}

impl Cookie {
    fn named(name: &str) -> Self {
        Self { name: name.to_owned(), domain: None, secure: false, same_site: SameSite::Lax }
    }
}

impl Default for Cookies {
    fn default() -> Self {
        Self { refresh: Cookie::named("directus_refresh_token"), session: Cookie::named("directus_session_token") }
    }
}

pub(super) const SETTINGS: &[Setting] = &[
    Setting::new("REFRESH_TOKEN_COOKIE_NAME", "cookies.refresh.name", |c, v| put(&mut c.cookies.refresh.name, name(v)))
        .text(),
    Setting::new("REFRESH_TOKEN_COOKIE_DOMAIN", "cookies.refresh.domain", |c, v| {
        put(&mut c.cookies.refresh.domain, domain(v))
    }),
    Setting::new("REFRESH_TOKEN_COOKIE_SECURE", "cookies.refresh.secure", |c, v| {
        put(&mut c.cookies.refresh.secure, Ok(v.is_truthy()))
    }),
    Setting::new("REFRESH_TOKEN_COOKIE_SAME_SITE", "cookies.refresh.same_site", |c, v| {
        put(&mut c.cookies.refresh.same_site, same_site(v))
    }),
    Setting::new("SESSION_COOKIE_NAME", "cookies.session.name", |c, v| put(&mut c.cookies.session.name, name(v)))
        .text(),
    Setting::new("SESSION_COOKIE_DOMAIN", "cookies.session.domain", |c, v| {
        put(&mut c.cookies.session.domain, domain(v))
    }),
    Setting::new("SESSION_COOKIE_SECURE", "cookies.session.secure", |c, v| {
        put(&mut c.cookies.session.secure, Ok(v.is_truthy()))
    }),
    Setting::new("SESSION_COOKIE_SAME_SITE", "cookies.session.same_site", |c, v| {
        put(&mut c.cookies.session.same_site, same_site(v))
    }),
];

/// A name is a token (RFC 6265 §4.1.1): anything else breaks the header.
fn name(value: &Value) -> Result<String, Refusal> {
    let name = text(value)?;
    if !is_token(&name) {
        return Err(Refusal::new("is not the name of a cookie; write letters, digits, - and _"));
    }
    Ok(name)
}

fn domain(value: &Value) -> Result<Option<String>, Refusal> {
    let domain = optional_text(value)?;
    let fits = |domain: &str| domain.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    if domain.as_deref().is_some_and(|domain| !fits(domain)) {
        return Err(Refusal::new("is not a domain; write for example example.com"));
    }
    Ok(domain)
}

fn same_site(value: &Value) -> Result<SameSite, Refusal> {
    if !value.is_truthy() || *value == Value::Boolean(true) {
        return Ok(SameSite::Strict);
    }
    one_of(value, &[("strict", SameSite::Strict), ("lax", SameSite::Lax), ("none", SameSite::None)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::cast::cast;

    #[test]
    fn same_site_follows_javascript() {
        for (raw, expected) in [
            ("lax", SameSite::Lax),
            ("Strict", SameSite::Strict),
            ("NONE", SameSite::None),
            ("true", SameSite::Strict),
            ("false", SameSite::Strict),
            ("0", SameSite::Strict),
            ("", SameSite::Strict),
            ("null", SameSite::Strict),
        ] {
            assert_eq!(same_site(&cast("ANY", raw)), Ok(expected), "{raw}");
        }
        for raw in ["loose", "1", "string:true", "a,b"] {
            assert!(same_site(&cast("ANY", raw)).is_err(), "{raw}");
        }
    }

    #[test]
    fn secure_follows_javascript() {
        for (raw, expected) in [
            ("true", true),
            ("1", true),
            ("string:false", true),
            ("yes", true),
            ("a,b", true),
            ("array:", true),
            ("false", false),
            ("0", false),
            ("", false),
            ("null", false),
            ("number:x", false),
        ] {
            assert_eq!(cast("SESSION_COOKIE_SECURE", raw).is_truthy(), expected, "{raw}");
        }
    }

    #[test]
    fn what_would_break_the_header_is_refused() {
        assert_eq!(name(&cast("SESSION_COOKIE_NAME", "sid")), Ok("sid".to_owned()));
        assert_eq!(name(&cast("SESSION_COOKIE_NAME", "123")), Ok("123".to_owned()));
        assert_eq!(domain(&cast("ANY", ".example.com")), Ok(Some(".example.com".to_owned())));
        assert_eq!(domain(&cast("ANY", "")), Ok(None));
        for raw in ["a b", "a=b", "a;b", "é", ""] {
            assert!(name(&cast("SESSION_COOKIE_NAME", raw)).is_err(), "{raw}");
        }
        assert!(domain(&cast("ANY", "example.com; Secure")).is_err());
    }
}
