//! How a session is renewed: claim the lock, look whether another tab has done it, ask the server, look whether somebody signed
//! out meanwhile, and only then keep it.
//!
//! Invariant: what is in progress when somebody signs in or out is void, and gives back what it holds.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::mem;

use super::parts::{Change, Effect, Message, Phase, Reading, Standing};
use super::{State, signed_out};
use crate::core::session::Session;
use crate::core::verdict::{Failure, pause_ms};

/// How long to wait for a tab that has the lock. One that was frozen while it had it must not hold up the others; the server
/// gives all the same successor.
pub(super) const PATIENCE_MS: f64 = 8000.0;

/// For what part of [`PATIENCE_MS`] a tab watches another one that has asked: each for a time of its own, so that the first spares the
/// others theirs, and all well within the ten seconds for which the server gives the same successor.
const WATCH: (f64, f64) = (0.5, 0.4);

impl State {
    /// Another tab has sent this token.
    pub(super) fn watch(&mut self, from: &str, now: f64) {
        if self.watched.is_none() && self.session().is_some_and(|held| held.refresh.as_deref() == Some(from)) {
            let at = now + PATIENCE_MS * (WATCH.0 + WATCH.1 * self.settings.chance);
            self.watched = Some(at);
            if let Phase::Waiting { until } = &mut self.phase {
                *until = until.min(at);
            }
        }
    }

    pub(super) fn wanted(&mut self, eager: bool, now: f64) -> Vec<Effect> {
        if self.phase != Phase::Idle {
            self.again |= self.begun != self.epoch;
            return vec![];
        }
        if self.standing == Standing::SignedOut {
            return vec![Effect::Settle(Err(signed_out()))];
        }
        if let Some((_, failure)) = self.rest.as_ref().filter(|(until, _)| !eager && now < *until) {
            return vec![Effect::Settle(Err(failure.clone()))];
        }
        self.begun = self.epoch;
        if self.settings.lock {
            self.phase = Phase::Claiming;
            vec![Effect::Claim]
        } else {
            self.check()
        }
    }

    fn check(&mut self) -> Vec<Effect> {
        self.phase = Phase::Checking;
        vec![Effect::Read]
    }

    pub(super) fn tick(&mut self, eager: bool, now: f64) -> Vec<Effect> {
        match self.phase {
            Phase::Waiting { until } if now >= until => self.check(),
            Phase::Idle if self.watched.is_some_and(|at| now >= at) => {
                // Not by the lock: the tab that says no more may hold it.
                self.begun = self.epoch;
                self.check()
            }
            Phase::Idle if self.settings.automatic && self.session().is_some() && self.needs_refresh(now) => {
                let resting = !eager && self.rest.as_ref().is_some_and(|(until, _)| now < *until);
                if resting { vec![] } else { self.wanted(eager, now) }
            }
            _ => vec![],
        }
    }

    pub(super) fn claimed(&mut self, taken: bool, now: f64) -> Vec<Effect> {
        self.locked = taken;
        if self.begun != self.epoch {
            return self.abandon(None, now);
        }
        if taken {
            return self.check();
        }
        let until = now + PATIENCE_MS;
        self.phase = Phase::Waiting { until: self.watched.map_or(until, |at| until.min(at)) };
        vec![]
    }

    /// What the storage has now: before a refresh, after it, and when the server says that the session is over.
    pub(super) fn read(&mut self, reading: Reading, now: f64) -> Vec<Effect> {
        let phase = mem::replace(&mut self.phase, Phase::Idle);
        if self.begun != self.epoch {
            let stray = if let Phase::Confirming { renewed, .. } = phase { Some(renewed) } else { None };
            return self.abandon(stray, now);
        }
        let gone = self.kept && reading == Reading::Absent;
        match phase {
            Phase::Checking | Phase::Doubting(_) if gone => self.left(signed_out(), None),
            Phase::Checking => match self.newer(reading) {
                Some(newer) if !self.is_due(&newer, now) => self.take_over(newer),
                Some(newer) => self.send(newer),
                None => match self.session().cloned() {
                    Some(session) => self.send(session),
                    None => self.send(self.settings.cookie_session()),
                },
            },
            Phase::Confirming { renewed, .. } if gone => self.left(signed_out(), Some(renewed)),
            Phase::Confirming { renewed, from } => match self.newer(reading) {
                // Somebody signed in anew elsewhere.
                Some(other) if other.differs(&renewed) => self.take_over(other),
                _ => self.commit(renewed, from),
            },
            Phase::Doubting(failure) => match self.newer(reading) {
                // Another tab was quicker, and this one's token was the old one.
                Some(newer) => self.take_over(newer),
                None => self.left(failure, None),
            },
            other => {
                self.phase = other;
                vec![]
            }
        }
    }

    fn is_due(&self, session: &Session, now: f64) -> bool {
        session.is_due(self.settings.lead_ms, self.settings.chance, now)
    }

    /// What the storage has, if it is not what is held here.
    fn newer(&self, reading: Reading) -> Option<Session> {
        let Reading::Record(stored) = reading else { return None };
        let same = self.session().is_some_and(|held| !held.differs(&stored));
        (!same).then_some(stored)
    }

    fn send(&mut self, session: Session) -> Vec<Effect> {
        self.watched = None;
        self.phase = Phase::Sending { from: session.refresh.clone() };
        let mut effects = vec![];
        // Of what is in a cookie, the browser keeps the successor, whatever becomes of this tab.
        if let Some(from) = session.refresh.clone() {
            effects.push(Effect::Announce(Message::Asked { from }));
        }
        effects.push(Effect::Send(session));
        effects
    }

    pub(super) fn answered(&mut self, answer: Result<Session, Failure>, now: f64) -> Vec<Effect> {
        let Phase::Sending { from } = mem::replace(&mut self.phase, Phase::Idle) else { return vec![] };
        match answer {
            _ if self.begun != self.epoch => self.abandon(answer.ok(), now),
            Ok(renewed) => {
                self.phase = Phase::Confirming { renewed, from };
                vec![Effect::Read]
            }
            Err(failure) if failure.ends_the_session() => {
                self.phase = Phase::Doubting(failure);
                vec![Effect::Read]
            }
            Err(failure) => self.unreachable(failure, now),
        }
    }

    /// The refresh has succeeded, and nobody signed out meanwhile: stored, then announced, then told.
    fn commit(&mut self, renewed: Session, from: Option<String>) -> Vec<Effect> {
        let change = if self.session().is_some() { Change::Renewed } else { Change::SignedIn };
        self.standing = Standing::SignedIn(renewed.clone());
        self.recovered();
        let mut effects =
            vec![Effect::Save(Some(renewed.clone())), Effect::Announce(Message::Renewed { renewed, from })];
        self.release(&mut effects);
        effects.extend([Effect::Tell(change), Effect::Settle(Ok(()))]);
        effects
    }

    /// Another tab has done it.
    fn take_over(&mut self, session: Session) -> Vec<Effect> {
        let change = if self.session().is_some() { Change::Renewed } else { Change::SignedIn };
        self.standing = Standing::SignedIn(session);
        self.kept = true;
        self.phase = Phase::Idle;
        self.recovered();
        let mut effects = vec![];
        self.release(&mut effects);
        effects.extend([Effect::Tell(change), Effect::Settle(Ok(()))]);
        effects
    }

    /// The session is over: the server says so, or it was ended elsewhere.
    fn left(&mut self, failure: Failure, stray: Option<Session>) -> Vec<Effect> {
        let somebody = self.become_signed_out().is_some();
        let mut effects = vec![];
        if somebody {
            effects.push(Effect::Save(None));
            // Those who hear it may hold something newer, which they will find out for themselves.
        }
        self.release(&mut effects);
        effects.extend(stray.map(Effect::Revoke));
        let why = somebody.then(|| failure.clone());
        effects.extend([Effect::Tell(Change::SignedOut(why)), Effect::Settle(Err(failure))]);
        effects
    }

    fn unreachable(&mut self, failure: Failure, now: f64) -> Vec<Effect> {
        let mut effects = vec![Effect::Announce(Message::Failed(failure.clone()))];
        self.release(&mut effects);
        effects.extend(self.rests(failure, now));
        effects
    }

    pub(super) fn rests(&mut self, failure: Failure, now: f64) -> [Effect; 2] {
        self.watched = None;
        self.failures = self.failures.saturating_add(1);
        self.rest = Some((now + pause_ms(self.failures, failure.retry_ms), failure.clone()));
        [Effect::Tell(Change::Unreachable(failure.clone())), Effect::Settle(Err(failure))]
    }

    /// What was in progress began before somebody signed in or out, and is void.
    fn abandon(&mut self, stray: Option<Session>, now: f64) -> Vec<Effect> {
        self.phase = Phase::Idle;
        let mut effects = vec![];
        self.release(&mut effects);
        let owed = self.owed.take();
        // A request with cookies would end whatever session they hold by now, so only if that is nobody's.
        let harmless = |session: &Session| session.refresh.is_some() || self.standing == Standing::SignedOut;
        effects.extend(stray.or(owed).filter(harmless).map(Effect::Revoke));
        if mem::take(&mut self.again) {
            effects.extend(self.wanted(false, now));
        }
        effects
    }

    fn release(&mut self, effects: &mut Vec<Effect>) {
        if mem::take(&mut self.locked) {
            effects.push(Effect::Release);
        }
    }

    pub(super) fn saved(&mut self, kept: bool) -> Vec<Effect> {
        self.kept = kept && self.session().is_some();
        if kept { vec![] } else { vec![Effect::Tell(Change::Unsaved)] }
    }
}
