//! A browser without a window: cookies, Fetch Metadata, CORS and redirects, against routers in this process.
//!
//! What it keeps to:
//! 1. cookies as draft-ietf-httpbis-rfc6265bis reads, stores and sends them, prefixes and `SameSite` included;
//!    `Secure` cookies go over https only, loopback names are no exception (Safari's rule, the strictest of the three);
//! 2. `Sec-Fetch-*` as the Fetch Metadata draft says, sent to https and loopback hosts;
//! 3. `Origin` and CORS as the Fetch standard says, preflight and all;
//! 4. redirects are shown, not followed, unless asked.

mod cors;
mod jar;
mod page;
mod request;
mod set_cookie;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use doorward_core::ports::Clock;
use http::Method;
use url::Url;

pub use jar::Cookie;
pub use page::{Blocked, Form, Page};
pub use request::{BrowserRequest, RequestKind};
pub use set_cookie::{CookieRefused, SameSiteRule};

use jar::{Context, Jar};

/// The longest chain of redirects that is followed; browsers give up at twenty.
const LONGEST_CHAIN: usize = 20;

/// A browser with one cookie jar and the sites it can reach; clones are further tabs of it.
///
/// Relative addresses mean the origin it was made for, and requests come from a page of that origin
/// unless [`BrowserRequest::from`] says otherwise.
///
/// # Example
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use axum::{Router, routing::get};
/// use doorward_testkit::Browser;
///
/// let app = Router::new().route("/", get(|| async { ([("set-cookie", "seen=1; Path=/")], "hello") }));
/// let browser = Browser::new("https://app.example.com").mount("https://app.example.com", app);
/// let page = browser.visit("/").await;
/// assert_eq!(page.text(), "hello");
/// assert_eq!(browser.cookie("seen").as_deref(), Some("1"));
/// # });
/// ```
#[derive(Clone)]
pub struct Browser {
    origin: Url,
    sites: Arc<Mutex<HashMap<String, Router>>>,
    jar: Arc<Mutex<Jar>>,
    clock: Option<Arc<dyn Clock>>,
}

impl Browser {
    /// Opens a browser whose pages are those of `origin` (`"https://app.example.com"`).
    ///
    /// # Panics
    /// If `origin` is no address.
    #[must_use]
    pub fn new(origin: &str) -> Self {
        Self {
            origin: origin.parse().expect("an origin"),
            sites: Arc::default(),
            jar: Arc::default(),
            clock: None,
        }
    }

    /// Lets `router` answer for `origin`. Any tower service fits, as `Router::new().fallback_service(service)`.
    ///
    /// # Panics
    /// If `origin` is no address.
    #[must_use]
    pub fn mount(self, origin: &str, router: Router) -> Self {
        let origin: Url = origin.parse().expect("an origin");
        self.sites.lock().unwrap().insert(origin_of(&origin), router);
        self
    }

    /// Lets cookies expire by this clock. Without one, only deletion removes them.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Opens another person's browser: the same sites, no cookies.
    #[must_use]
    pub fn stranger(&self) -> Self {
        Self {
            jar: Arc::default(),
            ..self.clone()
        }
    }

    /// Opens a browser into which every cookie of this one was copied, and which goes its own way from here.
    #[must_use]
    pub fn thief(&self) -> Self {
        let thief = self.stranger();
        for cookie in self.cookies() {
            thief.plant(cookie);
        }
        thief
    }

    /// Visits an address as if the user had typed it; shows a redirect instead of following it.
    pub async fn visit(&self, url: &str) -> Page {
        self.request(Method::GET, url).navigation().typed().send().await
    }

    /// Visits an address and follows redirects, at most twenty.
    pub async fn visit_following(&self, url: &str) -> Page {
        let page = self.visit(url).await;
        self.follow_all(page).await
    }

    /// Fetches from a script of the browser's own origin, by GET.
    pub async fn get(&self, url: &str) -> Page {
        self.request(Method::GET, url).send().await
    }

    /// Posts JSON from a script of the browser's own origin.
    pub async fn post_json(&self, url: &str, body: &serde_json::Value) -> Page {
        self.request(Method::POST, url).json(body).send().await
    }

    /// Begins a request of any kind; without more it is a script's `fetch` with credentials.
    ///
    /// # Panics
    /// If `url` is neither an address nor a path.
    pub fn request(&self, method: Method, url: &str) -> BrowserRequest<'_> {
        let url = self.origin.join(url).expect("an address or a path");
        BrowserRequest::new(self, method, url)
    }

    /// Submits the first form of a page, as its button or script would.
    ///
    /// # Panics
    /// If the page has no form.
    pub async fn submit(&self, page: &Page) -> Page {
        let form = page.form().expect("a page with a form");
        let from = origin_of(&page.url);
        if form.is_post {
            let request = self.request(Method::POST, form.action.as_str());
            return request.navigation().from(&from).form(&form.fields).send().await;
        }
        let mut action = form.action;
        action.query_pairs_mut().clear().extend_pairs(&form.fields);
        let request = self.request(Method::GET, action.as_str());
        request.navigation().from(&from).send().await
    }

    /// Follows the redirect of a page by one step.
    ///
    /// # Panics
    /// If the page is no redirect, or leads to where nothing is mounted.
    pub async fn follow(&self, page: &Page) -> Page {
        assert!(
            page.status.is_redirection(),
            "{} {} is no redirect",
            page.status,
            page.url
        );
        let location = page.location().expect("a redirect with a Location");
        BrowserRequest::after(self, page, location).send().await
    }

    /// Follows redirects until there is none, at most twenty.
    ///
    /// # Panics
    /// If there are more than twenty.
    pub async fn follow_all(&self, mut page: Page) -> Page {
        for _ in 0..LONGEST_CHAIN {
            if !page.status.is_redirection() || page.location().is_none() {
                return page;
            }
            page = self.follow(&page).await;
        }
        panic!("more than {LONGEST_CHAIN} redirects, the last from {}", page.url);
    }

    /// The value of the first cookie of this name, wherever it would be sent.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies()
            .into_iter()
            .find(|cookie| cookie.name == name)
            .map(|cookie| cookie.value)
    }

    /// Every cookie that is in the jar and has not expired.
    #[must_use]
    pub fn cookies(&self) -> Vec<Cookie> {
        let now = self.now();
        let jar = self.jar.lock().unwrap();
        let alive = |cookie: &&Cookie| cookie.expires.is_none_or(|expires| now < expires);
        jar.all().iter().filter(alive).cloned().collect()
    }

    /// What `document.cookie` shows to a script of the browser's own origin.
    #[must_use]
    pub fn document_cookie(&self) -> String {
        self.cookie_line(&self.origin, Context::SCRIPT)
    }

    /// The value of a cookie that a script of the browser's own origin can read.
    #[must_use]
    pub fn script_cookie(&self, name: &str) -> Option<String> {
        let line = self.document_cookie();
        let mut pairs = line.split("; ").filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(found, _)| *found == name)
            .map(|(_, value)| value.to_owned())
    }

    /// The `Cookie` header that a fetch of the browser's own origin would carry there.
    ///
    /// # Panics
    /// If `url` is neither an address nor a path.
    #[must_use]
    pub fn cookie_header(&self, url: &str) -> String {
        let url = self.origin.join(url).expect("an address or a path");
        let own = Context {
            script: false,
            ..Context::SCRIPT
        };
        self.cookie_line(&url, own)
    }

    /// Takes a `Set-Cookie` header as if the browser's own origin had sent it.
    ///
    /// # Errors
    /// Why a browser would not take it.
    pub fn set_cookie(&self, header: &str) -> Result<(), CookieRefused> {
        self.set_cookie_from(self.origin.as_str(), header)
    }

    /// Takes a `Set-Cookie` header as if the page at `url` had sent it on a visit, a sibling domain for instance.
    ///
    /// # Errors
    /// Why a browser would not take it.
    ///
    /// # Panics
    /// If `url` is no address.
    pub fn set_cookie_from(&self, url: &str, header: &str) -> Result<(), CookieRefused> {
        let url: Url = url.parse().expect("an address");
        let visit = Context {
            same_site: true,
            top_level: true,
            safe_method: true,
            script: false,
        };
        self.jar.lock().unwrap().store(header, &url, visit, self.now())
    }

    /// Sets `document.cookie` from a script of the browser's own origin.
    ///
    /// # Errors
    /// Why a browser would not take it.
    pub fn set_document_cookie(&self, cookie: &str) -> Result<(), CookieRefused> {
        let now = self.now();
        self.jar
            .lock()
            .unwrap()
            .store(cookie, &self.origin, Context::SCRIPT, now)
    }

    /// Puts a cookie into the jar against every rule.
    pub fn plant(&self, cookie: Cookie) {
        self.jar.lock().unwrap().plant(cookie);
    }

    /// Removes every cookie of this name and tells how many there were.
    pub fn forget(&self, name: &str) -> usize {
        self.jar.lock().unwrap().remove(name)
    }

    /// Empties the jar.
    pub fn clear_cookies(&self) {
        self.jar.lock().unwrap().clear();
    }

    fn now(&self) -> Duration {
        let seconds = self.clock.as_ref().map_or(0, |clock| clock.now().seconds());
        Duration::from_secs(seconds)
    }

    fn cookie_line(&self, url: &Url, context: Context) -> String {
        let cookies = self.jar.lock().unwrap().cookies_for(url, context, self.now());
        let pairs: Vec<String> = cookies.iter().map(Cookie::pair).collect();
        pairs.join("; ")
    }
}

/// The origin of an address, as browsers write it.
fn origin_of(url: &Url) -> String {
    url.origin().ascii_serialization()
}
