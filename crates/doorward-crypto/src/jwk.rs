//! Key sets of a provider (RFC 7517, RFC 7518 section 6, RFC 8037).
//!
//! A key we cannot use is passed over, never an error: a provider may publish keys for encryption,
//! for other algorithms, or a broken one, beside the key that signed.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::algorithm::Algorithm;
use crate::encoding::base64url_decode;
use crate::json::{JsonError, parse_object};
use crate::signature::{KeyKind, PublicKey};

const MAX_BYTES: usize = 256 * 1024;
const MAX_KEYS: usize = 64;
pub(crate) const MAX_KID_CHARS: usize = 256;

/// Members only private and symmetric keys have (RFC 7518 sections 6.2.2, 6.3.2, 6.4.1).
const PRIVATE_MEMBERS: &[&str] = &["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Why a key set was refused as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// It is not strict JSON of at most 256 KB.
    #[error("key set is not a strict json object of at most 256 KB")]
    Json(#[from] JsonError),
    /// It has no `keys` array.
    #[error("key set has no \"keys\" array")]
    NoKeys,
    /// It has more than 64 keys.
    #[error("key set has {found} keys, expected at most 64")]
    TooManyKeys {
        /// How many it has.
        found: usize,
    },
}

/// The usable public keys of one issuer; cheap to clone.
#[derive(Clone)]
pub struct KeySet {
    keys: Arc<[SetKey]>,
}

/// One key with what the set says about it.
pub(crate) struct SetKey {
    pub(crate) kid: Option<Box<str>>,
    algorithm: Option<Algorithm>,
    pub(crate) public: PublicKey,
}

impl KeySet {
    /// A set without keys, as before the first fetch.
    pub fn empty() -> Self {
        Self { keys: Arc::new([]) }
    }

    /// Reads the body of a `jwks_uri` response.
    ///
    /// Passed over: symmetric and private keys, `use` other than `sig`, `key_ops` without `verify`,
    /// an `alg` that is unknown or does not fit the key, RSA below 2048 bits or with an unfit
    /// exponent, unknown curves, points off the curve, and bad base64url.
    ///
    /// # Errors
    /// [`KeySetError`], each variant as it says.
    ///
    /// # Security
    /// The body comes from the provider, or from whoever stands in for it. `x5c`, `x5u` and `jku`
    /// are never looked at.
    pub fn parse(body: &[u8]) -> Result<Self, KeySetError> {
        let document = parse_object(body, MAX_BYTES)?;
        let Some(Value::Array(keys)) = document.get("keys") else {
            return Err(KeySetError::NoKeys);
        };
        if keys.len() > MAX_KEYS {
            return Err(KeySetError::TooManyKeys { found: keys.len() });
        }
        let usable = keys.iter().filter_map(Value::as_object).filter_map(SetKey::parse);
        Ok(Self { keys: usable.collect() })
    }

    /// Tells whether two handles are of one reading of a key set; a set read anew is another one, whatever it holds.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.keys, &other.keys)
    }

    /// Counts the usable keys.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Tells whether no key is usable.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys that may have made a signature: kind and `alg` must fit; `kid` too, where the token
    /// names one.
    pub(crate) fn candidates<'a>(
        &'a self,
        algorithm: Algorithm,
        kid: Option<&'a str>,
    ) -> impl Iterator<Item = &'a SetKey> {
        self.keys.iter().filter(move |key| {
            key.public.kind() == algorithm.key_kind()
                && key.algorithm.is_none_or(|only| only == algorithm)
                && (kid.is_none() || key.kid.as_deref() == kid)
        })
    }
}

impl core::fmt::Debug for KeySet {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let kids = self.keys.iter().map(|key| key.kid.as_deref().unwrap_or("(no kid)"));
        formatter.write_str("KeySet")?;
        formatter.debug_list().entries(kids).finish()
    }
}

impl SetKey {
    fn parse(jwk: &Map<String, Value>) -> Option<Self> {
        if PRIVATE_MEMBERS.iter().any(|name| jwk.contains_key(*name)) {
            return None;
        }
        if jwk.get("use").is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        if let Some(operations) = jwk.get("key_ops") {
            operations.as_array()?.iter().find(|operation| *operation == "verify")?;
        }
        let kid = match jwk.get("kid") {
            None => None,
            Some(kid) => Some(kid.as_str().filter(|kid| kid.len() <= MAX_KID_CHARS)?.into()),
        };
        let public = public_key(jwk)?;
        let algorithm = match jwk.get("alg") {
            None => None,
            Some(name) => Some(Algorithm::from_name(name.as_str()?)?),
        };
        if algorithm.is_some_and(|algorithm| algorithm.key_kind() != public.kind()) {
            return None;
        }
        Some(Self { kid, algorithm, public })
    }
}

fn public_key(jwk: &Map<String, Value>) -> Option<PublicKey> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    let bytes = |name: &str| base64url_decode(text(name)?.as_bytes()).ok();
    match (text("kty")?, text("crv")) {
        ("RSA", _) => PublicKey::rsa(&bytes("n")?, &bytes("e")?),
        ("EC", Some("P-256")) => PublicKey::ec(KeyKind::P256, &bytes("x")?, &bytes("y")?),
        ("EC", Some("P-384")) => PublicKey::ec(KeyKind::P384, &bytes("x")?, &bytes("y")?),
        ("OKP", Some("Ed25519")) => PublicKey::ed25519(&bytes("x")?),
        _ => None,
    }
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
