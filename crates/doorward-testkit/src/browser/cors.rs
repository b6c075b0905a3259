//! What a script of another origin may send and read: the Fetch standard's preflight and CORS check.

use bytes::Bytes;
use http::Method;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http_body_util::BodyExt as _;

use super::page::Page;
use super::request::{BrowserRequest, RequestKind};

impl BrowserRequest<'_> {
    pub(super) fn needs_preflight(&self) -> bool {
        self.asked.kind == RequestKind::Fetch
            && self.is_cross_origin()
            && (!is_simple_method(&self.asked.method) || !self.unsafe_headers().is_empty())
    }

    /// The names that `Access-Control-Request-Headers` lists: sorted, lower-case.
    fn unsafe_headers(&self) -> Vec<String> {
        let unsafe_one = |(name, value): (&HeaderName, &HeaderValue)| {
            let safe = match name.as_str() {
                "accept" | "accept-language" | "content-language" => true,
                "content-type" => {
                    let value = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
                    let essence = value.split(';').next().unwrap_or_default().trim().to_owned();
                    ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"]
                        .contains(&essence.as_str())
                }
                // What a script cannot set does not count; a test that sets it forges the browser.
                "cookie" | "host" | "origin" | "referer" | "user-agent" => true,
                name => name.starts_with("sec-"),
            };
            (!safe).then(|| name.as_str().to_owned())
        };
        let mut names: Vec<String> = self.asked.headers.iter().filter_map(unsafe_one).collect();
        names.sort();
        names.dedup();
        names
    }

    pub(super) async fn preflight(&self) -> Page {
        let mut headers = self.bare_headers(&Method::OPTIONS);
        let method = HeaderValue::from_str(self.asked.method.as_str()).expect("a method");
        headers.insert(header::ACCESS_CONTROL_REQUEST_METHOD, method);
        let names = self.unsafe_headers().join(",");
        if !names.is_empty() {
            let names = HeaderValue::from_str(&names).expect("header names");
            headers.insert(header::ACCESS_CONTROL_REQUEST_HEADERS, names);
        }
        // A preflight never carries cookies, and its answer sets none.
        let request = self.build(&Method::OPTIONS, headers, Bytes::new());
        let (parts, body) = self.deliver(request).await.into_parts();
        let body = body.collect().await.expect("a body that does not break off").to_bytes();
        Page {
            status: parts.status,
            headers: parts.headers,
            body,
            url: self.url.clone(),
            blocked: None,
            refused_cookies: Vec::new(),
            asked: self.asked.clone(),
        }
    }

    pub(super) fn preflight_allows(&self, answer: &Page) -> bool {
        let listed = |header: HeaderName, wanted: &str| {
            let values = answer.headers.get_all(header).iter();
            let mut words = values.flat_map(|value| {
                let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
                text.split(',').map(|word| word.trim().to_owned()).collect::<Vec<_>>()
            });
            words.any(|word| word.eq_ignore_ascii_case(wanted) || (word == "*" && !self.asked.credentials))
        };
        let method = self.asked.method.as_str();
        answer.status.is_success()
            && self.shown_to_script(&answer.headers)
            && (is_simple_method(&self.asked.method) || listed(header::ACCESS_CONTROL_ALLOW_METHODS, method))
            && self
                .unsafe_headers()
                .iter()
                .all(|name| listed(header::ACCESS_CONTROL_ALLOW_HEADERS, name))
    }

    /// Fetch standard, "CORS check".
    pub(super) fn shown_to_script(&self, headers: &HeaderMap) -> bool {
        if !self.is_cross_origin() {
            return true;
        }
        let once = |name: HeaderName| {
            let mut values = headers.get_all(name).iter();
            let first = values.next().and_then(|value| value.to_str().ok());
            first.filter(|_| values.next().is_none())
        };
        let allowed = once(header::ACCESS_CONTROL_ALLOW_ORIGIN);
        if allowed == Some("*") {
            return !self.asked.credentials;
        }
        let origin = self.origin_header(&Method::POST);
        allowed.is_some()
            && allowed == origin.as_deref()
            && (!self.asked.credentials || once(header::ACCESS_CONTROL_ALLOW_CREDENTIALS) == Some("true"))
    }
}

fn is_simple_method(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::POST)
}
