//! How many requests are answered: to one address, to all, and registrations.
//!
//! Counts are of fixed windows: the first request opens one, and after its time the next request opens another. They lie in
//! this process, or in the database where several hosts count together. Invariants: memory is bounded whatever addresses
//! come; who is refused costs no further work than looking here; where there is no answer about a count, the request is
//! refused. Deliberately absent: failed sign-ins, which the rules count.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::refusal::Refusal;
use crate::capability::storage::{Backend, Error};
use crate::config::{self, Limit, LimitStore};

/// Addresses that are remembered for one limit; of more, the oldest are forgotten. With some 100 bytes each it is 10 MB, and
/// who sends from more addresses at once is not stopped by counting addresses.
const ADDRESSES_MAX: usize = 100_000;

/// Whose requests are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    /// Everybody's.
    All,
    /// Those without an address, such as from a socket file.
    Unknown,
    /// Those of an IPv4 address.
    V4(u32),
    /// Those of the first 64 bits of an IPv6 address: one customer has at least so many addresses (RFC 6177).
    V6(u64),
}

impl Key {
    fn of(address: Option<&str>) -> Self {
        match address.and_then(|address| address.parse::<IpAddr>().ok()).map(|address| address.to_canonical()) {
            None => Self::Unknown,
            Some(IpAddr::V4(address)) => Self::V4(address.to_bits()),
            Some(IpAddr::V6(address)) => Self::V6(u64::try_from(address.to_bits() >> 64).unwrap_or_default()),
        }
    }

    /// How the key is called in the database.
    fn name(self, limit: &str) -> String {
        match self {
            Self::All => format!("limit/{limit}"),
            Self::Unknown => format!("limit/{limit}/unknown"),
            Self::V4(bits) => format!("limit/{limit}/{bits:08x}"),
            Self::V6(bits) => format!("limit/{limit}/{bits:016x}"),
        }
    }
}

/// What has been counted, and until when it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    value: u32,
    ends_ms: u64,
}

/// Windows of one length by key, at most so many.
#[derive(Debug)]
struct Windows<K> {
    open: HashMap<K, Window>,
    /// The keys in the order in which their windows were opened, which is that in which they end.
    order: VecDeque<(K, u64)>,
    most: usize,
}

impl<K: Copy + Eq + Hash> Windows<K> {
    fn new(most: usize) -> Self {
        Self { open: HashMap::new(), order: VecDeque::new(), most }
    }

    /// The window of a key, if it is open.
    fn find(&self, key: K, now_ms: u64) -> Option<Window> {
        self.open.get(&key).copied().filter(|window| window.ends_ms > now_ms)
    }

    /// Counts one more.
    fn add(&mut self, key: K, length_ms: u64, now_ms: u64) -> Window {
        let fresh = Window { value: 0, ends_ms: now_ms.saturating_add(length_ms) };
        let window = self.find(key, now_ms).unwrap_or(fresh);
        let window = Window { value: window.value.saturating_add(1), ..window };
        self.put(key, window, now_ms);
        window
    }

    /// Remembers a window, and forgets those that have ended or are too many.
    fn put(&mut self, key: K, window: Window, now_ms: u64) {
        let before = self.open.insert(key, window);
        if before.is_none_or(|before| before.ends_ms != window.ends_ms) {
            self.order.push_back((key, window.ends_ms));
        }
        let is_over = |order: &VecDeque<(K, u64)>| {
            order.front().is_some_and(|(_, ends_ms)| *ends_ms <= now_ms || order.len() > self.most)
        };
        while is_over(&self.order) {
            let Some((key, ends_ms)) = self.order.pop_front() else { break };
            // The key may have another window by now.
            if self.open.get(&key).is_some_and(|window| window.ends_ms == ends_ms) {
                self.open.remove(&key);
            }
        }
    }
}

/// One limit and its counts.
#[derive(Debug)]
struct Counter {
    name: &'static str,
    limit: Limit,
    windows: Mutex<Windows<Key>>,
}

impl Counter {
    fn new(name: &'static str, limit: Limit, most: usize) -> Option<Self> {
        limit.enabled.then(|| Self { name, limit, windows: Mutex::new(Windows::new(most)) })
    }

    /// Counts one more for a key; refuses what is too much.
    async fn count(&self, key: Key, place: Place<'_>, now: OffsetDateTime) -> Result<(), Refusal> {
        let now_ms = u64::try_from(now.unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
        let window = match place {
            Place::Here => self.with(|windows| windows.add(key, self.length_ms(), now_ms)),
            Place::Database(store) => self.ask(key, store, now_ms).await.map_err(|error| unavailable(&error))?,
        };
        if window.value <= self.limit.points {
            return Ok(());
        }
        let retry_after = Duration::from_millis(window.ends_ms.saturating_sub(now_ms));
        Err(Refusal::RequestsExceeded { limit: self.limit.points.into(), reset: now + retry_after, retry_after })
    }

    /// Counts in the database. A key that is known to be over its limit is not asked about again before its time.
    async fn ask(&self, key: Key, store: &dyn Backend, now_ms: u64) -> Result<Window, Error> {
        if let Some(full) = self.with(|windows| windows.find(key, now_ms)) {
            return Ok(full);
        }
        let ends_ms = now_ms.saturating_add(self.length_ms());
        let count = store.add_to_count(&key.name(self.name), 1, ends_ms, now_ms).await?;
        let window = Window { value: count.value, ends_ms: count.expires_at_ms };
        if window.value > self.limit.points {
            self.with(|windows| windows.put(key, window, now_ms));
        }
        Ok(window)
    }

    fn length_ms(&self) -> u64 {
        u64::from(self.limit.seconds) * 1000
    }

    fn with<T>(&self, act: impl FnOnce(&mut Windows<Key>) -> T) -> T {
        act(&mut self.windows.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The limit as signed-in clients are told it.
    fn told(&self) -> Value {
        json!({ "points": self.limit.points, "duration": self.limit.seconds })
    }
}

/// Where counts are kept.
#[derive(Clone, Copy)]
enum Place<'a> {
    Here,
    Database(&'a dyn Backend),
}

/// The limits of a server.
#[derive(Debug)]
pub(crate) struct Limits {
    store: LimitStore,
    address: Option<Counter>,
    global: Option<Counter>,
    registration: Option<Counter>,
}

impl Limits {
    /// The limits of the settings, with nothing counted yet.
    pub(crate) fn new(settings: &config::Limits) -> Self {
        Self {
            store: settings.store,
            address: Counter::new("address", settings.address, ADDRESSES_MAX),
            global: Counter::new("all", settings.global, 1),
            registration: Counter::new("registration", settings.registration, ADDRESSES_MAX),
        }
    }

    /// Counts a request from an address. Refused ones do not count against what everybody shares.
    pub(crate) async fn request(
        &self,
        address: Option<&str>,
        store: &dyn Backend,
        now: OffsetDateTime,
    ) -> Result<(), Refusal> {
        if let Some(counter) = &self.address {
            counter.count(Key::of(address), self.place(store), now).await?;
        }
        if let Some(counter) = &self.global {
            counter.count(Key::All, self.place(store), now).await?;
        }
        Ok(())
    }

    /// Counts an attempt to register from an address, whatever comes of it.
    pub(crate) async fn registration(
        &self,
        address: Option<&str>,
        store: &dyn Backend,
        now: OffsetDateTime,
    ) -> Result<(), Refusal> {
        match &self.registration {
            Some(counter) => counter.count(Key::of(address), self.place(store), now).await,
            None => Ok(()),
        }
    }

    /// `rateLimit` and `rateLimitGlobal` of `/server/info`.
    pub(crate) fn told(&self) -> (Value, Value) {
        let told = |counter: &Option<Counter>| counter.as_ref().map_or(Value::Bool(false), Counter::told);
        (told(&self.address), told(&self.global))
    }

    fn place<'a>(&self, store: &'a dyn Backend) -> Place<'a> {
        match self.store {
            LimitStore::Memory => Place::Here,
            LimitStore::Database => Place::Database(store),
        }
    }
}

fn unavailable(error: &Error) -> Refusal {
    tracing::error!(error = error as &dyn std::error::Error, "the store does not count requests");
    Refusal::no_database()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(milliseconds: i64) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH + time::Duration::milliseconds(1_795_280_000_000 + milliseconds)
    }

    fn counter(points: u32, seconds: u32) -> Counter {
        Counter::new("test", Limit { enabled: true, points, seconds }, 3).unwrap()
    }

    async fn count(counter: &Counter, address: &str, now: i64) -> Option<(u64, Duration)> {
        match counter.count(Key::of(Some(address)), Place::Here, at(now)).await {
            Err(Refusal::RequestsExceeded { limit, retry_after, reset }) => {
                assert_eq!(reset, at(now) + retry_after);
                Some((limit, retry_after))
            }
            other => other.map(|()| None).unwrap(),
        }
    }

    #[tokio::test]
    async fn so_many_are_let_through_until_the_window_ends() {
        let counter = counter(2, 3);
        assert_eq!(count(&counter, "1.1.1.1", 0).await, None);
        assert_eq!(count(&counter, "1.1.1.1", 1).await, None);
        assert_eq!(count(&counter, "1.1.1.1", 10).await, Some((2, Duration::from_millis(2990))));
        assert_eq!(count(&counter, "2.2.2.2", 10).await, None, "another address has its own");
        assert_eq!(
            count(&counter, "1.1.1.1", 2999).await,
            Some((2, Duration::from_millis(1))),
            "refusals do not prolong it"
        );
        assert_eq!(count(&counter, "1.1.1.1", 3000).await, None);
    }

    #[tokio::test]
    async fn the_oldest_address_is_forgotten_first() {
        let counter = counter(1, 3);
        for (now, address) in [(0, "1.1.1.1"), (1, "2.2.2.2"), (2, "3.3.3.3"), (3, "4.4.4.4")] {
            assert_eq!(count(&counter, address, now).await, None, "{address}");
        }
        assert!(count(&counter, "2.2.2.2", 4).await.is_some());
        assert_eq!(count(&counter, "1.1.1.1", 5).await, None, "forgotten");
        assert!(counter.with(|windows| windows.open.len()) <= 3);
    }

    #[test]
    fn addresses_of_one_network_count_together() {
        let key = |address| Key::of(Some(address));
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:1"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_eq!(key("::ffff:1.1.1.1"), key("1.1.1.1"));
        assert_eq!(Key::of(None), Key::Unknown);
        assert_eq!(key("2001:db8::1").name("address"), "limit/address/20010db800000000");
        assert_eq!(key("1.2.3.4").name("address"), "limit/address/01020304");
    }

    #[test]
    fn clients_are_told_what_counts() {
        let address = Limit { enabled: true, points: 50, seconds: 1 };
        let limits = Limits::new(&config::Limits { address, ..config::Limits::default() });
        assert_eq!(limits.told(), (json!({ "points": 50, "duration": 1 }), Value::Bool(false)));
    }

    proptest! {
        #[test]
        fn memory_is_bounded_whoever_comes(steps in prop::collection::vec((0_u8..20, 0_u64..2000), 0..200)) {
            let (mut windows, mut now) = (Windows::new(4), 0);
            for (key, passed) in steps {
                now += passed;
                let window = windows.add(key, 1000, now);
                prop_assert!(window.value > 0 && window.ends_ms > now);
                prop_assert!(windows.open.len() <= 4 && windows.order.len() <= 4);
            }
        }
    }
}
