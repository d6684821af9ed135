//! `gatewit.toml`: sections and keys as in [`Config`](super::Config), providers as `[[auth.providers]]`.
//!
//! A key ending in `_file` names a file that holds the value of the key without it. Unknown sections and keys are errors.
//! Deliberately absent: casting; TOML has types.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::cast::Value;
use super::error::{Report, hint};
use super::setting;
use super::sources::{Content, Entry};

/// The array of tables that holds providers.
const PROVIDERS: &str = "auth.providers";

/// The table of directives.
const DIRECTIVES: &str = "server.content_security_policy";

/// What the file says, nothing of it read yet.
#[derive(Default)]
pub(super) struct TomlFile {
    settings: BTreeMap<String, Entry>,
    /// Directives of the content security policy by name.
    pub(super) directives: Vec<(String, Entry)>,
    /// Providers in the order of the file.
    pub(super) providers: Vec<FileProvider>,
}

/// A provider of the file.
pub(super) struct FileProvider {
    pub(super) name: String,
    /// Keys as written (without `_file`) and entries.
    pub(super) entries: Vec<(String, Entry)>,
}

impl TomlFile {
    /// Takes the file apart; what is wrong with it goes to `report`.
    pub(super) fn parse(source: Option<&(PathBuf, String)>, report: &mut Report) -> Self {
        let mut file = Self::default();
        let Some((path, text)) = source else {
            return file;
        };
        match toml::from_str::<toml::Table>(text) {
            Ok(table) => Reader { label: path.display().to_string(), file: &mut file, report }.section("", table),
            Err(error) => report.problem(syntax_error(path, text, &error)),
        }
        file
    }

    pub(super) fn get(&self, path: &str) -> Option<&Entry> {
        self.settings.get(path)
    }
}

/// The error without the line it is on, which may hold a secret.
fn syntax_error(path: &Path, text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = 1 + before.matches('\n').count();
    format!("{}: line {line}: {}", path.display(), error.message())
}

struct Reader<'a> {
    label: String,
    file: &'a mut TomlFile,
    report: &'a mut Report,
}

impl Reader<'_> {
    fn section(&mut self, prefix: &str, table: toml::Table) {
        for (key, value) in table {
            let path = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
            self.item(&path, value);
        }
    }

    fn item(&mut self, path: &str, value: toml::Value) {
        match value {
            toml::Value::Array(providers) if path == PROVIDERS => self.providers(providers),
            toml::Value::Table(table) if path == DIRECTIVES => self.directives(table),
            toml::Value::Table(table) if is_section(path) => self.section(path, table),
            _ if path == PROVIDERS || path == DIRECTIVES || is_section(path) => {
                let form = if path == PROVIDERS { format!("[[{path}]]") } else { format!("[{path}]") };
                self.report.problem(format!("{}: {path} is a section; write {form}", self.label));
            }
            value => self.setting(path, value),
        }
    }

    fn setting(&mut self, path: &str, value: toml::Value) {
        let (target, entry) = match path.strip_suffix("_file").filter(|target| setting::by_path(target).is_some()) {
            Some(target) => (target.to_owned(), self.file_entry(path, value)),
            None if setting::by_path(path).is_some() => (path.to_owned(), Some(self.entry(path, value))),
            None => return self.unknown(path),
        };
        let Some(entry) = entry else { return };
        if self.file.settings.insert(target.clone(), entry).is_some() {
            self.report.problem(format!("{}: {target} and {target}_file are both set; set only one", self.label));
        }
    }

    fn unknown(&mut self, path: &str) {
        let hint = hint(path, setting::all().map(|setting| setting.path).chain([PROVIDERS, DIRECTIVES]));
        self.report.problem(format!("{}: {path}: Gatewit has no setting of this name{hint}", self.label));
    }

    fn entry(&self, path: &str, value: toml::Value) -> Entry {
        let value = Value::from(json(value));
        Entry { written: format!("{}: {path}", self.label), content: Content::Typed(value) }
    }

    fn file_entry(&mut self, path: &str, value: toml::Value) -> Option<Entry> {
        let written = format!("{}: {path}", self.label);
        let toml::Value::String(name) = value else {
            self.report.problem(format!("{written}: is not the path of a file"));
            return None;
        };
        Some(Entry { written, content: Content::File(PathBuf::from(name)) })
    }

    fn directives(&mut self, table: toml::Table) {
        for (name, value) in table {
            let entry = self.entry(&format!("{DIRECTIVES}.{name}"), value);
            self.file.directives.push((name, entry));
        }
    }

    fn providers(&mut self, providers: Vec<toml::Value>) {
        for (index, provider) in providers.into_iter().enumerate() {
            let place = format!("{PROVIDERS}[{index}]");
            let toml::Value::Table(mut table) = provider else {
                self.report.problem(format!("{}: {place} is not a table; write [[{PROVIDERS}]]", self.label));
                continue;
            };
            let Some(toml::Value::String(name)) = table.remove("name") else {
                self.report.problem(format!("{}: {place} has no name; write name = \"…\"", self.label));
                continue;
            };
            let entries = self.provider_entries(&name, table);
            self.file.providers.push(FileProvider { name, entries });
        }
    }

    fn provider_entries(&mut self, name: &str, table: toml::Table) -> Vec<(String, Entry)> {
        let mut entries: Vec<(String, Entry)> = Vec::new();
        for (key, value) in table {
            let place = format!("{PROVIDERS} \"{name}\": {key}");
            let (target, entry) = match key.strip_suffix("_file") {
                Some(target) => (target.to_owned(), self.file_entry(&place, value)),
                None => (key, Some(self.entry(&place, value))),
            };
            if entries.iter().any(|(other, _)| *other == target) {
                self.report.problem(format!("{}: {place}: {target} is set as well; set only one", self.label));
            }
            entries.extend(entry.map(|entry| (target, entry)));
        }
        entries
    }
}

/// Do settings lie below `path`?
fn is_section(path: &str) -> bool {
    let lies_below = |setting: &str| setting.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
    setting::all().any(|setting| lies_below(setting.path))
}

/// TOML in the words of JSON; a date is its text.
pub(super) fn json(value: toml::Value) -> Json {
    match value {
        toml::Value::String(text) => Json::from(text),
        toml::Value::Integer(number) => Json::from(number),
        toml::Value::Float(number) => Json::from(number),
        toml::Value::Boolean(value) => Json::from(value),
        toml::Value::Datetime(date) => Json::from(date.to_string()),
        toml::Value::Array(values) => values.into_iter().map(json).collect(),
        toml::Value::Table(table) => table.into_iter().map(|(key, value)| (key, json(value))).collect(),
    }
}
