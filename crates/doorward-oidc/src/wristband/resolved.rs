//! The configuration as it counts: by hand, else from the platform, else the default.

use http::{HeaderMap, StatusCode};
use url::Url;

use super::auto_config::SdkConfiguration;
use super::config::WristbandConfig;
use super::error::{HostError, SdkConfigurationError, WristbandConfigError};
use super::host::{RootDomain, TenantLabel};
use super::platform::{Platform, TenantHost, TenantSeparator};
use super::tenant_url::TenantUrl;

/// A configuration in which every field has its value and all of them go together. The one to keep.
///
/// The rules, in the order applied: `login_url` and `redirect_uri` have a value; with a root domain both have a placeholder,
/// without one neither has; where application-level authorization is on and `login_url` has a placeholder, there is a
/// `fallback_login_url`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedConfig {
    pub(super) platform: Platform,
    pub(super) client_id: String,
    login_url: TenantUrl,
    redirect_uri: TenantUrl,
    root_domain: Option<RootDomain>,
    separator: TenantSeparator,
    application_login_page: Url,
    application_authorization_requests: bool,
    fallback_login_url: Option<Url>,
}

impl ResolvedConfig {
    /// Puts configuration and the platform's answer together.
    ///
    /// # Errors
    /// [`WristbandConfigError::NotFetched`] without an answer although the configuration asks for one; one variant of
    /// [`WristbandConfigError`] per rule.
    pub fn resolve(config: &WristbandConfig, answer: Option<&SdkConfiguration>) -> Result<Self, WristbandConfigError> {
        let answer = match (config.auto_configures(), answer) {
            (true, None) => return Err(WristbandConfigError::NotFetched),
            (true, answer) => answer,
            (false, _) => None,
        };
        let login_url = config
            .login_url
            .as_ref()
            .or(answer.map(|answer| &answer.login_url))
            .ok_or(WristbandConfigError::Missing("login_url"))?;
        let redirect_uri = config
            .redirect_uri
            .as_ref()
            .or(answer.and_then(|answer| answer.redirect_uri.as_ref()))
            .ok_or(WristbandConfigError::Missing("redirect_uri"))?;
        let root_domain = config
            .root_domain
            .as_ref()
            .or(answer.and_then(|answer| answer.root_domain.as_ref()));
        for (field, url) in [("login_url", login_url), ("redirect_uri", redirect_uri)] {
            match (root_domain, url.has_placeholder()) {
                (Some(_), false) => return Err(WristbandConfigError::PlaceholderMissing(field)),
                (None, true) => return Err(WristbandConfigError::PlaceholderForbidden(field)),
                _ => {}
            }
        }
        let application_authorization_requests = config
            .application_authorization_requests
            .or(answer.map(|answer| answer.application_authorization_requests))
            .unwrap_or(false);
        let fallback_login_url = config
            .fallback_login_url
            .as_ref()
            .or(answer.and_then(|answer| answer.fallback_login_url.as_ref()));
        if application_authorization_requests && login_url.has_placeholder() && fallback_login_url.is_none() {
            return Err(WristbandConfigError::FallbackMissing);
        }
        let custom_domain_active = config
            .application_custom_domain_active
            .or(answer.map(|answer| answer.application_custom_domain_active))
            .unwrap_or(false);
        let application_login_page = config
            .custom_application_login_page_url
            .as_ref()
            .or(answer.and_then(|answer| answer.custom_application_login_page_url.as_ref()))
            .unwrap_or(config.platform.application_login_page().url());
        Ok(Self {
            login_url: login_url.clone(),
            redirect_uri: redirect_uri.clone(),
            root_domain: root_domain.cloned(),
            separator: match custom_domain_active {
                true => TenantSeparator::Dot,
                false => TenantSeparator::Hyphen,
            },
            application_login_page: application_login_page.clone(),
            application_authorization_requests,
            fallback_login_url: fallback_login_url.cloned(),
            platform: config.platform.clone(),
            client_id: config.client.client_id.clone(),
        })
    }

    /// Judges the platform's answer all the way to the configuration that follows from it.
    ///
    /// What this returns may be kept. What it refuses never was a configuration, so that an unsound answer is not served later
    /// and does not push out a sound one.
    ///
    /// # Errors
    /// As [`SdkConfiguration::parse`], and [`SdkConfigurationError::Combination`] as [`resolve`](Self::resolve).
    pub fn from_answer(
        config: &WristbandConfig,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Self, SdkConfigurationError> {
        let answer = SdkConfiguration::parse(status, headers, body)?;
        Self::resolve(config, Some(&answer)).map_err(SdkConfigurationError::Combination)
    }

    /// Returns the platform.
    #[must_use]
    pub fn platform(&self) -> &Platform {
        &self.platform
    }

    /// Returns our client ID.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Returns where the application's own login endpoint is.
    #[must_use]
    pub fn login_url(&self) -> &TenantUrl {
        &self.login_url
    }

    /// Returns where the platform sends the browser back to, as it is sent to the platform: a placeholder stands in it as given.
    #[must_use]
    pub fn redirect_uri(&self) -> &TenantUrl {
        &self.redirect_uri
    }

    /// Returns the domain whose subdomains are tenants, if tenants are read from the host.
    #[must_use]
    pub fn root_domain(&self) -> Option<&RootDomain> {
        self.root_domain.as_ref()
    }

    /// Returns what stands between a tenant's name and the platform's host.
    #[must_use]
    pub fn separator(&self) -> TenantSeparator {
        self.separator
    }

    /// Returns the page on which users choose their tenant.
    #[must_use]
    pub fn application_login_page(&self) -> &Url {
        &self.application_login_page
    }

    /// Tells whether a login that names no tenant is begun at the application's host.
    #[must_use]
    pub fn sends_application_authorization_requests(&self) -> bool {
        self.application_authorization_requests
    }

    /// Returns the login URL to use where no tenant fills the placeholder of the other one.
    #[must_use]
    pub fn fallback_login_url(&self) -> Option<&Url> {
        self.fallback_login_url.as_ref()
    }

    /// Returns the login URL that needs no tenant: the login URL itself, else the fallback.
    #[must_use]
    pub fn tenantless_login_url(&self) -> Option<&Url> {
        self.login_url.plain().or(self.fallback_login_url.as_ref())
    }

    /// Returns a tenant's host at the platform.
    ///
    /// # Errors
    /// As [`Platform::tenant_host`].
    pub fn tenant_host(&self, tenant: &TenantLabel) -> Result<TenantHost, HostError> {
        self.platform.tenant_host(tenant, self.separator)
    }
}
