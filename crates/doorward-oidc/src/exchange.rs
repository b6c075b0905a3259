//! Requests to a provider as values, and what is common to the reading of its responses.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Request};
use url::form_urlencoded;

use crate::endpoint::{Endpoint, Reach};
use crate::issuer::Issuer;

/// The longest wait a provider's `Retry-After` can ask for.
const MAX_RETRY_AFTER_SECONDS: u64 = 3_600;

/// A request to a provider, to be sent by somebody else.
///
/// # Security
/// The sender owes: no redirects followed, certificates checked, connections only to addresses [`Self::reach`] permits, no
/// more than [`Self::max_response_bytes`] of body read after decoding, a deadline over the whole exchange, and nothing of the
/// request in a log but [`Self::label`] and the host.
pub struct OutboundRequest {
    /// Method, URL, headers and body, complete.
    pub request: Request<Bytes>,
    /// Which addresses may be connected to.
    pub reach: Reach,
    /// The most body bytes to read; a longer answer is a failure of the exchange.
    pub max_response_bytes: usize,
    /// What the request is for: `discovery`, `jwks`, `token`, `userinfo`, `revocation`, `introspection`,
    /// `sdk-configuration` or `custom-domain`.
    pub label: &'static str,
}

impl OutboundRequest {
    pub(crate) fn get(endpoint: &Endpoint, issuer: &Issuer, label: &'static str, max_response_bytes: usize) -> Self {
        Self::new(Method::GET, endpoint, issuer, Bytes::new(), label, max_response_bytes)
    }

    pub(crate) fn post_form(
        endpoint: &Endpoint,
        issuer: &Issuer,
        form: Form,
        label: &'static str,
        max_response_bytes: usize,
    ) -> Self {
        let mut outbound = Self::new(
            Method::POST,
            endpoint,
            issuer,
            Bytes::from(form.finish()),
            label,
            max_response_bytes,
        );
        let content_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        outbound.request.headers_mut().insert(CONTENT_TYPE, content_type);
        outbound
    }

    pub(crate) fn with_authorization(mut self, value: Option<HeaderValue>) -> Self {
        if let Some(mut value) = value {
            value.set_sensitive(true);
            self.request.headers_mut().insert(AUTHORIZATION, value);
        }
        self
    }

    pub(crate) fn with_accept(mut self, media_types: &'static str) -> Self {
        self.request
            .headers_mut()
            .insert(ACCEPT, HeaderValue::from_static(media_types));
        self
    }

    fn new(
        method: Method,
        endpoint: &Endpoint,
        issuer: &Issuer,
        body: Bytes,
        label: &'static str,
        max_response_bytes: usize,
    ) -> Self {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = endpoint.uri().clone();
        request
            .headers_mut()
            .insert(ACCEPT, HeaderValue::from_static("application/json"));
        Self {
            request,
            reach: endpoint.reach(issuer),
            max_response_bytes,
            label,
        }
    }
}

/// Label, method and host only: headers and body carry credentials.
impl std::fmt::Debug for OutboundRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutboundRequest")
            .field("label", &self.label)
            .field("method", self.request.method())
            .field("host", &self.request.uri().host())
            .field("reach", &self.reach)
            .finish_non_exhaustive()
    }
}

/// A form body in the making.
pub(crate) struct Form(form_urlencoded::Serializer<'static, String>);

impl Form {
    pub(crate) fn new() -> Self {
        Self(form_urlencoded::Serializer::new(String::new()))
    }

    pub(crate) fn push(&mut self, name: &str, value: &str) {
        self.0.append_pair(name, value);
    }

    fn finish(mut self) -> String {
        self.0.finish()
    }
}

/// Tells whether the response says, exactly once, that it is one of `media_types`; parameters such as a charset are ignored.
pub(crate) fn has_media_type(headers: &HeaderMap, media_types: &[&str]) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return false;
    };
    let Ok(value) = value.to_str() else { return false };
    let essence = value.split(';').next().unwrap_or_default().trim();
    media_types
        .iter()
        .any(|media_type| essence.eq_ignore_ascii_case(media_type))
}

/// Reads `Retry-After` in seconds, capped at an hour; a date is ignored, since it would need a clock to read.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    if text.is_empty() || text.len() > 10 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds: u64 = text.parse().ok()?;
    Some(Duration::from_secs(seconds.min(MAX_RETRY_AFTER_SECONDS)))
}

/// Tells whether a status is a passing failure: the same request may succeed later.
pub(crate) fn is_passing(status: http::StatusCode) -> bool {
    status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429)
}
