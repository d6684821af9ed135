//! How often one call may go outside, whichever way. What goes beyond is refused and told once: there may be thousands more.

use crate::capability::trace::Trace;

/// What one call has of a way.
pub(crate) struct Allowance {
    most: u32,
    taken: u32,
    is_told: bool,
}

impl Allowance {
    pub(crate) fn new(most: u32) -> Self {
        Self { most, taken: 0, is_told: false }
    }

    /// How many were taken.
    pub(crate) fn taken(&self) -> u32 {
        self.taken
    }

    /// Takes one more; whether it may. Without a network none may. `goes` and `one` name the way, as in "a driver sends too many
    /// requests" and "a request is denied".
    pub(crate) fn take(&mut self, has_network: bool, goes: &str, one: &str, trace: &Trace) -> bool {
        if has_network && self.taken < self.most {
            self.taken += 1;
            return true;
        }
        if !std::mem::replace(&mut self.is_told, true) {
            let most = if has_network { self.most } else { 0 };
            tracing::warn!(most, "a driver {goes}, or where it has no network");
            trace.add(
                "warn",
                "network",
                &format!("{one} is denied, because there is no network or because of too many"),
            );
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_beyond_is_refused_and_told_once() {
        for (has_network, may) in [(true, [true, true, false, false]), (false, [false; 4])] {
            let (mut allowance, trace) = (Allowance::new(2), Trace::start());
            let taken = [(); 4].map(|()| allowance.take(has_network, "sends too many requests", "a request", &trace));
            assert_eq!(taken, may);
            assert_eq!(trace.steps().len(), 1);
        }
    }
}
