//! The ID token of a refresh (OpenID Connect Core §12.2).
//!
//! The rules of every ID token, but the nonce may be absent; then the same issuer, subject, audience and authentication time as
//! at login.

use doorward_crypto::{KeySet, SecretString};

use crate::error::{IdTokenError, RefreshedIdTokenError};
use crate::id_token::{IdTokenRules, NonceRule, VerifiedIdToken, verify_with};
use crate::time::UnixTime;

/// Who the session belongs to, as its login said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviousIdentity {
    /// The issuer.
    pub issuer: String,
    /// The subject.
    pub subject: String,
    /// The audience, our client ID.
    pub client_id: String,
    /// When the user authenticated, if the provider said.
    pub auth_time: Option<UnixTime>,
}

/// Verifies a refreshed ID token.
///
/// # Errors
/// [`RefreshedIdTokenError::IssuerChanged`], [`RefreshedIdTokenError::AudienceChanged`],
/// [`RefreshedIdTokenError::SubjectChanged`] and [`RefreshedIdTokenError::AuthenticationTimeChanged`] if it is another
/// identity's, [`RefreshedIdTokenError::IdToken`] for every other rule.
///
/// # Security
/// A refreshed token of another subject would turn one user's session into another's.
pub fn check_refreshed(
    raw: &SecretString,
    keys: &KeySet,
    rules: &IdTokenRules<'_>,
    previous: &PreviousIdentity,
) -> Result<VerifiedIdToken, RefreshedIdTokenError> {
    let token = verify_with(raw, keys, rules, NonceRule::AbsentOrEqual).map_err(|error| match error {
        IdTokenError::IssuerMismatch => RefreshedIdTokenError::IssuerChanged,
        IdTokenError::AudienceMismatch | IdTokenError::FurtherAudience => RefreshedIdTokenError::AudienceChanged,
        error => RefreshedIdTokenError::IdToken(error),
    })?;
    if token.issuer() != previous.issuer {
        return Err(RefreshedIdTokenError::IssuerChanged);
    }
    if token.audience() != previous.client_id {
        return Err(RefreshedIdTokenError::AudienceChanged);
    }
    if token.subject() != previous.subject {
        return Err(RefreshedIdTokenError::SubjectChanged);
    }
    // Core §12.2: auth_time is that of the original authentication; a provider may leave it out.
    if let (Some(before), Some(after)) = (previous.auth_time, token.auth_time())
        && before != after
    {
        return Err(RefreshedIdTokenError::AuthenticationTimeChanged);
    }
    Ok(token)
}
