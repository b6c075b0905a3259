//! Which tenant a request is for.

use super::TenantId;

/// The tenants whose sessions a request may use.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TenantScope {
    /// Any tenant: the application separates them by `user.tenant` itself.
    Any,
    /// Exactly one.
    One(TenantId),
}

impl TenantScope {
    /// Tells whether a session of `tenant` is at home here; names are compared exactly.
    pub fn admits(&self, tenant: &str) -> bool {
        match self {
            TenantScope::Any => true,
            TenantScope::One(own) => own.as_str() == tenant,
        }
    }
}
