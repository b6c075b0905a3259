//! What the rules see of a request.
//!
//! # Security
//! Everything here is the caller's word. Of the Fetch Metadata headers (`Sec-Fetch-*`) a page cannot forge any, a
//! program can forge all: they protect a user's browser, they do not authenticate.

#[cfg(test)]
mod tests;

use http::{
    HeaderMap, HeaderName, Method, Uri,
    header::{ACCEPT, ACCESS_CONTROL_REQUEST_METHOD, HOST, ORIGIN, SEC_WEBSOCKET_KEY, UPGRADE},
    uri::Authority,
};

use crate::tenant::HostName;

/// `Sec-Fetch-Site`.
pub const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// `Sec-Fetch-Mode`.
pub const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
/// `Sec-Fetch-Dest`.
pub const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
/// `Sec-Purpose`: set on prefetches and prerendering.
pub const SEC_PURPOSE: HeaderName = HeaderName::from_static("sec-purpose");

/// The parts of a request that decisions are made from.
#[derive(Clone, Copy)]
pub struct RequestView<'a> {
    /// The method, as it came: `post` is not `POST`.
    pub method: &'a Method,
    /// The request target.
    pub uri: &'a Uri,
    /// The headers.
    pub headers: &'a HeaderMap,
}

impl core::fmt::Debug for RequestView<'_> {
    // Headers hold cookies, and a callback's query holds a code.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("RequestView")
            .field("method", self.method)
            .field("path", &self.uri.path())
            .finish_non_exhaustive()
    }
}

/// A header that may stand once was given several times, or with bytes that are not visible ASCII.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("header must be given at most once and as visible text")]
pub struct Repeated;

/// What the browser says about where a request comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FetchSite {
    /// The same origin as the target.
    SameOrigin,
    /// No page: the address bar, a bookmark.
    None,
    /// `same-site`, `cross-site`, anything unknown, or several values.
    Other,
    /// The header is not there: an old browser or no browser.
    Absent,
}

impl<'a> RequestView<'a> {
    /// Reads a header that may stand once.
    ///
    /// # Errors
    /// [`Repeated`] where it stands twice or is not text: whoever decides by it must refuse.
    pub fn header_once(&self, name: &HeaderName) -> Result<Option<&'a str>, Repeated> {
        let mut values = self.headers.get_all(name).into_iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Repeated);
        }
        value.to_str().map(Some).map_err(|_| Repeated)
    }

    /// Reads the host that a request names, with its port where it says one: HTTP/2's `:authority`, or that of an absolute
    /// target, else the one `Host` header.
    ///
    /// `None` also where it names two.
    ///
    /// # Security
    /// Where both are there they say the same (RFC 9113 §8.3.1). Else we would judge by one host, and whoever comes behind us
    /// and reads the other would serve another tenant.
    pub fn host(&self) -> Option<&'a str> {
        let header = self.header_once(&HOST).ok()?;
        let Some(authority) = self.uri.authority().map(Authority::as_str) else {
            return header;
        };
        let default = match self.uri.scheme_str() {
            Some("http") => 80,
            _ => 443,
        };
        let place = |text| {
            let (host, port) = HostName::host_and_port(text).ok()?;
            Some((host, port.unwrap_or(default)))
        };
        let own = place(authority)?;
        header
            .is_none_or(|header| place(header).is_some_and(|other| other == own))
            .then_some(authority)
    }

    /// Tells whether the method is one of the safe methods of RFC 9110, section 9.2.1.
    pub fn is_safe_method(&self) -> bool {
        matches!(
            *self.method,
            Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
        )
    }

    /// Reads `Sec-Fetch-Site`.
    pub fn fetch_site(&self) -> FetchSite {
        match self.header_once(&SEC_FETCH_SITE) {
            Ok(None) => FetchSite::Absent,
            Ok(Some("same-origin")) => FetchSite::SameOrigin,
            Ok(Some("none")) => FetchSite::None,
            Ok(Some(_)) | Err(Repeated) => FetchSite::Other,
        }
    }

    /// Tells whether a browser loads a page with this request, so that a redirect to login helps.
    ///
    /// Fetch Metadata decides where it is there: mode `navigate`, destination `document`. Else `Accept` naming
    /// `text/html` does. Only GET counts.
    pub fn is_navigation(&self) -> bool {
        if *self.method != Method::GET {
            return false;
        }
        let has_metadata = [&SEC_FETCH_MODE, &SEC_FETCH_DEST, &SEC_FETCH_SITE]
            .into_iter()
            .any(|name| self.headers.contains_key(name));
        if has_metadata {
            return self.is_document_navigation();
        }
        self.headers.get_all(ACCEPT).into_iter().any(|value| {
            value.to_str().is_ok_and(|text| {
                text.split(',')
                    .any(|item| media_type(item).eq_ignore_ascii_case("text/html"))
            })
        })
    }

    /// Tells whether Fetch Metadata names a top-level navigation, whatever the method.
    pub fn is_document_navigation(&self) -> bool {
        self.header_once(&SEC_FETCH_MODE) == Ok(Some("navigate"))
            && self.header_once(&SEC_FETCH_DEST) == Ok(Some("document"))
    }

    /// Tells whether the request opens a WebSocket.
    ///
    /// # Security
    /// Read generously on purpose: what any backend could take for a handshake needs a trusted `Origin`, because
    /// browsers open WebSockets across origins with cookies and without a preflight.
    pub fn is_websocket_handshake(&self) -> bool {
        if !self.is_safe_method() {
            return false;
        }
        self.headers.contains_key(SEC_WEBSOCKET_KEY)
            || self.headers.get_all(UPGRADE).into_iter().any(|value| {
                value.as_bytes().split(|byte| *byte == b',').any(|item| {
                    item.trim_ascii()
                        .get(..9)
                        .is_some_and(|name| name.eq_ignore_ascii_case(b"websocket"))
                })
            })
    }

    /// Tells whether the request is a CORS preflight, which carries no credentials and must not be refused for that.
    pub fn is_preflight(&self) -> bool {
        *self.method == Method::OPTIONS
            && self.headers.contains_key(ORIGIN)
            && self.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
    }
}

fn media_type(item: &str) -> &str {
    item.split(';').next().unwrap_or_default().trim()
}
