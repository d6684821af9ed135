//! The one wasmtime engine, and its pool of instances.

use super::{LoadError, turns::Turns, workshop::GivesWay};
use crate::config::Grant;
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

/// Memory of a slot whose pages stay resident when they are reset. The kernel tells which of them were written
/// (`PAGEMAP_SCAN`, Linux 6.7), so that only those are zeroed, in place: giving pages back and faulting them in again costs
/// several times as much, because every core has to hear of it. Without that help from the kernel all of it is zeroed.
const KEEP_RESIDENT_BYTES: usize = 1024 * 1024;

/// The same for tables, which are small.
const TABLE_KEEP_RESIDENT_BYTES: usize = 16 * 1024;

/// Stack of a call. Component code needs little, and each slot reserves it.
const STACK_BYTES: usize = 1024 * 1024;

/// Core modules inside of one component: the program and adapters. A Python interpreter comes as a program and its shared
/// libraries, 14 of them.
const CORE_INSTANCES_PER_COMPONENT: u32 = 32;

/// Share of a call's memory that it may hand to the host in one go. What one component returns is copied into the memory
/// of the next, which has the same budget: a quarter leaves that one room to work. And a list whose items are all the same
/// text in the component would be as many texts in the host.
const TRANSFER_SHARE: usize = 4;

/// What one call may use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    /// Linear memory, in bytes.
    pub(crate) memory_bytes: usize,
    /// Time in component code. Waiting for the host does not count, and of the pauses of a long call an eighth does.
    pub(crate) time: Duration,
    /// Calls at the same time, of the rules and of drivers each.
    pub(crate) calls: u32,
    /// Calls at the same time of drivers that wait for the network.
    pub(crate) waiting: u32,
    /// Longest time in which a driver's call has to end, waiting included.
    pub(crate) wait: Duration,
    /// Requests and connections of one call, where they are not the usual number.
    pub(crate) outbound: Option<u32>,
}

impl Budget {
    /// Most bytes that a component may hand to the host in one go.
    pub(super) fn transfer_bytes(self) -> usize {
        self.memory_bytes / TRANSFER_SHARE
    }

    /// The budget of a component that was granted something else.
    pub(crate) fn granted(self, grant: Option<&Grant>) -> Self {
        let Some(grant) = grant else { return self };
        let memory = grant.memory_bytes.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        Self {
            memory_bytes: memory.unwrap_or(self.memory_bytes),
            time: grant.time.unwrap_or(self.time),
            wait: grant.wait.unwrap_or(self.wait),
            outbound: grant.outbound.or(self.outbound),
            ..self
        }
    }

    /// Drivers that may wait for the network. Each keeps a call of the rules waiting, too: half of those stay for
    /// sign-ins that wait for nobody.
    fn waiting(self) -> u32 {
        self.waiting.min(self.calls / 2).max(1)
    }
}

/// The engine, and the room in it.
pub(crate) struct Runtime {
    pub(super) engine: Engine,
    pub(super) turns: Arc<Turns>,
    pub(crate) budget: Budget,
    /// Calls of the rules. Apart from those of drivers: a call of the rules waits for a driver, and if both drew from one
    /// stock, the rules could take all and wait for ever.
    pub(super) rules: Arc<Semaphore>,
    pub(super) drivers: Arc<Semaphore>,
    /// Calls of drivers that wait for the network.
    pub(super) waiting: Arc<Semaphore>,
}

impl Runtime {
    /// `memory_max` is the most that any component is granted for a call, in bytes.
    pub(crate) fn start(budget: Budget, memory_max: usize) -> Result<Self, LoadError> {
        let failed = |error: wasmtime::Error| LoadError::Engine(format!("{error:#}"));
        let turns = Arc::new(Turns::default());
        let mut config = config(budget, memory_max);
        config.enable_incremental_compilation(Arc::new(GivesWay(turns.clone()))).map_err(failed)?;
        let engine = Engine::new(&config).map_err(failed)?;
        turns.start(&engine).map_err(|error| LoadError::Engine(error.to_string()))?;
        let room = |calls| Arc::new(Semaphore::new(usize::try_from(calls).unwrap_or(Semaphore::MAX_PERMITS)));
        let (calls, waiting) = (budget.calls, budget.waiting());
        Ok(Self { engine, turns, budget, rules: room(calls), drivers: room(calls), waiting: room(waiting) })
    }
}

fn config(budget: Budget, memory_max: usize) -> Config {
    let calls = budget.calls.saturating_mul(2).saturating_add(budget.waiting());
    let cores = calls.saturating_mul(CORE_INSTANCES_PER_COMPONENT);
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(calls)
        .total_core_instances(cores)
        .total_memories(calls)
        .total_tables(calls.saturating_mul(2))
        .total_stacks(calls)
        .max_core_instances_per_component(CORE_INSTANCES_PER_COMPONENT)
        .max_memories_per_component(1)
        .max_tables_per_component(8)
        .max_memory_size(memory_max)
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        .table_keep_resident(TABLE_KEEP_RESIDENT_BYTES)
        .pagemap_scan(Enabled::Auto);
    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .async_stack_size(STACK_BYTES)
        .max_wasm_stack(STACK_BYTES / 2)
        .epoch_interruption(true)
        .wasm_component_model(true);
    config
}
