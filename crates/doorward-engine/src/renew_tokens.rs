//! The call that renews tokens, and what its answer may say of the user. It runs in `Tasks`.

use std::sync::Arc;
use std::time::Duration;

use doorward_core::session::Tokens;
use doorward_crypto::{KeySet, SecretString};
use doorward_oidc::{
    ExpectedIdToken, IdTokenRules, PreviousIdentity, ProviderMetadata, RefreshedIdTokenError, TokenError,
    TokenResponse, VerifiedIdToken, check_refreshed, refresh_request,
};

use crate::login_failure::with_source;
use crate::outside::Ports;
use crate::provider::{NewerKeys, ProviderState};
use crate::token_calls::{PAUSE_AFTER_REFUSAL, UNSAID_LIFETIME, userinfo};
use crate::user_of_claims::{self, Described};

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
    let client = &provider.settings.client.now();
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
    let (userinfo, is_partial) = if user_of_claims::has_roles(&provider.settings, &id_token) {
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
