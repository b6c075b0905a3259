//! Makes tokens and remembers them.

use doorward_crypto::{RandomUnavailable, SystemRandom, half_hash, random_token};
use serde_json::{Map, Value, json};

use crate::{
    keys::ALGORITHM,
    members::{extend, object},
    oauth_error::OAuthError,
    platform,
    provider::DevProvider,
    state::{AccessToken, Face, Grant, IdToken, Login, REFRESH_TOKEN_TTL, RefreshToken, digest},
    users::UserInfo,
};

/// How long an ID token counts, in seconds.
const ID_TOKEN_TTL: u64 = 3_600;

/// A fresh access token and when it ends.
pub(crate) struct MintedAccessToken {
    pub(crate) token: String,
    pub(crate) expires_in: u64,
}

/// Signs an access token in the form of RFC 9068.
pub(crate) fn access_token(
    provider: &DevProvider,
    grant_id: &str,
    grant: &Grant,
    scopes: &[String],
) -> Result<MintedAccessToken, OAuthError> {
    let issued_at = provider.now();
    let expires_in = provider.state().knobs.access_token_ttl;
    let expires_at = issued_at.saturating_add(expires_in);
    let jti = random_token(&SystemRandom)?;
    let mut claims = object([
        ("client_id", json!(grant.client_id)),
        ("scope", json!(scopes.join(" "))),
        ("jti", json!(jti)),
        ("iat", json!(issued_at)),
        ("exp", json!(expires_at)),
    ]);
    let user = match &grant.login {
        Some(login) => Some((login, user_of(provider, login)?)),
        None => None,
    };
    let typ = match grant.face {
        Face::Standard => {
            extend_with_access(&mut claims, provider, grant, user);
            "at+jwt"
        }
        Face::Platform => {
            platform::claims::extend_access_token(&mut claims, provider, grant, user);
            "at+JWT"
        }
    };
    let token = sign(provider, typ, claims)?;
    let record = AccessToken {
        grant_id: grant_id.to_owned(),
        scopes: scopes.to_vec(),
        issued_at,
        expires_at,
        jti,
    };
    provider.state().access_tokens.insert(digest(&token), record);
    Ok(MintedAccessToken { token, expires_in })
}

/// Signs an ID token (OpenID Connect Core §2 and §3.1.3.6).
pub(crate) fn id_token(
    provider: &DevProvider,
    grant: &Grant,
    login: &Login,
    access_token: &str,
    nonce: Option<&str>,
) -> Result<String, OAuthError> {
    let user = user_of(provider, login)?;
    let issued_at = provider.now();
    let mut claims = object([
        ("aud", json!(grant.client_id)),
        ("iat", json!(issued_at)),
        ("exp", json!(issued_at.saturating_add(ID_TOKEN_TTL))),
    ]);
    if let Some(hash) = half_hash(ALGORITHM, access_token.as_bytes()) {
        claims.insert("at_hash".to_owned(), json!(hash));
    }
    if let Some(nonce) = nonce {
        claims.insert("nonce".to_owned(), json!(nonce));
    }
    let typ = match grant.face {
        Face::Standard => {
            extend(
                &mut claims,
                [("iss", json!(provider.issuer())), ("azp", json!(grant.client_id))],
            );
            extend_with_login(&mut claims, login);
            extend_with_user(&mut claims, user);
            "JWT"
        }
        Face::Platform => {
            platform::claims::extend_id_token(&mut claims, provider, grant, login, user);
            "id+JWT"
        }
    };
    let token = sign(provider, typ, claims)?;
    let record = IdToken {
        client_id: grant.client_id.clone(),
        sid: login.sid.clone(),
    };
    // By these a session is named at the standard face's logout; the platform's logout takes none.
    if grant.face == Face::Standard {
        provider.state().id_tokens.insert(digest(&token), record);
    }
    Ok(token)
}

/// Makes an opaque refresh token.
pub(crate) fn refresh_token(provider: &DevProvider, grant_id: &str, face: Face) -> Result<String, OAuthError> {
    let token = provider.mint_secret(face)?;
    let record = RefreshToken {
        grant_id: grant_id.to_owned(),
        expires_at: provider.now().saturating_add(REFRESH_TOKEN_TTL),
        used: false,
    };
    provider.state().refresh_tokens.insert(digest(&token), record);
    Ok(token)
}

/// RFC 8707 §2: the resources asked for, else the default.
pub(crate) fn audience(provider: &DevProvider, grant: &Grant) -> Value {
    match grant.audiences.as_slice() {
        [] => json!(provider.audience()),
        [one] => json!(one),
        several => json!(several),
    }
}

/// The claims about a person, the same in every token and at the userinfo endpoint.
pub(crate) fn extend_with_user(claims: &mut Map<String, Value>, user: &UserInfo) {
    let members = [
        ("sub", json!(user.subject)),
        ("email", json!(user.email)),
        ("email_verified", json!(true)),
        ("name", json!(user.name)),
        ("roles", json!(user.roles)),
        ("tenant", json!(user.tenant)),
    ];
    extend(claims, members);
}

/// The claims of an access token of the standard face.
fn extend_with_access(
    claims: &mut Map<String, Value>,
    provider: &DevProvider,
    grant: &Grant,
    user: Option<(&Login, &UserInfo)>,
) {
    let members = [("iss", json!(provider.issuer())), ("aud", audience(provider, grant))];
    extend(claims, members);
    match user {
        Some((login, user)) => {
            extend_with_login(claims, login);
            extend_with_user(claims, user);
        }
        // RFC 9068 §2.2: without a resource owner the subject is the client.
        None => extend(claims, [("sub", json!(grant.client_id))]),
    }
}

fn extend_with_login(claims: &mut Map<String, Value>, login: &Login) {
    let members = [
        ("sid", json!(login.sid)),
        ("auth_time", json!(login.auth_time)),
        ("acr", json!(login.acr)),
        ("amr", methods(login)),
    ];
    extend(claims, members);
}

/// How the person was recognized (RFC 8176).
pub(crate) fn methods(login: &Login) -> Value {
    match login.acr.as_str() {
        "mfa" => json!(["pwd", "otp"]),
        "phr" => json!(["hwk"]),
        _ => json!(["pwd"]),
    }
}

fn user_of<'a>(provider: &'a DevProvider, login: &Login) -> Result<&'a UserInfo, OAuthError> {
    provider
        .user_registry()
        .by_subject(&login.subject)
        .ok_or(OAuthError::invalid_grant("user no longer exists"))
}

pub(crate) fn sign(provider: &DevProvider, typ: &str, claims: Map<String, Value>) -> Result<String, OAuthError> {
    // The lock is not held while signing: an RSA signature takes about a millisecond.
    let key = provider.state().keys.current();
    let token = key
        .sign(typ, &Value::Object(claims))
        .map_err(|_| OAuthError::server_error("token could not be signed"))?;
    provider.state().record_minted(&token);
    Ok(token)
}

impl From<RandomUnavailable> for OAuthError {
    fn from(_: RandomUnavailable) -> Self {
        Self::server_error("random numbers are unavailable")
    }
}
