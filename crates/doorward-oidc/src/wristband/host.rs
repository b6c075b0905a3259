//! Names that may become part of a host, parsed strictly: what is no name never reaches a URL.
//!
//! The rules for a host, in the order applied: not empty; no scheme; at most 253 bytes; a port only where one is allowed, and
//! then on a loopback name; labels of 1 to 63 letters, digits and hyphens, without a hyphen at either end; the last label
//! begins with a letter, since the URL standard reads anything else as an IPv4 address; two labels at least, unless the name is
//! loopback; and the URL built from it has exactly this host, which also judges `xn--` labels.

use url::{Host, Url};

use super::error::HostError;
use crate::net::is_loopback_host;

const MAX_HOST_BYTES: usize = 253;
const MAX_LABEL_BYTES: usize = 63;

/// The name of a tenant as it stands in front of a host: one DNS label in lower case.
///
/// # Example
/// ```
/// use doorward_oidc::wristband::TenantLabel;
///
/// assert_eq!(TenantLabel::parse("Globex").unwrap().as_str(), "globex");
/// assert!(TenantLabel::parse("evil.example/").is_err());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TenantLabel(String);

impl TenantLabel {
    /// Reads a tenant name; upper case is lowered.
    ///
    /// # Errors
    /// [`HostError::Empty`], [`HostError::Label`] for anything that is not one DNS label.
    ///
    /// # Security
    /// The text may come from a query, a `Host` header or a claim. What passes holds nothing that could end a host name.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        if text.is_empty() {
            return Err(HostError::Empty);
        }
        if !is_label(text) {
            return Err(HostError::Label);
        }
        let label = text.to_ascii_lowercase();
        // Behind a letter, so that a label of digits is not taken for an address.
        site("https", &format!("{label}.example"), None)?;
        Ok(Self(label))
    }

    /// Returns the label.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for TenantLabel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The domain whose subdomains are the tenants of the application's own site, such as `app.example.com`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct RootDomain(String);

impl RootDomain {
    /// Reads a root domain, which has no port.
    ///
    /// # Errors
    /// One variant of [`HostError`] per rule.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        Authority::parse(text, PortRule::Never).map(|authority| Self(authority.host))
    }

    /// Returns the domain in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a host may have a port.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PortRule {
    Never,
    OnLoopback,
}

/// A host name in lower case, and its port where it has one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Authority {
    pub(super) host: String,
    pub(super) port: Option<u16>,
}

impl Authority {
    pub(super) fn parse(text: &str, ports: PortRule) -> Result<Self, HostError> {
        if text.trim().is_empty() {
            return Err(HostError::Empty);
        }
        let (host, port) = match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        };
        if text.contains("//") || (port.is_some() && matches!(host, "http" | "https")) {
            return Err(HostError::Scheme);
        }
        let host = host.to_ascii_lowercase();
        check_host(&host)?;
        let port = match port {
            None => None,
            Some(_) if ports == PortRule::Never || !is_loopback(&host) => return Err(HostError::Port),
            Some(port) => Some(parse_port(port).ok_or(HostError::Port)?),
        };
        site("https", &host, port)?;
        Ok(Self { host, port })
    }

    pub(super) fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }
}

/// Checks every rule that needs no URL.
pub(super) fn check_host(host: &str) -> Result<(), HostError> {
    if host.len() > MAX_HOST_BYTES {
        return Err(HostError::TooLong);
    }
    if !host.split('.').all(is_label) {
        return Err(HostError::Label);
    }
    let last = host.rsplit('.').next().unwrap_or_default();
    if !last.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
        return Err(HostError::Address);
    }
    if !host.contains('.') && !is_loopback(host) {
        return Err(HostError::SingleLabel);
    }
    Ok(())
}

/// Builds the URL of a host's root and checks that its host is the one meant.
pub(super) fn site(scheme: &'static str, host: &str, port: Option<u16>) -> Result<Url, HostError> {
    let text = match port {
        Some(port) => format!("{scheme}://{host}:{port}/"),
        None => format!("{scheme}://{host}/"),
    };
    let url = Url::parse(&text).map_err(|_| HostError::Label)?;
    // Security: the last word on where a browser or a secret goes has the URL parser, not the text that went in.
    if url.host_str() == Some(host) && url.path() == "/" && url.username().is_empty() && url.query().is_none() {
        Ok(url)
    } else {
        Err(HostError::Label)
    }
}

fn is_loopback(host: &str) -> bool {
    is_loopback_host(&Host::Domain(host))
}

fn is_label(text: &str) -> bool {
    (1..=MAX_LABEL_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn parse_port(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    if digits { text.parse().ok() } else { None }
}
