//! An application behind Doorward, its provider and its browser, on a clock that stands still.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use doorward::{Builder, Doorward, Provider, Rule, Session, Sessions, UnixTime};
use doorward_testkit::{
    Browser, CLIENT_ID, CLIENT_SECRET, FixedClock, RouterFetch, ScriptedProvider, SeededRandom, TokioTestTasks,
};
use serde_json::{Value, json};

/// What browsers see.
pub const APP: &str = "https://app.example.com";
/// The provider, on another site.
pub const PROVIDER: &str = "https://id.example.net";
/// A secret that nobody uses.
pub const SECRET: &str = "s6Vt0mJ4yQb1xW8kZpR3cNfL7uHdEaGi2oTqYvXwB5M";

/// Everything a test turns.
pub struct World {
    pub auth: Doorward,
    pub app: Router,
    pub browser: Browser,
    pub provider: ScriptedProvider,
    pub fetch: RouterFetch,
    pub clock: FixedClock,
    pub tasks: TokioTestTasks,
    pub calls: Arc<AtomicUsize>,
}

impl World {
    /// An application with sealed cookies.
    pub fn new() -> Self {
        Self::with(|builder| builder)
    }

    /// The same, with further settings.
    pub fn with(change: impl FnOnce(Builder) -> Builder) -> Self {
        Self::build(Sessions::cookie(SECRET), change)
    }

    /// The same, with sessions of one's choice.
    pub fn build(sessions: Sessions, change: impl FnOnce(Builder) -> Builder) -> Self {
        let clock = FixedClock::new(UnixTime::from_seconds(1_790_000_000));
        let provider = ScriptedProvider::new(PROVIDER, clock.clone());
        let fetch = RouterFetch::unreachable().mount("id.example.net", provider.router());
        let tasks = TokioTestTasks::new();
        let builder = Doorward::builder()
            .public_url(APP)
            .provider(Provider::oidc(PROVIDER, CLIENT_ID, CLIENT_SECRET))
            .session(sessions)
            .fetch(fetch.clone())
            .tasks(tasks.clone())
            .clock(clock.clone())
            .danger_random(SeededRandom::new(7));
        let auth = change(builder).build().unwrap();
        let calls = Arc::new(AtomicUsize::new(0));
        let app = application(&auth, &calls);
        let browser = Browser::new(APP)
            .mount(APP, app.clone())
            .mount(PROVIDER, provider.router())
            .with_clock(clock.clone());
        Self {
            auth,
            app,
            browser,
            provider,
            fetch,
            clock,
            tasks,
            calls,
        }
    }

    /// Signs in through the whole path; panics where it does not end in a session.
    pub async fn sign_in(&self) {
        let page = self.browser.visit_following("/auth/login?return_url=/home").await;
        assert_eq!(
            page.url.path(),
            "/home",
            "sign-in ended at {}: {}",
            page.url,
            page.text()
        );
    }

    pub fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// How often a handler ran that needs a session.
    pub fn handled(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// The CSRF token as a page reads it.
    pub fn csrf(&self) -> String {
        self.browser.script_cookie("CSRF-TOKEN").expect("a CSRF cookie")
    }
}

/// The application of the tests: each way to protect, once.
pub fn application(auth: &Doorward, calls: &Arc<AtomicUsize>) -> Router {
    let by_layer = Router::new()
        .route("/layer", get(answer).post(answer))
        .route_layer(auth.require_session());
    let by_extractor = Router::new()
        .route("/extractor", get(extracted).post(extracted))
        .route("/optional", get(optional).post(optional));
    auth.router()
        .route("/home", Rule::Public, get(|| async { "home" }))
        .route("/", Rule::Public, get(|| async { "start" }))
        .route(
            "/api/me",
            Rule::Session,
            get(answer).post(answer).put(answer).delete(answer).patch(answer),
        )
        .route("/api/admin", Rule::role("admin"), get(answer))
        .route("/api/auditor", Rule::role("auditor"), get(answer))
        .route(
            "/api/recent",
            Rule::max_auth_age(Duration::from_secs(300)),
            get(answer).post(answer),
        )
        .route(
            "/api/gold",
            Rule::acr(["gold", "platinum"]).with_max_auth_age(Duration::from_secs(60)),
            get(answer),
        )
        .route(
            "/recent",
            Rule::max_auth_age(Duration::from_secs(300)).or_login(),
            get(answer),
        )
        .route("/form", Rule::Session.csrf_origin(), get(answer).post(answer))
        .route("/page", Rule::Session.or_login(), get(answer).post(answer))
        .route("/api/token", Rule::Session, get(token))
        .route("/api/data", Rule::Session, get(read_data).post(write_data))
        .route("/by/layer", Rule::Public, get(|| async { "" }))
        .nest("/open", Rule::Public, by_layer.merge(by_extractor))
        .nest("/nested", Rule::Session, Router::new().route("/leaf", get(answer)))
        .build()
        .with_state(Arc::clone(calls))
}

async fn answer(State(calls): State<Arc<AtomicUsize>>, session: Option<Session>) -> Json<Value> {
    calls.fetch_add(1, Ordering::SeqCst);
    let user = session.map(|session| session.user().clone());
    Json(json!({
        "subject": user.as_ref().map(|user| user.subject.clone()),
        "tenant": user.as_ref().map(|user| user.tenant.clone()),
        "email": user.as_ref().and_then(|user| user.email.clone()),
        "email_verified": user.as_ref().map(|user| user.email_verified),
        "roles": user.map(|user| user.roles),
    }))
}

async fn extracted(State(calls): State<Arc<AtomicUsize>>, session: Session) -> Json<Value> {
    calls.fetch_add(1, Ordering::SeqCst);
    Json(json!({ "subject": session.user().subject }))
}

async fn optional(session: Option<Session>) -> Json<Value> {
    Json(json!({ "subject": session.map(|session| session.user().subject.clone()) }))
}

async fn token(session: Session) -> String {
    session.access_token().unwrap().expose().to_owned()
}

async fn read_data(session: Session) -> Json<Value> {
    Json(json!({ "note": session.get::<String>("note").unwrap() }))
}

async fn write_data(session: Session, Json(body): Json<Value>) -> Result<(), (http::StatusCode, String)> {
    session
        .insert("note", &body["note"])
        .map_err(|error| (http::StatusCode::PAYLOAD_TOO_LARGE, error.to_string()))
}
