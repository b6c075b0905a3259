//! Asking the providers at start, for whoever would rather not start than answer 503 later.

use thiserror::Error;

use crate::auth::Engine;

/// A provider that could not be asked, or whose answer cannot be used; the log says why.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("provider {issuer} did not answer with {what} that can be used; the log says why")]
#[non_exhaustive]
pub struct DiscoverError {
    /// The provider's issuer.
    pub issuer: String,
    /// What was asked for: `metadata`, `configuration` or `keys`.
    pub what: &'static str,
}

impl Engine {
    /// Fetches the metadata and keys of every provider now, and the configuration that the Wristband platform keeps for us.
    ///
    /// Nobody has to: all of it is fetched on first need, and until then a login answers 503.
    ///
    /// # Errors
    /// [`DiscoverError`] for the first provider that does not answer.
    pub async fn discover(&self) -> Result<(), DiscoverError> {
        let ports = &self.inner.ports;
        for provider in self.inner.home.providers.iter() {
            let failed = |what| DiscoverError {
                issuer: provider.settings.issuer.as_str().to_owned(),
                what,
            };
            if let Some(platform) = &provider.platform {
                let configuration = platform.configuration(provider, ports).await;
                configuration.map_err(|_| failed("a configuration"))?;
            }
            let metadata = provider.metadata(ports).await.map_err(|_| failed("metadata"))?;
            provider.keys(ports, &metadata).await.map_err(|_| failed("keys"))?;
        }
        Ok(())
    }
}
