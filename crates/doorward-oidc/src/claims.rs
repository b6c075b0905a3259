//! Claims an application is configured to read: roles, tenant, e-mail.

use doorward_crypto::{SecretString, base64url_decode, parse_object};
use serde_json::{Map, Value};

/// The most roles of one user; further ones are dropped.
const MAX_ROLES: usize = 256;
/// The most bytes of a role; a longer one is dropped.
const MAX_ROLE_BYTES: usize = 256;
/// The most bytes of an e-mail address (RFC 5321 §4.5.3.1.3).
const MAX_EMAIL_BYTES: usize = 254;
const MAX_ACCESS_TOKEN_BYTES: usize = 16 * 1024;

/// Where a claim may come from, in this order.
#[derive(Clone, Debug)]
pub struct ClaimSources<'a> {
    /// The verified ID token's claims.
    pub id_token: &'a Map<String, Value>,
    /// The userinfo claims, about the same subject.
    pub userinfo: Option<&'a Map<String, Value>>,
    /// The access token's claims, from [`unverified_access_token_claims`].
    pub access_token: Option<Map<String, Value>>,
}

/// Reads the payload of an access token that is a JWT, without verifying it.
///
/// Some providers put roles there and nowhere else. The token is the provider's own, received from its token endpoint over TLS
/// in the same answer as the ID token; that channel vouches for it as Core §3.1.3.7 item 6 lets it vouch for the ID token.
///
/// # Security
/// Only for a token that came from the token endpoint directly, and only after the ID token beside it has been verified. Never
/// for one that somebody presents. The format is the provider's private matter: whatever does not fit is `None`.
#[must_use]
pub fn unverified_access_token_claims(access_token: &SecretString) -> Option<Map<String, Value>> {
    let text = access_token.expose();
    let mut segments = text.split('.');
    let (_header, payload, _signature) = (segments.next()?, segments.next()?, segments.next()?);
    if segments.next().is_some() || text.len() > MAX_ACCESS_TOKEN_BYTES {
        return None;
    }
    let payload = base64url_decode(payload.as_bytes()).ok()?;
    parse_object(&payload, MAX_ACCESS_TOKEN_BYTES).ok()
}

/// Finds a claim: a member of exactly that name, else a dotted path through objects; in ID token, userinfo, access token.
///
/// A member that is `null` counts as absent.
///
/// # Example
/// ```
/// use doorward_oidc::{ClaimSources, lookup};
/// use serde_json::json;
///
/// let claims = json!({"https://acme.test/roles": ["admin"], "realm_access": {"roles": ["user"]}});
/// let sources = ClaimSources { id_token: claims.as_object().unwrap(), userinfo: None, access_token: None };
/// assert_eq!(lookup(&sources, "https://acme.test/roles"), Some(&json!(["admin"])));
/// assert_eq!(lookup(&sources, "realm_access.roles"), Some(&json!(["user"])));
/// ```
#[must_use]
pub fn lookup<'a>(sources: &'a ClaimSources<'_>, name: &str) -> Option<&'a Value> {
    let maps = [Some(sources.id_token), sources.userinfo, sources.access_token.as_ref()];
    maps.into_iter()
        .flatten()
        .find_map(|map| exact(map, name).or_else(|| dotted(map, name)))
}

fn exact<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    map.get(name).filter(|value| !value.is_null())
}

fn dotted<'a>(map: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let (parents, last) = path.rsplit_once('.')?;
    let parent = parents
        .split('.')
        .try_fold(map, |map, name| map.get(name)?.as_object())?;
    exact(parent, last)
}

/// Reads roles: a list of strings, or one string with roles between spaces.
///
/// What is no string, is empty, has control characters or more than 256 bytes is skipped; what follows the 256th role is
/// dropped. Less is read, never more. Any other value means no roles.
#[must_use]
pub fn roles(value: &Value) -> Vec<String> {
    let fits = |role: &&str| !role.is_empty() && role.len() <= MAX_ROLE_BYTES && !role.chars().any(char::is_control);
    match value {
        Value::String(text) => text
            .split(' ')
            .filter(fits)
            .take(MAX_ROLES)
            .map(str::to_owned)
            .collect(),
        Value::Array(list) => list
            .iter()
            .filter_map(Value::as_str)
            .filter(fits)
            .take(MAX_ROLES)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    }
}

/// An e-mail address as the provider states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// The address, at most 254 bytes, without spaces and control characters.
    pub address: String,
    /// True only if the provider says `true`, as a boolean, in the same place as the address.
    pub verified: bool,
}

/// Reads the e-mail address out of the ID token, else out of userinfo.
///
/// `email_verified` counts only from where the address came: one source's word does not vouch for the other's address.
#[must_use]
pub fn email(sources: &ClaimSources<'_>) -> Option<Email> {
    let source = [Some(sources.id_token), sources.userinfo]
        .into_iter()
        .flatten()
        .find(|map| exact(map, "email").is_some())?;
    let address = source.get("email")?.as_str()?;
    let fits = !address.is_empty()
        && address.len() <= MAX_EMAIL_BYTES
        && !address
            .chars()
            .any(|letter| letter.is_control() || letter.is_whitespace());
    let verified = source.get("email_verified").and_then(Value::as_bool).unwrap_or(false);
    fits.then(|| Email {
        address: address.to_owned(),
        verified,
    })
}
