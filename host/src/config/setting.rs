//! The table of settings: for each, the variable's name, the path in `gatewit.toml`, how it is read and where it goes.
//!
//! Every section lists its own settings next to its type; what is in the table is all that variables, `gatewit.toml`, the
//! reference and the hints at unknown names know of. Deliberately absent: the two open-ended families, providers
//! (`AUTH_<NAME>_<KEY>`) and directives of the content security policy.

use super::cast::Value;
use super::error::Refusal;
use super::{
    Config, accounts, admin, auth, client, cookies, cors, engine, front, graphql, keys, limits, log, mail, metrics,
    oci, outbound, passwords, server, storage, telemetry, upstream,
};

/// Does the name of a variable fix its type?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forced {
    /// The type is guessed.
    No,
    /// Always text.
    Text,
    /// Always boolean.
    Boolean,
}

/// One setting.
pub(super) struct Setting {
    /// Name of the environment variable.
    pub(super) variable: &'static str,
    /// All names of the variable where there are several, the one that wins first.
    pub(super) spellings: &'static [&'static str],
    /// Dotted path in `gatewit.toml`: that of the field in [`Config`], without its unit.
    pub(super) path: &'static str,
    /// How the variable is cast.
    pub(super) forced: Forced,
    /// Is the value kept out of messages?
    pub(super) is_secret: bool,
    /// Reads a value into its field.
    pub(super) put: fn(&mut Config, &Value) -> Result<(), Refusal>,
}

impl Setting {
    pub(super) const fn new(
        variable: &'static str,
        path: &'static str,
        put: fn(&mut Config, &Value) -> Result<(), Refusal>,
    ) -> Self {
        Self { variable, spellings: &[], path, forced: Forced::No, is_secret: false, put }
    }

    /// The variable is always text: a comma or digits mean nothing in it.
    pub(super) const fn text(self) -> Self {
        Self { forced: Forced::Text, ..self }
    }

    /// The variable has several names, the one that wins first.
    pub(super) const fn spelled(self, spellings: &'static [&'static str]) -> Self {
        Self { spellings, ..self }
    }

    /// The names of the variable, the one that wins first.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        let one = self.spellings.is_empty().then_some(self.variable);
        self.spellings.iter().copied().chain(one)
    }

    /// The value is a secret, and text.
    pub(super) const fn secret(self) -> Self {
        Self { forced: Forced::Text, is_secret: true, ..self }
    }
}

/// All settings. The data folder comes first because other defaults lie in it.
pub(super) fn all() -> impl Iterator<Item = &'static Setting> {
    [
        storage::SETTINGS,
        server::SETTINGS,
        cors::SETTINGS,
        limits::SETTINGS,
        graphql::SETTINGS,
        front::SETTINGS,
        upstream::SETTINGS,
        auth::SETTINGS,
        accounts::SETTINGS,
        cookies::SETTINGS,
        passwords::SETTINGS,
        keys::SETTINGS,
        engine::SETTINGS,
        outbound::SETTINGS,
        oci::SETTINGS,
        log::SETTINGS,
        telemetry::SETTINGS,
        mail::SETTINGS,
        metrics::SETTINGS,
        client::SETTINGS,
        admin::SETTINGS,
    ]
    .into_iter()
    .flatten()
}

pub(super) fn by_variable(name: &str) -> Option<&'static Setting> {
    all().find(|setting| setting.names().any(|own| own == name))
}

pub(super) fn by_path(path: &str) -> Option<&'static Setting> {
    all().find(|setting| setting.path == path)
}

/// Puts what was read into `slot`, or passes the refusal on.
pub(super) fn put<T>(slot: &mut T, read: Result<T, Refusal>) -> Result<(), Refusal> {
    *slot = read?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_paths_are_unique() {
        for setting in all() {
            assert_eq!(all().filter(|other| other.variable == setting.variable).count(), 1, "{}", setting.variable);
            assert_eq!(all().filter(|other| other.path == setting.path).count(), 1, "{}", setting.path);
        }
    }

    #[test]
    fn the_data_folder_comes_first() {
        assert_eq!(all().next().unwrap().path, "storage.data_folder");
    }
}
