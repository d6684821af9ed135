//! A connection as a call has it: one of its own, or what it is told of the connection of another call, which it watches.
//!
//! Whoever watches is told the same bytes, as long as it says the same bytes, and reads them in portions of its own.

use super::{Connection, Error};
use crate::capability::script::{Nature, Script};
use std::time::Duration;

/// A connection as a call has it.
#[expect(unreachable_pub, reason = "named by generated bindings, which are public in their module")]
pub struct Line {
    /// Counts the connections of the call.
    number: u32,
    /// `None` for whoever watches.
    connection: Option<Connection>,
    /// What was told and is not read yet.
    unread: Vec<u8>,
}

impl Line {
    pub(super) fn new(number: u32, connection: Option<Connection>) -> Self {
        Self { number, connection, unread: Vec::new() }
    }

    pub(super) async fn send(&mut self, script: &Script, bytes: &[u8]) -> Result<(), Error> {
        let asked = script.ask(Nature::Effect, "send", &(self.number, bytes));
        asked.told(async { self.own()?.send(bytes).await }, || Error::Denied).await
    }

    pub(super) async fn receive(&mut self, script: &Script, most: u32) -> Result<Vec<u8>, Error> {
        if self.unread.is_empty() {
            let asked = script.ask(Nature::Reply, "receive", &self.number);
            self.unread = asked.told(async { self.own()?.receive(most).await }, || Error::Denied).await?;
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(self.unread.len());
        let rest = self.unread.split_off(most);
        Ok(std::mem::replace(&mut self.unread, rest))
    }

    pub(super) async fn secure(&mut self, script: &Script, within: Duration) -> Result<(), Error> {
        let asked = script.ask(Nature::Effect, "secure", &self.number);
        asked.told(async { self.own()?.secure(within).await }, || Error::Denied).await
    }

    fn own(&mut self) -> Result<&mut Connection, Error> {
        self.connection.as_mut().ok_or(Error::Denied)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_watches_reads_what_was_told_in_portions_of_its_own() {
        let script = Script::blank();
        let told = script.ask(Nature::Reply, "receive", &1_u32).told(async { Ok(b"abc".to_vec()) }, || Error::Denied);
        assert_eq!(told.await.unwrap(), b"abc");
        let script = script.rewound().unwrap();
        let mut line = Line::new(1, None);
        assert_eq!(line.receive(&script, 2).await.unwrap(), b"ab");
        assert_eq!(line.receive(&script, 2).await.unwrap(), b"c");
        assert!(matches!(line.receive(&script, 2).await, Err(Error::Denied)));
        assert!(matches!(line.send(&script, b"x").await, Err(Error::Denied)), "nobody is there");
        assert!(script.added().is_some());
    }
}
