//! One call: its state, its budget, and what went wrong.

use super::{
    one_line,
    runtime::{Budget, Runtime, TICK},
};
use crate::capability::{
    clock::{Clock, ClockView},
    config::{ConfigView, Settings},
    drivers::{Drivers, DriversView},
    keys::{Keys, KeysView},
    log::LogView,
    mail::{MailView, Post},
    pace::PaceView,
    passwords::{Passwords, PasswordsView},
    storage::{self, StorageView},
};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::{Store, StoreLimits, StoreLimitsBuilder, Trap, UpdateDeadline, component::ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

/// Why a call of a component has no answer. The request fails; the next one has a sandbox of its own.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error("the component `{component}` used up its time of {}", humantime(*budget))]
    TimedOut { component: Arc<str>, budget: Duration },
    #[error("the component `{component}` asked for more than its {budget} bytes of memory")]
    OutOfMemory { component: Arc<str>, budget: usize },
    #[error("the component `{component}` answered with more than {budget} bytes")]
    TooMuch { component: Arc<str>, budget: usize },
    #[error("the component `{component}` crashed: {cause}")]
    Trapped { component: Arc<str>, cause: String },
}

fn humantime(duration: Duration) -> String {
    format!("{} ms", duration.as_millis())
}

/// What lives as long as the process and is lent to calls.
pub(crate) struct Services {
    pub(crate) store: Arc<dyn storage::Backend>,
    pub(crate) passwords: Passwords,
    pub(crate) keys: Keys,
    pub(crate) post: Post,
    pub(crate) clock: Arc<dyn Clock>,
    /// Set once all drivers are loaded and described.
    pub(crate) drivers: OnceLock<Drivers>,
}

/// The state of one call. Capabilities borrow their part of it; none sees the whole.
pub(crate) struct Call {
    component: Arc<str>,
    /// The provider that a driver serves.
    provider: Option<Arc<str>>,
    settings: Settings,
    services: Arc<Services>,
    table: ResourceTable,
    limits: StoreLimits,
    hold: Duration,
    lines: u32,
    /// Passwords that were hashed in this call, by number.
    hashes: Vec<String>,
    /// Only components that link the standard library of their language ask for it.
    wasi: Option<WasiCtx>,
}

impl Call {
    pub(crate) fn new(
        component: &Arc<str>,
        provider: Option<&Arc<str>>,
        settings: &Settings,
        services: &Arc<Services>,
    ) -> Self {
        Self {
            component: component.clone(),
            provider: provider.cloned(),
            settings: settings.clone(),
            services: services.clone(),
            table: ResourceTable::new(),
            limits: StoreLimits::default(),
            hold: Duration::ZERO,
            lines: 0,
            hashes: Vec::new(),
            wasi: None,
        }
    }

    pub(super) fn clock(&mut self) -> ClockView<'_> {
        ClockView(self.services.clock.as_ref())
    }

    pub(super) fn config(&mut self) -> ConfigView<'_> {
        ConfigView(&self.settings)
    }

    pub(super) fn drivers(&mut self) -> DriversView<'_> {
        DriversView(&self.services)
    }

    pub(super) fn keys(&mut self) -> KeysView<'_> {
        KeysView { keys: &self.services.keys, table: &mut self.table }
    }

    pub(super) fn log(&mut self) -> LogView<'_> {
        LogView { component: &self.component, provider: self.provider.as_deref(), lines: &mut self.lines }
    }

    pub(super) fn mail(&mut self) -> MailView<'_> {
        MailView(&self.services.post)
    }

    pub(super) fn pace(&mut self) -> PaceView<'_> {
        PaceView(&mut self.hold)
    }

    pub(super) fn passwords(&mut self) -> PasswordsView<'_> {
        let Services { passwords, clock, .. } = self.services.as_ref();
        let provider = self.provider.as_deref().unwrap_or_default();
        PasswordsView { passwords, provider, clock: clock.as_ref(), hashes: &mut self.hashes }
    }

    pub(super) fn storage(&mut self) -> StorageView<'_> {
        StorageView { store: self.services.store.as_ref(), hashes: &self.hashes }
    }
}

/// Nothing of the system shows through: no environment, no arguments, no files, no sockets, streams that lead nowhere.
impl WasiView for Call {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let ctx = self.wasi.get_or_insert_with(|| WasiCtx::builder().build());
        WasiCtxView { ctx, table: &mut self.table }
    }
}

/// A sandbox with its budget, and the room that it takes.
pub(super) struct Sandbox {
    pub(super) store: Store<Call>,
    budget: Budget,
    _room: Option<OwnedSemaphorePermit>,
}

impl Sandbox {
    /// Waits for room among the calls of its kind.
    pub(super) async fn new(runtime: &Runtime, room: &Arc<Semaphore>, call: Call) -> Self {
        // The stock is never closed.
        let permit = room.clone().acquire_owned().await.ok();
        let budget = runtime.budget;
        let mut store = Store::new(&runtime.engine, call);
        store.data_mut().limits =
            StoreLimitsBuilder::new().memory_size(budget.memory_bytes).trap_on_grow_failure(true).build();
        store.limiter(|call| &mut call.limits);
        store.set_hostcall_fuel(budget.transfer_bytes());
        let mut ticks = budget.time.as_millis().div_ceil(TICK.as_millis());
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| {
            ticks = ticks.saturating_sub(1);
            if ticks == 0 {
                return Err(OutOfTime.into());
            }
            // Not the engine's own yield, after which the call stands in the queue at once: workers that always find a
            // call there hardly ever look for what came in from the network.
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
        });
        Self { store, budget, _room: permit }
    }

    /// The component, for names in errors.
    pub(super) fn component(&self) -> &Arc<str> {
        &self.store.data().component
    }

    /// The longest time for which the rules want the answer held.
    pub(super) fn hold(&self) -> Duration {
        self.store.data().hold
    }

    /// Says which limit a failure was about, if it was about one.
    pub(super) fn explain(&self, error: &wasmtime::Error) -> CallError {
        let component = self.component().clone();
        // The engine reports a refused growth and a refused transfer as texts only. What it adds to a trap are names of
        // functions, which are the component's to choose: they stay out of the log, and so do line breaks.
        let message = match error.downcast_ref::<Trap>() {
            Some(trap) => trap.to_string(),
            None => one_line(error),
        };
        if error.is::<OutOfTime>() {
            CallError::TimedOut { component, budget: self.budget.time }
        } else if message.contains("growing memory") || message.contains("memory minimum size") {
            CallError::OutOfMemory { component, budget: self.budget.memory_bytes }
        } else if message.contains("fuel allocated for hostcalls") {
            CallError::TooMuch { component, budget: self.budget.transfer_bytes() }
        } else {
            CallError::Trapped { component, cause: message }
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("out of time")]
struct OutOfTime;
