//! An OpenID provider that is correct until told to misbehave.
//!
//! Correct by default and strict towards the client: PKCE with S256, exact redirect URIs, single-use codes, rotating
//! refresh tokens with reuse detection. Every place where a provider can cheat is a field of [`Script`], which may change
//! between two requests. It shares no parsing or verifying code with what it tests.

mod answer;
mod authorize;
mod bomb;
mod builder;
mod client_auth;
pub mod decoys;
mod keys;
mod mint;
mod script;
mod serve;
#[cfg(test)]
mod tests;
mod token;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::routing::any;
use bytes::Bytes;
use doorward_core::ports::Clock;
use http::{HeaderMap, Method, Uri};
use serde_json::{Map, Value};

pub use answer::{Answer, Body};
pub use builder::ScriptedProviderBuilder;
pub use client_auth::ClientKind;
pub use keys::{KeyAlgorithm, ProviderKey};
pub use script::{
    AccessTokenKind, AuthorizationScript, Delivery, IdTokenScript, KeyScript, Rotation, Script, Signing, TokenScript,
    UserinfoScript,
};

use crate::SeededRandom;

/// The client that every provider knows unless told of others.
pub const CLIENT_ID: &str = "app";
/// Its secret, which needs form-encoding under `client_secret_basic`.
pub const CLIENT_SECRET: &str = "s3cret: 50% of+it & \"more\" / of the kind";

/// A provider under script; clones are the same provider.
///
/// # Example
/// ```
/// use doorward_testkit::{FixedClock, RouterFetch, ScriptedProvider};
///
/// let provider = ScriptedProvider::new("https://id.example.com", FixedClock::default());
/// let fetch = RouterFetch::unreachable().mount("id.example.com", provider.router());
/// provider.script(|script| script.token.id_token.claim("nonce", "another"));
/// // … drive a login through `fetch`; it must be refused.
/// # drop(fetch);
/// ```
#[derive(Clone)]
pub struct ScriptedProvider {
    inner: Arc<Inner>,
}

struct Inner {
    issuer: String,
    clock: Arc<dyn Clock>,
    random: SeededRandom,
    state: Mutex<State>,
}

struct State {
    script: Script,
    keys: Keys,
    clients: HashMap<String, ClientKind>,
    codes: HashMap<String, CodeGrant>,
    refresh_tokens: HashMap<String, RefreshGrant>,
    revoked_families: HashSet<usize>,
    families: usize,
    access_tokens: HashMap<String, Grant>,
    assertions: HashSet<String>,
    recorded: Vec<Recorded>,
    minted: Vec<String>,
}

struct Keys {
    current: Arc<ProviderKey>,
    published: Vec<Arc<ProviderKey>>,
    made: usize,
}

impl Keys {
    fn next_kid(&mut self) -> String {
        self.made += 1;
        format!("key-{}", self.made)
    }
}

/// What a user granted to a client.
#[derive(Clone, Debug)]
struct Grant {
    client_id: String,
    subject: String,
    claims: Map<String, Value>,
    scope: String,
    nonce: Option<String>,
    auth_time: u64,
    acr: Option<String>,
    session_id: String,
}

struct CodeGrant {
    grant: Grant,
    redirect_uri: String,
    challenge: String,
    used: bool,
}

struct RefreshGrant {
    grant: Grant,
    family: usize,
    used: bool,
}

/// The endpoints, as they are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// `/.well-known/openid-configuration`
    Discovery,
    /// `/jwks`
    Jwks,
    /// `/authorize`
    Authorize,
    /// `/token`
    Token,
    /// `/userinfo`
    Userinfo,
    /// `/revoke`
    Revocation,
    /// `/logout`
    EndSession,
    /// Anything else: nobody should ask for it.
    Elsewhere,
}

impl Endpoint {
    const PATHS: [(Self, &'static str); 7] = [
        (Self::Discovery, "/.well-known/openid-configuration"),
        (Self::Jwks, "/jwks"),
        (Self::Authorize, "/authorize"),
        (Self::Token, "/token"),
        (Self::Userinfo, "/userinfo"),
        (Self::Revocation, "/revoke"),
        (Self::EndSession, "/logout"),
    ];
}

/// One request that the provider got.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Recorded {
    /// Where it came in.
    pub endpoint: Endpoint,
    /// The method.
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Recorded {
    /// The parameters, of the query and of a form body, in order.
    #[must_use]
    pub fn params(&self) -> Vec<(String, String)> {
        let query = self.uri.query().unwrap_or_default().as_bytes();
        let pairs = url::form_urlencoded::parse(query);
        let pairs = pairs.chain(url::form_urlencoded::parse(&self.body));
        pairs
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect()
    }

    /// The value of a parameter.
    ///
    /// # Panics
    /// If it was given more than once.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<String> {
        let mut found = self.params().into_iter().filter(|(other, _)| other == name);
        let first = found.next().map(|(_, value)| value);
        assert!(found.next().is_none(), "parameter {name} was given twice");
        first
    }
}

impl ScriptedProvider {
    /// Makes a correct provider that knows the client [`CLIENT_ID`] with [`CLIENT_SECRET`].
    #[must_use]
    pub fn new(issuer: &str, clock: impl Clock) -> Self {
        Self::builder(issuer, clock).build()
    }

    /// Begins to set up a provider.
    pub fn builder(issuer: &str, clock: impl Clock) -> ScriptedProviderBuilder {
        let seed = issuer
            .bytes()
            .fold(17_u64, |seed, byte| seed.wrapping_mul(31) + u64::from(byte));
        ScriptedProviderBuilder {
            issuer: issuer.to_owned(),
            clock: Arc::new(clock),
            algorithm: KeyAlgorithm::Es256,
            clients: [(CLIENT_ID.to_owned(), ClientKind::Secret(CLIENT_SECRET.to_owned()))].into(),
            seed,
        }
    }

    /// The issuer identifier, as it was given.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.inner.issuer
    }

    /// The provider as a router; the issuer's path stands before every endpoint.
    pub fn router(&self) -> Router {
        let base = self.base_path();
        let mut router = Router::new();
        for (endpoint, path) in Endpoint::PATHS {
            let provider = self.clone();
            let serve = move |request| provider.clone().serve(endpoint, request);
            router = router.route(&format!("{base}{path}"), any(serve));
        }
        let provider = self.clone();
        router.fallback(move |request| provider.clone().serve(Endpoint::Elsewhere, request))
    }

    /// Changes the script; it holds from the next request on.
    pub fn script<T>(&self, change: impl FnOnce(&mut Script) -> T) -> T {
        change(&mut self.state().script)
    }

    /// Makes the provider correct again.
    pub fn reset(&self) {
        self.state().script = Script::default();
    }

    /// Adds a client, or gives the one of this name another way to authenticate.
    pub fn set_client(&self, client_id: &str, kind: ClientKind) {
        self.state().clients.insert(client_id.to_owned(), kind);
    }

    /// Signs with a fresh key from now on; the old ones stay in the key set, or go.
    pub fn rotate_keys(&self, keep_old: bool) {
        let mut state = self.state();
        let kid = state.keys.next_kid();
        let key = Arc::new(ProviderKey::generate(state.keys.current.algorithm(), kid));
        if !keep_old {
            state.keys.published.clear();
        }
        state.keys.published.push(key.clone());
        state.keys.current = key;
    }

    /// The key that signs now.
    #[must_use]
    pub fn current_key(&self) -> Arc<ProviderKey> {
        self.state().keys.current.clone()
    }

    /// The algorithm that the provider signs in.
    #[must_use]
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.state().keys.current.algorithm()
    }

    /// Signs claims with the current key, as a token of this type.
    #[must_use]
    pub fn sign(&self, typ: &str, claims: &Value) -> String {
        self.signed(&IdTokenScript::default(), typ, claims.clone())
    }

    /// Signs claims as the script says, as a token of this type.
    #[must_use]
    pub fn sign_as(&self, script: &IdTokenScript, typ: &str, claims: &Value) -> String {
        self.signed(script, typ, claims.clone())
    }

    /// Every request so far, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.state().recorded.clone()
    }

    /// Every request to one endpoint, oldest first.
    #[must_use]
    pub fn requests_to(&self, endpoint: Endpoint) -> Vec<Recorded> {
        let state = self.state();
        state
            .recorded
            .iter()
            .filter(|request| request.endpoint == endpoint)
            .cloned()
            .collect()
    }

    /// Counts the requests to one endpoint.
    #[must_use]
    pub fn count(&self, endpoint: Endpoint) -> usize {
        let state = self.state();
        state
            .recorded
            .iter()
            .filter(|request| request.endpoint == endpoint)
            .count()
    }

    /// Counts the token requests with this `grant_type`.
    #[must_use]
    pub fn token_calls(&self, grant_type: &str) -> usize {
        let asked = |request: &&Recorded| {
            request
                .params()
                .iter()
                .any(|(name, value)| name == "grant_type" && value == grant_type)
        };
        self.requests_to(Endpoint::Token).iter().filter(asked).count()
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        self.state().recorded.clear();
    }

    /// Every code and token made so far: what must never appear in a log.
    #[must_use]
    pub fn minted_secrets(&self) -> Vec<String> {
        self.state().minted.clone()
    }

    /// Tells whether a refresh token would be accepted.
    #[must_use]
    pub fn accepts_refresh_token(&self, token: &str) -> bool {
        let state = self.state();
        state.refresh_tokens.get(token).is_some_and(|grant| {
            let spent = grant.used && state.script.rotation != Rotation::Off;
            !spent && !state.revoked_families.contains(&grant.family)
        })
    }

    /// Revokes every refresh token, as an administrator would: the next refresh is `invalid_grant`.
    pub fn revoke_everything(&self) {
        let mut state = self.state();
        let families: Vec<usize> = (0..=state.families).collect();
        state.revoked_families.extend(families);
    }

    fn base_path(&self) -> String {
        let url: url::Url = self.inner.issuer.parse().expect("an issuer that is an address");
        url.path().trim_end_matches('/').to_owned()
    }

    fn now(&self) -> u64 {
        self.inner.clock.now().seconds()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap()
    }
}
