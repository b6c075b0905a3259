//! What an access token is judged by.

use std::time::Duration;

use doorward_crypto::Algorithm;
use thiserror::Error;

use crate::id_token::SKEW;

/// What the access tokens of one issuer must show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessTokenRules {
    /// The issuer, compared byte by byte.
    pub issuer: String,
    /// For whom the tokens must be.
    pub audience: AudienceRule,
    /// The algorithms pinned for this issuer; all that we know unless set, and an empty list accepts nothing.
    pub algorithms: Vec<Algorithm>,
    /// How the header must name the kind of token.
    pub token_type: AccessTokenType,
    /// How far the issuer's clock and ours may differ; 60 seconds unless set.
    pub leeway: Duration,
    /// The clients whose tokens are accepted; empty means any.
    pub clients: Vec<String>,
    /// The kinds of subject accepted; empty means any.
    pub subject_kinds: Vec<SubjectKind>,
}

impl AccessTokenRules {
    /// Asks for what RFC 9068 §4 asks for: this issuer, one of these audiences, `at+jwt`.
    ///
    /// # Example
    /// ```
    /// use doorward_oidc::{AccessTokenRules, AudienceRule};
    ///
    /// let audience = AudienceRule::any_of(["https://api.example.com"]).unwrap();
    /// let rules = AccessTokenRules::new("https://id.example.com", audience);
    /// assert_eq!(rules.leeway.as_secs(), 60);
    /// assert!(AudienceRule::any_of(Vec::<String>::new()).is_err());
    /// ```
    #[must_use]
    pub fn new(issuer: impl Into<String>, audience: AudienceRule) -> Self {
        Self {
            issuer: issuer.into(),
            audience,
            algorithms: Algorithm::ALL.to_vec(),
            token_type: AccessTokenType::default(),
            leeway: SKEW,
            clients: Vec::new(),
            subject_kinds: Vec::new(),
        }
    }
}

/// For whom a token must be (RFC 9068 §4, RFC 7519 §4.1.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AudienceRule {
    /// `aud` holds one of these.
    AnyOf(Audiences),
    /// The provider issues tokens without `aud`, as Wristband does.
    ///
    /// # Security
    /// Any token of the issuer is then good here, for whichever of its services it was meant; restrict clients, scopes or
    /// tenants instead. A token that does have an `aud` was meant for somebody, and nothing says that it is us: refused.
    NoAudience,
}

impl AudienceRule {
    /// Accepts tokens for any of these audiences.
    ///
    /// # Errors
    /// [`EmptyAudiences`] without one, or with an empty name.
    pub fn any_of<A: Into<String>>(audiences: impl IntoIterator<Item = A>) -> Result<Self, EmptyAudiences> {
        let audiences: Vec<String> = audiences.into_iter().map(Into::into).collect();
        if audiences.is_empty() || audiences.iter().any(String::is_empty) {
            return Err(EmptyAudiences);
        }
        Ok(Self::AnyOf(Audiences(audiences)))
    }
}

/// Names of ours, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audiences(Vec<String>);

impl Audiences {
    /// Returns the names.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

/// A list of audiences that is empty, or names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("expected at least one audience and none of them empty")]
pub struct EmptyAudiences;

/// How a token's header must name its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum AccessTokenType {
    /// `at+jwt` or `application/at+jwt`, in any letter case (RFC 9068 §4).
    #[default]
    AtJwt,
    /// Also `JWT` or nothing, for providers older than RFC 9068.
    ///
    /// # Security
    /// The header then no longer tells an access token from an ID token of the same issuer, so the claims have to: whatever
    /// has `nonce`, `at_hash`, `c_hash`, `s_hash` or `events`, or says in `typ`, `token_use` or `token_type` that it is
    /// something else, is refused, and `client_id`, `azp`, `scope` or `scp` must be there.
    AlsoJwt,
}

/// Who a token speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SubjectKind {
    /// A person.
    User,
    /// A client for itself, without a person.
    Client,
    /// The provider names a kind that we do not know.
    Other,
}

impl SubjectKind {
    /// Returns the name in configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Client => "client",
            Self::Other => "other",
        }
    }

    pub(crate) fn from_claim(text: &str) -> Self {
        match text {
            _ if text.eq_ignore_ascii_case("user") => Self::User,
            _ if text.eq_ignore_ascii_case("client") => Self::Client,
            // Security: a kind that we do not know is not taken for a person.
            _ => Self::Other,
        }
    }
}
