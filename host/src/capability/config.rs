//! `gatewit:config`: a component's own settings, by name.

use crate::bindings::auth::gatewit::config::settings::{self, Value};
use std::{collections::HashMap, sync::Arc};
use wasmtime::component::{HasData, Linker};

/// Settings of one component, by their names in kebab-case.
pub(crate) type Settings = Arc<HashMap<String, Value>>;

pub(crate) struct ConfigView<'a>(pub(crate) &'a Settings);

struct Granted;

impl HasData for Granted {
    type Data<'a> = ConfigView<'a>;
}

/// Adds the settings, and nothing else, to `linker`.
pub(crate) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> ConfigView<'_>,
) -> wasmtime::Result<()> {
    settings::add_to_linker::<T, Granted>(linker, view)
}

impl settings::Host for ConfigView<'_> {
    fn get(&mut self, name: String) -> Option<Value> {
        self.0.get(&name).cloned()
    }
}
