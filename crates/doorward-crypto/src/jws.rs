//! Verifying signed tokens: JWS compact serialization (RFC 7515), read as RFC 8725 asks.
//!
//! Rules, in the order applied: size; three segments; strict base64url; a strict JSON header of at
//! most 4 KB; `crit`, `b64`, `zip` and `enc` absent; `alg` in the caller's list; `typ` and `cty` as
//! the caller wants them; a key found by `kid`, `kty`, `crv`, `alg` and `use`; the signature; only
//! then the payload, as strict JSON. `jku`, `jwk`, `x5u` and `x5c` are never used: a token does not
//! bring its own key.

use serde_json::{Map, Value};

use crate::algorithm::Algorithm;
use crate::encoding::base64url_decode;
use crate::json::{JsonError, parse_object};
use crate::jwk::{KeySet, MAX_KID_CHARS};
use crate::signature::verify_signature;

const MAX_TOKEN: usize = 16 * 1024;
const MAX_HEADER: usize = 4 * 1024;
/// How many keys are tried where several fit.
const MAX_TRIES: usize = 8;

/// What a caller accepts.
#[derive(Debug, Clone, Copy)]
pub struct JwsPolicy<'a> {
    /// The algorithms accepted, pinned by configuration.
    pub algorithms: &'a [Algorithm],
    /// Values of `typ` refused, without `application/`, in any letter case.
    pub refused_types: &'a [&'a str],
    /// The value `typ` must have, without `application/`, in any letter case.
    pub required_type: Option<&'a str>,
}

/// Why a token was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwsError {
    /// It has more than 16 KB.
    #[error("token is larger than 16 KB")]
    TooLarge,
    /// It is not a compact JWS.
    #[error("token is malformed: {0}")]
    Malformed(&'static str),
    /// Its header asks for something we refuse.
    #[error("token header is refused: {0}")]
    HeaderRefused(&'static str),
    /// Its `alg` is not in the list.
    #[error("token is signed with an algorithm that is not accepted")]
    AlgorithmRefused,
    /// Its `typ` or `cty` is of another kind of token.
    #[error("token is of a type that is not accepted")]
    TypeRefused,
    /// No key of the set fits; a fresh set may have it.
    #[error("no key of the key set fits the token")]
    UnknownKey,
    /// No fitting key made this signature.
    #[error("token signature is invalid")]
    SignatureInvalid,
    /// The signature holds, the payload is not a strict JSON object.
    #[error("token payload is not a strict json object")]
    PayloadInvalid(#[source] JsonError),
}

/// The payload of a token whose signature was verified. Only [`verify`] makes it.
///
/// # Security
/// Says who signed, not what it means: issuer, audience and time are the caller's to check.
/// `Debug` prints no claim.
pub struct VerifiedPayload {
    algorithm: Algorithm,
    kid: Option<String>,
    typ: Option<String>,
    claims: Map<String, Value>,
}

impl VerifiedPayload {
    /// The algorithm it was signed with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key id its header names.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The type its header names, as written.
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// The claims.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// The claims, by value.
    pub fn into_claims(self) -> Map<String, Value> {
        self.claims
    }
}

impl core::fmt::Debug for VerifiedPayload {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter
            .debug_struct("VerifiedPayload")
            .field("algorithm", &self.algorithm)
            .field("kid", &self.kid)
            .field("typ", &self.typ)
            .finish_non_exhaustive()
    }
}

/// Verifies a compact JWS and gives its payload.
///
/// # Errors
/// [`JwsError`], each variant as it says. [`JwsError::UnknownKey`] is the only one that a fresh key
/// set may cure.
///
/// # Security
/// Every byte of `token` may be an attacker's. `keys` must be the keys of the issuer the caller
/// expects, fetched from that issuer.
///
/// # Example
/// ```
/// use doorward_crypto::{Algorithm, JwsPolicy, KeySet, SigningKey, verify};
/// use serde_json::json;
///
/// let key = SigningKey::generate(Algorithm::Es256).unwrap();
/// let keys = KeySet::parse(json!({ "keys": [key.public_jwk()] }).to_string().as_bytes()).unwrap();
/// let token = key.sign("JWT", &json!({ "sub": "alice" })).unwrap();
/// let policy =
///     JwsPolicy { algorithms: &[Algorithm::Es256], refused_types: &[], required_type: None };
/// assert_eq!(verify(&token, &keys, &policy).unwrap().claims()["sub"], "alice");
/// ```
pub fn verify(token: &str, keys: &KeySet, policy: &JwsPolicy<'_>) -> Result<VerifiedPayload, JwsError> {
    if token.len() > MAX_TOKEN {
        return Err(JwsError::TooLarge);
    }
    let segments = Segments::split(token)?;
    let header = Header::parse(segments.header, policy)?;
    let signature = decode(segments.signature, "signature is not base64url")?;

    let mut candidates = keys.candidates(header.algorithm, header.kid.as_deref()).peekable();
    if candidates.peek().is_none() {
        return Err(JwsError::UnknownKey);
    }
    let message = segments.message.as_bytes();
    // Without a kid several keys may fit; which of them signed is then found by trying.
    let signed = candidates
        .take(MAX_TRIES)
        .any(|key| verify_signature(header.algorithm, &key.public, message, &signature));
    if !signed {
        return Err(JwsError::SignatureInvalid);
    }

    // Security: nothing of the payload is decoded before this line.
    let payload = decode(segments.payload, "payload is not base64url")?;
    let claims = parse_object(&payload, MAX_TOKEN).map_err(JwsError::PayloadInvalid)?;
    Ok(VerifiedPayload {
        algorithm: header.algorithm,
        kid: header.kid,
        typ: header.typ,
        claims,
    })
}

struct Segments<'a> {
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
    /// Header and payload with the dot between them: what was signed.
    message: &'a str,
}

impl<'a> Segments<'a> {
    fn split(token: &'a str) -> Result<Self, JwsError> {
        let malformed = JwsError::Malformed("expected three segments");
        let Some((message, signature)) = token.rsplit_once('.') else {
            return Err(malformed);
        };
        let Some((header, payload)) = message.split_once('.') else {
            return Err(malformed);
        };
        // Five segments are an encrypted token (RFC 7516), of which nothing is read.
        if payload.contains('.') {
            return Err(malformed);
        }
        if header.is_empty() || signature.is_empty() {
            return Err(JwsError::Malformed("a segment is empty"));
        }
        Ok(Self {
            header,
            payload,
            signature,
            message,
        })
    }
}

struct Header {
    algorithm: Algorithm,
    kid: Option<String>,
    typ: Option<String>,
}

impl Header {
    fn parse(segment: &str, policy: &JwsPolicy<'_>) -> Result<Self, JwsError> {
        let bytes = decode(segment, "header is not base64url")?;
        let mut header = parse_object(&bytes, MAX_HEADER).map_err(|error| match error {
            JsonError::TooLarge => JwsError::Malformed("header is larger than 4 KB"),
            _ => JwsError::Malformed("header is not a strict json object"),
        })?;
        // RFC 7515 §4.1.11: an extension we do not know and must understand; we know none. b64
        // (RFC 7797), zip and enc (RFC 7516) would change what the payload is.
        for (member, reason) in [
            ("crit", "\"crit\" is present"),
            ("b64", "\"b64\" is present"),
            ("zip", "\"zip\" is present"),
            ("enc", "\"enc\" is present"),
        ] {
            if header.contains_key(member) {
                return Err(JwsError::HeaderRefused(reason));
            }
        }
        let name = string(&mut header, "alg", "\"alg\" is not a string")?
            .ok_or(JwsError::HeaderRefused("\"alg\" is absent"))?;
        let algorithm = Algorithm::from_name(&name)
            .filter(|algorithm| policy.algorithms.contains(algorithm))
            .ok_or(JwsError::AlgorithmRefused)?;

        let typ = string(&mut header, "typ", "\"typ\" is not a string")?;
        check_type(typ.as_deref(), policy)?;
        // RFC 7519 §5.2: a token inside a token; nothing here looks inside.
        let content = string(&mut header, "cty", "\"cty\" is not a string")?;
        if content.is_some_and(|content| is_type(&content, "JWT")) {
            return Err(JwsError::TypeRefused);
        }

        let kid = string(&mut header, "kid", "\"kid\" is not a string")?;
        if kid.as_ref().is_some_and(|kid| kid.len() > MAX_KID_CHARS) {
            return Err(JwsError::HeaderRefused("\"kid\" is longer than 256 characters"));
        }
        Ok(Self { algorithm, kid, typ })
    }
}

/// Takes a member that must be a string where it is present; null is not a string.
fn string(header: &mut Map<String, Value>, member: &str, reason: &'static str) -> Result<Option<String>, JwsError> {
    match header.remove(member) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(JwsError::HeaderRefused(reason)),
    }
}

fn check_type(typ: Option<&str>, policy: &JwsPolicy<'_>) -> Result<(), JwsError> {
    let refused = typ.is_some_and(|typ| policy.refused_types.iter().any(|refused| is_type(typ, refused)));
    let other = policy
        .required_type
        .is_some_and(|required| !typ.is_some_and(|typ| is_type(typ, required)));
    if refused || other {
        Err(JwsError::TypeRefused)
    } else {
        Ok(())
    }
}

/// Compares media types, where `application/` may be left out (RFC 7515 section 4.1.9).
fn is_type(typ: &str, expected: &str) -> bool {
    const PREFIX: &str = "application/";
    let short = match typ.get(..PREFIX.len()) {
        Some(prefix) if prefix.eq_ignore_ascii_case(PREFIX) => typ.get(PREFIX.len()..),
        _ => Some(typ),
    };
    short.is_some_and(|short| short.eq_ignore_ascii_case(expected))
}

fn decode(segment: &str, reason: &'static str) -> Result<Vec<u8>, JwsError> {
    base64url_decode(segment.as_bytes()).map_err(|_| JwsError::Malformed(reason))
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]
mod tests;
