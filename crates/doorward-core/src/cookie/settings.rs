//! How our cookies are called and flagged, decided once at start.

use super::{CookieAttributes, CookieDomain, CookieName, CookieNameError, SameSite};
use crate::origin::PublicUrl;

const TOKEN_CHUNKS: usize = 2;

/// What a configuration may say about cookies; `None` takes the default.
#[derive(Clone, Debug)]
pub struct CookieOptions {
    /// Shares session and CSRF cookie among the subdomains of a domain. Default: none, they belong to the host alone.
    pub cookie_domain: Option<String>,
    /// When the session cookie travels with requests of other sites. Default: `Lax`.
    pub same_site: SameSite,
    /// The session cookie's name.
    pub session_name: Option<String>,
    /// The CSRF cookie's name.
    pub csrf_name: Option<String>,
}

impl Default for CookieOptions {
    fn default() -> CookieOptions {
        CookieOptions {
            cookie_domain: None,
            same_site: SameSite::Lax,
            session_name: None,
            csrf_name: None,
        }
    }
}

/// The names of our cookies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CookieNames {
    session: CookieName,
    tokens: [CookieName; TOKEN_CHUNKS],
    csrf: CookieName,
    login_prefix: String,
}

impl CookieNames {
    /// Returns the name of the identity part, or of the handle of a stored session.
    pub const fn session(&self) -> &CookieName {
        &self.session
    }

    /// Returns the names of the token part's chunks, in order.
    pub const fn tokens(&self) -> &[CookieName; TOKEN_CHUNKS] {
        &self.tokens
    }

    /// Returns the name of the CSRF cookie.
    pub const fn csrf(&self) -> &CookieName {
        &self.csrf
    }

    /// Returns what the name of a pending login's cookie begins with.
    pub fn login_prefix(&self) -> &str {
        &self.login_prefix
    }

    /// Tells whether a cookie of this name is ours, so that it is not passed on to a backend.
    pub fn is_ours(&self, name: &str) -> bool {
        name == self.session.as_str()
            || name == self.csrf.as_str()
            || self.tokens.iter().any(|token| token.as_str() == name)
            || name.starts_with(&self.login_prefix)
    }
}

/// Names and flags of our cookies, checked against each other and the public URL.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CookieSettings {
    secure: bool,
    domain: Option<CookieDomain>,
    same_site: SameSite,
    names: CookieNames,
}

/// Settings that browsers would reject or that would weaken a session.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CookieSettingsError {
    /// A name is not a cookie name.
    #[error(transparent)]
    Name(#[from] CookieNameError),
    /// A `__Host-` or `__Secure-` name over plain http.
    #[error("cookie {name:?} needs Secure; the public URL is plain http")]
    PrefixNeedsHttps {
        /// The cookie's name.
        name: String,
    },
    /// A `__Host-` name together with a domain.
    #[error("cookie {name:?} cannot be shared below a cookie domain; call it \"__Secure-…\"")]
    PrefixForbidsDomain {
        /// The cookie's name.
        name: String,
    },
    /// Two cookies of one name.
    #[error("cookie name {name:?} is used twice")]
    NamesCollide {
        /// The name.
        name: String,
    },
    /// `SameSite=None` over plain http.
    #[error("SameSite=None needs Secure; the public URL is plain http")]
    SameSiteNoneNeedsHttps,
    /// Not a name of at least two labels.
    #[error("cookie domain {given:?} must be a domain such as \"example.com\"")]
    InvalidDomain {
        /// What was given.
        given: String,
    },
    /// A domain that the public host is not in.
    #[error("cookie domain {domain:?} does not cover the public host {host:?}")]
    ForeignDomain {
        /// The domain.
        domain: String,
        /// The public host.
        host: String,
    },
}

impl CookieSettings {
    /// Checks the options against the public URL and each other.
    ///
    /// Over https names begin with `__Host-`, with a cookie domain `__Secure-`; over http (loopback names only) they are
    /// plain and without `Secure`, because Safari sends no Secure cookie over http, not even to localhost.
    ///
    /// # Errors
    /// [`CookieSettingsError`], each variant naming what to change.
    pub fn checked(public_url: &PublicUrl, options: &CookieOptions) -> Result<CookieSettings, CookieSettingsError> {
        let secure = public_url.is_https();
        if options.same_site == SameSite::None && !secure {
            return Err(CookieSettingsError::SameSiteNoneNeedsHttps);
        }
        let domain = match options.cookie_domain.as_deref() {
            None | Some("") => None,
            Some(text) => Some(checked_domain(text, public_url.origin().host())?),
        };
        let (default_session, login_prefix) = match (secure, &domain) {
            (true, None) => ("__Host-session", "__Host-login."),
            (true, Some(_)) => ("__Secure-session", "__Secure-login."),
            (false, _) => ("doorward-session", "doorward-login."),
        };
        let session = CookieName::new(options.session_name.as_deref().unwrap_or(default_session))?;
        let csrf = CookieName::new(options.csrf_name.as_deref().unwrap_or("CSRF-TOKEN"))?;
        for name in [&session, &csrf] {
            check_prefix(name, secure, domain.is_some())?;
        }
        let tokens = [
            CookieName::new(format!("{session}.0"))?,
            CookieName::new(format!("{session}.1"))?,
        ];
        let taken = |name: &CookieName| name.as_str().starts_with(login_prefix);
        if csrf == session || tokens.contains(&csrf) || taken(&csrf) {
            return Err(CookieSettingsError::NamesCollide { name: csrf.to_string() });
        }
        if taken(&session) {
            return Err(CookieSettingsError::NamesCollide {
                name: session.to_string(),
            });
        }
        let names = CookieNames {
            session,
            tokens,
            csrf,
            login_prefix: login_prefix.to_owned(),
        };
        Ok(CookieSettings {
            secure,
            domain,
            same_site: options.same_site,
            names,
        })
    }

    /// Tells whether our cookies are `Secure`.
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// Returns the domain that session and CSRF cookie are shared below.
    pub const fn cookie_domain(&self) -> Option<&CookieDomain> {
        self.domain.as_ref()
    }

    /// Returns when the session cookie travels with requests of other sites.
    pub const fn same_site(&self) -> SameSite {
        self.same_site
    }

    /// Returns the names.
    pub const fn names(&self) -> &CookieNames {
        &self.names
    }

    /// Returns the flags of the session cookie and of the token part's cookies.
    pub fn session_attributes(&self) -> CookieAttributes {
        CookieAttributes {
            secure: self.secure,
            http_only: true,
            same_site: self.same_site,
            domain: self.domain.clone(),
        }
    }

    /// Returns the flags of the CSRF cookie, which the page's scripts read.
    pub fn csrf_attributes(&self) -> CookieAttributes {
        // A page in a foreign frame can only read its own cookie if that one is SameSite=None like the session's.
        let same_site = if self.same_site == SameSite::None {
            SameSite::None
        } else {
            SameSite::Lax
        };
        CookieAttributes {
            secure: self.secure,
            http_only: false,
            same_site,
            domain: self.domain.clone(),
        }
    }

    /// Returns the flags of a pending login's cookie; it belongs to the host alone.
    ///
    /// The provider's answer is a navigation from another site, so `Strict` would lose it; a `form_post` is a POST from
    /// another site, which only `None` survives.
    pub const fn login_attributes(&self, form_post: bool) -> CookieAttributes {
        let same_site = if form_post && self.secure {
            SameSite::None
        } else {
            SameSite::Lax
        };
        CookieAttributes {
            secure: self.secure,
            http_only: true,
            same_site,
            domain: None,
        }
    }
}

fn checked_domain(text: &str, host: &str) -> Result<CookieDomain, CookieSettingsError> {
    let bare = text.strip_prefix('.').unwrap_or(text);
    let domain = CookieDomain::checked(bare).ok_or_else(|| CookieSettingsError::InvalidDomain {
        given: text.chars().take(300).collect(),
    })?;
    // Security: by whole labels; `example.com` does not cover `badexample.com`.
    let covers = host == domain.as_str()
        || host
            .strip_suffix(domain.as_str())
            .is_some_and(|prefix| prefix.ends_with('.') && prefix.len() > 1);
    if !covers {
        return Err(CookieSettingsError::ForeignDomain {
            domain: domain.as_str().to_owned(),
            host: host.to_owned(),
        });
    }
    Ok(domain)
}

/// Browsers compare the prefixes without regard to case (RFC 6265bis, section 4.1.3).
fn check_prefix(name: &CookieName, secure: bool, has_domain: bool) -> Result<(), CookieSettingsError> {
    let has = |prefix: &str| {
        name.as_str()
            .get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    if !secure && (has("__Host-") || has("__Secure-")) {
        return Err(CookieSettingsError::PrefixNeedsHttps { name: name.to_string() });
    }
    if has_domain && has("__Host-") {
        return Err(CookieSettingsError::PrefixForbidsDomain { name: name.to_string() });
    }
    Ok(())
}
