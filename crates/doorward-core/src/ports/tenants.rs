//! Where tenants are looked up.

use std::{error::Error, sync::Arc};

use super::BoxFuture;
use crate::tenant::{HostName, Tenant, TenantId, TenantName};

/// Knows the tenants.
///
/// A list in memory answers with [`Found::Ready`] and costs no future; a database answers with [`Found::Wait`], and does
/// its own caching. Both are given parsed values only.
pub trait TenantDirectory: Send + Sync + 'static {
    /// Finds the tenant that a host of ours belongs to.
    ///
    /// Hosts that follow from a `{tenant}` in the public URL are asked for by [`by_name`](Self::by_name), and here only where
    /// there is no such tenant. The host of the public URL itself, and that of no tenant, are not asked for at all.
    ///
    /// # Security
    /// Whoever may enter a host here decides who signs people in there. Where tenants do it themselves, let them prove that
    /// the host is theirs.
    fn by_host(&self, host: &HostName) -> Found;

    /// Finds the tenant of a name.
    fn by_name(&self, name: &TenantName) -> Found;

    /// Finds the tenant that a provider's claim speaks of.
    fn by_id(&self, id: &TenantId) -> Found;
}

/// An answer of a [`TenantDirectory`], at once or later.
pub enum Found {
    /// The answer; `None` means that there is no such tenant.
    Ready(Option<Arc<Tenant>>),
    /// The answer has to be waited for.
    Wait(BoxFuture<'static, Result<Option<Arc<Tenant>>, DirectoryUnavailable>>),
}

impl core::fmt::Debug for Found {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Found::Ready(tenant) => f.debug_tuple("Ready").field(tenant).finish(),
            Found::Wait(_) => f.write_str("Wait"),
        }
    }
}

/// A directory that could not answer: an outage, never "no such tenant".
///
/// # Security
/// Neither `Display` nor `Debug` shows the cause, which may hold a connection string; it is in
/// [`source`](Error::source) for whoever decides to look.
#[derive(Default, thiserror::Error)]
#[error("tenant directory is out of reach")]
pub struct DirectoryUnavailable {
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl DirectoryUnavailable {
    /// Makes an error without a cause.
    pub const fn new() -> DirectoryUnavailable {
        DirectoryUnavailable { source: None }
    }

    /// Makes an error with its cause.
    pub fn with_source(source: impl Into<Box<dyn Error + Send + Sync>>) -> DirectoryUnavailable {
        DirectoryUnavailable {
            source: Some(source.into()),
        }
    }
}

impl core::fmt::Debug for DirectoryUnavailable {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("DirectoryUnavailable").finish_non_exhaustive()
    }
}
