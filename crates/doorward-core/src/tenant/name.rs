//! The name of a tenant as configurations, host names and login links write it: one DNS label.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{TenantId, host::to_ascii};

const MAX_LABEL: usize = 63;
/// A label of 63 bytes never comes from more than 63 characters.
const MAX_TEXT: usize = 4 * MAX_LABEL;

/// One DNS label in lower case: what may stand as `{tenant}` in a public URL and in front of a platform's host.
///
/// A name is what people write; a [`TenantId`] is what the provider's claim says and what a session belongs to. Where
/// nothing else is configured, the name is the ID.
///
/// # Security
/// The text comes from a login link or a `Host` header. Nothing but letters, digits and `-` is left in a name, so that
/// whatever is built from one has exactly the host it was meant to have.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantName(Arc<str>);

/// A text that is no tenant name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TenantNameError {
    /// Nothing at all.
    #[error("tenant name is empty")]
    Empty,
    /// More than one DNS label holds.
    #[error("tenant name is longer than 63 characters")]
    TooLong,
    /// Something besides letters, digits and `-`.
    #[error("tenant name must be one label of letters, digits and \"-\"")]
    Character,
    /// A `-` at an end.
    #[error("tenant name must neither begin nor end with \"-\"")]
    Hyphen,
    /// A text beyond ASCII, or its `xn--` form, that is no internationalised domain name.
    #[error("tenant name is no valid internationalised domain name")]
    International,
}

impl TenantName {
    /// Parses a name; upper case is lowered, and a text beyond ASCII becomes its `xn--` form (UTS 46).
    ///
    /// # Errors
    /// [`TenantNameError`], one variant for each rule.
    pub fn parse(text: &str) -> Result<TenantName, TenantNameError> {
        if text.is_empty() {
            return Err(TenantNameError::Empty);
        }
        if text.len() > MAX_TEXT {
            return Err(TenantNameError::TooLong);
        }
        // Before anything is mapped: the mapping undoes percent signs.
        if text.bytes().any(|byte| byte.is_ascii() && !is_label_byte(byte)) {
            return Err(TenantNameError::Character);
        }
        let lowered = text.to_ascii_lowercase();
        let name = if lowered.is_ascii() && !lowered.starts_with("xn--") {
            lowered
        } else {
            international(&lowered)?
        };
        if name.len() > MAX_LABEL {
            return Err(TenantNameError::TooLong);
        }
        if name.starts_with('-') || name.ends_with('-') {
            return Err(TenantNameError::Hyphen);
        }
        Ok(TenantName(name.into()))
    }

    /// Returns the name, in lower case and ASCII.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn international(label: &str) -> Result<String, TenantNameError> {
    // Below another label, because a number alone would be read as an address.
    let mapped = to_ascii(&format!("{label}.x")).ok_or(TenantNameError::International)?;
    let name = mapped.strip_suffix(".x").ok_or(TenantNameError::International)?;
    if label.is_ascii() && name != label {
        return Err(TenantNameError::International);
    }
    // Security: some characters are mapped to a dot or to nothing, and what comes out is looked at once more.
    if name.is_empty() || !name.bytes().all(is_label_byte) {
        return Err(TenantNameError::Character);
    }
    Ok(name.to_owned())
}

const fn is_label_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

impl core::fmt::Display for TenantName {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::str::FromStr for TenantName {
    type Err = TenantNameError;

    fn from_str(text: &str) -> Result<TenantName, TenantNameError> {
        TenantName::parse(text)
    }
}

impl TryFrom<String> for TenantName {
    type Error = TenantNameError;

    fn try_from(text: String) -> Result<TenantName, TenantNameError> {
        TenantName::parse(&text)
    }
}

impl From<TenantName> for String {
    fn from(name: TenantName) -> String {
        name.as_str().to_owned()
    }
}

impl From<TenantName> for TenantId {
    fn from(name: TenantName) -> TenantId {
        TenantId(name.0)
    }
}

impl From<&TenantName> for TenantId {
    fn from(name: &TenantName) -> TenantId {
        TenantId(Arc::clone(&name.0))
    }
}
