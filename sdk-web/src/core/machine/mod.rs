//! The session of one tab among others: what happens, and what is to be done about it.
//!
//! Invariants, each with a test below:
//! - One refresh at a time in a tab, and one across tabs as far as they hear of each other; where they do not, the server's
//!   refresh gives both the same successor.
//! - What a refresh brings is stored before anybody hears of it.
//! - A token that was sent is spent: if the tab that sent it says no more, the others ask while the server still answers.
//! - Whoever signs out is signed out: a refresh that began before counts for nothing, here and in other tabs.
//! - Only the server ends a session ([`super::verdict`]). What fails otherwise is tried again.
//!
//! Absent: waiting and sending. [`State::step`] is told what happened and answers what to do, in this order.

mod news;
mod parts;
mod refresh;
#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod simulation;
#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests;

use alloc::vec;
use alloc::vec::Vec;
use core::mem;

pub use parts::{Change, Effect, Event, Message, Phase, Reading, Settings, Standing};

use super::code::Code;
use super::session::Session;
use super::verdict::Failure;

/// What a tab knows.
#[derive(Clone, Debug)]
pub struct State {
    settings: Settings,
    standing: Standing,
    /// Counts sign-ins and sign-outs. What began under another number is void.
    epoch: u32,
    /// When this standing began, by this machine's clock: older news of a sign-out is about somebody else's session.
    since: f64,
    /// The session is known to be in the storage, so that its absence there means something.
    kept: bool,
    phase: Phase,
    /// The number under which what is in progress began.
    begun: u32,
    /// What is in progress is void, and something was asked for meanwhile.
    again: bool,
    /// The lock is ours.
    locked: bool,
    /// A session that the server still has to be told to end, once the refresh in flight has come back.
    owed: Option<Session>,
    /// When to ask as well, because another tab has spent the token that is held here and has not said what came of it.
    watched: Option<f64>,
    failures: u32,
    /// Why the last refresh failed, and until when nobody tries again by himself.
    rest: Option<(f64, Failure)>,
}

impl State {
    /// A tab that has just been opened.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            standing: Standing::Unknown,
            epoch: 0,
            since: 0.0,
            kept: false,
            phase: Phase::Idle,
            begun: 0,
            again: false,
            locked: false,
            owed: None,
            watched: None,
            failures: 0,
            rest: None,
        }
    }

    /// Whether somebody is signed in here.
    #[must_use]
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// The session, if somebody is signed in.
    #[must_use]
    pub fn session(&self) -> Option<&Session> {
        match &self.standing {
            Standing::SignedIn(session) => Some(session),
            Standing::Unknown | Standing::SignedOut => None,
        }
    }

    /// Whether the server was asked for a refresh and has not answered.
    #[must_use]
    pub fn is_sending(&self) -> bool {
        matches!(self.phase, Phase::Sending { .. })
    }

    /// From now on a refresh happens when it is asked for, and not by itself.
    pub fn stop_refreshing(&mut self) {
        self.settings.automatic = false;
    }

    /// Whether a request should wait for a refresh first.
    #[must_use]
    pub fn needs_refresh(&self, now: f64) -> bool {
        match &self.standing {
            Standing::Unknown => true,
            Standing::SignedOut => false,
            Standing::SignedIn(session) => session.is_due(self.settings.lead_ms, self.settings.chance, now),
        }
    }

    /// Whether a request may be sent though a refresh has failed: as nobody, or with a token that is still good.
    #[must_use]
    pub fn can_do_without(&self, now: f64) -> bool {
        match &self.standing {
            Standing::Unknown => false,
            Standing::SignedOut => true,
            Standing::SignedIn(session) => !session.is_over(now),
        }
    }

    /// When to be woken with [`Event::Tick`]. Being woken earlier or later does no harm.
    #[must_use]
    pub fn wakes_at(&self) -> Option<f64> {
        if let Phase::Waiting { until } = self.phase {
            return Some(until);
        }
        let session = self.session().filter(|_| self.settings.automatic && self.phase == Phase::Idle)?;
        let due = session.due_at(self.settings.lead_ms, self.settings.chance);
        let own = self.rest.as_ref().map_or(due, |(until, _)| due.max(*until));
        Some(self.watched.map_or(own, |at| own.min(at)))
    }

    /// Something happened at `now`: what is to be done.
    pub fn step(&mut self, event: Event, now: f64) -> Vec<Effect> {
        match event {
            Event::Restored(reading) => self.restored(reading, now),
            Event::SignedIn(session) => self.signed_in(session, now),
            Event::SignOut => self.sign_out(now),
            Event::Wanted { eager } => self.wanted(eager, now),
            Event::Tick => self.tick(false, now),
            Event::Woken => self.tick(true, now),
            Event::Claimed(taken) => self.claimed(taken, now),
            Event::Read(reading) => self.read(reading, now),
            Event::Answered(answer) => self.answered(answer, now),
            Event::Saved(kept) => self.saved(kept),
            Event::Heard(message) => self.heard(message, now),
        }
    }

    /// What the storage had when the tab was opened.
    fn restored(&mut self, reading: Reading, now: f64) -> Vec<Effect> {
        if self.standing != Standing::Unknown {
            return vec![];
        }
        match reading {
            Reading::Record(session) => {
                self.become_signed_in(session, true, now);
                vec![Effect::Tell(Change::SignedIn)]
            }
            Reading::Absent if !self.settings.in_cookies() => {
                self.standing = Standing::SignedOut;
                vec![Effect::Tell(Change::SignedOut(None))]
            }
            // There may be a cookie: the server knows.
            Reading::Absent | Reading::Unused => vec![],
        }
    }

    fn signed_in(&mut self, session: Session, now: f64) -> Vec<Effect> {
        self.become_signed_in(session.clone(), false, now);
        vec![
            Effect::Save(Some(session.clone())),
            Effect::Announce(Message::SignedIn(session)),
            Effect::Tell(Change::SignedIn),
            Effect::Settle(Ok(())),
        ]
    }

    fn become_signed_in(&mut self, session: Session, kept: bool, now: f64) {
        self.epoch += 1;
        self.since = now;
        self.standing = Standing::SignedIn(session);
        self.kept = kept;
        self.recovered();
        self.stop_waiting();
    }

    fn recovered(&mut self) {
        self.watched = None;
        self.failures = 0;
        self.rest = None;
    }

    /// Nobody is signed in from now on, whatever is in flight.
    fn become_signed_out(&mut self) -> Option<Session> {
        self.epoch += 1;
        self.kept = false;
        self.recovered();
        self.stop_waiting();
        match mem::replace(&mut self.standing, Standing::SignedOut) {
            Standing::SignedIn(session) => Some(session),
            Standing::Unknown | Standing::SignedOut => None,
        }
    }

    fn sign_out(&mut self, now: f64) -> Vec<Effect> {
        let sending = matches!(self.phase, Phase::Sending { .. });
        let was = self.become_signed_out();
        let mut effects = vec![
            Effect::Save(None),
            Effect::Announce(Message::SignedOut { at: now }),
            Effect::Tell(Change::SignedOut(None)),
            Effect::Settle(Err(signed_out())),
        ];
        let ending = was.unwrap_or_else(|| self.settings.cookie_session());
        if sending {
            // In cookies, the answer in flight would bring back what this took away; so it is the last word.
            self.owed = Some(ending);
        } else {
            effects.push(Effect::Revoke(ending));
        }
        effects
    }
}

fn signed_out() -> Failure {
    Failure::own(Code::SignedOut, "nobody is signed in")
}
