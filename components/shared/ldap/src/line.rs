//! What the walk through a sign-in needs of the world. The glue fulfils it with `gatewit:streams`, a test with a script.

use crate::address::Place;
use alloc::{string::String, vec::Vec};
use core::fmt;

/// Why there is no connection, or no more of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// The settings do not name this server.
    Denied,
    /// Nobody is there, or the connection broke.
    Unreachable(String),
    /// The server is not who it should be, or there is no TLS with it.
    Untrusted(String),
    /// The time is over.
    Overdue,
    /// More was said than one connection may carry.
    Exhausted,
    /// Anything else.
    Other(String),
}

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied => formatter.write_str("it is not among the servers in the settings"),
            Self::Unreachable(why) => write!(formatter, "it cannot be reached ({why})"),
            Self::Untrusted(why) => write!(formatter, "its certificate or encryption is not good ({why})"),
            Self::Overdue => formatter.write_str("it did not answer in time"),
            Self::Exhausted => formatter.write_str("it said more than one connection may carry"),
            Self::Other(why) => formatter.write_str(why),
        }
    }
}

/// A connection.
pub trait Line {
    /// Sends all of it.
    fn send(&mut self, bytes: &[u8]) -> Result<(), Broken>;

    /// Waits for bytes; none at the end.
    fn receive(&mut self) -> Result<Vec<u8>, Broken>;

    /// Speaks TLS from here on.
    fn secure(&mut self) -> Result<(), Broken>;
}

/// The world around a sign-in.
pub trait Network {
    /// Its connections.
    type Line: Line;

    /// Connects.
    fn connect(&self, place: &Place) -> Result<Self::Line, Broken>;

    /// Seconds since the Unix epoch.
    fn now(&self) -> u64;

    /// Notes how far it came, for whoever wants to know.
    fn step(&self, message: &str, facts: &[(&str, &str)]);

    /// Notes what an operator should look at although it went on.
    fn warn(&self, message: &str, facts: &[(&str, &str)]);
}
