//! One call: its state, its budget, and what went wrong.

use super::{
    live::Live,
    one_line,
    runtime::{Budget, Runtime},
    turns::Turn,
};
use crate::capability::{
    audit::Audit,
    cache::{Cache, CacheView},
    clock::{Clock, ClockView},
    config::{ConfigView, Settings},
    drivers::{Drivers, DriversView, ScriptedDrivers, Served},
    http::Outbound,
    keys::{Keys, KeysView, Ring},
    log::LogView,
    mail::{MailView, Post},
    metrics::{self, Metrics},
    network::allowance::Allowance,
    pace::PaceView,
    passwords::{Passwords, PasswordsView},
    script::Script,
    storage::{self, Seen, StorageView},
    streams::{CONNECTIONS_MAX, StreamsView},
    trace::Trace,
    traces::Traces,
};
use std::{sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::{Store, StoreLimits, StoreLimitsBuilder, Trap, UpdateDeadline, component::ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtxView, WasiHttpView};

/// Why a call of a component has no answer. The request fails; the next one has a sandbox of its own.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error("the component `{component}` used up its time of {}", humantime(*budget))]
    TimedOut { component: Arc<str>, budget: Duration },
    #[error("the component `{component}` asked for more than its {budget} bytes of memory")]
    OutOfMemory { component: Arc<str>, budget: usize },
    #[error("the component `{component}` answered with more than {budget} bytes")]
    TooMuch { component: Arc<str>, budget: usize },
    #[error("the component `{component}` did not answer within {}", humantime(*wait))]
    Overdue { component: Arc<str>, wait: Duration },
    #[error("too many calls of the component `{component}` are waiting already")]
    Full { component: Arc<str> },
    #[error("the component `{component}` crashed too often and rests for {} s", rest.as_secs().max(1))]
    Resting { component: Arc<str>, rest: Duration },
    #[error("the component `{component}` crashed: {cause}")]
    Trapped { component: Arc<str>, cause: String },
}

impl CallError {
    /// Whether the component is to blame, and not the provider that it waits for or the crowd.
    pub(super) fn is_crash(&self) -> bool {
        !matches!(self, Self::Overdue { .. } | Self::Full { .. } | Self::Resting { .. })
    }
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
    pub(crate) cache: Cache,
    pub(crate) traces: Traces,
    pub(crate) audit: Audit,
    pub(crate) metrics: Metrics,
    pub(crate) clock: Arc<dyn Clock>,
    /// None until all drivers are loaded and described.
    pub(crate) drivers: Live<Drivers>,
}

/// The state of one call. Capabilities borrow their part of it; none sees the whole.
pub(crate) struct Call {
    component: Arc<str>,
    /// The rules know the server's keys, a driver those of its provider.
    role: Role,
    settings: Settings,
    services: Arc<Services>,
    /// The providers as they were when the call began: a request goes on with those that it began with.
    drivers: Arc<Drivers>,
    table: ResourceTable,
    limits: StoreLimits,
    hold: Duration,
    lines: u32,
    trace: Trace,
    outbound: Outbound,
    /// Connections that it may still make.
    connections: Allowance,
    /// What was seen of the store.
    seen: Seen,
    /// Passwords that were hashed in this call, by number.
    hashes: Vec<String>,
    /// The account that the rules were called for, where they know it.
    pub(super) actor: Option<String>,
    /// What it is told, if it watches, or somebody else is to be told the same.
    script: Script,
    /// Only components that link the standard library of their language ask for it.
    wasi: Option<WasiCtx>,
}

/// In what capacity a component is called.
enum Role {
    Rules,
    /// A driver serves a provider, or nobody while it is described.
    Driver(Option<Arc<Served>>),
}

impl Call {
    pub(crate) fn of_rules(
        component: &Arc<str>,
        settings: &Settings,
        services: &Arc<Services>,
        trace: &Trace,
        script: Script,
    ) -> Self {
        Self { script, ..Self::new(component, Role::Rules, settings.clone(), services, trace) }
    }

    pub(crate) fn of_driver(
        component: &Arc<str>,
        served: Option<&Arc<Served>>,
        services: &Arc<Services>,
        trace: &Trace,
    ) -> Self {
        let settings = served.map(|served| served.settings.clone()).unwrap_or_default();
        let script = trace.script().clone();
        Self { script, ..Self::new(component, Role::Driver(served.cloned()), settings, services, trace) }
    }

    fn new(component: &Arc<str>, role: Role, settings: Settings, services: &Arc<Services>, trace: &Trace) -> Self {
        let client = if let Role::Driver(Some(served)) = &role {
            served.outbound.as_ref().and_then(|outbound| outbound.http.clone())
        } else {
            None
        };
        Self {
            component: component.clone(),
            role,
            settings,
            drivers: services.drivers.get(),
            services: services.clone(),
            table: ResourceTable::new(),
            limits: StoreLimits::default(),
            hold: Duration::ZERO,
            lines: 0,
            trace: trace.clone(),
            outbound: Outbound::new(client, trace.clone()),
            connections: Allowance::new(CONNECTIONS_MAX),
            seen: Seen::default(),
            hashes: Vec::new(),
            actor: None,
            script: Script::default(),
            wasi: None,
        }
    }

    pub(super) fn cache(&mut self) -> CacheView<'_> {
        let Services { cache, clock, .. } = self.services.as_ref();
        let provider = match &self.role {
            Role::Driver(Some(served)) => served.cache_key.as_ref(),
            _ => "",
        };
        CacheView { cache, provider, now: clock.now() }
    }

    pub(super) fn clock(&mut self) -> ClockView<'_> {
        ClockView { clock: self.services.clock.as_ref(), script: &self.script }
    }

    pub(super) fn config(&mut self) -> ConfigView<'_> {
        ConfigView(&self.settings)
    }

    pub(super) fn drivers(&mut self) -> ScriptedDrivers<'_> {
        let drivers = DriversView { drivers: &self.drivers, services: &self.services, trace: &self.trace };
        ScriptedDrivers { drivers, script: &self.script }
    }

    pub(super) fn keys(&mut self) -> KeysView<'_> {
        let keys = match &self.role {
            Role::Rules => Ring::Rules(&self.services.keys),
            Role::Driver(Some(served)) => Ring::Provider(&served.keys),
            Role::Driver(None) => Ring::Nobody,
        };
        KeysView { keys, table: &mut self.table }
    }

    pub(super) fn log(&mut self) -> LogView<'_> {
        let Self { component, role, lines, trace, script, .. } = self;
        LogView { component, provider: role.provider(), lines, trace, watches: script.plays() }
    }

    pub(super) fn mail(&mut self) -> MailView<'_> {
        MailView { post: &self.services.post, script: &self.script }
    }

    pub(super) fn pace(&mut self) -> PaceView<'_> {
        PaceView(&mut self.hold)
    }

    pub(super) fn passwords(&mut self) -> PasswordsView<'_> {
        let Services { passwords, clock, .. } = self.services.as_ref();
        let provider = self.role.provider().unwrap_or_default();
        PasswordsView { passwords, provider, clock: clock.as_ref(), hashes: &mut self.hashes, script: &self.script }
    }

    pub(super) fn streams(&mut self) -> StreamsView<'_> {
        let Self { role, trace, script, connections, table, .. } = self;
        let client = if let Role::Driver(Some(served)) = role { served.outbound.as_ref() } else { None };
        let client = client.and_then(|outbound| outbound.streams.as_ref());
        StreamsView { client, trace, script, connections, table }
    }

    pub(super) fn storage(&mut self) -> StorageView<'_> {
        let Self { services, seen, hashes, actor, script, .. } = self;
        StorageView::new(services.store.as_ref(), seen, hashes, actor.as_deref(), script)
    }
}

impl Role {
    /// The provider that a driver serves.
    fn provider(&self) -> Option<&str> {
        match self {
            Self::Driver(Some(served)) => Some(&served.name),
            _ => None,
        }
    }
}

/// The network is that of the provider, and for whoever serves none there is none.
impl WasiHttpView for Call {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        self.outbound.view(&mut self.table)
    }
}

/// Nothing of the system shows through: no environment, no arguments, no files, no sockets, no names of hosts, streams that
/// lead nowhere.
impl WasiView for Call {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let inert = || WasiCtx::builder().allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false).build();
        let ctx = self.wasi.get_or_insert_with(inert);
        WasiCtxView { ctx, table: &mut self.table }
    }
}

/// A sandbox with its budget, and the room that it takes.
pub(super) struct Sandbox {
    pub(super) store: Store<Call>,
    budget: Budget,
    _counted: metrics::Open,
    _room: Option<OwnedSemaphorePermit>,
}

impl Sandbox {
    /// Waits for room among the calls of its kind.
    pub(super) async fn new(runtime: &Runtime, room: &Arc<Semaphore>, call: Call, budget: Budget) -> Self {
        // The stock is never closed.
        let permit = room.clone().acquire_owned().await.ok();
        Self::within(runtime, permit, call, budget)
    }

    /// Takes what room there is among the calls of its kind, or none.
    pub(super) fn try_new(
        runtime: &Runtime,
        room: &Arc<Semaphore>,
        call: Call,
        budget: Budget,
    ) -> Result<Self, CallError> {
        match room.clone().try_acquire_owned() {
            Ok(permit) => Ok(Self::within(runtime, Some(permit), call, budget)),
            Err(_) => Err(CallError::Full { component: call.component }),
        }
    }

    fn within(runtime: &Runtime, permit: Option<OwnedSemaphorePermit>, mut call: Call, budget: Budget) -> Self {
        if let Some(most) = budget.outbound {
            call.connections = Allowance::new(most);
            call.outbound.limit(most);
        }
        let counted = call.services.metrics.opened(&call.component);
        let mut store = Store::new(&runtime.engine, call);
        store.data_mut().limits =
            StoreLimitsBuilder::new().memory_size(budget.memory_bytes).trap_on_grow_failure(true).build();
        store.limiter(|call| &mut call.limits);
        store.set_hostcall_fuel(budget.transfer_bytes());
        let mut turn = Turn::new(runtime.turns.clone(), store.data().component.clone(), budget.time);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| {
            let wait = turn.end().ok_or(OutOfTime)?;
            Ok(UpdateDeadline::YieldCustom(1, wait))
        });
        Self { store, budget, _counted: counted, _room: permit }
    }

    /// The component, for names in errors.
    pub(super) fn component(&self) -> &Arc<str> {
        &self.store.data().component
    }

    /// The longest time for which the rules want the answer held.
    pub(super) fn hold(&self) -> Duration {
        self.store.data().hold
    }

    /// The time in which a call has to end, waiting included, is over.
    pub(super) fn overdue(&self) -> CallError {
        self.failed("overdue");
        CallError::Overdue { component: self.component().clone(), wait: self.budget.wait }
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
            self.failed("timed-out");
            CallError::TimedOut { component, budget: self.budget.time }
        } else if message.contains("growing memory") || message.contains("memory minimum size") {
            self.failed("out-of-memory");
            CallError::OutOfMemory { component, budget: self.budget.memory_bytes }
        } else if message.contains("fuel allocated for hostcalls") {
            self.failed("too-much");
            CallError::TooMuch { component, budget: self.budget.transfer_bytes() }
        } else {
            self.failed("trapped");
            CallError::Trapped { component, cause: message }
        }
    }

    /// Counts a call without an answer.
    fn failed(&self, kind: &'static str) {
        self.store.data().services.metrics.failed(self.component(), kind);
    }
}

#[derive(Debug, thiserror::Error)]
#[error("out of time")]
struct OutOfTime;
