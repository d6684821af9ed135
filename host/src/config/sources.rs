//! Where settings come from, strongest first: process environment, `.env` file, `gatewit.toml`, defaults.
//!
//! [`Sources`] is plain data, so that reading a configuration is a pure function of it. [`Sources::read`] is the only
//! place of the host that touches `std::env` and the files of the configuration.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::cast::{Value, cast};
use super::dotenv;
use super::error::{ConfigErrors, Report, hint};
use super::setting;

/// Reads the file that an `…_FILE` variable or a `…_file` key names.
pub type ReadFile = dyn Fn(&Path) -> io::Result<String> + Send + Sync;

/// Variable with the path of `gatewit.toml`.
const CONFIG_VARIABLE: &str = "GATEWIT_CONFIG";

/// Start of our own variables, where an unknown one is an error.
const OWN_PREFIX: &str = "GATEWIT_";

/// Start of the variables of providers.
pub(super) const PROVIDER_PREFIX: &str = "AUTH_";

/// Start of the variables that each set one directive of the content security policy.
pub(super) const DIRECTIVE_PREFIX: &str = "CONTENT_SECURITY_POLICY_DIRECTIVES__";

/// All that a configuration is read from.
pub struct Sources {
    /// The process environment.
    pub environment: Vec<(String, String)>,
    /// Text of the `.env` file, if there is one.
    pub dotenv: Option<String>,
    /// Path (for messages) and text of `gatewit.toml`, if there is one.
    pub toml: Option<(PathBuf, String)>,
    /// Reads further files by name.
    pub read_file: Box<ReadFile>,
}

impl Default for Sources {
    /// No settings at all, and no file can be read.
    fn default() -> Self {
        let refuse = |_: &Path| Err(io::Error::from(io::ErrorKind::Unsupported));
        Self { environment: Vec::new(), dotenv: None, toml: None, read_file: Box::new(refuse) }
    }
}

impl Sources {
    /// The real ones: this process's environment and the files in its working directory.
    ///
    /// # Errors
    /// A file that is there (or named by `GATEWIT_CONFIG`) cannot be read, or a known variable is not UTF-8.
    pub fn read() -> Result<Self, ConfigErrors> {
        let mut report = Report::default();
        let environment: Vec<(String, String)> =
            std::env::vars_os().filter_map(|pair| report.keep(unicode(pair)).flatten()).collect();
        let dotenv = report.keep(read_if_there(Path::new(".env"))).flatten();
        let toml = report.keep(toml_file(config_path(&environment, dotenv.as_deref())));
        if !report.problems.is_empty() {
            return Err(ConfigErrors::new(report.problems));
        }
        Ok(Self {
            environment,
            dotenv,
            toml: toml.flatten(),
            read_file: Box::new(|path| std::fs::read_to_string(path)),
        })
    }
}

/// A variable that is not UTF-8 is dropped if nobody would look at it.
fn unicode((name, value): (OsString, OsString)) -> Result<Option<(String, String)>, String> {
    let Ok(name) = name.into_string() else {
        return Ok(None);
    };
    match value.into_string() {
        Ok(value) => Ok(Some((name, value))),
        Err(_) if is_known(&name) || file_target(&name).is_some() || name.starts_with(OWN_PREFIX) => {
            Err(format!("{name}: the value is not UTF-8 text"))
        }
        Err(_) => Ok(None),
    }
}

/// Path and text of `gatewit.toml`; it must be there if `named` names it.
fn toml_file(named: Option<PathBuf>) -> Result<Option<(PathBuf, String)>, String> {
    if let Some(path) = named {
        let text = read(&path).map_err(|error| format!("{CONFIG_VARIABLE}: {error}"))?;
        return Ok(Some((path, text)));
    }
    let path = PathBuf::from("gatewit.toml");
    Ok(read_if_there(&path)?.map(|text| (path, text)))
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

fn read_if_there(path: &Path) -> Result<Option<String>, String> {
    match std::fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("cannot read {}: {error}", path.display())),
        Ok(text) => Ok(Some(text)),
    }
}

/// The path in `GATEWIT_CONFIG`, from the environment or else from the `.env` file; empty means none.
fn config_path(environment: &[(String, String)], dotenv: Option<&str>) -> Option<PathBuf> {
    let from_dotenv = dotenv.map(|text| dotenv::parse(text).variables).unwrap_or_default();
    let last = |pairs: &[(String, String)]| {
        pairs.iter().rev().find(|(name, _)| name == CONFIG_VARIABLE).map(|(_, value)| value.clone())
    };
    last(environment).or_else(|| last(&from_dotenv)).filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// A setting's value before it is read, and how the person wrote its name.
#[derive(Clone)]
pub(super) struct Entry {
    /// `ACCESS_TOKEN_TTL`, `SECRET_FILE` or `gatewit.toml: auth.access_token_ttl`.
    pub(super) written: String,
    pub(super) content: Content,
}

#[derive(Clone)]
pub(super) enum Content {
    /// Text of a variable, to be cast.
    Raw(String),
    /// A value of `gatewit.toml`, which has types.
    Typed(Value),
    /// A file that holds the value.
    File(PathBuf),
}

/// A value, and how it is shown in messages.
pub(super) struct Given {
    pub(super) value: Value,
    pub(super) shown: String,
}

impl Entry {
    /// The value; text is cast as that of the variable `name`. Of a file, one line break at the end is cut off.
    pub(super) fn read(&self, name: &str, read_file: &ReadFile) -> Result<Given, String> {
        let raw = match &self.content {
            Content::Raw(raw) => raw.clone(),
            Content::Typed(value) => {
                let shown = if let Value::Text(text) = value { text.clone() } else { value.to_json().to_string() };
                return Ok(Given { value: value.clone(), shown });
            }
            Content::File(path) => {
                let text = read_file(path);
                let text = text.map_err(|e| format!("{}: cannot read {}: {e}", self.written, path.display()))?;
                let text = text.strip_suffix('\n').unwrap_or(&text);
                text.strip_suffix('\r').unwrap_or(text).to_owned()
            }
        };
        Ok(Given { value: cast(name, &raw), shown: raw })
    }
}

/// The variables of both the environment and the `.env` file by their names, without `_FILE`.
#[derive(Default)]
pub(super) struct Variables(BTreeMap<String, Entry>);

impl Variables {
    /// Merges both sources; what is wrong with them goes to `report`.
    pub(super) fn collect(sources: &Sources, report: &mut Report) -> Self {
        let dotenv = sources.dotenv.as_deref().map(dotenv::parse).unwrap_or_default();
        for line in &dotenv.unclosed_lines {
            report.problem(format!(".env: a quote opens on line {line} and is never closed"));
        }
        for line in &dotenv.ignored_lines {
            report.warn(format!(".env: line {line} is ignored; it is not of the form NAME=value"));
        }
        let mut merged = entries(&dotenv.variables, report);
        merged.extend(entries(&sources.environment, report));
        Self(merged)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Entry> {
        self.0.get(name)
    }

    /// Names and entries of all variables, sorted by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.0.iter().map(|(name, entry)| (name.as_str(), entry))
    }
}

/// The variables of one source.
fn entries(variables: &[(String, String)], report: &mut Report) -> BTreeMap<String, Entry> {
    let mut found = BTreeMap::new();
    let (files, plain): (Vec<_>, Vec<_>) = variables.iter().partition(|(name, _)| file_target(name).is_some());
    for (name, value) in plain {
        if is_unknown_own(name, value) {
            let own = setting::all().map(|setting| setting.variable).filter(|name| name.starts_with(OWN_PREFIX));
            let hint = hint(name, own.chain([CONFIG_VARIABLE]));
            report.problem(format!("{name}: Gatewit has no setting of this name{hint}"));
        }
        found.insert(name.clone(), Entry { written: name.clone(), content: Content::Raw(value.clone()) });
    }
    for (name, path) in files {
        let Some(target) = file_target(name) else {
            continue;
        };
        let file = Entry { written: name.clone(), content: Content::File(PathBuf::from(path)) };
        if found.insert(target.to_owned(), file).is_some_and(|other| other.written != *name) {
            report.problem(format!("{name}: {target} is set as well; set only one of them"));
        }
    }
    found
}

/// The variable that `name` gives a file for. Only known variables can come from a file: `X_FILE` may be anybody's.
fn file_target(name: &str) -> Option<&str> {
    name.strip_suffix("_FILE").filter(|target| is_known(target))
}

fn is_known(name: &str) -> bool {
    name.starts_with(PROVIDER_PREFIX) || name.starts_with(DIRECTIVE_PREFIX) || setting::by_variable(name).is_some()
}

/// Is it a slip in the name of one of our own variables? Kubernetes and Docker put such names into the environment, too,
/// for a service called `gatewit`; those are let through.
fn is_unknown_own(name: &str, value: &str) -> bool {
    name.starts_with(OWN_PREFIX)
        && name != CONFIG_VARIABLE
        && setting::by_variable(name).is_none()
        && !is_service_discovery(name, value)
}

/// `…_SERVICE_HOST`, `…_SERVICE_PORT[_HTTP]`, `…_PORT=tcp://…`, `…_PORT_80_TCP[_ADDR]` and so on.
fn is_service_discovery(name: &str, value: &str) -> bool {
    let is_url = ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme));
    let after_port = name.split_once("_PORT_").map(|(_, rest)| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || (name.ends_with("_PORT") && is_url)
        || after_port.is_some_and(|rest| ["_TCP", "_UDP", "_SCTP"].iter().any(|protocol| rest.starts_with(protocol)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_service_discovery_are_nobodys_slip() {
        for (name, value) in [
            ("GATEWIT_SERVICE_HOST", "10.0.0.1"),
            ("GATEWIT_SERVICE_PORT", "80"),
            ("GATEWIT_SERVICE_PORT_HTTP", "80"),
            ("GATEWIT_PORT", "tcp://10.0.0.1:80"),
            ("GATEWIT_PORT_80_TCP", "tcp://10.0.0.1:80"),
            ("GATEWIT_PORT_80_TCP_ADDR", "10.0.0.1"),
            ("GATEWIT_API_PORT_53_UDP_PROTO", "udp"),
            ("GATEWIT_CONFIG", "a.toml"),
            ("GATEWIT_DATA", "/data"),
        ] {
            assert!(!is_unknown_own(name, value), "{name}");
        }
        assert!(is_unknown_own("GATEWIT_PORT", "8055"));
        assert!(is_unknown_own("GATEWIT_DATAS", "/data"));
    }

    #[test]
    fn the_environment_names_the_file_before_the_dotenv_does() {
        let pair = |value: &str| vec![("GATEWIT_CONFIG".to_owned(), value.to_owned())];
        assert_eq!(config_path(&pair("a.toml"), Some("GATEWIT_CONFIG=b.toml")), Some(PathBuf::from("a.toml")));
        assert_eq!(config_path(&[], Some("GATEWIT_CONFIG=b.toml")), Some(PathBuf::from("b.toml")));
        assert_eq!(config_path(&pair(""), None), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_known_variable_must_be_text() {
        use std::os::unix::ffi::OsStringExt;
        let bad = || OsString::from_vec(vec![0xff]);
        assert_eq!(unicode(("OTHER".into(), bad())), Ok(None));
        assert_eq!(unicode((bad(), "x".into())), Ok(None));
        for name in ["SECRET", "SECRET_FILE", "AUTH_X_CLIENT_SECRET"] {
            assert_eq!(unicode((name.into(), bad())), Err(format!("{name}: the value is not UTF-8 text")));
        }
    }
}
