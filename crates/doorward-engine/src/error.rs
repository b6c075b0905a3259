//! What can be wrong with a configuration.

use thiserror::Error;

/// A setting that cannot be used, by its key; the product does not start with one.
#[derive(Error)]
#[error("{key}: {problem}")]
pub struct BuildError {
    key: &'static str,
    problem: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl BuildError {
    pub(crate) fn text(key: &'static str, problem: impl Into<String>) -> Self {
        Self {
            key,
            problem: problem.into(),
            source: None,
        }
    }

    pub(crate) fn setting(key: &'static str, error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self {
            key,
            problem: error.to_string(),
            source: error.source().map(|source| source.to_string().into()),
        }
    }

    /// Says that a port could not be made; for shells that bring default ports.
    #[must_use]
    pub fn port(key: &'static str, error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::setting(key, error)
    }

    /// Names the setting as the configuration file spells it, without saying which of several: `provider.issuer`,
    /// `tenants.name`. A port and a hook, which no file has, are named as on the builder: `fetch`.
    #[must_use]
    pub fn key(&self) -> &'static str {
        self.key
    }
}

/// The same words as for people: a `main` that returns the error prints it by `Debug`.
impl std::fmt::Debug for BuildError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")?;
        match &self.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}
