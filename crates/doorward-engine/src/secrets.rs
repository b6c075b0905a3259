//! Session secrets that change while the process lives.

use std::sync::{Arc, Weak};
use std::time::Duration;

use doorward_core::UnixTime;
use doorward_core::ports::BoxFuture;
use doorward_crypto::{KeyRing, KeyRingChange, KeyRingError, SecretString};

use crate::auth::{Engine, Inner};

/// How long after one reading the next one comes.
const BETWEEN_READINGS: Duration = Duration::from_secs(5);

/// Session secrets, one or several: the first seals, all open.
#[derive(Clone)]
pub struct Secrets(pub(crate) Vec<SecretString>);

impl From<SecretString> for Secrets {
    fn from(secret: SecretString) -> Self {
        Self(vec![secret])
    }
}

impl From<String> for Secrets {
    fn from(secret: String) -> Self {
        Self(vec![secret.into()])
    }
}

impl From<&str> for Secrets {
    fn from(secret: &str) -> Self {
        Self(vec![secret.into()])
    }
}

impl From<Vec<SecretString>> for Secrets {
    fn from(secrets: Vec<SecretString>) -> Self {
        Self(secrets)
    }
}

/// Why secrets could not be read; holds none of them.
pub type SecretsError = Box<dyn std::error::Error + Send + Sync>;

/// Where session secrets are read again and again: a file, a vault.
pub trait SecretsSource: Send + 'static {
    /// Reads the secrets that count at this time, the one that seals first.
    fn read(&mut self, now: UnixTime) -> BoxFuture<'_, Result<Vec<SecretString>, SecretsError>>;
}

impl Engine {
    /// Takes these session secrets in place of those at hand, at once and for everything: sessions, login tickets and CSRF
    /// tokens. The first seals, all open.
    ///
    /// What an older secret sealed goes on as long as that secret is in the list; a session in cookies is sealed anew by
    /// its next request. A session whose secret is taken away ends, and no other.
    ///
    /// With several processes each must open with a new secret before any seals with it. So add it behind the first one
    /// everywhere, and only then put it first; a [secrets file](Self::watch_session_secrets) does that by itself.
    ///
    /// # Errors
    /// [`KeyRingError`] for a list that cannot be used; the secrets at hand stay.
    pub fn replace_session_secrets(&self, secrets: Vec<SecretString>) -> Result<KeyRingChange, KeyRingError> {
        let change = self.inner.keys.replace(secrets)?;
        if change == KeyRingChange::Replaced {
            tell(&self.inner.keys);
        }
        Ok(change)
    }

    /// Reads the session secrets from a source now and every five seconds, as long as the engine lives.
    ///
    /// What cannot be read or used is told in the log, once until it is something else, and the secrets at hand stay. Give
    /// an engine one source.
    pub fn watch_session_secrets(&self, source: impl SecretsSource) {
        let (engine, tasks) = (Arc::downgrade(&self.inner), Arc::clone(&self.inner.ports.tasks));
        let mut watch = Watch { source, told: None };
        self.inner.ports.tasks.spawn(Box::pin(async move {
            while watch.read_once(&engine).await == Engines::Live {
                tasks.sleep(BETWEEN_READINGS).await;
            }
        }));
    }
}

/// Whether there still is an engine to read for.
#[derive(PartialEq, Eq)]
enum Engines {
    Live,
    Gone,
}

/// A source and what was last said of it.
struct Watch<S> {
    source: S,
    told: Option<String>,
}

impl<S: SecretsSource> Watch<S> {
    /// Takes what the source says now.
    async fn read_once(&mut self, engine: &Weak<Inner>) -> Engines {
        // The engine is not held while a slow source is waited for.
        let Some(now) = engine.upgrade().map(|engine| engine.ports.clock.now()) else {
            return Engines::Gone;
        };
        let read = self.source.read(now).await;
        let Some(keys) = engine.upgrade().map(|engine| engine.keys.clone()) else {
            return Engines::Gone;
        };
        let problem = match read {
            Ok(secrets) => match keys.replace(secrets) {
                Ok(KeyRingChange::Unchanged) => None,
                Ok(KeyRingChange::Replaced) => {
                    tell(&keys);
                    None
                }
                Err(error) => Some(chain(&error)),
            },
            Err(error) => Some(chain(&*error)),
        };
        if problem != self.told {
            match &problem {
                Some(reason) => tracing::error!(reason, "session secrets could not be read again; those at hand stay"),
                None => tracing::info!("session secrets can be read again"),
            }
            self.told = problem;
        }
        Engines::Live
    }
}

/// The ID is public: it stands in front of everything sealed. By it an operator sees which instances seal alike.
fn tell(keys: &KeyRing) {
    tracing::info!(
        secrets = keys.count(),
        sealing_key = keys.sealing_key_id(),
        "session secrets replaced"
    );
}

/// The error and its causes: which line of the file it is stands in one, what is wrong with it in the next.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
