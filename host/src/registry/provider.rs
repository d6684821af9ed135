//! The settings of one provider, each in the kind that its reader asks for: the driver, the rules, or the host itself.
//!
//! Nothing here knows a driver: what it reads is what it declares. Invariant: keys, what opens them, and what belongs to the
//! connection reach no component.

use crate::{
    bindings::{
        auth::gatewit::config::settings::Value,
        driver::exports::gatewit::driver::about::{self, Description},
    },
    capability::{
        http::Choice,
        keys::{Denied, OwnKey, ProviderKeys, private},
        network::{
            Own,
            tls::{OwnTls, Pem},
        },
    },
    config::{Cast, Kind, Provider, ProviderSetting, hint, outbound},
};
use serde_json::Value as Json;
use std::{collections::HashMap, time::Duration};
use url::Url;

/// The settings of the rules, the same for all drivers.
const RULES: [(&str, Kind); 13] = [
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
    ("allow-idp-initiated", Kind::Boolean),
    ("group-dn", Kind::Text),
];

/// Those of the connection, the same for all drivers that have one.
const CONNECTION: [&str; 12] = [
    "client-http-proxy",
    "client-http-no-proxy",
    "client-http-timeout",
    "client-http-ca",
    "client-http-cert",
    "client-http-key",
    // As the options of Directus's LDAP client are called.
    "client.timeout",
    "client.connect-timeout",
    "client.tls-options.ca",
    "client.tls-options.cert",
    "client.tls-options.key",
    REJECTS,
];

/// Whether certificates are looked at. Always.
const REJECTS: &str = "client.tls-options.reject-unauthorized";

/// What is said of a provider itself, before its driver is known.
const OF_THE_PROVIDER: [&str; 5] = ["driver", "label", "icon", "mode", "preset"];

/// Whether no driver gets to read a setting of this name. Those of the rules are for drivers, too, if they declare them.
pub(crate) fn is_reserved(name: &str) -> bool {
    CONNECTION.contains(&name) || OF_THE_PROVIDER.contains(&name)
}

/// Reads the default of a setting in its kind.
///
/// # Errors
/// It cannot be read so.
pub(crate) fn read_default(setting: &about::Setting) -> Result<(), String> {
    let Some(default) = &setting.default else { return Ok(()) };
    ProviderSetting::of(&setting.name, default).read(kind_of(setting.kind), setting.secret).map(drop)
}

/// As what a setting is read.
fn kind_of(kind: about::Kind) -> Kind {
    match kind {
        about::Kind::Boolean => Kind::Boolean,
        about::Kind::Number => Kind::Number,
        about::Kind::Text | about::Kind::Socket => Kind::Text,
        about::Kind::List | about::Kind::Urls => Kind::List,
        about::Kind::Json | about::Kind::Keys => Kind::Json,
        about::Kind::Url | about::Kind::Document => Kind::Url,
    }
}

/// Behind the name of a setting with a key: what opens the key, as Directus's SAML library names it (`privateKeyPass`).
const PASS_PHRASE: &str = "-pass";

/// Whether a setting opens a key of the driver.
pub(super) fn is_pass_phrase(name: &str, declared: &[about::Setting]) -> bool {
    let is_key = |setting: &about::Setting| {
        setting.kind == about::Kind::Keys && Some(setting.name.as_str()) == name.strip_suffix(PASS_PHRASE)
    };
    declared.iter().any(is_key)
}

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
    let provider = &by_address(provider, description);
    let mut reader = Reader { provider, read: Read::default(), problems: Vec::new() };
    for setting in description.settings.iter().filter(|setting| !is_pass_phrase(&setting.name, &description.settings)) {
        reader.of_driver(setting);
    }
    for (name, kind) in RULES {
        reader.of_rules(name, kind);
    }
    reader.of_connection();
    reader.unknown(description);
    if reader.problems.is_empty() { Ok(reader.read) } else { Err(reader.problems) }
}

/// What can be written as it is or by its address is two settings for a driver, `document` and `document-url`, and one for people:
/// an address in the first is the second.
fn by_address(provider: &Provider, description: &Description) -> Provider {
    let mut provider = provider.clone();
    let declared = |name: &str| description.settings.iter().any(|setting| setting.name == name);
    for setting in &mut provider.settings {
        let address = format!("{}-url", kebab_case(&setting.name));
        let is_address = |text: String| text.starts_with("https://") || text.starts_with("http://");
        let text = match setting.read(Kind::Text, false) {
            Ok(Some(Cast::Text(text))) => Some(text),
            _ => None,
        };
        if declared(&kebab_case(&setting.name)) && declared(&address) && text.is_some_and(is_address) {
            setting.name = address;
        }
    }
    provider
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
        let is_pem = declared.kind == about::Kind::Keys && self.is_pem(&declared.name);
        let kind = if is_pem { Kind::Text } else { kind_of(declared.kind) };
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
            (about::Kind::Keys, Cast::Json(keys)) => return self.key(&declared.name, private::first(keys)),
            (about::Kind::Keys, Cast::Text(pem)) => {
                let pass_phrase = self.pass_phrase(&declared.name);
                return self.key(&declared.name, private::of_pem(pem, pass_phrase.as_deref()));
            }
            (about::Kind::Url, Cast::Text(text)) => self.read.own.urls.extend(Url::parse(text)),
            (about::Kind::Socket, Cast::Text(path)) => self.read.own.sockets.push(path.clone()),
            (about::Kind::Urls, Cast::List(texts)) => self.addresses(&declared.name, texts),
            (about::Kind::Document, Cast::Text(text)) => self.read.own.documents.extend(Url::parse(text)),
            _ => {}
        }
        self.read.driver.insert(declared.name.clone(), told(value));
    }

    fn key(&mut self, name: &str, key: Result<OwnKey, Denied>) {
        let written = self.written(name);
        let key = key.map_err(|denied| {
            format!("{written}: holds no private key that can be used: {denied}; write a JWK, an array or a set of them, or PEM")
        });
        let key = self.keep(key);
        self.read.keys.extend(key.map(|key| (name.to_owned(), key)));
    }

    /// What opens the key of a setting.
    fn pass_phrase(&mut self, name: &str) -> Option<String> {
        let setting = self.find(&format!("{name}{PASS_PHRASE}"))?;
        match self.keep(setting.read(Kind::Text, true)).flatten()? {
            Cast::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Addresses of any scheme, each with a host.
    fn addresses(&mut self, name: &str, texts: &[String]) {
        for text in texts {
            if let Some(url) = Url::parse(text).ok().filter(Url::has_host) {
                self.read.own.urls.push(url);
                continue;
            }
            let written = self.written(name);
            self.problems.push(format!(
                "{written}: {text:?} is not an address; write it with scheme and host, for example ldaps://directory.example.com"
            ));
        }
    }

    fn is_pem(&self, name: &str) -> bool {
        let text = self.find(name).and_then(|setting| setting.read(Kind::Text, true).ok().flatten());
        matches!(text, Some(Cast::Text(text)) if text.trim_start().starts_with("-----BEGIN"))
    }

    /// How the person wrote the name of a setting.
    fn written(&self, name: &str) -> String {
        self.find(name).map_or(name.to_owned(), |setting| setting.written.clone())
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
        self.read.own.timeout = self.time(["client-http-timeout", "client.timeout"]);
        self.read.own.connect_timeout = self.time(["client.connect-timeout"]);
        self.read.own.tls = OwnTls {
            authorities: self.pem(["client-http-ca", "client.tls-options.ca"], false),
            certificate: self.pem(["client-http-cert", "client.tls-options.cert"], false),
            key: self.pem(["client-http-key", "client.tls-options.key"], true),
        };
        if let Some(setting) = self.find(REJECTS)
            && let Some(Some(Cast::Boolean(false))) = self.keep(setting.read(Kind::Boolean, false))
        {
            let how = "certificates are always looked at; name the authority in CLIENT__TLS_OPTIONS__CA_FILE instead";
            self.problems.push(format!("{}: {how}", setting.written));
        }
    }

    fn time<const N: usize>(&mut self, names: [&str; N]) -> Option<Duration> {
        let setting = names.into_iter().find_map(|name| self.find(name))?;
        match self.keep(setting.read(Kind::Duration, false)).flatten()? {
            Cast::Number(ms) => Duration::try_from_secs_f64(ms / 1000.0).ok().filter(|time| !time.is_zero()),
            _ => None,
        }
    }

    fn pem(&mut self, names: [&str; 2], is_secret: bool) -> Option<Pem> {
        let setting = names.into_iter().find_map(|name| self.find(name))?;
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
            if !known.contains(&name.as_str()) && !is_pass_phrase(&name, &description.settings) {
                let hint = hint(&upper_case(&name), upper.iter().map(String::as_str));
                let driver = &self.provider.driver;
                self.read
                    .warnings
                    .push(format!("{}: the driver {driver:?} has no setting of this name{hint}", setting.written));
            }
        }
    }

    fn variable(&self, name: &str) -> String {
        if self.provider.is_stored {
            return name.to_owned();
        }
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

/// The name of a setting however an operator wrote it (`client_id`, `clientId`, `client-id`) as a driver writes it.
pub(super) fn written_kebab(name: &str) -> String {
    if name.chars().any(|letter| letter.is_ascii_uppercase()) { kebab_case(name) } else { name.replace('_', "-") }
}

/// `client.tls-options` → `CLIENT__TLS_OPTIONS`.
fn upper_case(kebab: &str) -> String {
    kebab.replace('.', "__").replace('-', "_").to_uppercase()
}

#[cfg(test)]
mod tests;
