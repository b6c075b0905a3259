//! Which host of the provider a request came to.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use url::Url;

use super::{PlatformSettings, identifiers::id_of, placeholder};
use crate::{
    clients::parse_uri,
    error::ProviderError,
    guard,
    members::object,
    state::Face,
    users::{UserInfo, Users},
};

/// The identity provider of those who sign in at the platform itself.
pub(crate) const OWN_IDENTITY_PROVIDER: &str = "Wristband";

/// A place where a browser can be signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Site {
    /// The standard provider, at every loopback name that is none of the platform's.
    Standard,
    /// The platform's host of the application.
    Application,
    /// A host of one tenant.
    Tenant {
        name: String,
        /// The host and port, where the tenant's own domain was called.
        custom_domain: Option<String>,
    },
}

impl Site {
    pub(crate) fn is_platform(&self) -> bool {
        self.face() == Face::Platform
    }

    pub(crate) fn face(&self) -> Face {
        match self {
            Self::Standard => Face::Standard,
            Self::Application | Self::Tenant { .. } => Face::Platform,
        }
    }

    /// The tenant whose host this is.
    pub(crate) fn tenant(&self) -> Option<&str> {
        match self {
            Self::Tenant { name, .. } => Some(name),
            Self::Standard | Self::Application => None,
        }
    }

    pub(crate) fn custom_domain(&self) -> Option<&str> {
        match self {
            Self::Tenant { custom_domain, .. } => custom_domain.as_deref(),
            Self::Standard | Self::Application => None,
        }
    }

    /// True if `user` may sign in here.
    pub(crate) fn admits(&self, user: &UserInfo) -> bool {
        self.tenant().is_none_or(|tenant| tenant == user.tenant)
    }
}

/// The platform: one application and its tenants.
#[derive(Debug)]
pub(crate) struct Platform {
    scheme: String,
    port: Option<u16>,
    application: String,
    login_url: String,
    sdk_configuration: Map<String, Value>,
    /// Each tenant's own domain, by the tenant's name.
    tenants: BTreeMap<String, String>,
    identity_providers: Vec<String>,
    custom_claims: Option<Map<String, Value>>,
}

impl Platform {
    /// # Errors
    /// [`ProviderError::Platform`] names the setting that cannot be used.
    pub(crate) fn new(settings: &PlatformSettings, issuer: &str, users: &Users) -> Result<Self, ProviderError> {
        let refuse = |setting, value: &str, expected| {
            Err(ProviderError::Platform {
                setting,
                value: value.to_owned(),
                expected,
            })
        };
        let Ok(url) = Url::parse(issuer) else {
            return refuse("issuer", issuer, "an absolute http or https URL");
        };
        if !is_label(&settings.application) {
            return refuse("application", &settings.application, "a DNS label in lower case");
        }
        let urls = [
            ("login_url", Some(&settings.login_url)),
            ("redirect_uri", settings.redirect_uri.as_ref()),
            ("custom_login_page_url", settings.custom_login_page_url.as_ref()),
            ("fallback_login_url", settings.fallback_login_url.as_ref()),
        ];
        for (setting, url) in urls {
            if let Some(url) = url.filter(|url| parse_uri(&placeholder::fill(url, "tenant")).is_none()) {
                return refuse(setting, url, "an absolute http or https URL without fragment");
            }
        }
        let mut tenants = BTreeMap::new();
        for name in users.all().iter().map(|user| &user.tenant) {
            if !is_label(name) {
                return refuse("tenant", name, "a DNS label in lower case");
            }
            let domain = match settings.tenant_domains.get(name) {
                Some(domain) if guard::is_loopback_name(domain) && domain == &domain.to_ascii_lowercase() => {
                    domain.clone()
                }
                Some(domain) => return refuse("tenant_domains", domain, "a loopback name in lower case"),
                None => format!("login-{name}.localhost"),
            };
            tenants.insert(name.clone(), domain);
        }
        Ok(Self {
            scheme: url.scheme().to_owned(),
            port: url.port(),
            application: settings.application.clone(),
            login_url: settings.login_url.clone(),
            sdk_configuration: sdk_configuration(settings),
            tenants,
            identity_providers: settings.identity_providers.clone(),
            custom_claims: settings.custom_claims.clone(),
        })
    }

    /// Where a request to `authority` belongs; `None` for a host of the application that no tenant has.
    pub(crate) fn site(&self, authority: &str, custom_domain_active: bool) -> Option<Site> {
        let authority = authority.to_ascii_lowercase();
        let host = match authority.split_once(':') {
            Some((host, _)) => host,
            None => authority.as_str(),
        };
        if let Some((name, domain)) = self.tenants.iter().find(|(_, domain)| *domain == host) {
            return Some(Site::Tenant {
                name: name.clone(),
                custom_domain: Some(self.authority(domain)),
            });
        }
        let application = self.application_name();
        if host == application {
            return Some(Site::Application);
        }
        let Some(prefix) = host.strip_suffix(&application) else {
            return Some(Site::Standard);
        };
        let (used, unused) = if custom_domain_active { ('.', '-') } else { ('-', '.') };
        if prefix.ends_with(unused) {
            return None;
        }
        match prefix.strip_suffix(used) {
            Some(name) if self.tenants.contains_key(name) => Some(Site::Tenant {
                name: name.to_owned(),
                custom_domain: None,
            }),
            Some(_) => None,
            // Another name that merely ends alike, such as "myapp.localhost".
            None => Some(Site::Standard),
        }
    }

    /// Host and port of a site.
    pub(crate) fn host_of(&self, site: &Site, custom_domain_active: bool) -> String {
        match site {
            Site::Standard => self.authority("localhost"),
            Site::Application => self.authority(&self.application_name()),
            Site::Tenant {
                custom_domain: Some(host),
                ..
            } => host.clone(),
            Site::Tenant { name, .. } => self.tenant_host(name, custom_domain_active),
        }
    }

    /// The origin of a site.
    pub(crate) fn origin_of(&self, site: &Site, custom_domain_active: bool) -> String {
        format!("{}://{}", self.scheme, self.host_of(site, custom_domain_active))
    }

    /// The tenant's vanity domain with the port.
    pub(crate) fn tenant_host(&self, tenant: &str, custom_domain_active: bool) -> String {
        let separator = if custom_domain_active { '.' } else { '-' };
        self.authority(&format!("{tenant}{separator}{}", self.application_name()))
    }

    pub(crate) fn issuer(&self) -> String {
        self.origin_of(&Site::Application, false)
    }

    pub(crate) fn application(&self) -> &str {
        &self.application
    }

    pub(crate) fn application_id(&self) -> String {
        id_of("application", &self.application)
    }

    /// All tenants by name, each with its own domain.
    pub(crate) fn tenants(&self) -> impl Iterator<Item = (&str, &str)> {
        self.tenants
            .iter()
            .map(|(name, domain)| (name.as_str(), domain.as_str()))
    }

    /// The own domain of a tenant with the port; `None` if there is no such tenant.
    pub(crate) fn custom_domain(&self, tenant: &str) -> Option<String> {
        self.tenants.get(tenant).map(|domain| self.authority(domain))
    }

    /// True if `host`, with or without our port, is some tenant's own domain.
    pub(crate) fn is_custom_domain(&self, host: &str) -> bool {
        self.tenants
            .values()
            .any(|domain| domain == host || self.authority(domain) == host)
    }

    pub(crate) fn has_tenant(&self, name: &str) -> bool {
        self.tenants.contains_key(name)
    }

    /// The identity provider that a hint names.
    pub(crate) fn identity_provider(&self, hint: &str) -> Option<&str> {
        self.identity_providers
            .iter()
            .find(|name| name.eq_ignore_ascii_case(hint))
            .map(String::as_str)
    }

    pub(crate) fn login_url(&self) -> &str {
        &self.login_url
    }

    /// The configuration as set up, before anything was changed.
    pub(crate) fn sdk_configuration(&self) -> &Map<String, Value> {
        &self.sdk_configuration
    }

    pub(crate) fn custom_claims(&self) -> Option<&Map<String, Value>> {
        self.custom_claims.as_ref()
    }

    /// `host` with our port.
    pub(crate) fn authority(&self, host: &str) -> String {
        match self.port {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    fn application_name(&self) -> String {
        format!("{}.localhost", self.application)
    }
}

fn sdk_configuration(settings: &PlatformSettings) -> Map<String, Value> {
    object([
        ("loginUrl", json!(settings.login_url)),
        ("redirectUri", json!(settings.redirect_uri)),
        ("isApplicationCustomDomainActive", json!(settings.custom_domain_active)),
        ("customApplicationLoginPageUrl", json!(settings.custom_login_page_url)),
        (
            "loginUrlTenantDomainSuffix",
            json!(settings.login_url_tenant_domain_suffix),
        ),
        (
            "applicationAuthorizationRequestsEnabled",
            json!(settings.application_authorization),
        ),
        ("fallbackLoginUrl", json!(settings.fallback_login_url)),
    ])
}

fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
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
    use crate::users::default_users;

    fn platform(change: impl FnOnce(&mut PlatformSettings)) -> Result<Platform, ProviderError> {
        let mut settings = PlatformSettings::default();
        change(&mut settings);
        Platform::new(
            &settings,
            "http://localhost:6002",
            &Users::new(&default_users()).unwrap(),
        )
    }

    #[test]
    fn hosts_lead_to_their_sites_and_to_no_others() {
        let platform = platform(|_| ()).unwrap();
        let shown = |authority: &str, active: bool| match platform.site(authority, active) {
            Some(Site::Standard) => "standard".to_owned(),
            Some(Site::Application) => "application".to_owned(),
            Some(Site::Tenant { name, custom_domain }) => format!("{name} {}", custom_domain.unwrap_or_default()),
            None => "none".to_owned(),
        };
        for (authority, with_dash, with_dot) in [
            ("localhost:6002", "standard", "standard"),
            ("127.0.0.1:6002", "standard", "standard"),
            ("[::1]:6002", "standard", "standard"),
            ("acme.localhost", "standard", "standard"),
            ("myapp.localhost", "standard", "standard"),
            ("app.localhost:6002", "application", "application"),
            ("APP.localhost", "application", "application"),
            ("acme-app.localhost:6002", "acme ", "none"),
            ("globex-app.localhost", "globex ", "none"),
            ("acme.app.localhost:6002", "none", "acme "),
            ("initech-app.localhost", "none", "none"),
            ("-app.localhost", "none", "none"),
            ("a.acme-app.localhost", "none", "none"),
            ("evil.acme.app.localhost", "none", "none"),
            (
                "login-acme.localhost:6002",
                "acme login-acme.localhost:6002",
                "acme login-acme.localhost:6002",
            ),
            ("login-initech.localhost", "standard", "standard"),
        ] {
            assert_eq!(shown(authority, false), with_dash, "{authority}");
            assert_eq!(shown(authority, true), with_dot, "{authority}");
        }
    }

    #[test]
    fn faulty_settings_are_refused_by_name() {
        type Change = fn(&mut PlatformSettings);
        let changes: [(&str, Change); 7] = [
            ("application", |s| s.application = "App".into()),
            ("application", |s| s.application = "a.b".into()),
            ("login_url", |s| s.login_url = "/auth/login".into()),
            ("redirect_uri", |s| s.redirect_uri = Some("app.test/cb".into())),
            ("fallback_login_url", |s| {
                s.fallback_login_url = Some("javascript:x".into())
            }),
            ("tenant_domains", |s| {
                drop(s.tenant_domains.insert("acme".into(), "login.acme.test".into()))
            }),
            ("tenant_domains", |s| {
                drop(s.tenant_domains.insert("acme".into(), "LOGIN.localhost".into()))
            }),
        ];
        for (expected, change) in changes {
            match platform(change) {
                Err(ProviderError::Platform { setting, .. }) => assert_eq!(setting, expected),
                other => panic!("{expected}: {other:?}"),
            }
        }
        assert!(platform(|s| s.login_url = "http://{tenant_name}.localhost:6001/auth/login".into()).is_ok());
    }
}
