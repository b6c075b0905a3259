//! The clock of the machine, for production.

use std::time::{Duration, Instant};

use doorward_core::UnixTime;
use doorward_core::ports::Clock;

/// Reads the machine's clock.
///
/// Wall time decides what is written into sessions and tokens; waiting and backing off go by
/// monotonic time, so that a clock step ends no lease and starts no storm.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// Starts the monotonic part at zero.
    #[must_use]
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the one place that asks the machine for the time"
    )]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

/// Linux keeps a wall clock that is moved on at every tick, some milliseconds apart. Whole seconds need no better one.
#[cfg(target_os = "linux")]
fn seconds_since_1970() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
    u64::try_from(now.tv_sec).unwrap_or(0)
}

#[cfg(not(target_os = "linux"))]
#[allow(
    clippy::disallowed_methods,
    reason = "this is the one place that asks the machine for the time"
)]
fn seconds_since_1970() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::SystemTime::UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs())
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> UnixTime {
        // A machine whose clock stands before 1970 gets time zero: every session is then refused
        // as not yet valid or kept to its end, never extended.
        UnixTime::from_seconds(seconds_since_1970())
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods, reason = "the machine's clock is what is compared with")]
    fn wall_time_is_that_of_the_machine() {
        let of_std = || {
            let now = std::time::SystemTime::now();
            let since = now.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap();
            UnixTime::from_seconds(since.as_secs())
        };
        let before = of_std();
        let ours = SystemClock::new().now();
        let after = of_std();
        // The coarse clock may be a tick behind, which can be another second.
        let earliest = before.saturating_sub(Duration::from_secs(1));
        assert!(earliest <= ours && ours <= after, "{before:?} {ours:?} {after:?}");
    }
}
