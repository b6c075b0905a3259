//! What must be remembered between the authorization request and its response.

use doorward_crypto::SecretString;
use serde::{Deserialize, Serialize};

use crate::authorize::ResponseMode;

/// The protocol's half of a login ticket, made by [`begin`](crate::begin) and used up by [`check`](crate::callback::check).
///
/// Not `Clone`: one authorization request has one response.
///
/// # Security
/// Whoever reads it can redeem the code and pass for the browser; the caller seals it, binds it to the browser, and lets it be
/// used once. Serialization writes the secrets in the clear, for sealing only; `Debug` shows none.
#[derive(Serialize, Deserialize)]
pub struct PendingAuthorization {
    #[serde(with = "secret_text")]
    pub(crate) state: SecretString,
    #[serde(with = "secret_text")]
    pub(crate) nonce: SecretString,
    #[serde(with = "secret_text")]
    pub(crate) code_verifier: SecretString,
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) iss_parameter_promised: bool,
    pub(crate) max_age: Option<u64>,
    pub(crate) acr_values: Option<String>,
    pub(crate) silent: bool,
    pub(crate) requested_scope: String,
    pub(crate) response_mode: ResponseMode,
}

impl PendingAuthorization {
    /// Tells, in constant time, whether a response's `state` is the one sent.
    #[must_use]
    pub fn state_matches(&self, state: &str) -> bool {
        self.state.matches(state)
    }

    /// Returns the issuer asked.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Returns the client the request was made for.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Returns the redirect URI the response comes to.
    #[must_use]
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Returns the response mode asked for.
    #[must_use]
    pub fn response_mode(&self) -> ResponseMode {
        self.response_mode
    }

    /// Returns the scope sent, space-separated.
    #[must_use]
    pub fn requested_scope(&self) -> &str {
        &self.requested_scope
    }

    /// Returns the `max_age` sent.
    #[must_use]
    pub fn max_age(&self) -> Option<u64> {
        self.max_age
    }

    /// Returns the `acr_values` sent.
    #[must_use]
    pub fn acr_values(&self) -> Option<&str> {
        self.acr_values.as_deref()
    }

    /// Tells whether `prompt=none` was sent.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.silent
    }
}

/// Whom and what for; no secret.
impl std::fmt::Debug for PendingAuthorization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PendingAuthorization")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .field("redirect_uri", &self.redirect_uri)
            .field("response_mode", &self.response_mode)
            .finish_non_exhaustive()
    }
}

/// `SecretString` refuses to be serialized; here, where the result is sealed, it is done by hand.
mod secret_text {
    use doorward_crypto::SecretString;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(secret.expose())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
        String::deserialize(deserializer).map(SecretString::new)
    }
}
