//! `wasi:clocks/wall-clock` and `wasi:random/random`: time and randomness, which are parameters everywhere else.

use super::script::{Nature, Script};
use crate::bindings::auth::wasi::{clocks::wall_clock, random::random};
use std::convert::Infallible;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use wasmtime::component::{HasData, Linker};

/// Where time and randomness come from. Embedding programs and tests may bring their own.
pub trait Clock: Send + Sync {
    /// The time since the Unix epoch.
    fn now(&self) -> Duration;

    /// Fills a buffer with bytes that nobody can predict.
    ///
    /// # Errors
    /// The source of randomness of the operating system failed.
    fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()>;
}

impl dyn Clock {
    /// A number from 0 up to, not including, 1; 0 if there is no randomness.
    pub(crate) fn roll(&self) -> f64 {
        let mut bytes = [0; 4];
        match self.fill(&mut bytes) {
            Ok(()) => f64::from(u32::from_ne_bytes(bytes)) / (f64::from(u32::MAX) + 1.0),
            Err(_) => 0.0,
        }
    }
}

/// The time and randomness of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()> {
        getrandom::fill(bytes).map_err(std::io::Error::other)
    }
}

/// A component may ask for so many random bytes at once; session ids take 48.
const RANDOM_BYTES_MAX: u64 = 4096;

pub(crate) struct ClockView<'a> {
    pub(crate) clock: &'a dyn Clock,
    pub(crate) script: &'a Script,
}

struct Granted;

impl HasData for Granted {
    type Data<'a> = ClockView<'a>;
}

/// Adds time and randomness, and nothing else, to `linker`.
pub(crate) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> ClockView<'_>,
) -> wasmtime::Result<()> {
    wall_clock::add_to_linker::<T, Granted>(linker, view)?;
    random::add_to_linker::<T, Granted>(linker, view)
}

impl wall_clock::Host for ClockView<'_> {
    fn now(&mut self) -> wall_clock::Datetime {
        let asked = self.script.ask(Nature::Time, "now", &());
        let Ok(now) = asked.told_now(|| Ok::<_, Infallible>(self.clock.now()));
        wall_clock::Datetime { seconds: now.as_secs(), nanoseconds: now.subsec_nanos() }
    }

    fn resolution(&mut self) -> wall_clock::Datetime {
        wall_clock::Datetime { seconds: 0, nanoseconds: 1 }
    }
}

impl random::Host for ClockView<'_> {
    /// Without randomness there is no safe answer, so the call fails.
    fn get_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        wasmtime::ensure!(len <= RANDOM_BYTES_MAX, "asked for {len} random bytes at once");
        self.script.ask(Nature::Question, "random_bytes", &len).told_now(|| {
            let mut bytes = vec![0; usize::try_from(len)?];
            self.clock.fill(&mut bytes)?;
            Ok(bytes)
        })
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        self.script.ask(Nature::Question, "random_u64", &()).told_now(|| {
            let mut bytes = [0; 8];
            self.clock.fill(&mut bytes)?;
            Ok(u64::from_ne_bytes(bytes))
        })
    }
}
