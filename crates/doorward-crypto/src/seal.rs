//! Sealing: authenticated encryption of small values that travel through the browser.
//!
//! AES-256-GCM-SIV (RFC 8452) with a random nonce of 96 bits: a repeated nonce shows that two
//! plaintexts are equal and nothing more, so one key is safe far beyond the 2^32 messages at which
//! plain GCM is not.
//!
//! Wire format, base64url: `0x01 | key id (4) | nonce (12) | ciphertext | tag (16)`.
//! Associated data: version, purpose and name, each length-prefixed.

use core::fmt;
use core::ops::Deref;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hmac;

use crate::derived::Derived;
use crate::encoding::{base64url_decode_into, base64url_encode};
use crate::keyring::KeyId;
use crate::random::{Random, RandomUnavailable, random_bytes};

pub(crate) const VERSION: u8 = 1;
pub(crate) const NONCE_BYTES: usize = 12;
pub(crate) const TAG_BYTES: usize = 16;
/// Version, key id and nonce.
pub(crate) const HEAD_BYTES: usize = 1 + 4 + NONCE_BYTES;
/// The largest plaintext; cookies hold 7 KB, records of a store more.
pub(crate) const MAX_PLAINTEXT: usize = 1024 * 1024;

/// Why sealing failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// There was no randomness for the nonce.
    #[error("no random nonce for sealing")]
    Random(#[from] RandomUnavailable),
    /// The plaintext has more than one megabyte.
    #[error("value to seal is larger than 1 MB")]
    TooLarge,
    /// The library refused; no input is known that leads here.
    #[error("sealing failed")]
    Failed,
}

/// Why a sealed value does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It is not base64url, or too short, or too long.
    #[error("sealed value is malformed")]
    Malformed,
    /// It is of a format this version does not know.
    #[error("sealed value has an unknown version")]
    UnknownVersion,
    /// It was sealed by a secret this ring does not have.
    #[error("sealed value was sealed by an unknown key")]
    UnknownKey,
    /// It was altered, or sealed for another purpose or name.
    #[error("sealed value is not authentic")]
    Forged,
}

/// Seals and opens values of one purpose; cheap to clone. Made by [`KeyRing::sealer`], and changes with its secrets.
///
/// [`KeyRing::sealer`]: crate::KeyRing::sealer
#[derive(Clone)]
pub struct Sealer {
    keys: Arc<Derived<(KeyId, SealKey)>>,
}

/// What is authenticated beside the plaintext: format version, purpose and name.
///
/// Made once per name, so that opening does not build it anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssociatedData(Box<[u8]>);

impl Sealer {
    pub(crate) fn new(keys: Arc<Derived<(KeyId, SealKey)>>) -> Self {
        Self { keys }
    }

    /// Builds the associated data for values called `name`, as a cookie's name.
    pub fn associated(&self, name: &str) -> AssociatedData {
        let mut bytes = vec![VERSION];
        for part in [self.keys.purpose(), name] {
            // Security: the lengths keep ("ab", "c") and ("a", "bc") apart.
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        AssociatedData(bytes.into())
    }

    /// Seals a value with the first key and a fresh nonce.
    ///
    /// # Errors
    /// [`SealError::Random`] without randomness, [`SealError::TooLarge`] above one megabyte.
    pub fn seal(
        &self,
        random: &dyn Random,
        associated: &AssociatedData,
        plaintext: &[u8],
    ) -> Result<String, SealError> {
        if plaintext.len() > MAX_PLAINTEXT {
            return Err(SealError::TooLarge);
        }
        let keys = self.keys.keys();
        let (id, key) = keys.first().ok_or(SealError::Failed)?;
        let nonce: [u8; NONCE_BYTES] = random_bytes(random)?;
        let mut buffer = Vec::with_capacity(HEAD_BYTES + plaintext.len() + TAG_BYTES);
        buffer.push(VERSION);
        buffer.extend_from_slice(id);
        buffer.extend_from_slice(&nonce);
        buffer.extend_from_slice(plaintext);
        let body = buffer.get_mut(HEAD_BYTES..).ok_or(SealError::Failed)?;
        let tag = key.seal_in_place(nonce, &associated.0, body).ok_or(SealError::Failed)?;
        buffer.extend_from_slice(&tag);
        Ok(base64url_encode(&buffer))
    }

    /// Opens a sealed value. One allocation: decoded and decrypted in place.
    ///
    /// # Errors
    /// [`OpenError`], each variant as it says.
    ///
    /// # Security
    /// `sealed` comes from the browser. Nothing of the plaintext is given unless the tag fits. The
    /// errors tell causes apart for the operator; the browser gets one answer for all of them.
    pub fn open(&self, associated: &AssociatedData, sealed: &[u8]) -> Result<Opened, OpenError> {
        if sealed.len() > Self::sealed_len(MAX_PLAINTEXT) {
            return Err(OpenError::Malformed);
        }
        let mut buffer = Vec::new();
        base64url_decode_into(sealed, &mut buffer).map_err(|_| OpenError::Malformed)?;
        let plaintext_len = buffer
            .len()
            .checked_sub(HEAD_BYTES + TAG_BYTES)
            .ok_or(OpenError::Malformed)?;
        let (head, body) = buffer
            .split_first_chunk_mut::<HEAD_BYTES>()
            .ok_or(OpenError::Malformed)?;
        let [version, id0, id1, id2, id3, nonce @ ..] = *head;
        if version != VERSION {
            return Err(OpenError::UnknownVersion);
        }
        let id = [id0, id1, id2, id3];
        // Key ids are public and unique within a ring.
        let keys = self.keys.keys();
        let (place, (_, key)) = keys
            .iter()
            .enumerate()
            .find(|(_, (known, _))| *known == id)
            .ok_or(OpenError::UnknownKey)?;
        if !key.open_in_place(nonce, &associated.0, body) {
            return Err(OpenError::Forged);
        }
        buffer.truncate(HEAD_BYTES + plaintext_len);
        Ok(Opened::behind_head(buffer, place == 0))
    }

    /// Tells whether a sealed value bears the id of the first key; if not, seal it again at the
    /// next write.
    ///
    /// # Security
    /// Looks at the id only; says nothing about authenticity.
    pub fn is_sealed_by_first_key(&self, sealed: &[u8]) -> bool {
        let mut head = Vec::new();
        // Eight characters are six bytes: version, key id, and one byte of the nonce.
        let Some(text) = sealed.get(..8) else { return false };
        if base64url_decode_into(text, &mut head).is_err() {
            return false;
        }
        match (head.as_slice(), self.keys.keys().first()) {
            ([VERSION, id @ .., _], Some((first, _))) => id == first,
            _ => false,
        }
    }

    /// Gives the length of a sealed value in characters.
    pub fn sealed_len(plaintext_len: usize) -> usize {
        let bytes = plaintext_len.saturating_add(HEAD_BYTES + TAG_BYTES);
        let tail = match bytes % 3 {
            0 => 0,
            rest => rest + 1,
        };
        (bytes / 3).saturating_mul(4).saturating_add(tail)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "Sealer({:?}, {} keys)",
            self.keys.purpose(),
            self.keys.keys().len()
        )
    }
}

/// An opened value: authenticated plaintext. Reads as a byte slice.
///
/// # Security
/// `Debug` prints the length only.
pub struct Opened {
    /// Version, key id and nonce, then the plaintext; moving it to the front would cost a copy. The version has been
    /// read: in its place stands whether the first key opened it, which a field of its own would make every move dearer for.
    buffer: Vec<u8>,
}

impl Opened {
    /// A plaintext that lies behind the head of its sealed form.
    pub(crate) fn behind_head(mut buffer: Vec<u8>, by_first_key: bool) -> Self {
        if let Some(version) = buffer.first_mut() {
            *version = u8::from(by_first_key);
        }
        Self { buffer }
    }

    /// Tells whether the key that sealed it is the one that seals now; if not, seal it again at the next write.
    pub fn is_by_first_key(&self) -> bool {
        self.buffer.first() == Some(&1)
    }

    /// Gives the plaintext as a vector, which moves it to the front.
    pub fn into_vec(mut self) -> Vec<u8> {
        self.buffer.drain(..HEAD_BYTES.min(self.buffer.len()));
        self.buffer
    }
}

impl Deref for Opened {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.buffer.get(HEAD_BYTES..).unwrap_or_default()
    }
}

impl AsRef<[u8]> for Opened {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Opened({} bytes)", self.len())
    }
}

/// A key of AES-256-GCM-SIV.
pub(crate) struct SealKey(LessSafeKey);

impl SealKey {
    /// `None` only if the library refuses 32 bytes, which it does not.
    pub(crate) fn new(key: &[u8; 32]) -> Option<Self> {
        UnboundKey::new(&AES_256_GCM_SIV, key)
            .ok()
            .map(LessSafeKey::new)
            .map(Self)
    }

    /// Encrypts `body` and gives its tag.
    pub(crate) fn seal_in_place(
        &self,
        nonce: [u8; NONCE_BYTES],
        associated: &[u8],
        body: &mut [u8],
    ) -> Option<[u8; TAG_BYTES]> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self
            .0
            .seal_in_place_separate_tag(nonce, Aad::from(associated), body)
            .ok()?;
        tag.as_ref().try_into().ok()
    }

    /// Decrypts `body`, which is the ciphertext with its tag; the plaintext is at its front.
    /// On `false` the content of `body` is worthless and must not be looked at.
    pub(crate) fn open_in_place(&self, nonce: [u8; NONCE_BYTES], associated: &[u8], body: &mut [u8]) -> bool {
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.0.open_in_place(nonce, Aad::from(associated), body).is_ok()
    }
}

/// Signs and verifies short messages with HMAC-SHA256. Made by [`KeyRing::mac`], and changes with its secrets.
///
/// [`KeyRing::mac`]: crate::KeyRing::mac
#[derive(Clone)]
pub struct MacRing {
    keys: Arc<Derived<hmac::Key>>,
}

impl MacRing {
    pub(crate) fn new(keys: Arc<Derived<hmac::Key>>) -> Self {
        Self { keys }
    }

    /// Signs with the first key.
    pub fn sign(&self, data: &[u8]) -> [u8; 32] {
        let mut out = [0; 32];
        if let Some(key) = self.keys.keys().first() {
            // HMAC-SHA256 gives 32 bytes, so the two slices have equal length.
            out.copy_from_slice(hmac::sign(key, data).as_ref());
        }
        out
    }

    /// Signs with each key, the first key's tag first: the names that something may have been filed under.
    pub fn sign_with_each(&self, data: &[u8]) -> Vec<[u8; 32]> {
        let tag = |key: &hmac::Key| {
            let mut out = [0; 32];
            out.copy_from_slice(hmac::sign(key, data).as_ref());
            out
        };
        self.keys.keys().iter().map(tag).collect()
    }

    /// Tells whether `tag` was made by any of the keys, in constant time for each.
    pub fn verify(&self, data: &[u8], tag: &[u8]) -> bool {
        self.keys.keys().iter().any(|key| hmac::verify(key, data, tag).is_ok())
    }
}

impl fmt::Debug for MacRing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "MacRing({} keys)", self.keys.keys().len())
    }
}

/// A key of HMAC-SHA256 (RFC 2104).
pub(crate) fn mac_key(key: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, key)
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]
mod tests;
