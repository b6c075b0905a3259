//! What the browser holds of a stored session: its ID and a secret.

use doorward_crypto::{Random, RandomUnavailable, base64url_decode, base64url_encode, random_bytes};
use serde::{Deserialize, Serialize};

use super::SessionId;
use crate::ports::StoreKey;

const ENCODED: usize = 64;

/// The ID and secret of a stored session; together they are the session, so neither is ever printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionHandle {
    id: SessionId,
    secret: [u8; 32],
}

/// What the request's cookies say about a stored session.
#[derive(Debug)]
pub enum HandleCookie {
    /// There is no session cookie.
    Absent,
    /// There is one, or there are several, and none has the shape of a handle.
    Unreadable,
    /// Two different handles came: one may be planted, so none is believed.
    Conflict,
    /// Exactly one handle; whether a session stands behind it is for the store to say.
    Found(SessionHandle),
}

impl SessionHandle {
    /// Draws a fresh handle.
    ///
    /// # Errors
    /// [`RandomUnavailable`].
    pub fn random(random: &dyn Random) -> Result<SessionHandle, RandomUnavailable> {
        Ok(SessionHandle {
            id: SessionId::random(random)?,
            secret: random_bytes(random)?,
        })
    }

    /// Returns the session's ID.
    pub const fn id(&self) -> &SessionId {
        &self.id
    }

    /// Returns the secret: half of the key that opens the session's record.
    pub(crate) const fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// Derives the only name the store knows the session by.
    pub fn store_key(&self) -> StoreKey {
        StoreKey::of_session(&self.id, &self.secret)
    }

    /// Writes the cookie's value: 64 characters of base64url.
    pub fn encode(&self) -> String {
        let mut bytes = [0; 48];
        let (id, secret) = bytes.split_at_mut(16);
        id.copy_from_slice(self.id.as_bytes());
        secret.copy_from_slice(&self.secret);
        base64url_encode(&bytes)
    }

    /// Reads a cookie's value.
    pub fn parse(value: &[u8]) -> Option<SessionHandle> {
        if value.len() != ENCODED {
            return None;
        }
        let bytes = base64url_decode(value).ok()?;
        let (id, secret) = bytes.split_first_chunk()?;
        Some(SessionHandle {
            id: SessionId::from_bytes(*id),
            secret: secret.try_into().ok()?,
        })
    }
}

impl core::fmt::Debug for SessionHandle {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SessionHandle(hidden)")
    }
}
