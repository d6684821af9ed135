//! Which transactions of a server are over, as it tells it. Pure.

/// A snapshot (`txid_current_snapshot`): every transaction with a smaller number than the next is over, but for those that run.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    next: u64,
    running: Vec<u64>,
}

impl Snapshot {
    /// Reads `oldest:next:running,running`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':').skip(1);
        let next = parts.next()?.parse().ok()?;
        let running = parts.next()?.split(',').filter(|number| !number.is_empty());
        Some(Self { next, running: running.map(|number| number.parse().ok()).collect::<Option<_>>()? })
    }

    /// The transactions that ended since an earlier snapshot.
    pub(super) fn ended_since(&self, earlier: &Self) -> impl Iterator<Item = u64> {
        let candidates = earlier.running.iter().copied().chain(earlier.next..self.next);
        candidates.filter(|number| !self.running.contains(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(earlier: &str, later: &str) -> Vec<u64> {
        let (earlier, later) = (Snapshot::parse(earlier).unwrap(), Snapshot::parse(later).unwrap());
        later.ended_since(&earlier).collect()
    }

    #[test]
    fn what_ended_is_what_runs_no_more() {
        assert_eq!(ended("10:10:", "10:10:"), [0; 0]);
        assert_eq!(ended("10:10:", "12:12:"), [10, 11]);
        assert_eq!(ended("7:10:7,9", "9:13:9,11"), [7, 10, 12]);
        assert_eq!(ended("7:10:7", "7:10:7"), [0; 0]);
    }

    #[test]
    fn what_is_no_snapshot_is_none() {
        for text in ["", "1", "1:x:", "1:2", "1:2:3,x"] {
            assert_eq!(Snapshot::parse(text), None, "{text}");
        }
    }
}
