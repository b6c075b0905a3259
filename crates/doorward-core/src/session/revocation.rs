//! What ends sessions that live in cookies alone: entries in a store, and the copy of them that requests are judged by.
//!
//! A sealed cookie cannot be called back. So whoever ends such a session writes an entry, sealed by the server's key, and every
//! process reads the entries into a [`RevocationSet`]. An entry is written once and never changed; it stays until no session that it
//! means could live any more.
//!
//! Each entry stands in two lists: in that of all, which a process reads when it begins, and in that of the ten minutes in which it was
//! written, so that looking for what is new does not mean reading everything.

use std::collections::{HashMap, HashSet, VecDeque};

use core::time::Duration;
use doorward_crypto::{KeyHalf, KeyRing, MacRing, Random, RandomUnavailable, RecordSealer, random_bytes, sha256};
use doorward_oidc::UnixTime;
use serde::{Deserialize, Serialize};

use super::{IndexOf, OpenedIdentity, SealSessionError, SessionId, Unreadable, record::index_text};
use crate::ports::{IndexKey, ListChange, StoreKey};

/// The form that this version writes.
const VERSION: u8 = 1;

/// The largest entry that is looked at, in bytes.
const MAX_ENTRY: usize = 16 * 1024;

const PURPOSE: &str = "session revocation";
const LIST_PURPOSE: &str = "session revocation list";

/// How much time one list of new entries spans, in seconds.
const SPAN: u64 = 600;

/// How long an entry stands in its list of new ones: longer than anybody reads that list.
const STAYS_NEW: Duration = Duration::from_secs(3 * SPAN);

/// Entries that a process keeps, the oldest dropped first.
pub const MAX_REVOCATIONS: usize = 100_000;

/// Of a session that has ended: whatever the clock of whoever reads it says.
pub const AT_ONCE: UnixTime = UnixTime::from_seconds(0);

/// Whom an entry ends.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Revoked {
    /// One session.
    Session {
        /// Which.
        id: SessionId,
        /// It ends at this moment, where another has taken its place; [`AT_ONCE`] where it has ended.
        from: UnixTime,
    },
    /// The sessions that one session at the provider has led to.
    ProviderSession {
        /// `issuer client_id`.
        provider: String,
        /// The provider's `sid`.
        session_id: String,
        /// The subject they must have, where the provider said.
        subject: Option<String>,
        /// Those that began later are not meant.
        begun_by: UnixTime,
    },
    /// Every session of a user.
    User {
        /// `issuer client_id`.
        provider: String,
        /// The provider's `sub`.
        subject: String,
        /// Those that began later are not meant.
        begun_by: UnixTime,
    },
}

/// An entry.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// Whom it ends.
    pub of: Revoked,
    /// Until when it is needed.
    pub until: UnixTime,
}

/// Seals entries and opens them again, and names the lists they stand in.
#[derive(Clone, Debug)]
pub struct RevocationCodec {
    sealer: RecordSealer,
    lists: MacRing,
}

impl RevocationCodec {
    /// Derives the keys.
    pub fn new(keys: &KeyRing) -> RevocationCodec {
        // First, as for records: an entry that the new key seals stands in the list that the new key names.
        let lists = keys.mac(LIST_PURPOSE);
        let sealer = keys.record_sealer(PURPOSE);
        RevocationCodec { sealer, lists }
    }

    /// Names a new entry: that of a session always the same, so that ending one twice makes no second entry. An end that is still to
    /// come has another name than one that has come: the one may follow the other, and then the sooner counts.
    ///
    /// # Errors
    /// [`RandomUnavailable`].
    pub fn key(&self, random: &dyn Random, revoked: &Revoked) -> Result<StoreKey, RandomUnavailable> {
        match revoked {
            Revoked::Session { id, from } if *from != AT_ONCE => Ok(StoreKey::of_replaced_session(id)),
            Revoked::Session { id, .. } => Ok(StoreKey::of_revoked_session(id)),
            Revoked::ProviderSession { .. } | Revoked::User { .. } => random_bytes(random).map(StoreKey::from_bytes),
        }
    }

    /// Seals an entry.
    ///
    /// # Errors
    /// [`SealSessionError`], size aside.
    pub fn seal(
        &self,
        random: &dyn Random,
        key: &StoreKey,
        revocation: &Revocation,
    ) -> Result<Vec<u8>, SealSessionError> {
        let plain = postcard::to_allocvec(revocation).map_err(|_| Unreadable)?;
        let sealed = self.sealer.seal(random, KeyHalf::Server, key.as_bytes(), &plain)?;
        let mut entry = Vec::with_capacity(1 + sealed.len());
        entry.push(VERSION);
        entry.extend_from_slice(&sealed);
        Ok(entry)
    }

    /// Opens an entry.
    ///
    /// # Errors
    /// [`Unreadable`] for whatever this version did not write under this key.
    ///
    /// # Security
    /// A store may hand us anything; whoever writes into it ends nobody's session.
    pub fn open(&self, key: &StoreKey, bytes: &[u8]) -> Result<Revocation, Unreadable> {
        match bytes.split_first() {
            Some((&VERSION, sealed)) if bytes.len() <= MAX_ENTRY => {
                let plain = self.sealer.open(KeyHalf::Server, key.as_bytes(), sealed);
                postcard::from_bytes(&plain.map_err(|_| Unreadable)?).map_err(|_| Unreadable)
            }
            _ => Err(Unreadable),
        }
    }

    /// The lists that an entry is written into.
    pub fn entered(&self, until: UnixTime, now: UnixTime) -> [ListChange; 2] {
        let entered = |text: Vec<u8>, until| ListChange {
            index: IndexKey::from_bytes(self.lists.sign(&text)),
            until: Some(until),
        };
        [
            entered(new_text(now.seconds() / SPAN), now.saturating_add(STAYS_NEW)),
            entered(all_text(), until),
        ]
    }

    /// The lists of all entries, one under each key.
    pub fn lists_of_all(&self) -> Vec<IndexKey> {
        self.named(&all_text())
    }

    /// The lists in which whatever was written in the last ten minutes stands, by clocks that may differ by as much.
    pub fn lists_of_new(&self, now: UnixTime) -> Vec<IndexKey> {
        let span = now.seconds() / SPAN;
        let spans = [span, span.saturating_add(1), span.saturating_sub(1)];
        spans.into_iter().flat_map(|span| self.named(&new_text(span))).collect()
    }

    fn named(&self, text: &[u8]) -> Vec<IndexKey> {
        let tags = self.lists.sign_with_each(text);
        tags.into_iter().map(IndexKey::from_bytes).collect()
    }
}

fn all_text() -> Vec<u8> {
    b"all".to_vec()
}

fn new_text(span: u64) -> Vec<u8> {
    [b"new".as_slice(), &span.to_be_bytes()].concat()
}

/// The entries as a process knows them.
#[derive(Default)]
pub struct RevocationSet {
    /// From when on they have ended; of two entries of one session the sooner.
    sessions: HashMap<SessionId, UnixTime>,
    /// By a digest of whom they mean; of several entries that mean the same the latest.
    begun_by: HashMap<[u8; 32], UnixTime>,
    keys: HashSet<StoreKey>,
    by_age: VecDeque<(StoreKey, Kept, UnixTime)>,
}

enum Kept {
    Session(SessionId, UnixTime),
    BegunBy([u8; 32], UnixTime),
}

impl RevocationSet {
    /// Takes an entry in; what is not needed any more goes, and beyond [`MAX_REVOCATIONS`] the oldest.
    ///
    /// Returns whether an entry that is still needed had to go.
    pub fn insert(&mut self, key: StoreKey, revocation: &Revocation, now: UnixTime) -> bool {
        let is_over = self.forget(now);
        if revocation.until <= now || !self.keys.insert(key) {
            return is_over;
        }
        let kept = match &revocation.of {
            Revoked::Session { id, from } => {
                let soonest = self.sessions.entry(*id).or_insert(*from);
                *soonest = *from.min(soonest);
                Kept::Session(*id, *from)
            }
            Revoked::ProviderSession {
                provider,
                session_id,
                subject,
                begun_by,
            } => self.cut(of_provider_session(provider, session_id, subject.as_deref()), *begun_by),
            Revoked::User {
                provider,
                subject,
                begun_by,
            } => self.cut(of_user(provider, subject), *begun_by),
        };
        self.by_age.push_back((key, kept, revocation.until));
        is_over
    }

    /// Whether an entry was taken in before.
    pub fn holds(&self, key: &StoreKey) -> bool {
        self.keys.contains(key)
    }

    /// Whether a session was ended.
    ///
    /// Where no entry means more than one session, its content is not read.
    pub fn ends(&self, opened: &OpenedIdentity, now: UnixTime) -> bool {
        if self.sessions.get(&opened.id()).is_some_and(|from| *from <= now) {
            return true;
        }
        if self.begun_by.is_empty() {
            return false;
        }
        // Who cannot be read is let in nowhere anyway.
        let Ok(body) = opened.body() else { return false };
        let is_meant = |digest: [u8; 32]| {
            // Both in whole seconds: a session of the very second counts as begun before.
            let begun_by = self.begun_by.get(&digest);
            begun_by.is_some_and(|begun_by| opened.issued_at() <= *begun_by)
        };
        is_meant(of_user(body.provider, body.subject))
            || body.provider_session_id.is_some_and(|session_id| {
                is_meant(of_provider_session(body.provider, session_id, None))
                    || is_meant(of_provider_session(body.provider, session_id, Some(body.subject)))
            })
    }

    fn cut(&mut self, digest: [u8; 32], begun_by: UnixTime) -> Kept {
        let latest = self.begun_by.entry(digest).or_insert(begun_by);
        *latest = begun_by.max(*latest);
        Kept::BegunBy(digest, begun_by)
    }

    fn forget(&mut self, now: UnixTime) -> bool {
        let mut is_needed = false;
        while let Some((_, _, until)) = self.by_age.front() {
            let is_over = *until <= now;
            if !is_over && self.by_age.len() < MAX_REVOCATIONS {
                break;
            }
            is_needed |= !is_over;
            let Some((key, kept, _)) = self.by_age.pop_front() else {
                break;
            };
            self.keys.remove(&key);
            match kept {
                // Another entry of the same stays.
                Kept::Session(id, from) => {
                    if self.sessions.get(&id) == Some(&from) {
                        self.sessions.remove(&id);
                    }
                }
                Kept::BegunBy(digest, begun_by) => {
                    if self.begun_by.get(&digest) == Some(&begun_by) {
                        self.begun_by.remove(&digest);
                    }
                }
            }
        }
        is_needed
    }
}

impl core::fmt::Debug for RevocationSet {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("RevocationSet")
            .field("entries", &self.by_age.len())
            .finish_non_exhaustive()
    }
}

fn of_user(provider: &str, subject: &str) -> [u8; 32] {
    sha256(&index_text(IndexOf::User { provider, subject }))
}

fn of_provider_session(provider: &str, session_id: &str, subject: Option<&str>) -> [u8; 32] {
    let mut text = index_text(IndexOf::ProviderSession { provider, session_id });
    if let Some(subject) = subject {
        text.push(b'=');
        text.extend_from_slice(subject.as_bytes());
    }
    sha256(&text)
}
