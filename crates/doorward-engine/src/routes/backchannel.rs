//! `POST /auth/backchannel-logout`: the provider says that somebody signed out (OpenID Connect Back-Channel Logout §2.5 to §2.8).
//!
//! The rules, in the order applied: switched on; POST; a form of at most 16 KB with exactly one `logout_token`; the token names an issuer
//! and a client that sign people in at this host, and passes every rule of [`logout_token::verify`] by that issuer's keys; it was not used
//! before. Nothing else of the request is read: no query, no cookie, no origin.
//!
//! 200 once the sessions have ended, also where there were none. 400 for whatever will not get better by itself, 503 with `Retry-After` for
//! an outage of the store or of the provider's keys, so that the provider can try again.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use doorward_core::code::Code;
use doorward_core::request::RequestView;
use doorward_crypto::KeySet;
use doorward_oidc::{
    ExpectedLogoutToken, LogoutTokenError, Params, UnverifiedAddress, VerifiedLogoutToken, logout_token,
};
use http::{HeaderMap, Method, StatusCode, header};
use serde_json::json;

use crate::outside_logout::Outcome;
use crate::problem::Denial;
use crate::provider::{NewerKeys, ProviderState, ProviderUnavailable, UNKNOWN_KEY_INTERVAL};
use crate::reply::Reply;
use crate::site::Here;

/// The largest form that is read: twice the largest token, in bytes.
pub(super) const MAX_FORM_BYTES: usize = 2 * logout_token::MAX_LOGOUT_TOKEN_BYTES;

/// How long a logout waits for the provider's metadata and keys.
const PROVIDER_LIMIT: Duration = Duration::from_secs(3);

/// Why nothing was ended.
enum NotEnded {
    /// The request is at fault; the text is ours.
    Refused(StatusCode, String),
    /// An outage.
    Unavailable(Denial),
}

impl From<ProviderUnavailable> for NotEnded {
    fn from(error: ProviderUnavailable) -> Self {
        Self::Unavailable(Denial::unavailable(Code::ProviderUnavailable, error.retry_after))
    }
}

impl Here<'_> {
    pub(super) async fn backchannel_logout(self, view: RequestView<'_>, body: Option<Bytes>) -> Reply {
        if *view.method != Method::POST {
            return self.method_not_allowed("POST");
        }
        match self.end_told(view.headers, body.as_ref()).await {
            Ok(()) => Reply::new(StatusCode::OK),
            Err(NotEnded::Unavailable(denial)) => self.refuse(&denial),
            Err(NotEnded::Refused(status, reason)) => Reply::json(
                status,
                &json!({ "error": "invalid_request", "error_description": reason }),
            ),
        }
    }

    async fn end_told(self, headers: &HeaderMap, body: Option<&Bytes>) -> Result<(), NotEnded> {
        let raw = token_of(headers, body)?;
        // The address is anybody's word and only chooses among those that we know.
        let address = UnverifiedAddress::of(&raw).ok_or_else(|| refused("logout token cannot be read"))?;
        let mut providers = self.site.providers.iter();
        let provider = providers
            .find(|provider| {
                let settings = &provider.settings;
                address.names(settings.issuer.as_str(), settings.client.id())
            })
            .ok_or_else(|| self.nobody_here())?;
        let verified = self.ports.within(PROVIDER_LIMIT, self.verify(provider, &raw)).await;
        let token = verified.unwrap_or_else(|| Err(ProviderUnavailable::soon().into()))?;
        match self.end_by_token(provider, token).await {
            Outcome::Ended => Ok(()),
            Outcome::UsedBefore => Err(refused("logout token was used before")),
            Outcome::Unavailable => Err(NotEnded::Unavailable(Denial::unavailable(
                Code::StoreUnavailable,
                Duration::from_secs(1),
            ))),
        }
    }

    /// A token for a client or of an issuer that signs nobody in at this host: somebody's error in the set-up, or a stranger.
    fn nobody_here(self) -> NotEnded {
        const REASON: &str = "logout token is not of an issuer and for a client that are known here";
        if self.outside_logout.unknown.is_due(self.ports.clock.monotonic()) {
            tracing::warn!(
                host = %self.site.public_url.origin(),
                "{REASON}; compare issuer and client ID with the provider's, if it was the provider"
            );
        }
        refused(REASON)
    }

    async fn verify(self, provider: &Arc<ProviderState>, raw: &str) -> Result<VerifiedLogoutToken, NotEnded> {
        let metadata = provider.metadata(&self.ports).await?;
        let algorithms = provider.algorithms(&metadata);
        let expected = ExpectedLogoutToken {
            issuer: provider.settings.issuer.as_str(),
            client_id: provider.settings.client.id(),
            algorithms: &algorithms,
        };
        let check = |keys: &KeySet| logout_token::verify(raw, &expected, keys, self.ports.clock.now());
        let mut checked = check(&provider.keys(&self.ports, &metadata).await?);
        if checked.as_ref().is_err_and(LogoutTokenError::needs_key_refetch) {
            match provider.keys_after_unknown(&self.ports, &metadata).await {
                Some(NewerKeys::Fetched(keys)) => checked = check(&keys),
                Some(NewerKeys::Held(keys)) => {
                    checked = check(&keys);
                    // Security: strangers with made-up keys are why nobody asks now; a provider that has just begun to use
                    // a new one must not be told for good that its token is none.
                    if checked.as_ref().is_err_and(LogoutTokenError::needs_key_refetch) {
                        return Err(ProviderUnavailable {
                            retry_after: UNKNOWN_KEY_INTERVAL,
                        }
                        .into());
                    }
                }
                None => return Err(ProviderUnavailable::soon().into()),
            }
        }
        checked.map_err(|error| {
            match &error {
                // Anybody can cause these without end.
                LogoutTokenError::Jws(_) | LogoutTokenError::TooLarge => {
                    tracing::debug!(%error, "back-channel logout refused");
                }
                // These are signed: the provider sends what we do not take.
                _ => tracing::warn!(%error, issuer = provider.settings.issuer.as_str(), "back-channel logout refused"),
            }
            refused(error)
        })
    }
}

/// The one token of the form.
fn token_of(headers: &HeaderMap, body: Option<&Bytes>) -> Result<String, NotEnded> {
    let body = body.ok_or_else(|| {
        let reason = "expected a form of at most 16 KB, found more".into();
        NotEnded::Refused(StatusCode::PAYLOAD_TOO_LARGE, reason)
    })?;
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let is_form = match (types.next().and_then(|value| value.to_str().ok()), types.next()) {
        (Some(value), None) => {
            let essence = value.split(';').next().unwrap_or_default();
            essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
        }
        _ => false,
    };
    if !is_form {
        return Err(refused("expected a form, found another content type"));
    }
    let text = std::str::from_utf8(body).map_err(|_| refused("form is not text"))?;
    let params = Params::parse(text).map_err(refused)?;
    match params.once("logout_token").map_err(refused)? {
        Some(token) if !token.is_empty() => Ok(token.to_owned()),
        _ => Err(refused("form has no \"logout_token\"")),
    }
}

fn refused(reason: impl ToString) -> NotEnded {
    NotEnded::Refused(StatusCode::BAD_REQUEST, reason.to_string())
}
