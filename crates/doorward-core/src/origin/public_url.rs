//! The address under which browsers see us.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::Url;

use super::Origin;

/// The public URL: decides redirect URIs, cookie flags and our own origin, whatever `Host` a request carries.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct PublicUrl {
    origin: Origin,
}

/// A text that cannot be the public URL.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublicUrlError {
    /// Not an absolute http or https URL.
    #[error("public URL must be an absolute https URL such as \"https://app.example.com\"")]
    Malformed,
    /// Plain http on a host that is not this machine.
    #[error("public URL must be https; http is for loopback names such as \"http://localhost:6001\" only")]
    InsecureHttp,
    /// Has user information, a query or a fragment.
    #[error("public URL must have no user information, query or fragment")]
    Unexpected,
    /// Has a path.
    #[error("public URL must have no path")]
    Path,
}

impl PublicUrl {
    /// Parses the public URL.
    ///
    /// # Errors
    /// [`PublicUrlError`]. Plain http is refused except on loopback names: session cookies over http can be read and
    /// written by anyone on the way.
    pub fn parse(text: &str) -> Result<PublicUrl, PublicUrlError> {
        if text.len() > 2_000 || text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\') {
            return Err(PublicUrlError::Malformed);
        }
        let url = Url::parse(text).map_err(|_| PublicUrlError::Malformed)?;
        let origin = Origin::of_url(&url).ok_or(PublicUrlError::Malformed)?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(PublicUrlError::Unexpected);
        }
        if url.path() != "/" {
            return Err(PublicUrlError::Path);
        }
        if !origin.is_https() && !is_loopback_host(origin.host()) {
            return Err(PublicUrlError::InsecureHttp);
        }
        Ok(PublicUrl { origin })
    }

    /// Takes an origin of a pattern whose rules were judged when it was parsed.
    pub(crate) const fn of_origin(origin: Origin) -> PublicUrl {
        PublicUrl { origin }
    }

    /// Returns the origin.
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Tells whether browsers reach us by https, so that cookies can be `Secure`.
    pub const fn is_https(&self) -> bool {
        self.origin.is_https()
    }

    /// Tells whether the host is a loopback name or address.
    pub fn is_loopback(&self) -> bool {
        is_loopback_host(self.origin.host())
    }

    /// Returns the absolute URL of a path of ours.
    pub fn join(&self, path: &str) -> String {
        let slash = if path.starts_with('/') { "" } else { "/" };
        format!("{}{slash}{path}", self.origin)
    }
}

impl core::fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.origin.fmt(f)
    }
}

/// Tells whether a host is this machine by its very name: `localhost`, a name below it, `127.0.0.0/8` or `[::1]`.
///
/// Names are not resolved: what DNS says may change, and is not ours.
pub fn is_loopback_host(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    if host == "localhost" || host.ends_with(".localhost") {
        return true;
    }
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback());
    }
    host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}
