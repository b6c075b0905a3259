//! What the engine answers: a status, headers and a complete body, in no framework's terms.

use bytes::Bytes;
use doorward_core::code::Code;
use doorward_crypto::SystemRandom;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;

use crate::problem::{Problem, log, request_id};

/// A complete answer of ours, which a shell turns into its framework's response.
///
/// Every reply is `Cache-Control: no-store` from the start, so that no path can forget it.
#[derive(Clone)]
pub struct Reply {
    /// The status code.
    pub status: StatusCode,
    /// The headers, `Set-Cookie` included.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Reply {
    /// Makes an empty reply that no cache keeps.
    #[must_use]
    pub fn new(status: StatusCode) -> Self {
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Self {
            status,
            headers,
            body: Bytes::new(),
        }
    }

    /// Makes a JSON reply.
    #[must_use]
    pub fn json(status: StatusCode, value: &impl Serialize) -> Self {
        let mut reply = Self::new(status);
        reply.set(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        reply.set(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        // What we answer are texts and numbers under names that are texts, which JSON can always hold.
        reply.body = serde_json::to_vec(value).unwrap_or_default().into();
        reply
    }

    /// Makes a refusal where no engine is at hand to say more.
    #[must_use]
    pub fn bare_problem(code: Code) -> Self {
        let request_id = request_id(&SystemRandom);
        log(code, &request_id);
        let mut reply = Self::json(code.status(), &Problem::new(code, &request_id));
        reply.set(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        reply
    }

    /// Makes a redirect; `303` after a POST, `302` otherwise, and never one that repeats a body.
    ///
    /// A location that is no header value becomes a plain 500: it can only come from our own
    /// serialisation, and following half a URL would be worse.
    #[must_use]
    pub(crate) fn redirect(status: StatusCode, location: &str) -> Self {
        let Ok(value) = HeaderValue::from_str(location) else {
            return Self::new(StatusCode::INTERNAL_SERVER_ERROR);
        };
        let mut reply = Self::new(status);
        reply.set(header::LOCATION, value);
        reply.set(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        reply
    }

    pub(crate) fn set(&mut self, name: HeaderName, value: HeaderValue) {
        self.headers.insert(name, value);
    }

    pub(crate) fn add_cookie(&mut self, cookie: HeaderValue) {
        self.headers.append(header::SET_COOKIE, cookie);
    }

    pub(crate) fn add_cookies(&mut self, cookies: impl IntoIterator<Item = HeaderValue>) {
        for cookie in cookies {
            self.add_cookie(cookie);
        }
    }
}

impl std::fmt::Debug for Reply {
    // The body may be the token endpoint's, and a location may carry an ID token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reply")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
