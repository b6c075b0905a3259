//! Whether the tenant of a session is still known, where all tenants share a host.
//!
//! At a tenant's own host the directory was asked for the host already, and the session must be of the tenant it named. At a
//! host that everybody shares nothing has asked: a session outlives its tenant there unless somebody looks.

use doorward_core::code::Code;
use doorward_core::ports::{BoxFuture, Found};
use doorward_core::tenant::{TenantId, TenantScope};

use crate::problem::Denial;
use crate::session::Session;
use crate::site::Here;

/// The answer, now or once the directory has given it.
pub(crate) enum KnownTenant {
    Ready(Result<(), Denial>),
    Wait(BoxFuture<'static, Result<(), Denial>>),
}

impl Here<'_> {
    /// Looks the tenant of a session up; without tenants, or at one tenant's own host, there is nothing to look up.
    pub(crate) fn check_tenant_is_known(self, session: &Session) -> KnownTenant {
        let Some(sites) = self.sites.as_ref().filter(|_| self.site.scope == TenantScope::Any) else {
            return KnownTenant::Ready(Ok(()));
        };
        let Ok(id) = TenantId::from_claim(session.inner.live.tenant()) else {
            return KnownTenant::Ready(Err(Denial::new(Code::TenantMismatch)));
        };
        match sites.find_tenant(&id) {
            Found::Ready(tenant) => KnownTenant::Ready(verdict(tenant.is_some())),
            Found::Wait(answer) => KnownTenant::Wait(Box::pin(async move {
                let tenant = crate::sites::answer(Found::Wait(answer)).await;
                verdict(tenant.map_err(Denial::nowhere)?.is_some())
            })),
        }
    }
}

fn verdict(is_known: bool) -> Result<(), Denial> {
    match is_known {
        true => Ok(()),
        false => Err(Denial::new(Code::TenantMismatch)),
    }
}
