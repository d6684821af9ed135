//! Ready-made settings of well-known providers: `AUTH_<PROVIDER>_PRESET=github`.
//!
//! They are data, and nothing that an operator writes is overridden by them. Absent: anything secret, and any code for one
//! provider.

use std::sync::LazyLock;

use toml::{Table, Value};

/// What is known, by preset and setting.
static PRESETS: LazyLock<Table> = LazyLock::new(|| include_str!("presets.toml").parse().unwrap_or_default());

/// The settings of a preset in `snake_case`, with what `given` knows in place of the names in braces.
///
/// # Errors
/// There is no such preset, or a setting is missing that it needs; what to do, for people.
pub(super) fn settings(
    preset: &str,
    given: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<(&'static str, Value)>, String> {
    let Some(known) = PRESETS.get(preset).and_then(Value::as_table) else {
        let names: Vec<_> = PRESETS.keys().map(String::as_str).collect();
        return Err(format!("there is no preset {preset:?}; there are {}", names.join(", ")));
    };
    let filled = known.iter().map(|(name, value)| {
        let value = match value {
            Value::String(text) => Value::String(fill(text, given)?),
            other => other.clone(),
        };
        Ok((name.as_str(), value))
    });
    filled.collect()
}

fn fill(text: &str, given: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let Some((before, rest)) = text.split_once('{') else { return Ok(text.to_owned()) };
    let Some((name, after)) = rest.split_once('}') else { return Ok(text.to_owned()) };
    let value =
        given(name).filter(|value| !value.is_empty()).ok_or_else(|| format!("the preset needs {name:?}, too"))?;
    let whole = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_' | ':' | '/');
    if !value.chars().all(whole) || value.contains("//") {
        return Err(format!("{name:?} is {value:?}; write it without scheme, query and spaces"));
    }
    Ok(format!("{before}{value}{}", fill(after, given)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_whole() {
        let given = |name: &str| Some(format!("x-{name}.example"));
        for name in PRESETS.keys() {
            let settings = settings(name, &given).unwrap();
            let text =
                |key: &str| settings.iter().find(|(found, _)| *found == key).and_then(|(_, value)| value.as_str());
            assert!(text("label").is_some() && text("icon").is_some(), "{name}");
            let addresses: &[&str] = match text("driver") {
                Some("openid") => &["issuer_url"],
                Some("oauth2") => &["authorize_url", "access_url", "profile_url", "identifier_key", "email_key"],
                other => panic!("{name}: {other:?}"),
            };
            for address in addresses {
                let value = text(address).unwrap_or_else(|| panic!("{name} has no {address}"));
                assert!(
                    !address.ends_with("_url") || url::Url::parse(value).unwrap().scheme() == "https",
                    "{name}: {value}"
                );
            }
        }
        let wanted = [
            "google", "github", "gitlab", "entra", "okta", "keycloak", "auth0", "apple", "discord", "linkedin",
            "facebook",
        ];
        assert!(wanted.iter().all(|name| PRESETS.contains_key(*name)));
        assert_eq!(PRESETS.len(), wanted.len());
    }

    /// What each fills in. A change here is a change of what is publicly documented of a provider.
    #[test]
    fn each_preset_fills_in_what_its_provider_documents() {
        let given = |name: &str| Some(format!("my-{name}"));
        let mut lines = Vec::new();
        for name in PRESETS.keys() {
            let told = |(key, value): (&str, Value)| match (key, value) {
                ("label" | "icon", _) => None,
                (key, Value::String(text)) => Some(format!("{key}={text}")),
                (key, other) => Some(format!("{key}={}", other.to_string().trim())),
            };
            let mut settings: Vec<_> = settings(name, &given).unwrap().into_iter().filter_map(told).collect();
            settings.sort();
            lines.push(format!("{name}: {}", settings.join(" | ")));
        }
        expect_test::expect![[r#"
            apple: client_token_endpoint_auth_method=client_secret_post | driver=openid | issuer_url=https://appleid.apple.com | params={ response_mode = "form_post" } | scope=openid name email
            auth0: driver=openid | issuer_url=https://my-domain/
            discord: access_url=https://discord.com/api/oauth2/token | authorize_url=https://discord.com/oauth2/authorize | driver=oauth2 | email_key=email | first_name_key=global_name | identifier_key=id | profile_url=https://discord.com/api/users/@me | scope=identify email
            entra: driver=openid | issuer_url=https://login.microsoftonline.com/my-tenant/v2.0
            facebook: access_url=https://graph.facebook.com/v24.0/oauth/access_token | authorize_url=https://www.facebook.com/v24.0/dialog/oauth | client_token_endpoint_auth_method=client_secret_post | driver=oauth2 | email_key=email | first_name_key=first_name | identifier_key=id | last_name_key=last_name | profile_url=https://graph.facebook.com/v24.0/me?fields=id,first_name,last_name,email | scope=public_profile email
            github: access_url=https://github.com/login/oauth/access_token | authorize_url=https://github.com/login/oauth/authorize | driver=oauth2 | email_key=email | first_name_key=name | identifier_key=id | profile_url=https://api.github.com/user | scope=read:user user:email
            gitlab: driver=openid | issuer_url=https://gitlab.com
            google: driver=openid | issuer_url=https://accounts.google.com
            keycloak: driver=openid | issuer_url=https://my-domain/realms/my-realm
            linkedin: client_token_endpoint_auth_method=client_secret_post | driver=openid | issuer_url=https://www.linkedin.com/oauth | no_code_challenge=true | nonce_is_optional=true
            okta: driver=openid | issuer_url=https://my-domain
        "#]]
        .assert_eq(&(lines.join("\n") + "\n"));
    }

    #[test]
    fn what_a_preset_needs_is_said() {
        let nothing = |_: &str| None;
        assert!(settings("okta", &nothing).unwrap_err().contains("domain"));
        assert!(settings("nope", &nothing).unwrap_err().contains("github"));
        let evil = |_: &str| Some("https://evil.example/?".to_owned());
        assert!(settings("okta", &evil).is_err());
    }

    #[test]
    fn two_names_are_filled() {
        let given = |name: &str| Some(if name == "realm" { "main".to_owned() } else { "id.example:8443".to_owned() });
        let settings = settings("keycloak", &given).unwrap();
        let issuer = settings.iter().find(|(name, _)| *name == "issuer_url").unwrap();
        assert_eq!(issuer.1.as_str(), Some("https://id.example:8443/realms/main"));
    }
}
