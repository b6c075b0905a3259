//! Whose user signed in: the verified tenant, held against the one that the login was for.

use std::sync::Arc;

use doorward_core::code::Code;
use doorward_core::session::ProviderTenant;
use doorward_core::tenant::{HostName, Tenant, TenantExpectation, TenantId, TenantName};

use crate::platform_user::PlatformUser;
use crate::provider::ProviderState;
use crate::site::Here;
use crate::token_calls::{LoginFailure, SignedIn};

/// What the login's ticket says of the tenant.
pub(super) struct Expected {
    pub(super) tenant: TenantExpectation,
    pub(super) custom_domain: Option<HostName>,
    /// What the login carried for the application.
    pub(super) carried: Vec<(String, String)>,
}

/// The tenant of a verified user: as sessions name it, and as the provider does.
pub(super) struct TenantOfUser {
    pub(super) id: TenantId,
    pub(super) at_provider: Option<ProviderTenant>,
}

impl Here<'_> {
    /// Holds the verified user against the tenant that the login was for.
    ///
    /// # Security
    /// The tenant is the token's word, never the callback's query. A provider speaks for the tenants that
    /// sign in with it and for no other, or one customer's provider could name users of another's.
    pub(super) async fn check_tenant(
        self,
        provider: &Arc<ProviderState>,
        expected: &Expected,
        signed_in: &SignedIn,
    ) -> Result<TenantOfUser, LoginFailure> {
        let denied = |reason| LoginFailure::new(Code::LoginDenied, reason).of_a_user();
        let verified =
            TenantId::from_claim(&signed_in.user.tenant).map_err(|_| denied("user's tenant has no usable name"))?;
        let platform = signed_in.platform.as_ref();
        let name = platform.and_then(PlatformUser::tenant_name);
        let known = self.known_tenant(&verified, name.as_ref()).await?;
        let id = match (&self.sites, &known) {
            (None, _) => verified,
            (Some(_), Some(tenant)) => tenant.id.clone(),
            (Some(_), None) => return Err(denied("user's tenant is not known")),
        };
        let is_expected = expected.tenant.check_named(&id, name.as_ref()).is_ok();
        if !self.site.scope.admits(id.as_str()) || !is_expected {
            return Err(denied("user belongs to another tenant"));
        }
        if let (Some(sites), Some(tenant)) = (&self.sites, &known) {
            let own = sites.provider_of(tenant);
            if !own.is_some_and(|own| Arc::ptr_eq(own, provider)) {
                return Err(denied("user's tenant signs in with another provider"));
            }
        }
        let custom_domain = expected.custom_domain.as_ref();
        // Security: whoever owns a domain can send the browser on to another tenant's host; the session would say farewell at
        // the owner's.
        if known.as_ref().is_some_and(|known| !known.may_sign_in_at(custom_domain)) {
            return Err(denied("user's tenant has another custom domain"));
        }
        let custom_domain = custom_domain.or_else(|| known.as_ref()?.custom_domain.as_ref());
        Ok(TenantOfUser {
            id,
            at_provider: platform.map(|user| ProviderTenant {
                id: user.tenant.id().to_owned(),
                name: name.as_ref().map(|name| name.as_str().to_owned()),
                custom_domain: custom_domain.map(|host| host.as_str().to_owned()),
            }),
        })
    }

    /// Finds the configured tenant that verified claims speak of: by the provider's ID of it, or by the name that
    /// the provider vouches for, where the configuration knows no other ID.
    async fn known_tenant(
        self,
        verified: &TenantId,
        name: Option<&TenantName>,
    ) -> Result<Option<Arc<Tenant>>, LoginFailure> {
        let Some(sites) = &self.sites else { return Ok(None) };
        let outage = |code| LoginFailure::new(code, "tenants cannot be looked up");
        if let Some(tenant) = sites.tenant_with_id(verified).await.map_err(outage)? {
            return Ok(Some(tenant));
        }
        let Some(name) = name else { return Ok(None) };
        let named = sites.tenant_named(name).await.map_err(outage)?;
        Ok(named.filter(|tenant| tenant.id.as_str() == tenant.name.as_str()))
    }
}
