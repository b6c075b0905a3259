//! The calls to the provider that follow a login or keep it alive. Each runs in `Tasks`.

use std::sync::Arc;
use std::time::Duration;

use doorward_core::UnixTime;
use doorward_core::code::Code;
use doorward_core::session::{Tokens, User};
use doorward_crypto::{KeySet, SecretString};
use doorward_oidc::{
    ExpectedIdToken, IdTokenError, IdTokenRules, MatchedCallback, ProviderMetadata, TokenError, TokenResponse,
    UserInfo, UserInfoError, VerifiedIdToken, exchange_request, id_token, parse_revocation, parse_userinfo,
    revocation_request, userinfo_request,
};

use crate::login_failure::{LoginFailure, with_source};
use crate::outside::Ports;
use crate::platform_user::PlatformUser;
use crate::provider::{NewerKeys, ProviderState};
use crate::user_of_claims;

/// How long an access token lives whose provider does not say (RFC 6749 §5.1 leaves it open).
pub(crate) const UNSAID_LIFETIME: Duration = Duration::from_secs(3600);

/// How long a session waits with its next renewal after the provider refused one.
pub(crate) const PAUSE_AFTER_REFUSAL: Duration = Duration::from_secs(5);

/// A verified login, before the application has seen it.
pub(crate) struct SignedIn {
    pub(crate) user: User,
    /// The same as the Wristband platform describes them, where that is the provider.
    pub(crate) platform: Option<PlatformUser>,
    pub(crate) tokens: Tokens,
    pub(crate) expires_in: Duration,
    pub(crate) scopes: Vec<String>,
    pub(crate) auth_time: Option<UnixTime>,
    pub(crate) acr: Option<String>,
    pub(crate) provider_session_id: Option<String>,
}

/// Redeems a code: token, ID token, userinfo. No session exists before all of it passed.
pub(crate) async fn sign_in(
    provider: &Arc<ProviderState>,
    ports: &Ports,
    callback: MatchedCallback,
) -> Result<SignedIn, LoginFailure> {
    let metadata = provider.metadata(ports).await?;
    let now = ports.clock.now();
    let (request, expected) = exchange_request(
        callback,
        &metadata,
        &provider.settings.client.now(),
        now,
        &*ports.random,
    )
    .map_err(|error| LoginFailure::new(Code::ProviderResponseInvalid, error))?;
    let fetched = provider
        .send(ports, request)
        .await
        .map_err(|error| LoginFailure::new(Code::ProviderUnavailable, error))?;
    let response = TokenResponse::parse(fetched.status, &fetched.headers, &fetched.body).map_err(exchange_failure)?;
    let raw = response.require_id_token().map_err(exchange_failure)?;
    let id_token = verify(provider, ports, &metadata, raw, &expected, &response.access_token).await?;
    if !provider.settings.authorize.configures("acr_values") {
        check_strength(expected.acr_values.as_deref(), &id_token)?;
    }
    let userinfo = userinfo(provider, ports, &metadata, &response.access_token, &id_token).await?;
    let user = user_of_claims::user(&provider.settings, &id_token, userinfo.as_ref(), &response.access_token)
        .map_err(|error| LoginFailure::new(Code::LoginDenied, error))?;
    let platform = match &provider.platform {
        Some(platform) => {
            let resolved = platform.configuration(provider, ports).await?;
            let user = PlatformUser::of(&resolved, &id_token, userinfo.as_ref(), &response.access_token)?;
            Some(user)
        }
        None => None,
    };
    let expires_in = response.expires_in.unwrap_or(UNSAID_LIFETIME);
    let scopes = response
        .granted_scope(&expected.requested_scope)
        .split(' ')
        .filter(|scope| !scope.is_empty())
        .map(str::to_owned)
        .collect();
    Ok(SignedIn {
        user,
        platform,
        expires_in,
        scopes,
        auth_time: id_token.auth_time(),
        acr: id_token.acr().map(str::to_owned),
        provider_session_id: id_token.session_id().map(str::to_owned),
        tokens: Tokens {
            access_token: response.access_token,
            refresh_token: response.refresh_token,
            id_token: response.id_token,
            access_token_expires_at: Some(ports.clock.now().saturating_add(expires_in)),
            scope: response.scope,
        },
    })
}

fn exchange_failure(error: TokenError) -> LoginFailure {
    let code = match &error {
        TokenError::Passing { .. } => Code::ProviderUnavailable,
        _ => Code::ProviderResponseInvalid,
    };
    let reason = with_source(&error);
    match error {
        // RFC 6749 §5.2: this is about us and not about the user.
        TokenError::Refused { code: "invalid_client" } => LoginFailure::new(
            code,
            format_args!("{reason}; hint: are client ID, secret and authentication as registered?"),
        ),
        _ => LoginFailure::new(code, reason),
    }
}

async fn verify(
    provider: &Arc<ProviderState>,
    ports: &Ports,
    metadata: &Arc<ProviderMetadata>,
    raw: &SecretString,
    expected: &ExpectedIdToken,
    access_token: &SecretString,
) -> Result<VerifiedIdToken, LoginFailure> {
    let algorithms = provider.algorithms(metadata);
    let check = |keys: &KeySet| {
        id_token::verify(
            raw,
            keys,
            &IdTokenRules {
                expected,
                algorithms: &algorithms,
                now: ports.clock.now(),
                access_token: Some(access_token),
            },
        )
    };
    let mut checked = check(&provider.keys(ports, metadata).await?);
    if checked.as_ref().is_err_and(IdTokenError::needs_key_refetch)
        && let Some(NewerKeys::Fetched(keys) | NewerKeys::Held(keys)) =
            provider.keys_after_unknown(ports, metadata).await
    {
        checked = check(&keys);
    }
    checked.map_err(|error| {
        let code = match &error {
            IdTokenError::AuthenticationTooOld => Code::StepUpRequired,
            IdTokenError::Missing("auth_time") if expected.max_age.is_some() => Code::StepUpRequired,
            _ => Code::IdTokenInvalid,
        };
        LoginFailure::new(code, with_source(&error))
    })
}

/// What a login was to show and did not ends on a page: another redirect would go in circles (RFC 9470 §4).
///
/// Only what the login itself asked for counts; `acr_values` of the configuration are a wish (Core §3.1.2.1).
fn check_strength(asked: Option<&str>, id_token: &VerifiedIdToken) -> Result<(), LoginFailure> {
    let Some(asked) = asked else { return Ok(()) };
    match id_token.acr() {
        Some(acr) if asked.split(' ').any(|value| value == acr) => Ok(()),
        _ => Err(LoginFailure::new(
            Code::StepUpRequired,
            "ID token shows none of the acr_values that the login asked for",
        )),
    }
}

pub(crate) async fn userinfo(
    provider: &Arc<ProviderState>,
    ports: &Ports,
    metadata: &Arc<ProviderMetadata>,
    access_token: &SecretString,
    id_token: &VerifiedIdToken,
) -> Result<Option<UserInfo>, LoginFailure> {
    let Some(request) = userinfo_request(metadata, access_token) else {
        return Ok(None);
    };
    let fetched = provider
        .send(ports, request)
        .await
        .map_err(|error| LoginFailure::new(Code::ProviderUnavailable, error))?;
    let algorithms = provider.algorithms(metadata);
    let judge = |keys: &KeySet| {
        parse_userinfo(
            fetched.status,
            &fetched.headers,
            &fetched.body,
            keys,
            &algorithms,
            provider.settings.client.id(),
            &provider.settings.issuer,
            id_token,
        )
    };
    let mut judged = judge(&provider.keys(ports, metadata).await?);
    if judged.as_ref().is_err_and(UserInfoError::needs_key_refetch)
        && let Some(NewerKeys::Fetched(keys) | NewerKeys::Held(keys)) =
            provider.keys_after_unknown(ports, metadata).await
    {
        judged = judge(&keys);
    }
    judged.map(Some).map_err(|error| {
        let code = match &error {
            UserInfoError::Passing { .. } => Code::ProviderUnavailable,
            _ => Code::ProviderResponseInvalid,
        };
        LoginFailure::new(code, with_source(&error))
    })
}

/// Takes a refresh token back at the provider (RFC 7009); whoever waits for it sets the limit.
pub(crate) async fn revoke(provider: Arc<ProviderState>, ports: Ports, refresh_token: SecretString) {
    let Ok(metadata) = provider.metadata(&ports).await else {
        return;
    };
    let client = &provider.settings.client.now();
    let request = revocation_request(&metadata, client, &refresh_token, ports.clock.now(), &*ports.random);
    let Some(request) = request else {
        return;
    };
    let answered = provider.send(&ports, request).await;
    let outcome = match &answered {
        Ok(fetched) => parse_revocation(fetched.status).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = outcome {
        tracing::warn!(error, "refresh token could not be revoked at the provider");
    }
}
