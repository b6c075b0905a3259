//! Sessions from their beginning to their end: shown, ended, replaced and limited.

mod buried;
mod failing_entry;
mod limit;
mod own_sessions;
mod registry;
mod succession;
mod tombstones;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use doorward::ports::{
    BoxFuture, Cursor, IndexKey, Loaded, Page as ListPage, SessionStore, StoreError, StoreErrorKind, StoreFeed,
    StoreKey, Write, Written,
};
use doorward::{MemoryStore, Sessions, UnixTime};
use doorward_testkit::{Browser, Page};
use http::{Method, StatusCode};
use serde_json::Value;

use crate::attacks::support::Raw;
use crate::support::{SECRET, World};

pub(crate) const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
pub(crate) const CHROME: &str =
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36";

/// Signs whoever the provider knows in at a browser of their own.
async fn another_browser(world: &World) -> Browser {
    let browser = world.browser.stranger();
    sign_in(&browser, "/auth/login?return_url=/home").await;
    browser
}

async fn sign_in(browser: &Browser, login: &str) {
    let page = browser.visit_following(login).await;
    assert_eq!(
        (page.status, page.url.path()),
        (StatusCode::OK, "/home"),
        "{}",
        page.text()
    );
}

/// Signs in with a browser that says what it is.
async fn sign_in_with(browser: &Browser, user_agent: &str) {
    let login = browser.request(Method::GET, "/auth/login?return_url=/home");
    let first = login.navigation().typed().header("user-agent", user_agent).send().await;
    let page = browser.follow_all(first).await;
    assert_eq!(
        (page.status, page.url.path()),
        (StatusCode::OK, "/home"),
        "{}",
        page.text()
    );
}

/// Whether a browser is signed in, or the code of the refusal.
async fn standing(browser: &Browser) -> String {
    let page = browser.get("/api/me").await;
    match page.status {
        StatusCode::OK => "signed in".to_owned(),
        _ => page.problem_code(),
    }
}

/// The same of cookies that a browser would have dropped by now.
async fn standing_of(world: &World, cookies: &str) -> String {
    let answer = Raw::get("/api/me").header("cookie", cookies).send(&world.app).await;
    match answer.status {
        StatusCode::OK => "signed in".to_owned(),
        _ => answer.code(),
    }
}

fn csrf(browser: &Browser) -> String {
    browser.script_cookie("CSRF-TOKEN").expect("a CSRF cookie")
}

async fn delete(browser: &Browser, target: &str) -> Page {
    let token = csrf(browser);
    let request = browser.request(Method::DELETE, target);
    request.header("x-csrf-token", &token).send().await
}

async fn listed(browser: &Browser) -> Vec<Value> {
    let page = browser.get("/auth/sessions").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    page.json::<Value>()["sessions"].as_array().unwrap().clone()
}

/// The name of the session at hand, as its list has it.
async fn own_id(browser: &Browser) -> String {
    let sessions = listed(browser).await;
    let own: Vec<&Value> = sessions.iter().filter(|session| session["current"] == true).collect();
    assert_eq!(own.len(), 1);
    own[0]["id"].as_str().unwrap().to_owned()
}

/// A memory store whose lists come in pages of two keys and an empty one, or not at all.
#[derive(Clone, Default)]
struct SmallPages {
    inner: Arc<(MemoryStore, AtomicBool)>,
}

impl SmallPages {
    fn world(&self) -> World {
        World::build(Sessions::stored(SECRET, self.clone()), |builder| builder)
    }

    fn fail_lists(&self, failing: bool) {
        self.inner.1.store(failing, Ordering::SeqCst);
    }
}

impl SessionStore for SmallPages {
    fn load<'a>(&'a self, key: &'a StoreKey, now: UnixTime) -> BoxFuture<'a, Result<Loaded, StoreError>> {
        self.inner.0.load(key, now)
    }

    fn write<'a>(
        &'a self,
        key: &'a StoreKey,
        write: Write<'a>,
        now: UnixTime,
    ) -> BoxFuture<'a, Result<Written, StoreError>> {
        self.inner.0.write(key, write, now)
    }

    fn list<'a>(
        &'a self,
        index: &'a IndexKey,
        after: Option<Cursor>,
        now: UnixTime,
    ) -> BoxFuture<'a, Result<ListPage, StoreError>> {
        Box::pin(async move {
            if self.inner.1.load(Ordering::SeqCst) {
                return Err(StoreError::new(StoreErrorKind::Unreachable));
            }
            let mut keys = self.inner.0.list(index, None, now).await?.keys;
            keys.sort();
            keys.retain(|key| {
                after
                    .as_ref()
                    .is_none_or(|after| key.as_bytes().as_slice() > after.as_bytes())
            });
            keys.truncate(2);
            let next = keys.last().map(|last| Cursor::new(last.as_bytes().to_vec()));
            Ok(ListPage { keys, next })
        })
    }

    fn feed(&self) -> BoxFuture<'_, Result<Box<dyn StoreFeed>, StoreError>> {
        self.inner.0.feed()
    }

    fn deadline(&self) -> Duration {
        self.inner.0.deadline()
    }
}
