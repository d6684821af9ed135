//! One connection, one request at a time.

use crate::{
    entry::Entry,
    frame::{Frames, Garbage},
    limits::{PAGES, REFERENCES},
    line::{Broken, Line},
    message::{self, Answer, Outcome, Search, Unwritable, code},
};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

/// Why a server has no answer that could be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    Broken(Broken),
    /// It closed the connection; what it said of that.
    Closed(String),
    /// It does not speak LDAP.
    Nonsense(&'static str),
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(broken) => write!(formatter, "{broken}"),
            Self::Closed(said) if said.is_empty() => formatter.write_str("it closed the connection"),
            Self::Closed(said) => write!(formatter, "it closed the connection: {said}"),
            Self::Nonsense(what) => formatter.write_str(what),
        }
    }
}

impl From<Broken> for Fault {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl From<Garbage> for Fault {
    fn from(garbage: Garbage) -> Self {
        Self::Nonsense(match garbage {
            Garbage::Form => "what it answers is not LDAP",
            Garbage::TooLong => "it announces a message of more than a megabyte",
        })
    }
}

impl From<Unwritable> for Fault {
    fn from(_: Unwritable) -> Self {
        Self::Nonsense("the request cannot be written")
    }
}

/// What a search brought.
#[derive(Debug)]
pub(crate) struct Brought {
    pub(crate) entries: Vec<Entry>,
    pub(crate) references: Vec<Vec<String>>,
    pub(crate) outcome: Outcome,
    /// There are more entries than are of use; what comes after them was not read.
    pub(crate) is_cut: bool,
}

/// A connection with its place in the conversation.
pub(crate) struct Speaker<L> {
    line: L,
    frames: Frames,
    last_id: u32,
}

impl<L: Line> Speaker<L> {
    pub(crate) fn new(line: L) -> Self {
        Self { line, frames: Frames::default(), last_id: 0 }
    }

    pub(crate) fn bind(&mut self, name: &str, password: &str) -> Result<Outcome, Fault> {
        let id = self.next_id();
        self.line.send(&message::bind(id, name, password)?)?;
        self.ended(id)
    }

    /// Encrypts, or answers why the server does not.
    pub(crate) fn start_tls(&mut self) -> Result<Outcome, Fault> {
        let id = self.next_id();
        self.line.send(&message::start_tls(id)?)?;
        let outcome = self.ended(id)?;
        if outcome.code == code::SUCCESS {
            // What came in clear before the encryption could be anybody's.
            if !self.frames.is_empty() {
                return Err(Fault::Nonsense("it said more than it was asked before the encryption began"));
            }
            self.line.secure()?;
        }
        Ok(outcome)
    }

    /// Says goodbye; nobody waits for an answer.
    pub(crate) fn leave(&mut self) {
        let id = self.next_id();
        if let Ok(bytes) = message::unbind(id) {
            let _ = self.line.send(&bytes);
        }
    }

    /// Searches, page after page.
    pub(crate) fn search(&mut self, search: &Search) -> Result<Brought, Fault> {
        let (mut entries, mut references, mut cookie) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..PAGES {
            let id = self.next_id();
            self.line.send(&message::search(id, search, &cookie)?)?;
            let (outcome, next) = loop {
                match self.answer(id)? {
                    Answer::Entry(_) if entries.len() >= search.most => {
                        let outcome =
                            Outcome { code: code::SIZE_LIMIT_EXCEEDED, said: String::new(), referral: Vec::new() };
                        return Ok(Brought { entries, references, outcome, is_cut: true });
                    }
                    Answer::Entry(entry) => entries.push(entry),
                    Answer::Reference(_) if references.len() >= REFERENCES => {
                        return Err(Fault::Nonsense("it refers to other servers without end"));
                    }
                    Answer::Reference(addresses) => references.push(addresses),
                    Answer::Done(outcome, next) => break (outcome, next),
                    Answer::Ended(_) => return Err(Fault::Nonsense("it answers something that was not asked")),
                }
            };
            if next.is_empty() || outcome.code != code::SUCCESS || !search.is_paged() {
                let is_cut = outcome.code == code::SIZE_LIMIT_EXCEEDED;
                return Ok(Brought { entries, references, outcome, is_cut });
            }
            cookie = next;
        }
        Err(Fault::Nonsense("it sends pages without end"))
    }

    fn next_id(&mut self) -> u32 {
        self.last_id += 1;
        self.last_id
    }

    fn ended(&mut self, id: u32) -> Result<Outcome, Fault> {
        match self.answer(id)? {
            Answer::Ended(outcome) => Ok(outcome),
            _ => Err(Fault::Nonsense("it answers something that was not asked")),
        }
    }

    /// The next answer, which has to be to this request.
    fn answer(&mut self, id: u32) -> Result<Answer, Fault> {
        loop {
            if let Some(bytes) = self.frames.next_message()? {
                return match message::read(bytes) {
                    Some((found, answer)) if found == id => Ok(answer),
                    // The notice that it hangs up (RFC 4511, section 4.4.1).
                    Some((0, Answer::Ended(outcome))) => Err(Fault::Closed(outcome.told())),
                    Some((found, _)) if found != id => Err(Fault::Nonsense("it answers a request that was not made")),
                    _ => Err(Fault::Nonsense("what it answers cannot be read")),
                };
            }
            let bytes = self.line.receive()?;
            if bytes.is_empty() {
                return Err(Fault::Closed(String::new()));
            }
            self.frames.push(&bytes);
        }
    }
}

/// What a result means that is none of those that something follows from.
pub(crate) fn failed(what: &str, outcome: &Outcome) -> String {
    format!("{what}: {}", outcome.told())
}

impl Fault {
    pub(crate) fn told(&self) -> String {
        self.to_string()
    }
}
