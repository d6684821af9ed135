//! A session as a tab holds it, and when it is due for renewal.
//!
//! Invariant: times are this machine's, taken when an answer arrives, and a clock that is wrong is wrong for both ends of
//! each comparison. A clock that was set back in between is noticed: nothing can have longer to go than it had at first.

use alloc::rc::Rc;
use alloc::string::String;
use core::ops::Deref;

/// How the server hands tokens over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Both tokens in the answer.
    Json,
    /// The refresh token in a cookie.
    Cookie,
    /// Everything in a cookie.
    Session,
}

impl Mode {
    /// The word on the wire.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Cookie => "cookie",
            Self::Session => "session",
        }
    }

    /// The mode of this word.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        [Self::Json, Self::Cookie, Self::Session].into_iter().find(|mode| mode.text() == text)
    }
}

/// Somebody's session. It never changes: a renewed one is another one. So it is shared and not copied, which keeps the module
/// small.
#[derive(Clone, Debug, PartialEq)]
pub struct Session(Rc<Facts>);

/// What there is to know of a session.
#[derive(Debug, PartialEq)]
pub struct Facts {
    /// How it is held. After single sign-on it is in a cookie, whatever the mode of the client.
    pub mode: Mode,
    /// What requests carry; none in the mode `session`.
    pub access: Option<String>,
    /// What the next one is asked for with; in the mode `json` only.
    pub refresh: Option<String>,
    /// For how long it was good when it came, in milliseconds.
    pub life_ms: f64,
    /// Until when it is good by this machine's clock, in milliseconds since 1970.
    pub expires_at: f64,
}

impl Deref for Session {
    type Target = Facts;

    fn deref(&self) -> &Facts {
        &self.0
    }
}

impl From<Facts> for Session {
    fn from(facts: Facts) -> Self {
        Self(Rc::new(facts))
    }
}

impl Session {
    /// Whether an answer has brought what its mode promises.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        match self.mode {
            Mode::Json => self.access.is_some() && self.refresh.is_some(),
            Mode::Cookie => self.access.is_some(),
            Mode::Session => true,
        }
    }

    /// Whether what a storage kept is enough to go on with.
    #[must_use]
    pub fn is_restorable(&self) -> bool {
        self.mode != Mode::Json || self.refresh.is_some()
    }

    /// Whether it can no longer be used, as far as this clock knows.
    #[must_use]
    pub fn is_over(&self, now: f64) -> bool {
        now >= self.expires_at
    }

    /// When it is to be renewed, with `lead_ms` asked for and a `chance` between 0 and 1.
    ///
    /// Tabs hold the same session: with a chance of their own they do not all start at once, and the first one's successor
    /// reaches the others before they begin.
    #[must_use]
    pub fn due_at(&self, lead_ms: f64, chance: f64) -> f64 {
        let lead = match self.mode {
            // A session cookie that has expired cannot be renewed, and a hidden tab's timers may be late: early, then.
            Mode::Session => self.life_ms / 2.0,
            Mode::Json | Mode::Cookie => lead_ms.min(self.life_ms / LEAST_PART),
        };
        self.expires_at - lead * (1.0 + chance * SPREAD)
    }

    /// Whether it is to be renewed now.
    #[must_use]
    pub fn is_due(&self, lead_ms: f64, chance: f64, now: f64) -> bool {
        // More to go than it ever had: the clock was set back, and only the server knows how late it is.
        let set_back = self.expires_at - now > self.life_ms + TOLERANCE_MS;
        set_back || now >= self.due_at(lead_ms, chance)
    }

    /// Whether this is another session, or a later state of the same, than `other`.
    #[must_use]
    pub fn differs(&self, other: &Self) -> bool {
        match (&self.refresh, &other.refresh) {
            (Some(one), Some(two)) => one != two,
            // Without tokens in sight, only the time tells; both come from the same clock.
            _ => (self.expires_at - other.expires_at).abs() >= 1.0,
        }
    }
}

/// Of a short life, at most a quarter is spent on being early.
const LEAST_PART: f64 = 4.0;
/// How far tabs are spread, as a part of the lead: half of it is seconds in practice, far more than a refresh takes.
const SPREAD: f64 = 0.5;
/// Clocks are slewed by small steps all the time; that is no reason to refresh.
const TOLERANCE_MS: f64 = 5000.0;

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests {
    use super::*;

    fn session(mode: Mode, life_ms: f64) -> Session {
        Facts { mode, access: None, refresh: None, life_ms, expires_at: 1e12 + life_ms }.into()
    }

    #[test]
    fn a_session_is_due_a_lead_before_its_end() {
        let held = session(Mode::Json, 900_000.0);
        assert!(!held.is_due(30_000.0, 0.0, 1e12 + 869_999.0));
        assert!(held.is_due(30_000.0, 0.0, 1e12 + 870_000.0));
        assert!(held.is_due(30_000.0, 1.0, 1e12 + 855_000.0));
        assert!(!held.is_over(1e12 + 899_999.0) && held.is_over(1e12 + 900_000.0));
    }

    #[test]
    fn a_short_life_is_not_all_lead() {
        let held = session(Mode::Json, 2000.0);
        assert!(!held.is_due(30_000.0, 0.0, 1e12 + 1000.0));
        assert!(held.is_due(30_000.0, 0.0, 1e12 + 1500.0));
    }

    #[test]
    fn a_session_cookie_is_renewed_at_half_of_its_life() {
        let day = 86_400_000.0;
        assert!(!session(Mode::Session, day).is_due(30_000.0, 0.0, 1e12 + day / 2.0 - 1.0));
        assert!(session(Mode::Session, day).is_due(30_000.0, 0.0, 1e12 + day / 2.0));
    }

    #[test]
    fn a_clock_that_was_set_back_makes_it_due() {
        let held = session(Mode::Json, 900_000.0);
        assert!(held.is_due(30_000.0, 0.0, 1e12 - 3_600_000.0));
        assert!(!held.is_due(30_000.0, 0.0, 1e12 - 4_000.0));
    }

    #[test]
    fn modes_are_the_words_on_the_wire() {
        for word in ["json", "cookie", "session"] {
            assert_eq!(Mode::of(word).map(Mode::text), Some(word));
        }
        assert_eq!(Mode::of("Json"), None);
    }
}
