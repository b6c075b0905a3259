//! `GET /auth/login`: remembers one pending login in a sealed cookie and sends the browser to the provider.
//!
//! Stateless on purpose: a flood of logins that nobody finishes costs this process nothing.

use std::sync::Arc;
use std::time::Duration;

use doorward_core::code::Code;
use doorward_core::cookie::{CookieAttributes, CookieName, SetCookie};
use doorward_core::login_ticket::{LOGIN_LIFETIME, LoginTicket, MAX_CARRIED_BYTES};
use doorward_core::origin::{Origin, PublicUrl};
use doorward_core::request::RequestView;
use doorward_core::return_url::ReturnUrl;
use doorward_core::session::{HandleCookie, IdentityCookie};
use doorward_core::tenant::{self, HostName, ResolvedTenant, Tenant, TenantHints, TenantId, TenantName, TenantScope};
use doorward_oidc::{LoginParameters, Params, ProviderMetadata, ResponseMode, begin};
use http::{HeaderMap, Method, StatusCode};

use super::platform::PlatformStart;
use crate::auth::SessionPlace;
use crate::login_failure::{LoginFailure, with_source};
use crate::provider::ProviderState;
use crate::reply::Reply;
use crate::site::Here;

/// The names under which frontends of every school send the return URL.
const RETURN_URL_NAMES: [&str; 6] = [
    "return_url",
    "returnTo",
    "return_to",
    "returnUrl",
    "rd",
    "target_link_uri",
];

/// The names under which frontends of the Wristband platform name the tenant.
pub(super) const TENANT_NAMES: [&str; 2] = ["tenant_name", "tenant_domain"];

/// Says for a moment that a login was just sent to the public URL; see [`Here::to_public_url`].
const MOVED_COOKIE: &str = "doorward-moved";

/// What a login begins with.
pub(super) struct LoginRequest {
    pub(super) provider: Arc<ProviderState>,
    /// Whose user is to sign in, where that is known.
    pub(super) tenant: Option<TenantId>,
    pub(super) tenant_name: Option<TenantName>,
    /// The tenant's own domain at the provider, which somebody has vouched for.
    pub(super) tenant_custom_domain: Option<HostName>,
    pub(super) parameters: LoginParameters,
    pub(super) return_url: ReturnUrl,
    /// What the application wants to see again, out of the link.
    pub(super) carried: Vec<(String, String)>,
    pub(super) restarts: u8,
    /// Whether the link asks for a fresh or a strong sign-in.
    pub(super) is_step_up: bool,
}

/// Where the browser is sent to sign in, and where it is to come back.
pub(super) struct Start {
    pub(super) metadata: Arc<ProviderMetadata>,
    pub(super) redirect_uri: String,
}

/// Where a login goes on.
enum Signing {
    /// Here, at this provider.
    In {
        provider: Arc<ProviderState>,
        tenant: TenantOfLogin,
    },
    /// At the site of the tenant that it is for.
    Elsewhere(PublicUrl),
}

/// Whose user is to sign in, as far as that is known.
#[derive(Default)]
struct TenantOfLogin {
    known: Option<Arc<Tenant>>,
    name: Option<TenantName>,
    custom_domain: Option<HostName>,
}

impl Here<'_> {
    pub(super) async fn login(self, view: RequestView<'_>) -> Reply {
        if *view.method != Method::GET {
            return self.method_not_allowed("GET");
        }
        if let Some(reply) = self.to_public_url(view) {
            return reply;
        }
        match self.try_login(view).await {
            Ok(reply) => reply,
            Err(failure) => self.login_failed(&failure),
        }
    }

    async fn try_login(self, view: RequestView<'_>) -> Result<Reply, LoginFailure> {
        let params = Params::parse(view.uri.query().unwrap_or_default())
            .map_err(|error| LoginFailure::new(Code::RequestMalformed, error))?;
        let (provider, tenant) = match self.tenant_of_login(view, &params).await? {
            Signing::In { provider, tenant } => (provider, tenant),
            Signing::Elsewhere(url) => return Ok(self.to_other_site(&url, view)),
        };
        let request = self.login_request(&params, provider, tenant)?;
        self.begin_login(view.headers, request).await
    }

    /// Finds out whose user is to sign in, and where.
    ///
    /// # Security
    /// A name that nobody knows ends here, before anything is asked of anybody; no text of the request
    /// becomes part of a host.
    async fn tenant_of_login(self, view: RequestView<'_>, params: &Params) -> Result<Signing, LoginFailure> {
        let first = self.site.providers.first();
        let malformed = |reason: &dyn std::fmt::Display| LoginFailure::new(Code::RequestMalformed, reason);
        let unknown = || LoginFailure::new(Code::TenantUnknown, "login is for a tenant that nobody knows");
        let mut hints = match &first.platform {
            Some(platform) => self.platform_hints(first, platform, view, params).await?,
            None if self.sites.is_none() => {
                return Ok(Signing::In {
                    provider: Arc::clone(first),
                    tenant: TenantOfLogin::default(),
                });
            }
            None => TenantHints::default(),
        };
        let named = params
            .any_of_once(&TENANT_NAMES)
            .map_err(|error| malformed(&error))?
            .filter(|name| !name.is_empty());
        hints.query = named.map(TenantName::parse).transpose().map_err(|_| unknown())?;
        hints.host_tenant = self.site.tenant.as_ref().map(|tenant| tenant.name.clone());
        let at_a_tenant = hints.host_tenant.is_some();
        let (name, custom_domain) = match tenant::resolve(hints).map_err(|error| malformed(&error))? {
            ResolvedTenant::Named { name, custom_domain } => (Some(name), custom_domain),
            ResolvedTenant::CustomDomain(domain) => (None, Some(domain)),
            ResolvedTenant::None => (None, None),
        };
        let (Some(sites), Some(name)) = (&self.sites, &name) else {
            // Where every tenant has a host, a login at none of them has nowhere to end.
            if self.site.scope == TenantScope::Nobody && first.platform.is_none() {
                return Err(unknown());
            }
            return Ok(Signing::In {
                provider: Arc::clone(first),
                tenant: TenantOfLogin {
                    known: None,
                    name,
                    custom_domain,
                },
            });
        };
        let outage = |code| LoginFailure::new(code, "tenants cannot be looked up");
        let known = match &self.site.tenant {
            Some(tenant) => Arc::clone(tenant),
            None => sites.tenant_named(name).await.map_err(outage)?.ok_or_else(unknown)?,
        };
        if !at_a_tenant && let Some(url) = sites.public_url_of(&known.name) {
            return Ok(Signing::Elsewhere(url));
        }
        // Security: the platform vouches for the domains of every tenant. Another one's is run by its owner, who would have
        // this tenant's users before them.
        if !known.may_sign_in_at(custom_domain.as_ref()) {
            return Err(malformed(&"login link names another custom domain than the tenant's"));
        }
        let provider = sites.provider_of(&known).ok_or_else(|| outage(Code::NotConfigured))?;
        Ok(Signing::In {
            provider: Arc::clone(provider),
            tenant: TenantOfLogin {
                name: Some(known.name.clone()),
                custom_domain: custom_domain.or_else(|| known.custom_domain.clone()),
                known: Some(known),
            },
        })
    }

    /// Sends a login on to the site of the tenant that it names.
    fn to_other_site(self, url: &PublicUrl, view: RequestView<'_>) -> Reply {
        let query = view.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        Reply::redirect(
            StatusCode::FOUND,
            &url.join(&format!("{}/login{query}", self.base_path)),
        )
    }

    fn login_request(
        self,
        params: &Params,
        provider: Arc<ProviderState>,
        tenant: TenantOfLogin,
    ) -> Result<LoginRequest, LoginFailure> {
        let malformed = |reason: String| LoginFailure::new(Code::RequestMalformed, reason);
        let parameters = LoginParameters::from_params(params).map_err(|error| malformed(error.to_string()))?;
        let return_url = params
            .any_of_once(&RETURN_URL_NAMES)
            .map_err(|error| malformed(error.to_string()))?
            .and_then(|raw| ReturnUrl::parse(raw, &self.site.origins))
            .unwrap_or_else(|| self.site.urls.default_return_url.clone());
        // Third-party-initiated login (OpenID Connect Core 4): only for the issuer that we know.
        let iss = params.once("iss").map_err(|error| malformed(error.to_string()))?;
        if iss.is_some_and(|iss| iss != provider.settings.issuer.as_str()) {
            return Err(LoginFailure::new(
                Code::IssuerMismatch,
                "third-party-initiated login names an issuer that is not configured",
            ));
        }
        let is_step_up = parameters.max_age.is_some()
            || parameters.acr_values.is_some()
            || parameters.prompt.as_deref() == Some("login");
        Ok(LoginRequest {
            provider,
            tenant: tenant.known.map(|tenant| tenant.id.clone()),
            tenant_name: tenant.name,
            tenant_custom_domain: tenant.custom_domain,
            parameters,
            return_url,
            carried: self.carried_out_of(params)?,
            restarts: 0,
            is_step_up,
        })
    }

    /// The parameters that the application asked for, as far as the link has them.
    fn carried_out_of(self, params: &Params) -> Result<Vec<(String, String)>, LoginFailure> {
        let mut carried = Vec::new();
        for name in &self.hooks.carried {
            let value = params
                .once(name)
                .map_err(|error| LoginFailure::new(Code::RequestMalformed, error))?;
            carried.extend(value.map(|value| (name.clone(), value.to_owned())));
        }
        let bytes: usize = carried.iter().map(|(name, value)| name.len() + value.len()).sum();
        if bytes > MAX_CARRIED_BYTES {
            let reason = "login link has more for the application than a ticket carries";
            return Err(LoginFailure::new(Code::RequestTooLarge, reason));
        }
        Ok(carried)
    }

    pub(super) async fn begin_login(self, headers: &HeaderMap, request: LoginRequest) -> Result<Reply, LoginFailure> {
        let provider = &request.provider;
        let Start { metadata, redirect_uri } = match &provider.platform {
            Some(platform) => match self.platform_start(platform, &request).await? {
                PlatformStart::Authorize(start) => start,
                PlatformStart::ChooseTenant(url) => return Ok(Reply::redirect(StatusCode::FOUND, &url)),
            },
            None => Start {
                metadata: provider.metadata(&self.ports).await?,
                redirect_uri: self.site.callback_of(provider),
            },
        };
        let settings = &provider.settings;
        for scope in settings.authorize.scopes_dropped(&metadata) {
            tracing::debug!(scope, "scope left out; the provider does not support it");
        }
        let random = &*self.ports.random;
        let (location, pending) = begin(
            random,
            &metadata,
            &settings.client.now(),
            &settings.authorize,
            &request.parameters,
            &redirect_uri,
        )
        .map_err(|error| LoginFailure::new(Code::RequestMalformed, with_source(&error)))?;
        let silent = pending.is_silent();
        let mut ticket = LoginTicket {
            pending,
            provider: provider.name.clone(),
            tenant: request.tenant,
            tenant_name: request.tenant_name,
            tenant_custom_domain: request.tenant_custom_domain,
            host: self.site.public_url.origin().as_str().to_owned(),
            return_url: request.return_url.as_str().to_owned(),
            carried: request.carried,
            created_at: self.ports.clock.now(),
            restarts: request.restarts,
            session_at_start: None,
            handle_at_start: None,
            prompt_none: silent,
            is_step_up: request.is_step_up,
        };
        match &self.place {
            SessionPlace::Cookie(_) => {
                if let IdentityCookie::Opened(opened) = self.codec.find_identity(headers) {
                    ticket.session_at_start = Some(opened.id());
                }
            }
            SessionPlace::Store(_) => {
                if let HandleCookie::Found(handle) = self.codec.find_handle(headers) {
                    ticket.handle_at_start = Some(handle);
                }
            }
        }
        let (name, value) = self
            .tickets
            .seal(random, &ticket)
            .map_err(|error| LoginFailure::new(Code::RequestTooLarge, error))?;
        let mut reply = Reply::redirect(StatusCode::FOUND, &location);
        let ours = self.bytes_of_our_cookies(headers);
        let new = name.as_str().len() + 1 + value.len();
        for dropped in self.tickets.to_drop(headers, new, ours) {
            if dropped != name {
                reply.add_cookie(SetCookie::deletion(&dropped, &self.login_attributes()));
            }
        }
        let cookie = SetCookie::new(&name, value, &self.login_attributes())
            .map_err(|error| LoginFailure::new(Code::RequestTooLarge, error))?;
        // Twice the ticket's life: a callback that comes too late begins the login anew by its ticket.
        reply.add_cookie(cookie.max_age(2 * LOGIN_LIFETIME).to_header());
        Ok(reply)
    }

    pub(super) fn login_attributes(self) -> CookieAttributes {
        let form_post = self
            .home
            .providers
            .iter()
            .any(|provider| provider.settings.authorize.response_mode == ResponseMode::FormPost);
        self.cookies.login_attributes(form_post)
    }

    /// The bytes that session, token and CSRF cookies take of the browser's `Cookie` header.
    fn bytes_of_our_cookies(self, headers: &HeaderMap) -> usize {
        let names = self.cookies.names();
        let own = [names.session(), names.csrf()].into_iter().chain(names.tokens());
        own.flat_map(|name| {
            let overhead = name.as_str().len() + 3;
            doorward_core::cookie::cookie_values(headers, name).map(move |value| value.len() + overhead)
        })
        .sum()
    }

    /// A login under a host that is not ours goes to the same path and query at the public URL.
    ///
    /// Behind a proxy that rewrites `Host` every request looks like that; a cookie of a few seconds,
    /// which only the host that was asked sends back, keeps the browser from going in circles.
    fn to_public_url(self, view: RequestView<'_>) -> Option<Reply> {
        let host = view.host()?;
        let own = self.site.public_url.origin();
        let scheme = if own.is_https() { "https" } else { "http" };
        // A Host that cannot be read is none that the browser could come back to.
        let asked = Origin::parse(&format!("{scheme}://{host}")).ok()?;
        if asked == *own {
            return None;
        }
        self.hint_at_another_host(&asked);
        let name = CookieName::new(MOVED_COOKIE).ok()?;
        if doorward_core::cookie::cookie_values(view.headers, &name)
            .next()
            .is_some()
        {
            return None;
        }
        let mut reply = self.to_other_site(&self.site.public_url, view);
        let attributes = CookieAttributes {
            secure: self.cookies.is_secure(),
            http_only: true,
            same_site: doorward_core::cookie::SameSite::Lax,
            domain: None,
        };
        if let Ok(cookie) = SetCookie::new(&name, "1", &attributes) {
            reply.add_cookie(cookie.max_age(Duration::from_secs(5)).to_header());
        }
        Some(reply)
    }
}
