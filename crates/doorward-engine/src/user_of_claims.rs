//! From what the provider says to who the user is.

use doorward_core::session::User;
use doorward_core::tenant::TenantId;
use doorward_crypto::SecretString;
use doorward_oidc::{ClaimSources, UserInfo, VerifiedIdToken, email, lookup, roles, unverified_access_token_claims};
use serde_json::{Map, Value};

use crate::settings::ProviderSettings;

/// Claims of the protocol itself, which say nothing of the user.
const PROTOCOL_CLAIMS: [&str; 14] = [
    "iss",
    "sub",
    "aud",
    "azp",
    "exp",
    "iat",
    "nbf",
    "jti",
    "nonce",
    "at_hash",
    "c_hash",
    "sid",
    "auth_time",
    "acr",
];
/// What the claims kept for the application may take of the identity part, which is one cookie.
const MAX_CLAIMS_BYTES: usize = 1_024;
const MAX_NAME_BYTES: usize = 256;
const MAX_ROLES: usize = 256;

/// A tenant claim is there and names no tenant; whoever has it belongs to none that we could tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("tenant claim must be a text of 1 to 255 visible ASCII characters")]
pub(crate) struct TenantClaimUnusable;

/// Reads the user out of a verified ID token, userinfo and the access token, in this order.
///
/// The access token's claims are read without a check of its signature: it came straight from the
/// token endpoint, over TLS, in the answer that the verified ID token came with.
pub(crate) fn user(
    settings: &ProviderSettings,
    id_token: &VerifiedIdToken,
    userinfo: Option<&UserInfo>,
    access_token: &SecretString,
) -> Result<User, TenantClaimUnusable> {
    let sources = sources(id_token, userinfo, Some(access_token));
    let mut user = User {
        subject: id_token.subject().to_owned(),
        issuer: id_token.issuer().to_owned(),
        tenant: tenant(settings, &sources)?.as_str().to_owned(),
        email: None,
        email_verified: false,
        name: None,
        roles: Vec::new(),
        claims: kept_claims(&sources),
    };
    describe(settings, &sources, &mut user);
    Ok(user)
}

/// What a refresh says anew of the user.
pub(crate) struct Described {
    pub(crate) id_token: VerifiedIdToken,
    /// Asked for where the roles do not stand in the ID token.
    pub(crate) userinfo: Option<UserInfo>,
    /// Userinfo was to be asked and gave no answer: the roles stay as they are.
    pub(crate) is_partial: bool,
}

impl Described {
    /// Brings a user up to date: what is said counts, what is left out stays.
    ///
    /// Subject, issuer and tenant never change within a session.
    pub(crate) fn update(&self, settings: &ProviderSettings, user: &mut User, access_token: &SecretString) {
        let access_token = (!self.is_partial).then_some(access_token);
        describe(
            settings,
            &sources(&self.id_token, self.userinfo.as_ref(), access_token),
            user,
        );
    }
}

impl Described {
    /// Whether the refresh speaks of another tenant than this one; one that speaks of none does not.
    ///
    /// # Security
    /// Whoever belongs to several tenants can have the provider switch between them. The roles that come along are
    /// those of the other one, where the user may be the administrator.
    pub(crate) fn is_of_another_tenant(
        &self,
        settings: &ProviderSettings,
        tenant: &str,
        access_token: &SecretString,
    ) -> bool {
        // As for the roles: the access token is read where all that stands before it was.
        let reads_all = !self.is_partial && !has_roles(settings, &self.id_token);
        let access_token = reads_all.then_some(access_token);
        let sources = sources(&self.id_token, self.userinfo.as_ref(), access_token);
        let is_claimed = lookup(&sources, &settings.tenant_claim).is_some();
        is_claimed && self::tenant(settings, &sources).map_or(true, |named| named.as_str() != tenant)
    }
}

/// Whether the roles stand in the ID token, so that nobody else need be asked for them.
pub(crate) fn has_roles(settings: &ProviderSettings, id_token: &VerifiedIdToken) -> bool {
    lookup(&sources(id_token, None, None), &settings.roles_claim).is_some()
}

pub(crate) fn sources<'a>(
    id_token: &'a VerifiedIdToken,
    userinfo: Option<&'a UserInfo>,
    access_token: Option<&SecretString>,
) -> ClaimSources<'a> {
    ClaimSources {
        id_token: id_token.claims(),
        userinfo: userinfo.map(UserInfo::claims),
        access_token: access_token.and_then(unverified_access_token_claims),
    }
}

fn describe(settings: &ProviderSettings, sources: &ClaimSources<'_>, user: &mut User) {
    if let Some(email) = email(sources) {
        user.email = Some(email.address);
        user.email_verified = email.verified;
    }
    let name = lookup(sources, "name").and_then(Value::as_str);
    if let Some(name) = name.filter(|name| name.len() <= MAX_NAME_BYTES && !name.chars().any(char::is_control)) {
        user.name = Some(name.to_owned());
    }
    if let Some(claim) = lookup(sources, &settings.roles_claim) {
        user.roles = match &settings.platform {
            Some(_) => role_names(claim),
            None => roles(claim),
        };
    }
}

/// The names of the platform's roles, which are objects.
fn role_names(claim: &Value) -> Vec<String> {
    let objects = claim.as_array().map(Vec::as_slice).unwrap_or_default();
    let names = objects.iter().filter_map(|role| role.get("name")?.as_str());
    names
        .filter(|name| !name.is_empty())
        .take(MAX_ROLES)
        .map(str::to_owned)
        .collect()
}

/// The tenant's claim; `default` where there is none.
///
/// # Security
/// A claim that is there and cannot be used is an error: as `default` it would put users of different
/// tenants together.
fn tenant(settings: &ProviderSettings, sources: &ClaimSources<'_>) -> Result<TenantId, TenantClaimUnusable> {
    match lookup(sources, &settings.tenant_claim) {
        None => Ok(TenantId::default_tenant()),
        Some(Value::String(empty)) if empty.is_empty() => Ok(TenantId::default_tenant()),
        Some(claim) => claim
            .as_str()
            .and_then(|name| TenantId::from_claim(name).ok())
            .ok_or(TenantClaimUnusable),
    }
}

/// Joins the claims of ID token and userinfo; the largest go first where they are too many.
fn kept_claims(sources: &ClaimSources<'_>) -> Map<String, Value> {
    let mut claims = sources.userinfo.cloned().unwrap_or_default();
    claims.extend(
        sources
            .id_token
            .iter()
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    claims.retain(|name, _| !PROTOCOL_CLAIMS.contains(&name.as_str()));
    let mut sizes: Vec<(usize, String)> = claims
        .iter()
        .map(|(name, value)| (name.len() + value.to_string().len() + 4, name.clone()))
        .collect();
    sizes.sort_unstable();
    let mut total: usize = sizes.iter().map(|(size, _)| size).sum();
    while total > MAX_CLAIMS_BYTES {
        let Some((size, largest)) = sizes.pop() else {
            break;
        };
        total = total.saturating_sub(size);
        claims.remove(&largest);
    }
    claims
}
