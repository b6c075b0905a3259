//! Which site a request is for: its host picks among those that the configuration stands for, and adds none.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use doorward_core::code::Code;
use doorward_core::origin::PublicUrl;
use doorward_core::ports::{BoxFuture, Found, TenantDirectory};
use doorward_core::request::RequestView;
use doorward_core::tenant::{HostName, PublicUrlPattern, Tenant, TenantId, TenantName, TenantScope};

use crate::plan::SitePlan;
use crate::provider::ProviderState;
use crate::site::Site;

/// Sites kept ready; beyond it they are made anew, which costs some microseconds.
const MAX_MADE: usize = 10_000;

/// The sites of an instance whose tenants have hosts of their own.
pub(crate) struct Sites {
    pattern: PublicUrlPattern,
    directory: Arc<dyn TenantDirectory>,
    plan: SitePlan,
    home: Arc<Site>,
    /// Derived from the directory's answers, never instead of them: a tenant that is gone has no site.
    made: Mutex<HashMap<Place, Arc<Site>>>,
}

/// A tenant's host: that of the pattern, or one that was configured.
type Place = (TenantName, Option<HostName>);

/// The site of a host.
pub(crate) type Finding = Result<Arc<Site>, Code>;

/// [`Finding`], now or once the directory has answered.
pub(crate) enum Finder {
    Ready(Finding),
    Wait(BoxFuture<'static, Finding>),
}

/// What a request says its host is.
struct Asked {
    host: HostName,
    port: Option<u16>,
}

impl Asked {
    fn parse(text: &str) -> Option<Self> {
        let (host, port) = HostName::host_and_port(text).ok()?;
        Some(Self { host, port })
    }
}

impl Sites {
    pub(crate) fn new(
        pattern: PublicUrlPattern,
        directory: Arc<dyn TenantDirectory>,
        plan: SitePlan,
        home: Arc<Site>,
    ) -> Self {
        Self {
            pattern,
            directory,
            plan,
            home,
            made: Mutex::default(),
        }
    }

    /// Finds the site that a request is for.
    ///
    /// # Security
    /// The host is the caller's word. It can only pick a site that exists: addresses of a site come
    /// from the pattern or from the directory.
    pub(crate) fn find(self: &Arc<Self>, view: RequestView<'_>) -> Finder {
        let Some(asked) = view.host().and_then(Asked::parse) else {
            return Finder::Ready(Err(Code::TenantUnknown));
        };
        // Security: of our own hosts the pattern speaks before the directory. In many a directory the tenants' own
        // administrators enter hosts, and one of them would have another's users, or everybody's.
        if self.pattern.is_no_tenants(&asked.host) {
            return Finder::Ready(self.of_nobody(&asked));
        }
        let Some(name) = self.pattern.name_at(&asked.host) else {
            return self.find_by_host(asked);
        };
        match self.directory.by_name(&name) {
            Found::Ready(Some(tenant)) => Finder::Ready(self.after_name(&asked, &tenant)),
            Found::Ready(None) => self.find_by_host(asked),
            Found::Wait(answer) => {
                let this = Arc::clone(self);
                Finder::Wait(Box::pin(async move {
                    if let Some(tenant) = answer.await.map_err(|error| out_of_reach(&error))? {
                        return this.after_name(&asked, &tenant);
                    }
                    match this.find_by_host(asked) {
                        Finder::Ready(finding) => finding,
                        Finder::Wait(finding) => finding.await,
                    }
                }))
            }
        }
    }

    /// Finds the tenant that a host was given to.
    fn find_by_host(self: &Arc<Self>, asked: Asked) -> Finder {
        match self.directory.by_host(&asked.host) {
            Found::Ready(tenant) => Finder::Ready(self.after_host(&asked, tenant)),
            Found::Wait(answer) => {
                let this = Arc::clone(self);
                Finder::Wait(Box::pin(async move {
                    let tenant = answer.await.map_err(|error| out_of_reach(&error))?;
                    this.after_host(&asked, tenant)
                }))
            }
        }
    }

    /// At another port than the pattern's a tenant's host is nobody's.
    fn after_name(&self, asked: &Asked, tenant: &Arc<Tenant>) -> Finding {
        match self.pattern.tenant_of(&asked.host, asked.port) {
            Some(_) => self.site(tenant, None),
            None => self.of_nobody(asked),
        }
    }

    fn after_host(&self, asked: &Asked, tenant: Option<Arc<Tenant>>) -> Finding {
        match tenant {
            Some(tenant) => self.site(&tenant, Some(&asked.host)),
            None => self.of_nobody(asked),
        }
    }

    /// Finds a tenant by the name that a login gives.
    pub(crate) async fn tenant_named(&self, name: &TenantName) -> Result<Option<Arc<Tenant>>, Code> {
        answer(self.directory.by_name(name)).await
    }

    /// Finds the tenant that a provider's claim speaks of.
    pub(crate) async fn tenant_with_id(&self, id: &TenantId) -> Result<Option<Arc<Tenant>>, Code> {
        answer(self.with_id(id)).await
    }

    /// The same, at once where the directory answers at once.
    pub(crate) fn with_id(&self, id: &TenantId) -> Found {
        // Security: users whom the provider gives no tenant are all of this one. A customer who is called so, in a directory
        // that customers fill, is not to have them.
        if *id == TenantId::default_tenant() {
            return Found::Ready(None);
        }
        self.directory.by_id(id)
    }

    /// The provider that a tenant's users sign in with.
    pub(crate) fn provider_of(&self, tenant: &Tenant) -> Option<&Arc<ProviderState>> {
        let found = self.plan.provider_of(tenant);
        found
            .inspect_err(|error| tracing::error!(%error, "tenant cannot sign in"))
            .ok()
    }

    /// The address of a tenant's own site, where each tenant has one by the pattern.
    pub(crate) fn public_url_of(&self, name: &TenantName) -> Option<PublicUrl> {
        self.pattern.has_tenants().then(|| self.pattern.for_tenant(name))
    }

    /// A host that is no tenant's.
    fn of_nobody(&self, asked: &Asked) -> Finding {
        // Behind a proxy that rewrites the host every request looks like one to nobody: without a
        // pattern that is no more than a detour at login.
        if !self.pattern.has_tenants() || self.is_home(asked) {
            return Ok(Arc::clone(&self.home));
        }
        Err(Code::TenantUnknown)
    }

    fn is_home(&self, asked: &Asked) -> bool {
        let Some(url) = self.pattern.without_tenant() else {
            return false;
        };
        let own = url.origin();
        let default = if own.is_https() { 443 } else { 80 };
        own.host() == asked.host.as_str() && own.port() == asked.port.unwrap_or(default)
    }

    fn site(&self, tenant: &Arc<Tenant>, host: Option<&HostName>) -> Finding {
        let place = (tenant.name.clone(), host.cloned());
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(site) = made.get(&place)
            && site
                .tenant
                .as_ref()
                .is_some_and(|known| Arc::ptr_eq(known, tenant) || known == tenant)
        {
            return Ok(Arc::clone(site));
        }
        let public_url = match host {
            None => self.pattern.for_tenant(&tenant.name),
            Some(host) => self.url_of(host)?,
        };
        let scope = TenantScope::One(tenant.id.clone());
        let site = self
            .plan
            .site(public_url, scope, Some(Arc::clone(tenant)))
            .map_err(|error| {
                tracing::error!(%error, tenant = tenant.name.as_str(), "tenant cannot be served");
                Code::NotConfigured
            })?;
        let site = Arc::new(site);
        if made.len() >= MAX_MADE {
            made.clear();
        }
        made.insert(place, Arc::clone(&site));
        Ok(site)
    }

    /// A configured host stands at the scheme and port of the public URL.
    fn url_of(&self, host: &HostName) -> Result<PublicUrl, Code> {
        let own = self.home.public_url.origin();
        let scheme = if own.is_https() { "https" } else { "http" };
        PublicUrl::parse(&format!("{scheme}://{host}:{}", own.port())).map_err(|error| {
            tracing::error!(%error, host = host.as_str(), "host of a tenant cannot be served");
            Code::NotConfigured
        })
    }
}

async fn answer(found: Found) -> Result<Option<Arc<Tenant>>, Code> {
    match found {
        Found::Ready(tenant) => Ok(tenant),
        Found::Wait(answer) => answer.await.map_err(|error| out_of_reach(&error)),
    }
}

pub(crate) fn out_of_reach(error: &doorward_core::ports::DirectoryUnavailable) -> Code {
    tracing::error!(%error, "tenants cannot be looked up");
    Code::StoreUnavailable
}
