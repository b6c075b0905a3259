//! Signing tokens: the development provider's ID tokens, `private_key_jwt` assertions.

use core::fmt;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair, RsaPublicKeyComponents,
};
use serde_json::{Map, Value, json};

use crate::algorithm::Algorithm;
use crate::digest::sha256_base64url;
use crate::encoding::{base64url_append, base64url_encode};
use crate::pem::{PrivateKeyFormat, parse_private_key, write_pkcs8};
use crate::secret::SecretString;

/// Why a private key was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SigningKeyError {
    /// The text is not an unencrypted private key in PEM.
    #[error("private key cannot be read: {0}")]
    Pem(&'static str),
    /// The key is of another kind than the algorithm needs, or unfit, as RSA below 2048 bits.
    #[error("private key does not fit the algorithm {0}")]
    Unfit(Algorithm),
    /// The library could not generate a key.
    #[error("private key cannot be generated")]
    Generation,
}

/// Why a token could not be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SigningError {
    /// The claims are not an object.
    #[error("claims to sign are not a json object")]
    NotAnObject,
    /// The library refused; no input is known that leads here.
    #[error("signing failed")]
    Failed,
}

/// A private key with the algorithm it signs by and its key id.
///
/// # Security
/// `Debug` prints algorithm and key id only.
pub struct SigningKey {
    algorithm: Algorithm,
    kid: String,
    pair: Pair,
}

/// The parsed key; parsing an RSA key for each signature would cost more than signing.
enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl SigningKey {
    /// Generates a key: RSA 2048, P-256, P-384 or Ed25519, by the library's own randomness.
    ///
    /// The key id is the thumbprint of RFC 7638.
    ///
    /// # Errors
    /// [`SigningKeyError::Generation`] if the library gives none.
    pub fn generate(algorithm: Algorithm) -> Result<Self, SigningKeyError> {
        let pair = match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => RsaKeyPair::generate(KeySize::Rsa2048).map(Box::new).map(Pair::Rsa),
            Algorithm::Es256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map(Pair::Ec),
            Algorithm::Es384 => EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).map(Pair::Ec),
            Algorithm::EdDsa => Ed25519KeyPair::generate().map(Pair::Ed),
        };
        Ok(Self::new(
            algorithm,
            pair.map_err(|_| SigningKeyError::Generation)?,
            None,
        ))
    }

    /// Reads an unencrypted private key in PEM: PKCS#8, for RSA also PKCS#1, for EC also SEC1.
    ///
    /// Without `kid` the key id is the thumbprint of RFC 7638.
    ///
    /// # Errors
    /// [`SigningKeyError::Pem`] for a text that is no such key, [`SigningKeyError::Unfit`] for a key
    /// that cannot sign by `algorithm`.
    pub fn from_pem(pem: &SecretString, algorithm: Algorithm, kid: Option<String>) -> Result<Self, SigningKeyError> {
        let (format, der) = parse_private_key(pem.expose()).map_err(SigningKeyError::Pem)?;
        let ec = |curve: &'static EcdsaSigningAlgorithm| {
            let pair = match format {
                PrivateKeyFormat::Pkcs8 => EcdsaKeyPair::from_pkcs8(curve, &der).ok(),
                PrivateKeyFormat::Sec1 => EcdsaKeyPair::from_private_key_der(curve, &der).ok(),
                PrivateKeyFormat::Pkcs1 => None,
            };
            pair.map(Pair::Ec)
        };
        let pair = match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => match format {
                PrivateKeyFormat::Pkcs8 => RsaKeyPair::from_pkcs8(&der).ok(),
                PrivateKeyFormat::Pkcs1 => RsaKeyPair::from_der(&der).ok(),
                PrivateKeyFormat::Sec1 => None,
            }
            .map(Box::new)
            .map(Pair::Rsa),
            Algorithm::Es256 => ec(&ECDSA_P256_SHA256_FIXED_SIGNING),
            Algorithm::Es384 => ec(&ECDSA_P384_SHA384_FIXED_SIGNING),
            Algorithm::EdDsa => match format {
                PrivateKeyFormat::Pkcs8 => Ed25519KeyPair::from_pkcs8(&der).ok().map(Pair::Ed),
                PrivateKeyFormat::Pkcs1 | PrivateKeyFormat::Sec1 => None,
            },
        };
        Ok(Self::new(
            algorithm,
            pair.ok_or(SigningKeyError::Unfit(algorithm))?,
            kid,
        ))
    }

    fn new(algorithm: Algorithm, pair: Pair, kid: Option<String>) -> Self {
        let kid = kid.unwrap_or_else(|| {
            // RFC 7638 §3: the required members in the order of their names, without white space.
            // The map is sorted by name, and no value needs escaping.
            sha256_base64url(Value::Object(pair.required_members()).to_string().as_bytes())
        });
        Self { algorithm, kid, pair }
    }

    /// Writes the private key as PKCS#8 in PEM.
    ///
    /// # Errors
    /// [`SigningKeyError::Unfit`] if the library cannot write it; no key is known that leads here.
    pub fn to_pem(&self) -> Result<SecretString, SigningKeyError> {
        let unfit = |_| SigningKeyError::Unfit(self.algorithm);
        let pem = match &self.pair {
            Pair::Rsa(pair) => write_pkcs8(
                AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&**pair)
                    .map_err(unfit)?
                    .as_ref(),
            ),
            Pair::Ec(pair) => write_pkcs8(pair.to_pkcs8v1().map_err(unfit)?.as_ref()),
            Pair::Ed(pair) => write_pkcs8(pair.to_pkcs8v1().map_err(unfit)?.as_ref()),
        };
        Ok(SecretString::new(pem))
    }

    /// The algorithm it signs by.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key id: the one given, else the thumbprint.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public key as a JWK with `use`, `alg` and `kid`.
    pub fn public_jwk(&self) -> Value {
        let mut members = self.pair.required_members();
        members.insert("use".to_owned(), json!("sig"));
        members.insert("alg".to_owned(), json!(self.algorithm.name()));
        members.insert("kid".to_owned(), json!(self.kid));
        Value::Object(members)
    }

    /// Signs claims as a compact JWS whose header has `alg`, `kid` and `typ`.
    ///
    /// # Errors
    /// [`SigningError::NotAnObject`] for claims that are not an object.
    pub fn sign(&self, typ: &str, claims: &Value) -> Result<String, SigningError> {
        if !claims.is_object() {
            return Err(SigningError::NotAnObject);
        }
        let header = json!({ "alg": self.algorithm.name(), "kid": self.kid, "typ": typ });
        let mut token = base64url_encode(header.to_string().as_bytes());
        token.push('.');
        base64url_append(claims.to_string().as_bytes(), &mut token);
        let signature = self.sign_bytes(token.as_bytes())?;
        token.push('.');
        base64url_append(&signature, &mut token);
        Ok(token)
    }

    /// Signs any message, for the tests that forge tokens.
    #[cfg(test)]
    #[allow(clippy::expect_used, reason = "tests")]
    pub(crate) fn sign_message(&self, message: &[u8]) -> Vec<u8> {
        self.sign_bytes(message).expect("signature")
    }

    fn sign_bytes(&self, message: &[u8]) -> Result<Vec<u8>, SigningError> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let padding: &'static dyn aws_lc_rs::signature::RsaEncoding = match self.algorithm {
                    Algorithm::Ps256 => &RSA_PSS_SHA256,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, message, &mut signature)
                    .map_err(|_| SigningError::Failed)?;
                Ok(signature)
            }
            Pair::Ec(pair) => match pair.sign(&random, message) {
                Ok(signature) => Ok(signature.as_ref().to_vec()),
                Err(_) => Err(SigningError::Failed),
            },
            Pair::Ed(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }
}

impl Pair {
    /// The members that make the key what it is (RFC 7638 section 3.2).
    fn required_members(&self) -> Map<String, Value> {
        let members = match self {
            Self::Rsa(pair) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({
                    "e": base64url_encode(&public.e),
                    "kty": "RSA",
                    "n": base64url_encode(&public.n),
                })
            }
            Self::Ec(pair) => {
                // Uncompressed: 4, x and y of equal length.
                let point = pair.public_key().as_ref().get(1..).unwrap_or_default();
                let (x, y) = point.split_at_checked(point.len() / 2).unwrap_or_default();
                let crv = if x.len() == 32 { "P-256" } else { "P-384" };
                json!({
                    "crv": crv,
                    "kty": "EC",
                    "x": base64url_encode(x),
                    "y": base64url_encode(y),
                })
            }
            Self::Ed(pair) => json!({
                "crv": "Ed25519",
                "kty": "OKP",
                "x": base64url_encode(pair.public_key().as_ref()),
            }),
        };
        match members {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SigningKey")
            .field("algorithm", &self.algorithm)
            .field("kid", &self.kid)
            .finish_non_exhaustive()
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
