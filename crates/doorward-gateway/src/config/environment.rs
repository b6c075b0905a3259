//! The environment, read once.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// The variables there are.
#[derive(Default)]
pub(crate) struct Environment(BTreeMap<OsString, OsString>);

/// A variable is set and holds no UTF-8.
pub(super) struct NotUtf8;

impl Environment {
    /// Reads the environment of this process.
    pub(crate) fn of_process() -> Self {
        Self(std::env::vars_os().collect())
    }

    #[cfg(test)]
    pub(crate) fn of(variables: &[(&str, &str)]) -> Self {
        Self(
            variables
                .iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }

    /// A variable's value; an empty one counts as not set, as shells and compose files leave them.
    pub(super) fn get(&self, name: &str) -> Result<Option<String>, NotUtf8> {
        match self.0.get(OsStr::new(name)) {
            None => Ok(None),
            Some(value) => {
                let text = value.to_str().ok_or(NotUtf8)?;
                Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
            }
        }
    }

    /// The names that begin with a text.
    pub(super) fn names<'e>(&'e self, prefix: &'e str) -> impl Iterator<Item = &'e str> {
        let named = self.0.iter().filter(|(_, value)| !value.is_empty());
        named.filter_map(move |(name, _)| name.to_str().filter(|name| name.starts_with(prefix)))
    }

    pub(super) fn any_begins_with(&self, prefix: &str) -> bool {
        self.names(prefix).next().is_some()
    }
}
