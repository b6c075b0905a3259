//! What an application says about its provider and its sessions.

use std::sync::Arc;
use std::time::Duration;

use doorward_core::cookie::SameSite;
use doorward_core::ports::SessionStore;
use doorward_crypto::{Algorithm, KeyRing, SecretString, SigningKey};
use doorward_oidc::{
    AuthorizeSettings, Client, ClientAuthentication, HttpIssuer, Issuer, IssuerError, ResponseMode, SettingsError,
};

use crate::client::{OwnClient, check_authentication};
use crate::error::BuildError;
use crate::secrets::Secrets;
use crate::settings_wristband::{PlatformSettings, Wristband};
use crate::store_memory::MemoryStore;

/// How long before its end an access token is renewed, unless set.
const REFRESH_AHEAD: Duration = Duration::from_secs(60);

/// An identity provider and how we are known to it.
///
/// # Example
/// ```
/// use doorward_engine::Provider;
///
/// let provider = Provider::oidc("https://id.example.com", "app", "the client's secret")
///     .scopes(["openid", "offline_access", "email"])
///     .roles_claim("realm_access.roles");
/// ```
#[derive(Clone)]
pub struct Provider {
    issuer: String,
    client_id: String,
    authentication: ClientAuthentication,
    scopes: Vec<String>,
    authorize_params: Vec<(String, String)>,
    response_mode: ResponseMode,
    roles_claim: String,
    tenant_claim: String,
    algorithms: Vec<Algorithm>,
    danger_http_issuer: bool,
    refresh_ahead: Duration,
    /// Where it is the Wristband platform, this says everything and the rest nothing.
    wristband: Option<Box<Wristband>>,
}

impl From<Wristband> for Provider {
    fn from(wristband: Wristband) -> Self {
        Self {
            wristband: Some(Box::new(wristband)),
            ..Self::oidc("", "", "")
        }
    }
}

impl Provider {
    /// Names any OpenID provider: its issuer, byte for byte as its metadata says it, and our client.
    ///
    /// The client authenticates with `client_secret_basic` unless
    /// [`client_authentication`](Self::client_authentication) says otherwise.
    #[must_use]
    pub fn oidc(
        issuer: impl Into<String>,
        client_id: impl Into<String>,
        client_secret: impl Into<SecretString>,
    ) -> Self {
        Self {
            issuer: issuer.into(),
            client_id: client_id.into(),
            authentication: ClientAuthentication::SecretBasic(client_secret.into()),
            scopes: ["openid", "offline_access", "email"].map(String::from).into(),
            authorize_params: Vec::new(),
            response_mode: ResponseMode::Query,
            roles_claim: "roles".into(),
            tenant_claim: "tenant".into(),
            algorithms: Algorithm::ALL.to_vec(),
            danger_http_issuer: false,
            refresh_ahead: REFRESH_AHEAD,
            wristband: None,
        }
    }

    /// Asks for these scopes; `openid`, `offline_access` and `email` unless set.
    ///
    /// `offline_access` is left out, with a log line, where the provider's `scopes_supported` lacks
    /// it. A request can never widen the scopes.
    #[must_use]
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Adds a parameter to every authorization request, such as `access_type=offline`.
    ///
    /// The names of the protocol itself are refused when the application is built.
    #[must_use]
    pub fn authorize_param(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.authorize_params.push((name.into(), value.into()));
        self
    }

    /// Chooses how the client proves itself at the token endpoint (RFC 6749 §2.3, RFC 7523).
    #[must_use]
    pub fn client_authentication(mut self, authentication: ClientAuthentication) -> Self {
        self.authentication = authentication;
        self
    }

    /// Authenticates with assertions signed by `key` (`private_key_jwt`, RFC 7523).
    #[must_use]
    pub fn private_key_jwt(self, key: SigningKey) -> Self {
        self.client_authentication(ClientAuthentication::PrivateKeyJwt(Arc::new(key)))
    }

    /// Chooses how the provider answers; [`ResponseMode::FormPost`] makes the login cookie
    /// `SameSite=None` and needs an https public URL.
    #[must_use]
    pub fn response_mode(mut self, mode: ResponseMode) -> Self {
        self.response_mode = mode;
        self
    }

    /// Names the claim that holds the user's roles: a member of exactly that name, else a dotted
    /// path; `roles` unless set.
    #[must_use]
    pub fn roles_claim(mut self, name: impl Into<String>) -> Self {
        self.roles_claim = name.into();
        self
    }

    /// Names the claim that holds the user's tenant; `tenant` unless set.
    #[must_use]
    pub fn tenant_claim(mut self, name: impl Into<String>) -> Self {
        self.tenant_claim = name.into();
        self
    }

    /// Pins the algorithms an ID token may be signed with; all five we know unless set.
    #[must_use]
    pub fn id_token_algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = algorithms.into_iter().collect();
        self
    }

    /// Renews access tokens this long before they end, at most a third of their life; 60 s unless set.
    #[must_use]
    pub fn refresh_ahead(mut self, ahead: Duration) -> Self {
        self.refresh_ahead = ahead;
        self
    }

    /// Accepts an issuer on plain http that is not on this machine.
    ///
    /// # Security
    /// Whoever can read or change the traffic to such a provider can sign in as anybody.
    #[must_use]
    pub fn danger_http_issuer(mut self) -> Self {
        self.danger_http_issuer = true;
        self
    }

    /// Judges the provider alone, as building the application will.
    ///
    /// For whoever reads several from elsewhere and wants to name the one that is at fault.
    ///
    /// # Errors
    /// [`BuildError`] for the first setting that cannot be used.
    pub fn check(&self) -> Result<(), BuildError> {
        self.clone().checked().map(|_| ())
    }

    pub(crate) fn checked(self) -> Result<ProviderSettings, BuildError> {
        if let Some(wristband) = self.wristband {
            return wristband.checked();
        }
        let http = if self.danger_http_issuer {
            HttpIssuer::DangerAnywhere
        } else {
            HttpIssuer::LoopbackOnly
        };
        let issuer = Issuer::parse(&self.issuer, http).map_err(|error| match error {
            IssuerError::NotHttps => BuildError::text(
                "provider.issuer",
                format!("{error}; danger_http_issuer accepts it all the same"),
            ),
            error => BuildError::setting("provider.issuer", error),
        })?;
        if self.client_id.is_empty() {
            return Err(BuildError::text(
                "provider.client_id",
                "expected the client's identifier, found an empty text",
            ));
        }
        check_authentication(&self.authentication)?;
        if self.algorithms.is_empty() {
            return Err(BuildError::text(
                "provider.id_token_algorithms",
                "expected at least one algorithm, found none",
            ));
        }
        let authorize = AuthorizeSettings::new(self.scopes, self.authorize_params, self.response_mode).map_err(
            |error| match error {
                SettingsError::Scope(_) => BuildError::setting("provider.scopes", error),
                error => BuildError::setting("provider.authorize_params", error),
            },
        )?;
        Ok(ProviderSettings {
            issuer,
            client: OwnClient::new(Client {
                client_id: self.client_id,
                authentication: self.authentication,
            }),
            authorize,
            roles_claim: self.roles_claim,
            tenant_claim: self.tenant_claim,
            algorithms: self.algorithms,
            refresh_ahead: self.refresh_ahead,
            platform: None,
        })
    }
}

/// The provider's settings after every check.
pub(crate) struct ProviderSettings {
    pub(crate) issuer: Issuer,
    pub(crate) client: OwnClient,
    pub(crate) authorize: AuthorizeSettings,
    pub(crate) roles_claim: String,
    pub(crate) tenant_claim: String,
    pub(crate) algorithms: Vec<Algorithm>,
    /// How long before its end an access token is renewed.
    pub(crate) refresh_ahead: Duration,
    /// What the Wristband platform needs beside all that.
    pub(crate) platform: Option<PlatformSettings>,
}

/// Where sessions live and how long.
///
/// # Example
/// ```
/// use std::time::Duration;
/// use doorward_engine::Sessions;
///
/// # let secret = "Zk3vXw9pQ2sT7yUe1aBcD5fGhJ8kLmN0";
/// let sessions = Sessions::cookie(secret)
///     .idle_timeout(Duration::from_secs(1800))
///     .absolute_timeout(Duration::from_secs(8 * 3600));
/// ```
#[derive(Clone)]
pub struct Sessions {
    pub(crate) secrets: Vec<SecretString>,
    pub(crate) place: Place,
    pub(crate) revocation_store: Option<Arc<dyn SessionStore>>,
    pub(crate) idle_timeout: Duration,
    pub(crate) absolute_timeout: Duration,
    pub(crate) outlive_access_token: bool,
    pub(crate) max_per_user: Option<usize>,
    pub(crate) same_site: SameSite,
    pub(crate) cookie_domain: Option<String>,
    pub(crate) cookie_name: Option<String>,
    pub(crate) csrf_cookie_name: Option<String>,
    pub(crate) csrf_header_name: Option<String>,
    pub(crate) serve_stale: Option<Duration>,
}

#[derive(Clone)]
pub(crate) enum Place {
    Cookie,
    Store(Arc<dyn SessionStore>),
}

impl Sessions {
    /// Keeps sessions sealed in the browser's cookies, with nothing stored on the server.
    ///
    /// The secret is used as written and needs at least 32 bytes that nobody can guess;
    /// `doorward keys generate` makes one. Of a list the first seals, and all open.
    ///
    /// A session ended by logout is remembered by this process only: after a restart, or in
    /// another process, a copy of its cookie works until it expires. Where a logout has to be
    /// certain, use a store, or share what was ended by [`revocation_store`](Self::revocation_store).
    #[must_use]
    pub fn cookie(secrets: impl Into<Secrets>) -> Self {
        Self::at(Place::Cookie, secrets.into())
    }

    /// Keeps sessions in this process's memory; the browser holds an identifier and a secret.
    #[must_use]
    pub fn memory(secrets: impl Into<Secrets>) -> Self {
        Self::stored(secrets, MemoryStore::new())
    }

    /// Keeps sessions in a store; the browser holds an identifier and a secret, the store a digest
    /// of both and a sealed record.
    #[must_use]
    pub fn stored(secrets: impl Into<Secrets>, store: impl SessionStore) -> Self {
        Self::at(Place::Store(Arc::new(store)), secrets.into())
    }

    fn at(place: Place, Secrets(secrets): Secrets) -> Self {
        Self {
            secrets,
            place,
            revocation_store: None,
            idle_timeout: Duration::from_secs(3600),
            absolute_timeout: Duration::from_secs(12 * 3600),
            outlive_access_token: false,
            max_per_user: None,
            same_site: SameSite::Lax,
            cookie_domain: None,
            cookie_name: None,
            csrf_cookie_name: None,
            csrf_header_name: None,
            serve_stale: None,
        }
    }

    /// Remembers in a store which sessions were ended, for sessions in cookies: a logout then counts in every process and after a
    /// restart, and the provider can end sessions too ([`backchannel_logout`](crate::EngineBuilder::backchannel_logout)).
    ///
    /// The store holds one small entry for each session that was ended, until its absolute end. Each process judges by a copy of
    /// at most 100,000 entries, the oldest dropped first. It hears of new ones by the store's feed, and looks every five
    /// seconds: without the feed a session that was ended elsewhere lives on for ten seconds at most. While the store does not
    /// answer, the copy serves for a minute; after that, requests with a session are refused with 503 `store_unavailable`.
    #[must_use]
    pub fn revocation_store(mut self, store: impl SessionStore) -> Self {
        self.revocation_store = Some(Arc::new(store));
        self
    }

    /// Adds a secret that still opens what it sealed; the first one given seals.
    #[must_use]
    pub fn also_open_with(mut self, older: impl Into<SecretString>) -> Self {
        self.secrets.push(older.into());
        self
    }

    /// Ends a session that made no request for this long; one hour unless set.
    #[must_use]
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Ends a session this long after login, whatever it does; twelve hours unless set.
    #[must_use]
    pub fn absolute_timeout(mut self, timeout: Duration) -> Self {
        self.absolute_timeout = timeout;
        self
    }

    /// Lets a session without a refresh token outlive its access token; off unless set.
    #[must_use]
    pub fn outlive_access_token(mut self, outlive: bool) -> Self {
        self.outlive_access_token = outlive;
        self
    }

    /// Ends a user's oldest sessions when a login makes them more than this many; no limit unless set. Stored sessions only.
    ///
    /// The session that begins is never the one that ends. A user's sessions count apart in each tenant. Two logins at once may
    /// pass the limit, until the next one.
    #[must_use]
    pub fn max_per_user(mut self, most: usize) -> Self {
        self.max_per_user = Some(most);
        self
    }

    /// Sets `SameSite` of the session cookie; `Lax` unless set, `None` only over https.
    #[must_use]
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }

    /// Shares session and CSRF cookie among the subdomains of `domain`; the cookie prefix becomes
    /// `__Secure-`.
    ///
    /// # Security
    /// Every host below the domain receives the session cookie and can overwrite it.
    #[must_use]
    pub fn cookie_domain(mut self, domain: impl Into<String>) -> Self {
        self.cookie_domain = Some(domain.into());
        self
    }

    /// Names the session cookie.
    #[must_use]
    pub fn cookie_name(mut self, name: impl Into<String>) -> Self {
        self.cookie_name = Some(name.into());
        self
    }

    /// Names the CSRF cookie; `CSRF-TOKEN` unless set.
    #[must_use]
    pub fn csrf_cookie_name(mut self, name: impl Into<String>) -> Self {
        self.csrf_cookie_name = Some(name.into());
        self
    }

    /// Names the CSRF request header; `X-CSRF-TOKEN` unless set.
    #[must_use]
    pub fn csrf_header_name(mut self, name: impl Into<String>) -> Self {
        self.csrf_header_name = Some(name.into());
        self
    }

    /// While the store is down, serves sessions that this process has read from it within `limit`; unless set, a request
    /// whose session cannot be read is 503 `store_unavailable`.
    ///
    /// What needs the store to be written is 503 all the same: login, logout, session data, tokens that are due.
    ///
    /// # Security
    /// A session that another instance ended shortly before the outage may be served until `limit` is over. At most five minutes.
    #[must_use]
    pub fn serve_stale(mut self, limit: Duration) -> Self {
        self.serve_stale = Some(limit);
        self
    }

    pub(crate) fn key_ring(&self) -> Result<KeyRing, BuildError> {
        KeyRing::new(self.secrets.clone()).map_err(|error| BuildError::setting("session.secrets", error))
    }
}
