//! Public URLs with one host per tenant.

use super::{HostName, HostNameError, TenantName};
use crate::origin::{Origin, PublicUrl, PublicUrlError};

const PLACEHOLDER: &str = "{tenant}";
/// The longest root that leaves room for a label of 63 bytes and a dot.
const MAX_ROOT: usize = 253 - 64;

/// The public URL of every tenant: `https://{tenant}.app.example.com`, or one plain [`PublicUrl`] for all.
///
/// # Security
/// What a `Host` header says picks among the hosts this pattern stands for and adds none: a host is either exactly one
/// label before the root, at the pattern's port, or nobody's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublicUrlPattern(Kind);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Kind {
    Plain {
        url: PublicUrl,
        host: HostName,
    },
    Tenants {
        https: bool,
        root: HostName,
        port: u16,
        fallback: Option<Fallback>,
    },
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Fallback {
    url: PublicUrl,
    host: HostName,
}

/// A text that is no public URL with or without `{tenant}`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublicUrlPatternError {
    /// A brace that is not part of exactly one `{tenant}`, or a `{tenant}` that is not the whole first label.
    #[error("public URL may hold \"{{tenant}}\" once, as the first label: \"https://{{tenant}}.app.example.com\"")]
    Placeholder,
    /// What follows `{tenant}.` is an address or a single label other than `localhost`.
    #[error("public URL must have a name of at least two labels, or \"localhost\", after \"{{tenant}}.\"")]
    Root,
    /// What follows `{tenant}.` leaves no room for a name.
    #[error("public URL must have at most 189 characters after \"{{tenant}}.\"")]
    RootTooLong,
    /// The URL for no tenant is http where those of the tenants are https, or the reverse.
    #[error("URL for no tenant must have the scheme of the public URL")]
    FallbackScheme,
    /// There is no placeholder, so the public URL itself is the one for no tenant.
    #[error("URL for no tenant needs a public URL with \"{{tenant}}\"")]
    FallbackUnneeded,
    /// Not a public URL, the placeholder aside.
    #[error(transparent)]
    Url(#[from] PublicUrlError),
    /// The host is none.
    #[error("host of the public URL is not usable")]
    Host(#[from] HostNameError),
}

impl PublicUrlPattern {
    /// Parses `https://{tenant}.app.example.com`, with a port or without, or a plain public URL.
    ///
    /// # Errors
    /// [`PublicUrlPatternError`]; everything [`PublicUrl::parse`] refuses is refused here, http on names that are not
    /// loopback included (`http://{tenant}.localhost:6001` is fine).
    pub fn parse(text: &str) -> Result<PublicUrlPattern, PublicUrlPatternError> {
        let Some((scheme, rest)) = text.split_once(PLACEHOLDER) else {
            if text.contains(['{', '}']) {
                return Err(PublicUrlPatternError::Placeholder);
            }
            let url = PublicUrl::parse(text)?;
            let host = HostName::parse(url.origin().host())?;
            return Ok(PublicUrlPattern(Kind::Plain { url, host }));
        };
        let root = rest.strip_prefix('.').ok_or(PublicUrlPatternError::Placeholder)?;
        if !scheme.ends_with("://") || scheme.contains(['{', '}']) || root.contains(['{', '}']) {
            return Err(PublicUrlPatternError::Placeholder);
        }
        let url = PublicUrl::parse(&format!("{scheme}{root}"))?;
        let root = HostName::parse(url.origin().host())?;
        if root.is_address() || !(root.as_str().contains('.') || root.as_str() == "localhost") {
            return Err(PublicUrlPatternError::Root);
        }
        if root.as_str().len() > MAX_ROOT {
            return Err(PublicUrlPatternError::RootTooLong);
        }
        Ok(PublicUrlPattern(Kind::Tenants {
            https: url.is_https(),
            root,
            port: url.origin().port(),
            fallback: None,
        }))
    }

    /// Sets the URL that stands for no tenant, such as `https://app.example.com`.
    ///
    /// Default: none, and a host that names no tenant is nobody's. A URL one label before the root takes that name away
    /// from the tenants, see [`reserves`](Self::reserves).
    ///
    /// # Errors
    /// [`PublicUrlPatternError::FallbackUnneeded`] without a placeholder; [`PublicUrlPatternError::FallbackScheme`]
    /// where one of the two is https and the other is not; [`PublicUrlPatternError::Host`].
    pub fn with_fallback(self, url: PublicUrl) -> Result<PublicUrlPattern, PublicUrlPatternError> {
        let Kind::Tenants { https, root, port, .. } = self.0 else {
            return Err(PublicUrlPatternError::FallbackUnneeded);
        };
        if url.is_https() != https {
            return Err(PublicUrlPatternError::FallbackScheme);
        }
        let host = HostName::parse(url.origin().host())?;
        Ok(PublicUrlPattern(Kind::Tenants {
            https,
            root,
            port,
            fallback: Some(Fallback { url, host }),
        }))
    }

    /// Tells whether each tenant has a host of its own.
    pub const fn has_tenants(&self) -> bool {
        matches!(self.0, Kind::Tenants { .. })
    }

    /// Returns the tenant whose host this is; `port` as the request gave it, `None` being the default of the scheme.
    ///
    /// `None` for the bare root, for anything but exactly one label before it, for another port, for a label that is no
    /// tenant name, for the URL that stands for no tenant, and always without a placeholder.
    pub fn tenant_of(&self, host: &HostName, port: Option<u16>) -> Option<TenantName> {
        let Kind::Tenants {
            https,
            root,
            port: own_port,
            fallback,
        } = &self.0
        else {
            return None;
        };
        let port = port.unwrap_or(default_port(*https));
        if port != *own_port {
            return None;
        }
        let label = host.label_before(root)?;
        let is_fallback = |fallback: &Fallback| fallback.host == *host && fallback.url.origin().port() == port;
        if fallback.as_ref().is_some_and(is_fallback) {
            return None;
        }
        TenantName::parse(label).ok()
    }

    /// Returns the tenant that the pattern gives a host to, whatever the port.
    pub fn name_at(&self, host: &HostName) -> Option<TenantName> {
        match &self.0 {
            Kind::Plain { .. } => None,
            Kind::Tenants { fallback, .. } if fallback.as_ref().is_some_and(|fallback| fallback.host == *host) => None,
            Kind::Tenants { root, .. } => TenantName::parse(host.label_before(root)?).ok(),
        }
    }

    /// Tells whether a host is everybody's or nobody's, whatever the port: that of a plain public URL, that of the URL for no
    /// tenant, or the bare root.
    pub fn is_no_tenants(&self, host: &HostName) -> bool {
        match &self.0 {
            Kind::Plain { host: own, .. } => own == host,
            Kind::Tenants { root, fallback, .. } => {
                host == root || fallback.as_ref().is_some_and(|fallback| fallback.host == *host)
            }
        }
    }

    /// Returns the public URL of a tenant; without a placeholder the one URL of all.
    ///
    /// A name written from right to left cannot stand before a root one of whose labels begins with a digit
    /// (RFC 5893 §2): browsers refuse that URL, and no host parses to it.
    pub fn for_tenant(&self, tenant: &TenantName) -> PublicUrl {
        match &self.0 {
            Kind::Plain { url, .. } => url.clone(),
            Kind::Tenants { https, root, port, .. } => {
                let host = format!("{tenant}.{root}");
                PublicUrl::of_origin(Origin::from_parts(*https, &host, explicit(*https, *port)))
            }
        }
    }

    /// Tells whether a name stands for no tenant, because the URL for no tenant has its host.
    pub fn reserves(&self, tenant: &TenantName) -> bool {
        match &self.0 {
            Kind::Plain { .. } => false,
            Kind::Tenants { root, fallback, .. } => fallback
                .as_ref()
                .is_some_and(|fallback| fallback.host.label_before(root) == Some(tenant.as_str())),
        }
    }

    /// Returns the host that follows `{tenant}.`; without a placeholder the host itself.
    pub const fn root_host(&self) -> &HostName {
        match &self.0 {
            Kind::Plain { host, .. } => host,
            Kind::Tenants { root, .. } => root,
        }
    }

    /// Returns the URL that stands for no tenant: the configured one; without a placeholder the URL itself.
    pub fn without_tenant(&self) -> Option<PublicUrl> {
        match &self.0 {
            Kind::Plain { url, .. } => Some(url.clone()),
            Kind::Tenants { fallback, .. } => fallback.as_ref().map(|fallback| fallback.url.clone()),
        }
    }

    /// Tells whether browsers reach us by https, the same for every tenant.
    pub const fn is_https(&self) -> bool {
        match &self.0 {
            Kind::Plain { url, .. } => url.is_https(),
            Kind::Tenants { https, .. } => *https,
        }
    }

    /// Tells whether all hosts are loopback names or addresses.
    pub fn is_loopback(&self) -> bool {
        self.root_host().is_loopback()
    }
}

impl core::fmt::Display for PublicUrlPattern {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match &self.0 {
            Kind::Plain { url, .. } => url.fmt(f),
            Kind::Tenants { https, root, port, .. } => {
                let scheme = if *https { "https" } else { "http" };
                write!(f, "{scheme}://{PLACEHOLDER}.{root}")?;
                match explicit(*https, *port) {
                    Some(port) => write!(f, ":{port}"),
                    None => Ok(()),
                }
            }
        }
    }
}

const fn default_port(https: bool) -> u16 {
    if https { 443 } else { 80 }
}

fn explicit(https: bool, port: u16) -> Option<u16> {
    Some(port).filter(|port| *port != default_port(https))
}
