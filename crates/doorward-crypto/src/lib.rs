//! Sealing, signing and verifying for Doorward: one wrapper around each cryptographic library.
//!
//! Nothing above this crate touches aws-lc-rs or jsonwebtoken. What leaves it are values that
//! carry a proof: an [`Opened`] plaintext was authenticated, a [`VerifiedPayload`] was signed by a
//! key of the set it was checked against.
//!
//! | module | what it holds |
//! |---|---|
//! | `encoding` | base64url without padding, strict (RFC 4648 section 5) |
//! | `random` | the port to randomness |
//! | `secret`, `strength` | secrets that print nothing; what makes one too weak |
//! | `digest` | SHA-256, `at_hash`, comparison in constant time |
//! | `keyring`, `derived`, `seal` | root secrets, keys per purpose (HKDF), AES-256-GCM-SIV (RFC 8452), HMAC |
//! | `record_seal` | the same for records of a store, half of the key with the browser |
//! | `secrets_file` | the file that root secrets are kept in, with the time each was made |
//! | `json` | strict JSON: duplicates refused, depth and size capped |
//! | `jwk`, `jws`, `sign` | key sets (RFC 7517), verifying (RFC 7515, RFC 8725), signing |

mod algorithm;
mod derived;
mod digest;
mod encoding;
mod json;
mod jwk;
mod jws;
mod keyring;
mod pem;
mod random;
mod record_seal;
mod seal;
mod secret;
mod secrets_file;
mod sign;
mod signature;
mod strength;
mod timestamp;

pub use algorithm::Algorithm;
pub use digest::{constant_time_eq, half_hash, sha256, sha256_base64url};
pub use encoding::{InvalidEncoding, base64url_append, base64url_decode, base64url_decode_into, base64url_encode};
pub use json::{JsonError, parse_object};
pub use jwk::{KeySet, KeySetError};
pub use jws::{JwsError, JwsPolicy, VerifiedPayload, verify};
pub use keyring::{KeyRing, KeyRingChange, KeyRingError};
pub use random::{Random, RandomUnavailable, SystemRandom, random_bytes, random_token};
pub use record_seal::{KeyHalf, RecordSealer};
pub use seal::{AssociatedData, MacRing, OpenError, Opened, SealError, Sealer};
pub use secret::{SecretString, generate_secret};
pub use secrets_file::{DatedSecrets, secrets_of_file};
pub use sign::{SigningError, SigningKey, SigningKeyError};
pub use strength::{WeakSecret, check_strength};

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]
mod testing;
