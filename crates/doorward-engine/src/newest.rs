//! What this process knows of sealed-cookie sessions beyond their cookies: the newest state, or the end.
//!
//! A sealed cookie cannot be called back, and requests overtake one another. So the process keeps,
//! per session ID, the newest state it has written (contract section 4, the reuse window): a late
//! request with an older cookie is served from it, and no response writes an older state. The state
//! stays until the session ends by time or [`MAX_STATES`] newer ones came; an ended session is
//! remembered until its absolute end, at most [`MAX_ENDED`], the oldest dropped first.
//!
//! The ID comes from a cookie that we sealed, so nobody outside chooses the keys of these maps.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use doorward_core::UnixTime;
use doorward_core::code::Code;
use doorward_core::session::{Identity, SessionId, Tokens};

use crate::state::Change;

const SHARDS: usize = 16;
/// States kept at once: some 60 MB where each holds full token parts.
pub(crate) const MAX_STATES: usize = 20_000;
/// Ended sessions remembered at once.
pub(crate) const MAX_ENDED: usize = 100_000;

/// The newest state of a session that this process has written.
pub(crate) struct SessionState {
    pub(crate) identity: Identity,
    /// The tokens, where this process renewed them; otherwise they are in the cookie alone.
    pub(crate) tokens: Option<Arc<Tokens>>,
}

/// What is known of a session beyond its cookie.
pub(crate) enum Known {
    /// Nothing newer: the cookie is the state.
    Nothing,
    /// A newer state.
    Newer(Arc<SessionState>),
    /// The session ended, and this is what its user is told.
    Ended(Code),
}

/// Why a session's next state was not written.
#[derive(Debug)]
pub(crate) enum NotWritten {
    /// The session has ended meanwhile, and this is what its user is told.
    Ended(Code),
    /// The state before cannot be read.
    Unreadable,
    /// The store did not answer.
    Store,
}

/// The table, in shards so that cores do not wait for one another.
pub(crate) struct Newest {
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Default)]
struct Shard {
    states: HashMap<SessionId, (Arc<SessionState>, u64)>,
    states_by_age: VecDeque<(SessionId, u64)>,
    writes: u64,
    ended: HashMap<SessionId, (Code, UnixTime)>,
    ended_by_age: VecDeque<SessionId>,
}

impl Newest {
    pub(crate) fn new() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }

    /// Says what is known of a session whose cookie has this revision.
    pub(crate) fn look(&self, id: &SessionId, revision: u64) -> Known {
        let shard = self.shard(id);
        if let Some((code, _)) = shard.ended.get(id) {
            return Known::Ended(*code);
        }
        match shard.states.get(id) {
            Some((state, _)) if state.identity.revision > revision => Known::Newer(Arc::clone(state)),
            _ => Known::Nothing,
        }
    }

    /// Writes the next state of a session: `change` is applied to the newest one, or to `base`
    /// where the cookie is the newest.
    ///
    /// # Errors
    /// [`NotWritten::Ended`] if the session has ended meanwhile.
    pub(crate) fn update(&self, base: &Identity, change: Change<'_>) -> Result<Arc<SessionState>, NotWritten> {
        let id = &base.id;
        let mut shard = self.shard(id);
        if let Some((code, _)) = shard.ended.get(id) {
            return Err(NotWritten::Ended(*code));
        }
        let newer = shard
            .states
            .get(id)
            .filter(|(state, _)| state.identity.revision >= base.revision)
            .map(|(state, _)| Arc::clone(state));
        let (mut identity, mut tokens) = match &newer {
            Some(state) => (state.identity.clone(), state.tokens.clone()),
            None => (base.clone(), None),
        };
        change(&mut identity, &mut tokens);
        identity.revision = identity.revision.saturating_add(1);
        let state = Arc::new(SessionState { identity, tokens });
        shard.remember(id, Arc::clone(&state));
        Ok(state)
    }

    /// Remembers that a session ended, until its cookies could not be used anyway.
    pub(crate) fn end(&self, id: &SessionId, code: Code, until: UnixTime, now: UnixTime) {
        let mut shard = self.shard(id);
        shard.states.remove(id);
        if shard.ended.insert(*id, (code, until)).is_none() {
            shard.ended_by_age.push_back(*id);
        }
        shard.forget_ended(now);
    }

    fn shard(&self, id: &SessionId) -> MutexGuard<'_, Shard> {
        let index = id.as_bytes().first().map_or(0, |byte| usize::from(*byte)) % SHARDS;
        // The index is below SHARDS; the fallback only spares a panic path.
        self.shards
            .get(index)
            .unwrap_or(&self.shards[0])
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    fn remember(&mut self, id: &SessionId, state: Arc<SessionState>) {
        self.writes = self.writes.wrapping_add(1);
        self.states.insert(*id, (state, self.writes));
        self.states_by_age.push_back((*id, self.writes));
        if self.states_by_age.len() > 2 * MAX_STATES / SHARDS {
            let states = &self.states;
            self.states_by_age
                .retain(|(id, write)| states.get(id).is_some_and(|(_, latest)| latest == write));
        }
        while self.states.len() > MAX_STATES / SHARDS {
            let Some((oldest, write)) = self.states_by_age.pop_front() else {
                break;
            };
            let is_latest = self.states.get(&oldest).is_some_and(|(_, latest)| *latest == write);
            if is_latest {
                self.states.remove(&oldest);
            }
        }
    }

    fn forget_ended(&mut self, now: UnixTime) {
        while let Some(oldest) = self.ended_by_age.front() {
            let over = self.ended.get(oldest).is_none_or(|(_, until)| *until <= now);
            if !over && self.ended_by_age.len() <= MAX_ENDED / SHARDS {
                break;
            }
            if let Some(oldest) = self.ended_by_age.pop_front() {
                self.ended.remove(&oldest);
            }
        }
    }
}
