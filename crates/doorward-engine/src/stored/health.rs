//! What holds for every call of a store: its deadline, a bound on how many wait at once, and a rest while it is down.
//!
//! After [`FAILURES`] failures in a row the store counts as down: calls fail at once, and one every [`REST`] is let through to see whether it
//! is back. So a request that cannot be decided is refused in microseconds and not after a deadline, and a store that
//! comes back is not met by a crowd.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use doorward_core::ports::{SessionStore, StoreError, StoreErrorKind};
use tokio::sync::Semaphore;

use crate::login_failure::with_source;
use crate::outside::Ports;
use crate::seldom::Seldom;

/// Calls under way at once; the others wait for their turn within their deadline.
const MAX_CALLS: usize = 256;
/// A store ends its calls by itself at their deadline, and says by which name; who does not is ended a little later.
const GRACE: Duration = Duration::from_millis(20);
/// Failures in a row before the store counts as down.
const FAILURES: u32 = 5;
/// How long a store that is down is left alone between two probes.
const REST: Duration = Duration::from_millis(500);

/// How a store has been doing.
pub(crate) struct Health {
    deadline: Duration,
    permits: Semaphore,
    failures: AtomicU32,
    /// Until when calls fail at once: monotonic milliseconds; 0 while the store serves.
    down_until: AtomicU64,
    outage: Seldom,
    refusal: Seldom,
}

impl Health {
    pub(crate) fn of(store: &dyn SessionStore) -> Self {
        Self {
            deadline: store.deadline().saturating_add(GRACE),
            permits: Semaphore::new(MAX_CALLS),
            failures: AtomicU32::new(0),
            down_until: AtomicU64::new(0),
            outage: Seldom::default(),
            refusal: Seldom::default(),
        }
    }

    /// How long whoever asks may have to wait.
    pub(super) const fn patience(&self) -> Duration {
        self.deadline
    }

    /// Makes a call of the store.
    ///
    /// # Errors
    /// [`StoreError`]: the call's own, [`StoreErrorKind::Timeout`] after the deadline, the wait for a turn included, or
    /// [`StoreErrorKind::Unreachable`] at once while the store is down.
    pub(crate) async fn call<T>(
        &self,
        ports: &Ports,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        if !self.lets_through(ports) {
            return Err(StoreError::new(StoreErrorKind::Unreachable));
        }
        let answered = self.in_turn(ports, call).await;
        let answered = answered.unwrap_or(Err(StoreError::new(StoreErrorKind::Timeout)));
        match &answered {
            Err(error) if is_outage(error) => self.failed(ports, error),
            Err(error) if error.kind() == StoreErrorKind::Overloaded => {
                tracing::debug!(%error, "too many calls wait");
            }
            Err(error) => self.refused(ports, error),
            Ok(_) => self.served(),
        }
        answered
    }

    /// Waits for a turn and makes the call; `None` at the deadline, which both share.
    async fn in_turn<T>(
        &self,
        ports: &Ports,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Option<Result<T, StoreError>> {
        let mut limit = ports.tasks.sleep(self.deadline);
        let mut turn = pin!(self.permits.acquire());
        // The deadline is looked at first: when it comes for a crowd, nobody begins a call with the turn of another whose time is up.
        let turn = poll_fn(|context| match limit.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(None),
            Poll::Pending => turn.as_mut().poll(context).map(Some),
        })
        .await;
        // A queue of ours is no outage of the store's.
        let Some(Ok(_permit)) = turn else {
            return Some(Err(StoreError::new(StoreErrorKind::Overloaded)));
        };
        let mut call = pin!(call);
        // The answer is looked at first: one that is there counts, however late the two are looked at.
        poll_fn(|context| match call.as_mut().poll(context) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending => limit.as_mut().poll(context).map(|()| None),
        })
        .await
    }

    /// Whether a call may be tried: while the store is down only one in each [`REST`].
    fn lets_through(&self, ports: &Ports) -> bool {
        let down_until = self.down_until.load(Ordering::Acquire);
        if down_until == 0 {
            return true;
        }
        let now = milliseconds(ports.clock.monotonic());
        let next = now.saturating_add(milliseconds(REST));
        now >= down_until
            && self
                .down_until
                .compare_exchange(down_until, next, Ordering::AcqRel, Ordering::Acquire)
                .is_ok()
    }

    fn failed(&self, ports: &Ports, error: &StoreError) {
        let now = milliseconds(ports.clock.monotonic());
        let failures = self.failures.fetch_add(1, Ordering::AcqRel).saturating_add(1);
        if failures >= FAILURES {
            let down_until = now.saturating_add(milliseconds(REST));
            self.down_until.store(down_until, Ordering::Release);
        }
        if self.outage.is_due(ports.clock.monotonic()) {
            let cause = with_source(error);
            tracing::error!(error = cause, failures, "session store did not answer");
        }
    }

    /// An error of the store's own: it answers, and does not do what it was asked.
    fn refused(&self, ports: &Ports, error: &StoreError) {
        if self.refusal.is_due(ports.clock.monotonic()) {
            let cause = with_source(error);
            tracing::error!(error = cause, "session store refused a call");
        }
    }

    fn served(&self) {
        // Looked at before written: every request comes by here.
        if self.failures.load(Ordering::Acquire) == 0 {
            return;
        }
        self.failures.store(0, Ordering::Release);
        self.down_until.store(0, Ordering::Release);
        if self.outage.end() {
            tracing::info!("session store answers again");
        }
    }
}

/// Whether the store serves nobody, and not just this call.
pub(super) fn is_outage(error: &StoreError) -> bool {
    matches!(error.kind(), StoreErrorKind::Unreachable | StoreErrorKind::Timeout)
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
