//! Judging the bearer token of a request, which may be anybody's invention.
//!
//! 1. A token judged good before is known by its digest until it expires, at most five minutes (an introspected one thirty
//!    seconds), and only while the key set that it was judged by is the one at hand: a key that leaves takes its tokens along.
//! 2. A JWT's unverified `iss` chooses among the configured issuers; of any other issuer nothing is ever asked.
//! 3. Where the issuer's keys are at hand the token is judged at once. A key that is not among them causes one look for newer
//!    keys, at most one per thirty seconds and issuer ([`ProviderState`]); headers that name a
//!    key found nowhere are remembered as long.
//! 4. An opaque token is shown to the one provider that is configured for it: one call per token at a time, bounded at large,
//!    and what was refused is remembered apart, so that no invention pushes a good token out.
//!
//! An issuer that cannot be asked leaves a token undecided, which is 503 and never 401.

mod introspect;
mod keys;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use doorward_core::UnixTime;
use doorward_core::bearer::BearerToken;
use doorward_core::code::Code;
use doorward_core::policy::BearerContext;
use doorward_core::ports::BoxFuture;
use doorward_core::tenant::TenantId;
use doorward_crypto::{KeySet, SecretString, sha256};
use doorward_oidc::{
    AccessTokenError, AccessTokenRules, ClaimSources, VerifiedAccessToken, access_token, looks_like_jwt, lookup, roles,
    unverified_issuer,
};
use serde_json::Value;

use self::keys::IssuerKeys;
use crate::outside::Ports;
use crate::provider::{ProviderState, ProviderUnavailable};
use crate::recent::{Digest, Recent};
use crate::single_flight::SingleFlight;

const TOKEN_LIFETIME: Duration = Duration::from_secs(300);
const UNKNOWN_KEY_LIFETIME: Duration = Duration::from_secs(30);
/// Good tokens known at once; the largest take some 200 MB, everyday ones some 30.
const MAX_TOKENS: usize = 10_000;
const MAX_REFUSED: usize = 10_000;
const MAX_UNKNOWN_KEYS: usize = 1_000;

/// A token that is good, and what the configuration reads out of it.
#[derive(Debug)]
pub(crate) struct JudgedToken {
    pub(crate) token: VerifiedAccessToken,
    pub(crate) context: BearerContext,
}

/// Why a bearer token lets nobody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BearerRefused {
    /// It is not good: 401 `token_invalid`. The reason is in the log.
    Invalid,
    /// It was good once: 401 `token_expired`.
    Expired,
    /// Nobody can tell: 503 `provider_unavailable`.
    Unavailable {
        /// When to come again.
        retry_after: Duration,
    },
}

impl BearerRefused {
    /// Returns what the caller is told.
    pub(crate) fn code(self) -> Code {
        match self {
            Self::Invalid => Code::TokenInvalid,
            Self::Expired => Code::TokenExpired,
            Self::Unavailable { .. } => Code::ProviderUnavailable,
        }
    }
}

impl From<ProviderUnavailable> for BearerRefused {
    fn from(unavailable: ProviderUnavailable) -> Self {
        Self::Unavailable {
            retry_after: unavailable.retry_after,
        }
    }
}

pub(crate) type Judged = Result<Arc<JudgedToken>, BearerRefused>;

/// [`Judged`], now or later.
#[must_use = "a judgement that nobody reads protects nothing"]
pub(crate) enum Judging {
    /// Decided at once.
    Ready(Judged),
    /// The issuer must be asked first.
    Wait(BoxFuture<'static, Judged>),
}

/// An issuer whose access tokens are accepted.
pub(crate) struct BearerIssuer {
    pub(crate) rules: AccessTokenRules,
    keys: Arc<IssuerKeys>,
    introspects: bool,
}

impl BearerIssuer {
    pub(crate) fn new(provider: Arc<ProviderState>, rules: AccessTokenRules, introspects: bool) -> Self {
        Self {
            rules,
            keys: Arc::new(IssuerKeys::new(provider)),
            introspects,
        }
    }

    fn provider(&self) -> &Arc<ProviderState> {
        &self.keys.provider
    }

    /// Judges a signed token by keys.
    fn judge(&self, raw: &SecretString, keys: &KeySet, now: UnixTime) -> Result<Arc<JudgedToken>, AccessTokenError> {
        let token = access_token::verify(raw, keys, &self.rules, now)?;
        self.described(token).map(Arc::new)
    }

    /// Reads roles and tenant out of a verified token.
    ///
    /// # Security
    /// A tenant claim that is there and cannot be used is an error: as `default` it would put tenants together.
    fn described(&self, token: VerifiedAccessToken) -> Result<JudgedToken, AccessTokenError> {
        let settings = &self.provider().settings;
        let sources = ClaimSources {
            id_token: token.claims(),
            userinfo: None,
            access_token: None,
        };
        let tenant = match lookup(&sources, &settings.tenant_claim) {
            None => TenantId::default_tenant(),
            Some(Value::String(empty)) if empty.is_empty() => TenantId::default_tenant(),
            Some(claim) => claim
                .as_str()
                .and_then(|name| TenantId::from_claim(name).ok())
                .ok_or(AccessTokenError::WrongType("tenant"))?,
        };
        let context = BearerContext {
            tenant: tenant.as_str().to_owned(),
            roles: lookup(&sources, &settings.roles_claim).map(roles).unwrap_or_default(),
        };
        Ok(JudgedToken { token, context })
    }
}

/// A token judged good, and by what.
#[derive(Clone)]
struct Known {
    judged: Arc<JudgedToken>,
    issuer: usize,
    /// The keys at hand when it was judged; `None` for an introspected one.
    keys: Option<KeySet>,
    until: UnixTime,
}

/// Judges bearer tokens of the configured issuers.
pub(crate) struct BearerVerifier {
    issuers: Vec<BearerIssuer>,
    tokens: Recent<Known>,
    /// Headers of tokens whose key was found nowhere, by issuer.
    unknown_keys: Recent<()>,
    /// Opaque tokens that the provider or our rules refused.
    refused: Recent<BearerRefused>,
    asking: SingleFlight<Digest, Judged>,
    asking_now: Arc<AtomicUsize>,
}

impl BearerVerifier {
    pub(crate) fn new(issuers: Vec<BearerIssuer>) -> Self {
        Self {
            issuers,
            tokens: Recent::new(MAX_TOKENS),
            unknown_keys: Recent::new(MAX_UNKNOWN_KEYS),
            refused: Recent::new(MAX_REFUSED),
            asking: SingleFlight::default(),
            asking_now: Arc::default(),
        }
    }

    /// The issuers whose tokens are accepted.
    pub(crate) fn issuers(&self) -> impl Iterator<Item = &str> {
        self.issuers.iter().map(|issuer| issuer.rules.issuer.as_str())
    }

    /// Judges a token; one known already, or whose issuer's keys are at hand, at once.
    ///
    /// # Security
    /// Every byte of the token is the caller's. It costs an outbound call only as the head of this module says.
    pub(crate) fn judge(self: &Arc<Self>, ports: &Ports, bearer: &BearerToken) -> Judging {
        let raw = bearer.secret();
        let digest = sha256(raw.expose().as_bytes());
        if let Some(judged) = self.known(ports, &digest) {
            return Judging::Ready(Ok(judged));
        }
        if !looks_like_jwt(raw.expose()) {
            return self.judge_opaque(ports, raw, digest);
        }
        let Some(named) = unverified_issuer(raw) else {
            return Judging::Ready(Err(BearerRefused::Invalid));
        };
        // Security: byte by byte, and nothing else: an issuer that is not configured causes no call.
        let Some(index) = self.issuers.iter().position(|issuer| issuer.rules.issuer == named) else {
            tracing::debug!("access token of an issuer that is not accepted");
            return Judging::Ready(Err(BearerRefused::Invalid));
        };
        self.judge_signed(ports, raw, digest, index)
    }

    fn known(&self, ports: &Ports, digest: &Digest) -> Option<Arc<JudgedToken>> {
        let known = self.tokens.get(digest, ports.clock.monotonic())?;
        let is_same_set = match &known.keys {
            None => true,
            Some(keys) => {
                let issuer = self.issuers.get(known.issuer)?;
                let at_hand = issuer.keys.at_hand(ports);
                at_hand.is_some_and(|at_hand| at_hand.is_same(keys))
            }
        };
        // What no longer counts is judged anew, which may find it as good as before.
        if !is_same_set || ports.clock.now() >= known.until {
            return None;
        }
        Some(known.judged)
    }

    fn judge_signed(self: &Arc<Self>, ports: &Ports, raw: &SecretString, digest: Digest, index: usize) -> Judging {
        let Some(issuer) = self.issuers.get(index) else {
            return Judging::Ready(Err(BearerRefused::Invalid));
        };
        if let Some(keys) = issuer.keys.at_hand(ports) {
            match issuer.judge(raw, &keys, ports.clock.now()) {
                Err(error) if error.is_unknown_key() && !self.key_is_unknown(ports, raw, index) => {}
                judged => return Judging::Ready(self.conclude(ports, digest, index, Some(keys), judged)),
            }
        }
        let (this, ports, raw) = (Arc::clone(self), ports.clone(), raw.clone());
        Judging::Wait(Box::pin(async move {
            let Some(issuer) = this.issuers.get(index) else {
                return Err(BearerRefused::Invalid);
            };
            let mut current = issuer.keys.current(&ports).await?;
            let mut judged = issuer.judge(&raw, &current.keys, ports.clock.now());
            if judged.as_ref().is_err_and(AccessTokenError::is_unknown_key) {
                if current.is_new {
                    // No set can be newer than the one that was just fetched.
                    issuer.provider().unknown_key_was_asked(&ports);
                } else {
                    current = issuer.keys.after_unknown(&ports).await?;
                    judged = issuer.judge(&raw, &current.keys, ports.clock.now());
                }
                // Keys that were not fetched anew say nothing of a key that may be newer than they are.
                if current.is_new && judged.as_ref().is_err_and(AccessTokenError::is_unknown_key) {
                    this.remember_unknown(&ports, &raw, index);
                }
            }
            let keys = current.keys;
            this.conclude(&ports, digest, index, Some(keys), judged)
        }))
    }

    /// Remembers a good token, and says what becomes of a bad one.
    fn conclude(
        &self,
        ports: &Ports,
        digest: Digest,
        issuer: usize,
        keys: Option<KeySet>,
        judged: Result<Arc<JudgedToken>, AccessTokenError>,
    ) -> Judged {
        let judged = judged.map_err(refusal)?;
        let leeway = self
            .issuers
            .get(issuer)
            .map(|issuer| issuer.rules.leeway)
            .unwrap_or_default();
        let known = Known {
            judged: Arc::clone(&judged),
            issuer,
            keys,
            until: judged.token.expires_at().saturating_add(leeway),
        };
        let until = ports.clock.monotonic().saturating_add(TOKEN_LIFETIME);
        self.tokens.put(digest, known, until);
        Ok(judged)
    }

    fn key_is_unknown(&self, ports: &Ports, raw: &SecretString, issuer: usize) -> bool {
        let header = header_digest(raw, issuer);
        self.unknown_keys.get(&header, ports.clock.monotonic()).is_some()
    }

    fn remember_unknown(&self, ports: &Ports, raw: &SecretString, issuer: usize) {
        let until = ports.clock.monotonic().saturating_add(UNKNOWN_KEY_LIFETIME);
        self.unknown_keys.put(header_digest(raw, issuer), (), until);
    }
}

/// The header as it stands names the key; whoever writes the same header asks for the same key.
fn header_digest(raw: &SecretString, issuer: usize) -> Digest {
    let header = raw.expose().split('.').next().unwrap_or_default();
    let mut text = issuer.to_be_bytes().to_vec();
    text.extend_from_slice(header.as_bytes());
    sha256(&text)
}

fn refusal(error: AccessTokenError) -> BearerRefused {
    tracing::debug!(
        reason = crate::login_failure::with_source(&error),
        "access token refused"
    );
    match error.is_expired() {
        true => BearerRefused::Expired,
        false => BearerRefused::Invalid,
    }
}
