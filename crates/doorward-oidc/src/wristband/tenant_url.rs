//! URLs of the application's own endpoints, which may hold a place for the tenant.

use url::Url;

use super::error::ConfiguredUrlError;
use crate::endpoint::{has_userinfo, is_url_text};
use crate::net::is_loopback_host;

const MAX_BYTES: usize = 2_048;
const PLACEHOLDERS: [&str; 2] = ["{tenant_name}", "{tenant_domain}"];
const SAMPLE: &str = "tenant";

/// A login URL or redirect URI, in which `{tenant_name}` or the older `{tenant_domain}` may stand for the tenant.
///
/// The rules, in the order applied: visible ASCII without backslash, at most 2,048 bytes; at most one placeholder, which is the
/// whole first label of the host; absolute; https, or http on a loopback name; no user name or password; no fragment; no further
/// braces. The text is kept as it was given: the platform compares redirect URIs byte by byte and fills the placeholder itself.
#[derive(Clone, PartialEq, Eq)]
pub struct TenantUrl {
    text: String,
    placeholder: Option<&'static str>,
    /// With the placeholder filled by a sample, so that it parses.
    sample: Url,
}

impl TenantUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// One variant of [`ConfiguredUrlError`] per rule.
    pub fn parse(text: &str) -> Result<Self, ConfiguredUrlError> {
        let mut found = PLACEHOLDERS
            .into_iter()
            .flat_map(|name| text.match_indices(name).map(move |(at, _)| (at, name)));
        let placeholder = match (found.next(), found.next()) {
            (None, _) => None,
            (Some((at, name)), None) if is_first_label(text, at, name) => Some(name),
            _ => return Err(ConfiguredUrlError::Placeholder),
        };
        let filled = match placeholder {
            Some(name) => text.replacen(name, SAMPLE, 1),
            None => text.to_owned(),
        };
        let sample = parse_plain(&filled)?;
        let fits = placeholder.is_none() || sample.domain().is_some();
        fits.then(|| Self {
            text: text.to_owned(),
            placeholder,
            sample,
        })
        .ok_or(ConfiguredUrlError::Placeholder)
    }

    /// Returns the text exactly as given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Tells whether the host begins with a placeholder.
    #[must_use]
    pub fn has_placeholder(&self) -> bool {
        self.placeholder.is_some()
    }

    /// Returns the URL, if it has no placeholder.
    #[must_use]
    pub fn plain(&self) -> Option<&Url> {
        self.placeholder.is_none().then_some(&self.sample)
    }
}

impl std::fmt::Debug for TenantUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TenantUrl({:?})", self.text)
    }
}

/// Reads a URL in which no placeholder may stand, by the same rules.
pub(super) fn parse_plain(text: &str) -> Result<Url, ConfiguredUrlError> {
    if text.len() > MAX_BYTES || !is_url_text(text) {
        return Err(ConfiguredUrlError::Malformed);
    }
    if PLACEHOLDERS.iter().any(|name| text.contains(name)) {
        return Err(ConfiguredUrlError::Placeholder);
    }
    // The parser would take `https:host` and `https:/host` for an absolute URL.
    if text.contains(['{', '}']) || !text.contains("://") {
        return Err(ConfiguredUrlError::Malformed);
    }
    let url = Url::parse(text).map_err(|_| ConfiguredUrlError::Malformed)?;
    let host = url.host().ok_or(ConfiguredUrlError::Malformed)?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback_host(&host) => {}
        "http" => return Err(ConfiguredUrlError::NotHttps),
        _ => return Err(ConfiguredUrlError::Malformed),
    }
    if has_userinfo(text) {
        return Err(ConfiguredUrlError::UserInfo);
    }
    if url.fragment().is_some() {
        return Err(ConfiguredUrlError::Fragment);
    }
    Ok(url)
}

fn is_first_label(text: &str, at: usize, name: &str) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let behind = text.get(at + name.len()..).unwrap_or_default();
    matches!(before, "https://" | "http://") && behind.starts_with('.')
}
