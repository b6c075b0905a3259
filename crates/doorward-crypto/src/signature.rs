//! Public keys and the one function that verifies a signature.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, UnparsedPublicKey};
use jsonwebtoken::DecodingKey;
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;

use crate::algorithm::Algorithm;

/// What a key can do: the pair of `kty` and `crv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyKind {
    Rsa,
    P256,
    P384,
    Ed25519,
}

impl Algorithm {
    /// The only kind of key this algorithm may be used with.
    pub(crate) const fn key_kind(self) -> KeyKind {
        match self {
            Self::Rs256 | Self::Ps256 => KeyKind::Rsa,
            Self::Es256 => KeyKind::P256,
            Self::Es384 => KeyKind::P384,
            Self::EdDsa => KeyKind::Ed25519,
        }
    }

    const fn jose(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
            Self::Ps256 => jsonwebtoken::Algorithm::PS256,
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
            Self::Es384 => jsonwebtoken::Algorithm::ES384,
            Self::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        }
    }
}

/// A public key that was found fit when it was made.
#[derive(Clone)]
pub(crate) struct PublicKey {
    kind: KeyKind,
    key: DecodingKey,
}

impl PublicKey {
    /// An RSA key of 2048 to 8192 bits with an odd exponent of at least 3.
    ///
    /// # Security
    /// With the exponent 1 every padded digest is its own signature, and keys made by chips with the
    /// ROCA fault (CVE-2017-15361) can be factored: neither is taken.
    pub(crate) fn rsa(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        // RFC 7518 §6.3.1.1 forbids leading zeros and knows that libraries write one.
        let modulus = trim_zeros(modulus);
        let exponent = trim_zeros(exponent);
        let top = modulus.first()?;
        let bits = modulus.len() * 8 - top.leading_zeros() as usize;
        let odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
        if !(2048..=8192).contains(&bits) || !odd(modulus) {
            return None;
        }
        if exponent.len() > 4 || !odd(exponent) || exponent == [1] || has_roca_fault(modulus) {
            return None;
        }
        let key = DecodingKey::from_rsa_raw_components(modulus, exponent);
        Some(Self {
            kind: KeyKind::Rsa,
            key,
        })
    }

    /// A point on P-256 or P-384, given by coordinates of full length.
    pub(crate) fn ec(kind: KeyKind, x: &[u8], y: &[u8]) -> Option<Self> {
        let (curve, length) = match kind {
            KeyKind::P256 => (&ECDSA_P256_SHA256_FIXED, 32),
            KeyKind::P384 => (&ECDSA_P384_SHA384_FIXED, 48),
            KeyKind::Rsa | KeyKind::Ed25519 => return None,
        };
        if x.len() != length || y.len() != length {
            return None;
        }
        let mut point = vec![4];
        point.extend_from_slice(x);
        point.extend_from_slice(y);
        // Security: parsing refuses a point that is not on the curve.
        UnparsedPublicKey::new(curve, &point).parse().ok()?;
        Some(Self {
            kind,
            key: DecodingKey::from_ec_der(&point),
        })
    }

    /// An Ed25519 key.
    pub(crate) fn ed25519(x: &[u8]) -> Option<Self> {
        if x.len() != 32 {
            return None;
        }
        UnparsedPublicKey::new(&ED25519, x).parse().ok()?;
        Some(Self {
            kind: KeyKind::Ed25519,
            key: DecodingKey::from_ed_der(x),
        })
    }

    pub(crate) fn kind(&self) -> KeyKind {
        self.kind
    }
}

/// Tells whether `signature` is `key`'s over `message`.
///
/// # Security
/// The algorithm is the caller's choice, already checked against its policy; a key of another kind
/// never verifies, so an RSA key cannot be taken for an HMAC secret.
pub(crate) fn verify_signature(algorithm: Algorithm, key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    if key.kind != algorithm.key_kind() {
        return false;
    }
    match (DEFAULT_PROVIDER.verifier_factory)(&algorithm.jose(), &key.key) {
        Ok(verifier) => verifier.verify(message, &signature.to_vec()).is_ok(),
        Err(_) => false,
    }
}

fn trim_zeros(mut number: &[u8]) -> &[u8] {
    while let [0, rest @ ..] = number {
        number = rest;
    }
    number
}

/// Tells whether a modulus has the fingerprint of the ROCA fault: modulo every small prime it is a
/// power of 65537. An honest key has it by a chance of about one in 2^27.
fn has_roca_fault(modulus: &[u8]) -> bool {
    const PRIMES: [u32; 38] = [
        3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107,
        109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
    ];
    PRIMES.iter().all(|&prime| {
        let residue = modulus
            .iter()
            .fold(0, |rest, &byte| (rest * 256 + u32::from(byte)) % prime);
        let generator = 65_537 % prime;
        let mut power = 1;
        // The powers return to 1 after at most prime - 1 steps.
        for _ in 0..prime {
            if power == residue {
                return true;
            }
            power = power * generator % prime;
        }
        false
    })
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
