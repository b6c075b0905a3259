//! What login and logout do otherwise where the provider is the Wristband platform: its tenants have hosts of their own there.

use std::sync::Arc;

use doorward_core::code::Code;
use doorward_core::request::RequestView;
use doorward_core::session::ProviderTenant;
use doorward_core::tenant::{HostName, NamesFrom, TenantHints, TenantName, TenantScope};
use doorward_oidc::Params;
use doorward_oidc::wristband::{
    LoginStep, Logout, Platform, ResolvedConfig, RootDomain, TenantHost, TenantLabel, logout_url,
};

use super::login::{LoginRequest, Start, TENANT_NAMES};
use crate::login_failure::LoginFailure;
use crate::platform::PlatformState;
use crate::provider::ProviderState;
use crate::site::Here;

const CUSTOM_DOMAIN: &str = "tenant_custom_domain";

/// How a login at the platform begins.
pub(super) enum PlatformStart {
    /// With an authorization request.
    Authorize(Start),
    /// With the choice of a tenant at this URL, without a ticket: the browser comes back to our login.
    ChooseTenant(String),
}

impl Here<'_> {
    /// What a request says of the tenant beside its host and `tenant_name`.
    ///
    /// # Security
    /// A custom domain out of the query counts only once the platform has vouched for it. One that it does not vouch
    /// for is left out; one that is no host name is an error and nobody is asked.
    pub(super) async fn platform_hints(
        self,
        provider: &Arc<ProviderState>,
        platform: &PlatformState,
        view: RequestView<'_>,
        params: &Params,
    ) -> Result<TenantHints, LoginFailure> {
        let resolved = platform.configuration(provider, &self.ports).await?;
        let custom_domain = self.requested_custom_domain(provider, platform, params).await?;
        let settings = &platform.settings;
        let subdomain = resolved.root_domain().and_then(|root| tenant_before(root, view));
        let host = |host: &TenantHost| HostName::host_and_port(&host.authority()).ok().map(|(host, _)| host);
        let name = |label: &TenantLabel| TenantName::parse(label.as_str()).ok();
        Ok(TenantHints {
            names_from: if resolved.root_domain().is_some() {
                NamesFrom::Subdomains
            } else {
                NamesFrom::Query
            },
            custom_domain,
            subdomain,
            default_custom_domain: settings.default_custom_domain.as_ref().and_then(host),
            default_name: settings.default_tenant.as_ref().and_then(name),
            ..TenantHints::default()
        })
    }

    async fn requested_custom_domain(
        self,
        provider: &Arc<ProviderState>,
        platform: &PlatformState,
        params: &Params,
    ) -> Result<Option<HostName>, LoginFailure> {
        let malformed = |reason: &dyn std::fmt::Display| LoginFailure::new(Code::RequestMalformed, reason);
        let asked = params.once(CUSTOM_DOMAIN).map_err(|error| malformed(&error))?;
        let Some(text) = asked.filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let (host, port) = HostName::host_and_port(text).map_err(|error| malformed(&error))?;
        let domain = platform.config().platform().custom_domain(host.as_str());
        let domain = domain.map_err(|error| malformed(&error))?;
        // The port is the platform's and is known here: an emulated one writes it, the real one has none to write.
        if port.is_some_and(|port| domain.authority() != format!("{}:{port}", host.as_str())) {
            return Err(malformed(&"custom domain has another port than the platform"));
        }
        let vouched = platform.vouched(provider, &self.ports, domain).await?;
        Ok(vouched.map(|_| host))
    }

    /// Decides where the browser signs in.
    pub(super) async fn platform_start(
        self,
        platform: &PlatformState,
        request: &LoginRequest,
    ) -> Result<PlatformStart, LoginFailure> {
        let resolved = platform.configuration(&request.provider, &self.ports).await?;
        platform.check_redirect_uri(&resolved, &self.site.callback_of(&request.provider));
        let host = tenant_host(
            &resolved,
            request.tenant_custom_domain.as_ref().map(HostName::as_str),
            request.tenant_name.as_ref().map(TenantName::as_str),
        );
        let return_url = request.return_url.as_str();
        let return_url = (return_url != self.site.urls.default_return_url.as_str()).then_some(return_url);
        // A login that begins where every tenant has another host would have nowhere to end.
        if host.is_none() && self.site.scope == TenantScope::Nobody {
            return Ok(PlatformStart::ChooseTenant(resolved.application_login_url(return_url)));
        }
        Ok(match resolved.login_step(host.as_ref(), return_url) {
            LoginStep::ChooseTenant(url) => PlatformStart::ChooseTenant(url),
            LoginStep::Authorize(metadata) => PlatformStart::Authorize(Start {
                metadata: Arc::new(*metadata),
                redirect_uri: resolved.redirect_uri().as_str().to_owned(),
            }),
        })
    }

    /// Where the browser says farewell to the platform: at the host of the session's tenant, else of the request's.
    ///
    /// # Errors
    /// [`LoginFailure`] where the platform's configuration cannot be had now, or the query makes no sense.
    pub(super) async fn platform_logout(
        self,
        provider: &Arc<ProviderState>,
        platform: &PlatformState,
        tenant: Option<&ProviderTenant>,
        view: RequestView<'_>,
    ) -> Result<String, LoginFailure> {
        let resolved = platform.configuration(provider, &self.ports).await?;
        let config = resolved.platform();
        let custom_domain = tenant.and_then(|tenant| vouched(config, tenant.custom_domain.as_deref()?));
        let own = tenant.and_then(|tenant| labelled(&resolved, tenant.name.as_deref()?));
        let (mut requested_custom_domain, mut requested) = (None, None);
        if custom_domain.is_none() && own.is_none() {
            let malformed = |reason: &dyn std::fmt::Display| LoginFailure::new(Code::RequestMalformed, reason);
            let params = Params::parse(view.uri.query().unwrap_or_default()).map_err(|error| malformed(&error))?;
            let named = self.requested_custom_domain(provider, platform, &params).await?;
            requested_custom_domain = named.and_then(|host| vouched(config, host.as_str()));
            let by_host = match &self.site.tenant {
                Some(tenant) => Some(tenant.name.clone()),
                None => resolved.root_domain().and_then(|root| tenant_before(root, view)),
            };
            let by_query = params.any_of_once(&TENANT_NAMES).map_err(|error| malformed(&error))?;
            let by_query = by_query.and_then(|name| TenantName::parse(name).ok());
            let name = by_host.or(by_query.filter(|_| resolved.root_domain().is_none()));
            let settings = &platform.settings;
            requested = name
                .and_then(|name| labelled(&resolved, name.as_str()))
                .or_else(|| settings.default_custom_domain.clone())
                .or_else(|| labelled(&resolved, settings.default_tenant.as_ref()?.as_str()));
        }
        let redirect_url = self
            .site
            .urls
            .post_logout_is_ours
            .then(|| self.site.urls.post_logout.location());
        let logout = Logout {
            custom_domain: custom_domain.as_ref(),
            tenant: own.as_ref(),
            requested_custom_domain: requested_custom_domain.as_ref(),
            requested_tenant: requested.as_ref(),
            redirect_url: redirect_url.as_deref(),
            state: None,
        };
        logout_url(&resolved, logout).map_err(|error| LoginFailure::new(Code::NotConfigured, error))
    }
}

/// The host of a tenant that the ticket or the configuration names: its custom domain goes first.
fn tenant_host(resolved: &ResolvedConfig, custom_domain: Option<&str>, name: Option<&str>) -> Option<TenantHost> {
    custom_domain
        .and_then(|host| vouched(resolved.platform(), host))
        .or_else(|| labelled(resolved, name?))
}

/// The host of a domain that was vouched for before: by the configuration, or by the platform and then sealed.
fn vouched(platform: &Platform, host: &str) -> Option<TenantHost> {
    Some(platform.custom_domain(host).ok()?.vouched_for())
}

fn labelled(resolved: &ResolvedConfig, name: &str) -> Option<TenantHost> {
    resolved.tenant_host(&TenantLabel::parse(name).ok()?).ok()
}

/// What stands before the root domain in the request's host, if that is one label.
fn tenant_before(root: &RootDomain, view: RequestView<'_>) -> Option<TenantName> {
    let (host, _) = HostName::host_and_port(view.host()?).ok()?;
    let label = host.as_str().strip_suffix(root.as_str())?.strip_suffix('.')?;
    TenantName::parse(label).ok()
}
