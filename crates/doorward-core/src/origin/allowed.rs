//! The origins whose pages may call with credentials.

use std::sync::Arc;

use url::Host;

use super::{Origin, OriginError};

/// One configured origin of an application's frontend: exact, or every subdomain of a host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AppOrigin {
    base: Origin,
    wildcard: bool,
}

impl AppOrigin {
    /// Parses `https://app.example.com` or `https://*.app.example.com`.
    ///
    /// A wildcard stands for one or more whole labels: it matches `a.app.example.com` and `a.b.app.example.com`,
    /// neither `app.example.com` nor `badapp.example.com`.
    ///
    /// # Errors
    /// [`OriginError`].
    pub fn parse(text: &str) -> Result<AppOrigin, OriginError> {
        let Some((scheme, suffix)) = text.split_once("://*.") else {
            return Ok(AppOrigin {
                base: Origin::parse(text)?,
                wildcard: false,
            });
        };
        let wildcard_error = || OriginError::Wildcard {
            given: text.chars().take(300).collect(),
        };
        let base = Origin::parse(&format!("{scheme}://{suffix}")).map_err(|_| wildcard_error())?;
        let is_name = matches!(Host::parse(base.host()), Ok(Host::Domain(_)));
        let labels = base.host().split('.');
        if !is_name || labels.clone().count() < 2 || labels.clone().any(str::is_empty) {
            return Err(wildcard_error());
        }
        Ok(AppOrigin { base, wildcard: true })
    }

    /// Tells whether an origin is meant.
    pub fn matches(&self, origin: &Origin) -> bool {
        if !self.wildcard {
            return self.base == *origin;
        }
        // Security: the dot before the suffix is what keeps `badapp.example.com` out.
        self.base.is_https() == origin.is_https()
            && self.base.port() == origin.port()
            && origin
                .host()
                .strip_suffix(self.base.host())
                .and_then(|prefix| prefix.strip_suffix('.'))
                .is_some_and(|prefix| !prefix.split('.').any(str::is_empty))
    }

    /// Returns the origin itself, or for a wildcard the one below which all match.
    pub const fn base(&self) -> &Origin {
        &self.base
    }
}

impl core::fmt::Display for AppOrigin {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if !self.wildcard {
            return self.base.fmt(f);
        }
        let (scheme, rest) = self.base.as_str().split_once("://").unwrap_or_default();
        write!(f, "{scheme}://*.{rest}")
    }
}

/// Our own origin and those of the application's frontends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AllowedOrigins {
    own: Origin,
    app: Arc<[AppOrigin]>,
}

impl AllowedOrigins {
    /// Takes our own origin and the configured ones.
    ///
    /// # Errors
    /// [`OriginError`] for the first text that is none.
    pub fn new<S: AsRef<str>>(own: &Origin, app: impl IntoIterator<Item = S>) -> Result<AllowedOrigins, OriginError> {
        let app = app
            .into_iter()
            .map(|text| AppOrigin::parse(text.as_ref()))
            .collect::<Result<_, _>>()?;
        Ok(AllowedOrigins { own: own.clone(), app })
    }

    /// Returns the same frontends with another origin as our own: that of the tenant a request came to.
    ///
    /// Cheap: the list of frontends is shared. The origin it is called on counts as ours no longer.
    pub fn at(&self, own: Origin) -> AllowedOrigins {
        AllowedOrigins {
            own,
            app: Arc::clone(&self.app),
        }
    }

    /// Tells whether an `Origin` header names us or an application's frontend.
    pub fn contains(&self, header_value: &str) -> bool {
        self.is_own(header_value) || self.match_app(header_value).is_some()
    }

    /// Tells whether an `Origin` header names us.
    pub fn is_own(&self, header_value: &str) -> bool {
        // What browsers send is already in the form we compare with.
        header_value == self.own.as_str() || Origin::parse_exact(header_value).is_some_and(|origin| origin == self.own)
    }

    /// Returns the origin that an `Origin` header names, if it is one of the application's frontends.
    pub fn match_app(&self, header_value: &str) -> Option<Origin> {
        if self.app.is_empty() {
            return None;
        }
        let origin = Origin::parse_exact(header_value)?;
        self.app.iter().any(|app| app.matches(&origin)).then_some(origin)
    }

    /// Tells whether an origin is ours or an application's frontend.
    pub fn contains_origin(&self, origin: &Origin) -> bool {
        *origin == self.own || self.app.iter().any(|app| app.matches(origin))
    }

    /// Returns our own origin.
    pub const fn own(&self) -> &Origin {
        &self.own
    }

    /// Returns the configured origins of the application's frontends.
    pub fn app(&self) -> &[AppOrigin] {
        &self.app
    }
}
