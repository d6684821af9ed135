//! `gatewit:auth/pace`: the floor on the duration of an answer.
//!
//! Nothing waits here: the call's state remembers the longest hold, and whoever answers waits after the sandbox is gone.

use crate::bindings::auth::gatewit::auth::pace;
use std::time::Duration;
use wasmtime::component::{HasData, Linker};

/// No answer is held longer than this, whatever a component says.
const HOLD_MAX: Duration = Duration::from_secs(30);

pub(crate) struct PaceView<'a>(pub(crate) &'a mut Duration);

struct Granted;

impl HasData for Granted {
    type Data<'a> = PaceView<'a>;
}

/// Adds the floor on durations, and nothing else, to `linker`.
pub(crate) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> PaceView<'_>,
) -> wasmtime::Result<()> {
    pace::add_to_linker::<T, Granted>(linker, view)
}

impl pace::Host for PaceView<'_> {
    fn hold(&mut self, at_least_ms: u64) {
        *self.0 = (*self.0).max(Duration::from_millis(at_least_ms)).min(HOLD_MAX);
    }
}
