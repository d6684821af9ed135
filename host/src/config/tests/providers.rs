//! Providers from variables and from the file.

use expect_test::expect;
use serde_json::json;

use super::super::*;
use super::{errors, from_environment, from_toml, sources, warnings};

#[test]
fn providers_come_from_the_environment() {
    let (config, warnings) = from_environment(&[
        ("AUTH_PROVIDERS", "okta, ldap_two,none"),
        ("AUTH_OKTA_DRIVER", "openid"),
        ("AUTH_OKTA_LABEL", "Okta"),
        ("AUTH_OKTA_CLIENT_ID", "123"),
        ("AUTH_OKTA_CLIENT_SECRET_FILE", "/secret"),
        ("AUTH_OKTA_ROLE_MAPPING", r#"json:{"a":"b","c":"d"}"#),
        ("AUTH_OKTA_CLIENT__TLS_OPTIONS", "json:{\"x\":1}"),
        ("AUTH_LDAP_TWO_DRIVER", "ldap"),
        ("AUTH_LDAP_TWO_MODE", "cookie"),
        ("AUTH_LDAP_TWO_BIND_DN", "cn=a,dc=b"),
        ("AUTH_NONE_LABEL", "No driver"),
        ("AUTH_OTHER_CLIENT_SECRET_FILE", "/none"),
    ])
    .unwrap();
    let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings, [r#"provider "none" is left out because it has no driver; set its DRIVER"#]);
    let pair = |key: &str, value| (key.to_owned(), value);
    let okta = Provider {
        name: "okta".to_owned(),
        driver: "openid".to_owned(),
        label: Some("Okta".to_owned()),
        icon: None,
        mode: ProviderMode::Session,
        settings: vec![
            pair("client.tlsOptions", json!({"x": 1})),
            pair("clientId", json!(123)),
            pair("clientSecret", json!("/secret")),
            pair("roleMapping", json!({"a": "b", "c": "d"})),
        ],
    };
    let ldap = Provider {
        name: "ldap_two".to_owned(),
        driver: "ldap".to_owned(),
        label: None,
        icon: None,
        mode: ProviderMode::Cookie,
        settings: vec![pair("bindDn", json!("cn=a,dc=b"))],
    };
    assert_eq!(config.auth.providers, [okta, ldap]);
}

#[test]
fn variables_of_a_provider_lie_over_the_file() {
    let toml = "[[auth.providers]]\nname = \"okta\"\ndriver = \"openid\"\nclient_id = \"a\"\nparams = { x_y = 1 }\n\
                client_secret_file = \"/digits\"\n[[auth.providers]]\nname = \"ad\"\ndriver = \"ldap\"\n";
    let (config, _) = Config::from_sources(&sources(&[("AUTH_OKTA_CLIENT_ID", "b")], "", toml)).unwrap();
    let okta = &config.auth.providers[0];
    assert_eq!(config.auth.providers.len(), 2);
    assert_eq!(okta.settings[0], ("clientId".to_owned(), json!("b")));
    assert_eq!(okta.settings[1], ("clientSecret".to_owned(), json!("0123456789,0123456789,0123456789")));
    assert_eq!(okta.settings[2], ("params".to_owned(), json!({"x_y": 1})));
    warnings(
        Config::from_sources(&sources(&[("AUTH_PROVIDERS", "okta")], "", toml)),
        &expect![[r#"provider "ad" is left out because AUTH_PROVIDERS does not name it"#]],
    );
}

#[test]
fn a_driver_is_not_handed_the_settings_of_another_provider() {
    let (config, _) = from_environment(&[
        ("AUTH_PROVIDERS", "okta,okta_dev"),
        ("AUTH_OKTA_DRIVER", "openid"),
        ("AUTH_OKTA_DEV_DRIVER", "openid"),
        ("AUTH_OKTA_DEV_CLIENT_SECRET", "x"),
    ])
    .unwrap();
    assert_eq!(config.auth.providers[0].settings, []);
    assert_eq!(config.auth.providers[1].settings, [("clientSecret".to_owned(), json!("x"))]);
}

#[test]
fn names_of_providers_are_checked() {
    errors(
        from_environment(&[("AUTH_PROVIDERS", "default,a/b,okta,OKTA,..")]),
        &expect![[r#"
            AUTH_PROVIDERS: "default" is the name of the built-in provider; choose another
            AUTH_PROVIDERS: "a/b" is not a name; write letters, digits, - and _
            AUTH_PROVIDERS: "OKTA" is there twice; upper and lower case do not differ
            AUTH_PROVIDERS: ".." is not a name; write letters, digits, - and _"#]],
    );
    errors(
        from_toml("[auth]\nproviders = [1, { driver = \"ldap\" }]"),
        &expect![[r#"
            gatewit.toml: auth.providers[0] is not a table; write [[auth.providers]]
            gatewit.toml: auth.providers[1] has no name; write name = "…""#]],
    );
}
