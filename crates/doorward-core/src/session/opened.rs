//! The identity part as it comes out of its seal.
//!
//! The plaintext has a fixed head, read at once, and a body, read when asked for:
//! `version (1) | flags (1) | id (16) | csrf (32) | provider tag (8) | revision, issued, idle, absolute, access token end, refresh (8 each,
//! big endian) | tenant length (1) | tenant | body (postcard)`.

use std::collections::BTreeMap;

use doorward_crypto::{Opened, sha256};
use doorward_oidc::UnixTime;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Identity, SessionId, User};

const VERSION: u8 = 1;
const HAS_TOKEN_PART: u8 = 1;
const HAS_ACCESS_TOKEN_END: u8 = 2;
const HAS_REFRESH: u8 = 4;

/// An identity whose seal was opened: authentic, but not yet judged against the clock.
pub struct OpenedIdentity {
    plain: Plain,
    head: Head,
    tenant_end: usize,
}

enum Plain {
    Opened(Opened),
    Written(Vec<u8>),
}

#[derive(Clone, Copy)]
struct Head {
    id: SessionId,
    csrf: [u8; 32],
    provider_tag: [u8; 8],
    revision: u64,
    issued_at: UnixTime,
    idle_expires_at: UnixTime,
    absolute_expires_at: UnixTime,
    access_token_expires_at: Option<UnixTime>,
    refresh_at: Option<UnixTime>,
    has_token_part: bool,
}

/// The rest of an identity, borrowed from the opened plaintext.
#[derive(Clone, Serialize, Deserialize)]
pub struct IdentityBody<'a> {
    /// The provider's name in the configuration.
    pub provider: &'a str,
    /// Whether the application set the roles at login.
    pub roles_are_ours: bool,
    /// The provider's `sub`.
    pub subject: &'a str,
    /// The provider's `iss`.
    pub issuer: &'a str,
    /// The e-mail address.
    pub email: Option<&'a str>,
    /// Whether the provider says that the address was verified.
    pub email_verified: bool,
    /// The display name.
    pub name: Option<&'a str>,
    /// The roles.
    #[serde(borrow)]
    pub roles: Vec<&'a str>,
    /// The scopes that were granted.
    #[serde(borrow)]
    pub scopes: Vec<&'a str>,
    /// Further claims, as the text of a JSON object; empty where there are none.
    pub claims_json: &'a str,
    /// When the user proved who they are.
    pub auth_time: Option<UnixTime>,
    /// How strongly.
    pub acr: Option<&'a str>,
    /// The provider's own session ID.
    pub provider_session_id: Option<&'a str>,
    /// The application's own data: keys and JSON texts.
    #[serde(borrow)]
    pub data: Vec<(&'a str, &'a str)>,
}

/// Authentic bytes that this version does not understand.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("session was written in a form that this version cannot read")]
pub struct Unreadable;

impl OpenedIdentity {
    /// Reads the head of an opened plaintext.
    pub(super) fn read(opened: Opened) -> Result<OpenedIdentity, Unreadable> {
        let (head, tenant_end) = read_head(&opened).ok_or(Unreadable)?;
        Ok(OpenedIdentity {
            plain: Plain::Opened(opened),
            head,
            tenant_end,
        })
    }

    /// Gives an identity that was just made or changed the form that requests work with.
    ///
    /// # Errors
    /// [`Unreadable`] where the tenant's name is longer than 255 bytes.
    pub fn from_identity(identity: &Identity) -> Result<OpenedIdentity, Unreadable> {
        let plain = write(identity)?;
        let (head, tenant_end) = read_head(&plain).ok_or(Unreadable)?;
        Ok(OpenedIdentity {
            plain: Plain::Written(plain),
            head,
            tenant_end,
        })
    }

    /// Returns the session's ID.
    pub const fn id(&self) -> &SessionId {
        &self.head.id
    }

    /// Returns the revision: of two states of a session the larger one is the newer.
    pub const fn revision(&self) -> u64 {
        self.head.revision
    }

    /// Returns the tenant.
    pub fn tenant(&self) -> &str {
        // Checked to be UTF-8 when the head was read.
        self.bytes()
            .get(HEAD_BYTES..self.tenant_end)
            .and_then(|name| core::str::from_utf8(name).ok())
            .unwrap_or_default()
    }

    /// Returns when the session began.
    pub const fn issued_at(&self) -> UnixTime {
        self.head.issued_at
    }

    /// Returns when the session ends unless it is used.
    pub const fn idle_expires_at(&self) -> UnixTime {
        self.head.idle_expires_at
    }

    /// Returns when the session ends in any case.
    pub const fn absolute_expires_at(&self) -> UnixTime {
        self.head.absolute_expires_at
    }

    /// Returns when the access token ends, if the provider said so.
    pub const fn access_token_expires_at(&self) -> Option<UnixTime> {
        self.head.access_token_expires_at
    }

    /// Returns when to renew the access token; `None` where there is nothing to renew it with.
    pub const fn refresh_at(&self) -> Option<UnixTime> {
        self.head.refresh_at
    }

    /// Tells whether there is a refresh token to renew the session with.
    pub const fn has_refresh_token(&self) -> bool {
        self.head.refresh_at.is_some()
    }

    /// Tells whether a token part was written with this session.
    pub const fn has_token_part(&self) -> bool {
        self.head.has_token_part
    }

    /// Tells whether the session was begun at this provider, named as [`Identity::provider`] names it.
    ///
    /// A session of another provider must not act here: its subject means somebody else, and its tokens belong
    /// elsewhere.
    pub fn is_of_provider(&self, tag: [u8; 8]) -> bool {
        self.head.provider_tag == tag
    }

    /// Returns the CSRF token.
    pub const fn csrf_token(&self) -> &[u8; 32] {
        &self.head.csrf
    }

    /// Reads the rest, borrowed.
    ///
    /// # Errors
    /// [`Unreadable`] where another version wrote it.
    pub fn body(&self) -> Result<IdentityBody<'_>, Unreadable> {
        let body = self.bytes().get(self.tenant_end..).ok_or(Unreadable)?;
        postcard::from_bytes(body).map_err(|_| Unreadable)
    }

    /// Reads everything, owned.
    ///
    /// # Errors
    /// [`Unreadable`] where another version wrote it.
    pub fn to_identity(&self) -> Result<Identity, Unreadable> {
        let body = self.body()?;
        Ok(Identity {
            id: self.head.id,
            revision: self.head.revision,
            provider: body.provider.to_owned(),
            roles_are_ours: body.roles_are_ours,
            user: self.user_of(&body)?,
            scopes: owned(&body.scopes),
            issued_at: self.head.issued_at,
            idle_expires_at: self.head.idle_expires_at,
            absolute_expires_at: self.head.absolute_expires_at,
            access_token_expires_at: self.head.access_token_expires_at,
            refresh_at: self.head.refresh_at,
            has_token_part: self.head.has_token_part,
            auth_time: body.auth_time,
            acr: body.acr.map(str::to_owned),
            provider_session_id: body.provider_session_id.map(str::to_owned),
            csrf: self.head.csrf,
            data: body
                .data
                .iter()
                .map(|(key, json)| ((*key).to_owned(), (*json).to_owned()))
                .collect(),
        })
    }

    /// Reads who is signed in, owned.
    ///
    /// # Errors
    /// [`Unreadable`] where another version wrote it.
    pub fn to_user(&self) -> Result<User, Unreadable> {
        self.user_of(&self.body()?)
    }

    fn user_of(&self, body: &IdentityBody<'_>) -> Result<User, Unreadable> {
        let claims: Map<String, Value> = match body.claims_json {
            "" => Map::new(),
            text => serde_json::from_str(text).map_err(|_| Unreadable)?,
        };
        Ok(User {
            subject: body.subject.to_owned(),
            issuer: body.issuer.to_owned(),
            tenant: self.tenant().to_owned(),
            email: body.email.map(str::to_owned),
            email_verified: body.email_verified,
            name: body.name.map(str::to_owned),
            roles: owned(&body.roles),
            claims,
        })
    }

    fn bytes(&self) -> &[u8] {
        match &self.plain {
            Plain::Opened(opened) => opened,
            Plain::Written(written) => written,
        }
    }
}

impl core::fmt::Debug for OpenedIdentity {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("OpenedIdentity")
            .field("revision", &self.head.revision)
            .field("tenant", &self.tenant())
            .field("idle_expires_at", &self.head.idle_expires_at)
            .field("absolute_expires_at", &self.head.absolute_expires_at)
            .finish_non_exhaustive()
    }
}

impl core::fmt::Debug for IdentityBody<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("IdentityBody")
            .field("provider", &self.provider)
            .field("subject", &self.subject)
            .field("roles", &self.roles)
            .finish_non_exhaustive()
    }
}

/// Version, flags, id, csrf, the provider's tag, six numbers, the tenant's length.
const HEAD_BYTES: usize = 1 + 1 + 16 + 32 + 8 + 6 * 8 + 1;

/// Shortens a provider's name to what the head carries, so that the guard can compare without reading the body.
pub fn provider_tag(provider: &str) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = sha256(provider.as_bytes());
    [a, b, c, d, e, f, g, h]
}

/// Writes the plaintext of an identity part.
pub(super) fn write(identity: &Identity) -> Result<Vec<u8>, Unreadable> {
    let user = &identity.user;
    let tenant_length = u8::try_from(user.tenant.len()).map_err(|_| Unreadable)?;
    let mut flags = 0;
    if identity.has_token_part {
        flags |= HAS_TOKEN_PART;
    }
    if identity.access_token_expires_at.is_some() {
        flags |= HAS_ACCESS_TOKEN_END;
    }
    if identity.refresh_at.is_some() {
        flags |= HAS_REFRESH;
    }
    let mut plain = Vec::with_capacity(384);
    plain.extend_from_slice(&[VERSION, flags]);
    plain.extend_from_slice(identity.id.as_bytes());
    plain.extend_from_slice(&identity.csrf);
    plain.extend_from_slice(&provider_tag(&identity.provider));
    let seconds = |time: Option<UnixTime>| time.map_or(0, UnixTime::seconds);
    for number in [
        identity.revision,
        identity.issued_at.seconds(),
        identity.idle_expires_at.seconds(),
        identity.absolute_expires_at.seconds(),
        seconds(identity.access_token_expires_at),
        seconds(identity.refresh_at),
    ] {
        plain.extend_from_slice(&number.to_be_bytes());
    }
    plain.push(tenant_length);
    plain.extend_from_slice(user.tenant.as_bytes());
    let claims_json = match user.claims.is_empty() {
        true => String::new(),
        false => serde_json::to_string(&user.claims).map_err(|_| Unreadable)?,
    };
    let body = IdentityBody {
        provider: &identity.provider,
        roles_are_ours: identity.roles_are_ours,
        subject: &user.subject,
        issuer: &user.issuer,
        email: user.email.as_deref(),
        email_verified: user.email_verified,
        name: user.name.as_deref(),
        roles: user.roles.iter().map(String::as_str).collect(),
        scopes: identity.scopes.iter().map(String::as_str).collect(),
        claims_json: &claims_json,
        auth_time: identity.auth_time,
        acr: identity.acr.as_deref(),
        provider_session_id: identity.provider_session_id.as_deref(),
        data: pairs(&identity.data),
    };
    postcard::to_extend(&body, plain).map_err(|_| Unreadable)
}

fn owned(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

fn pairs(data: &BTreeMap<String, String>) -> Vec<(&str, &str)> {
    data.iter().map(|(key, json)| (key.as_str(), json.as_str())).collect()
}

fn read_head(plain: &[u8]) -> Option<(Head, usize)> {
    let (&[version, flags], rest) = plain.split_first_chunk()?;
    if version != VERSION {
        return None;
    }
    let (&id, rest) = rest.split_first_chunk()?;
    let (&csrf, rest) = rest.split_first_chunk()?;
    let (&provider_tag, rest) = rest.split_first_chunk()?;
    let (revision, rest) = take_number(rest)?;
    let (issued_at, rest) = take_number(rest)?;
    let (idle_expires_at, rest) = take_number(rest)?;
    let (absolute_expires_at, rest) = take_number(rest)?;
    let (access_token_end, rest) = take_number(rest)?;
    let (refresh_at, rest) = take_number(rest)?;
    let (&tenant_length, rest) = rest.split_first()?;
    core::str::from_utf8(rest.get(..usize::from(tenant_length))?).ok()?;
    let time_if = |flag: u8, seconds: u64| (flags & flag != 0).then(|| UnixTime::from_seconds(seconds));
    let head = Head {
        id: SessionId::from_bytes(id),
        csrf,
        provider_tag,
        revision,
        issued_at: UnixTime::from_seconds(issued_at),
        idle_expires_at: UnixTime::from_seconds(idle_expires_at),
        absolute_expires_at: UnixTime::from_seconds(absolute_expires_at),
        access_token_expires_at: time_if(HAS_ACCESS_TOKEN_END, access_token_end),
        refresh_at: time_if(HAS_REFRESH, refresh_at),
        has_token_part: flags & HAS_TOKEN_PART != 0,
    };
    Some((head, HEAD_BYTES + usize::from(tenant_length)))
}

fn take_number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u64::from_be_bytes(*number), rest))
}
