//! The provider itself: its parts, its routes, and the handle that tests hold.

use std::{
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use axum::response::{IntoResponse, Response};
use doorward_crypto::{RandomUnavailable, SecretString, SystemRandom, random_token};
use url::{Host, Url};

use crate::{
    backchannel,
    clients::Clients,
    endpoint::{Endpoint, Fault, FaultBody},
    error::ProviderError,
    fault, guard,
    keys::{Keys, new_key},
    oauth_error::OAuthError,
    platform::{Platform, PlatformInfo, PlatformKnobs},
    settings::{ProviderSettings, RefreshTokenRotation},
    state::{Face, Knobs, State},
    users::{UserInfo, Users},
};

/// What a caller that joins strings instead of encoding them would break.
const SPECIAL_CHARACTERS: &str = "+&%25=/";

/// A development identity provider. Clones share one state.
#[derive(Clone)]
pub struct DevProvider {
    inner: Arc<Inner>,
}

struct Inner {
    issuer: String,
    client_id: String,
    client_secret: SecretString,
    audience: String,
    expose_minted: bool,
    users: Users,
    clients: Clients,
    platform: Option<Platform>,
    state: Mutex<State>,
    clock_offset: AtomicU64,
    http_client: OnceLock<Option<reqwest::Client>>,
}

impl DevProvider {
    /// Makes a provider with a fresh signing key.
    ///
    /// # Errors
    /// [`ProviderError`] names the setting that cannot be used; [`ProviderError::SigningKey`] if no key could be made.
    pub fn new(settings: ProviderSettings) -> Result<Self, ProviderError> {
        check_issuer(&settings.issuer)?;
        let users = Users::new(&settings.users)?;
        if let Some(email) = settings
            .auto_login
            .as_ref()
            .filter(|email| users.by_email(email).is_none())
        {
            return Err(ProviderError::UnknownUser { email: email.clone() });
        }
        let clients = Clients::new(&settings)?;
        let platform = match &settings.platform {
            Some(platform) => Some(Platform::new(platform, &settings.issuer, &users)?),
            None => None,
        };
        let knobs = Knobs {
            access_token_ttl: settings.access_token_ttl_seconds,
            rotation: settings.refresh_token_rotation,
            refresh_token: settings.refresh_token,
            auto_login: settings.auto_login,
            faults: Default::default(),
            platform: platform.as_ref().map(PlatformKnobs::new).unwrap_or_default(),
        };
        let mut state = State::new(knobs, Keys::generate()?);
        for secret in clients.iter().filter_map(|client| client.secret.as_ref()) {
            state.record_minted(secret.expose());
        }
        Ok(Self {
            inner: Arc::new(Inner {
                issuer: settings.issuer,
                client_id: settings.client_id,
                client_secret: settings.client_secret,
                audience: settings.audience,
                expose_minted: settings.expose_minted,
                users,
                clients,
                platform,
                state: Mutex::new(state),
                clock_offset: AtomicU64::new(0),
                http_client: OnceLock::new(),
            }),
        })
    }

    /// Everyone one can sign in as.
    pub fn users(&self) -> Vec<UserInfo> {
        self.inner.users.all().to_vec()
    }

    /// The issuer as configured.
    pub fn issuer(&self) -> &str {
        &self.inner.issuer
    }

    /// The ID of the main client.
    pub fn client_id(&self) -> &str {
        &self.inner.client_id
    }

    /// The secret of the main client.
    pub fn client_secret(&self) -> &SecretString {
        &self.inner.client_secret
    }

    /// The hosts and ids of the platform, if it is switched on.
    pub fn platform_info(&self) -> Option<PlatformInfo> {
        let platform = self.platform()?;
        let is_custom = self.state().knobs.platform.custom_domain_active();
        Some(platform.info(&self.inner.users, is_custom))
    }

    /// Every code, token and secret of this run so far (the newest 20,000), for tests that search logs for them.
    pub fn minted_secrets(&self) -> Vec<String> {
        self.state().minted()
    }

    /// What `GET /_control/stats` answers.
    pub fn stats(&self) -> serde_json::Value {
        self.state().stats.to_json()
    }

    /// Sets how long access tokens live from now on.
    pub fn set_access_token_ttl(&self, seconds: u64) {
        self.state().knobs.access_token_ttl = seconds;
    }

    /// Sets what becomes of used refresh tokens from now on.
    pub fn set_refresh_token_rotation(&self, rotation: RefreshTokenRotation) {
        self.state().knobs.rotation = rotation;
    }

    /// Signs that user in without a page from now on, or nobody.
    ///
    /// # Errors
    /// [`ProviderError::UnknownUser`] if there is no such user.
    pub fn set_auto_login(&self, email: Option<&str>) -> Result<(), ProviderError> {
        if let Some(email) = email.filter(|email| self.inner.users.by_email(email).is_none()) {
            return Err(ProviderError::UnknownUser {
                email: email.to_owned(),
            });
        }
        self.state().knobs.auto_login = email.map(str::to_owned);
        Ok(())
    }

    /// Signs with a new key from now on; the key before it stays published until the next rotation.
    ///
    /// # Errors
    /// [`ProviderError::SigningKey`] if no key could be made.
    pub fn rotate_keys(&self) -> Result<(), ProviderError> {
        let key = new_key()?;
        self.state().keys.rotate(key);
        Ok(())
    }

    /// Moves the provider's clock forward, so that tests need not wait for anything to expire.
    pub fn advance_clock(&self, seconds: u64) {
        self.inner.clock_offset.fetch_add(seconds, Ordering::Relaxed);
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves counters and maps that are still whole.
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn user_registry(&self) -> &Users {
        &self.inner.users
    }

    pub(crate) fn clients(&self) -> &Clients {
        &self.inner.clients
    }

    pub(crate) fn platform(&self) -> Option<&Platform> {
        self.inner.platform.as_ref()
    }

    /// Whom its access tokens are for where nobody asks for another resource.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.inner.audience
    }

    pub(crate) fn exposes_minted(&self) -> bool {
        self.inner.expose_minted
    }

    /// The client for logout tokens, made at first use.
    pub(crate) fn http_client(&self) -> Option<&reqwest::Client> {
        self.inner.http_client.get_or_init(backchannel::http_client).as_ref()
    }

    /// Seconds since the epoch.
    #[allow(
        clippy::disallowed_methods,
        reason = "the one place where the provider reads the clock"
    )]
    pub(crate) fn now(&self) -> u64 {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |elapsed| elapsed.as_secs());
        now.saturating_add(self.inner.clock_offset.load(Ordering::Relaxed))
    }

    /// A fresh secret that tests can search for.
    pub(crate) fn mint_secret(&self, face: Face) -> Result<String, RandomUnavailable> {
        let mut secret = random_token(&SystemRandom)?;
        let mut state = self.state();
        if face == Face::Platform && state.knobs.platform.special_characters {
            secret.push_str(SPECIAL_CHARACTERS);
        }
        state.record_minted(&secret);
        Ok(secret)
    }

    /// Counts the call, gives the error that was asked for or the true answer, and holds it back for the delay asked for.
    ///
    /// The delay comes after the work, as from a server behind a slow network: what the call changed has happened even
    /// if the caller no longer waits for the answer.
    pub(crate) async fn answer<F>(&self, endpoint: Endpoint, work: impl FnOnce() -> F) -> Response
    where
        F: Future<Output = Response>,
    {
        self.answer_or(endpoint, |fault| OAuthError::from(fault).into_response(), work)
            .await
    }

    /// The same, where the endpoint has its own way of answering the error that was asked for.
    pub(crate) async fn answer_or<F>(
        &self,
        endpoint: Endpoint,
        on_fault: impl FnOnce(Fault) -> Response,
        work: impl FnOnce() -> F,
    ) -> Response
    where
        F: Future<Output = Response>,
    {
        let (delay, fault) = {
            let mut state = self.state();
            state.stats.count(endpoint);
            let delay = state.knobs.faults.delays.get(&endpoint).copied();
            (delay, state.knobs.faults.take_error(endpoint))
        };
        let response = match fault {
            None => work().await,
            Some(fault) if !fault.omit.is_empty() => fault::without_members(work().await, &fault.omit).await,
            Some(fault) if fault.body == FaultBody::Error => on_fault(fault),
            Some(fault) => fault::broken(&fault),
        };
        if let Some(delay) = delay {
            tokio::time::sleep(delay).await;
        }
        response
    }
}

impl std::fmt::Debug for DevProvider {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("DevProvider")
            .field("issuer", &self.inner.issuer)
            .finish_non_exhaustive()
    }
}

fn check_issuer(issuer: &str) -> Result<(), ProviderError> {
    let refuse = |expected| {
        Err(ProviderError::Issuer {
            issuer: issuer.to_owned(),
            expected,
        })
    };
    let Ok(url) = Url::parse(issuer) else {
        return refuse("an absolute http or https URL");
    };
    if !matches!(url.scheme(), "http" | "https") {
        return refuse("an absolute http or https URL");
    }
    let loopback = match url.host() {
        Some(Host::Domain(name)) => guard::is_loopback_name(name),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if !loopback {
        return refuse("a loopback host name");
    }
    if url.origin().ascii_serialization() != issuer {
        return refuse("scheme, host and port alone, in lower case, without default port and trailing slash");
    }
    Ok(())
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]
mod tests {
    use super::*;

    #[test]
    fn the_issuer_is_a_bare_loopback_origin() {
        for (issuer, expected) in [
            ("http://localhost:6002", true),
            ("https://id.localhost", true),
            ("http://127.0.0.1:6002", true),
            ("http://[::1]:6002", true),
            ("http://localhost:6002/", false),
            ("http://localhost:6002/oidc", false),
            ("http://LOCALHOST:6002", false),
            ("http://localhost:80", false),
            ("http://id.example.com", false),
            ("ftp://localhost", false),
            ("localhost:6002", false),
            ("", false),
        ] {
            assert_eq!(check_issuer(issuer).is_ok(), expected, "{issuer:?}");
        }
    }

    #[test]
    fn auto_login_of_nobody_known_is_refused() {
        let mut settings = ProviderSettings::new("http://localhost:6002").unwrap();
        settings.auto_login = Some("mallory@acme.test".into());
        assert!(matches!(
            DevProvider::new(settings),
            Err(ProviderError::UnknownUser { .. })
        ));
    }

    #[test]
    fn debug_output_hides_the_client_secret() {
        let settings = ProviderSettings::new("http://localhost:6002").unwrap();
        let secret = settings.client_secret.expose().to_owned();
        let shown_settings = format!("{settings:?}");
        let provider = DevProvider::new(settings).unwrap();
        assert!(!shown_settings.contains(&secret));
        assert!(!format!("{provider:?}").contains(&secret));
    }
}
