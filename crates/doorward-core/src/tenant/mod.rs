//! Tenants: who a session belongs to, and which of them a request may see.
//!
//! A [`TenantName`] is what configurations, host names and login links write; a [`TenantId`] is what the provider's
//! verified claim says, and the only thing a session is judged by.

mod directory;
mod expectation;
mod host;
mod name;
mod pattern;
mod resolve;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::{
    directory::{ConfiguredTenants, ConfiguredTenantsError, OpenTenants, Tenant},
    expectation::{TenantExpectation, TenantMismatch},
    host::{HostName, HostNameError},
    name::{TenantName, TenantNameError},
    pattern::{PublicUrlPattern, PublicUrlPatternError},
    resolve::{NamesFrom, ResolvedTenant, TenantConflict, TenantHints, TenantScope, resolve},
};

const DEFAULT: &str = "default";
const MAX_CLAIM: usize = 255;

/// What names a tenant in a session: the provider's claim as it stands, or a configured name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantId(Arc<str>);

/// A text that names no tenant.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TenantIdError {
    /// Not 1 to 255 visible ASCII characters.
    #[error("tenant claim must be 1 to 255 visible ASCII characters")]
    InvalidClaim,
}

impl TenantId {
    /// Takes a tenant from a claim of the provider, exactly as it stands there.
    ///
    /// # Errors
    /// [`TenantIdError::InvalidClaim`].
    pub fn from_claim(claim: &str) -> Result<TenantId, TenantIdError> {
        let fits = (1..=MAX_CLAIM).contains(&claim.len()) && claim.bytes().all(|byte| (0x21..0x7f).contains(&byte));
        if !fits {
            return Err(TenantIdError::InvalidClaim);
        }
        Ok(TenantId(claim.into()))
    }

    /// Returns the tenant of everyone where there are no tenants: `default`.
    pub fn default_tenant() -> TenantId {
        TenantId(DEFAULT.into())
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl core::fmt::Display for TenantId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for TenantId {
    type Error = TenantIdError;

    fn try_from(text: String) -> Result<TenantId, TenantIdError> {
        TenantId::from_claim(&text)
    }
}

impl From<TenantId> for String {
    fn from(tenant: TenantId) -> String {
        tenant.as_str().to_owned()
    }
}
