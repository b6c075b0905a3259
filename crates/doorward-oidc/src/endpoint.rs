//! Endpoints a provider's metadata names, and how far the connecting side may reach for them.

use http::Uri;
use url::{Url, form_urlencoded};

use crate::error::EndpointError;
use crate::issuer::Issuer;
use crate::net::is_local_host;

/// The most bytes an endpoint may have.
const MAX_BYTES: usize = 2_048;

/// Which addresses the connecting side may connect to for a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// Any address: the host is the issuer's own, which configuration names, or the issuer is local.
    Any,
    /// Public addresses only: after resolving, every address for which
    /// [`is_public_address`](crate::is_public_address) is false is refused.
    PublicOnly,
}

/// A URL out of a provider's metadata that has passed the rules.
///
/// The rules, in the order applied: visible ASCII without backslash, at most 2,048 bytes; absolute with a host; https (http
/// only if the issuer is http); no user name or password; no fragment; no loopback name and no address literal that is not
/// public, unless the issuer is local. Any https host is accepted: large providers keep their endpoints on several.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    url: Url,
    uri: Uri,
}

impl Endpoint {
    /// Reads an endpoint of `issuer`'s metadata.
    ///
    /// # Errors
    /// One variant of [`EndpointError`] per rule.
    ///
    /// # Security
    /// The text comes from the provider; whoever controls it decides where tokens and client credentials are sent.
    pub fn parse(text: &str, issuer: &Issuer) -> Result<Self, EndpointError> {
        let endpoint = Self::from_text(text).ok_or(EndpointError::Malformed)?;
        match endpoint.url.scheme() {
            "https" => {}
            "http" if issuer.is_http() => {}
            "http" => return Err(EndpointError::NotHttps),
            _ => return Err(EndpointError::Malformed),
        }
        if has_userinfo(text) {
            return Err(EndpointError::UserInfo);
        }
        if endpoint.url.fragment().is_some() {
            return Err(EndpointError::Fragment);
        }
        let host = endpoint.url.host().ok_or(EndpointError::Malformed)?;
        // Security: a public issuer must not be able to aim our server at its own network.
        if is_local_host(&host) && !issuer.is_local() {
            return Err(EndpointError::Local);
        }
        Ok(endpoint)
    }

    /// Returns the URL.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Returns the URL as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// Tells how far the connecting side may reach for a request to this endpoint.
    #[must_use]
    pub fn reach(&self, issuer: &Issuer) -> Reach {
        if issuer.is_local() || self.url.host_str() == Some(issuer.host()) {
            Reach::Any
        } else {
            Reach::PublicOnly
        }
    }

    /// Returns the URL with parameters to send the browser there.
    ///
    /// The endpoint's own pieces stay as they are written (RFC 6749 §3.1), but for those of a name that is sent or `reserved`: a
    /// parameter that occurs twice would be read one way by one party and another way by the other.
    pub(crate) fn with_parameters(&self, sent: &[(&str, &str)], reserved: impl Fn(&str) -> bool) -> String {
        let mut url = self.url.clone();
        let own = url.query().unwrap_or_default().to_owned();
        let kept = own.split('&').filter(|piece| {
            let name = form_urlencoded::parse(piece.as_bytes()).next().map(|(name, _)| name);
            name.is_some_and(|name| !reserved(&name) && !sent.iter().any(|(set, _)| *set == name))
        });
        let mut query = kept.collect::<Vec<_>>().join("&");
        if !query.is_empty() {
            query.push('&');
        }
        let start = query.len();
        query = form_urlencoded::Serializer::for_suffix(query, start)
            .extend_pairs(sent)
            .finish();
        url.set_query(Some(&query));
        url.into()
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Reads the text as a URL that both `url` and `http` accept, without the rules that need an issuer.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        if text.len() > MAX_BYTES || !is_url_text(text) {
            return None;
        }
        let url = Url::parse(text).ok().filter(Url::has_host)?;
        let without_fragment = url.as_str().split('#').next()?;
        let uri = without_fragment.parse().ok()?;
        Some(Self { url, uri })
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Endpoint({:?})", self.url.as_str())
    }
}

/// Tells whether a text has only characters a URL may have; the parser itself would strip or convert the others.
pub(crate) fn is_url_text(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

/// Tells whether the authority holds an `@`, also one with nothing before it, which the parser forgets.
pub(crate) fn has_userinfo(text: &str) -> bool {
    let after_scheme = text.split_once("://").map_or(text, |(_, rest)| rest);
    after_scheme
        .split(['/', '?', '#'])
        .next()
        .is_some_and(|authority| authority.contains('@'))
}
