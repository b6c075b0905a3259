//! Time as a value: seconds since 1970, handed in by the caller.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment in whole seconds since 1970-01-01T00:00:00Z.
///
/// All arithmetic saturates: no claim of a provider and no step of the host's clock can make it wrap.
///
/// # Example
/// ```
/// use std::time::Duration;
/// use doorward_oidc::UnixTime;
///
/// let issued = UnixTime::from_seconds(1_000);
/// let expires = issued.saturating_add(Duration::from_secs(60));
/// assert_eq!(expires.saturating_since(issued), Duration::from_secs(60));
/// assert_eq!(issued.saturating_since(expires), Duration::ZERO);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash, Serialize, Deserialize)]
pub struct UnixTime(u64);

impl UnixTime {
    /// Makes a moment from seconds since 1970.
    #[must_use]
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Returns the seconds since 1970.
    #[must_use]
    pub const fn seconds(self) -> u64 {
        self.0
    }

    /// Returns the milliseconds since 1970, as browsers count.
    #[must_use]
    pub const fn milliseconds(self) -> u64 {
        self.0.saturating_mul(1_000)
    }

    /// Adds a duration, whole seconds only; stops at the largest moment.
    #[must_use]
    pub const fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.as_secs()))
    }

    /// Subtracts a duration, whole seconds only; stops at zero.
    #[must_use]
    pub const fn saturating_sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(duration.as_secs()))
    }

    /// Returns the time passed since `earlier`; zero if `earlier` is later.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_secs(self.0.saturating_sub(earlier.0))
    }
}
