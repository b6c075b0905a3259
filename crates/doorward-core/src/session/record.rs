//! The record of a stored session: three parts, each sealed and bound to the record's key.
//!
//! `version (1) | length of the head (4, big endian) | head | length of the identity (4) | identity | tokens or nothing`.
//! The head, [`Control`] and [`Summary`], is sealed by the server's key alone. Identity and tokens are sealed with a key half of which
//! is the secret in the browser's cookie. A tombstone is a head without the rest.
//!
//! # Security
//! A store may hand us anything: another application's bytes, a record cut short, one of another key, one written by an
//! older or newer release. All of these are [`Unreadable`] and never somebody's session.

use core::ops::Range;

use doorward_crypto::{KeyHalf, KeyRing, MacRing, Opened, Random, RecordSealer, SealError};

use super::{
    Control, Identity, OpenedIdentity, SealSessionError, SessionHandle, Summary, Tokens, Unreadable, opened, tokens,
};
use crate::ports::{IndexKey, MAX_RECORD_BYTES, StoreKey};

/// The form that this version writes. 1 had no head; nothing that was released wrote it.
const VERSION: u8 = 2;

const HEAD_PURPOSE: &str = "session record head";
const IDENTITY_PURPOSE: &str = "session record identity";
const TOKENS_PURPOSE: &str = "session record tokens";
const INDEX_PURPOSE: &str = "session index";

/// Seals sessions into records and opens them again, and names the lists they stand in.
#[derive(Clone, Debug)]
pub struct RecordCodec {
    head: RecordSealer,
    identity: RecordSealer,
    tokens: RecordSealer,
    index: MacRing,
}

/// A record whose head was opened: authentic, and of the key it was asked for under.
pub struct Record {
    control: Control,
    head: Opened,
    /// Where the summary begins in the opened head.
    summary: usize,
    bytes: Vec<u8>,
    identity: Range<usize>,
    tokens: Range<usize>,
    is_current: bool,
}

/// What a list of sessions is about.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum IndexOf<'a> {
    /// The sessions of one user.
    User {
        /// `issuer client_id`.
        provider: &'a str,
        /// The provider's `sub`.
        subject: &'a str,
    },
    /// The sessions that one session at the provider has led to.
    ProviderSession {
        /// `issuer client_id`.
        provider: &'a str,
        /// The provider's `sid`.
        session_id: &'a str,
    },
    /// The sessions of one tenant.
    Tenant(&'a str),
}

/// The token part of a record to be written.
#[derive(Clone, Copy)]
pub enum TokenPart<'a> {
    /// Without one.
    None,
    /// These tokens.
    New(&'a Tokens),
    /// That of the record before, opened only if its key is no longer the first.
    Kept(&'a Record),
}

impl RecordCodec {
    /// Derives the keys.
    pub fn new(keys: &KeyRing) -> RecordCodec {
        RecordCodec {
            // First, because keys are replaced in the order they were derived: a record that the new key seals is entered under it.
            index: keys.mac(INDEX_PURPOSE),
            head: keys.record_sealer(HEAD_PURPOSE),
            identity: keys.record_sealer(IDENTITY_PURPOSE),
            tokens: keys.record_sealer(TOKENS_PURPOSE),
        }
    }

    /// Seals a whole record.
    ///
    /// # Errors
    /// [`SealSessionError`]; a record may hold what cookies cannot, up to one megabyte.
    pub fn seal(
        &self,
        random: &dyn Random,
        handle: &SessionHandle,
        control: &Control,
        summary: &Summary,
        identity: &Identity,
        token_part: TokenPart<'_>,
    ) -> Result<Vec<u8>, SealSessionError> {
        let key = handle.store_key();
        let half = KeyHalf::WithBrowser(handle.secret());
        let seal_tokens = |tokens: &Tokens| -> Result<Vec<u8>, SealSessionError> {
            let plain = tokens::write(&identity.id, identity.revision, tokens).ok_or(Unreadable)?;
            Ok(self.tokens.seal(random, half, key.as_bytes(), &plain)?)
        };
        let sealed_tokens = match token_part {
            TokenPart::None => Vec::new(),
            TokenPart::New(tokens) => seal_tokens(tokens)?,
            TokenPart::Kept(before) => {
                let sealed = before.part(&before.tokens);
                let stays = sealed.is_empty() || self.tokens.is_sealed_by_first_key(sealed);
                match (stays, self.open_tokens(before, handle)) {
                    (false, Some(tokens)) => seal_tokens(&tokens)?,
                    _ => sealed.to_vec(),
                }
            }
        };
        let plain = opened::write(identity)?;
        let sealed_identity = self.identity.seal(random, half, key.as_bytes(), &plain)?;
        let summary = postcard::to_allocvec(summary).map_err(|_| Unreadable)?;
        let head = self.seal_head(random, &key, control, &summary)?;
        join(&head, &sealed_identity, &sealed_tokens)
    }

    /// Seals a record anew with another control and everything else as it was; for a lease, which needs no browser. The rest of
    /// an ended record is gone for good.
    ///
    /// # Errors
    /// As [`seal`](Self::seal).
    pub fn seal_control(
        &self,
        random: &dyn Random,
        key: &StoreKey,
        control: &Control,
        before: &Record,
    ) -> Result<Vec<u8>, SealSessionError> {
        if control.standing == super::Standing::Ended {
            return self.seal_tombstone(random, key, control);
        }
        let summary = before.head.get(before.summary..).unwrap_or_default();
        let head = self.seal_head(random, key, control, summary)?;
        join(&head, before.part(&before.identity), before.part(&before.tokens))
    }

    /// Seals a tombstone: nothing but the control.
    ///
    /// # Errors
    /// As [`seal`](Self::seal).
    pub fn seal_tombstone(
        &self,
        random: &dyn Random,
        key: &StoreKey,
        control: &Control,
    ) -> Result<Vec<u8>, SealSessionError> {
        join(&self.seal_head(random, key, control, &[])?, &[], &[])
    }

    /// Opens a record's head.
    ///
    /// # Errors
    /// [`Unreadable`] for whatever this version did not write under this key.
    pub fn open(&self, key: &StoreKey, bytes: Vec<u8>) -> Result<Record, Unreadable> {
        let (head_at, identity, tokens) = split(&bytes).ok_or(Unreadable)?;
        let sealed_head = bytes.get(head_at).ok_or(Unreadable)?;
        let head = self
            .head
            .open(KeyHalf::Server, key.as_bytes(), sealed_head)
            .map_err(|_| Unreadable)?;
        let (control, summary) = postcard::take_from_bytes::<Control>(&head).map_err(|_| Unreadable)?;
        let summary = head.len() - summary.len();
        let part = |range: &Range<usize>| bytes.get(range.clone()).unwrap_or_default();
        let is_current = self.head.is_sealed_by_first_key(sealed_head)
            && (identity.is_empty() || self.identity.is_sealed_by_first_key(part(&identity)))
            && (tokens.is_empty() || self.tokens.is_sealed_by_first_key(part(&tokens)));
        Ok(Record {
            control,
            summary,
            head,
            identity,
            tokens,
            is_current,
            bytes,
        })
    }

    /// Opens the identity part; `None` without it, with another secret, or for what this version cannot read.
    pub fn open_identity(&self, record: &Record, handle: &SessionHandle) -> Option<OpenedIdentity> {
        let half = KeyHalf::WithBrowser(handle.secret());
        let sealed = record.part(&record.identity);
        let plain = self.identity.open(half, handle.store_key().as_bytes(), sealed).ok()?;
        OpenedIdentity::read(plain)
            .ok()
            .filter(|opened| opened.id() == *handle.id())
    }

    /// Opens the token part.
    pub fn open_tokens(&self, record: &Record, handle: &SessionHandle) -> Option<Tokens> {
        let half = KeyHalf::WithBrowser(handle.secret());
        let sealed = record.part(&record.tokens);
        let plain = self.tokens.open(half, handle.store_key().as_bytes(), sealed).ok()?;
        Some(tokens::read(&plain, handle.id())?.0)
    }

    /// Names a list under the first key: where a session is entered.
    pub fn index(&self, of: IndexOf<'_>) -> IndexKey {
        IndexKey::from_bytes(self.index.sign(&index_text(of)))
    }

    /// Names a list under each key: where a session may have been entered.
    pub fn indexes(&self, of: IndexOf<'_>) -> Vec<IndexKey> {
        let tags = self.index.sign_with_each(&index_text(of));
        tags.into_iter().map(IndexKey::from_bytes).collect()
    }

    fn seal_head(
        &self,
        random: &dyn Random,
        key: &StoreKey,
        control: &Control,
        summary: &[u8],
    ) -> Result<Vec<u8>, SealSessionError> {
        let mut plain = postcard::to_allocvec(control).map_err(|_| Unreadable)?;
        plain.extend_from_slice(summary);
        Ok(self.head.seal(random, KeyHalf::Server, key.as_bytes(), &plain)?)
    }
}

impl Record {
    /// The record's state.
    pub const fn control(&self) -> &Control {
        &self.control
    }

    /// Who and where; `None` of a tombstone.
    pub fn summary(&self) -> Option<Summary> {
        postcard::from_bytes(self.head.get(self.summary..)?).ok()
    }

    /// Whether every part was sealed with the key that seals now; if not, it is time to write it anew.
    pub const fn is_current(&self) -> bool {
        self.is_current
    }

    /// The bytes that the record takes.
    pub const fn size(&self) -> usize {
        self.bytes.len()
    }

    fn part(&self, range: &Range<usize>) -> &[u8] {
        self.bytes.get(range.clone()).unwrap_or_default()
    }
}

impl core::fmt::Debug for Record {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Record")
            .field("control", &self.control)
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

pub(super) fn index_text(of: IndexOf<'_>) -> Vec<u8> {
    let (kind, parts): (&[u8], [&str; 2]) = match of {
        IndexOf::User { provider, subject } => (b"user", [provider, subject]),
        IndexOf::ProviderSession { provider, session_id } => (b"provider session", [provider, session_id]),
        IndexOf::Tenant(tenant) => (b"tenant", [tenant, ""]),
    };
    let mut text = kind.to_vec();
    for part in parts {
        // Security: the lengths keep ("ab", "c") and ("a", "bc") apart.
        text.extend_from_slice(&(part.len() as u64).to_be_bytes());
        text.extend_from_slice(part.as_bytes());
    }
    text
}

fn join(head: &[u8], identity: &[u8], tokens: &[u8]) -> Result<Vec<u8>, SealSessionError> {
    let length = |part: &[u8]| u32::try_from(part.len()).map_err(|_| Unreadable);
    let total = 9 + head.len() + identity.len() + tokens.len();
    // What no store takes, and would not be looked at when it is read, is not written: the session would be lost without a word.
    if total > MAX_RECORD_BYTES {
        return Err(SealError::TooLarge.into());
    }
    let mut record = Vec::with_capacity(total);
    record.push(VERSION);
    record.extend_from_slice(&length(head)?.to_be_bytes());
    record.extend_from_slice(head);
    record.extend_from_slice(&length(identity)?.to_be_bytes());
    record.extend_from_slice(identity);
    record.extend_from_slice(tokens);
    Ok(record)
}

/// Where head, identity and tokens lie; `None` for anything this version did not write.
fn split(record: &[u8]) -> Option<(Range<usize>, Range<usize>, Range<usize>)> {
    if record.len() > MAX_RECORD_BYTES || record.first() != Some(&VERSION) {
        return None;
    }
    let part = |at: usize| -> Option<Range<usize>> {
        let begin = at.checked_add(4)?;
        let length = u32::from_be_bytes(record.get(at..begin)?.try_into().ok()?);
        let end = begin.checked_add(usize::try_from(length).ok()?)?;
        (end <= record.len()).then_some(begin..end)
    };
    let head = part(1)?;
    let identity = part(head.end)?;
    let tokens = identity.end..record.len();
    Some((head, identity, tokens))
}
