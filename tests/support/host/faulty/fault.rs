//! What can be wrong with an import.

/// Seconds that a call takes that takes too long.
pub(super) const HOUR: u64 = 3600;

/// Seconds by which a clock is wrong that is wrong.
pub(super) const TEN_YEARS: u64 = 10 * 365 * 86_400;

/// A function that drivers import, or some that are one step together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Import {
    /// `gatewit:config/settings.get`.
    Settings,
    /// `gatewit:cache/cache.get`.
    CacheGet,
    /// `gatewit:cache/cache.put`.
    CachePut,
    /// `gatewit:log/log.write`.
    Log,
    /// `wasi:clocks/wall-clock.now`.
    Clock,
    /// `wasi:random/random`.
    Random,
    /// `gatewit:keys/signing.import`.
    KeyImport,
    /// `verify` of such a key.
    KeyVerify,
    /// `gatewit:passwords/accounts.verify`.
    Password,
    /// `gatewit:streams/streams.connect`.
    Connect,
    /// `send` of a connection.
    Send,
    /// `receive` of a connection.
    Receive,
    /// `wasi:http/outgoing-handler.handle` and its answer.
    Fetch,
}

impl Import {
    /// Whether the host waits for somebody else in it, and ends that at a deadline.
    #[must_use]
    pub fn waits(self) -> bool {
        matches!(self, Self::Connect | Self::Send | Self::Receive | Self::Fetch)
    }
}

/// How it is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Conduct {
    /// It says that it cannot; where the contract has no word for that, it traps, or has nothing.
    Fail,
    /// It takes an hour. Where the host waits for somebody, its deadline has passed.
    Delay,
    /// It says something else than what is right.
    Lie,
    /// It lies in another way.
    OtherLie,
}

impl Conduct {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Fail, Self::Delay, Self::Lie, Self::OtherLie];
}

/// An import that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which one.
    pub import: Import,
    /// How.
    pub conduct: Conduct,
    /// At which of its calls, counted from 1; `None`: at all.
    pub call: Option<u32>,
}
