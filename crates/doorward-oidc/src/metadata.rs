//! A provider's metadata (OpenID Connect Discovery §3 and §4.3, RFC 8414).
//!
//! The rules, in the order applied: status 200; `application/json`; one strict JSON object of at most 256 KB; `issuer`
//! byte-equal to the configured one; `authorization_endpoint`, `token_endpoint` and `jwks_uri` present; every endpoint as
//! [`Endpoint`] demands; lists are lists of strings; at least one signing algorithm we accept.
//!
//! `code_challenge_methods_supported` without `S256` is no reason to refuse: S256 is sent in any case, so that a provider that
//! hides its support gains nothing, and one that has none ignores it.

use doorward_crypto::{Algorithm, parse_object};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use crate::endpoint::Endpoint;
use crate::error::MetadataError;
use crate::exchange::has_media_type;
use crate::fields;
use crate::issuer::Issuer;

/// The most bytes a provider's metadata may have.
pub const MAX_METADATA_BYTES: usize = 256 * 1024;

/// A provider's metadata that has passed every rule of this module.
#[derive(Clone, Debug)]
pub struct ProviderMetadata {
    issuer: Issuer,
    authorization_endpoint: Endpoint,
    token_endpoint: Endpoint,
    jwks_uri: Endpoint,
    userinfo_endpoint: Option<Endpoint>,
    revocation_endpoint: Option<Endpoint>,
    introspection_endpoint: Option<Endpoint>,
    end_session_endpoint: Option<Endpoint>,
    scopes_supported: Option<Vec<String>>,
    id_token_algorithms: Vec<Algorithm>,
    code_challenge_methods_supported: Option<Vec<String>>,
    response_modes_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    authorization_response_iss_parameter_supported: bool,
    backchannel_logout_supported: bool,
    backchannel_logout_session_supported: bool,
    frontchannel_logout_supported: bool,
    frontchannel_logout_session_supported: bool,
}

/// What a provider's metadata consists of, where it is known without asking the provider.
///
/// The fields are those of [`ProviderMetadata`], whose accessors say what each is for.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "each field is the metadata member of the same name")]
pub struct MetadataParts {
    pub issuer: Issuer,
    pub authorization_endpoint: Endpoint,
    pub token_endpoint: Endpoint,
    pub jwks_uri: Endpoint,
    pub userinfo_endpoint: Option<Endpoint>,
    pub revocation_endpoint: Option<Endpoint>,
    pub introspection_endpoint: Option<Endpoint>,
    pub end_session_endpoint: Option<Endpoint>,
    pub scopes_supported: Option<Vec<String>>,
    pub id_token_algorithms: Vec<Algorithm>,
    pub code_challenge_methods_supported: Option<Vec<String>>,
    pub response_modes_supported: Option<Vec<String>>,
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    pub authorization_response_iss_parameter_supported: bool,
    pub backchannel_logout_supported: bool,
    pub backchannel_logout_session_supported: bool,
    pub frontchannel_logout_supported: bool,
    pub frontchannel_logout_session_supported: bool,
}

impl ProviderMetadata {
    /// Puts metadata together from parts, for a provider whose endpoints follow from its name.
    ///
    /// # Security
    /// Nothing is judged but what the parts are by their types: that they belong together is the caller's word. What a provider
    /// says of itself goes through [`parse`](Self::parse).
    #[must_use]
    pub fn of(parts: MetadataParts) -> Self {
        Self {
            issuer: parts.issuer,
            authorization_endpoint: parts.authorization_endpoint,
            token_endpoint: parts.token_endpoint,
            jwks_uri: parts.jwks_uri,
            userinfo_endpoint: parts.userinfo_endpoint,
            revocation_endpoint: parts.revocation_endpoint,
            introspection_endpoint: parts.introspection_endpoint,
            end_session_endpoint: parts.end_session_endpoint,
            scopes_supported: parts.scopes_supported,
            id_token_algorithms: parts.id_token_algorithms,
            code_challenge_methods_supported: parts.code_challenge_methods_supported,
            response_modes_supported: parts.response_modes_supported,
            token_endpoint_auth_methods_supported: parts.token_endpoint_auth_methods_supported,
            authorization_response_iss_parameter_supported: parts.authorization_response_iss_parameter_supported,
            backchannel_logout_supported: parts.backchannel_logout_supported,
            backchannel_logout_session_supported: parts.backchannel_logout_session_supported,
            frontchannel_logout_supported: parts.frontchannel_logout_supported,
            frontchannel_logout_session_supported: parts.frontchannel_logout_session_supported,
        }
    }

    /// Judges the answer to a [`discovery_request`](crate::discovery_request).
    ///
    /// # Errors
    /// One variant of [`MetadataError`] per rule.
    ///
    /// # Security
    /// All of it comes from the provider. What passes decides where the browser, the code, the tokens and the client's
    /// credentials go.
    pub fn parse(status: StatusCode, headers: &HeaderMap, body: &[u8], issuer: &Issuer) -> Result<Self, MetadataError> {
        if status != StatusCode::OK {
            return Err(MetadataError::Status(status.as_u16()));
        }
        if !has_media_type(headers, &["application/json"]) {
            return Err(MetadataError::ContentType);
        }
        let members = parse_object(body, MAX_METADATA_BYTES).map_err(MetadataError::Json)?;
        let named = fields::string(&members, "issuer")?.ok_or(MetadataError::Missing("issuer"))?;
        // Security: byte by byte (Discovery §4.3); a provider that could name another issuer could speak for it.
        if named != issuer.as_str() {
            let met = named.chars().take(200).collect();
            return Err(MetadataError::IssuerMismatch {
                met,
                expected: issuer.as_str().to_owned(),
            });
        }
        let optional = |name| endpoint(&members, name, issuer);
        let boolean = |name| fields::boolean(&members, name);
        let required = |name| optional(name)?.ok_or(MetadataError::Missing(name));
        Ok(Self {
            issuer: issuer.clone(),
            authorization_endpoint: required("authorization_endpoint")?,
            token_endpoint: required("token_endpoint")?,
            jwks_uri: required("jwks_uri")?,
            userinfo_endpoint: optional("userinfo_endpoint")?,
            revocation_endpoint: optional("revocation_endpoint")?,
            introspection_endpoint: optional("introspection_endpoint")?,
            end_session_endpoint: optional("end_session_endpoint")?,
            scopes_supported: fields::strings(&members, "scopes_supported")?,
            id_token_algorithms: id_token_algorithms(&members)?,
            code_challenge_methods_supported: fields::strings(&members, "code_challenge_methods_supported")?,
            response_modes_supported: fields::strings(&members, "response_modes_supported")?,
            token_endpoint_auth_methods_supported: fields::strings(&members, "token_endpoint_auth_methods_supported")?,
            authorization_response_iss_parameter_supported: boolean("authorization_response_iss_parameter_supported")?,
            backchannel_logout_supported: boolean("backchannel_logout_supported")?,
            backchannel_logout_session_supported: boolean("backchannel_logout_session_supported")?,
            frontchannel_logout_supported: boolean("frontchannel_logout_supported")?,
            frontchannel_logout_session_supported: boolean("frontchannel_logout_session_supported")?,
        })
    }

    /// Returns the issuer, equal to the configured one.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Returns where the browser goes to sign in.
    #[must_use]
    pub fn authorization_endpoint(&self) -> &Endpoint {
        &self.authorization_endpoint
    }

    /// Returns where codes and refresh tokens are exchanged.
    #[must_use]
    pub fn token_endpoint(&self) -> &Endpoint {
        &self.token_endpoint
    }

    /// Returns where the signing keys are.
    #[must_use]
    pub fn jwks_uri(&self) -> &Endpoint {
        &self.jwks_uri
    }

    /// Returns where further claims about the user are.
    #[must_use]
    pub fn userinfo_endpoint(&self) -> Option<&Endpoint> {
        self.userinfo_endpoint.as_ref()
    }

    /// Returns where tokens are revoked (RFC 7009).
    #[must_use]
    pub fn revocation_endpoint(&self) -> Option<&Endpoint> {
        self.revocation_endpoint.as_ref()
    }

    /// Returns where tokens are introspected (RFC 7662).
    #[must_use]
    pub fn introspection_endpoint(&self) -> Option<&Endpoint> {
        self.introspection_endpoint.as_ref()
    }

    /// Returns where the browser goes to sign out at the provider.
    #[must_use]
    pub fn end_session_endpoint(&self) -> Option<&Endpoint> {
        self.end_session_endpoint.as_ref()
    }

    /// Returns the scopes the provider lists, if it lists any.
    #[must_use]
    pub fn scopes_supported(&self) -> Option<&[String]> {
        self.scopes_supported.as_deref()
    }

    /// Returns the algorithms to pin for ID tokens: those the provider lists and we accept; RS256 where it lists none.
    #[must_use]
    pub fn id_token_algorithms(&self) -> &[Algorithm] {
        &self.id_token_algorithms
    }

    /// Returns the PKCE methods the provider lists, if it lists any.
    #[must_use]
    pub fn code_challenge_methods_supported(&self) -> Option<&[String]> {
        self.code_challenge_methods_supported.as_deref()
    }

    /// Returns the response modes the provider lists, if it lists any.
    #[must_use]
    pub fn response_modes_supported(&self) -> Option<&[String]> {
        self.response_modes_supported.as_deref()
    }

    /// Returns the client authentication methods the provider lists, if it lists any.
    #[must_use]
    pub fn token_endpoint_auth_methods_supported(&self) -> Option<&[String]> {
        self.token_endpoint_auth_methods_supported.as_deref()
    }

    /// Tells whether every authorization response will carry `iss` (RFC 9207 §3).
    #[must_use]
    pub fn authorization_response_iss_parameter_supported(&self) -> bool {
        self.authorization_response_iss_parameter_supported
    }

    /// Tells whether the provider says that it sends logout tokens (Back-Channel Logout §2.1).
    #[must_use]
    pub fn backchannel_logout_supported(&self) -> bool {
        self.backchannel_logout_supported
    }

    /// Tells whether its logout tokens, and the ID tokens before them, can name the session by `sid`.
    #[must_use]
    pub fn backchannel_logout_session_supported(&self) -> bool {
        self.backchannel_logout_session_supported
    }

    /// Tells whether the provider says that it frames applications at logout (Front-Channel Logout §3).
    #[must_use]
    pub fn frontchannel_logout_supported(&self) -> bool {
        self.frontchannel_logout_supported
    }

    /// Tells whether it then passes `iss` and `sid`, without which such a call names no session.
    #[must_use]
    pub fn frontchannel_logout_session_supported(&self) -> bool {
        self.frontchannel_logout_session_supported
    }
}

fn endpoint(
    members: &Map<String, Value>,
    name: &'static str,
    issuer: &Issuer,
) -> Result<Option<Endpoint>, MetadataError> {
    let Some(text) = fields::string(members, name)? else {
        return Ok(None);
    };
    let endpoint = Endpoint::parse(text, issuer).map_err(|reason| MetadataError::Endpoint { name, reason })?;
    Ok(Some(endpoint))
}

fn id_token_algorithms(members: &Map<String, Value>) -> Result<Vec<Algorithm>, MetadataError> {
    // Required by Discovery §3, but left out by some; RS256 is what a client that registers nothing gets (Registration §2).
    let Some(names) = fields::strings(members, "id_token_signing_alg_values_supported")? else {
        return Ok(vec![Algorithm::Rs256]);
    };
    let algorithms: Vec<_> = names.iter().filter_map(|name| Algorithm::from_name(name)).collect();
    if algorithms.is_empty() {
        Err(MetadataError::NoUsableAlgorithm)
    } else {
        Ok(algorithms)
    }
}
