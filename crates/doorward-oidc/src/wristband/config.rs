//! What an application says about itself on the platform.
//!
//! The rules, in the order applied: client ID, client secret and vanity domain are there and well-formed; URLs are absolute and
//! https, or http on loopback names; a root domain has no port; scopes are scopes; and what configuration by hand alone decides
//! goes together. Where auto-configuration may still fill in a field, its combinations are judged on the result
//! ([`ResolvedConfig::resolve`](super::ResolvedConfig::resolve)) and not before: a login URL with a placeholder needs a root
//! domain, and whether that comes by hand or from the platform makes no difference.
//!
//! Fields of the platform's own SDKs that have no counterpart here: `loginStateSecret` and the session secrets (one key ring
//! seals tickets and sessions, each under a key of its own purpose), and `dangerouslyDisableSecureCookies` (cookies follow from
//! the public URL: without `Secure` on plain http loopback, with it everywhere else).

use std::time::Duration;

use doorward_crypto::SecretString;
use url::Url;

use super::error::{ConfiguredUrlError, WristbandConfigError};
use super::host::RootDomain;
use super::platform::{Platform, PlatformScheme, is_client_id};
use super::tenant_url::{TenantUrl, parse_plain};
use crate::authorize::{AuthorizeSettings, ResponseMode};
use crate::client::{Client, ClientAuthentication};
use crate::error::SettingsError;

/// The scopes asked for where none are configured.
pub const DEFAULT_SCOPES: [&str; 3] = ["openid", "offline_access", "email"];
/// How long before its end an access token is renewed where nothing is configured.
pub const DEFAULT_TOKEN_EXPIRATION_BUFFER: Duration = Duration::from_secs(60);

/// An application's configuration for the platform, judged as far as it can be without asking the platform.
#[derive(Clone, Debug)]
pub struct WristbandConfig {
    pub(super) platform: Platform,
    pub(super) client: Client,
    pub(super) login_url: Option<TenantUrl>,
    pub(super) redirect_uri: Option<TenantUrl>,
    pub(super) root_domain: Option<RootDomain>,
    pub(super) application_custom_domain_active: Option<bool>,
    pub(super) custom_application_login_page_url: Option<Url>,
    pub(super) application_authorization_requests: Option<bool>,
    pub(super) fallback_login_url: Option<Url>,
    authorize: AuthorizeSettings,
    token_expiration_buffer: Duration,
    auto_configure: bool,
}

impl WristbandConfig {
    /// Begins a configuration with the three fields that everyone must give.
    ///
    /// # Example
    /// ```
    /// use doorward_oidc::wristband::WristbandConfig;
    ///
    /// let config = WristbandConfig::builder("shop-acme.us.wristband.dev", "c1", "the client's secret")
    ///     .login_url("https://{tenant_name}.shop.example/auth/login")
    ///     .build()
    ///     .unwrap();
    /// assert!(config.auto_configures());
    /// ```
    #[must_use]
    pub fn builder(
        vanity_domain: impl Into<String>,
        client_id: impl Into<String>,
        client_secret: impl Into<SecretString>,
    ) -> WristbandConfigBuilder {
        WristbandConfigBuilder {
            vanity_domain: vanity_domain.into(),
            client_id: client_id.into(),
            client_secret: client_secret.into(),
            scheme: PlatformScheme::Https,
            login_url: None,
            redirect_uri: None,
            parse_tenant_from_root_domain: None,
            application_custom_domain_active: None,
            custom_application_login_page_url: None,
            scopes: Vec::new(),
            token_expiration_buffer: DEFAULT_TOKEN_EXPIRATION_BUFFER,
            auto_configure: true,
            application_authorization_requests: None,
            fallback_login_url: None,
        }
    }

    /// Returns the platform.
    #[must_use]
    pub fn platform(&self) -> &Platform {
        &self.platform
    }

    /// Returns our client, which authenticates with `client_secret_basic`.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Returns the scopes to ask for, as settings for [`begin`](crate::begin).
    #[must_use]
    pub fn authorize_settings(&self) -> &AuthorizeSettings {
        &self.authorize
    }

    /// Returns how long before its end an access token is to be renewed.
    #[must_use]
    pub fn token_expiration_buffer(&self) -> Duration {
        self.token_expiration_buffer
    }

    /// Tells whether the platform is asked for what was not configured by hand.
    #[must_use]
    pub fn auto_configures(&self) -> bool {
        self.auto_configure
    }
}

/// Collects the fields of a [`WristbandConfig`]; all are judged by [`build`](Self::build).
#[derive(Clone, Debug)]
pub struct WristbandConfigBuilder {
    vanity_domain: String,
    client_id: String,
    client_secret: SecretString,
    scheme: PlatformScheme,
    login_url: Option<String>,
    redirect_uri: Option<String>,
    parse_tenant_from_root_domain: Option<String>,
    application_custom_domain_active: Option<bool>,
    custom_application_login_page_url: Option<String>,
    scopes: Vec<String>,
    token_expiration_buffer: Duration,
    auto_configure: bool,
    application_authorization_requests: Option<bool>,
    fallback_login_url: Option<String>,
}

impl WristbandConfigBuilder {
    /// Chooses how the platform is reached; [`PlatformScheme::Https`] unless set.
    #[must_use]
    pub fn scheme(mut self, scheme: PlatformScheme) -> Self {
        self.scheme = scheme;
        self
    }

    /// Says where the application's own login endpoint is; from auto-configuration unless set.
    ///
    /// `{tenant_name}` (or the older `{tenant_domain}`) as the first label of its host stands for the tenant.
    #[must_use]
    pub fn login_url(mut self, url: impl Into<String>) -> Self {
        self.login_url = Some(url.into());
        self
    }

    /// Says where the platform sends the browser back to; from auto-configuration unless set.
    ///
    /// A placeholder in it is sent as it stands: the platform fills it.
    #[must_use]
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uri = Some(uri.into());
        self
    }

    /// Reads the tenant from the first label of the request's host, before this domain; from auto-configuration unless set.
    #[must_use]
    pub fn parse_tenant_from_root_domain(mut self, domain: impl Into<String>) -> Self {
        self.parse_tenant_from_root_domain = Some(domain.into());
        self
    }

    /// Says whether the application's custom domain is active, so that tenants are its subdomains; from auto-configuration
    /// unless set, else false.
    #[must_use]
    pub fn application_custom_domain_active(mut self, active: bool) -> Self {
        self.application_custom_domain_active = Some(active);
        self
    }

    /// Names the application's own page on which users choose their tenant; from auto-configuration unless set, else the
    /// platform's.
    #[must_use]
    pub fn custom_application_login_page_url(mut self, url: impl Into<String>) -> Self {
        self.custom_application_login_page_url = Some(url.into());
        self
    }

    /// Asks for these scopes; `openid`, `offline_access` and `email` unless set, or set to none.
    #[must_use]
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Renews access tokens this long before they end; 60 s unless set. Never more than a third of a token's life counts.
    #[must_use]
    pub fn token_expiration_buffer(mut self, buffer: Duration) -> Self {
        self.token_expiration_buffer = buffer;
        self
    }

    /// Says whether the platform is asked for what is not set here; it is unless set.
    #[must_use]
    pub fn auto_configure(mut self, enabled: bool) -> Self {
        self.auto_configure = enabled;
        self
    }

    /// Says whether a login that names no tenant is begun at the application's host instead of the tenant choice; from
    /// auto-configuration unless set, else false.
    #[must_use]
    pub fn application_authorization_requests(mut self, enabled: bool) -> Self {
        self.application_authorization_requests = Some(enabled);
        self
    }

    /// Names the login URL to use where no tenant fills the placeholder of the other one; from auto-configuration unless set.
    #[must_use]
    pub fn fallback_login_url(mut self, url: impl Into<String>) -> Self {
        self.fallback_login_url = Some(url.into());
        self
    }

    /// Judges every field.
    ///
    /// # Errors
    /// One variant of [`WristbandConfigError`] per rule, with the field's name.
    pub fn build(self) -> Result<WristbandConfig, WristbandConfigError> {
        for (field, value) in [
            ("client_id", self.client_id.as_str()),
            ("client_secret", self.client_secret.expose()),
            ("vanity_domain", self.vanity_domain.as_str()),
        ] {
            if value.trim().is_empty() {
                return Err(WristbandConfigError::Blank(field));
            }
        }
        if !is_client_id(&self.client_id) {
            return Err(WristbandConfigError::ClientId);
        }
        let domain = |field| move |reason| WristbandConfigError::Domain { field, reason };
        let platform = Platform::new(&self.vanity_domain, self.scheme).map_err(domain("vanity_domain"))?;
        let root_domain = self
            .parse_tenant_from_root_domain
            .filter(|text| !text.trim().is_empty())
            .map(|text| RootDomain::parse(&text).map_err(domain("parse_tenant_from_root_domain")))
            .transpose()?;
        let authorize = authorize_settings(self.scopes)?;
        let config = WristbandConfig {
            platform,
            client: Client {
                client_id: self.client_id,
                authentication: ClientAuthentication::SecretBasic(self.client_secret),
            },
            login_url: url("login_url", self.login_url, TenantUrl::parse)?,
            redirect_uri: url("redirect_uri", self.redirect_uri, TenantUrl::parse)?,
            root_domain,
            application_custom_domain_active: self.application_custom_domain_active,
            custom_application_login_page_url: url(
                "custom_application_login_page_url",
                self.custom_application_login_page_url,
                parse_plain,
            )?,
            application_authorization_requests: self.application_authorization_requests,
            fallback_login_url: url("fallback_login_url", self.fallback_login_url, parse_plain)?,
            authorize,
            token_expiration_buffer: self.token_expiration_buffer,
            auto_configure: self.auto_configure,
        };
        config.judge_by_hand()?;
        Ok(config)
    }
}

impl WristbandConfig {
    /// Judges what auto-configuration cannot change: it never replaces a value given by hand.
    fn judge_by_hand(&self) -> Result<(), WristbandConfigError> {
        if !self.auto_configure {
            return super::resolved::ResolvedConfig::resolve(self, None).map(|_| ());
        }
        if self.root_domain.is_some() {
            for (field, url) in [("login_url", &self.login_url), ("redirect_uri", &self.redirect_uri)] {
                if url.as_ref().is_some_and(|url| !url.has_placeholder()) {
                    return Err(WristbandConfigError::PlaceholderMissing(field));
                }
            }
        }
        Ok(())
    }
}

fn authorize_settings(scopes: Vec<String>) -> Result<AuthorizeSettings, WristbandConfigError> {
    let scopes = if scopes.is_empty() {
        DEFAULT_SCOPES.map(str::to_owned).into()
    } else {
        scopes
    };
    AuthorizeSettings::new(scopes, Vec::new(), ResponseMode::Query).map_err(|error| match error {
        SettingsError::Scope(scope) => WristbandConfigError::Scope(scope),
        // There are no further parameters that could be wrong.
        _ => WristbandConfigError::Scope(String::new()),
    })
}

/// Reads a URL; blank counts as absent.
fn url<T>(
    field: &'static str,
    text: Option<String>,
    parse: impl Fn(&str) -> Result<T, ConfiguredUrlError>,
) -> Result<Option<T>, WristbandConfigError> {
    text.filter(|text| !text.trim().is_empty())
        .map(|text| parse(&text).map_err(|reason| WristbandConfigError::Url { field, reason }))
        .transpose()
}
