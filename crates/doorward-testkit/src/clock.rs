//! A clock that moves only when told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use doorward_core::UnixTime;
use doorward_core::ports::Clock;

/// A clock that stands still until a test moves it; clones share the same time.
///
/// Wall time and monotonic time are apart, as in life: [`advance`](FixedClock::advance) moves both,
/// [`set`](FixedClock::set) only the wall, as a correction by a time server does.
///
/// # Example
/// ```
/// use std::time::Duration;
/// use doorward_core::{UnixTime, ports::Clock};
/// use doorward_testkit::FixedClock;
///
/// let clock = FixedClock::new(UnixTime::from_seconds(1_000));
/// clock.advance(Duration::from_secs(5));
/// assert_eq!(clock.now(), UnixTime::from_seconds(1_005));
/// ```
#[derive(Clone, Debug)]
pub struct FixedClock {
    time: Arc<Mutex<Time>>,
}

#[derive(Debug)]
struct Time {
    wall: Duration,
    monotonic: Duration,
}

impl FixedClock {
    /// Makes a clock that stands at `now`; its monotonic time begins at 1,000 seconds.
    #[must_use]
    pub fn new(now: UnixTime) -> Self {
        Self {
            time: Arc::new(Mutex::new(Time {
                wall: Duration::from_secs(now.seconds()),
                monotonic: Duration::from_secs(1_000),
            })),
        }
    }

    /// Moves wall and monotonic time forward.
    pub fn advance(&self, by: Duration) {
        let mut time = self.time.lock().unwrap();
        time.wall += by;
        time.monotonic += by;
    }

    /// Sets the wall time, forward or back; the monotonic time stays.
    pub fn set(&self, now: UnixTime) {
        self.time.lock().unwrap().wall = Duration::from_secs(now.seconds());
    }

    /// Tells the wall time in whole seconds since the epoch.
    #[must_use]
    pub fn seconds(&self) -> u64 {
        self.time.lock().unwrap().wall.as_secs()
    }
}

impl Default for FixedClock {
    /// Stands at 2026-01-01T00:00:00Z.
    fn default() -> Self {
        Self::new(UnixTime::from_seconds(1_767_225_600))
    }
}

impl Clock for FixedClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_seconds(self.seconds())
    }

    fn monotonic(&self) -> Duration {
        self.time.lock().unwrap().monotonic
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_the_time() {
        let clock = FixedClock::default();
        let other = clock.clone();
        clock.advance(Duration::from_millis(1_500));
        assert_eq!(other.seconds(), 1_767_225_601);
        assert_eq!(other.monotonic(), Duration::from_millis(1_001_500));
    }

    #[test]
    fn setting_the_wall_leaves_the_monotonic_time() {
        let clock = FixedClock::default();
        clock.set(UnixTime::from_seconds(5));
        assert_eq!(clock.now(), UnixTime::from_seconds(5));
        assert_eq!(clock.monotonic(), Duration::from_secs(1_000));
    }
}
