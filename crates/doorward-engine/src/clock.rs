//! The clock of the machine, for production.

use std::time::{Duration, Instant, SystemTime};

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

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the one place that asks the machine for the time"
    )]
    fn now(&self) -> UnixTime {
        // A machine whose clock stands before 1970 gets time zero: every session is then refused
        // as not yet valid or kept to its end, never extended.
        let seconds = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |elapsed| elapsed.as_secs());
        UnixTime::from_seconds(seconds)
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}
