//! An application with live connections, on time that passes only when told.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::sse::{Event, Sse};
use axum::routing::get;
use doorward::ports::{
    BoxFuture, Cursor, IndexKey, Loaded, Page as Keys, SessionStore, StoreError, StoreErrorKind, StoreFeed, StoreKey,
    Write, Written,
};
use doorward::{Builder, Doorward, Ended, MemoryStore, Rule, Session, Sessions, UnixTime};
use doorward_testkit::Browser;
use futures_util::{Stream, StreamExt as _, stream};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tower::ServiceExt as _;

use crate::support::{APP, SECRET, World};

/// A world with live connections.
pub struct Stage {
    pub world: World,
    pub app: Router,
    handed: mpsc::UnboundedReceiver<Session>,
}

impl Stage {
    pub fn new(sessions: Sessions) -> Self {
        Self::with(sessions, |builder| builder)
    }

    pub fn with(sessions: Sessions, change: impl FnOnce(Builder) -> Builder) -> Self {
        let world = World::build(sessions, change);
        let (hand, handed) = mpsc::unbounded_channel();
        let app = application(&world.auth, hand);
        let _ = world.browser.clone().mount(APP, app.clone());
        Self { world, app, handed }
    }

    pub async fn signed_in(sessions: Sessions) -> Self {
        let stage = Self::new(sessions);
        stage.world.sign_in().await;
        stage
    }

    /// One with sealed cookies and one with a store, both signed in.
    pub async fn both_places() -> [Self; 2] {
        let [sealed, stored] = [Sessions::cookie(SECRET), Sessions::memory(SECRET)].map(Self::signed_in);
        [sealed.await, stored.await]
    }

    /// The session as a handler of `path` holds it.
    pub async fn session_at(&mut self, browser: &Browser, path: &str) -> Session {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text());
        self.handed.try_recv().expect("a session from the handler")
    }

    /// The end of the browser's session.
    pub async fn ended(&mut self) -> Ending {
        let browser = self.world.browser.clone();
        Ending::of(&self.session_at(&browser, "/session").await).await
    }

    /// A response whose body is still on its way.
    pub async fn open(&self, browser: &Browser, path: &str) -> Response<Body> {
        let request = Request::get(path)
            .header("host", "app.example.com")
            .header("cookie", browser.cookie_header(&format!("{APP}{path}")))
            .header("sec-fetch-site", "same-origin");
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub async fn send(&self, request: Request<Body>) -> Response<Body> {
        let response = self.app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response
    }

    pub async fn log_out(&self, browser: &Browser) {
        let page = browser.request(http::Method::POST, "/auth/logout").send().await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    }

    /// Waits for a handler to hand its session over.
    #[cfg(feature = "ws")]
    pub async fn handed_soon(&mut self) {
        let handed = tokio::time::timeout(Duration::from_secs(15), self.handed.recv());
        handed.await.expect("a handler that is done").unwrap();
    }

    /// Lets both clocks pass, a second at a time.
    pub async fn pass(&self, seconds: u64) {
        for _ in 0..seconds {
            self.world.advance(1);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Lets whatever can be done now be done.
    pub async fn settle(&self) {
        settle().await;
    }
}

pub async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

/// A session's end that somebody waits for.
pub struct Ending(Pin<Box<dyn Future<Output = Ended> + Send>>);

impl Ending {
    pub async fn of(session: &Session) -> Self {
        let ending = Self(Box::pin(session.ended()));
        settle().await;
        ending
    }

    /// The reason, if it is known by now.
    pub async fn now(&mut self) -> Option<Ended> {
        settle().await;
        let mut context = Context::from_waker(Waker::noop());
        match self.0.as_mut().poll(&mut context) {
            Poll::Ready(why) => Some(why),
            Poll::Pending => None,
        }
    }

    /// The reason, and how long it took to be known.
    pub async fn within(self, limit: Duration) -> (Ended, Duration) {
        let begun = Instant::now();
        let why = tokio::time::timeout(limit, self.0).await.expect("an end in time");
        (why, begun.elapsed())
    }
}

/// What a body has sent so far, and how it ended.
pub struct Reading {
    body: Body,
    pub frames: usize,
    pub end: Option<Result<(), String>>,
}

impl Reading {
    pub fn of(response: Response<Body>) -> Self {
        Self {
            body: response.into_body(),
            frames: 0,
            end: None,
        }
    }

    /// Reads what is there.
    pub async fn look(&mut self) -> &Option<Result<(), String>> {
        settle().await;
        let mut context = Context::from_waker(Waker::noop());
        while self.end.is_none() && self.frames < 10_000 {
            match Pin::new(&mut self.body.frame()).poll(&mut context) {
                Poll::Pending => break,
                Poll::Ready(Some(Ok(_))) => self.frames += 1,
                Poll::Ready(Some(Err(error))) => self.end = Some(Err(error.to_string())),
                Poll::Ready(None) => self.end = Some(Ok(())),
            }
        }
        &self.end
    }
}

pub fn application(auth: &Doorward, hand: mpsc::UnboundedSender<Session>) -> Router {
    let routes = auth
        .router()
        .route("/home", Rule::Public, get(|| async { "home" }))
        .route("/session", Rule::Session, get(take))
        .route("/admin/session", Rule::role("admin"), get(take))
        .route(
            "/recent/session",
            Rule::max_auth_age(Duration::from_secs(300)),
            get(take),
        )
        .route("/events", Rule::Session, get(events))
        .route("/public/events", Rule::Public, get(events))
        .route("/either/events", Rule::session_or_bearer(), get(events))
        .route("/rows", Rule::Session, get(rows))
        .route("/flood", Rule::Session, get(flood))
        .route("/json", Rule::Session, get(|| async { axum::Json("short") }))
        .route("/ready", Rule::Session, get(ready_rows));
    #[cfg(feature = "ws")]
    let routes = super::sockets::add(routes);
    routes.build().with_state(hand)
}

async fn take(State(hand): State<mpsc::UnboundedSender<Session>>, session: Session) {
    hand.send(session).unwrap();
}

async fn events() -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    Sse::new(stream::iter([Ok(Event::default().data("first"))]).chain(stream::pending()))
}

async fn rows() -> Body {
    Body::from_stream(stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"row\n"))]).chain(stream::pending()))
}

async fn flood() -> Body {
    Body::from_stream(stream::repeat(()).map(|()| Ok::<_, Infallible>(Bytes::from_static(b"drop"))))
}

async fn ready_rows() -> Body {
    Body::from_stream(stream::iter(
        (0..5).map(|_| Ok::<_, Infallible>(Bytes::from_static(b"row\n"))),
    ))
}

/// A store in memory of which several instances hold a clone, and which fails on demand.
#[derive(Clone)]
pub struct SharedStore {
    inner: Arc<MemoryStore>,
    state: Arc<Switches>,
}

struct Switches {
    deaf: AtomicBool,
    down: AtomicBool,
    loads: AtomicUsize,
    feeds: AtomicUsize,
    lost: watch::Sender<usize>,
}

impl SharedStore {
    pub fn new() -> Self {
        Self {
            inner: Arc::new(MemoryStore::new()),
            state: Arc::new(Switches {
                deaf: AtomicBool::new(false),
                down: AtomicBool::new(false),
                loads: AtomicUsize::new(0),
                feeds: AtomicUsize::new(0),
                lost: watch::Sender::new(0),
            }),
        }
    }

    pub fn sessions(&self) -> Sessions {
        Sessions::stored(SECRET, self.clone())
    }

    /// From now on the feed says nothing.
    pub fn falls_silent(&self, is_so: bool) {
        self.state.deaf.store(is_so, Ordering::SeqCst);
    }

    /// From now on nothing is answered, and no feed begins.
    pub fn goes_down(&self, is_so: bool) {
        self.state.down.store(is_so, Ordering::SeqCst);
    }

    /// Every feed there is loses its connection.
    pub fn loses_its_feeds(&self) {
        self.state.lost.send_modify(|lost| *lost += 1);
    }

    pub fn loads(&self) -> usize {
        self.state.loads.load(Ordering::SeqCst)
    }

    /// How many feeds were begun.
    pub fn feeds(&self) -> usize {
        self.state.feeds.load(Ordering::SeqCst)
    }

    fn check(&self) -> Result<(), StoreError> {
        match self.state.down.load(Ordering::SeqCst) {
            true => Err(StoreError::new(StoreErrorKind::Unreachable)),
            false => Ok(()),
        }
    }
}

impl SessionStore for SharedStore {
    fn load<'a>(&'a self, key: &'a StoreKey, now: UnixTime) -> BoxFuture<'a, Result<Loaded, StoreError>> {
        self.state.loads.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            self.check()?;
            self.inner.load(key, now).await
        })
    }

    fn write<'a>(
        &'a self,
        key: &'a StoreKey,
        write: Write<'a>,
        now: UnixTime,
    ) -> BoxFuture<'a, Result<Written, StoreError>> {
        Box::pin(async move {
            self.check()?;
            self.inner.write(key, write, now).await
        })
    }

    fn list<'a>(
        &'a self,
        index: &'a IndexKey,
        after: Option<Cursor>,
        now: UnixTime,
    ) -> BoxFuture<'a, Result<Keys, StoreError>> {
        Box::pin(async move {
            self.check()?;
            self.inner.list(index, after, now).await
        })
    }

    fn feed(&self) -> BoxFuture<'_, Result<Box<dyn StoreFeed>, StoreError>> {
        Box::pin(async move {
            self.check()?;
            self.state.feeds.fetch_add(1, Ordering::SeqCst);
            let feed: Box<dyn StoreFeed> = Box::new(Feed {
                inner: self.inner.feed().await?,
                state: Arc::clone(&self.state),
                lost: self.state.lost.subscribe(),
            });
            Ok(feed)
        })
    }

    fn deadline(&self) -> Duration {
        self.inner.deadline()
    }
}

struct Feed {
    inner: Box<dyn StoreFeed>,
    state: Arc<Switches>,
    lost: watch::Receiver<usize>,
}

impl StoreFeed for Feed {
    fn next(&mut self) -> BoxFuture<'_, Result<StoreKey, StoreError>> {
        Box::pin(async move {
            loop {
                tokio::select! {
                    _ = self.lost.changed() => return Err(StoreError::new(StoreErrorKind::Unreachable)),
                    key = self.inner.next() => {
                        if !self.state.deaf.load(Ordering::SeqCst) {
                            return key;
                        }
                    }
                }
            }
        })
    }
}

/// Another instance over the same store, with the same cookies.
pub fn another_instance(stage: &Stage, store: &SharedStore) -> (World, Browser) {
    let world = World::build(store.sessions(), |builder| builder);
    let browser = world.browser.stranger();
    for cookie in stage.world.browser.cookies() {
        browser.plant(cookie);
    }
    (world, browser)
}
