//! Two instances over one real store: what the one ends, the other hears of by the store's own feed.
//!
//! The instances' clock stands still, so that nothing is read again because of its age.

use std::future::{Future, pending};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::routing::get;
use doorward::ports::{
    BoxFuture, Cursor, IndexKey, Loaded, Page, SessionStore, StoreError, StoreFeed, StoreKey, Write, Written,
};
use doorward::{Doorward, Provider, Rule, Session, Sessions, UnixTime};
use doorward_store_postgres::PostgresStore;
use doorward_store_redis::RedisStore;
use doorward_testkit::servers::{PostgresServer, RedisCluster, RedisOptions, RedisServer};
use doorward_testkit::{
    Browser, CLIENT_ID, CLIENT_SECRET, FixedClock, RouterFetch, ScriptedProvider, SeededRandom, TokioTestTasks,
};
use http::{Method, StatusCode};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

const APP: &str = "https://app.example.com";
const PROVIDER: &str = "https://id.example.net";
/// A secret that nobody uses.
const SECRET: &str = "s6Vt0mJ4yQb1xW8kZpR3cNfL7uHdEaGi2oTqYvXwB5M";
/// Shorter than the fifteen seconds after which a live connection's session is read without a word from the feed.
const BY_THE_FEED: Duration = Duration::from_secs(10);
/// For what has to wait, on a machine that has others to serve.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest deadline that a store may have.
const DEADLINE: Duration = Duration::from_secs(5);

/// A store whose feed can be taken away, and whose calls are another's.
#[derive(Clone)]
struct Shared {
    store: Arc<dyn SessionStore>,
    is_mute: bool,
}

struct Silence;

impl StoreFeed for Silence {
    fn next(&mut self) -> BoxFuture<'_, Result<StoreKey, StoreError>> {
        Box::pin(pending())
    }
}

impl SessionStore for Shared {
    fn load<'a>(&'a self, key: &'a StoreKey, now: UnixTime) -> BoxFuture<'a, Result<Loaded, StoreError>> {
        self.store.load(key, now)
    }

    fn write<'a>(
        &'a self,
        key: &'a StoreKey,
        write: Write<'a>,
        now: UnixTime,
    ) -> BoxFuture<'a, Result<Written, StoreError>> {
        self.store.write(key, write, now)
    }

    fn list<'a>(
        &'a self,
        index: &'a IndexKey,
        after: Option<Cursor>,
        now: UnixTime,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        self.store.list(index, after, now)
    }

    fn feed(&self) -> BoxFuture<'_, Result<Box<dyn StoreFeed>, StoreError>> {
        if self.is_mute {
            let silence: Box<dyn StoreFeed> = Box::new(Silence);
            return Box::pin(async { Ok(silence) });
        }
        self.store.feed()
    }

    fn deadline(&self) -> Duration {
        self.store.deadline()
    }
}

async fn redis(url: &str) -> Shared {
    let builder = RedisStore::builder(url).deadline(DEADLINE);
    let store = builder.connect_deadline(PATIENCE).connect().await;
    let store = Arc::new(store.expect("a URL that can be used"));
    Shared { store, is_mute: false }
}

async fn postgres(server: &PostgresServer) -> Shared {
    let builder = PostgresStore::builder(&server.url()).deadline(DEADLINE);
    let store = builder.build().expect("a URL that can be used");
    store.migrate().await.expect("tables that can be made");
    let store = Arc::new(store);
    Shared { store, is_mute: false }
}

/// One instance of the application.
struct Instance {
    browser: Browser,
    provider: ScriptedProvider,
    fetch: RouterFetch,
    clock: FixedClock,
    /// A permit for each request that waits for its session's end.
    waiting: Arc<Semaphore>,
}

impl Instance {
    #[allow(
        clippy::disallowed_methods,
        reason = "real stores have clocks of their own, so that the instances begin with the real time"
    )]
    fn first(sessions: Sessions) -> Self {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("a clock that is set");
        let clock = FixedClock::new(UnixTime::from_seconds(now.as_secs()));
        let provider = ScriptedProvider::new(PROVIDER, clock.clone());
        let fetch = RouterFetch::unreachable().mount("id.example.net", provider.router());
        Self::with(sessions, provider, fetch, clock, 7)
    }

    /// Another process of the same deployment: its own memory, the same network and time.
    fn beside(&self, sessions: Sessions) -> Self {
        Self::with(
            sessions,
            self.provider.clone(),
            self.fetch.clone(),
            self.clock.clone(),
            8,
        )
    }

    fn with(sessions: Sessions, provider: ScriptedProvider, fetch: RouterFetch, clock: FixedClock, seed: u64) -> Self {
        let auth = Doorward::builder()
            .public_url(APP)
            .provider(Provider::oidc(PROVIDER, CLIENT_ID, CLIENT_SECRET))
            .session(sessions)
            .fetch(fetch.clone())
            .tasks(TokioTestTasks::new())
            .clock(clock.clone())
            .danger_random(SeededRandom::new(seed))
            .build()
            .expect("settings that can be used");
        let waiting = Arc::new(Semaphore::new(0));
        let arrived = Arc::clone(&waiting);
        let wait = async move |session: Session| {
            let ended = session.ended();
            arrived.add_permits(1);
            ended.await;
            "ended"
        };
        let app = auth
            .router()
            .route("/home", Rule::Public, get(async || "home"))
            .route("/api/me", Rule::Session, get(async || "me"))
            .route("/api/wait", Rule::Session, get(wait))
            .build();
        let browser = Browser::new(APP)
            .mount(APP, app)
            .mount(PROVIDER, provider.router())
            .with_clock(clock.clone());
        Self {
            browser,
            provider,
            fetch,
            clock,
            waiting,
        }
    }

    async fn sign_in(&self, subject: &str) -> Browser {
        let subject = subject.to_owned();
        self.provider.script(|script| script.subject = subject);
        let browser = self.browser.stranger();
        let page = browser.visit_following("/auth/login?return_url=/home").await;
        assert_eq!(page.url.path(), "/home", "{}", page.text());
        browser
    }

    /// Somebody else's browser, or the same as it asks this instance.
    fn met_by(&self, browser: &Browser) -> Browser {
        let met = self.browser.stranger();
        for cookie in browser.cookies() {
            met.plant(cookie);
        }
        met
    }

    /// Begins a request that waits for the end of its session, and returns once it does.
    async fn wait(&self, browser: &Browser) -> JoinHandle<StatusCode> {
        let browser = browser.clone();
        let request = tokio::spawn(async move { browser.get("/api/wait").await.status });
        let arrived = timeout(PATIENCE, self.waiting.acquire()).await;
        arrived.expect("a handler that runs").expect("a semaphore").forget();
        request
    }
}

async fn sign_out(browser: &Browser) {
    let page = browser.request(Method::POST, "/auth/logout").send().await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
}

/// What the guarded endpoint says: 200 or the code of its refusal.
async fn stands(browser: &Browser) -> String {
    let page = browser.get("/api/me").await;
    match page.status {
        StatusCode::OK => "200".to_owned(),
        _ => page.problem_code(),
    }
}

async fn eventually<F: Future<Output = bool>>(what: &str, ask: impl Fn() -> F) -> Duration {
    let began = Instant::now();
    while !ask().await {
        assert!(began.elapsed() < PATIENCE, "expected within {PATIENCE:?}: {what}");
        sleep(Duration::from_millis(5)).await;
    }
    began.elapsed()
}

/// A session that ends at one instance ends a request that is under way at another.
async fn ends_live_connections(one: Shared, two: Shared) {
    let first = Instance::first(Sessions::stored(SECRET, one));
    let second = first.beside(Sessions::stored(SECRET, two));
    let bob = second.met_by(&first.sign_in("bob").await);
    let bobs = second.wait(&bob).await;
    // Whoever begins to follow reads once what is live, and may find the first end so; the second is told by the feed alone.
    let mut others = Vec::new();
    for subject in ["carol", "alice"] {
        let browser = first.sign_in(subject).await;
        let beside = second.met_by(&browser);
        let request = second.wait(&beside).await;
        others.push((browser, beside, request));
    }
    for (browser, beside, request) in others {
        sign_out(&browser).await;
        let ended = timeout(BY_THE_FEED, request).await.expect("an end in time");
        assert_eq!(ended.unwrap(), StatusCode::OK);
        assert_eq!(stands(&beside).await, "session_revoked");
    }
    assert_eq!(stands(&bob).await, "200");
    assert!(!bobs.is_finished(), "nobody else's ends");
    bobs.abort();
}

/// A logout of a session in cookies counts at another instance, and at one that starts later.
async fn revokes_elsewhere(one: Shared, two: Shared) {
    let cookies = |store: &Shared| Sessions::cookie(SECRET).revocation_store(store.clone());
    let first = Instance::first(cookies(&one));
    let second = first.beside(cookies(&two));
    let mute = Shared {
        is_mute: true,
        ..two.clone()
    };
    let deaf = first.beside(cookies(&mute));
    let (alice, bob) = (first.sign_in("alice").await, first.sign_in("bob").await);
    let stolen = alice.thief();
    let (theirs, bobs, unheard) = (second.met_by(&stolen), second.met_by(&bob), deaf.met_by(&stolen));
    for browser in [&theirs, &bobs, &unheard] {
        assert_eq!(stands(browser).await, "200");
    }
    sign_out(&alice).await;
    let took = eventually("a logout that is heard of", async || {
        stands(&theirs).await == "session_revoked"
    })
    .await;
    println!("a logout was heard of after {took:?}");
    assert_eq!(stands(&bobs).await, "200");
    assert_eq!(
        stands(&unheard).await,
        "200",
        "without the feed and without time nothing is read"
    );
    first.clock.advance(Duration::from_secs(10));
    assert_eq!(stands(&unheard).await, "session_revoked");
    let started_later = first.beside(cookies(&two));
    assert_eq!(stands(&started_later.met_by(&stolen)).await, "session_revoked");
    assert_eq!(stands(&started_later.met_by(&bob)).await, "200");
}

#[tokio::test]
async fn on_redis_an_end_at_one_instance_ends_what_is_under_way_at_another() {
    let server = RedisServer::start(RedisOptions::default()).await;
    ends_live_connections(redis(&server.url()).await, redis(&server.url()).await).await;
}

#[tokio::test]
async fn on_a_redis_cluster_an_end_at_one_instance_ends_what_is_under_way_at_another() {
    let cluster = RedisCluster::start(3).await;
    let [one, two] = [0, 1].map(|node| cluster.urls()[node].replacen("redis:", "redis+cluster:", 1));
    ends_live_connections(redis(&one).await, redis(&two).await).await;
}

#[tokio::test]
async fn on_postgres_an_end_at_one_instance_ends_what_is_under_way_at_another() {
    let server = PostgresServer::start().await;
    ends_live_connections(postgres(&server).await, postgres(&server).await).await;
}

#[tokio::test]
async fn on_redis_a_logout_of_a_session_in_cookies_counts_at_another_instance_and_at_a_later_one() {
    let server = RedisServer::start(RedisOptions::default()).await;
    revokes_elsewhere(redis(&server.url()).await, redis(&server.url()).await).await;
}

#[tokio::test]
async fn on_a_redis_cluster_a_logout_of_a_session_in_cookies_counts_at_another_instance_and_at_a_later_one() {
    let cluster = RedisCluster::start(3).await;
    let [one, two] = [0, 1].map(|node| cluster.urls()[node].replacen("redis:", "redis+cluster:", 1));
    revokes_elsewhere(redis(&one).await, redis(&two).await).await;
}

#[tokio::test]
async fn on_postgres_a_logout_of_a_session_in_cookies_counts_at_another_instance_and_at_a_later_one() {
    let server = PostgresServer::start().await;
    revokes_elsewhere(postgres(&server).await, postgres(&server).await).await;
}
