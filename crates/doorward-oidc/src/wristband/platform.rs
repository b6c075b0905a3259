//! The platform's hosts and endpoints.
//!
//! Only parsed labels and hosts become part of a URL, each URL is built once, and its host is compared with the one meant
//! ([`host`](super::host)). A [`TenantHost`] is the only thing a browser is sent to for login and logout; for a tenant's custom
//! domain there is one only after the configuration or the platform vouched for it.

use doorward_crypto::Algorithm;
use url::Url;

use super::error::HostError;
use super::host::{Authority, PortRule, TenantLabel, check_host, site};
use crate::endpoint::Endpoint;
use crate::issuer::{HttpIssuer, Issuer};
use crate::metadata::{MetadataParts, ProviderMetadata};

const AUTHORIZE: &str = "/api/v1/oauth2/authorize";
const TOKEN: &str = "/api/v1/oauth2/token";
const USERINFO: &str = "/api/v1/oauth2/userinfo";
const REVOKE: &str = "/api/v1/oauth2/revoke";
const JWKS: &str = "/api/v1/oauth2/jwks";
const VALIDATE_CUSTOM_DOMAIN: &str = "/api/v1/custom-domains/validate";
const LOGOUT: &str = "/api/v1/logout";
const LOGIN: &str = "/login";

/// How the platform is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum PlatformScheme {
    /// Over TLS.
    #[default]
    Https,
    /// In the clear, on a loopback name only: for a platform emulated on this machine.
    HttpOnLoopback,
}

/// What stands between a tenant's name and the application's host.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TenantSeparator {
    /// `-`: the application's own vanity domain.
    #[default]
    Hyphen,
    /// `.`: the application's custom domain is active.
    Dot,
}

impl TenantSeparator {
    pub(super) fn as_char(self) -> char {
        match self {
            Self::Hyphen => '-',
            Self::Dot => '.',
        }
    }
}

/// The platform, as one application sees it: the application's vanity domain and the endpoints there.
///
/// # Example
/// ```
/// use doorward_oidc::wristband::{Platform, PlatformScheme, TenantLabel, TenantSeparator};
///
/// let platform = Platform::new("shop-acme.us.wristband.dev", PlatformScheme::Https).unwrap();
/// let globex = TenantLabel::parse("globex").unwrap();
/// let host = platform.tenant_host(&globex, TenantSeparator::Hyphen).unwrap();
/// assert_eq!(
///     host.authorize_endpoint().as_str(),
///     "https://globex-shop-acme.us.wristband.dev/api/v1/oauth2/authorize"
/// );
/// assert!(Platform::new("https://shop-acme.us.wristband.dev", PlatformScheme::Https).is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Platform {
    issuer: Issuer,
    scheme: &'static str,
    root: Url,
    host: String,
    is_loopback: bool,
    application: TenantHost,
    token: Endpoint,
    userinfo: Endpoint,
    revoke: Endpoint,
    jwks: Endpoint,
    validate_custom_domain: Endpoint,
}

impl Platform {
    /// Reads an application's vanity domain: a bare host, with a port on loopback names only.
    ///
    /// Where the application's custom domain is active, tokens are issued in its name: that domain is then the one to give.
    ///
    /// # Errors
    /// One variant of [`HostError`] per rule.
    pub fn new(vanity_domain: &str, scheme: PlatformScheme) -> Result<Self, HostError> {
        let authority = Authority::parse(vanity_domain, PortRule::OnLoopback)?;
        let is_loopback = authority.is_loopback();
        let scheme = match scheme {
            PlatformScheme::Https => "https",
            PlatformScheme::HttpOnLoopback if is_loopback => "http",
            PlatformScheme::HttpOnLoopback => return Err(HostError::NotLoopback),
        };
        let root = site(scheme, &authority.host, authority.port)?;
        let text = root.as_str().trim_end_matches('/');
        let issuer = Issuer::parse(text, HttpIssuer::LoopbackOnly).map_err(|_| HostError::Label)?;
        Ok(Self {
            application: TenantHost::new(root.clone(), None)?,
            token: endpoint(&root, TOKEN)?,
            userinfo: endpoint(&root, USERINFO)?,
            revoke: endpoint(&root, REVOKE)?,
            jwks: endpoint(&root, JWKS)?,
            validate_custom_domain: endpoint(&root, VALIDATE_CUSTOM_DOMAIN)?,
            host: authority.host,
            issuer,
            scheme,
            root,
            is_loopback,
        })
    }

    /// Returns the issuer of the platform's tokens: `https://{vanity domain}`.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Returns how all hosts of the platform are reached: `https`, or `http` on loopback.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// Returns the vanity domain without port.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns a tenant's host, `{tenant}{separator}{vanity domain}`.
    ///
    /// # Errors
    /// [`HostError::Label`] and [`HostError::TooLong`] where both together are no host name.
    pub fn tenant_host(&self, tenant: &TenantLabel, separator: TenantSeparator) -> Result<TenantHost, HostError> {
        let host = format!("{tenant}{}{}", separator.as_char(), self.host);
        check_host(&host)?;
        TenantHost::new(site(self.scheme, &host, self.root.port())?, Some(tenant.clone()))
    }

    /// Reads a tenant's custom domain, for which nobody has vouched yet.
    ///
    /// Loopback names belong to a platform on loopback and to no other; there the platform's port is taken where none is given.
    ///
    /// # Errors
    /// One variant of [`HostError`] per rule.
    ///
    /// # Security
    /// The text may come from a query.
    pub fn custom_domain(&self, host: &str) -> Result<CustomDomain, HostError> {
        let authority = Authority::parse(host, PortRule::OnLoopback)?;
        if authority.is_loopback() != self.is_loopback {
            return Err(HostError::Local);
        }
        let root = site(self.scheme, &authority.host, authority.port.or(self.root.port()))?;
        TenantHost::new(root, None).map(CustomDomain)
    }

    /// Returns the application's own host, where application-level authorization and the tenant choice are.
    #[must_use]
    pub fn application_host(&self) -> &TenantHost {
        &self.application
    }

    /// Returns where the user chooses a tenant, unless the application has a page of its own: `/login`.
    #[must_use]
    pub fn application_login_page(&self) -> &Endpoint {
        &self.application.login
    }

    /// Returns the provider's metadata for a login at the application's host.
    ///
    /// Everything but the authorization endpoint is the same for every tenant.
    #[must_use]
    pub fn metadata(&self) -> ProviderMetadata {
        self.metadata_at(&self.application)
    }

    /// Returns the provider's metadata for a login at a tenant's host.
    ///
    /// RS256 is the only algorithm of the platform's tokens. No `end_session_endpoint` is named: the platform's logout takes
    /// other parameters, see [`logout_url`](super::logout_url).
    #[must_use]
    pub fn metadata_at(&self, host: &TenantHost) -> ProviderMetadata {
        ProviderMetadata::of(MetadataParts {
            issuer: self.issuer.clone(),
            authorization_endpoint: host.authorize.clone(),
            token_endpoint: self.token.clone(),
            jwks_uri: self.jwks.clone(),
            userinfo_endpoint: Some(self.userinfo.clone()),
            revocation_endpoint: Some(self.revoke.clone()),
            introspection_endpoint: None,
            end_session_endpoint: None,
            scopes_supported: None,
            id_token_algorithms: vec![Algorithm::Rs256],
            code_challenge_methods_supported: Some(vec!["S256".to_owned()]),
            response_modes_supported: Some(vec!["query".to_owned()]),
            token_endpoint_auth_methods_supported: Some(vec!["client_secret_basic".to_owned()]),
            authorization_response_iss_parameter_supported: false,
            backchannel_logout_supported: false,
            backchannel_logout_session_supported: false,
            frontchannel_logout_supported: false,
            frontchannel_logout_session_supported: false,
        })
    }

    pub(super) fn validation_endpoint(&self) -> &Endpoint {
        &self.validate_custom_domain
    }

    /// Returns where the configuration of a client is; `None` for an ID that cannot stand in a path.
    pub(super) fn sdk_configuration_endpoint(&self, client_id: &str) -> Option<Endpoint> {
        if !is_client_id(client_id) {
            return None;
        }
        let mut url = self.root.clone();
        url.path_segments_mut()
            .ok()?
            .clear()
            .extend(["api", "v1", "clients", client_id, "sdk-configuration"]);
        let endpoint = Endpoint::from_text(url.as_str())?;
        (endpoint.url().host() == self.root.host()).then_some(endpoint)
    }
}

/// Tells whether a text can be a client ID: visible ASCII, and no dots that a URL parser would walk along.
pub(super) fn is_client_id(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) && !matches!(text, "." | "..")
}

/// A host of the platform that a browser may be sent to: a tenant's, or the application's own.
///
/// Only [`Platform`] and [`CustomDomain`] make one.
#[derive(Clone, PartialEq, Eq)]
pub struct TenantHost {
    root: Url,
    label: Option<TenantLabel>,
    authorize: Endpoint,
    logout: Endpoint,
    login: Endpoint,
}

impl TenantHost {
    fn new(root: Url, label: Option<TenantLabel>) -> Result<Self, HostError> {
        Ok(Self {
            authorize: endpoint(&root, AUTHORIZE)?,
            logout: endpoint(&root, LOGOUT)?,
            login: endpoint(&root, LOGIN)?,
            root,
            label,
        })
    }

    /// Returns the host, with its port where it is not the scheme's own.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = self.root.host_str().unwrap_or_default();
        match self.root.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// Returns the tenant's name, if the host was made from one.
    #[must_use]
    pub fn label(&self) -> Option<&TenantLabel> {
        self.label.as_ref()
    }

    /// Returns where the browser goes to sign in.
    #[must_use]
    pub fn authorize_endpoint(&self) -> &Endpoint {
        &self.authorize
    }

    /// Returns where the browser goes to sign out.
    #[must_use]
    pub fn logout_endpoint(&self) -> &Endpoint {
        &self.logout
    }
}

impl std::fmt::Debug for TenantHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TenantHost({:?})", self.authority())
    }
}

/// A well-formed custom domain of a tenant, for which nobody has vouched yet.
///
/// No browser can be sent there: that takes a [`TenantHost`], which the platform's answer to
/// [`custom_domain_request`](super::custom_domain_request) makes, or the configuration.
#[derive(Clone, PartialEq, Eq)]
pub struct CustomDomain(TenantHost);

impl CustomDomain {
    /// Returns the host, with its port where it is not the scheme's own.
    #[must_use]
    pub fn authority(&self) -> String {
        self.0.authority()
    }

    /// Takes the domain for a tenant's without asking the platform.
    ///
    /// # Security
    /// Only for a domain out of the configuration, or out of a ticket or session that we sealed after it was validated. Never for
    /// one out of a request: the browser is sent there.
    #[must_use]
    pub fn vouched_for(self) -> TenantHost {
        self.0
    }
}

impl std::fmt::Debug for CustomDomain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CustomDomain({:?})", self.authority())
    }
}

fn endpoint(root: &Url, path: &'static str) -> Result<Endpoint, HostError> {
    let mut url = root.clone();
    url.set_path(path);
    Endpoint::from_text(url.as_str())
        .filter(|endpoint| endpoint.url().host() == root.host())
        .ok_or(HostError::Label)
}
