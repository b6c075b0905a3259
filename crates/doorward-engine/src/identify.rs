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

/// Reads the user out of a verified ID token, userinfo and the access token, in this order.
///
/// The access token's claims are read without a check of its signature: it came straight from the
/// token endpoint, over TLS, in the answer that the verified ID token came with.
pub(crate) fn user(
    settings: &ProviderSettings,
    id_token: &VerifiedIdToken,
    userinfo: Option<&UserInfo>,
    access_token: &SecretString,
) -> User {
    let sources = sources(id_token, userinfo, access_token);
    let mut user = User {
        subject: id_token.subject().to_owned(),
        issuer: id_token.issuer().to_owned(),
        tenant: tenant(settings, &sources).as_str().to_owned(),
        email: None,
        email_verified: false,
        name: None,
        roles: Vec::new(),
        claims: kept_claims(&sources),
    };
    describe(settings, &sources, &mut user);
    user
}

/// Brings a user up to date with a refreshed ID token: what it says counts, what it leaves out stays.
///
/// Subject, issuer and tenant never change within a session.
pub(crate) fn update(
    settings: &ProviderSettings,
    user: &mut User,
    id_token: &VerifiedIdToken,
    access_token: &SecretString,
) {
    describe(settings, &sources(id_token, None, access_token), user);
}

fn sources<'a>(
    id_token: &'a VerifiedIdToken,
    userinfo: Option<&'a UserInfo>,
    access_token: &SecretString,
) -> ClaimSources<'a> {
    ClaimSources {
        id_token: id_token.claims(),
        userinfo: userinfo.map(UserInfo::claims),
        access_token: unverified_access_token_claims(access_token),
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
        user.roles = roles(claim);
    }
}

/// The tenant's claim, else `default`; a claim that is no name counts as absent.
fn tenant(settings: &ProviderSettings, sources: &ClaimSources<'_>) -> TenantId {
    lookup(sources, &settings.tenant_claim)
        .and_then(Value::as_str)
        .and_then(|name| TenantId::from_claim(name).ok())
        .unwrap_or_else(TenantId::default_tenant)
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
