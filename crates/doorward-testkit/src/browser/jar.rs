//! The cookie jar: storing and sending as draft-ietf-httpbis-rfc6265bis, sections 5.7 and 5.8, say.

use std::time::Duration;

use url::Url;

use super::set_cookie::{CookieRefused, Parsed, SameSiteRule};

/// One cookie as the jar keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cookie {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
    /// The host, or with `host_only` false the domain whose hosts all get it.
    pub domain: String,
    /// Whether only the host that set it gets it.
    pub host_only: bool,
    /// The path under which it is sent.
    pub path: String,
    /// Whether it is sent over https only.
    pub secure: bool,
    /// Whether scripts cannot see it.
    pub http_only: bool,
    /// With which requests from other sites it is sent.
    pub same_site: SameSiteRule,
    /// The clock time, since the epoch, from which on it is gone; `None` for a cookie of the browser session.
    pub expires: Option<Duration>,
    created: u64,
}

/// How a request stands to the site that caused it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Context {
    /// The request's site is the site that caused it, or the user typed the address.
    pub(super) same_site: bool,
    /// A navigation of the whole tab.
    pub(super) top_level: bool,
    /// GET, HEAD, OPTIONS, TRACE.
    pub(super) safe_method: bool,
    /// A script asks, by `document.cookie`.
    pub(super) script: bool,
}

impl Context {
    pub(super) const SCRIPT: Self = Self {
        same_site: true,
        top_level: false,
        safe_method: true,
        script: true,
    };
}

#[derive(Debug, Default)]
pub(super) struct Jar {
    cookies: Vec<Cookie>,
    next: u64,
}

impl Jar {
    /// Takes one `Set-Cookie` header, or tells why a browser would not.
    pub(super) fn store(
        &mut self,
        header: &str,
        url: &Url,
        context: Context,
        now: Duration,
    ) -> Result<(), CookieRefused> {
        let parsed = Parsed::read(header, now.as_secs())?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let is_https = url.scheme() == "https";
        let (domain, host_only) = match parsed.domain.as_deref().filter(|domain| !domain.is_empty()) {
            None => (host, true),
            // A public suffix is taken only where it is the host itself, and then for it alone.
            Some(domain) if domain == host && is_public_suffix(domain) => (host, true),
            Some(domain) if is_public_suffix(domain) || !domain_matches(&host, domain) => {
                return Err(CookieRefused::ForeignDomain);
            }
            Some(domain) => (domain.to_owned(), false),
        };
        if parsed.secure && !is_https {
            return Err(CookieRefused::SecureOverHttp);
        }
        if context.script && parsed.http_only {
            return Err(CookieRefused::HttpOnlyFromScript);
        }
        let path = parsed.path.clone().unwrap_or_else(|| default_path(url));
        let shadows = |old: &Cookie| {
            old.secure
                && old.name == parsed.name
                && (domain_matches(&old.domain, &domain) || domain_matches(&domain, &old.domain))
                && path_matches(&path, &old.path)
        };
        if !parsed.secure && !is_https && self.cookies.iter().any(shadows) {
            return Err(CookieRefused::WouldOverwriteSecure);
        }
        if parsed.same_site == SameSiteRule::None && !parsed.secure {
            return Err(CookieRefused::NoneWithoutSecure);
        }
        if parsed.same_site != SameSiteRule::None && !context.same_site && !context.top_level {
            return Err(CookieRefused::CrossSite);
        }
        // A nameless cookie whose value begins with a prefix would be sent back as if it had the name.
        let prefixed = if parsed.name.is_empty() {
            &parsed.value
        } else {
            &parsed.name
        };
        let prefixed = prefixed.to_ascii_lowercase();
        if prefixed.starts_with("__secure-") && (!parsed.secure || parsed.name.is_empty()) {
            return Err(CookieRefused::SecurePrefix);
        }
        let host_rules = parsed.secure && parsed.domain.is_none() && parsed.path.as_deref() == Some("/");
        if prefixed.starts_with("__host-") && (!host_rules || parsed.name.is_empty()) {
            return Err(CookieRefused::HostPrefix);
        }

        let same = |old: &Cookie| {
            old.name == parsed.name && old.domain == domain && old.host_only == host_only && old.path == path
        };
        let mut created = self.next;
        if let Some(old) = self.cookies.iter().find(|old| same(old)) {
            if context.script && old.http_only {
                return Err(CookieRefused::HttpOnlyFromScript);
            }
            created = old.created;
        }
        self.next += 1;
        self.cookies.retain(|old| !same(old));
        if parsed.life.is_none_or(|life| life > 0) {
            self.cookies.push(Cookie {
                expires: parsed.duration().map(|life| now + life),
                name: parsed.name,
                value: parsed.value,
                domain,
                host_only,
                path,
                secure: parsed.secure,
                http_only: parsed.http_only,
                same_site: parsed.same_site,
                created,
            });
        }
        Ok(())
    }

    /// Puts a cookie into the jar as it is, against every rule: what a browser would never have taken.
    pub(super) fn plant(&mut self, cookie: Cookie) {
        self.next += 1;
        let created = self.next;
        self.cookies.push(Cookie { created, ..cookie });
    }

    /// The cookies that go with a request, in the order in which they are sent.
    pub(super) fn cookies_for(&self, url: &Url, context: Context, now: Duration) -> Vec<Cookie> {
        let host = url.host_str().unwrap_or_default();
        let sent = |cookie: &&Cookie| {
            let host_fits = if cookie.host_only {
                cookie.domain == host
            } else {
                domain_matches(host, &cookie.domain)
            };
            let site_fits = context.same_site
                || match cookie.same_site {
                    SameSiteRule::None => true,
                    SameSiteRule::Strict => false,
                    SameSiteRule::Lax | SameSiteRule::Default => context.top_level && context.safe_method,
                };
            host_fits
                && site_fits
                && path_matches(url.path(), &cookie.path)
                && (!cookie.secure || url.scheme() == "https")
                && !(context.script && cookie.http_only)
                && cookie.expires.is_none_or(|expires| now < expires)
        };
        let mut cookies: Vec<Cookie> = self.cookies.iter().filter(sent).cloned().collect();
        cookies.sort_by_key(|cookie| (std::cmp::Reverse(cookie.path.len()), cookie.created));
        cookies
    }

    pub(super) fn all(&self) -> &[Cookie] {
        &self.cookies
    }

    pub(super) fn remove(&mut self, name: &str) -> usize {
        let before = self.cookies.len();
        self.cookies.retain(|cookie| cookie.name != name);
        before - self.cookies.len()
    }

    pub(super) fn clear(&mut self) {
        self.cookies.clear();
    }
}

impl Cookie {
    /// Makes a host-only session cookie for [`Browser::plant`](super::Browser::plant), sent everywhere on `host`.
    #[must_use]
    pub fn planted(name: &str, value: &str, host: &str) -> Self {
        Self {
            name: name.to_owned(),
            value: value.to_owned(),
            domain: host.to_owned(),
            host_only: true,
            path: "/".to_owned(),
            secure: false,
            http_only: false,
            same_site: SameSiteRule::None,
            expires: None,
            created: 0,
        }
    }

    pub(super) fn pair(&self) -> String {
        if self.name.is_empty() {
            return self.value.clone();
        }
        format!("{}={}", self.name, self.value)
    }
}

/// Two addresses of one site: same scheme and same registrable domain (schemeful same-site).
///
/// The registrable domain is taken to be the last two labels; addresses and single names stand for themselves.
pub(super) fn same_site(first: &Url, second: &Url) -> bool {
    first.scheme() == second.scheme() && site_host(first) == site_host(second)
}

fn site_host(url: &Url) -> &str {
    match url.host() {
        Some(url::Host::Domain(name)) => {
            let mut dots = name.rmatch_indices('.').map(|(at, _)| at);
            let _top_level = dots.next();
            dots.next().map_or(name, |at| &name[at + 1..])
        }
        _ => url.host_str().unwrap_or_default(),
    }
}

/// Single labels stand for the public suffix list here: what tests use are names like `app.test`.
fn is_public_suffix(domain: &str) -> bool {
    !domain.contains('.')
}

fn domain_matches(host: &str, domain: &str) -> bool {
    if host == domain {
        return true;
    }
    let is_name = host.parse::<std::net::Ipv4Addr>().is_err() && !host.starts_with('[');
    is_name && host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

fn path_matches(request: &str, cookie: &str) -> bool {
    request
        .strip_prefix(cookie)
        .is_some_and(|rest| rest.is_empty() || cookie.ends_with('/') || rest.starts_with('/'))
}

fn default_path(url: &Url) -> String {
    match url.path().rfind('/') {
        Some(0) | None => "/".to_owned(),
        Some(end) => url.path()[..end].to_owned(),
    }
}
