//! Session IDs.

use doorward_crypto::{Random, RandomUnavailable, base64url_decode, base64url_encode, random_bytes, sha256};
use serde::{Deserialize, Serialize};

const NAME_LABEL: &[u8] = b"doorward sealed session name v1\0";
const NAME_BYTES: usize = 18;

/// 128 random bits that name a session.
///
/// In sealed-cookie mode the ID never leaves the seal; of a stored session the browser holds it beside a secret. An ID is
/// never taken over from a request that did not prove it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SessionId([u8; 16]);

impl SessionId {
    /// Draws a fresh ID.
    ///
    /// # Errors
    /// [`RandomUnavailable`].
    pub fn random(random: &dyn Random) -> Result<SessionId, RandomUnavailable> {
        random_bytes(random).map(SessionId)
    }

    /// Takes an ID as it is.
    pub const fn from_bytes(bytes: [u8; 16]) -> SessionId {
        SessionId(bytes)
    }

    /// Returns the ID.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Writes the ID as 22 characters of base64url.
    pub fn encode(&self) -> String {
        base64url_encode(&self.0)
    }

    /// Derives the name that a sealed session may be called by outside of its seal, in a log for instance; a stored session's is
    /// derived from its [key](crate::ports::StoreKey::session_name).
    ///
    /// # Security
    /// It is a digest: whoever knows it does not know the ID.
    pub fn session_name(&self) -> String {
        let mut text = NAME_LABEL.to_vec();
        text.extend_from_slice(&self.0);
        let digest = sha256(&text);
        let (name, _) = digest.split_at(NAME_BYTES);
        base64url_encode(name)
    }

    /// Reads what [`encode`](Self::encode) wrote.
    pub fn decode(text: &str) -> Option<SessionId> {
        if text.len() != 22 {
            return None;
        }
        let bytes = base64url_decode(text.as_bytes()).ok()?;
        bytes.try_into().ok().map(SessionId)
    }
}

impl core::fmt::Debug for SessionId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SessionId(hidden)")
    }
}
