//! `gatewit provider`: providers that are made, changed, tried and removed while the server runs.

use super::{
    output::{Output, tell},
    remote::{Remote, encoded},
};
use anyhow::{Context as _, bail};
use gatewit_host::Config;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

#[derive(clap::Subcommand)]
pub(super) enum Provider {
    /// List the providers, those of the configuration first.
    List {
        #[command(flatten)]
        remote: Remote,
        #[command(flatten)]
        output: Output,
    },
    /// Show a provider. What is secret is not shown.
    Show {
        /// Its name.
        name: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// List what a driver can be set to.
    Settings {
        /// The driver: one that serves.
        driver: String,
        #[command(flatten)]
        remote: Remote,
        #[command(flatten)]
        output: Output,
    },
    /// Make a provider.
    Add {
        /// Its name, as in addresses.
        name: String,
        /// Its driver.
        #[arg(long)]
        driver: String,
        #[command(flatten)]
        given: Given,
        #[command(flatten)]
        remote: Remote,
    },
    /// Change a provider: what is named; the rest stays.
    Set {
        /// Its name.
        name: String,
        #[command(flatten)]
        given: Given,
        #[command(flatten)]
        remote: Remote,
    },
    /// Let people sign in with it.
    Enable(Named),
    /// Let nobody sign in with it, and keep it.
    Disable(Named),
    /// Remove a provider. Accounts that were made for it stay.
    Remove(Named),
    /// Try its settings, as far as that can be done without a person.
    Test(Named),
}

/// A provider that is there.
#[derive(clap::Args)]
pub(super) struct Named {
    /// Its name.
    name: String,
    #[command(flatten)]
    remote: Remote,
}

/// What is set.
#[derive(clap::Args)]
pub(super) struct Given {
    /// A setting, as NAME=VALUE; nothing after the equals sign takes it away. JSON is read as such, anything else is a text.
    /// For secrets use --settings: everybody on the machine sees a command line.
    #[arg(value_name = "NAME=VALUE")]
    settings: Vec<String>,
    /// A file with a JSON object of settings; `-` for the standard input.
    #[arg(long = "settings", value_name = "FILE")]
    file: Option<PathBuf>,
}

/// What people see of a provider.
const COLUMNS: [(&str, &str); 5] =
    [("Name", "/name"), ("Driver", "/driver"), ("Source", "/source"), ("Enabled", "/enabled"), ("Served", "/served")];

/// What people see of a setting.
const SETTINGS: [(&str, &str); 6] = [
    ("Name", "/name"),
    ("Kind", "/kind"),
    ("Required", "/required"),
    ("Secret", "/secret"),
    ("Default", "/default"),
    ("What it is", "/help"),
];

impl Provider {
    pub(super) async fn run(&self, config: &Config) -> anyhow::Result<()> {
        match self {
            Self::List { remote, output } => {
                output.table(&remote.server(config)?.read("/gatewit/providers").await?, &COLUMNS);
            }
            Self::Show { name, remote } => {
                let data = remote.server(config)?.read(&path(name, "")).await?;
                tell(&serde_json::to_string_pretty(&data)?);
            }
            Self::Settings { driver, remote, output } => {
                let drivers = remote.server(config)?.read("/gatewit/drivers").await?;
                let found = drivers
                    .as_array()
                    .into_iter()
                    .flatten()
                    .find(|found| found.get("name").and_then(Value::as_str) == Some(driver));
                let found =
                    found.with_context(|| format!("no provider uses the driver {driver}, so it is not loaded"))?;
                output.table(found.get("settings").unwrap_or(&Value::Null), &SETTINGS);
            }
            Self::Add { name, driver, given, remote } => {
                let body = json!({ "name": name, "driver": driver, "settings": given.read()? });
                remote.server(config)?.ask("POST", "/gatewit/providers", Some(&body)).await?;
                tell(&format!("people can sign in with {name}; `gatewit provider test {name}` tries its settings"));
            }
            Self::Set { name, given, remote } => {
                let body = json!({ "settings": given.read()? });
                remote.server(config)?.ask("PATCH", &path(name, ""), Some(&body)).await?;
                tell("changed");
            }
            Self::Enable(named) => named.switch(config, true).await?,
            Self::Disable(named) => named.switch(config, false).await?,
            Self::Remove(named) => {
                named.remote.server(config)?.ask("DELETE", &path(&named.name, ""), None).await?;
                tell("removed");
            }
            Self::Test(named) => named.test(config).await?,
        }
        Ok(())
    }
}

impl Named {
    async fn switch(&self, config: &Config, enabled: bool) -> anyhow::Result<()> {
        let body = json!({ "enabled": enabled });
        self.remote.server(config)?.ask("PATCH", &path(&self.name, ""), Some(&body)).await?;
        tell(if enabled { "enabled" } else { "disabled" });
        Ok(())
    }

    async fn test(&self, config: &Config) -> anyhow::Result<()> {
        let data = self.remote.server(config)?.ask("POST", &path(&self.name, "/test"), None).await?;
        if data.get("works").and_then(Value::as_bool) != Some(true) {
            let problem = data.get("problem").and_then(Value::as_str).unwrap_or_default();
            bail!("the settings do not work: {}", super::output::plain(problem));
        }
        let found = data.get("found").and_then(Value::as_array);
        for line in found.into_iter().flatten().filter_map(Value::as_str) {
            tell(&super::output::plain(line));
        }
        Ok(())
    }
}

fn path(name: &str, rest: &str) -> String {
    format!("/gatewit/providers/{}{rest}", encoded(name))
}

impl Given {
    fn read(&self) -> anyhow::Result<Map<String, Value>> {
        let mut settings = match &self.file {
            None => Map::new(),
            Some(file) => {
                let text = if file.as_os_str() == "-" {
                    std::io::read_to_string(std::io::stdin())
                } else {
                    std::fs::read_to_string(file)
                };
                let text = text.with_context(|| format!("cannot read {}", file.display()))?;
                serde_json::from_str(&text).with_context(|| format!("{} is no JSON object", file.display()))?
            }
        };
        for given in &self.settings {
            let (name, value) = given.split_once('=').with_context(|| format!("{given:?} is not NAME=VALUE"))?;
            settings.insert(name.to_owned(), value_of(value));
        }
        Ok(settings)
    }
}

/// A value as it was typed: JSON if it is an object, a list or a truth value, else a text. A number may be an id.
fn value_of(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(value @ (Value::Bool(_) | Value::Object(_) | Value::Array(_))) => value,
        _ if text.is_empty() => Value::Null,
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_what_they_look_like() {
        assert_eq!(value_of("true"), json!(true));
        assert_eq!(value_of("[\"a\"]"), json!(["a"]));
        assert_eq!(value_of("12"), json!("12"));
        assert_eq!(value_of("a=b"), json!("a=b"));
        assert_eq!(value_of(""), Value::Null);
    }
}
