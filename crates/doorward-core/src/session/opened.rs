//! The identity part as it comes out of its seal.
//!
//! The plaintext has a fixed head, read where it lies, the tenant, and a body (postcard), read when asked for.

use std::collections::BTreeMap;

use doorward_crypto::{Opened, sha256};
use doorward_oidc::UnixTime;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Identity, ProviderTenant, SessionId, User,
    head::{HAS_ACCESS_TOKEN_END, HAS_REFRESH, HAS_TOKEN_PART, HEAD_BYTES, Head, VERSION},
};

/// An identity whose seal was opened: authentic, but not yet judged against the clock.
///
/// It is the plaintext and nothing beside it: what is read out early would be copied with every move.
pub struct OpenedIdentity {
    /// Always begins with a head that [`Head::of`] took.
    plain: Plain,
}

enum Plain {
    Opened(Opened),
    Written(Vec<u8>),
}

/// The rest of an identity, borrowed from the opened plaintext.
#[derive(Clone, Serialize, Deserialize)]
pub struct IdentityBody<'a> {
    /// The provider and our client there, as `issuer client_id`.
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
    /// The tenant as the provider knows it.
    pub provider_tenant: Option<ProviderTenant>,
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
        Head::of(&opened).ok_or(Unreadable)?;
        Ok(OpenedIdentity {
            plain: Plain::Opened(opened),
        })
    }

    /// Gives an identity that was just made or changed the form that requests work with.
    ///
    /// # Errors
    /// [`Unreadable`] where the tenant's name is longer than 255 bytes.
    pub fn from_identity(identity: &Identity) -> Result<OpenedIdentity, Unreadable> {
        let plain = write(identity)?;
        Head::of(&plain).ok_or(Unreadable)?;
        Ok(OpenedIdentity {
            plain: Plain::Written(plain),
        })
    }

    /// Tells whether the key that seals now has sealed it; if not, it is time to write it anew. What was made just now and
    /// not sealed yet will be.
    pub fn is_sealed_by_first_key(&self) -> bool {
        match &self.plain {
            Plain::Opened(opened) => opened.is_by_first_key(),
            Plain::Written(_) => true,
        }
    }

    /// Returns the session's ID.
    pub fn id(&self) -> SessionId {
        self.head().id()
    }

    /// Returns the revision: of two states of a session the larger one is the newer.
    pub fn revision(&self) -> u64 {
        self.head().revision()
    }

    /// Returns the tenant.
    pub fn tenant(&self) -> &str {
        // Checked to be UTF-8 when the head was read.
        self.bytes()
            .get(HEAD_BYTES..self.head().end())
            .and_then(|name| core::str::from_utf8(name).ok())
            .unwrap_or_default()
    }

    /// Returns when the session began.
    pub fn issued_at(&self) -> UnixTime {
        self.head().issued_at()
    }

    /// Returns when the session ends unless it is used.
    pub fn idle_expires_at(&self) -> UnixTime {
        self.head().idle_expires_at()
    }

    /// Returns when the session ends in any case.
    pub fn absolute_expires_at(&self) -> UnixTime {
        self.head().absolute_expires_at()
    }

    /// Returns when the access token ends, if the provider said so.
    pub fn access_token_expires_at(&self) -> Option<UnixTime> {
        self.head().access_token_expires_at()
    }

    /// Returns when to renew the access token; `None` where there is nothing to renew it with.
    pub fn refresh_at(&self) -> Option<UnixTime> {
        self.head().refresh_at()
    }

    /// Tells whether there is a refresh token to renew the session with.
    pub fn has_refresh_token(&self) -> bool {
        self.refresh_at().is_some()
    }

    /// Tells whether a token part was written with this session.
    pub fn has_token_part(&self) -> bool {
        self.head().has_token_part()
    }

    /// Tells whether the session was begun at this provider, named as [`Identity::provider`] names it.
    ///
    /// A session of another provider must not act here: its subject means somebody else, and its tokens belong
    /// elsewhere.
    pub fn is_of_provider(&self, tag: [u8; 8]) -> bool {
        *self.head().provider_tag() == tag
    }

    /// Returns the CSRF token.
    pub fn csrf_token(&self) -> &[u8; 32] {
        self.head().csrf()
    }

    /// Reads the rest, borrowed.
    ///
    /// # Errors
    /// [`Unreadable`] where another version wrote it.
    pub fn body(&self) -> Result<IdentityBody<'_>, Unreadable> {
        let body = self.bytes().get(self.head().end()..).ok_or(Unreadable)?;
        postcard::from_bytes(body).map_err(|_| Unreadable)
    }

    /// Reads everything, owned.
    ///
    /// # Errors
    /// [`Unreadable`] where another version wrote it.
    pub fn to_identity(&self) -> Result<Identity, Unreadable> {
        let body = self.body()?;
        Ok(Identity {
            id: self.id(),
            revision: self.revision(),
            provider: body.provider.to_owned(),
            roles_are_ours: body.roles_are_ours,
            user: self.user_of(&body)?,
            scopes: owned(&body.scopes),
            issued_at: self.issued_at(),
            idle_expires_at: self.idle_expires_at(),
            absolute_expires_at: self.absolute_expires_at(),
            access_token_expires_at: self.access_token_expires_at(),
            refresh_at: self.refresh_at(),
            has_token_part: self.has_token_part(),
            auth_time: body.auth_time,
            acr: body.acr.map(str::to_owned),
            provider_session_id: body.provider_session_id.map(str::to_owned),
            provider_tenant: body.provider_tenant,
            csrf: *self.csrf_token(),
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

    #[inline]
    fn head(&self) -> Head<'_> {
        Head::at(self.bytes())
    }

    #[inline]
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
            .field("revision", &self.revision())
            .field("tenant", &self.tenant())
            .field("idle_expires_at", &self.idle_expires_at())
            .field("absolute_expires_at", &self.absolute_expires_at())
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
        provider_tenant: identity.provider_tenant.clone(),
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
