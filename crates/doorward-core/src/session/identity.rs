//! The identity part of a session, owned, for writing.

use std::collections::BTreeMap;

use doorward_oidc::UnixTime;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::SessionId;

/// Who is signed in.
#[derive(Clone, PartialEq)]
pub struct User {
    /// The provider's `sub`: unique only together with the issuer.
    pub subject: String,
    /// The provider's `iss`.
    pub issuer: String,
    /// The tenant; `default` where there are no tenants.
    pub tenant: String,
    /// The e-mail address.
    pub email: Option<String>,
    /// Whether the provider says, as a boolean, that the address was verified.
    pub email_verified: bool,
    /// The display name.
    pub name: Option<String>,
    /// The roles, as the provider or the application's login hook gave them.
    pub roles: Vec<String>,
    /// What ID token and userinfo said at login, the ID token first, without the protocol's own claims such as `exp`.
    ///
    /// Over 1 KB the largest are left out, and all of them where the session would not fit into its cookie. A refresh
    /// leaves them as they are.
    pub claims: Map<String, Value>,
}

impl User {
    /// Tells whether the user has a role, by its exact name.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|own| own == role)
    }
}

impl core::fmt::Debug for User {
    // Personal data is not a secret, but it has no business in a log either.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("User")
            .field("subject", &self.subject)
            .field("issuer", &self.issuer)
            .field("tenant", &self.tenant)
            .field("roles", &self.roles)
            .finish_non_exhaustive()
    }
}

/// A tenant as a provider knows it that has hosts of its own for tenants.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ProviderTenant {
    /// The provider's own ID of it.
    pub id: String,
    /// Its name, which its host at the provider is made of.
    pub name: Option<String>,
    /// Its custom domain at the provider, which somebody has vouched for.
    pub custom_domain: Option<String>,
}

/// The identity part of a session.
#[derive(Clone, PartialEq)]
pub struct Identity {
    /// The session's ID, fresh at every login.
    pub id: SessionId,
    /// Grows with every write of the identity or the token part; the larger one is the newer state.
    pub revision: u64,
    /// The provider and our client there, as `issuer client_id`.
    pub provider: String,
    /// Whether the application set the roles at login, so that the provider's claims no longer change them.
    pub roles_are_ours: bool,
    /// Who is signed in.
    pub user: User,
    /// The scopes that were granted.
    pub scopes: Vec<String>,
    /// When the session began.
    pub issued_at: UnixTime,
    /// When it ends unless it is used.
    pub idle_expires_at: UnixTime,
    /// When it ends in any case.
    pub absolute_expires_at: UnixTime,
    /// When the access token ends, if the provider said so.
    pub access_token_expires_at: Option<UnixTime>,
    /// When to renew the access token; `None` where there is nothing to renew it with.
    pub refresh_at: Option<UnixTime>,
    /// Whether a token part was written with this session.
    pub has_token_part: bool,
    /// When the user proved who they are, if the provider said so.
    pub auth_time: Option<UnixTime>,
    /// How strongly, if the provider said so.
    pub acr: Option<String>,
    /// The provider's own session ID (`sid`).
    pub provider_session_id: Option<String>,
    /// The tenant as the provider knows it, where it has hosts of its own for tenants.
    pub provider_tenant: Option<ProviderTenant>,
    /// The CSRF token, so that a safe request compares the CSRF cookie without computing it.
    pub csrf: [u8; 32],
    /// The application's own data, as JSON texts.
    pub data: BTreeMap<String, String>,
}

impl core::fmt::Debug for Identity {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Identity")
            .field("revision", &self.revision)
            .field("provider", &self.provider)
            .field("user", &self.user)
            .field("issued_at", &self.issued_at)
            .field("idle_expires_at", &self.idle_expires_at)
            .field("absolute_expires_at", &self.absolute_expires_at)
            .field("refresh_at", &self.refresh_at)
            .field("data_keys", &self.data.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
