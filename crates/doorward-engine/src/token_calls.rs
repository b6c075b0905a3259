//! The calls to the provider that follow a login or keep it alive. Each runs in `Tasks`.

use std::sync::Arc;
use std::time::Duration;

use doorward_core::UnixTime;
use doorward_core::code::Code;
use doorward_core::session::{Tokens, User};
use doorward_crypto::{KeySet, SecretString};
use doorward_oidc::{
    ExpectedIdToken, IdTokenError, IdTokenRules, MatchedCallback, PreviousIdentity, ProviderMetadata,
    RefreshedIdTokenError, TokenError, TokenResponse, UserInfo, UserInfoError, VerifiedIdToken, check_refreshed,
    exchange_request, id_token, parse_revocation, parse_userinfo, refresh_request, revocation_request,
    userinfo_request,
};
use http::StatusCode;

use crate::identify::{self, Described};
use crate::outside::Ports;
use crate::platform_user::PlatformUser;
use crate::provider::{NewerKeys, ProviderState, ProviderUnavailable};

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

/// A login that led to nothing.
#[derive(Debug)]
pub(crate) struct LoginFailure {
    pub(crate) code: Code,
    /// For the operator; holds no secret.
    pub(crate) reason: String,
    /// Whether a user had signed in at the provider by then: what strangers cannot cause without end.
    pub(crate) is_of_a_user: bool,
}

impl LoginFailure {
    pub(crate) fn new(code: Code, reason: impl std::fmt::Display) -> Self {
        Self {
            code,
            reason: reason.to_string(),
            is_of_a_user: false,
        }
    }

    /// The failure of a verified user's login.
    pub(crate) fn of_a_user(self) -> Self {
        Self {
            is_of_a_user: true,
            ..self
        }
    }

    /// The status of the page that says so: a demand that a login did not meet is no invitation to another one.
    pub(crate) fn status(&self) -> StatusCode {
        match self.code {
            Code::StepUpRequired => StatusCode::FORBIDDEN,
            code => code.status(),
        }
    }
}

impl From<ProviderUnavailable> for LoginFailure {
    fn from(_: ProviderUnavailable) -> Self {
        Self::new(
            Code::ProviderUnavailable,
            "provider is out of reach, or says what cannot be used; the log told which when it was asked last",
        )
    }
}

/// Whom a passing failure concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Concerns {
    /// The provider serves nobody now.
    Everybody,
    /// The provider answered, and what it has against this session need not be against others.
    ThisSession,
}

/// Why tokens were not renewed.
pub(crate) enum RefreshFailure {
    /// Worth another try; nobody is logged out for it.
    Passing {
        retry_after: Option<Duration>,
        concerns: Concerns,
        reason: String,
    },
    /// The provider took the refresh token back.
    InvalidGrant,
    /// The refreshed ID token is somebody else's or forged; the session must end.
    Foreign {
        reason: String,
        /// What the answer brought and nobody may use.
        refresh_token: Option<SecretString>,
    },
}

/// Renewed tokens, and what the answer says of the user where its ID token could be verified.
pub(crate) struct Refreshed {
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) described: Option<Described>,
}

/// Redeems a code: token, ID token, userinfo. No session exists before all of it passed.
pub(crate) async fn sign_in(
    provider: &Arc<ProviderState>,
    ports: &Ports,
    callback: MatchedCallback,
) -> Result<SignedIn, LoginFailure> {
    let metadata = provider.metadata(ports).await?;
    let now = ports.clock.now();
    let (request, expected) = exchange_request(callback, &metadata, &provider.settings.client, now, &*ports.random)
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
    let user = identify::user(&provider.settings, &id_token, userinfo.as_ref(), &response.access_token)
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

async fn userinfo(
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
            &provider.settings.client.client_id,
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

/// Renews tokens with the refresh token, and judges the ID token that may come along.
pub(crate) async fn refresh(
    provider: &Arc<ProviderState>,
    ports: &Ports,
    tokens: &Tokens,
    previous: &PreviousIdentity,
) -> Result<Refreshed, RefreshFailure> {
    let passing = |reason: String, retry_after| RefreshFailure::Passing {
        retry_after,
        concerns: Concerns::Everybody,
        reason,
    };
    let Some(refresh_token) = &tokens.refresh_token else {
        return Err(RefreshFailure::InvalidGrant);
    };
    let metadata = provider
        .metadata(ports)
        .await
        .map_err(|error| passing("provider is out of reach".into(), Some(error.retry_after)))?;
    let client = &provider.settings.client;
    let request = refresh_request(refresh_token, &metadata, client, ports.clock.now(), &*ports.random)
        .map_err(|error| passing(error.to_string(), None))?;
    let fetched = provider
        .send(ports, request)
        .await
        .map_err(|error| passing(error.to_string(), None))?;
    let response = match TokenResponse::parse(fetched.status, &fetched.headers, &fetched.body) {
        Ok(response) => response,
        Err(TokenError::InvalidGrant) => return Err(RefreshFailure::InvalidGrant),
        Err(TokenError::Passing { retry_after }) if fetched.status.is_server_error() => {
            return Err(passing("provider asks for patience".into(), retry_after));
        }
        Err(TokenError::Passing { retry_after }) => {
            return Err(RefreshFailure::Passing {
                retry_after,
                concerns: Concerns::ThisSession,
                reason: "provider asks for patience".into(),
            });
        }
        Err(error) if fetched.status.is_redirection() || fetched.status.is_server_error() => {
            return Err(passing(with_source(&error), None));
        }
        // The client is refused, or the answer makes no sense: nothing the user could mend.
        Err(error) => {
            return Err(RefreshFailure::Passing {
                retry_after: Some(PAUSE_AFTER_REFUSAL),
                concerns: Concerns::ThisSession,
                reason: with_source(&error),
            });
        }
    };
    let id_token = judge_refreshed(provider, ports, &metadata, &response, previous).await?;
    let described = match id_token {
        Some(id_token) => Some(describe(provider, ports, &metadata, &response.access_token, id_token).await),
        None => None,
    };
    let expires_in = response.expires_in.unwrap_or(UNSAID_LIFETIME);
    let new_id_token = response.id_token.filter(|_| described.is_some());
    let tokens = Tokens {
        access_token: response.access_token,
        // A provider that returns no new refresh token keeps the old one (RFC 6749 §6).
        refresh_token: response.refresh_token.or_else(|| tokens.refresh_token.clone()),
        id_token: new_id_token.or_else(|| tokens.id_token.clone()),
        access_token_expires_at: Some(ports.clock.now().saturating_add(expires_in)),
        scope: response.scope.or_else(|| tokens.scope.clone()),
    };
    Ok(Refreshed {
        tokens: Arc::new(tokens),
        described,
    })
}

/// Asks userinfo for the roles where the ID token does not hold them, as at login.
async fn describe(
    provider: &Arc<ProviderState>,
    ports: &Ports,
    metadata: &Arc<ProviderMetadata>,
    access_token: &SecretString,
    id_token: VerifiedIdToken,
) -> Described {
    let (userinfo, is_partial) = if identify::has_roles(&provider.settings, &id_token) {
        (None, false)
    } else {
        match userinfo(provider, ports, metadata, access_token, &id_token).await {
            Ok(userinfo) => (userinfo, false),
            Err(failure) => {
                tracing::warn!(
                    reason = failure.reason,
                    "userinfo could not be read at a refresh; roles stay as they are"
                );
                (None, true)
            }
        }
    };
    Described {
        id_token,
        userinfo,
        is_partial,
    }
}

/// Judges a refreshed ID token; `None` where there is none, or where no key is at hand to judge it by.
async fn judge_refreshed(
    provider: &Arc<ProviderState>,
    ports: &Ports,
    metadata: &Arc<ProviderMetadata>,
    response: &TokenResponse,
    previous: &PreviousIdentity,
) -> Result<Option<VerifiedIdToken>, RefreshFailure> {
    let Some(raw) = &response.id_token else {
        return Ok(None);
    };
    // The rotated tokens must not be lost because the keys cannot be fetched: the ID token is then
    // left aside and the identity stays as it was verified before.
    let Ok(keys) = provider.keys(ports, metadata).await else {
        return Ok(None);
    };
    let algorithms = provider.algorithms(metadata);
    let expected = ExpectedIdToken::after_refresh(&previous.issuer, &previous.client_id);
    let check = |keys: &KeySet| {
        let rules = IdTokenRules {
            expected: &expected,
            algorithms: &algorithms,
            now: ports.clock.now(),
            access_token: Some(&response.access_token),
        };
        check_refreshed(raw, keys, &rules, previous)
    };
    let mut checked = check(&keys);
    if checked.as_ref().is_err_and(RefreshedIdTokenError::needs_key_refetch) {
        checked = match provider.keys_after_unknown(ports, metadata).await {
            Some(NewerKeys::Fetched(keys)) => check(&keys),
            Some(NewerKeys::Held(keys)) => match check(&keys) {
                // Nobody could ask for the newest keys: no reason to end a session.
                Err(error) if error.needs_key_refetch() => return Ok(None),
                checked => checked,
            },
            None => return Ok(None),
        };
    }
    checked.map(Some).map_err(|error| RefreshFailure::Foreign {
        reason: with_source(&error),
        refresh_token: response.refresh_token.clone(),
    })
}

/// Takes a refresh token back at the provider (RFC 7009); whoever waits for it sets the limit.
pub(crate) async fn revoke(provider: Arc<ProviderState>, ports: Ports, refresh_token: SecretString) {
    let Ok(metadata) = provider.metadata(&ports).await else {
        return;
    };
    let client = &provider.settings.client;
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

/// An error and its cause in one line, for the log.
pub(crate) fn with_source(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
