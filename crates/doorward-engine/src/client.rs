//! Us, as a provider knows us, and how we prove it: what can be replaced while the process lives.

use std::sync::{Arc, Mutex, PoisonError};

use doorward_oidc::{Client, ClientAuthentication};
use thiserror::Error;

use crate::auth::Engine;
use crate::error::BuildError;

/// Our client at a provider. Who it is stays; how it proves that is asked for anew at every call.
pub(crate) struct OwnClient {
    id: String,
    now: Mutex<Arc<Client>>,
}

/// How a client proves itself was left as it was.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NotReplaced {
    /// There is no provider of this name.
    #[error("expected the name of a configured provider, found {0:?}")]
    UnknownProvider(String),
    /// The new way cannot be used.
    #[error("client authentication cannot be used")]
    Unfit(#[source] BuildError),
}

impl OwnClient {
    pub(crate) fn new(client: Client) -> Self {
        Self {
            id: client.client_id.clone(),
            now: Mutex::new(Arc::new(client)),
        }
    }

    /// The client ID.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The client with the proof that counts now; for one call, and not to be kept.
    pub(crate) fn now(&self) -> Arc<Client> {
        Arc::clone(&self.now.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, authentication: ClientAuthentication) {
        let client = Client {
            client_id: self.id.clone(),
            authentication,
        };
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(client);
    }
}

impl Engine {
    /// Lets the client prove itself to a provider in another way from the next call on: by a new secret, or by assertions of a
    /// new key, whose key ID stands in their headers. The provider is named as in the configuration; the one that was given
    /// without a name is `main`.
    ///
    /// Calls under way end with the proof they began with, and sessions are not touched. Nobody is signed out where the
    /// provider knows the new proof before it is set here and drops the old one after: for that time it takes both. A proof
    /// that it refuses meanwhile fails logins and puts renewals off; it ends no session.
    ///
    /// A proof that was replaced is never tried again, not even where the new one is refused: it may have been replaced
    /// because somebody else has it, and a code is not to be shown twice.
    ///
    /// # Errors
    /// [`NotReplaced`], in which case the proof at hand stays.
    pub fn replace_client_authentication(
        &self,
        provider: &str,
        authentication: ClientAuthentication,
    ) -> Result<(), NotReplaced> {
        let (_, state) = self
            .inner
            .named
            .iter()
            .find(|(name, _)| name == provider)
            .ok_or_else(|| NotReplaced::UnknownProvider(provider.to_owned()))?;
        check_authentication(&authentication).map_err(NotReplaced::Unfit)?;
        // Another registration and no rotation; introspection and tokens of the backend's own rest on a proof.
        if matches!(authentication, ClientAuthentication::None) {
            return Err(NotReplaced::Unfit(BuildError::text(
                "provider.client_auth",
                "expected a secret or a key in place of the one at hand, found none",
            )));
        }
        if state.platform.is_some() && !matches!(authentication, ClientAuthentication::SecretBasic(_)) {
            return Err(NotReplaced::Unfit(BuildError::text(
                "provider.client_auth",
                format!(
                    "expected client_secret_basic for the Wristband platform, found {}",
                    authentication.method()
                ),
            )));
        }
        let method = authentication.method();
        state.settings.client.replace(authentication);
        tracing::info!(provider, method, "client authentication replaced");
        Ok(())
    }
}

/// Judges a proof by itself.
pub(crate) fn check_authentication(authentication: &ClientAuthentication) -> Result<(), BuildError> {
    match authentication {
        ClientAuthentication::SecretBasic(secret) | ClientAuthentication::SecretPost(secret) if secret.is_empty() => {
            Err(BuildError::text(
                "provider.client_secret",
                "expected the client's secret, found an empty text; a client without one authenticates with `none`",
            ))
        }
        _ => Ok(()),
    }
}
