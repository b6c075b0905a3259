//! The token part of a session.

use doorward_crypto::SecretString;
use doorward_oidc::UnixTime;
use serde::{Deserialize, Serialize};

use super::SessionId;

const VERSION: u8 = 1;

/// The tokens of a session.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The access token.
    pub access_token: SecretString,
    /// The refresh token, if the provider gave one.
    pub refresh_token: Option<SecretString>,
    /// The ID token, a hint for the provider's logout; the first to go where space is short.
    pub id_token: Option<SecretString>,
    /// When the access token ends, if the provider said so.
    pub access_token_expires_at: Option<UnixTime>,
    /// The scope that was granted, as the provider wrote it.
    pub scope: Option<String>,
}

impl Tokens {
    /// Returns the same tokens without the ID token.
    #[must_use]
    pub fn without_id_token(&self) -> Tokens {
        Tokens {
            id_token: None,
            ..self.clone()
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Wire<'a> {
    id: SessionId,
    revision: u64,
    access_token: &'a str,
    refresh_token: Option<&'a str>,
    id_token: Option<&'a str>,
    access_token_expires_at: Option<UnixTime>,
    scope: Option<&'a str>,
}

/// Writes the plaintext of a token part; `None` only if the encoder refuses, which it has no reason to.
pub(super) fn write(id: &SessionId, revision: u64, tokens: &Tokens) -> Option<Vec<u8>> {
    let wire = Wire {
        id: *id,
        revision,
        access_token: tokens.access_token.expose(),
        refresh_token: tokens.refresh_token.as_ref().map(SecretString::expose),
        id_token: tokens.id_token.as_ref().map(SecretString::expose),
        access_token_expires_at: tokens.access_token_expires_at,
        scope: tokens.scope.as_deref(),
    };
    postcard::to_extend(&wire, vec![VERSION]).ok()
}

/// Reads a token part that belongs to a session.
///
/// # Security
/// The ID inside the seal binds the part to its session: tokens of another session, though authentic, are not its own.
pub(super) fn read(plain: &[u8], id: &SessionId) -> Option<(Tokens, u64)> {
    let (&VERSION, rest) = plain.split_first()? else {
        return None;
    };
    let wire: Wire<'_> = postcard::from_bytes(rest).ok()?;
    if wire.id != *id {
        return None;
    }
    let tokens = Tokens {
        access_token: SecretString::new(wire.access_token),
        refresh_token: wire.refresh_token.map(SecretString::new),
        id_token: wire.id_token.map(SecretString::new),
        access_token_expires_at: wire.access_token_expires_at,
        scope: wire.scope.map(str::to_owned),
    };
    Some((tokens, wire.revision))
}
