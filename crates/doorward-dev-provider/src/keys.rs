//! The signing key, and the one before it.

use std::sync::Arc;

use doorward_crypto::{Algorithm, SigningKey, SigningKeyError};
use serde_json::{Value, json};

/// All tokens are signed with RS256, which every relying party must understand (OpenID Connect Core §15.1).
pub(crate) const ALGORITHM: Algorithm = Algorithm::Rs256;

/// The key that signs and the one that signed before the last rotation; both are published.
pub(crate) struct Keys {
    current: Arc<SigningKey>,
    previous: Option<Arc<SigningKey>>,
}

impl Keys {
    pub(crate) fn generate() -> Result<Self, SigningKeyError> {
        Ok(Self {
            current: new_key()?,
            previous: None,
        })
    }

    pub(crate) fn current(&self) -> Arc<SigningKey> {
        Arc::clone(&self.current)
    }

    pub(crate) fn rotate(&mut self, key: Arc<SigningKey>) {
        self.previous = Some(std::mem::replace(&mut self.current, key));
    }

    /// The JWK Set of RFC 7517 §5, newest key first.
    pub(crate) fn to_jwks(&self) -> Value {
        let keys: Vec<Value> = std::iter::once(&self.current)
            .chain(&self.previous)
            .map(|key| key.public_jwk())
            .collect();
        json!({ "keys": keys })
    }
}

pub(crate) fn new_key() -> Result<Arc<SigningKey>, SigningKeyError> {
    Ok(Arc::new(SigningKey::generate(ALGORITHM)?))
}
