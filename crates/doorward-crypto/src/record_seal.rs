//! Sealing of records that lie in a store: with the server's key alone, or with a key half of which only the browser has.
//!
//! Whoever copies the store and steals the server's secrets too still cannot open the second kind: the other half, 32
//! random bytes, is in the browser's cookie and nowhere else.
//!
//! Wire format, bytes: `0x01 | key id (4) | nonce (12) | ciphertext | tag (16)`, as [`Sealer`](crate::Sealer)'s before its base64url.
//! Associated data: version, purpose, kind and name, each length-prefixed.

use core::fmt;
use std::sync::Arc;

use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use crate::derived::Derived;
use crate::keyring::KeyId;
use crate::random::{Random, random_bytes};
use crate::seal::{
    HEAD_BYTES, MAX_PLAINTEXT, NONCE_BYTES, OpenError, Opened, SealError, SealKey, TAG_BYTES, VERSION, mac_key,
};

/// What a key derived with the browser's half begins with.
const SPLIT_INFO: &[u8] = b"doorward split key v1\0";

/// Who must be there for a record to be opened.
#[derive(Clone, Copy)]
pub enum KeyHalf<'h> {
    /// The server alone: for what must be read without the browser.
    Server,
    /// The server with the half from the browser's cookie.
    WithBrowser(&'h [u8; 32]),
}

/// Seals and opens records of one purpose; cheap to clone. Made by [`KeyRing::record_sealer`].
///
/// [`KeyRing::record_sealer`]: crate::KeyRing::record_sealer
///
/// # Example
/// ```
/// use doorward_crypto::{KeyHalf, KeyRing, SystemRandom, generate_secret};
///
/// let ring = KeyRing::new(vec![generate_secret(&SystemRandom)?]).unwrap();
/// let sealer = ring.record_sealer("session record");
/// let half = [7; 32];
/// let sealed = sealer.seal(&SystemRandom, KeyHalf::WithBrowser(&half), b"key 1", b"alice").unwrap();
/// assert_eq!(&*sealer.open(KeyHalf::WithBrowser(&half), b"key 1", &sealed).unwrap(), b"alice");
/// assert!(sealer.open(KeyHalf::Server, b"key 1", &sealed).is_err());
/// # Ok::<(), doorward_crypto::RandomUnavailable>(())
/// ```
#[derive(Clone)]
pub struct RecordSealer {
    keys: Arc<Derived<RecordKey>>,
}

/// The keys of one root secret.
pub(crate) struct RecordKey {
    id: KeyId,
    alone: SealKey,
    /// Derives the keys that need the browser's half.
    split: hmac::Key,
}

impl RecordSealer {
    pub(crate) fn new(keys: Arc<Derived<RecordKey>>) -> Self {
        Self { keys }
    }

    /// Seals a value with the first key and a fresh nonce, bound to `name`, as a record's key.
    ///
    /// # Errors
    /// [`SealError::Random`] without randomness, [`SealError::TooLarge`] above one megabyte.
    pub fn seal(
        &self,
        random: &dyn Random,
        half: KeyHalf<'_>,
        name: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        if plaintext.len() > MAX_PLAINTEXT {
            return Err(SealError::TooLarge);
        }
        let keys = self.keys.keys();
        let key = keys.first().ok_or(SealError::Failed)?;
        let nonce: [u8; NONCE_BYTES] = random_bytes(random)?;
        let mut buffer = Vec::with_capacity(HEAD_BYTES + plaintext.len() + TAG_BYTES);
        buffer.push(VERSION);
        buffer.extend_from_slice(&key.id);
        buffer.extend_from_slice(&nonce);
        buffer.extend_from_slice(plaintext);
        let body = buffer.get_mut(HEAD_BYTES..).ok_or(SealError::Failed)?;
        let associated = self.associated(half, name);
        let tag = key
            .with(half, |key| key.seal_in_place(nonce, &associated, body))
            .flatten()
            .ok_or(SealError::Failed)?;
        buffer.extend_from_slice(&tag);
        Ok(buffer)
    }

    /// Opens a sealed value.
    ///
    /// # Errors
    /// [`OpenError`], each variant as it says; with another half of the key it is [`OpenError::Forged`].
    ///
    /// # Security
    /// `sealed` comes from the store. Nothing of the plaintext is given unless the tag fits.
    pub fn open(&self, half: KeyHalf<'_>, name: &[u8], sealed: &[u8]) -> Result<Opened, OpenError> {
        let plaintext_len = sealed
            .len()
            .checked_sub(HEAD_BYTES + TAG_BYTES)
            .filter(|length| *length <= MAX_PLAINTEXT)
            .ok_or(OpenError::Malformed)?;
        let mut buffer = sealed.to_vec();
        let (head, body) = buffer
            .split_first_chunk_mut::<HEAD_BYTES>()
            .ok_or(OpenError::Malformed)?;
        let [version, id0, id1, id2, id3, nonce @ ..] = *head;
        if version != VERSION {
            return Err(OpenError::UnknownVersion);
        }
        let id = [id0, id1, id2, id3];
        let keys = self.keys.keys();
        let (place, key) = keys
            .iter()
            .enumerate()
            .find(|(_, key)| key.id == id)
            .ok_or(OpenError::UnknownKey)?;
        let associated = self.associated(half, name);
        match key.with(half, |key| key.open_in_place(nonce, &associated, body)) {
            Some(true) => {}
            _ => return Err(OpenError::Forged),
        }
        buffer.truncate(HEAD_BYTES + plaintext_len);
        Ok(Opened::behind_head(buffer, place == 0))
    }

    /// Tells whether a sealed value bears the id of the first key; if not, seal it again at the next write.
    ///
    /// # Security
    /// Looks at the id only; says nothing about authenticity.
    pub fn is_sealed_by_first_key(&self, sealed: &[u8]) -> bool {
        match (sealed.first_chunk::<5>(), self.keys.keys().first()) {
            (Some([VERSION, id @ ..]), Some(first)) => first.id == *id,
            _ => false,
        }
    }

    fn associated(&self, half: KeyHalf<'_>, name: &[u8]) -> Vec<u8> {
        let kind: &[u8] = match half {
            KeyHalf::Server => b"server",
            KeyHalf::WithBrowser(_) => b"browser",
        };
        let mut bytes = vec![VERSION];
        for part in [self.keys.purpose().as_bytes(), kind, name] {
            // Security: the lengths keep ("ab", "c") and ("a", "bc") apart.
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes
    }
}

impl RecordKey {
    /// `None` only if the library refuses 32 bytes, which it does not.
    pub(crate) fn new(id: KeyId, key: &[u8; 32]) -> Option<Self> {
        let split = mac_key(key);
        let alone = SealKey::new(&derived(&split, b"server"))?;
        Some(Self { id, alone, split })
    }

    fn with<T>(&self, half: KeyHalf<'_>, work: impl FnOnce(&SealKey) -> T) -> Option<T> {
        match half {
            KeyHalf::Server => Some(work(&self.alone)),
            KeyHalf::WithBrowser(half) => SealKey::new(&derived(&self.split, half)).map(|key| work(&key)),
        }
    }
}

/// HMAC-SHA256 as a PRF, keyed by the server's part.
fn derived(split: &hmac::Key, half: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut context = hmac::Context::with_key(split);
    context.update(SPLIT_INFO);
    context.update(half);
    let mut key = Zeroizing::new([0; 32]);
    // HMAC-SHA256 gives 32 bytes, so the two slices have equal length.
    key.copy_from_slice(context.sign().as_ref());
    key
}

impl fmt::Debug for RecordSealer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "RecordSealer({:?}, {} keys)",
            self.keys.purpose(),
            self.keys.keys().len()
        )
    }
}

impl fmt::Debug for KeyHalf<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Server => "Server",
            Self::WithBrowser(_) => "WithBrowser(hidden)",
        })
    }
}

#[cfg(test)]
mod tests;
