//! What this process knows of sealed-cookie sessions beyond their cookies: the newest state, or the end.
//!
//! A sealed cookie cannot be called back, and requests overtake one another. So the process keeps,
//! per session ID, the newest state it has written (contract section 4, the reuse window): a late
//! request with an older cookie is served from it, and no response writes an older state. The state
//! stays for [`REUSE_WINDOW`] at least, and on until [`MAX_STATES`] newer ones came; an ended session is
//! remembered until its absolute end, at most [`MAX_ENDED`], the oldest dropped first. An end may lie ahead: a session that
//! another takes the place of serves requests on their way until then, as it was, and is written no more.
//!
//! The ID comes from a cookie that we sealed, so nobody outside chooses the keys of these maps.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use doorward_core::UnixTime;
use doorward_core::code::Code;
use doorward_core::session::{Identity, SessionId, Tokens};

use crate::live::{Ended, Live, LiveKey};
use crate::state::Change;

const SHARDS: usize = 16;
/// States kept at once: some 60 MB where each holds full token parts.
pub(crate) const MAX_STATES: usize = 20_000;
/// States kept at once where none of them is older than [`REUSE_WINDOW`].
pub(crate) const HARD_MAX_STATES: usize = 3 * MAX_STATES;
/// How long a state is kept at least, for requests that were on their way with the one before.
pub(crate) const REUSE_WINDOW: Duration = Duration::from_secs(60);
/// Ended sessions remembered at once.
pub(crate) const MAX_ENDED: usize = 100_000;

/// The newest state of a session that this process has written.
pub(crate) struct SessionState {
    pub(crate) identity: Identity,
    /// The tokens, where this process renewed them; otherwise they are in the cookie alone.
    pub(crate) tokens: Option<Arc<Tokens>>,
    /// The identity part as a cookie holds it; empty for a stored session.
    pub(crate) sealed: String,
}

/// Seals an identity part so that a browser can keep it; may leave out what can be spared.
pub(crate) type Seal<'a> = &'a dyn Fn(&mut Identity) -> Result<String, NotWritten>;

/// What is known of a session beyond its cookie.
pub(crate) enum Known {
    /// Nothing newer: the cookie is the state.
    Nothing,
    /// A newer state.
    Newer(Arc<SessionState>),
    /// Another session is taking its place: the cookie is its last state, or this one is.
    Retiring(Option<Arc<SessionState>>),
    /// The session ended, and this is what its user is told.
    Ended(Code),
}

/// The session had ended before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AlreadyEnded;

/// Why a session's next state was not written.
#[derive(Debug)]
pub(crate) enum NotWritten {
    /// The session has ended meanwhile, and this is what its user is told.
    Ended(Code),
    /// Another session is taking its place; what is written now would be lost with it.
    Replaced,
    /// The state before cannot be read.
    Unreadable,
    /// The next state would not fit into its cookie.
    TooLarge,
    /// The store did not answer.
    Store,
}

type ById<V> = HashMap<SessionId, V, BuildHasherDefault<IdHasher>>;

/// Folds an ID into its hash: IDs are random, and nobody outside chooses one, so that there is nothing to mix.
#[derive(Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        for eight in bytes.chunks(8) {
            let mut word = [0; 8];
            word.iter_mut().zip(eight).for_each(|(to, from)| *to = *from);
            self.0 ^= u64::from_ne_bytes(word);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The table, in shards so that cores do not wait for one another.
pub(crate) struct Newest {
    shards: [Mutex<Shard>; SHARDS],
    live: Arc<Live>,
}

#[derive(Default)]
struct Shard {
    states: ById<(Arc<SessionState>, u64)>,
    /// Each write with its number and time; only a session's latest counts.
    states_by_age: VecDeque<(SessionId, u64, UnixTime)>,
    writes: u64,
    ended: ById<End>,
    ended_by_age: VecDeque<SessionId>,
}

/// A session's end, come or to come.
struct End {
    code: Code,
    /// When it ends.
    from: UnixTime,
    /// When its cookies could not be used any more.
    until: UnixTime,
}

impl Newest {
    /// Makes an empty table that tells `live` of every end.
    pub(crate) fn new(live: Arc<Live>) -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            live,
        }
    }

    /// Says what is known of a session whose cookie has this revision.
    pub(crate) fn look(&self, id: &SessionId, revision: u64, now: UnixTime) -> Known {
        let shard = self.shard(id);
        let newer = || match shard.states.get(id) {
            Some((state, _)) if state.identity.revision > revision => Some(Arc::clone(state)),
            _ => None,
        };
        match shard.ended.get(id) {
            Some(end) if end.from <= now => Known::Ended(end.code),
            Some(_) => Known::Retiring(newer()),
            None => newer().map_or(Known::Nothing, Known::Newer),
        }
    }

    /// When a session ends that another one is taking the place of.
    pub(crate) fn retires_at(&self, id: &SessionId) -> Option<UnixTime> {
        self.shard(id).ended.get(id).map(|end| end.from)
    }

    /// The tokens of a session, where this process wrote them and they are those of `access_token_end`.
    ///
    /// For requests whose token cookies are older than their identity part: the two were on their way
    /// in different responses.
    pub(crate) fn tokens(&self, id: &SessionId, access_token_end: Option<UnixTime>) -> Option<Arc<Tokens>> {
        let shard = self.shard(id);
        let (state, _) = shard.states.get(id)?;
        let tokens = state.tokens.as_ref()?;
        (tokens.access_token_expires_at == access_token_end).then(|| Arc::clone(tokens))
    }

    /// Writes the next state of a session: `change` is applied to the newest one, or to `base`
    /// where the cookie is the newest, and `seal` says whether a browser can keep the result.
    ///
    /// # Errors
    /// [`NotWritten::Ended`] if the session has ended meanwhile, by itself included: a request that
    /// was held back for long must not bring it back. [`NotWritten::Replaced`] from the moment that another
    /// session takes its place. [`NotWritten::TooLarge`] if it cannot be sealed;
    /// the state before stays.
    pub(crate) fn update(
        &self,
        base: &Identity,
        now: UnixTime,
        change: Change<'_>,
        seal: Seal<'_>,
    ) -> Result<Arc<SessionState>, NotWritten> {
        let id = &base.id;
        let mut shard = self.shard(id);
        if let Some(end) = shard.ended.get(id) {
            let is_over = end.from <= now;
            return Err(if is_over {
                NotWritten::Ended(end.code)
            } else {
                NotWritten::Replaced
            });
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
        if now >= identity.idle_expires_at.min(identity.absolute_expires_at) {
            return Err(NotWritten::Ended(Code::SessionExpired));
        }
        change(&mut identity, &mut tokens);
        identity.revision = identity.revision.saturating_add(1);
        let sealed = seal(&mut identity)?;
        let state = Arc::new(SessionState {
            identity,
            tokens,
            sealed,
        });
        shard.remember(id, Arc::clone(&state), now);
        Ok(state)
    }

    /// Ends a session, until its cookies could not be used anyway, and returns its newest state where
    /// this process had written one.
    ///
    /// # Errors
    /// [`AlreadyEnded`] if it had ended before; what it left was dealt with then.
    pub(crate) fn end(
        &self,
        id: &SessionId,
        code: Code,
        until: UnixTime,
        now: UnixTime,
    ) -> Result<Option<Arc<SessionState>>, AlreadyEnded> {
        let mut shard = self.shard(id);
        if shard.ended.get(id).is_some_and(|end| end.from <= now) {
            return Err(AlreadyEnded);
        }
        let state = shard.states.remove(id).map(|(state, _)| state);
        let from = now;
        shard.remember_end(id, End { code, from, until }, now);
        drop(shard);
        self.live.ended(&LiveKey::Sealed(*id), Ended::of(code));
        Ok(state)
    }

    /// Lets a session end at `from`, for another that takes its place or because another process ended it, and returns its newest state
    /// where this process had written one. Until then it is served as it is, and written no more.
    ///
    /// # Errors
    /// [`AlreadyEnded`] if it had ended before, or is being replaced already.
    pub(crate) fn retire(
        &self,
        id: &SessionId,
        from: UnixTime,
        until: UnixTime,
        now: UnixTime,
    ) -> Result<Option<Arc<SessionState>>, AlreadyEnded> {
        let mut shard = self.shard(id);
        if shard.ended.contains_key(id) {
            return Err(AlreadyEnded);
        }
        let state = shard.states.get(id).map(|(state, _)| Arc::clone(state));
        let code = Code::SessionRevoked;
        shard.remember_end(id, End { code, from, until }, now);
        drop(shard);
        self.live.look_again(&LiveKey::Sealed(*id));
        Ok(state)
    }

    /// Takes the newest state of a session out; whoever asks a second time gets nothing.
    pub(crate) fn take(&self, id: &SessionId) -> Option<Arc<SessionState>> {
        self.shard(id).states.remove(id).map(|(state, _)| state)
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
    fn remember(&mut self, id: &SessionId, state: Arc<SessionState>, now: UnixTime) {
        self.writes = self.writes.wrapping_add(1);
        self.states.insert(*id, (state, self.writes));
        self.states_by_age.push_back((*id, self.writes, now));
        if self.states_by_age.len() > 2 * HARD_MAX_STATES / SHARDS {
            let states = &self.states;
            self.states_by_age
                .retain(|(id, write, _)| states.get(id).is_some_and(|(_, latest)| latest == write));
        }
        while let Some((oldest, write, at)) = self.states_by_age.front().copied() {
            let is_latest = self.states.get(&oldest).is_some_and(|(_, latest)| *latest == write);
            let is_needed = now.saturating_since(at) < REUSE_WINDOW && self.states.len() <= HARD_MAX_STATES / SHARDS;
            if is_latest && (is_needed || self.states.len() <= MAX_STATES / SHARDS) {
                break;
            }
            self.states_by_age.pop_front();
            if is_latest {
                self.states.remove(&oldest);
            }
        }
    }

    fn remember_end(&mut self, id: &SessionId, end: End, now: UnixTime) {
        if self.ended.insert(*id, end).is_none() {
            self.ended_by_age.push_back(*id);
        }
        self.forget_ended(now);
    }

    fn forget_ended(&mut self, now: UnixTime) {
        while let Some(oldest) = self.ended_by_age.front() {
            let over = self.ended.get(oldest).is_none_or(|end| end.until <= now);
            if !over && self.ended_by_age.len() <= MAX_ENDED / SHARDS {
                break;
            }
            if let Some(oldest) = self.ended_by_age.pop_front() {
                self.ended.remove(&oldest);
            }
        }
    }
}
