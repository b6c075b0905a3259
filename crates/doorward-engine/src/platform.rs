//! What the engine knows of the Wristband platform beside every other provider: the configuration it keeps for us, and which
//! custom domains it vouches for. Rules:
//!
//! 1. The configuration is asked for on first need and kept for an hour, then renewed in the background; a copy older than a
//!    day no longer serves. An answer is judged all the way to the configuration that follows from it before it is kept.
//! 2. What may pass (5xx, the network) is tried three times, a tenth of a second apart; a refusal is not tried again at once.
//! 3. The platform's word on a custom domain counts for five minutes, its no for one, each remembered apart, so that no invention
//!    pushes a good domain out. One question per domain at a time, and so many in all: domains come out of queries. Where the
//!    platform does not answer, or asks for patience, it is left alone for a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use doorward_crypto::sha256;
use doorward_oidc::ProviderMetadata;
use doorward_oidc::wristband::{
    CustomDomain, CustomDomainError, ResolvedConfig, TenantHost, WristbandConfig, custom_domain_request,
    judge_custom_domain, sdk_configuration_request,
};

use crate::cached::{Cached, Pause, SHORTEST_PAUSE};
use crate::error::BuildError;
use crate::outside::Ports;
use crate::provider::{ProviderState, ProviderUnavailable};
use crate::recent::{Digest, Recent};
use crate::settings_wristband::{PlatformSettings, refused};
use crate::single_flight::{Begin, SingleFlight};

const CONFIGURATION_FRESH: Duration = Duration::from_secs(3600);
const STALE_LIMIT: Duration = Duration::from_secs(24 * 3600);
const ATTEMPTS: u32 = 3;
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(100);
const VOUCHED: Duration = Duration::from_secs(300);
const NOT_VOUCHED: Duration = Duration::from_secs(60);
const MAX_DOMAINS: usize = 1_000;
const MAX_QUESTIONS: usize = 16;

/// The platform as this process knows it.
pub(crate) struct PlatformState {
    pub(crate) settings: PlatformSettings,
    metadata: Arc<ProviderMetadata>,
    /// Without auto-configuration everything is known from the start.
    by_hand: Option<Arc<ResolvedConfig>>,
    configuration: Cached<Arc<ResolvedConfig>>,
    domains: Recent<TenantHost>,
    /// Domains that are nobody's.
    not_vouched: Recent<()>,
    questions_pause: Pause,
    questions: SingleFlight<Digest, Result<Option<TenantHost>, ProviderUnavailable>>,
    under_way: Arc<AtomicUsize>,
    /// A redirect URI that does not lead back to our callback was told of.
    told_of_redirect_uri: AtomicBool,
}

impl PlatformState {
    /// # Errors
    /// [`BuildError`] for a configuration by hand that does not go together.
    pub(crate) fn new(settings: PlatformSettings) -> Result<Self, BuildError> {
        let by_hand = if settings.config.auto_configures() {
            None
        } else {
            let resolved = ResolvedConfig::resolve(&settings.config, None).map_err(refused)?;
            Some(Arc::new(resolved))
        };
        Ok(Self {
            metadata: Arc::new(settings.config.platform().metadata()),
            by_hand,
            settings,
            configuration: Cached::default(),
            domains: Recent::new(MAX_DOMAINS),
            not_vouched: Recent::new(MAX_DOMAINS),
            questions_pause: Pause::default(),
            questions: SingleFlight::default(),
            under_way: Arc::default(),
            told_of_redirect_uri: AtomicBool::new(false),
        })
    }

    pub(crate) fn metadata(&self) -> Arc<ProviderMetadata> {
        Arc::clone(&self.metadata)
    }

    pub(crate) fn config(&self) -> &WristbandConfig {
        &self.settings.config
    }

    /// Answers the configuration, from the cache while it may serve.
    pub(crate) async fn configuration(
        &self,
        provider: &Arc<ProviderState>,
        ports: &Ports,
    ) -> Result<Arc<ResolvedConfig>, ProviderUnavailable> {
        if let Some(resolved) = &self.by_hand {
            return Ok(Arc::clone(resolved));
        }
        match self.configuration.age(ports) {
            Some((resolved, age)) if age < CONFIGURATION_FRESH => Ok(resolved),
            Some((resolved, age)) if age < STALE_LIMIT => {
                let (at, in_background) = (Arc::clone(provider), ports.clone());
                ports.tasks.spawn(Box::pin(async move {
                    if let Some(platform) = &at.platform {
                        // A failure was logged where it arose; the old copy goes on serving.
                        let _ = platform.renew(&at, &in_background).await;
                    }
                }));
                Ok(resolved)
            }
            _ => self.renew(provider, ports).await,
        }
    }

    async fn renew(
        &self,
        provider: &Arc<ProviderState>,
        ports: &Ports,
    ) -> Result<Arc<ResolvedConfig>, ProviderUnavailable> {
        let (at, job_ports, config) = (Arc::clone(provider), ports.clone(), Arc::clone(&self.settings.config));
        self.configuration
            .renew(ports, || None, async move {
                let mut attempt = 1;
                loop {
                    match ask_configuration(&at, &job_ports, &config).await {
                        Ok(resolved) => return Ok(Arc::new(resolved)),
                        Err(Failed { passing: true, .. }) if attempt < ATTEMPTS => {
                            attempt += 1;
                            job_ports.tasks.sleep(BETWEEN_ATTEMPTS).await;
                        }
                        Err(Failed { retry_after, .. }) => return Err(ProviderUnavailable { retry_after }),
                    }
                }
            })
            .await
    }

    /// Asks the platform whether a domain out of a request belongs to one of the application's tenants.
    ///
    /// # Errors
    /// [`ProviderUnavailable`] where the platform cannot be asked now.
    pub(crate) async fn vouched(
        &self,
        provider: &Arc<ProviderState>,
        ports: &Ports,
        domain: CustomDomain,
    ) -> Result<Option<TenantHost>, ProviderUnavailable> {
        let digest = sha256(domain.authority().as_bytes());
        if let Some(known) = self.known_domain(ports, &digest) {
            return Ok(known);
        }
        let (at, job_ports) = (Arc::clone(provider), ports.clone());
        let answered = self
            .questions
            .join(digest, &*ports.tasks, || {
                if let Some(known) = self.known_domain(ports, &digest) {
                    return Begin::Known(Ok(known));
                }
                if let Some(retry_after) = self.questions_pause.remaining(ports) {
                    return Begin::Known(Err(ProviderUnavailable { retry_after }));
                }
                // Security: domains are anyone's invention; so many at a time and no more cost a call.
                let Some(place) = Place::take(&self.under_way) else {
                    return Begin::Known(Err(ProviderUnavailable::soon()));
                };
                Begin::Job(Box::pin(async move {
                    let answer = ask_about(&at, &job_ports, domain).await;
                    drop(place);
                    if let (Ok(host), Some(platform)) = (&answer, &at.platform) {
                        platform.remember_domain(&job_ports, digest, host.clone());
                    }
                    answer
                }))
            })
            .await;
        answered.unwrap_or(Err(ProviderUnavailable::soon()))
    }

    fn known_domain(&self, ports: &Ports, digest: &Digest) -> Option<Option<TenantHost>> {
        let now = ports.clock.monotonic();
        match self.domains.get(digest, now) {
            Some(host) => Some(Some(host)),
            None => self.not_vouched.get(digest, now).map(|()| None),
        }
    }

    fn remember_domain(&self, ports: &Ports, digest: Digest, host: Option<TenantHost>) {
        let until = |counts_for| ports.clock.monotonic().saturating_add(counts_for);
        match host {
            Some(host) => self.domains.put(digest, host, until(VOUCHED)),
            None => self.not_vouched.put(digest, (), until(NOT_VOUCHED)),
        }
    }

    /// Tells the operator, once, where logins would not come back to us.
    pub(crate) fn check_redirect_uri(&self, resolved: &ResolvedConfig, callback: &str) {
        let configured = resolved.redirect_uri().as_str();
        // Where the platform fills a tenant in, only the path can be compared.
        let compared = |url: &str| match configured.contains('{') {
            true => {
                let (_, rest) = url.split_once("://").unwrap_or_default();
                rest.find('/')
                    .and_then(|at| rest.get(at..))
                    .unwrap_or_default()
                    .to_owned()
            }
            false => url.to_owned(),
        };
        if compared(configured) != compared(callback) && !self.told_of_redirect_uri.swap(true, Ordering::Relaxed) {
            tracing::error!(
                redirect_uri = configured,
                callback,
                "the platform sends logins back to another address than our callback; hint: change its redirect URI, or the public URL and the base \
                 path"
            );
        }
    }
}

/// One of the few questions that may be under way.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(under_way: &Arc<AtomicUsize>) -> Option<Self> {
        let taken = under_way.fetch_add(1, Ordering::Relaxed);
        let place = Self(Arc::clone(under_way));
        (taken < MAX_QUESTIONS).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Why the configuration could not be had.
struct Failed {
    passing: bool,
    retry_after: Duration,
}

async fn ask_configuration(
    provider: &ProviderState,
    ports: &Ports,
    config: &WristbandConfig,
) -> Result<ResolvedConfig, Failed> {
    let Some(request) = sdk_configuration_request(config.platform(), &config.client().client_id) else {
        return Err(Failed {
            passing: false,
            retry_after: SHORTEST_PAUSE,
        });
    };
    let url = request.request.uri().clone();
    let fetched = provider.send(ports, request).await.map_err(|error| {
        tracing::warn!(
            %error,
            url = %url,
            "the platform's configuration could not be fetched; hint: is this the application's vanity domain?"
        );
        Failed {
            passing: true,
            retry_after: SHORTEST_PAUSE,
        }
    })?;
    ResolvedConfig::from_answer(config, fetched.status, &fetched.headers, &fetched.body).map_err(|error| {
        let reason = crate::login_failure::with_source(&error);
        tracing::error!(
            %reason,
            url = %url,
            "the platform's configuration was refused; hint: are vanity domain and client ID those of the application?"
        );
        Failed {
            passing: error.is_worth_retrying(),
            retry_after: crate::cached::retry_after(&fetched),
        }
    })
}

async fn ask_about(
    provider: &ProviderState,
    ports: &Ports,
    domain: CustomDomain,
) -> Result<Option<TenantHost>, ProviderUnavailable> {
    let Some(platform) = &provider.platform else {
        return Ok(None);
    };
    let config = platform.config();
    let request = custom_domain_request(config.platform(), &provider.settings.client.now(), &domain);
    let pause = |wish| ProviderUnavailable {
        retry_after: platform.questions_pause.begin(ports, wish),
    };
    let fetched = provider.send(ports, request).await.map_err(|error| {
        tracing::warn!(%error, "the platform could not be asked about a custom domain");
        pause(SHORTEST_PAUSE)
    })?;
    judge_custom_domain(domain, fetched.status, &fetched.headers, &fetched.body).map_err(|error| {
        tracing::warn!(%error, "the platform has no word on a custom domain");
        match error {
            CustomDomainError::Passing {
                retry_after: Some(retry_after),
            } => pause(retry_after),
            // Security: the domain may have brought this answer about; others are asked about all the same.
            _ => ProviderUnavailable::soon(),
        }
    })
}
