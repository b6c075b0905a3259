//! A request as a browser makes it: metadata, origin, cookies, preflight.

use axum::body::Body;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use serde::Serialize;
use tower::ServiceExt as _;
use url::{Position, Url};

use super::jar::{Context, same_site};
use super::page::{Blocked, Page};
use super::set_cookie::CookieRefused;
use super::{Browser, origin_of};

/// What makes the request: decides `Sec-Fetch-Mode`, `Sec-Fetch-Dest` and which cookies go along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestKind {
    /// `fetch` or `XMLHttpRequest` of a script, in mode `cors`.
    Fetch,
    /// The tab goes there: a link, a form, a redirect, a typed address.
    Navigation,
    /// An `<iframe>`.
    Frame,
    /// An `<img>`, in mode `no-cors`.
    Image,
    /// `new WebSocket(…)`.
    WebSocket,
}

impl RequestKind {
    fn mode_and_dest(self) -> (&'static str, &'static str) {
        match self {
            Self::Fetch => ("cors", "empty"),
            Self::Navigation => ("navigate", "document"),
            Self::Frame => ("navigate", "iframe"),
            Self::Image => ("no-cors", "image"),
            Self::WebSocket => ("websocket", "websocket"),
        }
    }
}

/// Everything about a request that a redirect takes along.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) kind: RequestKind,
    /// The page that asks; none for an address that the user typed.
    initiator: Option<Url>,
    pub(super) headers: HeaderMap,
    body: Bytes,
    pub(super) credentials: bool,
    fetch_metadata: bool,
    /// The addresses so far, the one that redirected last at the end.
    chain: Vec<Url>,
}

/// A request under construction; see [`Browser::request`].
#[must_use = "a request does nothing until sent"]
pub struct BrowserRequest<'b> {
    browser: &'b Browser,
    pub(super) url: Url,
    pub(super) asked: Asked,
}

impl<'b> BrowserRequest<'b> {
    pub(super) fn new(browser: &'b Browser, method: Method, url: Url) -> Self {
        let asked = Asked {
            method,
            kind: RequestKind::Fetch,
            initiator: Some(browser.origin.clone()),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            credentials: true,
            fetch_metadata: true,
            chain: Vec::new(),
        };
        Self { browser, url, asked }
    }

    /// The request that follows a redirect: Fetch standard, section "HTTP-redirect fetch".
    pub(super) fn after(browser: &'b Browser, page: &Page, url: Url) -> Self {
        let mut asked = page.asked.clone();
        asked.chain.push(page.url.clone());
        let status = page.status;
        let drops_body = (matches!(status, StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND)
            && asked.method == Method::POST)
            || (status == StatusCode::SEE_OTHER && !matches!(asked.method, Method::GET | Method::HEAD));
        if drops_body {
            asked.method = Method::GET;
            asked.body = Bytes::new();
            asked.headers.remove(header::CONTENT_TYPE);
        }
        if origin_of(&page.url) != origin_of(&url) {
            asked.headers.remove(header::AUTHORIZATION);
        }
        Self { browser, url, asked }
    }

    /// Adds a header; a second of the same name is sent twice.
    ///
    /// A header that the browser sets by itself is replaced: this is how a test says what no browser would.
    ///
    /// # Panics
    /// If name or value cannot be sent.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().expect("a header name");
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a header value");
        self.asked.headers.append(name, value);
        self
    }

    /// Sends a JSON body.
    ///
    /// # Panics
    /// If `body` has no JSON form.
    pub fn json(self, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).expect("a value with a json form");
        self.body("application/json", body)
    }

    /// Sends form fields, urlencoded.
    pub fn form<K: AsRef<str>, V: AsRef<str>>(self, fields: &[(K, V)]) -> Self {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in fields {
            body.append_pair(name.as_ref(), value.as_ref());
        }
        self.body("application/x-www-form-urlencoded", body.finish())
    }

    /// Sends a body of any type.
    pub fn body(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        self.asked.body = body.into();
        self.asked.headers.remove(header::CONTENT_TYPE);
        self.header("content-type", content_type)
    }

    /// Says which page asks: `"https://evil.example"` makes it a request from another site.
    ///
    /// # Panics
    /// If `origin` is no address.
    pub fn from(mut self, origin: &str) -> Self {
        self.asked.initiator = Some(origin.parse().expect("an origin"));
        self
    }

    /// Says that no page asks: the user typed the address.
    pub fn typed(mut self) -> Self {
        self.asked.initiator = None;
        self
    }

    /// Makes it a navigation of the tab.
    pub fn navigation(self) -> Self {
        self.kind(RequestKind::Navigation)
    }

    /// Says what makes the request.
    pub fn kind(mut self, kind: RequestKind) -> Self {
        self.asked.kind = kind;
        self
    }

    /// Leaves `Sec-Fetch-*` away, as browsers before 2020 (Safari before 2023) do.
    pub fn without_fetch_metadata(mut self) -> Self {
        self.asked.fetch_metadata = false;
        self
    }

    /// Sends no cookies and takes none: `credentials: "omit"`.
    pub fn without_credentials(mut self) -> Self {
        self.asked.credentials = false;
        self
    }

    /// Sends the request, preflight first where a browser would, and reads the whole answer.
    ///
    /// # Panics
    /// If nothing is mounted at the address, or the body breaks off.
    pub async fn send(self) -> Page {
        if self.needs_preflight() {
            let answer = self.preflight().await;
            if !self.preflight_allows(&answer) {
                return Page {
                    blocked: Some(Blocked::Preflight),
                    ..answer
                };
            }
        }
        let (url, asked) = (self.url.clone(), self.asked.clone());
        let blocked = |headers: &HeaderMap| {
            let reads = asked.kind != RequestKind::Fetch || self.shown_to_script(headers);
            (!reads).then_some(Blocked::Response)
        };
        let (response, refused_cookies) = self.exchange().await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body that does not break off").to_bytes();
        Page {
            blocked: blocked(&parts.headers),
            status: parts.status,
            headers: parts.headers,
            body,
            url,
            refused_cookies,
            asked: self.asked.clone(),
        }
    }

    /// Sends the request without preflight and hands the answer out unread, for bodies that do not end.
    ///
    /// # Panics
    /// If nothing is mounted at the address.
    pub async fn send_streaming(self) -> Response<Body> {
        self.exchange().await.0
    }

    async fn exchange(&self) -> (Response<Body>, Vec<(String, CookieRefused)>) {
        let response = self.deliver(self.request()).await;
        let mut refused = Vec::new();
        if self.asked.credentials {
            let mut jar = self.browser.jar.lock().unwrap();
            for header in response.headers().get_all(header::SET_COOKIE) {
                let header = String::from_utf8_lossy(header.as_bytes());
                let stored = jar.store(&header, &self.url, self.context(), self.browser.now());
                if let Err(reason) = stored {
                    refused.push((header.into_owned(), reason));
                }
            }
        }
        (response, refused)
    }

    pub(super) async fn deliver(&self, request: Request<Body>) -> Response<Body> {
        let origin = origin_of(&self.url);
        let site = self.browser.sites.lock().unwrap().get(&origin).cloned();
        let site = site.unwrap_or_else(|| panic!("nothing is mounted at {origin}"));
        match site.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    fn request(&self) -> Request<Body> {
        let asked = &self.asked;
        let mut headers = self.bare_headers(&asked.method);
        if asked.credentials {
            let line = self.browser.cookie_line(&self.url, self.context());
            if !line.is_empty() {
                let line = HeaderValue::from_bytes(line.as_bytes()).expect("a cookie line");
                headers.insert(header::COOKIE, line);
            }
        }
        if asked.kind == RequestKind::WebSocket {
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
            headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
            headers.insert(header::SEC_WEBSOCKET_KEY, key);
        }
        if !asked.body.is_empty() {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(asked.body.len()));
        }
        for name in asked.headers.keys() {
            headers.remove(name);
        }
        for (name, value) in &asked.headers {
            headers.append(name.clone(), value.clone());
        }
        self.build(&asked.method, headers, asked.body.clone())
    }

    pub(super) fn build(&self, method: &Method, headers: HeaderMap, body: Bytes) -> Request<Body> {
        let mut request = Request::new(Body::from(body));
        *request.method_mut() = method.clone();
        *request.uri_mut() = self.url[Position::BeforePath..Position::AfterQuery]
            .parse()
            .expect("a request target");
        *request.headers_mut() = headers;
        request
    }

    /// Host, Accept, Fetch Metadata and Origin.
    pub(super) fn bare_headers(&self, method: &Method) -> HeaderMap {
        let asked = &self.asked;
        let mut headers = HeaderMap::new();
        let host = &self.url[Position::BeforeHost..Position::AfterPort];
        headers.insert(header::HOST, HeaderValue::from_str(host).expect("a host"));
        let is_page = matches!(asked.kind, RequestKind::Navigation | RequestKind::Frame);
        let accept = if is_page {
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
        } else {
            "*/*"
        };
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        if asked.fetch_metadata && is_trustworthy(&self.url) {
            let (mode, dest) = asked.kind.mode_and_dest();
            headers.insert("sec-fetch-site", HeaderValue::from_static(self.fetch_site()));
            headers.insert("sec-fetch-mode", HeaderValue::from_static(mode));
            headers.insert("sec-fetch-dest", HeaderValue::from_static(dest));
            if is_page {
                headers.insert("sec-fetch-user", HeaderValue::from_static("?1"));
            }
        }
        if let Some(origin) = self.origin_header(method) {
            headers.insert(header::ORIGIN, HeaderValue::from_str(&origin).expect("an origin"));
        }
        headers
    }

    /// Fetch Metadata, section 2.3: the farthest of all addresses of the chain counts.
    fn fetch_site(&self) -> &'static str {
        let Some(initiator) = &self.asked.initiator else {
            return "none";
        };
        let mut site = "same-origin";
        for url in self.asked.chain.iter().chain([&self.url]) {
            if origin_of(url) == origin_of(initiator) {
                continue;
            }
            if !same_site(url, initiator) {
                return "cross-site";
            }
            site = "same-site";
        }
        site
    }

    /// Fetch standard, "append a request Origin header".
    pub(super) fn origin_header(&self, method: &Method) -> Option<String> {
        let initiator = self.asked.initiator.as_ref();
        let tainted = self.asked.chain.windows(2).any(|hop| {
            origin_of(&hop[0]) != origin_of(&hop[1])
                && initiator.is_none_or(|initiator| origin_of(initiator) != origin_of(&hop[0]))
        }) || self.asked.chain.last().is_some_and(|last| {
            origin_of(last) != origin_of(&self.url)
                && initiator.is_none_or(|initiator| origin_of(initiator) != origin_of(last))
        });
        let wanted = match self.asked.kind {
            RequestKind::WebSocket => true,
            RequestKind::Fetch => self.is_cross_origin() || !is_safe_for_origin(method),
            _ => !is_safe_for_origin(method),
        };
        if !wanted {
            return None;
        }
        match initiator {
            Some(initiator) if !tainted => Some(origin_of(initiator)),
            _ => Some("null".to_owned()),
        }
    }

    pub(super) fn is_cross_origin(&self) -> bool {
        let initiator = self.asked.initiator.as_ref();
        let differs = |url: &Url| initiator.is_some_and(|page| origin_of(page) != origin_of(url));
        differs(&self.url) || self.asked.chain.iter().any(differs)
    }

    fn context(&self) -> Context {
        let initiator = self.asked.initiator.as_ref();
        Context {
            same_site: initiator.is_none_or(|page| same_site(page, &self.url)),
            top_level: self.asked.kind == RequestKind::Navigation,
            safe_method: self.asked.method.is_safe(),
            script: false,
        }
    }
}

/// GET and HEAD send no `Origin` to their own origin.
fn is_safe_for_origin(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// Fetch Metadata goes to potentially trustworthy addresses only: https and loopback.
fn is_trustworthy(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || loopback
}
