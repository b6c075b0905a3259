//! The names under which a store keeps things: digests, so that a store never learns an ID.

use doorward_crypto::{base64url_encode, sha256};

use crate::session::SessionId;

const SESSION_LABEL: &[u8] = b"doorward stored session v1\0";
const SESSION_NAME_LABEL: &[u8] = b"doorward session name v1\0";
const USED_LOGIN_LABEL: &[u8] = b"doorward used login v1\0";
const REVOKED_SESSION_LABEL: &[u8] = b"doorward revoked session v1\0";
const REPLACED_SESSION_LABEL: &[u8] = b"doorward replaced session v1\0";
const USED_LOGOUT_TOKEN_LABEL: &[u8] = b"doorward used logout token v1\0";

/// 144 bits: no two sessions of a user have one name, and nobody guesses one.
const SESSION_NAME_BYTES: usize = 18;

/// The only name a store knows a session by: a digest over a label, the session ID and its secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreKey([u8; 32]);

impl StoreKey {
    /// Derives the key of a stored session.
    pub fn of_session(id: &SessionId, secret: &[u8; 32]) -> StoreKey {
        StoreKey(labelled(SESSION_LABEL, &[id.as_bytes(), secret]))
    }

    /// Derives the key under which the use of a login ticket is remembered, from the ticket's `state`.
    pub fn of_used_login(state: &str) -> StoreKey {
        StoreKey(labelled(USED_LOGIN_LABEL, &[state.as_bytes()]))
    }

    /// Derives the key under which the use of a logout token is remembered, from whose it is and its `jti`.
    ///
    /// # Security
    /// `jti` is unique per issuer only, so that the provider, `issuer client_id`, is part of the name.
    pub fn of_used_logout_token(provider: &str, token_id: &str) -> StoreKey {
        StoreKey(labelled(
            USED_LOGOUT_TOKEN_LABEL,
            &[provider.as_bytes(), b"\0", token_id.as_bytes()],
        ))
    }

    /// Derives the name that a session may be called by in front of its user: 24 characters of base64url.
    ///
    /// # Security
    /// It is a digest of the key: whoever knows it can neither ask a store for the record nor be the session.
    pub fn session_name(&self) -> String {
        let digest = labelled(SESSION_NAME_LABEL, &[&self.0]);
        let (name, _) = digest.split_at(SESSION_NAME_BYTES);
        base64url_encode(name)
    }

    /// Derives the key under which the end of a sealed session is remembered, for sessions that live in cookies alone.
    pub fn of_revoked_session(id: &SessionId) -> StoreKey {
        StoreKey(labelled(REVOKED_SESSION_LABEL, &[id.as_bytes()]))
    }

    /// Derives the key under which it is remembered that a sealed session will end, because another has taken its place.
    ///
    /// # Security
    /// Not that of its end: what is written once would keep a logout during that time from being written.
    pub fn of_replaced_session(id: &SessionId) -> StoreKey {
        StoreKey(labelled(REPLACED_SESSION_LABEL, &[id.as_bytes()]))
    }

    /// Takes a digest as it is, for stores that read their keys back.
    pub const fn from_bytes(digest: [u8; 32]) -> StoreKey {
        StoreKey(digest)
    }

    /// Returns the digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Writes the digest as 64 hexadecimal characters, a name that is safe in every store.
    pub fn to_hex(&self) -> String {
        hex(&self.0)
    }
}

impl core::fmt::Debug for StoreKey {
    // Enough to find a record in a log, too little to ask a store for it.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "StoreKey({})", hex(&[a, b, c, d]))
    }
}

/// The name of a list of sessions: those of a user, of a provider's session or of a tenant.
///
/// It is an HMAC under the server's key, so that nobody who reads the store can try out whose list it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IndexKey([u8; 32]);

impl IndexKey {
    /// Takes a digest as it is.
    pub const fn from_bytes(digest: [u8; 32]) -> IndexKey {
        IndexKey(digest)
    }

    /// Returns the digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Writes the digest as 64 hexadecimal characters.
    pub fn to_hex(&self) -> String {
        hex(&self.0)
    }
}

impl core::fmt::Debug for IndexKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "IndexKey({})", hex(&[a, b, c, d]))
    }
}

fn labelled(label: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut text = Vec::with_capacity(label.len() + parts.iter().map(|part| part.len()).sum::<usize>());
    text.extend_from_slice(label);
    for part in parts {
        text.extend_from_slice(part);
    }
    sha256(&text)
}

fn hex(bytes: &[u8]) -> String {
    use core::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
