//! The settings of one provider, each in the kind that its reader asks for: the driver, the rules, or the host itself.
//!
//! Nothing here knows a driver: what it reads is what it declares. Invariant: keys and what belongs to the connection reach
//! no component.

use crate::{
    bindings::{
        auth::gatewit::config::settings::Value,
        driver::exports::gatewit::driver::about::{self, Description},
    },
    capability::{
        http::{Choice, Own, OwnTls, Pem},
        keys::{ProviderKeys, private},
    },
    config::{Cast, Kind, Provider, ProviderSetting, hint, outbound},
};
use serde_json::Value as Json;
use std::{collections::HashMap, time::Duration};
use url::Url;

/// The settings of the rules, the same for all drivers.
const RULES: [(&str, Kind); 11] = [
    ("allow-public-registration", Kind::Boolean),
    ("require-verified-email", Kind::Boolean),
    ("default-role-id", Kind::Text),
    ("role-mapping", Kind::Json),
    ("policy-mapping", Kind::Json),
    ("group-claim-name", Kind::Text),
    ("sync-user-info", Kind::Boolean),
    ("redirect-allow-list", Kind::List),
    ("cookie-secure", Kind::Boolean),
    ("login-timeout", Kind::Duration),
    ("link-verified-email", Kind::Boolean),
];

/// Those of the connection, the same for all drivers that have one.
const CONNECTION: [&str; 6] = [
    "client-http-proxy",
    "client-http-no-proxy",
    "client-http-timeout",
    "client-http-ca",
    "client-http-cert",
    "client-http-key",
];

/// How long a person may be away at the provider (Directus's default).
const LOGIN_TIMEOUT: &str = "5m";

/// Everything that is set of a provider, sorted by who reads it.
#[derive(Default)]
pub(super) struct Read {
    pub(super) driver: HashMap<String, Value>,
    pub(super) rules: HashMap<String, Value>,
    pub(super) keys: ProviderKeys,
    pub(super) own: Own,
    pub(super) warnings: Vec<String>,
}

/// Reads the settings of a provider whose driver describes itself so. All problems at once.
pub(super) fn read(provider: &Provider, description: &Description) -> Result<Read, Vec<String>> {
    let mut reader = Reader { provider, read: Read::default(), problems: Vec::new() };
    for setting in &description.settings {
        reader.of_driver(setting);
    }
    for (name, kind) in RULES {
        reader.of_rules(name, kind);
    }
    reader.of_connection();
    reader.unknown(description);
    if reader.problems.is_empty() { Ok(reader.read) } else { Err(reader.problems) }
}

struct Reader<'a> {
    provider: &'a Provider,
    read: Read,
    problems: Vec<String>,
}

impl<'a> Reader<'a> {
    fn find(&self, name: &str) -> Option<&'a ProviderSetting> {
        self.provider.settings.iter().find(|setting| kebab_case(&setting.name) == name)
    }

    fn keep<T>(&mut self, read: Result<T, String>) -> Option<T> {
        read.map_err(|problem| self.problems.push(problem)).ok()
    }

    fn of_driver(&mut self, declared: &about::Setting) {
        let kind = match declared.kind {
            about::Kind::Boolean => Kind::Boolean,
            about::Kind::Number => Kind::Number,
            about::Kind::Text => Kind::Text,
            about::Kind::List => Kind::List,
            about::Kind::Json | about::Kind::Keys => Kind::Json,
            about::Kind::Url | about::Kind::Document => Kind::Url,
        };
        let default = declared.default.as_deref().map(|raw| ProviderSetting::of(&declared.name, raw));
        let is_secret = declared.secret || declared.kind == about::Kind::Keys;
        let written = self.find(&declared.name);
        let read = written.map_or(Ok(None), |setting| setting.read(kind, is_secret));
        let Some(mut value) = self.keep(read) else { return };
        if value.is_none() {
            value = self.keep(default.map_or(Ok(None), |setting| setting.read(kind, is_secret))).flatten();
        }
        match value {
            Some(value) => self.give(declared, value),
            None if declared.required => {
                let (provider, driver) = (&self.provider.name, &self.provider.driver);
                let (variable, help) = (self.variable(&declared.name), &declared.help);
                let needed =
                    format!("{variable}: is missing; the provider {provider:?} of the driver {driver:?} needs it");
                self.problems.push(if help.is_empty() { needed } else { format!("{needed}: {help}") });
            }
            None => {}
        }
    }

    fn give(&mut self, declared: &about::Setting, value: Cast) {
        match (declared.kind, &value) {
            (about::Kind::Keys, Cast::Json(keys)) => {
                let written =
                    self.find(&declared.name).map_or(declared.name.clone(), |setting| setting.written.clone());
                let key = private::first(keys).map_err(|denied| {
                    format!("{written}: holds no private key that can be used: {denied}; write a JWK, an array or a set of them")
                });
                let key = self.keep(key);
                self.read.keys.extend(key.map(|key| (declared.name.clone(), key)));
                return;
            }
            (about::Kind::Url, Cast::Text(text)) => self.read.own.urls.extend(Url::parse(text)),
            (about::Kind::Document, Cast::Text(text)) => self.read.own.documents.extend(Url::parse(text)),
            _ => {}
        }
        self.read.driver.insert(declared.name.clone(), told(value));
    }

    fn of_rules(&mut self, name: &str, kind: Kind) {
        let default = || (name == "login-timeout").then(|| ProviderSetting::of(name, LOGIN_TIMEOUT));
        let written = self.find(name);
        let read = written.map_or(Ok(None), |setting| setting.read(kind, false));
        let value = match self.keep(read).flatten() {
            Some(value) => Some(value),
            None => default().and_then(|setting| setting.read(kind, false).ok().flatten()),
        };
        let Some(value) = value else { return };
        if let (Some(setting), Cast::Json(mapping)) = (written, &value)
            && !is_mapping(mapping, name == "policy-mapping")
        {
            let expected = r#"is not an object; write for example json:{"group":"8cd6fc64-…"}"#;
            self.problems.push(format!("{}: {mapping} {expected}", setting.written));
        }
        let name = if kind == Kind::Duration { format!("{name}-ms") } else { name.to_owned() };
        self.read.rules.insert(name, told(value));
    }

    fn of_connection(&mut self) {
        if let Some(setting) = self.find("client-http-proxy") {
            let proxy = outbound::proxy(setting.value()).map_err(|refusal| setting.refused(&refusal, true));
            self.read.own.proxy.proxy = self.keep(proxy).flatten().map_or(Choice::Direct, Choice::This);
        }
        if let Some(setting) = self.find("client-http-no-proxy") {
            let hosts = outbound::hosts(setting.value()).map_err(|refusal| setting.refused(&refusal, false));
            self.read.own.proxy.no_proxy = self.keep(hosts);
        }
        if let Some(setting) = self.find("client-http-timeout") {
            let read = self.keep(setting.read(Kind::Duration, false)).flatten();
            if let Some(Cast::Number(ms)) = read {
                self.read.own.timeout =
                    Duration::try_from_secs_f64(ms / 1000.0).ok().filter(|timeout| !timeout.is_zero());
            }
        }
        self.read.own.tls = OwnTls {
            authorities: self.pem("client-http-ca", false),
            certificate: self.pem("client-http-cert", false),
            key: self.pem("client-http-key", true),
        };
    }

    fn pem(&mut self, name: &str, is_secret: bool) -> Option<Pem> {
        let setting = self.find(name)?;
        match self.keep(setting.read(Kind::Text, is_secret)).flatten()? {
            Cast::Text(text) => Some(Pem { written: setting.written.clone(), text }),
            _ => None,
        }
    }

    /// Names that nobody reads, with the nearest one that somebody does.
    fn unknown(&mut self, description: &Description) {
        let declared = description.settings.iter().map(|setting| setting.name.as_str());
        let known: Vec<&str> = declared.chain(RULES.iter().map(|(name, _)| *name)).chain(CONNECTION).collect();
        let upper: Vec<String> = known.iter().map(|name| upper_case(name)).collect();
        for setting in &self.provider.settings {
            let name = kebab_case(&setting.name);
            if !known.contains(&name.as_str()) {
                let hint = hint(&upper_case(&name), upper.iter().map(String::as_str));
                let driver = &self.provider.driver;
                self.read
                    .warnings
                    .push(format!("{}: the driver {driver:?} has no setting of this name{hint}", setting.written));
            }
        }
    }

    fn variable(&self, name: &str) -> String {
        format!("AUTH_{}_{}", self.provider.name.to_uppercase(), upper_case(name))
    }
}

/// Groups with a role each, or with policies each.
fn is_mapping(mapping: &Json, is_of_lists: bool) -> bool {
    let is_list = |value: &Json| value.as_array().is_some_and(|items| items.iter().all(Json::is_string));
    let fits = |value: &Json| value.is_string() || (is_of_lists && is_list(value));
    mapping.as_object().is_some_and(|groups| groups.values().all(fits))
}

fn told(value: Cast) -> Value {
    match value {
        Cast::Boolean(truth) => Value::Boolean(truth),
        Cast::Number(number) => Value::Number(number),
        Cast::Text(text) => Value::Text(text),
        Cast::List(list) => Value::List(list),
        Cast::Json(json) => Value::Json(json.to_string()),
    }
}

/// `client.tlsOptions` → `client.tls-options`.
fn kebab_case(camel: &str) -> String {
    let mut kebab = String::with_capacity(camel.len() + 4);
    for letter in camel.chars() {
        if letter.is_ascii_uppercase() {
            kebab.push('-');
        }
        kebab.push(letter.to_ascii_lowercase());
    }
    kebab
}

/// `client.tls-options` → `CLIENT__TLS_OPTIONS`.
fn upper_case(kebab: &str) -> String {
    kebab.replace('.', "__").replace('-', "_").to_uppercase()
}

#[cfg(test)]
mod tests {
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
    fn names_of_settings_become_kebab_case() {
        assert_eq!(kebab_case("clientId"), "client-id");
        assert_eq!(kebab_case("client.tlsOptions"), "client.tls-options");
        assert_eq!(upper_case("client.tls-options"), "CLIENT__TLS_OPTIONS");
    }
}
