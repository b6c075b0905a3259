//! What the log is told again only after a while: things that strangers or an outage can make happen without end.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long something is not told again.
const PAUSE: Duration = Duration::from_secs(10);

/// One kind of thing.
#[derive(Debug, Default)]
pub(crate) struct Seldom {
    /// When it was told last: monotonic milliseconds; 0 if never, or if it is over.
    told_at: AtomicU64,
}

impl Seldom {
    /// Whether it is to be told at this moment of the monotonic clock; the next ones then are not, for ten seconds.
    pub(crate) fn is_due(&self, now: Duration) -> bool {
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX).max(1);
        let before = self.told_at.load(Ordering::Acquire);
        let pause = u64::try_from(PAUSE.as_millis()).unwrap_or(u64::MAX);
        (before == 0 || now.saturating_sub(before) >= pause)
            && self
                .told_at
                .compare_exchange(before, now, Ordering::AcqRel, Ordering::Acquire)
                .is_ok()
    }

    /// Says that it is over: the next one is told. Returns whether it had been told.
    pub(crate) fn end(&self) -> bool {
        self.told_at.swap(0, Ordering::AcqRel) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_is_told_once_in_ten_seconds_and_what_begins_anew_at_once() {
        let seldom = Seldom::default();
        let at = |seconds| Duration::from_secs(seconds);
        assert!(seldom.is_due(at(0)));
        assert!(!seldom.is_due(at(0)));
        assert!(!seldom.is_due(at(9)));
        assert!(seldom.is_due(at(11)));
        assert!(seldom.end());
        assert!(!seldom.end(), "nothing was told since");
        assert!(seldom.is_due(at(12)));
    }
}
