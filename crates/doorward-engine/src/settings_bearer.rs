//! What an application says about the access tokens it accepts.

use std::sync::Arc;
use std::time::Duration;

use doorward_crypto::Algorithm;
use doorward_oidc::{
    AccessTokenRules, AccessTokenType, AudienceRule, AuthorizeSettings, Client, ClientAuthentication, HttpIssuer,
    Issuer, SubjectKind,
};

use crate::bearer::{BearerIssuer, BearerVerifier};
use crate::client::OwnClient;
use crate::error::BuildError;
use crate::provider::ProviderState;
use crate::settings::ProviderSettings;

const MAX_LEEWAY: Duration = Duration::from_secs(300);

/// Which access tokens are accepted on routes that take a bearer token (RFC 6750, RFC 9068).
///
/// # Example
/// ```
/// use doorward_engine::BearerTokens;
///
/// let bearer = BearerTokens::new().audience("https://api.example.com").clients(["spa", "worker"]);
/// ```
#[derive(Clone, Debug)]
pub struct BearerTokens {
    audiences: Vec<String>,
    no_audience: bool,
    algorithms: Vec<Algorithm>,
    issuer_algorithms: Vec<(String, Vec<Algorithm>)>,
    also_typ_jwt: bool,
    leeway: Duration,
    clients: Vec<String>,
    subject_kinds: Vec<SubjectKind>,
    introspection: bool,
    issuers: Vec<String>,
}

impl Default for BearerTokens {
    fn default() -> Self {
        Self::new()
    }
}

impl BearerTokens {
    /// Accepts `at+jwt` tokens of the configured providers; an audience has to be named.
    #[must_use]
    pub fn new() -> Self {
        Self {
            audiences: Vec::new(),
            no_audience: false,
            algorithms: Algorithm::ALL.to_vec(),
            issuer_algorithms: Vec::new(),
            also_typ_jwt: false,
            leeway: Duration::from_secs(60),
            clients: Vec::new(),
            subject_kinds: Vec::new(),
            introspection: false,
            issuers: Vec::new(),
        }
    }

    /// Adds a name under which tokens may be addressed to us; one of them has to be in `aud`.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Says that the providers issue tokens without `aud`, as Wristband does; a token that has one is refused then.
    ///
    /// # Security
    /// Every token of these providers is then good here, for whichever service it was meant: restrict
    /// [`clients`](Self::clients), scopes or tenants.
    #[must_use]
    pub fn no_audience(mut self) -> Self {
        self.no_audience = true;
        self
    }

    /// Pins the algorithms tokens may be signed with; all five we know unless set.
    #[must_use]
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = algorithms.into_iter().collect();
        self
    }

    /// Pins the algorithms of one issuer's tokens, in place of those for all.
    #[must_use]
    pub fn issuer_algorithms(
        mut self,
        issuer: impl Into<String>,
        algorithms: impl IntoIterator<Item = Algorithm>,
    ) -> Self {
        self.issuer_algorithms
            .push((issuer.into(), algorithms.into_iter().collect()));
        self
    }

    /// Accepts also tokens whose header says `JWT`, or nothing, for providers older than RFC 9068; off unless set.
    ///
    /// # Security
    /// Header and signature then no longer tell an access token from an ID token; claims have to. See
    /// [`AccessTokenType::AlsoJwt`].
    #[must_use]
    pub fn also_typ_jwt(mut self) -> Self {
        self.also_typ_jwt = true;
        self
    }

    /// Says how far the providers' clocks and ours may differ; 60 seconds unless set, at most five minutes.
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Accepts tokens of these clients only; of any client unless set.
    #[must_use]
    pub fn clients<C: Into<String>>(mut self, clients: impl IntoIterator<Item = C>) -> Self {
        self.clients.extend(clients.into_iter().map(Into::into));
        self
    }

    /// Accepts tokens of this kind of subject as well; of any kind unless set.
    #[must_use]
    pub fn subject_kind(mut self, kind: SubjectKind) -> Self {
        self.subject_kinds.push(kind);
        self
    }

    /// Asks the provider about tokens that are no JWTs (RFC 7662); off unless set.
    ///
    /// An answer is believed for thirty seconds, so that a token revoked at the provider is refused within that time. Needs a
    /// client that authenticates, and exactly one provider: a token is shown to nobody who did not issue it.
    #[must_use]
    pub fn introspection(mut self) -> Self {
        self.introspection = true;
        self
    }

    /// Accepts tokens of these issuers beside the configured providers', by the same rules.
    #[must_use]
    pub fn issuers<I: Into<String>>(mut self, issuers: impl IntoIterator<Item = I>) -> Self {
        self.issuers.extend(issuers.into_iter().map(Into::into));
        self
    }

    /// Checks the settings against the providers there are.
    pub(crate) fn checked(self, providers: &[Arc<ProviderState>]) -> Result<BearerVerifier, BuildError> {
        let audience = self.audience_rule()?;
        if self.leeway > MAX_LEEWAY {
            return Err(BuildError::text(
                "bearer.leeway",
                format!(
                    "expected at most {} s, found {} s",
                    MAX_LEEWAY.as_secs(),
                    self.leeway.as_secs()
                ),
            ));
        }
        if self.introspection {
            check_introspection(providers)?;
        }
        let mut states = providers.to_vec();
        for issuer in &self.issuers {
            states.push(Arc::new(ProviderState::new(further(issuer, providers)?)?));
        }
        let known = |name: &String| states.iter().any(|state| state.settings.issuer.as_str() == name);
        if let Some((stranger, _)) = self.issuer_algorithms.iter().find(|(issuer, _)| !known(issuer)) {
            return Err(BuildError::text(
                "bearer.issuer_algorithms",
                format!("expected an issuer that is accepted, found {stranger:?}"),
            ));
        }
        let mut issuers: Vec<BearerIssuer> = Vec::new();
        for (index, state) in states.into_iter().enumerate() {
            let name = state.settings.issuer.as_str().to_owned();
            // Two clients at one issuer are one issuer of tokens.
            if issuers.iter().any(|known| known.rules.issuer == name) {
                continue;
            }
            let rules = self.rules(name, audience.clone())?;
            let asks = self.introspection && index < providers.len();
            issuers.push(BearerIssuer::new(state, rules, asks));
        }
        Ok(BearerVerifier::new(issuers))
    }

    fn audience_rule(&self) -> Result<AudienceRule, BuildError> {
        match (self.no_audience, self.audiences.is_empty()) {
            (true, true) => Ok(AudienceRule::NoAudience),
            (false, true) => Err(BuildError::text(
                "bearer.audience",
                "expected the name under which tokens are addressed to this service, found none; \
                 no_audience accepts a provider that issues tokens without one",
            )),
            (true, false) => Err(BuildError::text(
                "bearer.no_audience",
                "expected either audiences or no_audience, found both",
            )),
            (false, false) => AudienceRule::any_of(self.audiences.iter().cloned())
                .map_err(|error| BuildError::setting("bearer.audience", error)),
        }
    }

    fn rules(&self, issuer: String, audience: AudienceRule) -> Result<AccessTokenRules, BuildError> {
        let own = self.issuer_algorithms.iter().rev().find(|(name, _)| *name == issuer);
        let algorithms = own.map_or(&self.algorithms, |(_, algorithms)| algorithms).clone();
        if algorithms.is_empty() {
            return Err(BuildError::text(
                "bearer.algorithms",
                "expected at least one algorithm, found none",
            ));
        }
        Ok(AccessTokenRules {
            algorithms,
            token_type: match self.also_typ_jwt {
                true => AccessTokenType::AlsoJwt,
                false => AccessTokenType::AtJwt,
            },
            leeway: self.leeway,
            clients: self.clients.clone(),
            subject_kinds: self.subject_kinds.clone(),
            ..AccessTokenRules::new(issuer, audience)
        })
    }
}

fn check_introspection(providers: &[Arc<ProviderState>]) -> Result<(), BuildError> {
    let [provider] = providers else {
        return Err(BuildError::text(
            "bearer.introspection",
            format!("expected exactly one provider to ask, found {}", providers.len()),
        ));
    };
    if matches!(
        provider.settings.client.now().authentication,
        ClientAuthentication::None
    ) {
        return Err(BuildError::text(
            "bearer.introspection",
            "expected a client with a secret or a key, found one that does not authenticate",
        ));
    }
    Ok(())
}

/// An issuer that is no provider of sessions: nothing but its keys is ever asked of it.
fn further(issuer: &str, providers: &[Arc<ProviderState>]) -> Result<ProviderSettings, BuildError> {
    let issuer = Issuer::parse(issuer, HttpIssuer::LoopbackOnly)
        .map_err(|error| BuildError::setting("bearer.issuers", error))?;
    let claim = |of: fn(&ProviderSettings) -> &String, otherwise: &str| {
        providers
            .first()
            .map_or_else(|| otherwise.to_owned(), |provider| of(&provider.settings).clone())
    };
    Ok(ProviderSettings {
        issuer,
        client: OwnClient::new(Client {
            client_id: String::new(),
            authentication: ClientAuthentication::None,
        }),
        authorize: AuthorizeSettings::default(),
        roles_claim: claim(|settings| &settings.roles_claim, "roles"),
        tenant_claim: claim(|settings| &settings.tenant_claim, "tenant"),
        algorithms: Algorithm::ALL.to_vec(),
        refresh_ahead: Duration::ZERO,
        platform: None,
    })
}
