//! Origins: ours, those of the application's own frontends, and what a header claims.
//!
//! # Security
//! Compared are scheme, host and port, exactly. Nothing is matched by suffix except a configured wildcard, and that by
//! whole labels: `*.app.example.com` is not `badapp.example.com`.

mod allowed;
mod public_url;
#[cfg(test)]
mod tests;

use url::{Host, Url};

pub use self::{
    allowed::{AllowedOrigins, AppOrigin},
    public_url::{PublicUrl, PublicUrlError, is_loopback_host},
};

/// No origin is longer than the longest host name with scheme and port.
const MAX_ORIGIN: usize = 300;

/// Scheme, host and port of a web page.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    text: String,
    https: bool,
    host_at: usize,
    host_end: usize,
    port: u16,
}

/// A text that is no origin.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OriginError {
    /// Not `http://` or `https://` with a host, an optional port and nothing else.
    #[error("{given:?} is not an origin such as \"https://app.example.com\" (no path, no trailing slash)")]
    Malformed {
        /// What was given.
        given: String,
    },
    /// A wildcard that is not `*.` before at least two labels of a name.
    #[error("{given:?} must have the form \"https://*.app.example.com\"")]
    Wildcard {
        /// What was given.
        given: String,
    },
}

impl Origin {
    /// Parses the serialisation of an origin as browsers send it.
    ///
    /// Upper case in scheme and host is lowered and the default port dropped; everything else must stand as a browser
    /// would write it.
    ///
    /// # Errors
    /// [`OriginError::Malformed`] for anything else: `null`, a path, user information, an escape, a host that is not
    /// in its ASCII form.
    pub fn parse(text: &str) -> Result<Origin, OriginError> {
        Origin::parse_exact(text).ok_or_else(|| OriginError::Malformed {
            given: text.chars().take(MAX_ORIGIN).collect(),
        })
    }

    /// Returns the origin of a parsed URL; `None` unless it is http or https.
    pub fn of_url(url: &Url) -> Option<Origin> {
        let https = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let host = url.host_str().filter(|host| !host.is_empty())?;
        Some(Origin::from_parts(https, host, url.port()))
    }

    /// Puts an origin together from a host in the form that URLs write, and a port unless it is the scheme's default.
    pub(crate) fn from_parts(https: bool, host: &str, explicit_port: Option<u16>) -> Origin {
        let mut text = String::with_capacity(host.len() + 14);
        text.push_str(if https { "https://" } else { "http://" });
        let host_at = text.len();
        text.push_str(host);
        let host_end = text.len();
        if let Some(explicit) = explicit_port {
            text.push(':');
            text.push_str(&explicit.to_string());
        }
        let default_port = if https { 443 } else { 80 };
        Origin {
            text,
            https,
            host_at,
            host_end,
            port: explicit_port.unwrap_or(default_port),
        }
    }

    /// Returns the serialisation: lower case, without the default port.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the host; an IPv6 address stands in brackets.
    pub fn host(&self) -> &str {
        self.text.get(self.host_at..self.host_end).unwrap_or_default()
    }

    /// Returns the port, the default of the scheme included.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Tells whether the scheme is https.
    pub const fn is_https(&self) -> bool {
        self.https
    }

    fn parse_exact(text: &str) -> Option<Origin> {
        if text.len() > MAX_ORIGIN {
            return None;
        }
        let (scheme, authority) = text.split_once("://")?;
        if authority
            .bytes()
            .any(|byte| !byte.is_ascii_graphic() || matches!(byte, b'/' | b'\\' | b'?' | b'#' | b'@' | b'%' | b'*'))
        {
            return None;
        }
        let origin = Origin::of_url(&Url::parse(text).ok()?)?;
        // The URL parser repairs much (`https:///x`, `0x7f.1`, a port of `0443`); an origin is compared, so what it had
        // to repair is not one.
        let lowered = format!("{}://{}", scheme.to_ascii_lowercase(), authority.to_ascii_lowercase());
        let with_port = format!("{}:{}", origin.text, origin.port);
        (lowered == origin.text || lowered == with_port).then_some(origin)
    }
}

impl core::fmt::Display for Origin {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.text)
    }
}

impl core::fmt::Debug for Origin {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Origin({})", self.text)
    }
}

/// Tells whether browsers probably count two origins as one site, for a warning at start.
///
/// An approximation: same scheme, and the same host or the same last two labels. It takes `a.co.uk` and `b.co.uk` for
/// one site, because the list of public suffixes is not part of this program; nothing but a warning depends on it.
pub fn same_site(a: &Origin, b: &Origin) -> bool {
    if a.https != b.https {
        return false;
    }
    a.host() == b.host()
        || match (last_two_labels(a.host()), last_two_labels(b.host())) {
            (Some(a), Some(b)) => a == b,
            _ => false,
        }
}

fn last_two_labels(host: &str) -> Option<&str> {
    if !matches!(Host::parse(host), Ok(Host::Domain(_))) {
        return None;
    }
    let last_dot = host.rfind('.')?;
    let start = host.get(..last_dot)?.rfind('.').map_or(0, |dot| dot + 1);
    host.get(start..)
}
