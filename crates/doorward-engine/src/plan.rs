//! What every site is made by: the settings that sites share, and the providers to choose among.

use std::sync::Arc;

use doorward_core::origin::{AllowedOrigins, PublicUrl};
use doorward_core::return_url::ReturnUrl;
use doorward_core::tenant::{Tenant, TenantScope};

use crate::error::BuildError;
use crate::provider::ProviderState;
use crate::site::{Providers, Site, Urls};

/// The settings that all sites share.
pub(crate) struct SitePlan {
    pub(crate) app_origins: Vec<String>,
    pub(crate) base_path: String,
    pub(crate) default_return_url: Option<String>,
    pub(crate) post_logout_url: Option<String>,
    /// By their names in the configuration; the first is the default.
    pub(crate) providers: Vec<(String, Arc<ProviderState>)>,
}

impl SitePlan {
    /// Makes the site at a public URL.
    ///
    /// # Errors
    /// [`BuildError`] naming the setting; for a tenant's site that can be the provider it names.
    pub(crate) fn site(
        &self,
        public_url: PublicUrl,
        scope: TenantScope,
        tenant: Option<Arc<Tenant>>,
    ) -> Result<Site, BuildError> {
        let origins = AllowedOrigins::new(public_url.origin(), &self.app_origins)
            .map_err(|error| BuildError::setting("server.app_origins", error))?;
        Ok(Site {
            urls: self.urls(&public_url, &origins)?,
            providers: self.providers(tenant.as_deref())?,
            public_url,
            origins,
            tenant,
            scope,
        })
    }

    /// The provider that a tenant's users sign in with.
    ///
    /// # Errors
    /// [`BuildError`] where the tenant names one that is not configured.
    pub(crate) fn provider_of(&self, tenant: &Tenant) -> Result<&Arc<ProviderState>, BuildError> {
        let found = match &tenant.provider {
            None => self.providers.first(),
            Some(name) => self.providers.iter().find(|(known, _)| known == name),
        };
        found.map(|(_, provider)| provider).ok_or_else(|| {
            let name = tenant.provider.as_deref().unwrap_or_default();
            BuildError::text(
                "tenants.provider",
                format!(
                    "tenant {} names the provider {name:?}, which is not configured",
                    tenant.name
                ),
            )
        })
    }

    /// A tenant's site takes its own provider alone; a site of everybody's takes them all.
    fn providers(&self, tenant: Option<&Tenant>) -> Result<Providers, BuildError> {
        match tenant {
            Some(tenant) => Ok(Providers::one(Arc::clone(self.provider_of(tenant)?))),
            None => {
                let all = Providers::of(&self.providers);
                all.ok_or_else(|| BuildError::text("provider.issuer", "expected a value, found none"))
            }
        }
    }

    fn urls(&self, public_url: &PublicUrl, origins: &AllowedOrigins) -> Result<Urls, BuildError> {
        let return_url = |key, given: &Option<String>| {
            let given = given.as_deref().unwrap_or("/");
            ReturnUrl::parse(given, origins).ok_or_else(|| {
                BuildError::text(
                    key,
                    format!("expected a path, or a URL on the public origin or one of app_origins, found {given:?}"),
                )
            })
        };
        let base_path = &self.base_path;
        Ok(Urls {
            login: public_url.join(&format!("{base_path}/login")),
            logout: public_url.join(&format!("{base_path}/logout")),
            callback: public_url.join(&format!("{base_path}/callback")),
            default_return_url: return_url("auth.default_return_url", &self.default_return_url)?,
            post_logout: return_url("auth.post_logout_url", &self.post_logout_url)?,
            post_logout_is_ours: self.post_logout_url.is_some(),
        })
    }
}
