//! The recorded exchanges, one test for each file in `fixtures/wire`: the folder is the list, so that none is forgotten.

use e2e::runner::Test;
use e2e::{fixture, replay};

/// The tests of this suite.
pub(crate) fn tests() -> Vec<Test> {
    let names = fixture::names().expect("tests/fixtures/wire");
    names
        .into_iter()
        .map(|name| Test::new(format!("wire::{name}"), move || async move { replay::play(&name).await }))
        .collect()
}
