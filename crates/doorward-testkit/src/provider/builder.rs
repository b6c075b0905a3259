//! Setting up a provider.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use doorward_core::ports::Clock;

use super::client_auth::ClientKind;
use super::keys::{KeyAlgorithm, ProviderKey};
use super::{Inner, Keys, Script, ScriptedProvider, State};
use crate::SeededRandom;

/// Sets up a provider; see [`ScriptedProvider::builder`].
#[must_use = "a builder does nothing until built"]
pub struct ScriptedProviderBuilder {
    pub(super) issuer: String,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) algorithm: KeyAlgorithm,
    pub(super) clients: HashMap<String, ClientKind>,
    pub(super) seed: u64,
}

impl ScriptedProviderBuilder {
    /// Signs in this algorithm; ES256 without (an RSA key takes a tenth of a second to make).
    pub fn algorithm(mut self, algorithm: KeyAlgorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// Adds a client, or gives the one of this name another way to authenticate.
    pub fn client(mut self, client_id: &str, kind: ClientKind) -> Self {
        self.clients.insert(client_id.to_owned(), kind);
        self
    }

    /// Makes codes and tokens from this seed, where two providers must not mint the same ones.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Builds the provider.
    #[must_use]
    pub fn build(self) -> ScriptedProvider {
        let key = Arc::new(ProviderKey::generate(self.algorithm, "key-1"));
        let state = State {
            script: Script::default(),
            keys: Keys {
                current: key.clone(),
                published: vec![key],
                made: 1,
            },
            clients: self.clients,
            codes: HashMap::new(),
            refresh_tokens: HashMap::new(),
            revoked_families: HashSet::new(),
            families: 0,
            access_tokens: HashMap::new(),
            assertions: HashSet::new(),
            recorded: Vec::new(),
            minted: Vec::new(),
        };
        ScriptedProvider {
            inner: Arc::new(Inner {
                issuer: self.issuer,
                clock: self.clock,
                random: SeededRandom::new(self.seed),
                state: Mutex::new(state),
            }),
        }
    }
}
