//! One outbound HTTP exchange.

use std::net::IpAddr;

use bytes::Bytes;
use doorward_oidc::OutboundRequest;
use http::{HeaderMap, StatusCode};

use super::BoxFuture;

/// Sends one request and reads one answer.
///
/// # Security
/// What an implementation owes, because the rules above rely on it:
/// - no redirect is followed: a 3xx is returned as it is;
/// - the connection stands within 2 s, the whole exchange ends within 10 s;
/// - at most [`OutboundRequest::max_response_bytes`] of body are read, then [`FetchError::TooLarge`]; no content coding
///   is undone, so that a small answer cannot grow;
/// - TLS certificates and host names are verified;
/// - [`OutboundRequest::reach`] is honoured after name resolution: with [`doorward_oidc::Reach::PublicOnly`] every
///   address that is not public is [`FetchError::AddressRefused`];
/// - no proxy, cookie or credential of its own is added.
pub trait Fetch: Send + Sync + 'static {
    /// Sends `request` and reads the answer whole.
    ///
    /// # Errors
    /// [`FetchError`] where no complete answer was read. A status such as 500 is an answer, not an error.
    fn fetch(&self, request: OutboundRequest) -> BoxFuture<'static, Result<Fetched, FetchError>>;
}

/// An answer as it came; nothing in it is trusted yet.
#[derive(Clone)]
pub struct Fetched {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, within the cap of the request.
    pub body: Bytes,
    /// The address the answer came from, where the adapter knows it.
    pub remote: Option<IpAddr>,
}

impl core::fmt::Debug for Fetched {
    // The body of a token answer is tokens.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Fetched")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .field("remote", &self.remote)
            .finish_non_exhaustive()
    }
}

/// Why no answer was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The name did not resolve or nobody listens.
    #[error("host is unreachable")]
    Unreachable,
    /// Connecting or answering took too long.
    #[error("no answer in time")]
    Timeout,
    /// The certificate was refused or the handshake failed.
    #[error("TLS handshake failed")]
    Tls,
    /// The answer is larger than the request allows.
    #[error("answer is larger than allowed")]
    TooLarge,
    /// The name resolved to an address that this request may not reach.
    #[error("host resolves to an address that is not public")]
    AddressRefused,
    /// The connection ended before the answer did.
    #[error("connection ended before the answer was complete")]
    Interrupted,
}
