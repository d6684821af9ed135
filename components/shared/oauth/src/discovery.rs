//! A provider's own description (OpenID Connect Discovery 1.0; RFC 8414).
//!
//! Every address in it decides where secrets are sent, so it is believed only if the provider says that it is the one that
//! the operator named (section 4.3), and no address in it is less protected than the description itself.

use crate::{
    issuer::PLACE,
    text::{is_encrypted, is_web_address, shown},
};
use alloc::{
    format,
    string::{String, ToString},
};
use gatewit_jose::strict;
use serde_json::{Map, Value};

/// The folder in which the document is (RFC 8615).
const FOLDER: &str = "/.well-known/";

/// Where it is in there.
const DOCUMENT: &str = "openid-configuration";

/// What we need to know of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// Its name of itself; compared letter by letter from here on.
    pub issuer: String,
    /// Where the browser goes.
    pub authorization_endpoint: String,
    /// Where codes are redeemed.
    pub token_endpoint: String,
    /// Where its public keys are.
    pub jwks_uri: String,
    /// Where more is said of a person.
    pub userinfo_endpoint: Option<String>,
    /// Where the browser goes to sign out.
    pub end_session_endpoint: Option<String>,
    /// Whether its answers to the browser always say whose they are (RFC 9207).
    pub names_itself: bool,
}

/// Where the document is, by the setting `issuer-url`: an issuer, or the document itself.
#[must_use]
pub fn address(issuer_url: &str) -> String {
    if issuer_url.contains(FOLDER) {
        return issuer_url.into();
    }
    format!("{}{FOLDER}{DOCUMENT}", issuer_url.trim_end_matches('/'))
}

/// Reads the document. An error says what is wrong with it.
pub fn metadata(body: &[u8], issuer_url: &str) -> Result<Metadata, String> {
    let members = strict::object(body).ok_or("the discovery document is no JSON object of members that occur once")?;
    let text = |name: &str| match members.get(name) {
        Some(Value::String(text)) => Ok(text.clone()),
        _ => Err(format!("the discovery document has no `{name}`")),
    };
    let issuer = text("issuer")?;
    is_the_one(&issuer, issuer_url)?;
    offers_codes(&members)?;
    let endpoint = |name: &str| text(name).and_then(|url| usable(name, url, issuer_url));
    let optional = |name: &str| match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(_) => endpoint(name).map(Some),
    };
    Ok(Metadata {
        authorization_endpoint: endpoint("authorization_endpoint")?,
        token_endpoint: endpoint("token_endpoint")?,
        jwks_uri: endpoint("jwks_uri")?,
        userinfo_endpoint: optional("userinfo_endpoint")?,
        end_session_endpoint: optional("end_session_endpoint")?,
        names_itself: members.get("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true)),
        issuer,
    })
}

/// The provider must be the one that the operator named (section 4.3). A slash at the end of what the operator wrote, or
/// none, is no other provider; everything that comes later is compared with what the provider wrote.
fn is_the_one(issuer: &str, issuer_url: &str) -> Result<(), String> {
    let expected = issuer_url.split_once(FOLDER).map_or(issuer_url, |(issuer, _)| issuer);
    let bare = |url: &str| url.strip_suffix('/').unwrap_or(url).to_string();
    // With one tenant in its place, the name of many is an address as any other.
    let named = issuer.replacen(PLACE, "tenant", 1);
    if !is_web_address(&named) || named.contains('?') {
        return Err(format!("`issuer` of the discovery document, `{}`, is no web address", shown(issuer)));
    }
    if bare(issuer) == bare(expected) || is_of_all_tenants(&bare(issuer), &bare(expected)) {
        return Ok(());
    }
    Err(format!("`issuer` of the discovery document is `{}`, expected `{}`", shown(issuer), shown(expected)))
}

/// Whether a name of many tenants is that of the endpoint for all of them, which the operator named: one folder stands where
/// a tenant would (`…/common/v2.0` for `…/{tenantid}/v2.0`).
fn is_of_all_tenants(issuer: &str, expected: &str) -> bool {
    let Some((before, after)) = issuer.split_once(PLACE) else { return false };
    let folder = expected.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    let is_a_folder = folder.is_some_and(|folder| !folder.is_empty() && !folder.contains('/'));
    // Never a part of the host.
    let is_behind_the_host = before.ends_with('/') && is_web_address(before);
    is_a_folder && is_behind_the_host && (after.is_empty() || after.starts_with('/'))
}

fn offers_codes(members: &Map<String, Value>) -> Result<(), String> {
    match members.get("response_types_supported") {
        Some(Value::Array(types)) if types.iter().any(|kind| kind == "code") => Ok(()),
        _ => Err("`response_types_supported` of the discovery document does not list `code`".into()),
    }
}

/// An address that may be used: one of the web, and encrypted where the document is.
fn usable(name: &str, url: String, issuer_url: &str) -> Result<String, String> {
    if !is_web_address(&url) {
        return Err(format!("`{name}` of the discovery document, `{}`, is no web address", shown(&url)));
    }
    if is_encrypted(issuer_url) && !is_encrypted(&url) {
        return Err(format!("`{name}` of the discovery document, `{}`, is not encrypted", shown(&url)));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use expect_test::expect;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn the_document_is_found_by_issuer_or_named() {
        for (setting, expected) in [
            ("https://op", "https://op/.well-known/openid-configuration"),
            ("https://op/", "https://op/.well-known/openid-configuration"),
            ("https://op/realms/a", "https://op/realms/a/.well-known/openid-configuration"),
            ("https://op/.well-known/openid-configuration", "https://op/.well-known/openid-configuration"),
            (
                "https://op/.well-known/oauth-authorization-server/a",
                "https://op/.well-known/oauth-authorization-server/a",
            ),
        ] {
            assert_eq!(address(setting), expected);
        }
    }

    fn document() -> Value {
        json!({
            "issuer": "https://op",
            "authorization_endpoint": "https://op/auth",
            "token_endpoint": "https://op/token",
            "jwks_uri": "https://keys.op/jwks",
            "userinfo_endpoint": "https://op/me",
            "response_types_supported": ["code", "id_token"],
            "authorization_response_iss_parameter_supported": true,
        })
    }

    fn with(member: &str, value: Value) -> Result<Metadata, String> {
        let mut document = document();
        document[member] = value;
        metadata(document.to_string().as_bytes(), "https://op/.well-known/openid-configuration")
    }

    #[test]
    fn a_provider_is_read() {
        let metadata = metadata(document().to_string().as_bytes(), "https://op/").unwrap();
        assert_eq!(metadata.issuer, "https://op");
        assert_eq!(metadata.jwks_uri, "https://keys.op/jwks");
        assert_eq!(metadata.userinfo_endpoint.as_deref(), Some("https://op/me"));
        assert_eq!(metadata.end_session_endpoint, None);
        assert!(metadata.names_itself);
    }

    #[test]
    fn what_must_not_be_believed_is_named() {
        let errors: Vec<_> = [
            ("issuer", json!("https://evil")),
            ("issuer", json!("https://OP")),
            ("issuer", json!("https://op?x")),
            ("issuer", json!(["https://op"])),
            ("token_endpoint", json!("http://op/token")),
            ("token_endpoint", json!("file:///etc/passwd")),
            ("token_endpoint", json!("https://op@evil/token")),
            ("token_endpoint", json!(null)),
            ("jwks_uri", json!("")),
            ("userinfo_endpoint", json!(1)),
            ("end_session_endpoint", json!("javascript:alert(1)")),
            ("response_types_supported", json!(["code id_token", "id_token"])),
            ("response_types_supported", json!("code")),
        ]
        .map(|(member, value)| with(member, value).unwrap_err())
        .into();
        expect![[r#"
            [
                "`issuer` of the discovery document is `https://evil`, expected `https://op`",
                "`issuer` of the discovery document is `https://OP`, expected `https://op`",
                "`issuer` of the discovery document, `https://op?x`, is no web address",
                "the discovery document has no `issuer`",
                "`token_endpoint` of the discovery document, `http://op/token`, is not encrypted",
                "`token_endpoint` of the discovery document, `file:///etc/passwd`, is no web address",
                "`token_endpoint` of the discovery document, `https://op@evil/token`, is no web address",
                "the discovery document has no `token_endpoint`",
                "`jwks_uri` of the discovery document, ``, is no web address",
                "the discovery document has no `userinfo_endpoint`",
                "`end_session_endpoint` of the discovery document, `javascript:alert(1)`, is no web address",
                "`response_types_supported` of the discovery document does not list `code`",
                "`response_types_supported` of the discovery document does not list `code`",
            ]
        "#]]
        .assert_debug_eq(&errors);
    }

    #[test]
    fn the_endpoint_for_all_tenants_has_their_place_in_its_name() {
        let read = |issuer: &str, setting: &str| {
            let mut document = document();
            document["issuer"] = json!(issuer);
            metadata(document.to_string().as_bytes(), setting).map(|metadata| metadata.issuer)
        };
        let many = "https://op/{tenantid}/v2.0";
        for setting in ["https://op/common/v2.0", "https://op/organizations/v2.0/"] {
            assert_eq!(read(many, setting).as_deref(), Ok(many));
        }
        for (issuer, setting) in [
            (many, "https://op/v2.0"),
            (many, "https://op//v2.0"),
            (many, "https://op/a/b/v2.0"),
            (many, "https://evil/common/v2.0"),
            (many, "https://op/common/v1.0"),
            ("https://{tenantid}/v2.0", "https://op/v2.0"),
            ("https://{tenantid}.op/v2.0", "https://a.op/v2.0"),
            ("https://op/x{tenantid}/v2.0", "https://op/xa/v2.0"),
            ("https://op/{tenantid}x/v2.0", "https://op/ax/v2.0"),
            ("https://op/{tenantid}/{tenantid}", "https://op/a/{tenantid}"),
            ("https://op/{tenant}/v2.0", "https://op/common/v2.0"),
        ] {
            assert!(read(issuer, setting).is_err(), "{issuer} {setting}");
        }
    }

    #[test]
    fn html_is_no_document() {
        assert!(metadata(b"<html>", "https://op").is_err());
    }

    proptest! {
        #[test]
        fn any_document_is_judged(body: Vec<u8>, setting: String, endpoint: String) {
            let _ = metadata(&body, &setting);
            let _ = address(&setting);
            if let Ok(metadata) = with("token_endpoint", json!(endpoint)) {
                prop_assert!(metadata.token_endpoint.starts_with("https://") || metadata.token_endpoint.starts_with("HTTPS://"));
            }
        }
    }
}
