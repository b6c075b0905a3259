//! What is kept between renewals: which sessions wait with their next one, and tokens that no store has yet.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use doorward_core::session::{SessionId, Tokens};

use super::{Renewal, same_refresh_token};
use crate::renew_tokens::Refreshed;
use crate::single_flight::SingleFlight;

/// Sessions of which something is remembered between two renewals.
const MAX_REMEMBERED: usize = 10_000;

/// How long renewed tokens wait for a store that does not answer.
const UNWRITTEN_WAITS: Duration = Duration::from_secs(3600);

/// The renewals under way, and what is remembered between two of one session.
#[derive(Default)]
pub(crate) struct Refreshes {
    pub(super) flights: SingleFlight<SessionId, Renewal>,
    /// Until when a session's own renewals wait (monotonic), apart from everybody's.
    pauses: Mutex<HashMap<SessionId, Duration>>,
    /// Renewed tokens that the store did not take: written at the next try, never fetched twice.
    unwritten: Mutex<HashMap<SessionId, Unwritten>>,
}

/// Renewed tokens on their way to a store that did not answer.
struct Unwritten {
    /// The tokens they were renewed with: whoever finds others in the record has newer ones.
    spent: Arc<Tokens>,
    refreshed: Arc<Refreshed>,
    /// Until when they wait (monotonic).
    until: Duration,
}

impl Refreshes {
    pub(super) fn pause(&self, id: SessionId, length: Duration, now: Duration) {
        let mut pauses = self.pauses.lock().unwrap_or_else(PoisonError::into_inner);
        if pauses.len() >= MAX_REMEMBERED {
            pauses.retain(|_, until| *until > now);
        }
        // Full of pauses under way: this session asks again without one.
        if pauses.len() < MAX_REMEMBERED {
            pauses.insert(id, now.saturating_add(length));
        }
    }

    pub(super) fn paused(&self, id: &SessionId, now: Duration) -> Option<Duration> {
        let pauses = self.pauses.lock().unwrap_or_else(PoisonError::into_inner);
        let rest = pauses.get(id)?.checked_sub(now)?;
        (!rest.is_zero()).then_some(rest)
    }

    pub(super) fn keep_unwritten(&self, id: SessionId, spent: &Arc<Tokens>, refreshed: Arc<Refreshed>, now: Duration) {
        let mut unwritten = self.unwritten.lock().unwrap_or_else(PoisonError::into_inner);
        unwritten.retain(|_, waiting| waiting.until > now);
        if unwritten.len() < MAX_REMEMBERED {
            let waiting = Unwritten {
                spent: Arc::clone(spent),
                refreshed,
                until: now.saturating_add(UNWRITTEN_WAITS),
            };
            unwritten.insert(id, waiting);
        } else {
            tracing::error!("too many renewed tokens wait for the store; one is lost");
        }
    }

    pub(super) fn take_unwritten(&self, id: &SessionId, tokens: &Tokens) -> Option<Arc<Refreshed>> {
        let mut unwritten = self.unwritten.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = unwritten.remove(id)?;
        same_refresh_token(&waiting.spent, tokens).then_some(waiting.refreshed)
    }
}
