//! The words of the machine: what happens, what is to be done, and what tabs tell each other.

use alloc::string::String;

use crate::core::session::{Facts, Mode, Session};
use crate::core::verdict::Failure;

/// What does not change while a tab is open.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Tabs share one session: it is in cookies, or in a storage that they share.
    pub common: bool,
    /// The mode to ask for.
    pub mode: Mode,
    /// One of several tabs refreshes at a time. Never with code of the app between claiming and releasing.
    pub lock: bool,
    /// Whether to refresh without being asked.
    pub automatic: bool,
    /// How long before its end a session is renewed, in milliseconds.
    pub lead_ms: f64,
    /// This tab's own, between 0 and 1.
    pub chance: f64,
}

impl Settings {
    /// Whether the session may be in a cookie, which nobody here can see.
    pub(super) fn in_cookies(&self) -> bool {
        self.mode != Mode::Json
    }

    /// What is known of a session that is in cookies before the server was asked.
    pub(super) fn cookie_session(&self) -> Session {
        Facts { mode: self.mode, access: None, refresh: None, life_ms: 0.0, expires_at: 0.0 }.into()
    }
}

/// Who is signed in.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// Not looked yet: there may be a cookie.
    Unknown,
    /// Nobody.
    SignedOut,
    /// Somebody.
    SignedIn(Session),
}

/// How far a refresh has come.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// There is none.
    Idle,
    /// Asking for the lock.
    Claiming,
    /// Another tab has the lock and will say how it went.
    Waiting {
        /// When to go ahead without it.
        until: f64,
    },
    /// Looking whether another tab has done it already.
    Checking,
    /// The server is asked.
    Sending {
        /// With this token.
        from: Option<String>,
    },
    /// Looking whether somebody signed out meanwhile.
    Confirming {
        /// What the server answered.
        renewed: Session,
        /// The token it was asked with.
        from: Option<String>,
    },
    /// Looking whether the token that was refused is still the one in the storage.
    Doubting(Failure),
}

/// What the storage says.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// A session.
    Record(Session),
    /// None.
    Absent,
    /// Nothing that counts: it is this tab's own memory, or sessions are not kept there.
    Unused,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The storage was read when the tab was opened.
    Restored(Reading),
    /// A sign-in was answered.
    SignedIn(Session),
    /// The person wants to be signed out.
    SignOut,
    /// Somebody waits for a refresh.
    Wanted {
        /// Even if the last one failed a moment ago: a person asked, or the network came back.
        eager: bool,
    },
    /// Time has passed.
    Tick,
    /// The network is back, or somebody looks at the page again: what failed is tried at once.
    Woken,
    /// The lock was asked for; whether it is ours.
    Claimed(bool),
    /// The storage was read.
    Read(Reading),
    /// The server answered, or did not.
    Answered(Result<Session, Failure>),
    /// Something was stored; whether it worked.
    Saved(bool),
    /// Another tab said something.
    Heard(Message),
}

/// What is to be done. In the order given, and each before the next.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Ask for the lock, without waiting for it; then [`Event::Claimed`].
    Claim,
    /// Give the lock back.
    Release,
    /// Read the storage; then [`Event::Read`].
    Read,
    /// Store a session, or remove it; then [`Event::Saved`].
    Save(Option<Session>),
    /// Ask the server for the successor of this; then [`Event::Answered`].
    Send(Session),
    /// Tell the server that this is over.
    Revoke(Session),
    /// Tell the other tabs.
    Announce(Message),
    /// Tell the app.
    Tell(Change),
    /// Whoever waits for a refresh waits no longer.
    Settle(Result<(), Failure>),
}

/// What the app is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Somebody is signed in now.
    SignedIn,
    /// Nobody is signed in any more; why, if the person did not ask for it.
    SignedOut(Option<Failure>),
    /// The tokens are new.
    Renewed,
    /// The server could not be asked. The session stays.
    Unreachable(Failure),
    /// The session could not be stored: it ends with the page.
    Unsaved,
}

/// What tabs tell each other.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Somebody signed in.
    SignedIn(Session),
    /// The server is asked for the successor of this token: soon it is spent, whatever becomes of the tab that asks.
    Asked {
        /// The token.
        from: String,
    },
    /// The tokens are new.
    Renewed {
        /// The new ones.
        renewed: Session,
        /// Those that hold this token hold the predecessor.
        from: Option<String>,
    },
    /// Somebody signed out.
    SignedOut {
        /// When.
        at: f64,
    },
    /// A refresh failed; those who wait for it need not.
    Failed(Failure),
}
