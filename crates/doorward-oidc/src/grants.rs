//! Tokens for our own calls: client credentials (RFC 6749 §4.4) and token exchange (RFC 8693).
//!
//! Every value is form-encoded. A refresh token in the answer is not kept: the client can ask again at any time
//! (RFC 6749 §4.4.3).

use std::time::Duration;

use doorward_crypto::{Random, SecretString, parse_object};
use http::{HeaderMap, StatusCode};

use crate::client::{Client, ClientAuthentication};
use crate::error::{ExchangeError, TokenError, TokenFault};
use crate::exchange::{Form, OutboundRequest, has_media_type};
use crate::fields;
use crate::metadata::ProviderMetadata;
use crate::time::UnixTime;
use crate::token::{MAX_RESPONSE_BYTES, expires_in, failure, scope, token, token_request};

const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const MAX_TYPE_BYTES: usize = 256;

/// What a token is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TokenTarget {
    /// The scopes, space-separated; `None` leaves them to the provider.
    pub scope: Option<String>,
    /// Names of the services the token is for (RFC 8693 §2.1; many providers read it with client credentials, too).
    pub audience: Vec<String>,
    /// Addresses of the services the token is for (RFC 8707 §2).
    pub resource: Vec<String>,
}

impl TokenTarget {
    fn push_into(&self, form: &mut Form) {
        if let Some(scope) = &self.scope {
            form.push("scope", scope);
        }
        for audience in &self.audience {
            form.push("audience", audience);
        }
        for resource in &self.resource {
            form.push("resource", resource);
        }
    }
}

/// The kind of a token, by its URI (RFC 8693 §3).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenTypeUri {
    /// An access token.
    AccessToken,
    /// A refresh token.
    RefreshToken,
    /// An ID token.
    IdToken,
    /// Any JWT.
    Jwt,
    /// A kind of the provider's own.
    Other(String),
}

impl TokenTypeUri {
    /// Returns the URI.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::AccessToken => "urn:ietf:params:oauth:token-type:access_token",
            Self::RefreshToken => "urn:ietf:params:oauth:token-type:refresh_token",
            Self::IdToken => "urn:ietf:params:oauth:token-type:id_token",
            Self::Jwt => "urn:ietf:params:oauth:token-type:jwt",
            Self::Other(uri) => uri,
        }
    }

    fn from_uri(uri: &str) -> Self {
        let known = [Self::AccessToken, Self::RefreshToken, Self::IdToken, Self::Jwt];
        known
            .into_iter()
            .find(|kind| kind.as_str() == uri)
            .unwrap_or_else(|| Self::Other(uri.to_owned()))
    }
}

/// A token to exchange, and for what (RFC 8693 §2.1).
#[derive(Clone, Debug)]
pub struct TokenExchange<'a> {
    /// The token that says on whose behalf the new one is asked.
    pub subject_token: &'a SecretString,
    /// Its kind.
    pub subject_token_type: TokenTypeUri,
    /// The token that says who acts, and its kind; `None` where we act ourselves.
    pub actor: Option<(&'a SecretString, TokenTypeUri)>,
    /// The kind of token wanted; `None` leaves it to the provider.
    pub requested_token_type: Option<TokenTypeUri>,
    /// What it is wanted for.
    pub target: &'a TokenTarget,
}

/// Asks for a token of our own.
///
/// # Errors
/// [`ExchangeError::PublicClient`] for a client that does not authenticate (RFC 6749 §4.4); [`ExchangeError::Random`] and
/// [`ExchangeError::Signing`] from `private_key_jwt`.
pub fn client_credentials_request(
    target: &TokenTarget,
    metadata: &ProviderMetadata,
    client: &Client,
    now: UnixTime,
    random: &dyn Random,
) -> Result<OutboundRequest, ExchangeError> {
    if matches!(client.authentication, ClientAuthentication::None) {
        return Err(ExchangeError::PublicClient);
    }
    let mut form = Form::new();
    form.push("grant_type", "client_credentials");
    target.push_into(&mut form);
    token_request(form, metadata, client, now, random)
}

/// Exchanges a token for another one.
///
/// # Errors
/// [`ExchangeError::PublicClient`] for a client that does not authenticate: whoever got hold of a token could trade it
/// (RFC 8693 §5); [`ExchangeError::Random`] and [`ExchangeError::Signing`] from `private_key_jwt`.
pub fn token_exchange_request(
    exchange: &TokenExchange<'_>,
    metadata: &ProviderMetadata,
    client: &Client,
    now: UnixTime,
    random: &dyn Random,
) -> Result<OutboundRequest, ExchangeError> {
    if matches!(client.authentication, ClientAuthentication::None) {
        return Err(ExchangeError::PublicClient);
    }
    let mut form = Form::new();
    form.push("grant_type", TOKEN_EXCHANGE);
    form.push("subject_token", exchange.subject_token.expose());
    form.push("subject_token_type", exchange.subject_token_type.as_str());
    if let Some((token, kind)) = &exchange.actor {
        form.push("actor_token", token.expose());
        form.push("actor_token_type", kind.as_str());
    }
    if let Some(kind) = &exchange.requested_token_type {
        form.push("requested_token_type", kind.as_str());
    }
    exchange.target.push_into(&mut form);
    token_request(form, metadata, client, now, random)
}

/// How a token is to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceTokenType {
    /// In an `Authorization: Bearer` header.
    Bearer,
    /// Not as an access token: an exchange gave another kind (RFC 8693 §2.2.1, `N_A`).
    NotApplicable,
}

/// A token for our own calls.
#[derive(Clone, Debug)]
pub struct ServiceToken {
    /// The token: 1 to 16,384 printable ASCII characters without spaces, fit for a header.
    pub token: SecretString,
    /// How it is to be used.
    pub token_type: ServiceTokenType,
    /// How long it lives; absent if the provider does not say.
    pub expires_in: Option<Duration>,
    /// The scope granted; absent means as requested.
    pub scope: Option<String>,
    /// What an exchange gave; absent in the answer to client credentials.
    pub issued_token_type: Option<TokenTypeUri>,
}

impl ServiceToken {
    /// Judges a token endpoint's answer.
    ///
    /// The rules are those of [`TokenResponse::parse`](crate::TokenResponse::parse), and `token_type` may be `N_A` where
    /// `issued_token_type` names another kind than an access token.
    ///
    /// # Errors
    /// [`TokenError`], as for every token request; [`TokenError::InvalidGrant`] for a subject token that is not accepted.
    pub fn parse(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<Self, TokenError> {
        if status != StatusCode::OK {
            return Err(failure(status, headers, body));
        }
        success(headers, body).map_err(TokenError::Invalid)
    }
}

fn success(headers: &HeaderMap, body: &[u8]) -> Result<ServiceToken, TokenFault> {
    if !has_media_type(headers, &["application/json"]) {
        return Err(TokenFault::ContentType);
    }
    let members = parse_object(body, MAX_RESPONSE_BYTES).map_err(TokenFault::Json)?;
    if members.contains_key("error") {
        return Err(TokenFault::ErrorInSuccess);
    }
    let issued_token_type = match fields::string(&members, "issued_token_type")? {
        Some(uri) if uri.len() > MAX_TYPE_BYTES => return Err(TokenFault::TooLong("issued_token_type")),
        uri => uri.map(TokenTypeUri::from_uri),
    };
    let token_type = fields::string(&members, "token_type")?.ok_or(TokenFault::Missing("token_type"))?;
    let is_other_kind = !matches!(&issued_token_type, None | Some(TokenTypeUri::AccessToken));
    let token_type = match token_type {
        _ if token_type.eq_ignore_ascii_case("Bearer") => ServiceTokenType::Bearer,
        _ if token_type.eq_ignore_ascii_case("N_A") && is_other_kind => ServiceTokenType::NotApplicable,
        _ => return Err(TokenFault::TokenType),
    };
    Ok(ServiceToken {
        token: token(&members, "access_token")?.ok_or(TokenFault::Missing("access_token"))?,
        token_type,
        expires_in: expires_in(&members)?,
        scope: scope(&members)?,
        issued_token_type,
    })
}
