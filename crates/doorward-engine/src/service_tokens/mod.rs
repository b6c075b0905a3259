//! Tokens for the backend's own calls to other services: client credentials (RFC 6749 §4.4), and tokens on a user's
//! behalf by exchange (RFC 8693).
//!
//! 1. A token that lives is handed out at once; renewal begins 60 s before its end, at most a third of its life, in the
//!    background, and the old token serves meanwhile.
//! 2. One call at a time for each token, in `Tasks`: callers without one wait for that one call, whoever began it.
//! 3. After a failure the provider is left alone for at least a second and as long as `Retry-After` says, at most a minute; after
//!    a refusal for five seconds. Meanwhile callers without a token get the same error at once.
//! 4. A token counts as ended as soon as either clock says so: the wall clock, or the one that never steps back.
//! 5. An exchanged token is known by the digest of the token it was exchanged for, which is not kept.

mod kept;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use doorward_crypto::{SecretString, sha256};
use doorward_oidc::TokenTarget;
use thiserror::Error;

use self::kept::{Asked, Behalf, Kept};
use crate::auth::Engine;
use crate::outside::Ports;
use crate::provider::ProviderState;
use crate::recent::Recent;

/// How many users' exchanged tokens are kept; the oldest make room.
const MAX_EXCHANGED: usize = 10_000;
/// How long one is kept that nobody asks for.
const EXCHANGED_FOR: Duration = Duration::from_secs(3_600);

/// Why there is no token for a call of our own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ServiceTokenError {
    /// The provider did not answer, or asked for patience.
    #[error("token endpoint is out of reach for now")]
    Unavailable {
        /// When another try makes sense.
        retry_after: Duration,
    },
    /// The provider does not give this client a token, or does not take the one to be exchanged.
    #[error("token endpoint refused: {code}")]
    Refused {
        /// The error code, one of a closed list, else `other`.
        code: &'static str,
    },
    /// The provider's answer breaks the protocol, its token had ended before it arrived, or the client cannot
    /// authenticate.
    #[error("no usable token could be had from the token endpoint; the log says why")]
    Invalid,
}

/// Access tokens for the backend's own calls, fetched when first needed and kept fresh.
///
/// Clones share their tokens. Keep one of these per target for the life of the process: each call of
/// [`Engine::service_tokens`] begins with none.
///
/// # Example
/// ```
/// # async fn example(engine: doorward_engine::Engine) -> Result<(), doorward_engine::ServiceTokenError> {
/// use doorward_engine::TokenTarget;
///
/// let tokens = engine.service_tokens(TokenTarget {
///     scope: Some("orders:read".into()),
///     ..TokenTarget::default()
/// });
/// let authorization = format!("Bearer {}", tokens.get().await?.expose());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct ServiceTokens {
    asked: Arc<Asked>,
    own: Arc<Kept>,
    exchanged: Arc<Mutex<Recent<Arc<Kept>>>>,
}

impl Engine {
    /// Begins to keep tokens of the first provider for the backend's own calls to a target.
    #[must_use]
    pub fn service_tokens(&self, target: TokenTarget) -> ServiceTokens {
        let provider = Arc::clone(self.inner.home.providers.first());
        ServiceTokens::new(provider, self.inner.ports.clone(), target)
    }

    /// The same of a provider by its name in the configuration; `None` where there is none of this name.
    ///
    /// A client of its own for calls of this kind is a provider of its own name.
    #[must_use]
    pub fn service_tokens_of(&self, provider: &str, target: TokenTarget) -> Option<ServiceTokens> {
        let (_, provider) = self.inner.named.iter().find(|(name, _)| name == provider)?;
        Some(ServiceTokens::new(
            Arc::clone(provider),
            self.inner.ports.clone(),
            target,
        ))
    }
}

impl ServiceTokens {
    pub(crate) fn new(provider: Arc<ProviderState>, ports: Ports, target: TokenTarget) -> Self {
        Self {
            asked: Arc::new(Asked {
                provider,
                ports,
                target,
            }),
            own: Arc::default(),
            exchanged: Arc::new(Mutex::new(Recent::new(MAX_EXCHANGED))),
        }
    }

    /// Returns a token of our own that lives, fetching one only where none is held.
    ///
    /// # Errors
    /// One variant of [`ServiceTokenError`] per way to fail; never while a token held still lives.
    pub async fn get(&self) -> Result<SecretString, ServiceTokenError> {
        self.own.get(&self.asked, &Behalf::Own).await
    }

    /// Returns a token for calls on behalf of whoever an access token was issued for (RFC 8693), exchanging only where
    /// none is held.
    ///
    /// # Errors
    /// As [`get`](Self::get); [`ServiceTokenError::Refused`] with `invalid_grant` for a token that the provider does not take.
    ///
    /// # Security
    /// Give it the token of the session or bearer that this request was let in by, and no other: what it returns acts as
    /// that user. The token is shown to this provider: where there are several, take the one that issued it
    /// ([`Engine::service_tokens_of`]), or one customer's provider is handed the tokens of another's users.
    pub async fn exchange(&self, subject_token: &SecretString) -> Result<SecretString, ServiceTokenError> {
        let kept = self.kept_for(subject_token);
        kept.get(&self.asked, &Behalf::Subject(subject_token.clone())).await
    }

    fn kept_for(&self, subject_token: &SecretString) -> Arc<Kept> {
        let digest = sha256(subject_token.expose().as_bytes());
        let now = self.asked.ports.clock.monotonic();
        let exchanged = self.exchanged.lock().unwrap_or_else(PoisonError::into_inner);
        exchanged.get(&digest, now).unwrap_or_else(|| {
            let kept = Arc::new(Kept::default());
            exchanged.put(digest, Arc::clone(&kept), now.saturating_add(EXCHANGED_FOR));
            kept
        })
    }

    /// Forgets a token of our own that a service refused, so that the next call fetches another one.
    ///
    /// Nothing happens if another token is held by now, or if this one was fetched less than ten seconds ago: a service that
    /// refuses every token then costs a token call each ten seconds and not one each call.
    pub fn discard(&self, token: &SecretString) {
        self.own.discard(&self.asked.ports, token);
    }
}

/// Without the tokens.
impl std::fmt::Debug for ServiceTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceTokens")
            .field("target", &self.asked.target)
            .finish_non_exhaustive()
    }
}
