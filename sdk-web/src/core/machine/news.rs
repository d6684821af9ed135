//! What other tabs say, and what of it is believed.
//!
//! Invariant: sign-out wins over news of a renewal, and news of a sign-out that is older than this session is not about it.

use alloc::vec;
use alloc::vec::Vec;

use super::parts::{Change, Effect, Message, Phase, Standing};
use super::{State, signed_out};
use crate::core::session::Session;

impl State {
    pub(super) fn heard(&mut self, message: Message, now: f64) -> Vec<Effect> {
        match message {
            Message::SignedIn(session) if self.settings.common => {
                self.become_signed_in(session, false, now);
                vec![Effect::Tell(Change::SignedIn), Effect::Settle(Ok(()))]
            }
            Message::Asked { from } => {
                self.watch(&from, now);
                vec![]
            }
            Message::Renewed { renewed, from } => self.heard_of_renewal(renewed, from.as_deref()),
            // What was said before this session began is not about it.
            Message::SignedOut { at }
                if self.settings.common && at >= self.since && self.standing != Standing::SignedOut =>
            {
                self.become_signed_out();
                vec![Effect::Save(None), Effect::Tell(Change::SignedOut(None)), Effect::Settle(Err(signed_out()))]
            }
            Message::Failed(failure) if self.stop_waiting() => self.rests(failure, now).into(),
            Message::Failed(_) => {
                self.watched = None;
                vec![]
            }
            Message::SignedIn(_) | Message::SignedOut { .. } => vec![],
        }
    }

    fn heard_of_renewal(&mut self, renewed: Session, from: Option<&str>) -> Vec<Effect> {
        let takes = match &self.standing {
            // Sign-out wins.
            Standing::SignedOut => false,
            Standing::Unknown => self.settings.common,
            Standing::SignedIn(held) => {
                let successor = from.is_some() && held.refresh.as_deref() == from;
                successor || self.settings.common && renewed.expires_at > held.expires_at && held.differs(&renewed)
            }
        };
        if !takes {
            return vec![];
        }
        let change = if self.session().is_some() { Change::Renewed } else { Change::SignedIn };
        self.standing = Standing::SignedIn(renewed.clone());
        self.recovered();
        self.stop_waiting();
        if self.phase == Phase::Claiming {
            // What the lock was wanted for has been done.
            self.begun = self.epoch.wrapping_sub(1);
        }
        let mut effects = vec![];
        if !self.settings.common {
            effects.push(Effect::Save(Some(renewed)));
        }
        effects.extend([Effect::Tell(change), Effect::Settle(Ok(()))]);
        effects
    }

    /// Whether another tab was waited for, which is over now.
    pub(super) fn stop_waiting(&mut self) -> bool {
        let waiting = matches!(self.phase, Phase::Waiting { .. });
        if waiting {
            self.phase = Phase::Idle;
        }
        waiting
    }
}
