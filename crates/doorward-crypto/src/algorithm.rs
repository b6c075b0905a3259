//! The signature algorithms Doorward knows (RFC 7518 section 3.1, RFC 8037).

use core::fmt;

/// A JWS signature algorithm.
///
/// Asymmetric ones only: `none` and the HMAC family have no variant, so that no policy can name
/// them by accident (RFC 8725 section 3.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PSS with SHA-256 and a salt of 32 bytes.
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// Ed25519; Ed448 is not supported.
    EdDsa,
}

impl Algorithm {
    /// Every algorithm, in the order of preference for documentation and metadata.
    pub const ALL: &'static [Algorithm] = &[Self::Rs256, Self::Ps256, Self::Es256, Self::Es384, Self::EdDsa];

    /// Gives the name used in the `alg` member.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    /// Finds the algorithm of this name; names are compared exactly, letter case included.
    ///
    /// # Security
    /// `none`, `None`, `HS256` and everything else unknown give `None`, never a default.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.name() == name)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
