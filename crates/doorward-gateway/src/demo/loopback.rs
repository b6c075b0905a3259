//! Leads page requests under another loopback name to the public URL.
//!
//! `127.0.0.1` and `localhost` are two hosts to a browser, with cookies of their own: who begins to sign in under the
//! one and comes back to the other would seem to be signed out.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{ACCEPT, HOST, LOCATION};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use url::Url;

/// The hosts that pages may stay under.
#[derive(Debug, Clone)]
pub(super) struct Loopback(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Without a trailing slash.
    public_origin: String,
    homes: Vec<String>,
}

impl Loopback {
    pub(super) fn new(public_url: Url, app_origins: &[String]) -> Self {
        let homes = app_origins
            .iter()
            .filter_map(|origin| Url::parse(origin).ok())
            .chain([public_url.clone()])
            .filter_map(|url| url.host_str().map(str::to_ascii_lowercase))
            .collect();
        Self(Arc::new(Inner {
            public_origin: public_url.origin().ascii_serialization(),
            homes,
        }))
    }

    /// Where the request should have gone, if it is a page request under a loopback name that is not ours.
    fn target(&self, request: &Request) -> Option<HeaderValue> {
        if request.method() != Method::GET || !is_navigation(request.headers()) {
            return None;
        }
        let host: Authority = request.headers().get(HOST)?.to_str().ok()?.parse().ok()?;
        let host = host.host().to_ascii_lowercase();
        if !is_loopback_name(&host) || self.0.homes.contains(&host) {
            return None;
        }
        // Security: the request gives path and query only, and a path begins with one slash, so the host stays ours.
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        if !path.starts_with('/') {
            return None;
        }
        HeaderValue::try_from(format!("{}{path}", self.0.public_origin)).ok()
    }
}

/// Answers 302 for a page request under another loopback name, and passes everything else.
pub(super) async fn redirect(State(loopback): State<Loopback>, request: Request, next: Next) -> Response {
    match loopback.target(&request) {
        Some(location) => (StatusCode::FOUND, [(LOCATION, location)]).into_response(),
        None => next.run(request).await,
    }
}

/// Tells a visit from a call: by Sec-Fetch-Mode where the browser sends it, else by what is accepted.
fn is_navigation(headers: &HeaderMap) -> bool {
    match headers.get("sec-fetch-mode") {
        Some(mode) => mode == "navigate",
        None => headers
            .get(ACCEPT)
            .and_then(|accept| accept.to_str().ok())
            .is_some_and(|accept| accept.contains("text/html")),
    }
}

fn is_loopback_name(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host == "[::1]"
        || host
            .parse::<std::net::Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use axum::body::Body;

    use super::*;

    fn target(public_url: &str, host: &str, path: &str, mode: Option<&str>) -> Option<String> {
        let loopback = Loopback::new(
            Url::parse(public_url).unwrap(),
            &["http://app.localhost:6001".to_owned()],
        );
        let mut request = Request::builder().uri(path).header(HOST, host);
        request = match mode {
            Some(mode) => request.header("sec-fetch-mode", mode),
            None => request.header(ACCEPT, "*/*"),
        };
        let location = loopback.target(&request.body(Body::empty()).unwrap())?;
        Some(location.to_str().unwrap().to_owned())
    }

    #[test]
    fn pages_under_another_loopback_name_move_to_the_public_url() {
        for host in ["127.0.0.1:6001", "[::1]:6001", "127.1.2.3", "other.localhost:6001"] {
            let target = target("http://localhost:6001", host, "/a?b=c", Some("navigate"));
            assert_eq!(target.as_deref(), Some("http://localhost:6001/a?b=c"), "{host}");
        }
    }

    #[test]
    fn a_path_that_looks_like_a_host_stays_a_path() {
        let target = target("http://localhost:6001", "127.0.0.1", "//evil.test/", Some("navigate"));
        assert_eq!(target.as_deref(), Some("http://localhost:6001//evil.test/"));
    }

    #[test]
    fn everything_else_passes() {
        for (host, mode) in [
            ("localhost:6001", Some("navigate")),
            ("LOCALHOST:9999", Some("navigate")),
            ("app.localhost:6001", Some("navigate")),
            ("evil.test", Some("navigate")),
            ("127.0.0.1.evil.test", Some("navigate")),
            ("not a host", Some("navigate")),
            ("127.0.0.1:6001", Some("cors")),
            ("127.0.0.1:6001", None),
        ] {
            assert_eq!(target("http://localhost:6001", host, "/", mode), None, "{host}");
        }
    }
}
