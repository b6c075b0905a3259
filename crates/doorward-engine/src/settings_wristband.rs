//! What an application says about the Wristband platform.

use std::sync::Arc;
use std::time::Duration;

use doorward_crypto::{Algorithm, SecretString};
use doorward_oidc::wristband::{
    PlatformScheme, TenantHost, TenantLabel, WristbandConfig, WristbandConfigBuilder, WristbandConfigError,
};

use crate::client::OwnClient;
use crate::error::BuildError;
use crate::settings::{Provider, ProviderSettings};

/// The Wristband platform as identity provider, and how we are known to it.
///
/// What is not set here comes from the platform ([`auto_configure`](Self::auto_configure)), asked on first need.
///
/// # Example
/// ```
/// use doorward_engine::Provider;
///
/// let provider = Provider::wristband("shop-acme.us.wristband.dev", "the client's ID", "the client's secret")
///     .default_tenant_name("acme");
/// ```
#[derive(Clone)]
pub struct Wristband {
    config: WristbandConfigBuilder,
    default_tenant_name: Option<String>,
    default_tenant_custom_domain: Option<String>,
}

impl Provider {
    /// Names the Wristband platform: the application's vanity domain, and our client.
    #[must_use]
    pub fn wristband(
        vanity_domain: impl Into<String>,
        client_id: impl Into<String>,
        client_secret: impl Into<SecretString>,
    ) -> Wristband {
        Wristband {
            config: WristbandConfig::builder(vanity_domain, client_id, client_secret),
            default_tenant_name: None,
            default_tenant_custom_domain: None,
        }
    }
}

impl Wristband {
    /// Says where the application's own login endpoint is; from the platform unless set.
    ///
    /// `{tenant_name}` (or the older `{tenant_domain}`) as the first label of its host stands for the tenant.
    #[must_use]
    pub fn login_url(self, url: impl Into<String>) -> Self {
        self.with(|config| config.login_url(url))
    }

    /// Says where the platform sends the browser back to; from the platform unless set.
    ///
    /// A placeholder in it is sent as it stands: the platform fills it.
    #[must_use]
    pub fn redirect_uri(self, uri: impl Into<String>) -> Self {
        self.with(|config| config.redirect_uri(uri))
    }

    /// Reads the tenant of a login from the first label of the request's host, before this domain; from the platform
    /// unless set.
    #[must_use]
    pub fn parse_tenant_from_root_domain(self, domain: impl Into<String>) -> Self {
        self.with(|config| config.parse_tenant_from_root_domain(domain))
    }

    /// Says whether the application's custom domain is active, so that tenants are its subdomains; from the platform unless
    /// set, else false.
    #[must_use]
    pub fn application_custom_domain_active(self, active: bool) -> Self {
        self.with(|config| config.application_custom_domain_active(active))
    }

    /// Names the application's own page on which users choose their tenant; from the platform unless set, else the
    /// platform's.
    #[must_use]
    pub fn custom_application_login_page_url(self, url: impl Into<String>) -> Self {
        self.with(|config| config.custom_application_login_page_url(url))
    }

    /// Asks for these scopes; `openid`, `offline_access` and `email` unless set.
    #[must_use]
    pub fn scopes<S: Into<String>>(self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.with(|config| config.scopes(scopes))
    }

    /// Renews access tokens this long before they end, at most a third of their life; 60 s unless set.
    #[must_use]
    pub fn token_expiration_buffer(self, buffer: Duration) -> Self {
        self.with(|config| config.token_expiration_buffer(buffer))
    }

    /// Says whether the platform is asked for what is not set here; it is unless set.
    #[must_use]
    pub fn auto_configure(self, enabled: bool) -> Self {
        self.with(|config| config.auto_configure(enabled))
    }

    /// Says whether a login that names no tenant begins at the application's host instead of the choice of a tenant; from
    /// the platform unless set, else false.
    #[must_use]
    pub fn application_authorization_requests(self, enabled: bool) -> Self {
        self.with(|config| config.application_authorization_requests(enabled))
    }

    /// Names the login URL to use where no tenant fills the placeholder of the other one; from the platform unless set.
    #[must_use]
    pub fn fallback_login_url(self, url: impl Into<String>) -> Self {
        self.with(|config| config.fallback_login_url(url))
    }

    /// Names the tenant of logins that name none.
    #[must_use]
    pub fn default_tenant_name(mut self, name: impl Into<String>) -> Self {
        self.default_tenant_name = Some(name.into());
        self
    }

    /// Names the tenant's custom domain of logins that name no tenant; goes before the default name.
    #[must_use]
    pub fn default_tenant_custom_domain(mut self, host: impl Into<String>) -> Self {
        self.default_tenant_custom_domain = Some(host.into());
        self
    }

    /// Reaches the platform over plain http, on a loopback name: for one emulated on this machine.
    #[must_use]
    pub fn http_on_loopback(self) -> Self {
        self.with(|config| config.scheme(PlatformScheme::HttpOnLoopback))
    }

    fn with(mut self, change: impl FnOnce(WristbandConfigBuilder) -> WristbandConfigBuilder) -> Self {
        self.config = change(self.config);
        self
    }

    pub(crate) fn checked(self) -> Result<ProviderSettings, BuildError> {
        let config = self.config.build().map_err(refused)?;
        let default_tenant = self
            .default_tenant_name
            .map(|name| TenantLabel::parse(&name))
            .transpose()
            .map_err(|error| BuildError::setting("provider.default_tenant_name", error))?;
        let default_custom_domain = self
            .default_tenant_custom_domain
            .map(|host| config.platform().custom_domain(&host))
            .transpose()
            .map_err(|error| BuildError::setting("provider.default_tenant_custom_domain", error))?
            .map(|domain| domain.vouched_for());
        Ok(ProviderSettings {
            issuer: config.platform().issuer().clone(),
            client: OwnClient::new(config.client().clone()),
            authorize: config.authorize_settings().clone(),
            roles_claim: "roles".into(),
            tenant_claim: "tnt_id".into(),
            algorithms: vec![Algorithm::Rs256],
            refresh_ahead: config.token_expiration_buffer(),
            platform: Some(PlatformSettings {
                config: Arc::new(config),
                default_tenant,
                default_custom_domain,
            }),
        })
    }
}

/// The platform's settings after every check that needs no answer of the platform.
#[derive(Clone)]
pub(crate) struct PlatformSettings {
    pub(crate) config: Arc<WristbandConfig>,
    pub(crate) default_tenant: Option<TenantLabel>,
    pub(crate) default_custom_domain: Option<TenantHost>,
}

pub(crate) fn refused(error: WristbandConfigError) -> BuildError {
    let field = match &error {
        WristbandConfigError::Blank(field)
        | WristbandConfigError::Missing(field)
        | WristbandConfigError::PlaceholderMissing(field)
        | WristbandConfigError::PlaceholderForbidden(field)
        | WristbandConfigError::Domain { field, .. }
        | WristbandConfigError::Url { field, .. } => field,
        WristbandConfigError::ClientId => "client_id",
        WristbandConfigError::Scope(_) => "scopes",
        WristbandConfigError::FallbackMissing => "fallback_login_url",
        _ => "",
    };
    BuildError::setting(key_of(field), error)
}

fn key_of(field: &str) -> &'static str {
    match field {
        "vanity_domain" => "provider.vanity_domain",
        "client_id" => "provider.client_id",
        "client_secret" => "provider.client_secret",
        "login_url" => "provider.login_url",
        "redirect_uri" => "provider.redirect_uri",
        "parse_tenant_from_root_domain" => "provider.parse_tenant_from_root_domain",
        "custom_application_login_page_url" => "provider.custom_application_login_page_url",
        "scopes" => "provider.scopes",
        "fallback_login_url" => "provider.fallback_login_url",
        _ => "provider",
    }
}
