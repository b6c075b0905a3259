//! Building the engine: settings in, every fault named, nothing opened.

use std::sync::Arc;

use doorward_core::csrf::CsrfTokens;
use doorward_core::login_ticket::LoginTickets;
use doorward_core::origin::AllowedOrigins;
use doorward_core::ports::{BoxFuture, Clock, Fetch, Random, Tasks, TenantDirectory};
use doorward_core::session::{RecordCodec, RevocationCodec, SessionCodec};
use doorward_core::tenant::{TenantId, TenantScope};
use doorward_crypto::SystemRandom;
use http::HeaderName;
use serde_json::Value;

use crate::auth::{Engine, Inner, SessionPlace};
use crate::checks::{
    base_path, carried_names, cookie_settings, directory, lifetimes, logout_from_outside, max_per_user, providers,
    public_urls, refuse_plain_http, required, serve_stale, store_deadlines, tenants_without_id, warnings,
};
use crate::clock::SystemClock;
use crate::error::BuildError;
use crate::hints::Hints;
use crate::hooks::{Hooks, Login, LoginDenied};
use crate::live::Live;
use crate::newest::Newest;
use crate::outside::Ports;
use crate::outside_logout::OutsideLogout;
use crate::plan::SitePlan;
use crate::problem::Refusal;
use crate::provider::ProviderState;
use crate::refresh::Refreshes;
use crate::revocation::Revocations;
use crate::session::Session;
use crate::settings::{Place, Provider, Sessions};
use crate::settings_bearer::BearerTokens;
use crate::settings_tenant::Tenant;
use crate::sites::Sites;
use crate::stored::StoredSessions;
use crate::used_tickets::UsedTickets;

/// Collects the settings; [`build`](Self::build) judges them all.
#[derive(Default, Clone)]
pub struct EngineBuilder {
    public_url: Option<String>,
    app_origins: Vec<String>,
    without_tenant: Option<String>,
    providers: Vec<(String, Provider)>,
    tenants: Vec<Tenant>,
    directory: Option<Arc<dyn TenantDirectory>>,
    sessions: Option<Sessions>,
    tenant: Option<String>,
    base_path: Option<String>,
    default_return_url: Option<String>,
    post_logout_url: Option<String>,
    bearer: Option<BearerTokens>,
    token_endpoint: bool,
    backchannel_logout: bool,
    frontchannel_logout: bool,
    hooks: Hooks,
    clock: Option<Arc<dyn Clock>>,
    random: Option<Arc<dyn Random>>,
    fetch: Option<Arc<dyn Fetch>>,
    tasks: Option<Arc<dyn Tasks>>,
}

impl EngineBuilder {
    /// Says what browsers see: decides the redirect URI, cookie flags and the allowed origin. Required.
    ///
    /// https, or plain http on a loopback name. With `{tenant}` as its first label
    /// (`https://{tenant}.app.example.com`) every tenant has a host of its own, and a session of one is
    /// refused at another's.
    #[must_use]
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        self.public_url = Some(url.into());
        self
    }

    /// Lets a frontend on another origin call with credentials (CORS, also on refusals), pass the
    /// origin rule, and be named in return URLs. May be called several times.
    #[must_use]
    pub fn app_origin(mut self, origin: impl Into<String>) -> Self {
        self.app_origins.push(origin.into());
        self
    }

    /// Names the URL that is no tenant's, where the public URL holds `{tenant}`: for public pages, and for login
    /// links that name their tenant, which lead on to its host.
    ///
    /// A login that names none finds out the tenant with the Wristband platform only, on the platform's own page; with
    /// any other provider it is 404 `tenant_unknown`. So are guarded routes and our endpoints at any other host.
    #[must_use]
    pub fn public_url_without_tenant(mut self, url: impl Into<String>) -> Self {
        self.without_tenant = Some(url.into());
        self
    }

    /// Sets the identity provider. Required.
    #[must_use]
    pub fn provider(self, provider: impl Into<Provider>) -> Self {
        self.named_provider("main", provider)
    }

    /// Adds an identity provider that tenants choose by name; the first one is everybody else's.
    ///
    /// The same name again takes the place of the one before. At a host of several providers the name of each but the
    /// first ends its redirect URI, `/auth/callback/{name}`: register that one with it.
    #[must_use]
    pub fn named_provider(mut self, name: impl Into<String>, provider: impl Into<Provider>) -> Self {
        let provider = provider.into();
        let name = name.into();
        match self.providers.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = provider,
            None => self.providers.push((name, provider)),
        }
        self
    }

    /// Adds tenants. With tenants, a login may name one of them, and only their users sign in.
    #[must_use]
    pub fn tenants(mut self, tenants: impl IntoIterator<Item = Tenant>) -> Self {
        self.tenants.extend(tenants);
        self
    }

    /// Looks tenants up elsewhere, in a database for instance.
    #[must_use]
    pub fn tenant_directory(mut self, directory: impl TenantDirectory) -> Self {
        self.directory = Some(Arc::new(directory));
        self
    }

    /// Says where sessions live and how long. Required.
    #[must_use]
    pub fn session(mut self, sessions: Sessions) -> Self {
        self.sessions = Some(sessions);
        self
    }

    /// Serves one tenant only: a session of another one is refused with 403 `tenant_mismatch`, and
    /// its users cannot sign in here.
    #[must_use]
    pub fn tenant(mut self, name: impl Into<String>) -> Self {
        self.tenant = Some(name.into());
        self
    }

    /// Moves our own endpoints; `/auth` unless set.
    #[must_use]
    pub fn base_path(mut self, path: impl Into<String>) -> Self {
        self.base_path = Some(path.into());
        self
    }

    /// Where a login without `return_url` ends; `/` unless set.
    #[must_use]
    pub fn default_return_url(mut self, url: impl Into<String>) -> Self {
        self.default_return_url = Some(url.into());
        self
    }

    /// Where the provider sends the browser after a logout; `/` unless set.
    #[must_use]
    pub fn post_logout_url(mut self, url: impl Into<String>) -> Self {
        self.post_logout_url = Some(url.into());
        self
    }

    /// Accepts access tokens on routes whose rule takes them ([`Rule::bearer`], [`Rule::session_or_bearer`]), and
    /// describes the service to clients at `/.well-known/oauth-protected-resource` (RFC 9728).
    ///
    /// [`Rule::bearer`]: crate::Rule::bearer
    /// [`Rule::session_or_bearer`]: crate::Rule::session_or_bearer
    #[must_use]
    pub fn bearer(mut self, tokens: BearerTokens) -> Self {
        self.bearer = Some(tokens);
        self
    }

    /// Switches the token endpoint on; off unless set.
    ///
    /// # Security
    /// It hands the access token to any script of the page.
    #[must_use]
    pub fn token_endpoint(mut self, on: bool) -> Self {
        self.token_endpoint = on;
        self
    }

    /// Lets the provider end sessions by logout tokens, `POST /auth/backchannel-logout` (OpenID Connect Back-Channel Logout);
    /// off unless set.
    ///
    /// It needs a session store, or [`Sessions::revocation_store`] beside sessions in cookies. Register the endpoint's address
    /// with the provider as `backchannel_logout_uri`; it is met at every host of yours, and each provider is known there.
    ///
    /// # Security
    /// Anybody can call it; a call does nothing without the provider's signature.
    #[must_use]
    pub fn backchannel_logout(mut self, on: bool) -> Self {
        self.backchannel_logout = on;
        self
    }

    /// Lets the provider end a session by a frame, `GET /auth/frontchannel-logout` (OpenID Connect Front-Channel Logout); off
    /// unless set.
    ///
    /// It needs what [`backchannel_logout`](Self::backchannel_logout) needs, and a provider that sends `iss` and `sid`
    /// (`frontchannel_logout_session_required`). Prefer the back channel: most browsers send no cookies into such a frame.
    ///
    /// # Security
    /// Nothing of it is signed: who knows the provider's ID of a session can end that session, and nothing else.
    #[must_use]
    pub fn frontchannel_logout(mut self, on: bool) -> Self {
        self.frontchannel_logout = on;
        self
    }

    /// Shapes a login before it counts: look the user up, add data, set roles, or refuse.
    ///
    /// # Example
    /// ```
    /// # use doorward_engine::{Engine, Login, LoginDenied};
    /// let builder = Engine::builder().on_login(|mut login: Login| async move {
    ///     if login.user().email.is_none() {
    ///         return Err(LoginDenied::new("user has no e-mail address"));
    ///     }
    ///     login.set_roles(["member"]);
    ///     Ok(login)
    /// });
    /// ```
    #[must_use]
    pub fn on_login<F, O>(mut self, hook: F) -> Self
    where
        F: Fn(Login) -> O + Send + Sync + 'static,
        O: Future<Output = Result<Login, LoginDenied>> + Send + 'static,
    {
        self.hooks.on_login = Some(Arc::new(
            move |login| -> BoxFuture<'static, Result<Login, LoginDenied>> { Box::pin(hook(login)) },
        ));
        self
    }

    /// Carries these parameters of the login link to [`on_login`](Self::on_login), where
    /// [`Login::carried`](crate::Login::carried) reads them: an invitation, for instance. None unless set.
    ///
    /// They are sealed with the pending login, 512 bytes in all, and survive a login that has to begin anew;
    /// a page on which users first choose their tenant does not hand them on. A link with more is refused.
    #[must_use]
    pub fn carry_through_login<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.hooks.carried = names.into_iter().map(Into::into).collect();
        self
    }

    /// Fills `metadata` of the session endpoint; an empty object unless set.
    #[must_use]
    pub fn session_metadata(mut self, hook: impl Fn(&Session) -> Value + Send + Sync + 'static) -> Self {
        self.hooks.session_metadata = Some(Arc::new(hook));
        self
    }

    /// Changes the look of refusals: body and headers, never the status.
    #[must_use]
    pub fn on_refusal(mut self, hook: impl Fn(Refusal) -> Refusal + Send + Sync + 'static) -> Self {
        self.hooks.on_refusal = Some(Arc::new(hook));
        self
    }

    /// Sets the HTTP client.
    #[must_use]
    pub fn fetch(mut self, fetch: impl Fetch) -> Self {
        self.fetch = Some(Arc::new(fetch));
        self
    }

    /// Sets the task runner.
    #[must_use]
    pub fn tasks(mut self, tasks: impl Tasks) -> Self {
        self.tasks = Some(Arc::new(tasks));
        self
    }

    /// Sets the clock; the machine's unless set.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Sets the source of randomness; the operating system's unless set.
    ///
    /// # Security
    /// Everything rests on it: only tests have a reason to set it.
    #[must_use]
    pub fn danger_random(mut self, random: impl Random) -> Self {
        self.random = Some(Arc::new(random));
        self
    }

    /// Judges the settings and builds the engine. Nothing is fetched and nothing is opened.
    ///
    /// # Errors
    /// [`BuildError`] for the first setting that cannot be used.
    pub fn build(self) -> Result<Engine, BuildError> {
        let (pattern, public_url) = public_urls(self.public_url, self.without_tenant)?;
        let origins = AllowedOrigins::new(public_url.origin(), &self.app_origins)
            .map_err(|error| BuildError::setting("server.app_origins", error))?;
        refuse_plain_http(&public_url, &origins)?;
        carried_names(&self.hooks.carried)?;
        let sessions = required("session.secrets", self.sessions)?;
        let providers = providers(self.providers)?;
        if pattern.has_tenants() && sessions.cookie_domain.is_some() {
            return Err(BuildError::text(
                "session.cookie_domain",
                "expected none beside a {tenant} in server.public_url: tenants would share a session cookie",
            ));
        }
        logout_from_outside(&sessions, self.backchannel_logout, self.frontchannel_logout)?;
        let cookies = cookie_settings(&sessions, &public_url, &providers)?;
        let keys = sessions.key_ring()?;
        let lifetimes = lifetimes(&sessions)?;
        let serve_stale = serve_stale(&sessions)?;
        store_deadlines(&sessions)?;
        let max_per_user = max_per_user(&sessions)?;
        let scope = match self.tenant {
            // With a host for each tenant, what is left over is nobody's.
            None if pattern.has_tenants() => TenantScope::Nobody,
            None => TenantScope::Any,
            Some(name) => TenantScope::One(
                TenantId::from_claim(&name).map_err(|error| BuildError::setting("tenants.name", error))?,
            ),
        };
        let csrf_header = sessions.csrf_header_name.as_deref().unwrap_or("x-csrf-token");
        let csrf_header = HeaderName::from_bytes(csrf_header.to_ascii_lowercase().as_bytes())
            .map_err(|error| BuildError::setting("csrf.header_name", error))?;
        let mut warnings = warnings(&public_url, &self.app_origins, &sessions);
        let ports = Ports {
            clock: self.clock.unwrap_or_else(|| Arc::new(SystemClock::new())),
            random: self.random.unwrap_or_else(|| Arc::new(SystemRandom)),
            fetch: required("fetch", self.fetch)?,
            tasks: required("tasks", self.tasks)?,
        };
        let plan = SitePlan {
            app_origins: self.app_origins,
            base_path: base_path(self.base_path)?,
            default_return_url: self.default_return_url,
            post_logout_url: self.post_logout_url,
            providers: providers
                .into_iter()
                .map(|(name, settings)| Ok((name, Arc::new(ProviderState::new(settings)?))))
                .collect::<Result<_, BuildError>>()?,
        };
        let states: Vec<_> = plan.providers.iter().map(|(_, state)| Arc::clone(state)).collect();
        let bearer = self.bearer.map(|bearer| bearer.checked(&states)).transpose()?;
        let home = Arc::new(plan.site(public_url, scope, None)?);
        let directory = directory(&self.tenants, self.directory, &pattern, &plan)?;
        if bearer.is_some() {
            warnings.extend(tenants_without_id(&self.tenants, &plan)?);
        }
        for warning in &warnings {
            tracing::warn!("{warning}");
        }
        let live = Live::new();
        let newest = Arc::new(Newest::new(Arc::clone(&live)));
        let inner = Inner {
            base_path: plan.base_path.clone(),
            named: plan.providers.clone(),
            sites: directory.map(|directory| Arc::new(Sites::new(pattern, directory, plan, Arc::clone(&home)))),
            home,
            codec: SessionCodec::new(&keys, &cookies),
            tickets: LoginTickets::new(&keys, &cookies),
            used_tickets: UsedTickets::default(),
            csrf: CsrfTokens::new(&keys),
            csrf_header,
            lifetimes,
            max_per_user,
            place: match sessions.place {
                Place::Cookie => SessionPlace::Cookie(Arc::clone(&newest)),
                Place::Store(store) => SessionPlace::Store(Box::new(StoredSessions::new(
                    store,
                    RecordCodec::new(&keys),
                    serve_stale,
                    Arc::clone(&live),
                ))),
            },
            revocations: sessions.revocation_store.map(|store| {
                Arc::new(Revocations::new(
                    store,
                    RevocationCodec::new(&keys),
                    Arc::clone(&live),
                    newest,
                ))
            }),
            outside_logout: OutsideLogout::new(self.backchannel_logout, self.frontchannel_logout),
            refreshes: Refreshes::default(),
            live,
            hooks: self.hooks,
            hints: Hints::default(),
            ports,
            bearer: bearer.map(Arc::new),
            token_endpoint: self.token_endpoint,
            warnings,
            cookies,
            keys,
        };
        Ok(Engine { inner: Arc::new(inner) })
    }
}
