//! Whose name a token has to bear: the provider's own, or that of one of its tenants.
//!
//! Microsoft's endpoints for several tenants (`common`, `organizations`, `consumers`) call themselves
//! `https://login.microsoftonline.com/{tenantid}/v2.0`, and each token names the tenant of its person in `tid`. Anybody can
//! have a tenant there, so nobody is believed but the tenants that the operator named, and where none is named, nobody is.

use crate::{
    Refusal,
    refusal::{mismatch, missing},
    text::shown,
};
use alloc::{format, string::String, vec::Vec};
use serde_json::{Map, Value};

/// Where the tenant stands in the name.
pub(crate) const PLACE: &str = "{tenantid}";

/// The claim with the tenant.
const TENANT: &str = "tid";

/// A provider's name of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    written: String,
    tenants: Vec<String>,
}

impl Issuer {
    /// By the discovery document, and by the setting `allowed-tenants`.
    pub fn new(written: String, tenants: Vec<String>) -> Result<Self, Refusal> {
        if written.contains(PLACE) && tenants.is_empty() {
            return Err(Refusal::Misconfigured(format!(
                "the issuer `{}` is of many tenants; name those whose people may come in `allowed-tenants`",
                shown(&written)
            )));
        }
        Ok(Self { written, tenants })
    }

    /// As the discovery document has it.
    #[must_use]
    pub fn written(&self) -> &str {
        &self.written
    }

    /// The name, unless each tenant has its own.
    #[must_use]
    pub fn only(&self) -> Option<&str> {
        if self.written.contains(PLACE) { None } else { Some(&self.written) }
    }

    /// Whether a name is the provider's, or that of a tenant that may come. For answers that tell nothing of a tenant.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        match self.only() {
            Some(only) => only == name,
            None => self.tenants.iter().any(|tenant| of_tenant(&self.written, tenant) == name),
        }
    }

    /// Whether the claims of a token, whose signature was verified, are by this provider and for a tenant that may come.
    pub fn check(&self, what: &str, claims: &Map<String, Value>) -> Result<(), Refusal> {
        let found =
            claims.get("iss").and_then(Value::as_str).ok_or_else(|| missing(&format!("`iss` of the {what}")))?;
        let tenant = claims.get(TENANT).and_then(Value::as_str);
        let expected = match (self.only(), tenant) {
            (Some(only), _) => String::from(only),
            (None, Some(tenant)) => of_tenant(&self.written, tenant),
            (None, None) => return Err(missing(&format!("`{TENANT}` of the {what}"))),
        };
        if found != expected {
            return Err(mismatch(&format!("`iss` of the {what}"), found, &expected));
        }
        if self.tenants.is_empty() {
            return Ok(());
        }
        match tenant {
            Some(tenant) if self.tenants.iter().any(|known| known.eq_ignore_ascii_case(tenant)) => Ok(()),
            Some(tenant) => Err(mismatch(&format!("`{TENANT}` of the {what}"), tenant, "one of `allowed-tenants`")),
            None => Err(missing(&format!("`{TENANT}` of the {what}"))),
        }
    }
}

/// The name of one tenant.
fn of_tenant(written: &str, tenant: &str) -> String {
    written.replacen(PLACE, tenant, 1)
}

/// Whether a key that says whose it is (`issuer` in Microsoft's sets of keys) is of the issuer of the claims.
pub(crate) fn owns(key_issuer: &str, claims: &Map<String, Value>) -> bool {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    text("iss").is_some_and(|issuer| issuer == of_tenant(key_issuer, text(TENANT).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;
    use serde_json::json;

    const MANY: &str = "https://op/{tenantid}/v2.0";

    fn check(issuer: &Issuer, claims: &Value) -> Result<(), String> {
        issuer.check("ID token", claims.as_object().unwrap()).map_err(|refusal| refusal.to_string())
    }

    fn of(written: &str, tenants: &[&str]) -> Issuer {
        Issuer::new(written.into(), tenants.iter().map(ToString::to_string).collect()).unwrap()
    }

    #[test]
    fn many_tenants_need_names() {
        let refusal = Issuer::new(MANY.into(), Vec::new()).unwrap_err();
        assert!(matches!(&refusal, Refusal::Misconfigured(text) if text.contains("allowed-tenants")), "{refusal}");
        assert_eq!(of(MANY, &["a"]).only(), None);
        assert_eq!(of("https://op", &[]).only(), Some("https://op"));
    }

    #[test]
    fn the_tenant_of_the_token_is_in_its_issuer_and_may_come() {
        let issuer = of(MANY, &["a", "b"]);
        assert_eq!(check(&issuer, &json!({"iss": "https://op/a/v2.0", "tid": "a"})), Ok(()));
        assert_eq!(check(&issuer, &json!({"iss": "https://op/A/v2.0", "tid": "A"})), Ok(()));
        for (claims, why) in [
            (json!({"iss": "https://op/c/v2.0", "tid": "c"}), "`tid` of the ID token is `c`, expected `one of"),
            (json!({"iss": "https://op/c/v2.0", "tid": "a"}), "`iss` of the ID token is `https://op/c/v2.0`, expected"),
            (json!({"iss": MANY, "tid": "a"}), "`iss` of the ID token is"),
            (json!({"iss": MANY, "tid": "{tenantid}"}), "`tid` of the ID token is `{tenantid}`"),
            (json!({"iss": "https://op/a/v2.0"}), "`tid` of the ID token is missing"),
            (json!({"iss": "https://op/a/v2.0", "tid": ["a"]}), "`tid` of the ID token is missing"),
            (json!({"tid": "a"}), "`iss` of the ID token is missing"),
        ] {
            let refusal = check(&issuer, &claims).unwrap_err();
            assert!(refusal.starts_with(why), "{claims}: {refusal}");
        }
    }

    #[test]
    fn one_issuer_may_be_restricted_to_tenants_too() {
        assert_eq!(check(&of("https://op", &[]), &json!({"iss": "https://op", "tid": "x"})), Ok(()));
        let issuer = of("https://op", &["a"]);
        assert_eq!(check(&issuer, &json!({"iss": "https://op", "tid": "a"})), Ok(()));
        assert!(check(&issuer, &json!({"iss": "https://op", "tid": "x"})).is_err());
        assert!(check(&issuer, &json!({"iss": "https://op"})).is_err());
    }

    #[test]
    fn names_without_a_token_are_those_of_tenants_that_may_come() {
        let issuer = of(MANY, &["a"]);
        assert!(issuer.is("https://op/a/v2.0"));
        assert!(!issuer.is("https://op/b/v2.0") && !issuer.is(MANY));
        assert!(of("https://op", &[]).is("https://op") && !of("https://op", &[]).is("https://op/"));
    }

    #[test]
    fn a_key_of_one_tenant_signs_for_no_other() {
        let claims = json!({"iss": "https://op/a/v2.0", "tid": "a"});
        let claims = claims.as_object().unwrap();
        assert!(owns(MANY, claims) && owns("https://op/a/v2.0", claims));
        assert!(!owns("https://op/b/v2.0", claims) && !owns("https://op", claims));
        assert!(!owns("https://op", &Map::new()));
    }

    proptest! {
        #[test]
        fn whatever_a_token_says_only_named_tenants_come(iss: String, tid: String) {
            let made = json!({"iss": of_tenant(MANY, &tid), "tid": tid});
            prop_assert_eq!(check(&of(MANY, &["a"]), &made).is_ok(), tid.eq_ignore_ascii_case("a"));
            let other = json!({"iss": iss, "tid": tid});
            prop_assert!(check(&of(MANY, &["a"]), &other).is_err());
        }
    }
}
