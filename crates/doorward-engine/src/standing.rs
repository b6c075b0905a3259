//! Whether a session's tenant is still there, where no host says so.
//!
//! A tenant's own host is found by way of the directory, so that a tenant that is gone has no host. Any other host, of
//! everybody's or of an application for one tenant, is there without: the directory is asked about the session's tenant instead.

use std::sync::Arc;

use doorward_core::code::Code;
use doorward_core::ports::Found;
use doorward_core::tenant::{Tenant, TenantId};

use crate::guard::{Identified, Identifying};
use crate::problem::Denial;
use crate::session::Session;
use crate::site::Here;
use crate::sites::Sites;

impl Here<'_> {
    /// Refuses the session of a tenant that is not known any more, or that signs in with another provider by now.
    pub(crate) fn of_known_tenant(self, identifying: Identifying) -> Identifying {
        // Whatever the scope says: one that names a single tenant does not know whether that tenant is still there.
        let (Some(sites), None) = (&self.sites, &self.site.tenant) else {
            return identifying;
        };
        match identifying {
            Identifying::Ready(identified) => self.ask_about(sites, identified),
            Identifying::Wait(identifying) => {
                let owned = self.to_owned();
                Identifying::Wait(Box::pin(async move {
                    let identified = identifying.await;
                    let here = owned.here();
                    let Some(sites) = &here.sites else { return identified };
                    match here.ask_about(sites, identified) {
                        Identifying::Ready(identified) => identified,
                        Identifying::Wait(identifying) => identifying.await,
                    }
                }))
            }
        }
    }

    fn ask_about(self, sites: &Arc<Sites>, identified: Identified) -> Identifying {
        let (session, csrf) = match identified {
            Ok(identified) => identified,
            Err(denial) => return Identifying::Ready(Err(denial)),
        };
        let Ok(id) = TenantId::from_claim(session.inner.live.tenant()) else {
            return Identifying::Ready(Err(Denial::new(Code::TenantMismatch)));
        };
        match sites.with_id(&id) {
            Found::Ready(tenant) => Identifying::Ready(
                self.check_tenant_of(&session, tenant.as_deref())
                    .map(|()| (session, csrf)),
            ),
            Found::Wait(answer) => {
                let owned = self.to_owned();
                Identifying::Wait(Box::pin(async move {
                    let tenant = answer
                        .await
                        .map_err(|error| Denial::nowhere(crate::sites::out_of_reach(&error)))?;
                    owned.here().check_tenant_of(&session, tenant.as_deref())?;
                    Ok((session, csrf))
                }))
            }
        }
    }

    fn check_tenant_of(self, session: &Session, tenant: Option<&Tenant>) -> Result<(), Denial> {
        let sites = self.sites.as_ref();
        let expected = tenant.and_then(|tenant| sites?.provider_of(tenant));
        let own = self.site.providers.of_session(&session.inner.live);
        match (expected, own) {
            (Some(expected), Some(own)) if Arc::ptr_eq(expected, own) => Ok(()),
            _ => Err(Denial::new(Code::TenantMismatch)),
        }
    }
}
