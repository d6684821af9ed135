//! Whether a driver keeps its contract: named checks that the author of any driver runs against their component.
//!
//! | file | what it does |
//! |---|---|
//! | [`rule`] | the rules by name, and what to do about a breach |
//! | [`sample`] | what a driver is tried with (pure) |
//! | [`description`], [`answer`] | what is right (pure) |
//! | [`credentials`], [`redirect`] | which tries there are for drivers of each kind |
//! | [`self_check`] | the same for their own check of settings |
//! | [`laboratory`] | the driver in the engine, with settings as they are asked for |
//! | [`report`] | what was found |
//!
//! A driver is tried without a person and, unless its settings name one, without a provider: what is required is made up, and
//! nobody answers there. So it is about refusals; that the right person gets in is for the author's own tests.

mod answer;
mod credentials;
mod description;
mod laboratory;
mod redirect;
mod report;
mod rule;
mod sample;
mod self_check;

pub use report::{Check, Report, Verdict};

use crate::{
    Config, StartError,
    bindings::auth::gatewit::config::settings::Value,
    bindings::driver::exports::gatewit::driver::about::{Description, Kind},
    capability::drivers::Served,
    config::ProviderSetting,
    engine::{Driver, LoadError},
};
use description::Described;
use laboratory::Laboratory;
use rule::Rule;
use std::{path::Path, sync::Arc};

/// Letters from which on a secret is looked for in what was told: shorter ones occur by themselves.
const SECRET_LENGTH: usize = 8;

/// Tries the component in this file, with these settings of a provider by their names in kebab-case.
///
/// # Errors
/// The file cannot be read, or there is no engine to try it in. What is wrong with the driver is no error: it is in the report.
pub async fn examine(config: &Config, file: &Path, settings: &[(String, String)]) -> Result<Report, StartError> {
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let wasm = std::fs::read(file).map_err(|source| LoadError::Read { name: file.display().to_string(), source })?;
    let given: Vec<_> = settings.iter().map(|(name, value)| ProviderSetting::of(name, value)).collect();
    let laboratory = Laboratory::open(config).await?;
    let mut report = Report { driver: name, ..Report::default() };
    match laboratory.load(&report.driver, &wasm) {
        Ok(driver) => tried(&laboratory, &driver, &given, &mut report).await,
        Err(error) => not_loaded(&error.to_string(), &mut report),
    }
    laboratory.close().await;
    Ok(report)
}

/// What a component has to be before it is called, in the order in which that is found out.
const LOADING: [&Rule; 4] = [&rule::LOADS, &rule::IMPORTS, &rule::EXPORTS, &rule::STARTS];

fn not_loaded(reason: &str, report: &mut Report) {
    let broken = broken_by(reason);
    for rule in LOADING {
        if rule == broken {
            return report.judge(rule, &[reason.to_owned()]);
        }
        report.pass(rule);
    }
}

/// The rule that the engine's reason is about.
fn broken_by(reason: &str) -> &'static Rule {
    let says = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    if says(&["imports instance", "imports function", "not found in the linker", "matching implementation"]) {
        &rule::IMPORTS
    } else if says(&["exports neither", "no exported instance", "export"]) {
        &rule::EXPORTS
    } else if says(&["exceeds the", "memory", "maximum"]) {
        &rule::STARTS
    } else {
        &rule::LOADS
    }
}

async fn tried(laboratory: &Laboratory, driver: &Arc<Driver>, given: &[ProviderSetting], report: &mut Report) {
    report.powers = driver.powers();
    report.imports = driver.imports();
    for rule in [&rule::LOADS, &rule::IMPORTS] {
        report.pass(rule);
    }
    let first = match laboratory.describe(driver).await {
        Ok(first) => first,
        Err(error) => {
            let reason = error.to_string();
            let is_contract = ["export", "type mismatch", "failed to convert"].iter().any(|word| reason.contains(word));
            let broken = if is_contract { &rule::EXPORTS } else { &rule::STARTS };
            if broken == &rule::STARTS {
                report.pass(&rule::EXPORTS);
            }
            return report.judge(broken, &[reason]);
        }
    };
    for rule in [&rule::EXPORTS, &rule::STARTS, &rule::DESCRIBES] {
        report.pass(rule);
    }
    let second =
        laboratory.describe(driver).await.unwrap_or_else(|_| Description { settings: Vec::new(), ..first.clone() });
    let described = Described {
        file: &report.driver.clone(),
        first: &first,
        second: &second,
        takes_credentials: driver.takes_credentials(),
    };
    description::judge(&described, report);
    let subject = Subject { laboratory, driver, description: &first, given };
    match subject.served() {
        Ok(served) => {
            report.pass(&rule::GIVEN);
            subject.called(&served, report).await;
        }
        Err(problems) => report.judge(&rule::GIVEN, &problems),
    }
}

/// A driver, and how it is set up.
struct Subject<'a> {
    laboratory: &'a Laboratory,
    driver: &'a Arc<Driver>,
    description: &'a Description,
    given: &'a [ProviderSetting],
}

impl Subject<'_> {
    fn served(&self) -> Result<Arc<Served>, Vec<String>> {
        self.laboratory.serve(self.driver, self.description, self.given).map(Arc::new)
    }

    /// As it is served when a setting is taken away.
    fn without(&self, name: &str) -> Option<Arc<Served>> {
        let mut served = self.laboratory.serve(self.driver, self.description, self.given).ok()?;
        Arc::make_mut(&mut served.settings).remove(name);
        Some(Arc::new(served))
    }

    /// The settings that it cannot do without. Keys are not read but opened.
    fn required(&self) -> impl Iterator<Item = &str> {
        let settings = self.description.settings.iter();
        settings.filter(|setting| setting.required && setting.kind != Kind::Keys).map(|setting| setting.name.as_str())
    }

    async fn called(&self, served: &Arc<Served>, report: &mut Report) {
        if self.driver.takes_credentials() {
            credentials::called(self, served, report).await;
        }
        if self.driver.redirects() {
            redirect::called(self, served, report).await;
        }
        self_check::called(self, served, report).await;
        let secrets = self.secrets(served);
        let seen = self.laboratory.seen();
        report.judge(&rule::LEAKS, &leaks(&secrets, &seen.told));
        report.slowest_ms = u64::try_from(seen.longest.as_millis()).unwrap_or(u64::MAX);
        let reasons = |is_about_the_budget: bool| {
            let about = seen.failed.iter().filter(|failure| failure.is_about_the_budget == is_about_the_budget);
            let mut reasons: Vec<_> = about.map(|failure| failure.reason.clone()).collect();
            reasons.dedup();
            reasons
        };
        report.judge(&rule::BUDGET, &reasons(true));
        report.judge(&rule::STEADY, &reasons(false));
    }

    /// What must be told to nobody: what was typed, what a provider is to have sent, and secret settings.
    fn secrets(&self, served: &Served) -> Vec<String> {
        let mut secrets = vec![sample::PASSWORD.to_owned(), sample::CODE.to_owned()];
        for setting in self.description.settings.iter().filter(|setting| setting.secret) {
            match served.settings.get(&setting.name) {
                Some(Value::Text(text) | Value::Json(text)) => secrets.push(text.clone()),
                Some(Value::List(texts)) => secrets.extend(texts.iter().cloned()),
                _ => {}
            }
        }
        secrets.retain(|secret| secret.len() >= SECRET_LENGTH);
        secrets
    }
}

/// Secrets that were told, without saying them again.
fn leaks(secrets: &[String], told: &[String]) -> Vec<String> {
    let is_told = |secret: &String| told.iter().any(|line| line.contains(secret.as_str()));
    let which = |secret: &String| match secret.as_str() {
        sample::PASSWORD => "what was typed as a password is in a refusal or in the log".to_owned(),
        sample::CODE => "the code of an answer is in a refusal or in the log".to_owned(),
        _ => "a secret setting is in a refusal or in the log".to_owned(),
    };
    secrets.iter().filter(|secret| is_told(secret)).map(which).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engines_reasons_are_sorted_by_rules() {
        for (reason, rule) in [
            (
                "component imports instance `gatewit:storage/users@0.1.0`, but a matching implementation was not found in the linker",
                rule::IMPORTS,
            ),
            (
                "it exports neither `gatewit:driver/credentials@0.1.0` nor `gatewit:driver/redirect@0.1.0`",
                rule::EXPORTS,
            ),
            ("no exported instance named `gatewit:driver/about@0.1.0`", rule::EXPORTS),
            (
                "The component transitively contains 40 core module instances, which exceeds the configured maximum of 32 in the pooling allocator",
                rule::STARTS,
            ),
            (
                "memory index 0 has a minimum byte size of 33554432 which exceeds the limit of 0x1000000 bytes",
                rule::STARTS,
            ),
            ("failed to parse WebAssembly module", rule::LOADS),
        ] {
            assert_eq!(broken_by(reason), &rule, "{reason}");
            let mut report = Report::default();
            not_loaded(reason, &mut report);
            assert_eq!(report.failures().map(|check| check.name).collect::<Vec<_>>(), [rule.name]);
        }
    }

    #[test]
    fn leaks_are_found_and_not_repeated() {
        let secrets = [sample::PASSWORD.to_owned(), "a client's secret".to_owned()];
        let told = ["wrong password canary-password-4711".to_owned(), "client a client's secret".to_owned()];
        let found = leaks(&secrets, &told);
        assert!(
            found.len() == 2 && found.iter().all(|problem| !problem.contains("canary") && !problem.contains("client"))
        );
        assert!(leaks(&secrets, &["nothing".to_owned()]).is_empty());
    }
}
