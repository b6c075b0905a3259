//! The issuer: the name of a provider, and the only thing about it that configuration states.

use thiserror::Error;
use url::Url;

use crate::endpoint::{Endpoint, has_userinfo, is_url_text};
use crate::net::{is_local_host, is_loopback_host};

/// The most bytes an issuer may have.
const MAX_BYTES: usize = 1_024;

/// Where an issuer may be plain http.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum HttpIssuer {
    /// On loopback names and addresses only.
    #[default]
    LoopbackOnly,
    /// Anywhere: whoever sits on the wire can then sign in as anybody.
    DangerAnywhere,
}

/// Why a text is not an issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IssuerError {
    /// More than 1,024 bytes.
    #[error("issuer has more than {MAX_BYTES} bytes")]
    TooLong,
    /// Not an absolute http or https URL with a host, or with characters no URL has.
    #[error("issuer is not an absolute https URL")]
    Malformed,
    /// http where only https is accepted.
    #[error("issuer is http, expected https (http is accepted on loopback only)")]
    NotHttps,
    /// A user name or password.
    #[error("issuer has a user name or password")]
    UserInfo,
    /// A query, even an empty one.
    #[error("issuer has a query")]
    Query,
    /// A fragment, even an empty one.
    #[error("issuer has a fragment")]
    Fragment,
}

/// A provider's issuer identifier (OpenID Connect Core §1.2, RFC 8414 §2).
///
/// The text is kept exactly as given, since every comparison with it is byte by byte: `https://a.example` and
/// `https://a.example/` are two issuers.
///
/// # Example
/// ```
/// use doorward_oidc::{HttpIssuer, Issuer};
///
/// let issuer = Issuer::parse("https://id.example.com/realms/acme", HttpIssuer::LoopbackOnly).unwrap();
/// assert_eq!(issuer.host(), "id.example.com");
/// assert!(Issuer::parse("http://id.example.com", HttpIssuer::LoopbackOnly).is_err());
/// assert!(Issuer::parse("http://localhost:6002", HttpIssuer::LoopbackOnly).is_ok());
/// ```
#[derive(Clone)]
pub struct Issuer {
    text: String,
    url: Url,
    discovery: Endpoint,
}

impl Issuer {
    /// Reads an issuer.
    ///
    /// # Errors
    /// One variant of [`IssuerError`] per rule.
    pub fn parse(text: &str, http: HttpIssuer) -> Result<Self, IssuerError> {
        if text.len() > MAX_BYTES {
            return Err(IssuerError::TooLong);
        }
        if !is_url_text(text) {
            return Err(IssuerError::Malformed);
        }
        if text.contains('#') {
            return Err(IssuerError::Fragment);
        }
        if text.contains('?') {
            return Err(IssuerError::Query);
        }
        let url = Url::parse(text).map_err(|_| IssuerError::Malformed)?;
        let host = url.host().ok_or(IssuerError::Malformed)?;
        match (url.scheme(), http) {
            ("https", _) | ("http", HttpIssuer::DangerAnywhere) => {}
            ("http", HttpIssuer::LoopbackOnly) if is_loopback_host(&host) => {}
            ("http", HttpIssuer::LoopbackOnly) => return Err(IssuerError::NotHttps),
            _ => return Err(IssuerError::Malformed),
        }
        if has_userinfo(text) {
            return Err(IssuerError::UserInfo);
        }
        // OpenID Connect Discovery §4.1: one terminating slash is removed before the well-known path is appended.
        let base = text.strip_suffix('/').unwrap_or(text);
        let discovery =
            Endpoint::from_text(&format!("{base}/.well-known/openid-configuration")).ok_or(IssuerError::Malformed)?;
        Ok(Self {
            text: text.to_owned(),
            url,
            discovery,
        })
    }

    /// Returns the text exactly as given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns scheme, host and port, as a Content-Security-Policy names them.
    #[must_use]
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// Returns the host, without port.
    #[must_use]
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Tells whether the issuer is plain http.
    #[must_use]
    pub fn is_http(&self) -> bool {
        self.url.scheme() == "http"
    }

    /// Tells whether the host is a loopback name, or an address literal that is not public.
    ///
    /// Only a provider that is itself local may name local endpoints.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.url.host().is_some_and(|host| is_local_host(&host))
    }

    pub(crate) fn discovery_endpoint(&self) -> &Endpoint {
        &self.discovery
    }
}

impl PartialEq for Issuer {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Issuer {}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Issuer({:?})", self.text)
    }
}

impl std::fmt::Display for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}
