//! Signing keys of the scripted provider, straight on aws-lc-rs.
//!
//! Nothing here goes through the code under test, so that one wrong reading cannot agree with itself.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaEncoding, RsaKeyPair};
use serde_json::{Value, json};

/// The algorithms in which the provider can sign, one that nobody should pin among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyAlgorithm {
    /// RSA 2048, PKCS#1 v1.5, SHA-256.
    Rs256,
    /// RSA 2048, PKCS#1 v1.5, SHA-512: right for its key and pinned by nobody.
    Rs512,
    /// RSA 2048, PSS, SHA-256.
    Ps256,
    /// P-256, SHA-256.
    Es256,
    /// P-384, SHA-384.
    Es384,
    /// Ed25519.
    EdDsa,
}

impl KeyAlgorithm {
    /// The name in a JOSE header.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    /// `at_hash` of an access token under this algorithm (OpenID Connect Core 3.1.3.6).
    #[must_use]
    pub fn half_hash(self, data: &str) -> String {
        let digest = match self {
            Self::Rs256 | Self::Ps256 | Self::Es256 => &aws_lc_rs::digest::SHA256,
            Self::Es384 => &aws_lc_rs::digest::SHA384,
            Self::Rs512 | Self::EdDsa => &aws_lc_rs::digest::SHA512,
        };
        let digest = aws_lc_rs::digest::digest(digest, data.as_bytes());
        encode(&digest.as_ref()[..digest.as_ref().len() / 2])
    }
}

/// One key pair of the provider.
pub struct ProviderKey {
    kid: String,
    algorithm: KeyAlgorithm,
    pair: Pair,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl ProviderKey {
    /// Makes a fresh key.
    ///
    /// # Panics
    /// If the system has no randomness.
    #[must_use]
    pub fn generate(algorithm: KeyAlgorithm, kid: impl Into<String>) -> Self {
        let ecdsa = |kind| Pair::Ecdsa(EcdsaKeyPair::generate(kind).expect("a P-256 or P-384 key"));
        let pair = match algorithm {
            KeyAlgorithm::Rs256 | KeyAlgorithm::Rs512 | KeyAlgorithm::Ps256 => {
                Pair::Rsa(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).expect("an RSA key")))
            }
            KeyAlgorithm::Es256 => ecdsa(&signature::ECDSA_P256_SHA256_FIXED_SIGNING),
            KeyAlgorithm::Es384 => ecdsa(&signature::ECDSA_P384_SHA384_FIXED_SIGNING),
            KeyAlgorithm::EdDsa => Pair::Ed25519(Ed25519KeyPair::generate().expect("an Ed25519 key")),
        };
        Self {
            kid: kid.into(),
            algorithm,
            pair,
        }
    }

    /// The key ID.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The algorithm it signs in.
    #[must_use]
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// The public key as a member of a key set (RFC 7517).
    #[must_use]
    pub fn public_jwk(&self) -> Value {
        let mut jwk = match &self.pair {
            Pair::Rsa(pair) => {
                let (n, e) = rsa_numbers(pair.public_key().as_ref());
                json!({"kty": "RSA", "n": encode(n), "e": encode(e)})
            }
            Pair::Ecdsa(pair) => {
                // An uncompressed point: 0x04, x, y.
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let curve = if x.len() == 32 { "P-256" } else { "P-384" };
                json!({"kty": "EC", "crv": curve, "x": encode(x), "y": encode(y)})
            }
            Pair::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref())})
            }
        };
        jwk["use"] = "sig".into();
        jwk["alg"] = self.algorithm.name().into();
        jwk["kid"] = self.kid.clone().into();
        jwk
    }

    /// The public key's bytes, which a confused verifier would take for an HMAC secret.
    #[must_use]
    pub fn public_bytes(&self) -> Vec<u8> {
        match &self.pair {
            Pair::Rsa(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Ecdsa(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
        }
    }

    /// Signs bytes.
    ///
    /// # Panics
    /// If the library refuses, which it does for no input.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.pair {
            Pair::Rsa(pair) => {
                let encoding: &'static dyn RsaEncoding = match self.algorithm {
                    KeyAlgorithm::Ps256 => &signature::RSA_PSS_SHA256,
                    KeyAlgorithm::Rs512 => &signature::RSA_PKCS1_SHA512,
                    _ => &signature::RSA_PKCS1_SHA256,
                };
                let mut signed = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &SystemRandom::new(), message, &mut signed)
                    .expect("a signature");
                signed
            }
            Pair::Ecdsa(pair) => pair
                .sign(&SystemRandom::new(), message)
                .expect("a signature")
                .as_ref()
                .to_vec(),
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }
}

/// Puts a compact JWS together from its parts.
pub(super) fn compact(header: &Value, payload: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let mut token = format!(
        "{}.{}",
        encode(header.to_string().as_bytes()),
        encode(payload.as_bytes())
    );
    let signature = encode(&sign(token.as_bytes()));
    token.push('.');
    token.push_str(&signature);
    token
}

pub(super) fn hmac_sha256(secret: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message)
        .as_ref()
        .to_vec()
}

/// Checks a signature of a client: true only where the key in `jwk` made it over `message` in `algorithm`.
pub(super) fn verify(jwk: &Value, algorithm: &str, message: &[u8], signed: &[u8]) -> bool {
    let number = |name: &str| decode(jwk[name].as_str().unwrap_or_default()).unwrap_or_default();
    let point = || [&[4_u8][..], &number("x"), &number("y")].concat();
    let check = |kind: &'static dyn signature::VerificationAlgorithm, key: Vec<u8>| {
        signature::UnparsedPublicKey::new(kind, key)
            .verify(message, signed)
            .is_ok()
    };
    let rsa = |kind: &'static signature::RsaParameters| {
        let key = signature::RsaPublicKeyComponents {
            n: number("n"),
            e: number("e"),
        };
        key.verify(kind, message, signed).is_ok()
    };
    match algorithm {
        "RS256" => rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
        "PS256" => rsa(&signature::RSA_PSS_2048_8192_SHA256),
        "ES256" => check(&signature::ECDSA_P256_SHA256_FIXED, point()),
        "ES384" => check(&signature::ECDSA_P384_SHA384_FIXED, point()),
        "EdDSA" => check(&signature::ED25519, number("x")),
        _ => false,
    }
}

/// Modulus and exponent out of an `RSAPublicKey` (RFC 8017 appendix A.1.1).
fn rsa_numbers(der: &[u8]) -> (&[u8], &[u8]) {
    let (sequence, _) = der_value(der, 0x30);
    let (modulus, rest) = der_value(sequence, 0x02);
    let (exponent, _) = der_value(rest, 0x02);
    let strip = |number: &'static str, bytes: &[u8]| {
        assert!(!bytes.is_empty(), "{number} is empty");
        bytes.iter().take_while(|byte| **byte == 0).count()
    };
    (
        &modulus[strip("modulus", modulus)..],
        &exponent[strip("exponent", exponent)..],
    )
}

fn der_value(bytes: &[u8], tag: u8) -> (&[u8], &[u8]) {
    assert_eq!(bytes[0], tag, "unexpected DER tag");
    let (length, start) = match bytes[1] {
        short @ 0..0x80 => (usize::from(short), 2),
        long => {
            let end = 2 + usize::from(long & 0x7f);
            let length = bytes[2..end]
                .iter()
                .fold(0, |sum, byte| (sum << 8) | usize::from(*byte));
            (length, end)
        }
    };
    bytes[start..].split_at(length)
}

/// An ECDSA signature of two numbers of one length, as ASN.1 (RFC 3279 section 2.2.3).
pub(super) fn der_signature(fixed: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| {
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        let mut value = number[zeros.min(number.len() - 1)..].to_vec();
        if value[0] & 0x80 != 0 {
            value.insert(0, 0);
        }
        [&[0x02, u8::try_from(value.len()).expect("a short number")][..], &value].concat()
    };
    let (r, s) = fixed.split_at(fixed.len() / 2);
    let content = [integer(r), integer(s)].concat();
    [
        &[0x30, u8::try_from(content.len()).expect("a short sequence")][..],
        &content,
    ]
    .concat()
}

pub(super) fn encode(bytes: &[u8]) -> String {
    base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes)
}

pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    base64_simd::URL_SAFE_NO_PAD.decode_to_vec(text).ok()
}

pub(super) fn sha256(data: &str) -> String {
    encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, data.as_bytes()).as_ref())
}
