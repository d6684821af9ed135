//! What an embedding program brings instead of the built-in parts.

use crate::{
    Clock, Config, Gatewit, Mailer, StartError, SystemClock, capability::storage::SqlDatabase, config::ConfigErrors,
};
use std::{collections::BTreeMap, sync::Arc};

/// What a server is put together from, where that is not built in.
pub(crate) struct Brought {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) storage: Option<Arc<dyn SqlDatabase>>,
    pub(crate) mailer: Option<Arc<dyn Mailer>>,
    pub(crate) components: BTreeMap<String, Arc<[u8]>>,
}

impl Default for Brought {
    fn default() -> Self {
        Self { clock: Arc::new(SystemClock), storage: None, mailer: None, components: BTreeMap::new() }
    }
}

/// Puts a server together: see [`Gatewit::builder`].
#[must_use]
pub struct Builder {
    config: Config,
    brought: Brought,
}

impl Builder {
    pub(crate) fn new(config: Config) -> Self {
        Self { config, brought: Brought::default() }
    }

    /// Takes time and randomness from `clock`. For tests: whoever knows what it gives knows every token.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.brought.clock = Arc::new(clock);
        self
    }

    /// Sends letters with `mailer` instead of what `EMAIL_TRANSPORT` says.
    pub fn mailer(mut self, mailer: impl Mailer + 'static) -> Self {
        self.brought.mailer = Some(Arc::new(mailer));
        self
    }

    /// Keeps accounts, sessions and everything else in `database` instead of the one that the configuration names. Tables are
    /// made and brought up to date as they are there.
    pub fn storage(mut self, database: impl SqlDatabase) -> Self {
        self.brought.storage = Some(Arc::new(database));
        self
    }

    /// Brings a component (`wit/worlds.wit`) as bytes: a driver under the name by which providers call it, or other rules as
    /// `auth`. It stands where the built-in ones stand: files and uploads of operators come before it. It is as trusted as the
    /// program that brings it and needs no signature; its sandbox is that of all others.
    pub fn component(mut self, name: impl Into<String>, wasm: impl Into<Arc<[u8]>>) -> Self {
        self.brought.components.insert(name.into(), wasm.into());
        self
    }

    /// Starts the server, inside of a tokio runtime.
    ///
    /// # Errors
    /// Anything that would keep it from serving: see [`StartError`].
    pub async fn start(self) -> Result<Gatewit, StartError> {
        Gatewit::put_together(self.config, self.brought).await
    }
}

impl Config {
    /// A configuration from variables by their names, such as `SECRET` and `DB_CLIENT`, as a `.env` file would have them, and
    /// from nothing else: neither the environment nor files, but those that `…_FILE` variables name.
    ///
    /// # Errors
    /// All problems at once, each with the name of its variable.
    pub fn from_variables<N: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Result<(Self, Vec<crate::config::Warning>), ConfigErrors> {
        let environment = variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let read_file = Box::new(|path: &std::path::Path| std::fs::read_to_string(path));
        Self::from_sources(&crate::config::Sources { environment, read_file, ..Default::default() })
    }
}
