//! Providers from variables and from the file.

use expect_test::expect;
use serde_json::json;

use super::super::*;
use super::{errors, from_environment, from_toml, pair, sources, warnings};

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
    let [okta, ldap] = config.auth.providers.as_slice() else { panic!("{:?}", config.auth.providers) };
    assert_eq!((okta.name.as_str(), okta.driver.as_str(), okta.label.as_deref()), ("okta", "openid", Some("Okta")));
    assert_eq!((okta.icon.as_deref(), okta.mode), (None, ProviderMode::Session));
    let settings: Vec<_> = okta.settings.iter().map(pair).collect();
    assert_eq!(
        settings,
        [
            ("client.tlsOptions", json!({"x": 1})),
            ("clientId", json!(123)),
            ("clientSecret", json!("/secret")),
            ("roleMapping", json!({"a": "b", "c": "d"})),
        ]
    );
    assert_eq!(okta.settings[2].written, "AUTH_OKTA_CLIENT_SECRET_FILE");
    assert_eq!((ldap.name.as_str(), ldap.driver.as_str(), ldap.mode), ("ldap_two", "ldap", ProviderMode::Cookie));
    assert_eq!(ldap.settings.iter().map(pair).collect::<Vec<_>>(), [("bindDn", json!("cn=a,dc=b"))]);
}

#[test]
fn what_was_written_counts_and_not_what_it_looks_like() {
    let toml =
        "[[auth.providers]]\nname = \"ad\"\ndriver = \"ldap\"\nclient_id = 7\nclient_secret_file = \"/digits\"\n";
    let (config, _) = Config::from_sources(&sources(
        &[("AUTH_PROVIDERS", "ad"), ("AUTH_AD_PORT", "389"), ("AUTH_AD_SCOPE", "a,b")],
        "",
        toml,
    ))
    .unwrap();
    let text = |text: &str| Ok(Some(Cast::Text(text.to_owned())));
    let [id, secret, port, scope] = config.auth.providers[0].settings.as_slice() else { panic!("four settings") };
    assert_eq!(id.read(Kind::Text, false), text("7"));
    assert_eq!(secret.read(Kind::Text, true), text("0123456789,0123456789,0123456789"));
    assert_eq!(port.read(Kind::Text, false), text("389"));
    assert_eq!(scope.read(Kind::Text, false), text("a,b"));
    assert_eq!(id.read(Kind::Url, false), Err(r#"gatewit.toml: auth.providers "ad": client_id: 7 is not an address; write for example https://id.example.com"#.to_owned()));
}

#[test]
fn variables_of_a_provider_lie_over_the_file() {
    let toml = "[[auth.providers]]\nname = \"okta\"\ndriver = \"openid\"\nclient_id = \"a\"\nparams = { x_y = 1 }\n\
                client_secret_file = \"/digits\"\n[[auth.providers]]\nname = \"ad\"\ndriver = \"ldap\"\n";
    let (config, _) = Config::from_sources(&sources(&[("AUTH_OKTA_CLIENT_ID", "b")], "", toml)).unwrap();
    let okta = &config.auth.providers[0];
    assert_eq!(config.auth.providers.len(), 2);
    assert_eq!(pair(&okta.settings[0]), ("clientId", json!("b")));
    assert_eq!(pair(&okta.settings[1]), ("clientSecret", json!("0123456789,0123456789,0123456789")));
    assert_eq!(pair(&okta.settings[2]), ("params", json!({"x_y": 1})));
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
    assert!(config.auth.providers[0].settings.is_empty());
    assert_eq!(pair(&config.auth.providers[1].settings[0]), ("clientSecret", json!("x")));
}

#[test]
fn a_preset_lies_below_what_is_set() {
    let (config, _) = from_environment(&[
        ("AUTH_PROVIDERS", "corp"),
        ("AUTH_CORP_PRESET", "keycloak"),
        ("AUTH_CORP_DOMAIN", "id.example.com"),
        ("AUTH_CORP_REALM", "main"),
        ("AUTH_CORP_LABEL", "Work"),
        ("AUTH_CORP_CLIENT_ID", "gatewit"),
    ])
    .unwrap();
    let corp = &config.auth.providers[0];
    assert_eq!(
        (corp.driver.as_str(), corp.label.as_deref(), corp.icon.as_deref()),
        ("openid", Some("Work"), Some("lock"))
    );
    let settings: Vec<_> = corp.settings.iter().map(pair).collect();
    let issuer = json!("https://id.example.com/realms/main");
    assert_eq!(settings, [("clientId", json!("gatewit")), ("issuerUrl", issuer)]);
    let told = from_environment(&[("AUTH_PROVIDERS", "corp"), ("AUTH_CORP_PRESET", "okta")]).unwrap_err().to_string();
    assert!(told.contains("AUTH_CORP_PRESET: the preset needs \"domain\", too"), "{told}");
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
