//! Who is asking, and the headers that say so to an application.
//!
//! Applications behind CGI and its heirs (WSGI, Rack, PHP) see names of headers in capitals with `_` for whatever is no letter
//! and no digit, so `X_Gatewit.User` is `X-Gatewit-User` to them. Invariant: no header that could be taken for one of ours is
//! passed on, whatever its spelling. Deliberately absent: names of roles, which whoever may edit a role can change.

use super::super::{refusal::Refusal, service::Exchange, token::Presented};
use crate::{
    bindings::auth::gatewit::auth::types::Reason,
    capability::storage::{Columns, Field, Seen, Value},
    config::front::IDENTITY_PREFIX,
    gatewit::broken,
};
use hyper::{
    HeaderMap,
    header::{HeaderName, HeaderValue, InvalidHeaderName},
};

/// Somebody who is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) user: String,
    pub(crate) email: Option<String>,
    pub(crate) role: Option<String>,
    pub(crate) admin: bool,
}

/// Who is asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Nobody in particular: no token, or one that is good for nothing.
    Nobody,
    /// Somebody who has to set up a second factor first, and may do nothing else.
    Unfinished,
    /// Somebody.
    Somebody(Identity),
}

/// The names of the headers.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    user: HeaderName,
    email: HeaderName,
    role: HeaderName,
    admin: HeaderName,
    /// What names begin with that nobody else may send, as CGI would read them: the configured one, and always our own.
    reserved: [String; 2],
}

impl Names {
    /// `prefix` is what the names begin with.
    pub(crate) fn new(prefix: &str) -> Result<Self, InvalidHeaderName> {
        let name = |end: &str| HeaderName::from_bytes(format!("{prefix}{end}").as_bytes());
        Ok(Self {
            user: name("User")?,
            email: name("Email")?,
            role: name("Role")?,
            admin: name("Admin")?,
            reserved: [prefix, IDENTITY_PREFIX].map(|prefix| folded(prefix).collect()),
        })
    }

    /// Whether an application could take a header for one of these.
    pub(crate) fn reserve(&self, name: &str) -> bool {
        self.reserved.iter().any(|prefix| begins(name, prefix))
    }

    /// Tells an application who somebody is. What is not known is not told.
    pub(crate) fn tell(&self, headers: &mut HeaderMap, identity: &Identity) {
        let said = self.said(identity).into_iter().filter_map(|(name, value)| Some((name.clone(), value?)));
        headers.extend(said);
    }

    /// The same where a proxy copies what it is told: every header, empty where there is nothing to tell, so that it never
    /// leaves the client's in place.
    pub(crate) fn copied(&self, identity: Option<&Identity>) -> Vec<(HeaderName, HeaderValue)> {
        let said = identity.map(|identity| self.said(identity));
        let none = [&self.user, &self.email, &self.role, &self.admin].map(|name| (name, None));
        let all = said.unwrap_or(none).into_iter();
        all.map(|(name, value)| (name.clone(), value.unwrap_or(HeaderValue::from_static("")))).collect()
    }

    fn said(&self, identity: &Identity) -> [(&HeaderName, Option<HeaderValue>); 4] {
        let value = |text: &str| HeaderValue::from_bytes(text.as_bytes()).ok();
        let admin = HeaderValue::from_static(if identity.admin { "true" } else { "false" });
        [
            (&self.user, value(&identity.user)),
            (&self.email, identity.email.as_deref().and_then(value)),
            (&self.role, identity.role.as_deref().and_then(value)),
            (&self.admin, Some(admin)),
        ]
    }
}

/// A name as CGI makes one of it (RFC 3875, section 4.1.18), and servers that are more thorough.
fn folded(name: &str) -> impl Iterator<Item = char> {
    name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' })
}

/// Whether a name begins so, as CGI would read it. `prefix` is folded already.
pub(super) fn begins(name: &str, prefix: &str) -> bool {
    name.len() >= prefix.len() && folded(name).zip(prefix.chars()).all(|(one, other)| one == other)
}

impl Exchange<'_> {
    /// Who presents a token, in one sandbox, and their address in the account.
    ///
    /// # Errors
    /// It could not be found out.
    pub(super) async fn who(&self, presented: Option<&Presented>) -> Result<Who, Refusal> {
        let refused = |reason| Refusal::of(reason, self.now);
        let Some(presented) = presented else { return Ok(Who::Nobody) };
        let mut rules = self.rules().await.map_err(refused)?;
        let principal = match rules.authenticate(&presented.token, &self.client).await {
            Err(error) => return Err(refused(broken(&error))),
            Ok(Err(reason)) if is_outage(&reason) => return Err(refused(reason)),
            Ok(Err(_)) => return Ok(Who::Nobody),
            Ok(Ok(principal)) => principal,
        };
        drop(rules);
        if principal.must_set_up {
            return Ok(Who::Unfinished);
        }
        // A share is nobody: whoever has its link.
        let Some(user) = principal.user else { return Ok(Who::Nobody) };
        let columns = Columns::Only(vec!["email".to_owned()]);
        let fields =
            self.server.store().user_columns(&user, &columns, &mut Seen::default()).await.map_err(|error| {
                tracing::error!(error = &error as &dyn std::error::Error, "the store failed");
                refused(Reason::Internal)
            })?;
        let Some(fields) = fields else { return Ok(Who::Nobody) };
        let email = fields.into_iter().find_map(text);
        Ok(Who::Somebody(Identity { user, email, role: principal.role, admin: principal.admin }))
    }
}

fn text(field: Field) -> Option<String> {
    match field.value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// Whether nothing is known because something does not work: then nobody is let through as nobody, either.
fn is_outage(reason: &Reason) -> bool {
    matches!(reason, Reason::Unavailable(_) | Reason::Overloaded(_) | Reason::Internal | Reason::Other(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity { user: "1".into(), email: Some("ä@example.com".into()), role: None, admin: true }
    }

    #[test]
    fn every_spelling_is_reserved() {
        let names = Names::new("Remote-").unwrap();
        for name in [
            "x-gatewit-user",
            "x_gatewit_user",
            "x.gatewit-user",
            "x-gatewit_anything",
            "X-Gatewit-User",
            "remote_user",
        ] {
            assert!(names.reserve(name), "{name}");
        }
        for name in ["x-gatewi", "x-gatewits", "gatewit-user", "remoteuser", "x-remote-user", "user"] {
            assert!(!names.reserve(name), "{name}");
        }
    }

    #[test]
    fn what_is_known_is_told() {
        let names = Names::new("X-Gatewit-").unwrap();
        let mut headers = HeaderMap::new();
        names.tell(&mut headers, &identity());
        assert_eq!(headers.len(), 3);
        assert_eq!(headers["x-gatewit-user"], "1");
        assert_eq!(headers["x-gatewit-email"].as_bytes(), "ä@example.com".as_bytes());
        assert_eq!(headers["x-gatewit-admin"], "true");
    }

    #[test]
    fn what_is_copied_leaves_no_gap() {
        let names = Names::new("X-Gatewit-").unwrap();
        let all = |identity: Option<&Identity>| {
            let copied = names.copied(identity).into_iter();
            copied.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect::<Vec<_>>()
        };
        assert_eq!(all(None).len(), 4);
        assert!(all(None).iter().all(|(_, value)| value.is_empty()));
        let known = all(Some(&identity()));
        assert_eq!(known[2], ("x-gatewit-role".to_owned(), Vec::new()));
        assert_eq!(known[0], ("x-gatewit-user".to_owned(), b"1".to_vec()));
    }

    #[test]
    fn an_address_that_no_header_may_carry_is_left_out() {
        let names = Names::new("X-Gatewit-").unwrap();
        let mut headers = HeaderMap::new();
        names.tell(&mut headers, &Identity { email: Some("a\r\nX-Gatewit-Admin: true".into()), ..identity() });
        assert!(!headers.contains_key("x-gatewit-email"));
    }
}
