//! Building the engine: settings in, every fault named, nothing opened.

use std::sync::Arc;
use std::time::Duration;

use doorward_core::cookie::{CookieName, CookieOptions, CookieSettings, CookieSettingsError};
use doorward_core::csrf::CsrfTokens;
use doorward_core::login_ticket::LoginTickets;
use doorward_core::origin::{AllowedOrigins, AppOrigin, PublicUrl, is_loopback_host, same_site};
use doorward_core::ports::{BoxFuture, Clock, Fetch, Random, Tasks};
use doorward_core::return_url::ReturnUrl;
use doorward_core::session::{Lifetimes, SessionCodec};
use doorward_core::tenant::{TenantId, TenantScope};
use doorward_crypto::SystemRandom;
use doorward_oidc::ResponseMode;
use http::HeaderName;
use serde_json::Value;

use crate::auth::{Engine, Inner, SessionPlace};
use crate::clock::SystemClock;
use crate::error::BuildError;
use crate::hooks::{Hooks, Login, LoginDenied};
use crate::newest::Newest;
use crate::outside::Ports;
use crate::problem::Refusal;
use crate::provider::ProviderState;
use crate::refresh::Refreshes;
use crate::session::Session;
use crate::settings::{Place, Provider, ProviderSettings, Sessions};
use crate::site::{Providers, Site, Urls};
use crate::used_tickets::UsedTickets;

/// RFC 6265bis §5.5: browsers keep no cookie longer.
const LONGEST_SESSION: Duration = Duration::from_secs(400 * 24 * 3600);

/// Collects the settings; [`build`](Self::build) judges them all.
#[derive(Default, Clone)]
pub struct EngineBuilder {
    public_url: Option<String>,
    app_origins: Vec<String>,
    provider: Option<Provider>,
    sessions: Option<Sessions>,
    tenant: Option<String>,
    base_path: Option<String>,
    default_return_url: Option<String>,
    post_logout_url: Option<String>,
    token_endpoint: bool,
    hooks: Hooks,
    clock: Option<Arc<dyn Clock>>,
    random: Option<Arc<dyn Random>>,
    fetch: Option<Arc<dyn Fetch>>,
    tasks: Option<Arc<dyn Tasks>>,
}

impl EngineBuilder {
    /// Says what browsers see: decides the redirect URI, cookie flags and the allowed origin. Required.
    ///
    /// https, or plain http on a loopback name.
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

    /// Sets the identity provider. Required.
    #[must_use]
    pub fn provider(mut self, provider: Provider) -> Self {
        self.provider = Some(provider);
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

    /// Switches the token endpoint on; off unless set.
    ///
    /// # Security
    /// It hands the access token to any script of the page.
    #[must_use]
    pub fn token_endpoint(mut self, on: bool) -> Self {
        self.token_endpoint = on;
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
        let public_url = required("server.public_url", self.public_url)?;
        let public_url =
            PublicUrl::parse(&public_url).map_err(|error| BuildError::setting("server.public_url", error))?;
        let origins = AllowedOrigins::new(public_url.origin(), &self.app_origins)
            .map_err(|error| BuildError::setting("server.app_origins", error))?;
        refuse_plain_http(&public_url, &origins)?;
        let sessions = required("session.secrets", self.sessions)?;
        let provider = required("provider.issuer", self.provider)?.checked()?;
        let cookies = cookie_settings(&sessions, &public_url, &provider)?;
        let keys = sessions.key_ring()?;
        let lifetimes = lifetimes(&sessions)?;
        let scope = match self.tenant {
            None => TenantScope::Any,
            Some(name) => TenantScope::One(
                TenantId::from_claim(&name).map_err(|error| BuildError::setting("tenants.name", error))?,
            ),
        };
        let csrf_header = sessions.csrf_header_name.as_deref().unwrap_or("x-csrf-token");
        let csrf_header = HeaderName::from_bytes(csrf_header.to_ascii_lowercase().as_bytes())
            .map_err(|error| BuildError::setting("csrf.header_name", error))?;
        let base_path = base_path(self.base_path)?;
        let urls = urls(
            &public_url,
            &origins,
            &base_path,
            self.default_return_url,
            self.post_logout_url,
        )?;
        let warnings = warnings(&public_url, &self.app_origins, &sessions);
        for warning in &warnings {
            tracing::warn!("{warning}");
        }
        let ports = Ports {
            clock: self.clock.unwrap_or_else(|| Arc::new(SystemClock::new())),
            random: self.random.unwrap_or_else(|| Arc::new(SystemRandom)),
            fetch: required("fetch", self.fetch)?,
            tasks: required("tasks", self.tasks)?,
        };
        let provider = Arc::new(ProviderState::new(provider));
        let home = Site {
            public_url,
            origins,
            urls,
            scope,
            providers: Providers::one(Arc::clone(&provider)),
        };
        let inner = Inner {
            home: Arc::new(home),
            providers: Providers::one(provider),
            base_path,
            codec: SessionCodec::new(&keys, &cookies),
            tickets: LoginTickets::new(&keys, &cookies),
            used_tickets: UsedTickets::default(),
            csrf: CsrfTokens::new(&keys),
            csrf_header,
            lifetimes,
            place: match sessions.place {
                Place::Cookie => SessionPlace::Cookie(Box::new(Newest::new())),
                Place::Store(store) => SessionPlace::Store(store),
            },
            refreshes: Refreshes::default(),
            hooks: self.hooks,
            ports,
            token_endpoint: self.token_endpoint,
            warnings,
            cookies,
        };
        Ok(Engine { inner: Arc::new(inner) })
    }
}

/// Whoever can change the traffic of a plain http page would call the https application in its user's name.
fn refuse_plain_http(public_url: &PublicUrl, origins: &AllowedOrigins) -> Result<(), BuildError> {
    let plain = origins
        .app()
        .iter()
        .map(AppOrigin::base)
        .find(|origin| !origin.is_https() && !is_loopback_host(origin.host()));
    match plain {
        Some(origin) if public_url.is_https() => Err(BuildError::text(
            "server.app_origins",
            format!("expected https as in server.public_url, found {:?}", origin.as_str()),
        )),
        _ => Ok(()),
    }
}

fn required<T>(key: &'static str, value: Option<T>) -> Result<T, BuildError> {
    value.ok_or_else(|| BuildError::text(key, "expected a value, found none"))
}

fn cookie_settings(
    sessions: &Sessions,
    public_url: &PublicUrl,
    provider: &ProviderSettings,
) -> Result<CookieSettings, BuildError> {
    let options = CookieOptions {
        cookie_domain: sessions.cookie_domain.clone(),
        same_site: sessions.same_site,
        session_name: sessions.cookie_name.clone(),
        csrf_name: sessions.csrf_cookie_name.clone(),
    };
    if let Some(name) = &sessions.csrf_cookie_name {
        CookieName::new(name.as_str()).map_err(|error| BuildError::setting("csrf.cookie_name", error))?;
    }
    let settings = CookieSettings::checked(public_url, &options).map_err(|error| {
        let is_csrf = |name: &str| sessions.csrf_cookie_name.as_deref() == Some(name);
        let key = match &error {
            CookieSettingsError::SameSiteNoneNeedsHttps => "session.same_site",
            CookieSettingsError::InvalidDomain { .. } | CookieSettingsError::ForeignDomain { .. } => {
                "session.cookie_domain"
            }
            CookieSettingsError::PrefixNeedsHttps { name }
            | CookieSettingsError::PrefixForbidsDomain { name }
            | CookieSettingsError::NamesCollide { name }
                if is_csrf(name) =>
            {
                "csrf.cookie_name"
            }
            _ => "session.cookie_name",
        };
        BuildError::setting(key, error)
    })?;
    if provider.authorize.response_mode == ResponseMode::FormPost && !settings.is_secure() {
        return Err(BuildError::text(
            "provider.response_mode",
            "form_post needs a login cookie with SameSite=None, and that needs an https public URL",
        ));
    }
    Ok(settings)
}

fn lifetimes(sessions: &Sessions) -> Result<Lifetimes, BuildError> {
    let at_least_a_second = |key, timeout: Duration| {
        if timeout < Duration::from_secs(1) {
            Err(BuildError::text(key, "expected at least one second"))
        } else {
            Ok(timeout)
        }
    };
    let lifetimes = Lifetimes {
        idle_timeout: at_least_a_second("session.idle_timeout", sessions.idle_timeout)?,
        absolute_timeout: at_least_a_second("session.absolute_timeout", sessions.absolute_timeout)?,
        outlive_access_token: sessions.outlive_access_token,
    };
    if lifetimes.absolute_timeout > LONGEST_SESSION {
        return Err(BuildError::text(
            "session.absolute_timeout",
            "expected at most 400 days, the longest a browser keeps a cookie",
        ));
    }
    Ok(lifetimes)
}

fn base_path(base_path: Option<String>) -> Result<String, BuildError> {
    let base_path = base_path.unwrap_or_else(|| "/auth".into());
    let plain = |segment: &str| {
        !segment.is_empty()
            && segment
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let fits = base_path
        .strip_prefix('/')
        .is_some_and(|rest| rest.split('/').all(plain));
    if !fits {
        return Err(BuildError::text(
            "auth.base_path",
            format!("expected a path such as \"/auth\" of letters, digits, \"-\" and \"_\", found {base_path:?}"),
        ));
    }
    Ok(base_path)
}

fn urls(
    public_url: &PublicUrl,
    origins: &AllowedOrigins,
    base_path: &str,
    default_return_url: Option<String>,
    post_logout_url: Option<String>,
) -> Result<Urls, BuildError> {
    let return_url = |key, given: Option<String>| {
        let given = given.unwrap_or_else(|| "/".into());
        ReturnUrl::parse(&given, origins).ok_or_else(|| {
            BuildError::text(
                key,
                format!("expected a path, or a URL on the public origin or one of app_origins, found {given:?}"),
            )
        })
    };
    Ok(Urls {
        login: public_url.join(&format!("{base_path}/login")),
        logout: public_url.join(&format!("{base_path}/logout")),
        callback: public_url.join(&format!("{base_path}/callback")),
        default_return_url: return_url("auth.default_return_url", default_return_url)?,
        post_logout: return_url("auth.post_logout_url", post_logout_url)?,
    })
}

fn warnings(public_url: &PublicUrl, app_origins: &[String], sessions: &Sessions) -> Vec<String> {
    let mut warnings = Vec::new();
    for text in app_origins {
        let Ok(app) = AppOrigin::parse(text) else {
            continue;
        };
        let own = public_url.origin();
        if !same_site(own, app.base()) {
            warnings.push(format!(
                "server.app_origins: {text} is another site than {}; browsers send it no session cookie unless session.same_site is \"None\"",
                own.as_str(),
            ));
        }
        if app.base().host() != own.host() && sessions.cookie_domain.is_none() {
            warnings.push(format!(
                "server.app_origins: {text} is on another host than {} and session.cookie_domain is not set; its pages cannot read the CSRF cookie",
                own.as_str(),
            ));
        }
    }
    if matches!(sessions.place, Place::Cookie) && !public_url.is_loopback() {
        warnings.push(
            "session.store: sessions live in cookies alone; run one process, for several do not share ended sessions and renewed tokens".into(),
        );
    }
    warnings
}
