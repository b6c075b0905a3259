//! Asking the provider about opaque tokens (RFC 7662).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use doorward_crypto::SecretString;
use doorward_oidc::{AccessTokenError, Introspection, IntrospectionError, introspection_request, parse_introspection};

use super::{BearerIssuer, BearerRefused, BearerVerifier, Digest, Judged, Judging, Known, refusal};
use crate::cached::pause_of;
use crate::outside::Ports;
use crate::provider::ProviderUnavailable;
use crate::single_flight::Begin;

/// How long an answer is believed: a token revoked at the provider is refused within this time.
const ANSWER_LIFETIME: Duration = Duration::from_secs(30);
/// Questions under way at once; whoever comes beyond is asked to come again.
const MAX_ASKING: usize = 64;
/// How long the endpoint is left alone after it refused us: our configuration has to change first.
const PAUSE_AFTER_REFUSAL: Duration = Duration::from_secs(30);

impl BearerVerifier {
    pub(super) fn judge_opaque(self: &Arc<Self>, ports: &Ports, raw: &SecretString, digest: Digest) -> Judging {
        let Some(index) = self.issuers.iter().position(|issuer| issuer.introspects) else {
            tracing::debug!("access token is no JWT, and no provider is to be asked about it");
            return Judging::Ready(Err(BearerRefused::Invalid));
        };
        if let Some(refused) = self.refused.get(&digest, ports.clock.monotonic()) {
            return Judging::Ready(Err(refused));
        }
        let (this, ports, raw) = (Arc::clone(self), ports.clone(), raw.clone());
        Judging::Wait(Box::pin(async move {
            let begin = || this.begin(&ports, raw, digest, index);
            match this.asking.join(digest, &*ports.tasks, begin).await {
                Some(judged) => judged,
                None => Err(ProviderUnavailable::soon().into()),
            }
        }))
    }

    fn begin(self: &Arc<Self>, ports: &Ports, raw: SecretString, digest: Digest, index: usize) -> Begin<Judged> {
        // The question that was under way just now may have found the answer.
        if let Some(judged) = self.known(ports, &digest) {
            return Begin::Known(Ok(judged));
        }
        if let Some(refused) = self.refused.get(&digest, ports.clock.monotonic()) {
            return Begin::Known(Err(refused));
        }
        let Some(issuer) = self.issuers.get(index) else {
            return Begin::Known(Err(BearerRefused::Invalid));
        };
        if let Some(retry_after) = issuer.provider().introspection_pause(ports) {
            return Begin::Known(Err(BearerRefused::Unavailable { retry_after }));
        }
        let Some(place) = Place::take(&self.asking_now) else {
            return Begin::Known(Err(ProviderUnavailable::soon().into()));
        };
        let (this, ports) = (Arc::clone(self), ports.clone());
        Begin::Job(Box::pin(async move {
            let judged = this.ask(&ports, &raw, digest, index).await;
            drop(place);
            judged
        }))
    }

    async fn ask(&self, ports: &Ports, raw: &SecretString, digest: Digest, index: usize) -> Judged {
        let Some(issuer) = self.issuers.get(index) else {
            return Err(BearerRefused::Invalid);
        };
        let asked_at = ports.clock.monotonic();
        let until = asked_at.saturating_add(ANSWER_LIFETIME);
        let answer = introspect(issuer, ports, raw).await;
        let answer = answer.inspect_err(|unavailable| self.refused_for_now(ports, digest, *unavailable))?;
        let refused = match answer {
            Ok(Introspection::Active(token)) => match issuer.described(*token) {
                Ok(judged) => {
                    let judged = Arc::new(judged);
                    let known = Known {
                        judged: Arc::clone(&judged),
                        issuer: index,
                        keys: None,
                        // Without leeway: the provider can be asked again.
                        until: judged.token.expires_at(),
                    };
                    self.tokens.put(digest, known, until);
                    return Ok(judged);
                }
                Err(error) => refusal(error),
            },
            Ok(Introspection::Inactive) => {
                tracing::debug!("access token is not active, says the provider");
                BearerRefused::Invalid
            }
            Err(error) => refusal(error),
        };
        self.tokens.forget(&digest);
        self.refused.put(digest, refused, until);
        Err(refused)
    }

    /// Does not ask about the same token again before it is time.
    fn refused_for_now(&self, ports: &Ports, digest: Digest, refused: BearerRefused) {
        if let BearerRefused::Unavailable { retry_after } = refused {
            let until = ports.clock.monotonic().saturating_add(retry_after.min(ANSWER_LIFETIME));
            self.refused.put(digest, refused, until);
        }
    }
}

/// Asks once; the outer error says that nothing is known of the token.
async fn introspect(
    issuer: &BearerIssuer,
    ports: &Ports,
    raw: &SecretString,
) -> Result<Result<Introspection, AccessTokenError>, BearerRefused> {
    let provider = issuer.provider();
    let unavailable = |wish| BearerRefused::Unavailable {
        retry_after: provider.pause_introspection(ports, wish),
    };
    let metadata = provider.metadata(ports).await?;
    let client = &provider.settings.client.now();
    let request = introspection_request(&metadata, client, raw, ports.clock.now(), &*ports.random);
    let request = match request {
        Ok(Some(request)) => request,
        Ok(None) => {
            tracing::error!("provider has no introspection endpoint, and opaque access tokens are to be accepted");
            return Err(unavailable(Some(PAUSE_AFTER_REFUSAL)));
        }
        Err(error) => {
            tracing::error!(%error, "introspection request could not be made");
            return Err(unavailable(None));
        }
    };
    let fetched = provider.send(ports, request).await.map_err(|error| {
        tracing::warn!(%error, "introspection endpoint did not answer");
        unavailable(None)
    })?;
    let now = ports.clock.now();
    match parse_introspection(fetched.status, &fetched.headers, &fetched.body, &issuer.rules, now) {
        Ok(introspection) => Ok(Ok(introspection)),
        Err(IntrospectionError::Token(error)) => Ok(Err(error)),
        Err(IntrospectionError::Passing { retry_after }) => {
            tracing::warn!("introspection endpoint asks for patience");
            Err(unavailable(Some(pause_of(retry_after))))
        }
        Err(IntrospectionError::Status(status @ (401 | 403))) => {
            tracing::error!(status, "introspection endpoint refuses our client");
            Err(unavailable(Some(PAUSE_AFTER_REFUSAL)))
        }
        // Security: the token may have brought this answer about; others are asked about all the same.
        Err(error) => {
            tracing::error!(
                reason = crate::login_failure::with_source(&error),
                "introspection answer refused"
            );
            Err(BearerRefused::Unavailable {
                retry_after: PAUSE_AFTER_REFUSAL,
            })
        }
    }
}

/// One of the places of those who ask, given back when dropped.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(taken: &Arc<AtomicUsize>) -> Option<Self> {
        let place = |count: usize| (count < MAX_ASKING).then_some(count + 1);
        taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, place).ok()?;
        Some(Self(Arc::clone(taken)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
