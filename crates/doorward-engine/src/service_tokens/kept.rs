//! One token that is kept fresh: fetched when it is first needed, renewed ahead of its end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use doorward_core::UnixTime;
use doorward_core::session::refresh_at;
use doorward_crypto::SecretString;
use doorward_oidc::{
    ServiceToken, ServiceTokenType, TokenError, TokenExchange, TokenTarget, TokenTypeUri, client_credentials_request,
    token_exchange_request,
};

use super::ServiceTokenError;
use crate::cached::pause_of;
use crate::login_failure::with_source;
use crate::outside::Ports;
use crate::provider::ProviderState;
use crate::single_flight::{Begin, SingleFlight};
use crate::token_calls::{PAUSE_AFTER_REFUSAL, UNSAID_LIFETIME};

/// A token younger than this is not thrown away: the next one would fare no better.
const YOUNGEST_DISCARDED: Duration = Duration::from_secs(10);

/// Whom a token is asked of, and what for.
pub(super) struct Asked {
    pub(super) provider: Arc<ProviderState>,
    pub(super) ports: Ports,
    pub(super) target: TokenTarget,
}

/// On whose behalf a token is asked for.
#[derive(Clone)]
pub(super) enum Behalf {
    /// Our own.
    Own,
    /// That of whoever this access token was issued for.
    Subject(SecretString),
}

/// A token, and the call that fetches it.
#[derive(Default)]
pub(super) struct Kept {
    held: RwLock<Option<Held>>,
    /// Until when, on the monotonic clock, no call is made, and what callers are told.
    pause: Mutex<Option<(Duration, ServiceTokenError)>>,
    flight: SingleFlight<(), Result<SecretString, ServiceTokenError>>,
    /// A renewal in the background is on its way already.
    renewing: AtomicBool,
}

struct Held {
    token: SecretString,
    fetched_at: Duration,
    refresh_at: Deadline,
    ends_at: Deadline,
}

/// A moment on both clocks.
#[derive(Clone, Copy)]
struct Deadline {
    wall: UnixTime,
    monotonic: Duration,
}

impl Deadline {
    fn is_past(self, ports: &Ports) -> bool {
        ports.clock.now() >= self.wall || ports.clock.monotonic() >= self.monotonic
    }
}

/// What is at hand.
enum Look {
    Fresh(SecretString),
    /// It lives and is due for renewal.
    Due(SecretString),
    Nothing,
}

/// A call that led to no token.
struct Failure {
    error: ServiceTokenError,
    /// The provider serves nobody now.
    concerns_everybody: bool,
}

impl Kept {
    /// Returns a token that lives, fetching one only where none is held.
    pub(super) async fn get(
        self: &Arc<Self>,
        asked: &Arc<Asked>,
        behalf: &Behalf,
    ) -> Result<SecretString, ServiceTokenError> {
        match self.look(&asked.ports) {
            Look::Fresh(token) => Ok(token),
            Look::Due(token) => {
                self.renew_in_background(asked, behalf);
                Ok(token)
            }
            Look::Nothing => self.renew(asked, behalf).await,
        }
    }

    /// Forgets a token that is old enough, if it is the one that is held.
    pub(super) fn discard(&self, ports: &Ports, token: &SecretString) {
        let now = ports.clock.monotonic();
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        let is_old = |held: &Held| now.saturating_sub(held.fetched_at) >= YOUNGEST_DISCARDED;
        if held
            .as_ref()
            .is_some_and(|held| held.token.matches(token.expose()) && is_old(held))
        {
            *held = None;
        }
    }

    fn look(&self, ports: &Ports) -> Look {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        match &*held {
            Some(held) if !held.refresh_at.is_past(ports) => Look::Fresh(held.token.clone()),
            Some(held) if !held.ends_at.is_past(ports) => Look::Due(held.token.clone()),
            _ => Look::Nothing,
        }
    }

    fn renew_in_background(self: &Arc<Self>, asked: &Arc<Asked>, behalf: &Behalf) {
        if self.paused(asked).is_some() || self.renewing.swap(true, Ordering::AcqRel) {
            return;
        }
        let done = Renewing(Arc::clone(self));
        let (asked, behalf) = (Arc::clone(asked), behalf.clone());
        let tasks = Arc::clone(&asked.ports.tasks);
        tasks.spawn(Box::pin(async move {
            // A failure was logged where it arose; the old token goes on serving.
            let _ = done.0.renew(&asked, &behalf).await;
        }));
    }

    /// Fetches a token, or waits for the call under way.
    async fn renew(self: &Arc<Self>, asked: &Arc<Asked>, behalf: &Behalf) -> Result<SecretString, ServiceTokenError> {
        let begin = || {
            // A call that ended just now has left its token here.
            if let Look::Fresh(token) = self.look(&asked.ports) {
                return Begin::Known(Ok(token));
            }
            if let Some(error) = self.paused(asked) {
                return Begin::Known(Err(error));
            }
            let (this, asked, behalf) = (Arc::clone(self), Arc::clone(asked), behalf.clone());
            Begin::Job(Box::pin(async move {
                match fetch(&asked, &behalf).await {
                    Ok(held) => Ok(this.keep(held)),
                    Err(failure) => Err(this.pause_after(&asked, &failure)),
                }
            }))
        };
        let unavailable = ServiceTokenError::Unavailable {
            retry_after: pause_of(None),
        };
        self.flight
            .join((), &*asked.ports.tasks, begin)
            .await
            .unwrap_or(Err(unavailable))
    }

    fn keep(&self, held: Held) -> SecretString {
        let token = held.token.clone();
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Some(held);
        *self.pause.lock().unwrap_or_else(PoisonError::into_inner) = None;
        token
    }

    fn pause_after(&self, asked: &Asked, failure: &Failure) -> ServiceTokenError {
        let (length, error) = match failure.error {
            ServiceTokenError::Unavailable { retry_after } => {
                let retry_after = match failure.concerns_everybody {
                    true => asked.provider.pause_token_calls(&asked.ports, Some(retry_after)),
                    false => pause_of(Some(retry_after)),
                };
                (retry_after, ServiceTokenError::Unavailable { retry_after })
            }
            error => (PAUSE_AFTER_REFUSAL, error),
        };
        let until = asked.ports.clock.monotonic().saturating_add(length);
        *self.pause.lock().unwrap_or_else(PoisonError::into_inner) = Some((until, error));
        error
    }

    /// Returns what callers are told while the provider is left alone.
    fn paused(&self, asked: &Asked) -> Option<ServiceTokenError> {
        let pause = *self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        let now = asked.ports.clock.monotonic();
        let ours = pause.and_then(|(until, error)| {
            let rest = until.checked_sub(now).filter(|rest| !rest.is_zero())?;
            Some(match error {
                ServiceTokenError::Unavailable { .. } => ServiceTokenError::Unavailable { retry_after: rest },
                error => error,
            })
        });
        ours.or_else(|| {
            let retry_after = asked.provider.token_pause(&asked.ports)?;
            Some(ServiceTokenError::Unavailable { retry_after })
        })
    }
}

/// Makes the call.
async fn fetch(asked: &Asked, behalf: &Behalf) -> Result<Held, Failure> {
    let Asked {
        provider,
        ports,
        target,
    } = asked;
    let metadata = provider.metadata(ports).await.map_err(|error| Failure {
        error: ServiceTokenError::Unavailable {
            retry_after: error.retry_after,
        },
        // The metadata has a pause of its own.
        concerns_everybody: false,
    })?;
    // The life counts from before the call: the provider's began no earlier.
    let (now, monotonic) = (ports.clock.now(), ports.clock.monotonic());
    let (client, random) = (&provider.settings.client.now(), &*ports.random);
    let request = match behalf {
        Behalf::Own => client_credentials_request(target, &metadata, client, now, random),
        Behalf::Subject(subject_token) => {
            let exchange = TokenExchange {
                subject_token,
                subject_token_type: TokenTypeUri::AccessToken,
                actor: None,
                requested_token_type: Some(TokenTypeUri::AccessToken),
                target,
            };
            token_exchange_request(&exchange, &metadata, client, now, random)
        }
    };
    let request = request.map_err(|error| invalid(&with_source(&error)))?;
    let fetched = provider
        .send(ports, request)
        .await
        .map_err(|error| unavailable(&error, None, true))?;
    let answer = ServiceToken::parse(fetched.status, &fetched.headers, &fetched.body).map_err(|error| {
        let is_outage = fetched.status.is_server_error();
        match &error {
            TokenError::Passing { retry_after } => unavailable(&error, *retry_after, is_outage),
            TokenError::InvalidGrant => refused(&error, "invalid_grant"),
            TokenError::Refused { code } => refused(&error, code),
            _ => invalid(&with_source(&error)),
        }
    })?;
    if answer.token_type != ServiceTokenType::Bearer {
        return Err(invalid("token is no bearer token"));
    }
    let lifetime = answer.expires_in.unwrap_or(UNSAID_LIFETIME);
    let deadline = |after: Duration| Deadline {
        wall: now.saturating_add(after),
        monotonic: monotonic.saturating_add(after),
    };
    let renewed_at = refresh_at(now, lifetime, provider.settings.refresh_ahead);
    let held = Held {
        token: answer.token,
        fetched_at: monotonic,
        refresh_at: deadline(renewed_at.saturating_since(now)),
        ends_at: deadline(lifetime),
    };
    if held.ends_at.is_past(ports) {
        return Err(invalid("token has no life left"));
    }
    Ok(held)
}

/// Lets the next renewal begin, also when the job is dropped or panics.
struct Renewing(Arc<Kept>);

impl Drop for Renewing {
    fn drop(&mut self) {
        self.0.renewing.store(false, Ordering::Release);
    }
}

fn unavailable(error: &dyn std::error::Error, wish: Option<Duration>, concerns_everybody: bool) -> Failure {
    tracing::warn!(
        reason = with_source(error),
        "token for our own calls could not be fetched"
    );
    Failure {
        error: ServiceTokenError::Unavailable {
            retry_after: pause_of(wish),
        },
        concerns_everybody,
    }
}

fn refused(error: &dyn std::error::Error, code: &'static str) -> Failure {
    tracing::error!(reason = with_source(error), "token for our own calls was refused");
    Failure {
        error: ServiceTokenError::Refused { code },
        concerns_everybody: false,
    }
}

fn invalid(reason: &str) -> Failure {
    tracing::error!(reason, "token for our own calls is not usable");
    Failure {
        error: ServiceTokenError::Invalid,
        concerns_everybody: false,
    }
}
