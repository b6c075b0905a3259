//! What is known of the identity provider: its metadata and keys, cached with bounds.
//!
//! Starting needs no provider: both are fetched on first need. Rules:
//!
//! 1. Metadata older than an hour is renewed in the background while the old copy serves; keys
//!    older than fifteen minutes are renewed before use, so that a key the provider withdrew stops
//!    counting within that time (`OpenID Connect Core` 10.1.1).
//! 2. A renewal that fails drops nothing; a copy older than a day no longer serves.
//! 3. One fetch at a time; after a failure the next one waits at least a second, and as long as
//!    `Retry-After` says, at most a minute.
//! 4. A token signed by an unknown key causes one refetch, at most one per thirty seconds.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use doorward_core::OutboundRequest;
use doorward_core::ports::{FetchError, Fetched};
use doorward_core::session::provider_tag;
use doorward_crypto::{Algorithm, KeySet};
use doorward_oidc::{ProviderMetadata, Reach, discovery_request, is_public_address, jwks_request, parse_jwks};

use crate::cached::{Cached, Pause, SHORTEST_PAUSE, retry_after};
use crate::error::BuildError;
use crate::outside::Ports;
use crate::platform::PlatformState;
use crate::settings::ProviderSettings;

const METADATA_FRESH: Duration = Duration::from_secs(3600);
const KEYS_FRESH: Duration = Duration::from_secs(900);
const STALE_LIMIT: Duration = Duration::from_secs(24 * 3600);
pub(crate) const UNKNOWN_KEY_INTERVAL: Duration = Duration::from_secs(30);

/// The provider could not be asked, or what it said could not be used; worth another try later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProviderUnavailable {
    pub(crate) retry_after: Duration,
}

impl ProviderUnavailable {
    pub(crate) fn soon() -> Self {
        Self {
            retry_after: SHORTEST_PAUSE,
        }
    }
}

/// The keys to judge a token by whose key was not among those at hand.
pub(crate) enum NewerKeys {
    /// As the provider publishes them now: what is not among them is not the provider's.
    Fetched(KeySet),
    /// As they were when last fetched: what is not among them may be so new that nobody asked yet.
    Held(KeySet),
}

/// The provider as this process knows it.
pub(crate) struct ProviderState {
    pub(crate) settings: ProviderSettings,
    /// The provider and our client there, as sessions name them.
    pub(crate) name: String,
    /// The name, shortened for the guard.
    pub(crate) tag: [u8; 8],
    /// What the Wristband platform has beside every other provider.
    pub(crate) platform: Option<PlatformState>,
    metadata: Cached<Arc<ProviderMetadata>>,
    keys: Cached<KeySet>,
    unknown_key_asked: Mutex<Option<Duration>>,
    /// The pause of the token endpoint, apart from that of the metadata.
    token_pause: Pause,
    /// The pause of the introspection endpoint.
    introspection_pause: Pause,
    /// The issuer's own name led to a private address: then its endpoints may live there too.
    issuer_is_private: AtomicBool,
}

impl ProviderState {
    /// # Errors
    /// [`BuildError`] for settings that do not go together.
    pub(crate) fn new(settings: ProviderSettings) -> Result<Self, BuildError> {
        // Neither an issuer nor this separator can hold the other.
        let name = format!("{} {}", settings.issuer.as_str(), settings.client.id());
        Ok(Self {
            tag: provider_tag(&name),
            name,
            platform: settings.platform.clone().map(PlatformState::new).transpose()?,
            settings,
            metadata: Cached::default(),
            keys: Cached::default(),
            unknown_key_asked: Mutex::new(None),
            token_pause: Pause::default(),
            introspection_pause: Pause::default(),
            issuer_is_private: AtomicBool::new(false),
        })
    }

    /// Answers the metadata, from the cache while it may serve.
    pub(crate) async fn metadata(
        self: &Arc<Self>,
        ports: &Ports,
    ) -> Result<Arc<ProviderMetadata>, ProviderUnavailable> {
        if let Some(platform) = &self.platform {
            return Ok(platform.metadata());
        }
        match self.metadata.age(ports) {
            Some((metadata, age)) if age < METADATA_FRESH => Ok(metadata),
            Some((metadata, age)) if age < STALE_LIMIT => {
                let (this, in_background) = (Arc::clone(self), ports.clone());
                ports.tasks.spawn(Box::pin(async move {
                    // A failure was logged where it arose; the old copy goes on serving.
                    let _ = this.renew_metadata(&in_background).await;
                }));
                Ok(metadata)
            }
            _ => self.renew_metadata(ports).await,
        }
    }

    async fn renew_metadata(self: &Arc<Self>, ports: &Ports) -> Result<Arc<ProviderMetadata>, ProviderUnavailable> {
        let (this, job_ports) = (Arc::clone(self), ports.clone());
        self.metadata
            .renew(ports, || None, async move {
                let request = discovery_request(&this.settings.issuer);
                let url = request.request.uri().clone();
                let fetched = this.send(&job_ports, request).await.map_err(|error| {
                    tracing::warn!(
                        %error,
                        %url,
                        "provider metadata could not be fetched; hint: does the provider run, and is its issuer set as it calls itself?"
                    );
                    ProviderUnavailable::soon()
                })?;
                // Security: an issuer on a private address vouches for its neighbours; any other
                // issuer must not be able to point us at them.
                if fetched.remote.is_some_and(|address| !is_public_address(address)) {
                    this.issuer_is_private.store(true, Ordering::Relaxed);
                }
                ProviderMetadata::parse(
                    fetched.status,
                    &fetched.headers,
                    &fetched.body,
                    &this.settings.issuer,
                )
                .map(Arc::new)
                .map_err(|error| {
                    tracing::error!(
                        %error,
                        %url,
                        "provider metadata refused; hint: set the provider's issuer to the one in its own metadata, letter by letter"
                    );
                    ProviderUnavailable {
                        retry_after: retry_after(&fetched),
                    }
                })
            })
            .await
    }

    /// Answers the signing keys, at most fifteen minutes old while the provider can be reached.
    pub(crate) async fn keys(
        self: &Arc<Self>,
        ports: &Ports,
        metadata: &Arc<ProviderMetadata>,
    ) -> Result<KeySet, ProviderUnavailable> {
        match self.keys.age(ports) {
            Some((keys, age)) if age < KEYS_FRESH => Ok(keys),
            Some((keys, age)) if age < STALE_LIMIT => {
                Ok(self.renew_keys(ports, metadata, || None).await.unwrap_or(keys))
            }
            _ => self.renew_keys(ports, metadata, || None).await,
        }
    }

    /// Looks for newer keys because a token named one that is not among those at hand.
    ///
    /// Whoever comes while they are being fetched waits for that one fetch. Within thirty seconds of
    /// the last look the keys held are answered as they are, which another login may have fetched
    /// meanwhile: a flood of invented key IDs costs the provider nothing, and a rotation no login.
    pub(crate) async fn keys_after_unknown(
        self: &Arc<Self>,
        ports: &Ports,
        metadata: &Arc<ProviderMetadata>,
    ) -> Option<NewerKeys> {
        let mut held = false;
        let keys = self
            .renew_keys(ports, metadata, || {
                let now = ports.clock.monotonic();
                let mut asked = self.unknown_key_asked.lock().unwrap_or_else(PoisonError::into_inner);
                if asked.is_some_and(|at| now.saturating_sub(at) < UNKNOWN_KEY_INTERVAL) {
                    held = true;
                    return self.keys.age(ports).map(|(keys, _)| keys);
                }
                *asked = Some(now);
                None
            })
            .await
            .ok()?;
        Some(if held {
            NewerKeys::Held(keys)
        } else {
            NewerKeys::Fetched(keys)
        })
    }

    /// Answers the keys without waiting, and whether they are fresh; `None` where none may serve.
    pub(crate) fn keys_at_hand(&self, ports: &Ports) -> Option<(KeySet, bool)> {
        let (keys, age) = self.keys.age(ports).filter(|(_, age)| *age < STALE_LIMIT)?;
        Some((keys, age < KEYS_FRESH))
    }

    /// Notes that the keys were fetched just now on behalf of a token whose key is not among them.
    ///
    /// That fetch was the one in thirty seconds that [`keys_after_unknown`](Self::keys_after_unknown) allows.
    pub(crate) fn unknown_key_was_asked(&self, ports: &Ports) {
        let mut asked = self.unknown_key_asked.lock().unwrap_or_else(PoisonError::into_inner);
        *asked = Some(ports.clock.monotonic());
    }

    async fn renew_keys(
        self: &Arc<Self>,
        ports: &Ports,
        metadata: &Arc<ProviderMetadata>,
        known: impl FnOnce() -> Option<KeySet>,
    ) -> Result<KeySet, ProviderUnavailable> {
        let (this, job_ports, metadata) = (Arc::clone(self), ports.clone(), Arc::clone(metadata));
        self.keys
            .renew(ports, known, async move {
                let request = jwks_request(&metadata);
                let fetched = this.send(&job_ports, request).await.map_err(|error| {
                    tracing::warn!(%error, "provider keys could not be fetched");
                    ProviderUnavailable::soon()
                })?;
                parse_jwks(fetched.status, &fetched.headers, &fetched.body).map_err(|error| {
                    tracing::error!(%error, "provider keys refused");
                    ProviderUnavailable {
                        retry_after: retry_after(&fetched),
                    }
                })
            })
            .await
    }

    /// The algorithms an ID token may use: ours, less those the provider says it does not use.
    pub(crate) fn algorithms(&self, metadata: &ProviderMetadata) -> Vec<Algorithm> {
        let announced = metadata.id_token_algorithms();
        let ours = self.settings.algorithms.iter().copied();
        ours.filter(|algorithm| announced.is_empty() || announced.contains(algorithm))
            .collect()
    }

    /// Sends a request of the protocol; the reach widens only for an issuer on a private address.
    pub(crate) async fn send(&self, ports: &Ports, mut request: OutboundRequest) -> Result<Fetched, FetchError> {
        if self.issuer_is_private.load(Ordering::Relaxed) {
            request.reach = Reach::Any;
        }
        ports.fetch.fetch(request).await
    }

    /// Says how long the introspection endpoint is to be left alone, if at all.
    pub(crate) fn introspection_pause(&self, ports: &Ports) -> Option<Duration> {
        self.introspection_pause.remaining(ports)
    }

    /// Leaves the introspection endpoint alone for a while and says for how long.
    pub(crate) fn pause_introspection(&self, ports: &Ports, wish: Option<Duration>) -> Duration {
        self.introspection_pause.begin(ports, wish.unwrap_or(SHORTEST_PAUSE))
    }

    /// Says how long the token endpoint is to be left alone, if at all.
    pub(crate) fn token_pause(&self, ports: &Ports) -> Option<Duration> {
        self.token_pause.remaining(ports)
    }

    /// Leaves the token endpoint alone for a while and says for how long.
    pub(crate) fn pause_token_calls(&self, ports: &Ports, wish: Option<Duration>) -> Duration {
        self.token_pause.begin(ports, wish.unwrap_or(SHORTEST_PAUSE))
    }
}
