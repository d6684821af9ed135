//! What operators write of a provider, and what each reader gets.

use super::*;
use crate::{Config, Secret, capability::http::OwnProxy, config::Sources};

fn declared(name: &str, kind: about::Kind) -> about::Setting {
    let (name, help) = (name.to_owned(), String::new());
    about::Setting { name, kind, default: None, required: false, secret: false, help }
}

fn description() -> Description {
    let settings = vec![
        about::Setting { required: true, ..declared("client-id", about::Kind::Text) },
        about::Setting { secret: true, ..declared("client-secret", about::Kind::Text) },
        about::Setting { default: Some("openid,email".into()), ..declared("scope", about::Kind::Text) },
        declared("params", about::Kind::Json),
        declared("issuer-url", about::Kind::Document),
        declared("profile-url", about::Kind::Url),
        declared("plain", about::Kind::Boolean),
        declared("client-private-keys", about::Kind::Keys),
        declared("group-claim-name", about::Kind::Text),
        declared("idp-metadata", about::Kind::Text),
        declared("idp-metadata-url", about::Kind::Url),
    ];
    Description { name: "openid".into(), fields: vec![], settings }
}

fn read_from(variables: &[(&str, &str)]) -> Result<Read, Vec<String>> {
    let own = variables.iter().map(|(name, value)| (format!("AUTH_A_{name}"), (*value).to_owned()));
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let environment = own.chain([pair("AUTH_PROVIDERS", "a"), pair("AUTH_A_DRIVER", "openid")]).collect();
    let (config, _) = Config::from_sources(&Sources { environment, ..Sources::default() }).unwrap();
    read(&config.auth.providers[0], &description())
}

fn problems(variables: &[(&str, &str)]) -> Vec<String> {
    read_from(variables).err().unwrap_or_default()
}

#[test]
fn a_driver_gets_the_kinds_that_it_declares() {
    let read = read_from(&[
        ("CLIENT_ID", "12345"),
        ("CLIENT_SECRET", "true"),
        ("PARAMS", r#"{"a":"x","b":"y"}"#),
        ("PLAIN", "1"),
        ("ISSUER_URL", "https://id.example.com"),
        ("PROFILE_URL", "https://api.example.com/me"),
    ])
    .unwrap();
    let text = |name: &str| match &read.driver[name] {
        Value::Text(text) | Value::Json(text) => text.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!((text("client-id"), text("client-secret")), ("12345".into(), "true".into()));
    assert_eq!((text("params"), text("scope")), (r#"{"a":"x","b":"y"}"#.into(), "openid,email".into()));
    assert!(matches!(read.driver["plain"], Value::Boolean(true)));
    assert_eq!(read.own.documents, [Url::parse("https://id.example.com").unwrap()]);
    assert_eq!(read.own.urls, [Url::parse("https://api.example.com/me").unwrap()]);
    assert_eq!(read.warnings, [""; 0]);
}

#[test]
fn what_is_wrong_is_told_all_at_once_and_by_name() {
    let told = problems(&[("PARAMS", "{"), ("PLAIN", "yes"), ("ISSUER_URL", "id.example.com")]);
    assert_eq!(told.len(), 4, "{told:?}");
    assert_eq!(told[0], r#"AUTH_A_CLIENT_ID: is missing; the provider "a" of the driver "openid" needs it"#);
    assert!(told[1].starts_with(r#"AUTH_A_PARAMS: "{" is not JSON; write"#), "{told:?}");
    assert!(told[2].starts_with(r#"AUTH_A_ISSUER_URL: "id.example.com" is not an address"#), "{told:?}");
    assert!(
        told[3].starts_with(r#"AUTH_A_PLAIN: "yes" is neither"#) || told[3].starts_with("AUTH_A_PLAIN:"),
        "{told:?}"
    );
}

#[test]
fn keys_reach_no_component_and_are_not_told() {
    let key = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}"#;
    let read = read_from(&[("CLIENT_ID", "x"), ("CLIENT_PRIVATE_KEYS", &format!("[{key}]"))]).unwrap();
    assert!(read.keys.contains_key("client-private-keys") && !read.driver.contains_key("client-private-keys"));
    let told = problems(&[("CLIENT_ID", "x"), ("CLIENT_PRIVATE_KEYS", r#"{"kty":"oct","k":"aHVzaA"}"#)]);
    assert!(told[0].starts_with("AUTH_A_CLIENT_PRIVATE_KEYS: holds no private key"), "{told:?}");
    assert!(!told[0].contains("aHVzaA"), "{told:?}");
}

#[test]
fn a_pass_phrase_opens_a_key_and_goes_nowhere() {
    let sealed = include_str!("../../../../tests/fixtures/saml/keys/sp.key.sealed.pem");
    let key = ("CLIENT_PRIVATE_KEYS", sealed);
    let read =
        read_from(&[("CLIENT_ID", "x"), key, ("CLIENT_PRIVATE_KEYS_PASS", "the pass phrase of the tests")]).unwrap();
    assert!(read.keys.contains_key("client-private-keys") && read.warnings.is_empty(), "{:?}", read.warnings);
    assert!(!read.driver.keys().chain(read.rules.keys()).any(|name| name.ends_with("-pass")));
    let told = problems(&[("CLIENT_ID", "x"), key]);
    assert!(told[0].starts_with("AUTH_A_CLIENT_PRIVATE_KEYS: ") && told[0].contains("`_PASS`"), "{told:?}");
    let told = problems(&[("CLIENT_ID", "x"), key, ("CLIENT_PRIVATE_KEYS_PASS", "hush")]);
    assert!(told[0].contains("the pass phrase does not open it") && !told[0].contains("hush"), "{told:?}");
    // A driver that asks for the pass phrase by its name does not get it either.
    let asks = Description {
        settings: vec![declared("keys", about::Kind::Keys), declared("keys-pass", about::Kind::Text)],
        ..description()
    };
    let environment = [("AUTH_PROVIDERS", "a"), ("AUTH_A_DRIVER", "openid"), ("AUTH_A_KEYS_PASS", "hush")];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let (config, _) = Config::from_sources(&Sources { environment, ..Sources::default() }).unwrap();
    assert!(super::read(&config.auth.providers[0], &asks).unwrap().driver.is_empty());
}

#[test]
fn the_rules_get_theirs() {
    let read = read_from(&[
        ("CLIENT_ID", "x"),
        ("ROLE_MAPPING", r#"json:{"b":"1","a":"2"}"#),
        ("POLICY_MAPPING", r#"{"a":["1","2"],"b":"3"}"#),
        ("REDIRECT_ALLOW_LIST", "https://a.example/x,https://b.example/y"),
        ("GROUP_CLAIM_NAME", "roles"),
        ("LOGIN_TIMEOUT", "90s"),
    ])
    .unwrap();
    assert!(matches!(&read.rules["role-mapping"], Value::Json(json) if json == r#"{"b":"1","a":"2"}"#), "in order");
    assert!(matches!(&read.rules["redirect-allow-list"], Value::List(list) if list.len() == 2));
    assert!(matches!(read.rules["login-timeout-ms"], Value::Number(90_000.0)));
    for settings in [&read.rules, &read.driver] {
        assert!(matches!(&settings["group-claim-name"], Value::Text(name) if name == "roles"), "both read it");
    }
    assert!(!read.driver.contains_key("role-mapping"));
    let read = read_from(&[("CLIENT_ID", "x")]).unwrap();
    assert!(matches!(read.rules["login-timeout-ms"], Value::Number(300_000.0)));
}

#[test]
fn a_mapping_is_an_object() {
    for (name, value) in
        [("ROLE_MAPPING", r#"["a"]"#), ("ROLE_MAPPING", r#"{"a":["1"]}"#), ("POLICY_MAPPING", r#"{"a":[1]}"#)]
    {
        let told = problems(&[("CLIENT_ID", "x"), (name, value)]);
        assert!(told.len() == 1 && told[0].starts_with(&format!("AUTH_A_{name}: ")), "{told:?}");
    }
}

#[test]
fn an_unknown_setting_is_a_warning_with_the_nearest_name() {
    let read = read_from(&[("CLIENT_ID", "x"), ("CLIENT_SECRETT", "y"), ("REDIRECT_ALOW_LIST", "z")]).unwrap();
    let told = |name: &str, near: &str| {
        format!("AUTH_A_{name}: the driver \"openid\" has no setting of this name; did you mean {near}?")
    };
    let expected = [told("CLIENT_SECRETT", "CLIENT_SECRET"), told("REDIRECT_ALOW_LIST", "REDIRECT_ALLOW_LIST")];
    assert_eq!(read.warnings, expected);
}

#[test]
fn the_connection_is_the_hosts() {
    let read = read_from(&[
        ("CLIENT_ID", "x"),
        ("CLIENT_HTTP_PROXY", "proxy.example:3128"),
        ("CLIENT_HTTP_NO_PROXY", "a.example"),
        ("CLIENT_HTTP_TIMEOUT", "2500"),
        ("CLIENT_HTTP_CA", "PEM"),
    ])
    .unwrap();
    let OwnProxy { proxy, no_proxy } = &read.own.proxy;
    assert_eq!(*proxy, Choice::This(Secret::new("http://proxy.example:3128/".to_owned())));
    assert_eq!(no_proxy.as_deref(), Some(&["a.example".to_owned()][..]));
    assert_eq!(read.own.timeout, Some(Duration::from_millis(2500)));
    assert_eq!(read.own.tls.authorities.as_ref().unwrap().written, "AUTH_A_CLIENT_HTTP_CA");
    assert!(read.driver.keys().all(|name| !name.starts_with("client-http")) && read.warnings.is_empty());
    let told = problems(&[("CLIENT_ID", "x"), ("CLIENT_HTTP_PROXY", "socks5://user:hush@a")]);
    assert!(told[0].starts_with("AUTH_A_CLIENT_HTTP_PROXY: the value is not the URL of a proxy"), "{told:?}");
    assert!(!told[0].contains("hush"));
}

#[test]
fn so_are_the_options_of_directuss_ldap_client() {
    let read = read_from(&[
        ("CLIENT_ID", "x"),
        ("CLIENT__CONNECT_TIMEOUT", "500"),
        ("CLIENT__TIMEOUT", "2s"),
        ("CLIENT__TLS_OPTIONS__CA", "PEM"),
        ("CLIENT__TLS_OPTIONS__REJECT_UNAUTHORIZED", "true"),
    ])
    .unwrap();
    assert_eq!(read.own.connect_timeout, Some(Duration::from_millis(500)));
    assert_eq!(read.own.timeout, Some(Duration::from_secs(2)));
    assert_eq!(read.own.tls.authorities.as_ref().unwrap().written, "AUTH_A_CLIENT__TLS_OPTIONS__CA");
    assert_eq!(read.warnings, [""; 0]);
    let told = problems(&[("CLIENT_ID", "x"), ("CLIENT__TLS_OPTIONS__REJECT_UNAUTHORIZED", "false")]);
    assert!(told[0].contains("certificates are always looked at"), "{told:?}");
}

#[test]
fn addresses_and_sockets_are_the_drivers_to_reach() {
    let own = |name: &str, kind, value: &str| {
        let description = Description { settings: vec![declared(name, kind)], ..description() };
        let variable = format!("AUTH_A_{}", upper_case(name));
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let environment = [pair("AUTH_PROVIDERS", "a"), pair("AUTH_A_DRIVER", "openid"), pair(&variable, value)].into();
        let (config, _) = Config::from_sources(&Sources { environment, ..Sources::default() }).unwrap();
        read(&config.auth.providers[0], &description).map(|read| read.own)
    };
    let urls = own("client-url", about::Kind::Urls, "ldaps://a,ldap://b:1389").unwrap().urls;
    assert_eq!(urls.iter().map(Url::as_str).collect::<Vec<_>>(), ["ldaps://a", "ldap://b:1389"]);
    let sockets = own("client.socket-path", about::Kind::Socket, "/run/ldapi").unwrap().sockets;
    assert_eq!(sockets, ["/run/ldapi"]);
    assert!(own("client-url", about::Kind::Urls, "ldap:/nowhere").is_err());
}

#[test]
fn a_document_may_be_written_by_its_address() {
    let read = |value: &str| read_from(&[("CLIENT_ID", "x"), ("IDP_metadata", value)]).unwrap();
    let by_address = read("https://idp.example.com/metadata");
    assert!(by_address.driver.contains_key("idp-metadata-url") && !by_address.driver.contains_key("idp-metadata"));
    assert_eq!(by_address.own.urls, [Url::parse("https://idp.example.com/metadata").unwrap()]);
    let written = read("<EntityDescriptor/>");
    assert!(written.driver.contains_key("idp-metadata") && written.own.urls.is_empty());
}

#[test]
fn names_of_settings_become_kebab_case() {
    assert_eq!(kebab_case("clientId"), "client-id");
    assert_eq!(kebab_case("client.tlsOptions"), "client.tls-options");
    assert_eq!(upper_case("client.tls-options"), "CLIENT__TLS_OPTIONS");
}
