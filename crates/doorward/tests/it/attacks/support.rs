//! Both places where sessions live, requests no browser would make, and a store that can be meddled with.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use doorward::ports::{
    BoxFuture, Cursor, IndexKey, Loaded, Page as ListPage, SessionStore, StoreError, StoreErrorKind, StoreFeed,
    StoreKey, Write, Written,
};
use doorward::{Builder, Doorward, MemoryStore, Sessions, UnixTime};
use doorward_testkit::{Browser, Gate, Page};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::support::{APP, SECRET, World};

/// Where sessions live: what is claimed for one holds for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Sealed,
    Stored,
}

impl Place {
    pub(crate) const BOTH: [Self; 2] = [Self::Sealed, Self::Stored];

    pub(crate) fn sessions(self) -> Sessions {
        match self {
            Self::Sealed => Sessions::cookie(SECRET),
            Self::Stored => Sessions::memory(SECRET),
        }
    }

    pub(crate) fn world(self) -> World {
        self.world_with(|builder| builder)
    }

    pub(crate) fn world_with(self, change: impl FnOnce(Builder) -> Builder) -> World {
        World::build(self.sessions(), change)
    }

    /// A world with alice signed in.
    pub(crate) async fn signed_in(self) -> World {
        let world = self.world();
        world.sign_in().await;
        world
    }
}

/// Puts another application behind the same Doorward and browser.
pub(crate) fn remount(world: &mut World, app: Router) {
    world.browser = world.browser.clone().mount(APP, app.clone());
    world.app = app;
}

/// The same world with an application of one's own, from its `Doorward`.
pub(crate) fn with_app(mut world: World, app: impl FnOnce(&Doorward) -> Router) -> World {
    let app = app(&world.auth);
    remount(&mut world, app);
    world
}

/// What is asked of a refusal everywhere: status, code, and no change to any cookie.
#[track_caller]
pub(crate) fn assert_refused(page: &Page, status: StatusCode, code: &str) {
    assert_eq!(
        (page.status, page.problem_code().as_str()),
        (status, code),
        "{}",
        page.text()
    );
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.set_cookies(), Vec::<&str>::new(), "a refusal touches no cookie");
}

/// A request as a program makes it, with nothing added.
pub(crate) struct Raw {
    request: Request<Body>,
}

impl Raw {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        let request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(target)
            .header("host", "app.example.com")
            .body(Body::empty())
            .unwrap();
        Self { request }
    }

    pub(crate) fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    pub(crate) fn post(target: &str) -> Self {
        Self::new("POST", target)
    }

    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        self.bytes(name, value.as_bytes())
    }

    pub(crate) fn bytes(mut self, name: &str, value: &[u8]) -> Self {
        let name: HeaderName = name.parse().unwrap();
        self.request
            .headers_mut()
            .append(name, HeaderValue::from_bytes(value).unwrap());
        self
    }

    /// Replaces what stands there, or what is sent by default.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().unwrap();
        self.request
            .headers_mut()
            .insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        self
    }

    pub(crate) fn cookies_of(self, browser: &Browser) -> Self {
        let line = browser.cookie_header("/");
        if line.is_empty() {
            self
        } else {
            self.header("cookie", &line)
        }
    }

    pub(crate) fn body(mut self, content_type: &str, body: impl Into<Body>) -> Self {
        *self.request.body_mut() = body.into();
        self.set("content-type", content_type)
    }

    pub(crate) async fn send(self, app: &Router) -> Answer {
        let response = app.clone().oneshot(self.request).await.unwrap();
        let (parts, body) = response.into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let values = self.headers.get_all(name).iter();
        values.map(|value| value.to_str().unwrap()).collect()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn verdict(&self) -> (u16, String) {
        (self.status.as_u16(), self.code())
    }
}

/// The name of the session cookie over https.
pub(crate) const SESSION: &str = "__Host-session";

/// A memory store that counts, and can be told to fail, to lie, or to wait.
#[derive(Clone, Default)]
pub(crate) struct Meddled {
    inner: Arc<Meddling>,
}

type Tamper = Arc<dyn Fn(Vec<u8>) -> Vec<u8> + Send + Sync>;

#[derive(Default)]
struct Meddling {
    store: Arc<MemoryStore>,
    loads: AtomicUsize,
    writes: AtomicUsize,
    lists: AtomicUsize,
    failing: std::sync::atomic::AtomicBool,
    silent: std::sync::atomic::AtomicBool,
    tamper: std::sync::Mutex<Option<Tamper>>,
    before_replace: std::sync::Mutex<Option<Gate>>,
    keys: std::sync::Mutex<Vec<StoreKey>>,
    unreachable: std::sync::Mutex<Vec<StoreKey>>,
    lists_to_fail: AtomicUsize,
    takes_no_replacements: std::sync::atomic::AtomicBool,
    loses_answers: std::sync::atomic::AtomicBool,
    deadline: std::sync::Mutex<Option<Duration>>,
}

impl Meddled {
    /// The same records, as another instance reaches them: what is switched here is not switched there.
    pub(crate) fn beside(&self) -> Self {
        let inner = Meddling {
            store: Arc::clone(&self.inner.store),
            ..Meddling::default()
        };
        Self { inner: Arc::new(inner) }
    }

    pub(crate) fn world(&self) -> World {
        World::build(Sessions::stored(SECRET, self.clone()), |builder| builder)
    }

    /// How often the store was asked: reads, writes and lists.
    pub(crate) fn calls(&self) -> usize {
        self.inner.loads.load(Ordering::SeqCst) + self.inner.lists.load(Ordering::SeqCst) + self.writes()
    }

    /// Whoever follows the feed from now on hears nothing.
    pub(crate) fn silence(&self) {
        self.inner.silent.store(true, Ordering::SeqCst);
    }

    pub(crate) fn writes(&self) -> usize {
        self.inner.writes.load(Ordering::SeqCst)
    }

    /// Every key ever written.
    pub(crate) fn keys(&self) -> Vec<StoreKey> {
        self.inner.keys.lock().unwrap().clone()
    }

    pub(crate) fn fail(&self, failing: bool) {
        self.inner.failing.store(failing, Ordering::SeqCst);
    }

    /// From now on what is kept under these keys cannot be read.
    pub(crate) fn fail_loads_of(&self, keys: &[StoreKey]) {
        *self.inner.unreachable.lock().unwrap() = keys.to_vec();
    }

    pub(crate) fn fail_next_lists(&self, count: usize) {
        self.inner.lists_to_fail.store(count, Ordering::SeqCst);
    }

    /// Says that its calls take so long at most.
    pub(crate) fn takes_at_most(&self, deadline: Duration) {
        *self.inner.deadline.lock().unwrap() = Some(deadline);
    }

    /// From now on new records are written, and nobody is told.
    pub(crate) fn lose_answers(&self, loses: bool) {
        self.inner.loses_answers.store(loses, Ordering::SeqCst);
    }

    /// From now on everything can be read, and nothing replaced.
    pub(crate) fn refuse_replacements(&self, refuses: bool) {
        self.inner.takes_no_replacements.store(refuses, Ordering::SeqCst);
    }

    /// Changes every record on its way out.
    pub(crate) fn tamper(&self, change: impl Fn(Vec<u8>) -> Vec<u8> + Send + Sync + 'static) {
        *self.inner.tamper.lock().unwrap() = Some(Arc::new(change));
    }

    pub(crate) fn hold_replacements(&self, gate: &Gate) {
        *self.inner.before_replace.lock().unwrap() = Some(gate.clone());
    }

    fn outage(&self) -> Option<StoreError> {
        let failing = self.inner.failing.load(Ordering::SeqCst);
        failing.then(out_of_reach)
    }

    fn written(&self, key: &StoreKey) {
        self.inner.writes.fetch_add(1, Ordering::SeqCst);
        self.inner.keys.lock().unwrap().push(*key);
    }
}

fn out_of_reach() -> StoreError {
    StoreError::new(StoreErrorKind::Unreachable)
}

impl SessionStore for Meddled {
    fn load<'a>(&'a self, key: &'a StoreKey, now: UnixTime) -> BoxFuture<'a, Result<Loaded, StoreError>> {
        Box::pin(async move {
            self.inner.loads.fetch_add(1, Ordering::SeqCst);
            let error = self.outage().or_else(|| {
                let unreachable = self.inner.unreachable.lock().unwrap();
                unreachable.contains(key).then(out_of_reach)
            });
            if let Some(error) = error {
                return Err(error);
            }
            let mut loaded = self.inner.store.load(key, now).await?;
            let tamper = self.inner.tamper.lock().unwrap().clone();
            if let (Some(entry), Some(tamper)) = (&mut loaded.entry, tamper) {
                entry.bytes = tamper(std::mem::take(&mut entry.bytes));
            }
            Ok(loaded)
        })
    }

    fn write<'a>(
        &'a self,
        key: &'a StoreKey,
        write: Write<'a>,
        now: UnixTime,
    ) -> BoxFuture<'a, Result<Written, StoreError>> {
        Box::pin(async move {
            let gate = self.inner.before_replace.lock().unwrap().clone();
            if let Some(gate) = gate.filter(|_| write.expected.is_some()) {
                gate.pass().await;
            }
            self.written(key);
            let refused = write.expected.is_some() && self.inner.takes_no_replacements.load(Ordering::SeqCst);
            if let Some(error) = self.outage().or_else(|| refused.then(out_of_reach)) {
                return Err(error);
            }
            // A mark of a used login has no bytes.
            let is_new_record = write.expected.is_none() && !write.bytes.is_empty();
            let written = self.inner.store.write(key, write, now).await;
            match is_new_record && self.inner.loses_answers.load(Ordering::SeqCst) {
                true => Err(StoreError::new(StoreErrorKind::Timeout)),
                false => written,
            }
        })
    }

    fn list<'a>(
        &'a self,
        index: &'a IndexKey,
        after: Option<Cursor>,
        now: UnixTime,
    ) -> BoxFuture<'a, Result<ListPage, StoreError>> {
        self.inner.lists.fetch_add(1, Ordering::SeqCst);
        let left = &self.inner.lists_to_fail;
        let fails = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        match self.outage().or_else(|| fails.ok().map(|_| out_of_reach())) {
            Some(error) => Box::pin(async { Err(error) }),
            None => self.inner.store.list(index, after, now),
        }
    }

    fn feed(&self) -> BoxFuture<'_, Result<Box<dyn StoreFeed>, StoreError>> {
        match self.outage() {
            Some(error) => Box::pin(async { Err(error) }),
            None if self.inner.silent.load(Ordering::SeqCst) => Box::pin(async {
                let feed: Box<dyn StoreFeed> = Box::new(Silence);
                Ok(feed)
            }),
            None => self.inner.store.feed(),
        }
    }

    fn deadline(&self) -> Duration {
        let own = *self.inner.deadline.lock().unwrap();
        own.unwrap_or_else(|| self.inner.store.deadline())
    }
}

struct Silence;

impl StoreFeed for Silence {
    fn next(&mut self) -> BoxFuture<'_, Result<StoreKey, StoreError>> {
        Box::pin(std::future::pending())
    }
}
