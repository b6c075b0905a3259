//! A signed-in user, made through the public API: a whole login in process, then the cookies.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark whose set-up is wrong has to stop"
)]
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each bench target uses its part of this module"
)]

pub mod parts;

use std::hint::black_box;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use doorward::ports::Clock;
use doorward::{Doorward, Provider, Session, Sessions};
use doorward_engine::{Engine, Pass, RequestContext, RequestView, Rule, SystemClock, Verdict};
use doorward_testkit::{
    Answer, Browser, CLIENT_ID, CLIENT_SECRET, FixedClock, KeyAlgorithm, RouterFetch, ScriptedProvider, TokioTestTasks,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

/// What browsers see.
pub const APP: &str = "https://app.example.com";
/// The secret that the benchmarked sessions are sealed with.
pub const SECRET: &str = "s6Vt0mJ4yQb1xW8kZpR3cNfL7uHdEaGi2oTqYvXwB5M";
/// The size of the access token in the sessions measured.
pub const ACCESS_TOKEN_BYTES: usize = 983;

/// The name of the identity part's cookie on an https host.
pub const SESSION_COOKIE: &str = "__Host-session";

const PROVIDER: &str = "https://id.example.net";
const LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

/// An application and the cookies of somebody who signed in to it.
pub struct SignedIn {
    pub auth: Doorward,
    /// The `Cookie` header as the browser sends it.
    pub cookie: String,
    /// The CSRF token as a page reads it.
    pub csrf: String,
}

/// Builds an application with sealed cookies on the machine's clock and signs somebody in.
///
/// The lifetimes are long, so that no request of a benchmark happens to extend or refresh the session.
pub async fn sign_in() -> SignedIn {
    let clock = FixedClock::new(SystemClock::new().now());
    let provider = ScriptedProvider::builder(PROVIDER, clock.clone())
        .algorithm(KeyAlgorithm::Es256)
        .build();
    let token = access_token();
    provider.script(|script| {
        let (token, hash) = (token.clone(), KeyAlgorithm::Es256.half_hash(&token));
        // The provider does not know the token that it hands out, so it must not be asked with it.
        script.discovery = Answer::correct().without("userinfo_endpoint");
        script.token.expires_in = LIFETIME.as_secs();
        script.token.id_token.claim("at_hash", hash);
        script.token.answer = Answer::correct().with("access_token", token);
    });
    let auth = Doorward::builder()
        .public_url(APP)
        .provider(Provider::oidc(PROVIDER, CLIENT_ID, CLIENT_SECRET))
        .session(
            Sessions::cookie(SECRET)
                .idle_timeout(LIFETIME)
                .absolute_timeout(LIFETIME * 2),
        )
        .fetch(RouterFetch::unreachable().mount("id.example.net", provider.router()))
        .tasks(TokioTestTasks::new())
        .build()
        .unwrap();
    let app = Router::new()
        .route("/", get(|| async { "start" }))
        .route(
            "/token",
            get(async |session: Session| session.access_token().unwrap().expose().to_owned()),
        )
        .merge(auth.routes())
        .layer(auth.layer());
    let browser = Browser::new(APP)
        .mount(APP, app)
        .mount(PROVIDER, provider.router())
        .with_clock(clock);
    let start = browser.visit_following("/auth/login").await;
    assert_eq!(start.text(), "start", "sign-in ended at {}", start.url);
    assert_eq!(
        browser.get("/token").await.text(),
        token,
        "the session holds another token"
    );
    SignedIn {
        cookie: browser.cookie_header("/api"),
        csrf: browser.script_cookie("CSRF-TOKEN").unwrap(),
        auth,
    }
}

/// A text of the size of a usual RS256 token; to us an access token is a text without meaning.
fn access_token() -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    (0..ACCESS_TOKEN_BYTES)
        .map(|at| char::from(alphabet[(at * at + 7 * at) % alphabet.len()]))
        .collect()
}

impl SignedIn {
    /// The value of the identity part's cookie.
    pub fn identity(&self) -> &str {
        let mut pairs = self.cookie.split("; ").map(|pair| pair.split_once('=').unwrap());
        pairs.find(|(name, _)| *name == SESSION_COOKIE).unwrap().1
    }
}

/// A request as an HTTP server hands it over.
pub struct Incoming {
    method: Method,
    uri: Uri,
    pub headers: HeaderMap,
}

impl Incoming {
    /// A page's GET of our API, with these cookies.
    pub fn get(cookie: Option<&str>) -> Self {
        let mut lines = vec![
            ("host", "app.example.com"),
            (
                "user-agent",
                "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0",
            ),
            ("accept", "application/json"),
            ("accept-language", "en-US,en;q=0.5"),
            ("accept-encoding", "gzip, deflate, br, zstd"),
            ("referer", "https://app.example.com/orders"),
            ("sec-fetch-dest", "empty"),
            ("sec-fetch-mode", "cors"),
            ("sec-fetch-site", "same-origin"),
        ];
        lines.extend(cookie.map(|cookie| ("cookie", cookie)));
        // As hyper does: one shared buffer, every value a slice of it.
        let buffer = Bytes::from(lines.iter().map(|(_, value)| *value).collect::<String>());
        let mut headers = HeaderMap::with_capacity(lines.len());
        let mut at = 0;
        for (name, value) in &lines {
            let slice = buffer.slice(at..at + value.len());
            at += value.len();
            let value = HeaderValue::from_maybe_shared(slice).unwrap();
            headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value);
        }
        Self {
            method: Method::GET,
            uri: Uri::from_maybe_shared(Bytes::from("/api/orders?page=2".to_owned())).unwrap(),
            headers,
        }
    }

    /// What the engine sees of it.
    pub fn view(&self) -> RequestView<'_> {
        RequestView {
            method: &self.method,
            uri: &self.uri,
            headers: &self.headers,
        }
    }
}

/// A cookie header to an authenticated session: a context, the guard, something with the session,
/// and letting go of everything.
#[inline]
pub fn authenticate(
    engine: &Engine,
    incoming: &Incoming,
    rule: &Rule,
    with_session: impl FnOnce(&doorward_engine::Session),
) -> bool {
    let context = RequestContext::new(engine, incoming.view());
    match engine.guard(&context, incoming.view(), rule) {
        Verdict::Ready(Ok(Pass::Session(_))) => {
            let session = context.session();
            session.map(|session| with_session(black_box(session))).is_some()
        }
        Verdict::Ready(denied) => {
            let _ = black_box(denied);
            false
        }
        Verdict::Wait(_) => false,
    }
}

/// A runtime for the login in process.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// Cookies of other applications: so many bytes, as pairs of this size.
pub fn unrelated(bytes: usize, pair: usize) -> String {
    let mut text = String::with_capacity(bytes);
    let mut number = 0;
    while text.len() < bytes {
        let begin = text.len();
        text.push_str(&format!("_pk_id.{number}.1fff="));
        while text.len() < begin + pair - 2 {
            text.push_str("5f2c1b0a9d8e7f6a3c4d");
        }
        text.truncate(begin + pair - 2);
        text.push_str("; ");
        number += 1;
    }
    text.truncate(bytes.saturating_sub(2));
    if bytes > 0 {
        text.push_str("; ");
    }
    text
}
