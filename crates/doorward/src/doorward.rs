//! [`Doorward`], what an application holds, and its builder.

use axum::Router;
use doorward_engine::ports::{Clock, Fetch, Random, Tasks, TenantDirectory};
use doorward_engine::{
    BearerTokens, BuildError, ClientAuthentication, DiscoverError, Engine, EngineBuilder, KeyRingChange, KeyRingError,
    Login, LoginDenied, NotReplaced, Provider, Refusal, Rule, SecretString, SecretsSource, ServiceTokens,
    SessionRegistry, Sessions, Tenant, TokenTarget,
};
use serde_json::Value;

use crate::axum::{ProtectedRouter, resource_routes, routes};
use crate::layer::AuthLayer;
use crate::require::RequireLayer;

/// An application's protection: layers, routes and the default-deny router. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Doorward {
    engine: Engine,
}

impl Doorward {
    /// Begins with nothing set; [`Builder::public_url`], [`Builder::provider`] and
    /// [`Builder::session`] are required.
    pub fn builder() -> Builder {
        Builder {
            engine: Engine::builder(),
            has_fetch: false,
            has_tasks: false,
        }
    }

    /// The layer that goes around everything: it answers preflights of `app_origins`, writes sessions
    /// back, and marks what no cache may keep.
    ///
    /// Put `CorsLayer`, compression and tracing of your own outside of it.
    #[must_use]
    pub fn layer(&self) -> AuthLayer {
        AuthLayer::new(self.engine.clone())
    }

    /// Lets only requests with a live session through: 401 without one, 403 where an unsafe method
    /// comes without its CSRF token. The same as [`require`](Self::require) with [`Rule::Session`].
    #[must_use]
    pub fn require_session(&self) -> RequireLayer {
        self.require(Rule::Session)
    }

    /// Lets only requests through that a rule admits.
    ///
    /// # Example
    /// ```no_run
    /// # use axum::{Router, routing::get};
    /// # use doorward::{Doorward, Rule};
    /// # fn app(auth: Doorward) -> Router {
    /// Router::new()
    ///     .route("/api/reports", get(|| async { "reports" }))
    ///     .route_layer(auth.require(Rule::role("admin")))
    ///     .layer(auth.layer())
    /// # }
    /// ```
    #[must_use]
    pub fn require(&self, rule: Rule) -> RequireLayer {
        RequireLayer::new(self.engine.clone(), rule)
    }

    /// Our own endpoints: login, callback, logout, session, sessions and token below the base path.
    pub fn routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        routes(&self.engine)
    }

    /// The metadata of the protected resource alone (RFC 9728), for a service that takes access tokens and has no login of its own.
    pub fn resource_routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        resource_routes(&self.engine)
    }

    /// A router that denies by default: every route names its rule, and what none names is refused.
    ///
    /// # Example
    /// ```no_run
    /// # use axum::{Router, routing::{get, post}};
    /// # use doorward::{Doorward, Rule};
    /// # fn app(auth: Doorward, existing: Router) -> Router {
    /// auth.router()
    ///     .route("/api/public", Rule::Public, get(|| async { "hello" }))
    ///     .route("/api/admin", Rule::role("admin"), post(|| async { "done" }))
    ///     .nest("/api/orders", Rule::Session, existing)
    ///     .build()
    /// # }
    /// ```
    pub fn router<S: Clone + Send + Sync + 'static>(&self) -> ProtectedRouter<S> {
        ProtectedRouter::new(self)
    }

    /// Ends every live connection, for a server that stops: WebSockets of [`Session::websocket`](crate::Session::websocket) close
    /// with 1001, server-sent events end, [`Session::ended`](doorward_engine::Session::ended) says [`Ended::Stopping`](crate::Ended).
    ///
    /// A graceful shutdown waits for them otherwise.
    pub fn end_live(&self) {
        self.engine.end_live();
    }

    /// Things in the configuration that work but that an operator should know of; logged at start too.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        self.engine.warnings()
    }

    /// Begins to keep tokens of the first provider for the backend's own calls to a target: client credentials, and
    /// exchange on a user's behalf (RFC 8693). Make one for the life of the process.
    ///
    /// # Example
    /// ```no_run
    /// # async fn call(auth: doorward::Doorward) -> Result<(), Box<dyn std::error::Error>> {
    /// use doorward::TokenTarget;
    ///
    /// let tokens = auth.service_tokens(TokenTarget {
    ///     audience: vec!["https://orders.example.com".into()],
    ///     ..TokenTarget::default()
    /// });
    /// let authorization = format!("Bearer {}", tokens.get().await?.expose());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn service_tokens(&self, target: TokenTarget) -> ServiceTokens {
        self.engine.service_tokens(target)
    }

    /// The same of a provider by its name in the configuration; `None` where there is none of this name.
    #[must_use]
    pub fn service_tokens_of(&self, provider: &str, target: TokenTarget) -> Option<ServiceTokens> {
        self.engine.service_tokens_of(provider, target)
    }

    /// The sessions there are: to list a user's, and to end one, the others, a user's or a tenant's. Where sessions are stored.
    ///
    /// # Security
    /// It asks nobody whether they may: what is behind it is yours to guard. A user's own sessions are served at `/auth/sessions`.
    ///
    /// # Example
    /// ```no_run
    /// # use doorward::{Doorward, Session, SessionsError};
    /// /// A password was changed: every other device has to sign in anew.
    /// async fn after_change(auth: &Doorward, session: &Session) -> Result<usize, SessionsError> {
    ///     auth.sessions().end_others(session).await
    /// }
    ///
    /// /// Support ends every session of a user, who lost a laptop.
    /// async fn end_all(auth: &Doorward, subject: &str) -> Result<usize, SessionsError> {
    ///     auth.sessions().end_user("https://id.example.com", subject).await
    /// }
    /// ```
    #[must_use]
    pub fn sessions(&self) -> SessionRegistry {
        self.engine.sessions()
    }

    /// Asks every provider now for what is otherwise fetched on first need.
    ///
    /// # Errors
    /// [`DiscoverError`] for the first provider that does not answer; `?` on it makes a bad configuration end the start.
    pub async fn discover(&self) -> Result<(), DiscoverError> {
        self.engine.discover().await
    }

    /// Takes these session secrets in place of those at hand, at once and for everything; the first seals, all open.
    ///
    /// Nobody whose secret stays in the list is signed out: a session in cookies is sealed anew by its next request. Where
    /// several processes serve one application, add a new secret behind the first one in each of them, and only then put
    /// it first; [`watch_secrets_file`](Self::watch_secrets_file) does that by itself.
    ///
    /// # Errors
    /// [`KeyRingError`] for a list that cannot be used; the secrets at hand stay.
    pub fn replace_session_secrets(&self, secrets: Vec<SecretString>) -> Result<KeyRingChange, KeyRingError> {
        self.engine.replace_session_secrets(secrets)
    }

    /// Reads the session secrets from their file now and every five seconds from here on, so that `doorward keys rotate` is
    /// all that a rotation takes. Call it once, where the server's runtime is.
    ///
    /// A file that cannot be read or used is told in the log, once until it is another one, and the secrets at hand stay.
    #[cfg(feature = "http-client")]
    pub fn watch_secrets_file(&self, file: &crate::SecretsFile) {
        self.watch_session_secrets(file.source());
    }

    /// The same from a source of your own, such as a vault.
    pub fn watch_session_secrets(&self, source: impl SecretsSource) {
        self.engine.watch_session_secrets(source);
    }

    /// Lets the client prove itself to a provider by a new secret or key from the next call on, without touching a session.
    /// The provider is named as in [`Builder::named_provider`]; the one of [`Builder::provider`] is `main`.
    ///
    /// Set it here once the provider takes it, and withdraw the old one there after: a proof that was replaced is not
    /// tried again. While the provider refuses the proof nobody can sign in, and nobody is signed out.
    ///
    /// # Errors
    /// [`NotReplaced`], in which case the proof at hand stays.
    pub fn replace_client_authentication(
        &self,
        provider: &str,
        authentication: ClientAuthentication,
    ) -> Result<(), NotReplaced> {
        self.engine.replace_client_authentication(provider, authentication)
    }

    /// The engine underneath, for shells other than axum.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }
}

/// Collects the settings of a [`Doorward`].
#[derive(Clone)]
#[must_use = "nothing is protected until `build` is called"]
pub struct Builder {
    engine: EngineBuilder,
    has_fetch: bool,
    has_tasks: bool,
}

impl Builder {
    /// Says what browsers see: decides the redirect URI, cookie flags and the allowed origin.
    ///
    /// https, or plain http on a loopback name. With `{tenant}` as its first label every tenant has a host of
    /// its own, and a session of one is refused at another's.
    pub fn public_url(self, url: impl Into<String>) -> Self {
        self.map(|engine| engine.public_url(url))
    }

    /// Lets a frontend on another origin call with credentials, pass the origin rule, and be named in
    /// return URLs. May be called several times; `https://*.app.example.com` admits its subdomains.
    pub fn app_origin(self, origin: impl Into<String>) -> Self {
        self.map(|engine| engine.app_origin(origin))
    }

    /// Sets the identity provider.
    pub fn provider(self, provider: impl Into<Provider>) -> Self {
        self.map(|engine| engine.provider(provider))
    }

    /// Adds an identity provider that tenants choose by name; the first one is everybody else's.
    pub fn named_provider(self, name: impl Into<String>, provider: impl Into<Provider>) -> Self {
        self.map(|engine| engine.named_provider(name, provider))
    }

    /// Adds tenants. With tenants, a login may name one of them, and only their users sign in.
    ///
    /// # Example
    /// ```
    /// use doorward::{Doorward, Tenant};
    ///
    /// // acme is met at https://acme.app.example.com, globex at a host of its own as well.
    /// let builder = Doorward::builder()
    ///     .public_url("https://{tenant}.app.example.com")
    ///     .tenants([Tenant::new("acme"), Tenant::new("globex").host("portal.globex.com")]);
    /// ```
    pub fn tenants(self, tenants: impl IntoIterator<Item = Tenant>) -> Self {
        self.map(|engine| engine.tenants(tenants))
    }

    /// Looks tenants up elsewhere, in a database for instance.
    pub fn tenant_directory(self, directory: impl TenantDirectory) -> Self {
        self.map(|engine| engine.tenant_directory(directory))
    }

    /// Names the URL that is no tenant's, where the public URL holds `{tenant}`.
    pub fn public_url_without_tenant(self, url: impl Into<String>) -> Self {
        self.map(|engine| engine.public_url_without_tenant(url))
    }

    /// Says where sessions live and how long.
    pub fn session(self, sessions: Sessions) -> Self {
        self.map(|engine| engine.session(sessions))
    }

    /// Serves one tenant only; sessions and users of others are refused.
    pub fn tenant(self, name: impl Into<String>) -> Self {
        self.map(|engine| engine.tenant(name))
    }

    /// Moves our own endpoints; `/auth` unless set.
    pub fn base_path(self, path: impl Into<String>) -> Self {
        self.map(|engine| engine.base_path(path))
    }

    /// Where a login without `return_url` ends; `/` unless set.
    pub fn default_return_url(self, url: impl Into<String>) -> Self {
        self.map(|engine| engine.default_return_url(url))
    }

    /// Where the provider sends the browser after a logout; `/` unless set.
    pub fn post_logout_url(self, url: impl Into<String>) -> Self {
        self.map(|engine| engine.post_logout_url(url))
    }

    /// Accepts access tokens on routes whose rule takes them, and describes the service to clients at
    /// `/.well-known/oauth-protected-resource` (RFC 9728).
    ///
    /// # Example
    /// ```
    /// use doorward::{BearerTokens, Doorward, Rule};
    ///
    /// let builder = Doorward::builder().bearer(BearerTokens::new().audience("https://api.example.com"));
    /// let rule = Rule::session_or_bearer().with_scope("orders");
    /// ```
    pub fn bearer(self, tokens: BearerTokens) -> Self {
        self.map(|engine| engine.bearer(tokens))
    }

    /// Switches the token endpoint on; off unless set.
    ///
    /// # Security
    /// It hands the access token to any script of the page.
    pub fn token_endpoint(self, on: bool) -> Self {
        self.map(|engine| engine.token_endpoint(on))
    }

    /// Lets the provider end sessions by logout tokens, `POST /auth/backchannel-logout` (OpenID Connect Back-Channel Logout);
    /// off unless set.
    ///
    /// It needs a session store, or [`Sessions::revocation_store`] beside sessions in cookies. Register the endpoint's address
    /// with the provider as `backchannel_logout_uri`.
    ///
    /// # Security
    /// Anybody can call it; a call does nothing without the provider's signature.
    pub fn backchannel_logout(self, on: bool) -> Self {
        self.map(|engine| engine.backchannel_logout(on))
    }

    /// Lets the provider end a session by a frame, `GET /auth/frontchannel-logout` (OpenID Connect Front-Channel Logout); off
    /// unless set.
    ///
    /// It needs what [`backchannel_logout`](Self::backchannel_logout) needs, and a provider that sends `iss` and `sid`
    /// (`frontchannel_logout_session_required`). Prefer the back channel: most browsers send no cookies into such a frame.
    ///
    /// # Security
    /// Nothing of it is signed: who knows the provider's ID of a session can end that session, and nothing else.
    pub fn frontchannel_logout(self, on: bool) -> Self {
        self.map(|engine| engine.frontchannel_logout(on))
    }

    /// Shapes a login before it counts: look the user up, add data, set roles, or refuse.
    pub fn on_login<F, O>(self, hook: F) -> Self
    where
        F: Fn(Login) -> O + Send + Sync + 'static,
        O: Future<Output = Result<Login, LoginDenied>> + Send + 'static,
    {
        self.map(|engine| engine.on_login(hook))
    }

    /// Carries these parameters of the login link to [`on_login`](Self::on_login), where [`Login::carried`] reads them: an
    /// invitation, for instance. None unless set.
    ///
    /// 512 bytes in all; a link with more is refused.
    pub fn carry_through_login<S: Into<String>>(self, names: impl IntoIterator<Item = S>) -> Self {
        self.map(|engine| engine.carry_through_login(names))
    }

    /// Fills `metadata` of the session endpoint; an empty object unless set.
    pub fn session_metadata(self, hook: impl Fn(&doorward_engine::Session) -> Value + Send + Sync + 'static) -> Self {
        self.map(|engine| engine.session_metadata(hook))
    }

    /// Changes the look of refusals: body and headers, never the status.
    pub fn on_refusal(self, hook: impl Fn(Refusal) -> Refusal + Send + Sync + 'static) -> Self {
        self.map(|engine| engine.on_refusal(hook))
    }

    /// Sets the HTTP client; with the feature `http-client`, reqwest unless set.
    pub fn fetch(mut self, fetch: impl Fetch) -> Self {
        self.has_fetch = true;
        self.map(|engine| engine.fetch(fetch))
    }

    /// Sets the task runner; with the feature `http-client`, tokio unless set.
    pub fn tasks(mut self, tasks: impl Tasks) -> Self {
        self.has_tasks = true;
        self.map(|engine| engine.tasks(tasks))
    }

    /// Sets the clock; the machine's unless set.
    pub fn clock(self, clock: impl Clock) -> Self {
        self.map(|engine| engine.clock(clock))
    }

    /// Sets the source of randomness.
    ///
    /// # Security
    /// Everything rests on it: only tests have a reason to set it.
    pub fn danger_random(self, random: impl Random) -> Self {
        self.map(|engine| engine.danger_random(random))
    }

    /// Judges the settings. Opens nothing and fetches nothing.
    ///
    /// # Errors
    /// [`BuildError`] for the first setting that cannot be used, with its key.
    pub fn build(self) -> Result<Doorward, BuildError> {
        let engine = self.with_default_ports()?.build()?;
        Ok(Doorward { engine })
    }

    #[cfg(feature = "http-client")]
    fn with_default_ports(self) -> Result<EngineBuilder, BuildError> {
        let mut engine = self.engine;
        if !self.has_fetch {
            let client = doorward_http::HttpClient::new().map_err(|error| BuildError::port("fetch", error))?;
            engine = engine.fetch(client);
        }
        if !self.has_tasks {
            engine = engine.tasks(doorward_http::TokioTasks::new());
        }
        Ok(engine)
    }

    #[cfg(not(feature = "http-client"))]
    fn with_default_ports(self) -> Result<EngineBuilder, BuildError> {
        Ok(self.engine)
    }

    fn map(mut self, change: impl FnOnce(EngineBuilder) -> EngineBuilder) -> Self {
        self.engine = change(self.engine);
        self
    }
}
