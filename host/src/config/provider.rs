//! The providers of the configuration: `AUTH_PROVIDERS` and `AUTH_<NAME>_<KEY>`, or `[[auth.providers]]`.
//!
//! Names come from `AUTH_PROVIDERS` if it is set, else from the file; variables of a provider lie over what the file says
//! of it, so a client secret can stay out of the file. A variable belongs to the provider with the longest name that fits
//! (`AUTH_OKTA_DEV_ICON` to `okta_dev`, not to `okta`), so that no driver is handed the secrets of another: Directus hands
//! it to both. Deliberately absent: what the settings mean, which only a driver knows.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value as Json;

use super::cast::Value;
use super::decode::{list, optional_text};
use super::error::Report;
use super::file::{TomlFile, json};
use super::kind::ProviderSetting;
use super::preset;
use super::sources::{Content, Entry, PROVIDER_PREFIX, ReadFile, Variables};

/// The variable that lists names.
const NAMES_VARIABLE: &str = "AUTH_PROVIDERS";

/// Longest name, in bytes: the width of `directus_users.provider`.
const NAME_BYTES_MAX: usize = 128;

/// Name of the built-in provider, which accounts with e-mail and password belong to.
const BUILT_IN: &str = "default";

/// A provider that people can sign in with. `Debug` shows the names of its settings, never their values.
#[derive(Clone, PartialEq)]
pub struct Provider {
    /// Its name in paths and in accounts.
    pub name: String,
    /// Name of its driver (`AUTH_<NAME>_DRIVER`); not checked here. A provider without one is left out.
    pub driver: String,
    /// What people see (`AUTH_<NAME>_LABEL`).
    pub label: Option<String>,
    /// Name of an icon (`AUTH_<NAME>_ICON`).
    pub icon: Option<String>,
    /// What a sign-in through a redirect ends in (`AUTH_<NAME>_MODE`).
    pub mode: ProviderMode,
    /// All other settings, sorted by name, for the driver and for the rules.
    pub settings: Vec<ProviderSetting>,
    /// Is it an operator's, in the database, and not of the configuration?
    pub is_stored: bool,
}

impl Provider {
    /// A provider of an operator: a JSON object whose names are those of settings (`client-id`, `client_id`), typed, and never
    /// of files.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub(crate) fn of_json(
        name: &str,
        driver: &str,
        object: &serde_json::Map<String, Json>,
    ) -> Result<Self, Vec<String>> {
        let mut report = Report::default();
        check_names(&[name.to_owned()], &mut report);
        let entry = |(key, value): (&String, &Json)| {
            let entry = Entry { written: key.clone(), content: Content::Typed(Value::from(value.clone())) };
            let is_camel = key.chars().any(|letter| letter.is_ascii_uppercase());
            let name = if is_camel { key.clone() } else { camel_case(&key.replace('-', "_")) };
            (name, (String::new(), entry))
        };
        let mut entries: BTreeMap<String, (String, Entry)> = object.iter().map(entry).collect();
        let driver = Content::Typed(Value::Text(driver.to_owned()));
        entries.insert("driver".to_owned(), (String::new(), Entry { written: "driver".to_owned(), content: driver }));
        let no_files: &ReadFile = &|_| Err(std::io::Error::other("no file is read for a provider of the database"));
        add_preset(name, &mut entries, no_files, &mut report);
        match provider(name, &entries, no_files, &mut report) {
            Some(provider) if report.problems.is_empty() => Ok(Self { is_stored: true, ..provider }),
            _ => Err(report.problems),
        }
    }
}

/// What a sign-in through a redirect ends in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProviderMode {
    /// A session cookie (`session`, and where nothing is set).
    #[default]
    Session,
    /// A refresh cookie (anything else, by custom `cookie`).
    Cookie,
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider")
            .field("name", &self.name)
            .field("driver", &self.driver)
            .field("label", &self.label)
            .field("icon", &self.icon)
            .field("mode", &self.mode)
            .field("settings", &self.settings)
            .field("is_stored", &self.is_stored)
            .finish()
    }
}

/// All providers in their order.
pub(super) fn providers(vars: &Variables, file: &TomlFile, read_file: &ReadFile, report: &mut Report) -> Vec<Provider> {
    let names = names(vars, file, read_file, report);
    check_names(&names, report);
    let mut found = Vec::new();
    for name in &names {
        let mut entries = entries(name, &names, vars, file);
        add_preset(name, &mut entries, read_file, report);
        found.extend(provider(name, &entries, read_file, report));
    }
    found
}

fn names(vars: &Variables, file: &TomlFile, read_file: &ReadFile, report: &mut Report) -> Vec<String> {
    let of_file = file.providers.iter().map(|provider| provider.name.clone());
    let Some(entry) = vars.get(NAMES_VARIABLE) else {
        return of_file.collect();
    };
    let read = entry.read(NAMES_VARIABLE, read_file).and_then(|given| {
        list(&given.value).map_err(|refusal| format!("{}: {:?} {}", entry.written, given.shown, refusal.0))
    });
    let names = report.keep(read).unwrap_or_default();
    for left_out in of_file.filter(|name| !names.contains(name)) {
        report.warn(format!("provider {left_out:?} is left out because {NAMES_VARIABLE} does not name it"));
    }
    names
}

/// Names are parts of paths and of variables, and neither tells upper from lower case.
fn check_names(names: &[String], report: &mut Report) {
    let mut seen = BTreeSet::new();
    for name in names {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.chars().all(fits) || name.starts_with('.') {
            report.problem(format!("{NAMES_VARIABLE}: {name:?} is not a name; write letters, digits, - and _"));
        }
        if name.eq_ignore_ascii_case(BUILT_IN) {
            report.problem(format!("{NAMES_VARIABLE}: {name:?} is the name of the built-in provider; choose another"));
        }
        if !seen.insert(name.to_ascii_uppercase()) {
            report.problem(format!("{NAMES_VARIABLE}: {name:?} is there twice; upper and lower case do not differ"));
        }
    }
}

/// The entries of provider `name` by key in camelCase: the file's, and over them the variables.
fn entries(name: &str, names: &[String], vars: &Variables, file: &TomlFile) -> BTreeMap<String, (String, Entry)> {
    let of_file = file.providers.iter().filter(|provider| provider.name == name).flat_map(|provider| &provider.entries);
    let of_file = of_file.map(|(key, entry)| (key.as_str(), String::new(), entry));
    let of_vars = vars.iter().filter_map(|(variable, entry)| {
        let key = key_of(variable, name)?;
        let is_others = names.iter().any(|other| other.len() > name.len() && key_of(variable, other).is_some());
        (!is_others).then(|| (key, variable.to_owned(), entry))
    });
    let all = of_file.chain(of_vars).map(|(key, variable, entry)| (camel_case(key), (variable, entry.clone())));
    all.filter(|(key, _)| !key.is_empty()).collect()
}

/// Puts what a preset knows below what is set, and takes away what only the preset asked for.
fn add_preset(name: &str, entries: &mut BTreeMap<String, (String, Entry)>, read_file: &ReadFile, report: &mut Report) {
    let Some(entry) = entries.remove("preset") else { return };
    let Some(preset) = report.keep(text_of(&entry, read_file)).flatten() else { return };
    let asked = RefCell::new(BTreeSet::new());
    let given = |setting: &str| {
        asked.borrow_mut().insert(camel_case(setting));
        text_of(entries.get(&camel_case(setting))?, read_file).ok().flatten()
    };
    let known = preset::settings(&preset, &given).map_err(|problem| format!("{}: {problem}", entry.1.written));
    entries.retain(|key, _| !asked.borrow().contains(key));
    for (key, value) in report.keep(known).unwrap_or_default() {
        let written = format!("{key} of the preset {preset:?} of provider {name:?}");
        let entry = Entry { written, content: Content::Typed(Value::from(json(value))) };
        entries.entry(camel_case(key)).or_insert((String::new(), entry));
    }
}

/// `CLIENT_ID` of `AUTH_OKTA_CLIENT_ID` for `okta`.
fn key_of<'a>(variable: &'a str, provider: &str) -> Option<&'a str> {
    let after_prefix = variable.strip_prefix(PROVIDER_PREFIX)?;
    let (head, key) = after_prefix.split_at_checked(provider.len())?;
    key.strip_prefix('_').filter(|key| head.eq_ignore_ascii_case(provider) && !key.is_empty())
}

fn provider(
    name: &str,
    entries: &BTreeMap<String, (String, Entry)>,
    read_file: &ReadFile,
    report: &mut Report,
) -> Option<Provider> {
    let mut word = |key: &str| report.keep(text_of(entries.get(key)?, read_file)).flatten();
    let (driver, label, icon, mode) = (word("driver"), word("label"), word("icon"), word("mode"));
    let mut settings = Vec::new();
    for (key, entry) in entries.iter().filter(|(key, _)| !["driver", "label", "icon", "mode"].contains(&key.as_str())) {
        settings.extend(report.keep(setting_of(key, entry, read_file)));
    }
    let Some(driver) = driver else {
        report.warn(format!("provider {name:?} is left out because it has no driver; set its DRIVER"));
        return None;
    };
    let mode = match mode.as_deref() {
        None | Some("session") => ProviderMode::Session,
        Some(_) => ProviderMode::Cookie,
    };
    Some(Provider { name: name.to_owned(), driver, label, icon, mode, settings, is_stored: false })
}

fn text_of((variable, entry): &(String, Entry), read_file: &ReadFile) -> Result<Option<String>, String> {
    let given = entry.read(variable, read_file)?;
    optional_text(&given.value).map_err(|refusal| format!("{}: {:?} {}", entry.written, given.shown, refusal.0))
}

/// The value for whoever reads it. What the file says is typed, so the text of a file it names is not cast.
fn setting_of(key: &str, (variable, entry): &(String, Entry), read_file: &ReadFile) -> Result<ProviderSetting, String> {
    let given = entry.read(variable, read_file)?;
    let (value, raw) = match (&entry.content, variable.is_empty()) {
        (Content::File(_), true) => (Value::Text(given.shown), None),
        (Content::Typed(_), _) => (given.value, None),
        _ => (given.value, Some(given.shown)),
    };
    Ok(ProviderSetting { name: key.to_owned(), written: entry.written.clone(), value, raw })
}

/// `CLIENT_ID` → `clientId`, `CLIENT__TLS_OPTIONS` → `client.tlsOptions`.
fn camel_case(key: &str) -> String {
    let parts = key.split("__").map(|part| part.split('_').filter(|word| !word.is_empty()).collect::<Vec<_>>());
    let parts = parts.map(|words| words.iter().enumerate().map(|(i, word)| cased(word, i > 0)).collect::<String>());
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".")
}

fn cased(word: &str, capital: bool) -> String {
    let lower = word.to_lowercase();
    let mut chars = lower.chars();
    match chars.next() {
        Some(first) if capital => first.to_uppercase().chain(chars).collect(),
        _ => lower,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_become_camel_case() {
        for (key, name) in [
            ("CLIENT_ID", "clientId"),
            ("client_id", "clientId"),
            ("CLIENT__TLS_OPTIONS", "client.tlsOptions"),
            ("SP_metadata", "spMetadata"),
            ("ISSUER_DISCOVERY_MUST_SUCCEED", "issuerDiscoveryMustSucceed"),
            ("_A_", "a"),
            ("__", ""),
        ] {
            assert_eq!(camel_case(key), name, "{key}");
        }
    }

    #[test]
    fn a_variable_is_of_the_provider_that_it_names() {
        assert_eq!(key_of("AUTH_OKTA_CLIENT_ID", "okta"), Some("CLIENT_ID"));
        assert_eq!(key_of("AUTH_MY-SSO_ICON", "my-sso"), Some("ICON"));
        for variable in ["AUTH_OKTA", "AUTH_OKTA_", "AUTH_OKTAX_ICON", "OKTA_ICON", "AUTH_"] {
            assert_eq!(key_of(variable, "okta"), None, "{variable}");
        }
    }

    proptest! {
        #[test]
        fn any_key_and_name_can_be_tried(variable in "(AUTH_)?.{0,12}", name in ".{0,6}") {
            let _ = key_of(&variable, &name).map(camel_case);
        }
    }
}
