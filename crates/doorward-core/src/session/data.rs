//! The application's own data in a session.

use std::collections::BTreeMap;

const MAX_KEY: usize = 64;

/// Insertions and removals in the order they were made.
///
/// Kept as changes, not as a map: a request that raced with another writes only what it changed itself.
#[derive(Clone, Default, PartialEq)]
pub struct DataChanges(Vec<Change>);

#[derive(Clone, PartialEq)]
enum Change {
    Insert(String, String),
    Remove(String),
}

/// A key that session data cannot have.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// Empty, or longer than 64 bytes.
    #[error("key of session data must have 1 to 64 bytes")]
    InvalidKey,
}

impl DataChanges {
    /// Starts without changes.
    pub const fn new() -> DataChanges {
        DataChanges(Vec::new())
    }

    /// Notes that a key is to hold a JSON text.
    ///
    /// # Errors
    /// [`DataError::InvalidKey`].
    pub fn insert(&mut self, key: impl Into<String>, json: impl Into<String>) -> Result<(), DataError> {
        let key = checked(key.into())?;
        self.0.push(Change::Insert(key, json.into()));
        Ok(())
    }

    /// Notes that a key is to be removed.
    ///
    /// # Errors
    /// [`DataError::InvalidKey`].
    pub fn remove(&mut self, key: impl Into<String>) -> Result<(), DataError> {
        let key = checked(key.into())?;
        self.0.push(Change::Remove(key));
        Ok(())
    }

    /// Returns what a key holds after these changes: `None` where they do not touch it, `Some(None)` where they remove
    /// it.
    pub fn get(&self, key: &str) -> Option<Option<&str>> {
        self.0.iter().rev().find_map(|change| match change {
            Change::Insert(own, json) if own == key => Some(Some(json.as_str())),
            Change::Remove(own) if own == key => Some(None),
            _ => None,
        })
    }

    /// Tells whether nothing was changed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Makes the changes.
    pub fn apply_to(&self, data: &mut BTreeMap<String, String>) {
        for change in &self.0 {
            match change {
                Change::Insert(key, json) => {
                    data.insert(key.clone(), json.clone());
                }
                Change::Remove(key) => {
                    data.remove(key);
                }
            }
        }
    }
}

impl core::fmt::Debug for DataChanges {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|change| match change {
                Change::Insert(key, _) => ("insert", key),
                Change::Remove(key) => ("remove", key),
            }))
            .finish()
    }
}

fn checked(key: String) -> Result<String, DataError> {
    if (1..=MAX_KEY).contains(&key.len()) {
        Ok(key)
    } else {
        Err(DataError::InvalidKey)
    }
}
