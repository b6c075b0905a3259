//! The tenant at login must be the tenant after login.

use super::{Tenant, TenantId, TenantName};

/// Which tenant the verified token of a login has to be of.
///
/// # Security
/// Without this, who is signed in at one tenant finishes a login that began at another tenant's host, and stands there
/// with a session. The callback's query has no part in it: what is compared comes out of the sealed ticket and out of
/// verified claims.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TenantExpectation(Expected);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Expected {
    Any,
    Named { name: TenantName },
    Known { id: TenantId },
}

/// A login for one tenant that ended with a user of another.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("verified tenant is not the one the login was for")]
pub struct TenantMismatch;

impl TenantExpectation {
    /// Expects nobody in particular: the login named no tenant, and the verified claims decide.
    pub const fn any() -> TenantExpectation {
        TenantExpectation(Expected::Any)
    }

    /// Expects a tenant whose ID is known.
    pub const fn id(id: TenantId) -> TenantExpectation {
        TenantExpectation(Expected::Known { id })
    }

    /// Expects a tenant of which only the name is known.
    ///
    /// [`check`](Self::check) then takes the name for the ID; where the provider's IDs are opaque, give the verified name
    /// to [`check_named`](Self::check_named).
    pub const fn named(name: TenantName) -> TenantExpectation {
        TenantExpectation(Expected::Named { name })
    }

    /// Expects a tenant of a directory.
    pub fn of(tenant: &Tenant) -> TenantExpectation {
        TenantExpectation::id(tenant.id.clone())
    }

    /// Compares the verified tenant, exactly.
    ///
    /// # Errors
    /// [`TenantMismatch`] where another tenant was expected.
    pub fn check(&self, verified: &TenantId) -> Result<(), TenantMismatch> {
        self.check_named(verified, None)
    }

    /// Compares the verified tenant where verified claims also say its name.
    ///
    /// A known ID decides alone, because names change; the name decides only where nothing else is known.
    ///
    /// # Errors
    /// [`TenantMismatch`] where another tenant was expected.
    pub fn check_named(&self, verified: &TenantId, verified_name: Option<&TenantName>) -> Result<(), TenantMismatch> {
        let same = match (&self.0, verified_name) {
            (Expected::Any, _) => true,
            (Expected::Known { id }, _) => id == verified,
            (Expected::Named { name }, Some(verified_name)) => name == verified_name,
            (Expected::Named { name }, None) => name.as_str() == verified.as_str(),
        };
        if same { Ok(()) } else { Err(TenantMismatch) }
    }
}
