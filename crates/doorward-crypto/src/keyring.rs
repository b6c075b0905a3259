//! Root secrets and the keys derived from them.
//!
//! Every purpose has its own key per root secret, by HKDF-SHA256 (RFC 5869): what is sealed for
//! one purpose opens for no other. The first root secret seals, all open, so that a secret can be
//! replaced while sessions live; [`KeyRing::replace`] does so while the process lives, too.

use core::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use aws_lc_rs::hkdf;
use zeroize::Zeroizing;

use crate::derived::{Derive, Derived, Rederive};
use crate::record_seal::{RecordKey, RecordSealer};
use crate::seal::{MacRing, SealKey, Sealer, mac_key};
use crate::secret::SecretString;
use crate::secrets_file::secrets_of_file;
use crate::strength::{WeakSecret, check_strength};

/// The public salt of every derivation.
const SALT: &[u8] = b"doorward v1";
/// The info of the key id.
const KEY_ID_INFO: &[u8] = b"doorward key id v1";
/// The info of a sealing key begins with this.
const SEAL_INFO: &[u8] = b"doorward seal v1\0";
/// The info of a record's key begins with this.
const RECORD_INFO: &[u8] = b"doorward record v1\0";
/// The info of a signing key begins with this.
const MAC_INFO: &[u8] = b"doorward mac v1\0";

pub(crate) const MAX_SECRETS: usize = 32;

/// The first bytes of a sealed value's key derivation, sent in the open to find the key again.
pub(crate) type KeyId = [u8; 4];

/// Why a key ring was refused. Positions count from 0 (`index`) or 1 (`line`).
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyRingError {
    /// There is no secret at all.
    #[error("expected at least one secret, found none")]
    Empty,
    /// There are more than 32 secrets.
    #[error("expected at most 32 secrets, found more")]
    TooMany,
    /// A secret is too weak.
    #[error("secret {index} is too weak")]
    Weak {
        /// Which secret.
        index: usize,
        /// In which way.
        #[source]
        reason: WeakSecret,
    },
    /// A secret is there twice.
    #[error("secret {index} is the same as an earlier one")]
    Duplicate {
        /// Which secret.
        index: usize,
    },
    /// Two different secrets have the same key id, by a chance of one in four billion.
    #[error("secret {index} has the key id of an earlier one; replace it by another")]
    SameKeyId {
        /// Which secret.
        index: usize,
    },
    /// The secrets file has more than 64 KB.
    #[error("secrets file is larger than 64 KB")]
    FileTooLarge,
    /// A line of the secrets file is not `<created, RFC 3339> <secret>`.
    #[error("line {line} of the secrets file is not \"<created, RFC 3339> <secret>\"")]
    MalformedLine {
        /// Which line.
        line: usize,
    },
    /// The secret of a line is too weak.
    #[error("the secret in line {line} of the secrets file is too weak")]
    WeakLine {
        /// Which line.
        line: usize,
        /// In which way.
        #[source]
        reason: WeakSecret,
    },
    /// The secret of a line is in an earlier line too.
    #[error("the secret in line {line} of the secrets file is the same as an earlier one")]
    DuplicateLine {
        /// Which line.
        line: usize,
    },
}

/// Root secrets: the first seals, all open. Cloning shares them.
///
/// # Security
/// Whoever has a root secret can make sessions. `Debug` prints how many there are, nothing else.
///
/// # Example
/// ```
/// use doorward_crypto::{KeyRing, SystemRandom, generate_secret};
///
/// let ring = KeyRing::new(vec![generate_secret(&SystemRandom)?]).unwrap();
/// let sealer = ring.sealer("session identity");
/// let name = sealer.associated("__Host-session");
/// let sealed = sealer.seal(&SystemRandom, &name, b"alice").unwrap();
/// assert_eq!(&*sealer.open(&name, sealed.as_bytes()).unwrap(), b"alice");
/// # Ok::<(), doorward_crypto::RandomUnavailable>(())
/// ```
#[derive(Clone)]
pub struct KeyRing {
    state: Arc<Mutex<State>>,
}

struct State {
    roots: Vec<Root>,
    /// Everything that came of the roots and is still in use.
    derived: Vec<Weak<dyn Rederive>>,
}

/// A root secret and the id of the keys that come of it.
pub(crate) struct Root {
    id: KeyId,
    secret: SecretString,
}

/// What [`KeyRing::replace`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyRingChange {
    /// The secrets are others now, or stand in another order.
    Replaced,
    /// They are those that were there, in the same order; nothing was done.
    Unchanged,
}

impl KeyRing {
    /// Builds a ring; the first secret seals.
    ///
    /// # Errors
    /// [`KeyRingError::Empty`], [`KeyRingError::TooMany`], and per secret [`KeyRingError::Weak`],
    /// [`KeyRingError::Duplicate`] and [`KeyRingError::SameKeyId`].
    pub fn new(secrets: Vec<SecretString>) -> Result<Self, KeyRingError> {
        for (index, secret) in secrets.iter().enumerate() {
            check_strength(secret.expose()).map_err(|reason| KeyRingError::Weak { index, reason })?;
        }
        Self::from_checked(secrets)
    }

    /// Builds a ring from the text of a secrets file: `<created, RFC 3339> <secret>` a line, blank
    /// lines and lines that begin with `#` skipped.
    ///
    /// The newest secret that is at least ten minutes old seals, else the oldest; all open. So an
    /// instance that reads the file a little later than another can open what that one seals.
    ///
    /// Judging the strength takes milliseconds per secret: skip the call where neither the text nor
    /// the outcome of its ages can have changed.
    ///
    /// # Errors
    /// As [`secrets_of_file`].
    pub fn from_secrets_file(text: &str, now_unix_seconds: u64) -> Result<Self, KeyRingError> {
        Self::from_checked(secrets_of_file(text, now_unix_seconds)?)
    }

    fn from_checked(secrets: Vec<SecretString>) -> Result<Self, KeyRingError> {
        let state = State {
            roots: roots(secrets)?,
            derived: Vec::new(),
        };
        Ok(Self {
            state: Arc::new(Mutex::new(state)),
        })
    }

    /// Takes these secrets in place of those at hand, in this ring, its clones and everything that was derived from any of
    /// them; the first seals from now on.
    ///
    /// What an older secret sealed opens as long as that secret is in the list. A list that cannot be used changes nothing.
    /// Judging the strength takes milliseconds for each secret that was not there before. What was derived first changes first: whoever
    /// needs one key to be the new one wherever another is derives it before that one.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn replace(&self, secrets: Vec<SecretString>) -> Result<KeyRingChange, KeyRingError> {
        // One at a time, so that no ring ends up with the keys of two lists.
        let mut state = self.lock();
        let is_known = |secret: &SecretString| state.roots.iter().any(|root| root.secret.matches(secret.expose()));
        if secrets.len() > MAX_SECRETS {
            return Err(KeyRingError::TooMany);
        }
        for (index, secret) in secrets.iter().enumerate().filter(|(_, secret)| !is_known(secret)) {
            check_strength(secret.expose()).map_err(|reason| KeyRingError::Weak { index, reason })?;
        }
        let same = |(root, secret): (&Root, &SecretString)| root.secret.matches(secret.expose());
        if state.roots.len() == secrets.len() && state.roots.iter().zip(&secrets).all(same) {
            return Ok(KeyRingChange::Unchanged);
        }
        let roots = roots(secrets)?;
        state.derived.retain(|derived| {
            let derived = derived.upgrade();
            derived.is_some_and(|derived| {
                derived.rederive(&roots);
                true
            })
        });
        state.roots = roots;
        Ok(KeyRingChange::Replaced)
    }

    /// How many secrets there are.
    pub fn count(&self) -> usize {
        self.lock().roots.len()
    }

    /// The id of the key that seals, as it stands in front of every sealed value: public, and the same in every instance that
    /// seals with this secret.
    pub fn sealing_key_id(&self) -> String {
        let id = self.lock().roots.first().map_or([0; 4], |root| root.id);
        format!("{:08x}", u32::from_be_bytes(id))
    }

    /// Derives the keys that seal and open for `purpose`.
    pub fn sealer(&self, purpose: &'static str) -> Sealer {
        Sealer::new(self.derived(purpose, |root, purpose| {
            let key: Zeroizing<[u8; 32]> = root.derive(SEAL_INFO, purpose);
            Some((root.id, SealKey::new(&key)?))
        }))
    }

    /// Derives the keys that seal and open records of a store for `purpose`.
    pub fn record_sealer(&self, purpose: &'static str) -> RecordSealer {
        RecordSealer::new(self.derived(purpose, |root, purpose| {
            let key: Zeroizing<[u8; 32]> = root.derive(RECORD_INFO, purpose);
            RecordKey::new(root.id, &key)
        }))
    }

    /// Derives the keys that sign and verify for `purpose`.
    pub fn mac(&self, purpose: &'static str) -> MacRing {
        MacRing::new(self.derived(purpose, |root, purpose| {
            let key: Zeroizing<[u8; 32]> = root.derive(MAC_INFO, purpose);
            Some(mac_key(&*key))
        }))
    }

    /// Derives the keys of a purpose, now and whenever the secrets are replaced.
    fn derived<K: Send + Sync + 'static>(&self, purpose: &'static str, derive: Derive<K>) -> Arc<Derived<K>> {
        let mut state = self.lock();
        let derived = Arc::new(Derived::new(purpose, derive, &state.roots));
        let known: Arc<dyn Rederive> = derived.clone();
        // A ring that makes sealers over and over does not grow.
        state.derived.retain(|other| other.strong_count() > 0);
        state.derived.push(Arc::downgrade(&known));
        derived
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Root {
    /// Derives bytes for a use (`info`) and a purpose.
    fn derive<const N: usize>(&self, info: &[u8], purpose: &str) -> Zeroizing<[u8; N]> {
        Zeroizing::new(derive(&self.secret, &[info, purpose.as_bytes()]))
    }
}

/// Judges a list, strength aside, and gives each secret its id.
fn roots(secrets: Vec<SecretString>) -> Result<Vec<Root>, KeyRingError> {
    if secrets.is_empty() {
        return Err(KeyRingError::Empty);
    }
    if secrets.len() > MAX_SECRETS {
        return Err(KeyRingError::TooMany);
    }
    let mut roots: Vec<Root> = Vec::with_capacity(secrets.len());
    for (index, secret) in secrets.into_iter().enumerate() {
        let root = Root {
            id: derive(&secret, &[KEY_ID_INFO]),
            secret,
        };
        if roots.iter().any(|known| known.secret.matches(root.secret.expose())) {
            return Err(KeyRingError::Duplicate { index });
        }
        if roots.iter().any(|known| known.id == root.id) {
            return Err(KeyRingError::SameKeyId { index });
        }
        roots.push(root);
    }
    Ok(roots)
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "KeyRing({} secrets, redacted)", self.count())
    }
}

fn derive<const N: usize>(secret: &SecretString, info: &[&[u8]]) -> [u8; N] {
    const { assert!(N <= 255 * 32, "HKDF-SHA256 gives at most 255 blocks") };
    let mut out = [0; N];
    let derived = hkdf_sha256(SALT, secret.expose().as_bytes(), info, &mut out);
    // The only fault HKDF has is an output that is too long, which the assertion above excludes.
    assert!(derived.is_ok(), "HKDF failed; without keys nothing may be sealed");
    out
}

/// HKDF-SHA256, extract and expand (RFC 5869 section 2).
pub(crate) fn hkdf_sha256(salt: &[u8], secret: &[u8], info: &[&[u8]], out: &mut [u8]) -> Result<(), OutputTooLong> {
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }

    hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
        .extract(secret)
        .expand(info, Length(out.len()))
        .and_then(|okm| okm.fill(out))
        .map_err(|_| OutputTooLong)
}

/// HKDF was asked for more than 255 blocks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OutputTooLong;

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]
mod tests;
