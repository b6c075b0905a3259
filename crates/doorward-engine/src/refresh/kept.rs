//! What is kept between renewals: which sessions wait with their next one, and tokens that no store has yet.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use doorward_core::session::SessionId;

use super::Renewal;
use crate::renew_tokens::Refreshed;
use crate::single_flight::SingleFlight;

/// Sessions of which something is remembered between two renewals.
const MAX_REMEMBERED: usize = 10_000;

/// How long renewed tokens wait for a store that does not answer.
const UNWRITTEN_WAITS: Duration = Duration::from_secs(3600);

/// The renewals under way, and what is remembered between two of one session.
#[derive(Default)]
pub(crate) struct Refreshes {
    pub(crate) flights: SingleFlight<SessionId, Renewal>,
    /// Until when a session's own renewals wait (monotonic), apart from everybody's.
    pauses: Mutex<HashMap<SessionId, Duration>>,
    /// Renewed tokens that the store did not take: written at the next try, never fetched twice.
    unwritten: Mutex<HashMap<SessionId, Unwritten>>,
}

/// Renewed tokens on their way to a store that did not answer.
#[derive(Clone)]
pub(crate) struct Unwritten {
    /// The fencing token they were fetched under: whoever finds a larger one in the record has newer ones.
    pub(crate) fence: u64,
    pub(crate) refreshed: Arc<Refreshed>,
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

    /// Keeps tokens that the store did not take, and says whether somebody has to begin offering them: not where they are kept
    /// already, nor where there is no room, and they are lost.
    pub(crate) fn keep_unwritten(&self, id: SessionId, fence: u64, refreshed: Arc<Refreshed>, now: Duration) -> bool {
        let mut unwritten = self.unwritten.lock().unwrap_or_else(PoisonError::into_inner);
        unwritten.retain(|_, waiting| waiting.until > now);
        if unwritten.contains_key(&id) {
            return false;
        }
        if unwritten.len() >= MAX_REMEMBERED {
            tracing::error!("too many renewed tokens wait for the store; one is lost");
            return false;
        }
        let waiting = Unwritten {
            fence,
            refreshed,
            until: now.saturating_add(UNWRITTEN_WAITS),
        };
        unwritten.insert(id, waiting);
        true
    }

    /// Tokens of a session that the store has not taken yet.
    pub(crate) fn unwritten(&self, id: &SessionId) -> Option<Unwritten> {
        let unwritten = self.unwritten.lock().unwrap_or_else(PoisonError::into_inner);
        unwritten.get(id).cloned()
    }

    /// Forgets them: the store has them, or nobody needs them any more.
    pub(crate) fn forget_unwritten(&self, id: &SessionId) {
        let mut unwritten = self.unwritten.lock().unwrap_or_else(PoisonError::into_inner);
        unwritten.remove(id);
    }

    /// Whether tokens of a session still wait for the store, and for how long they have to be tried.
    pub(crate) fn waits_unwritten(&self, id: &SessionId, now: Duration) -> bool {
        let unwritten = self.unwritten.lock().unwrap_or_else(PoisonError::into_inner);
        unwritten.get(id).is_some_and(|waiting| waiting.until > now)
    }
}
