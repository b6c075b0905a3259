//! The tenants of a configuration, or none in particular.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    sync::Arc,
};

use super::{HostName, TenantId, TenantName};
use crate::ports::{Found, TenantDirectory};

/// One tenant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tenant {
    /// What people call it: in host names, in login links, in front of a platform's host.
    pub name: TenantName,
    /// What the provider's claim says for it, exactly; the name unless configured.
    pub id: TenantId,
    /// Hosts of ours that belong to it, besides the one that a `{tenant}` in the public URL gives it.
    pub hosts: Vec<HostName>,
    /// The provider its users sign in with, by its configured name; `None` means the only or first one.
    pub provider: Option<String>,
    /// The domain of its own at the provider (Wristband), which the configuration vouches for.
    pub custom_domain: Option<HostName>,
}

impl Tenant {
    /// Makes a tenant of which only the name is known.
    pub fn named(name: TenantName) -> Tenant {
        Tenant {
            id: TenantId::from(&name),
            name,
            hosts: Vec::new(),
            provider: None,
            custom_domain: None,
        }
    }

    /// Tells whether a domain at the provider may be this tenant's: where its own is known, that one and no other.
    pub fn may_sign_in_at(&self, custom_domain: Option<&HostName>) -> bool {
        match (custom_domain, &self.custom_domain) {
            (Some(asked), Some(own)) => asked == own,
            _ => true,
        }
    }
}

/// Two tenants that could not be told apart.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfiguredTenantsError {
    /// One name twice.
    #[error("tenant name \"{0}\" is given twice")]
    DuplicateName(TenantName),
    /// One ID twice: the sessions of both would be the same tenant's.
    #[error("tenants \"{first}\" and \"{second}\" have the same id")]
    DuplicateId {
        /// The one that comes first.
        first: TenantName,
        /// The other.
        second: TenantName,
    },
    /// One host twice.
    #[error("host \"{0}\" is given twice")]
    DuplicateHost(HostName),
    /// One domain at the provider twice.
    #[error("custom domain \"{0}\" is given twice")]
    DuplicateCustomDomain(HostName),
}

/// The tenants of a configuration; any other name is unknown.
#[derive(Clone, Default, Debug)]
pub struct ConfiguredTenants {
    tenants: Vec<Arc<Tenant>>,
    by_name: HashMap<TenantName, Arc<Tenant>>,
    by_host: HashMap<HostName, Arc<Tenant>>,
    by_id: HashMap<TenantId, Arc<Tenant>>,
}

impl ConfiguredTenants {
    /// Takes the tenants.
    ///
    /// # Errors
    /// [`ConfiguredTenantsError`] where a name, an ID, a host or a custom domain is given twice, be it for one tenant.
    pub fn new(tenants: Vec<Tenant>) -> Result<ConfiguredTenants, ConfiguredTenantsError> {
        let mut list = ConfiguredTenants::default();
        let mut custom_domains: HashSet<HostName> = HashSet::new();
        for tenant in tenants {
            let tenant = Arc::new(tenant);
            match list.by_name.entry(tenant.name.clone()) {
                Entry::Occupied(taken) => return Err(ConfiguredTenantsError::DuplicateName(taken.key().clone())),
                Entry::Vacant(free) => free.insert(Arc::clone(&tenant)),
            };
            if let Some(first) = list.by_id.insert(tenant.id.clone(), Arc::clone(&tenant)) {
                return Err(ConfiguredTenantsError::DuplicateId {
                    first: first.name.clone(),
                    second: tenant.name.clone(),
                });
            }
            for host in &tenant.hosts {
                if list.by_host.insert(host.clone(), Arc::clone(&tenant)).is_some() {
                    return Err(ConfiguredTenantsError::DuplicateHost(host.clone()));
                }
            }
            if let Some(domain) = &tenant.custom_domain
                && !custom_domains.insert(domain.clone())
            {
                return Err(ConfiguredTenantsError::DuplicateCustomDomain(domain.clone()));
            }
            list.tenants.push(tenant);
        }
        Ok(list)
    }

    /// Returns the tenants in the order of the configuration.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<Tenant>> {
        self.tenants.iter()
    }

    /// Tells whether there is none.
    pub fn is_empty(&self) -> bool {
        self.tenants.is_empty()
    }
}

impl TenantDirectory for ConfiguredTenants {
    fn by_host(&self, host: &HostName) -> Found {
        Found::Ready(self.by_host.get(host).cloned())
    }

    fn by_name(&self, name: &TenantName) -> Found {
        Found::Ready(self.by_name.get(name).cloned())
    }

    fn by_id(&self, id: &TenantId) -> Found {
        Found::Ready(self.by_id.get(id).cloned())
    }
}

/// Takes every well-formed name for a tenant: for platforms where the provider knows who there is.
///
/// The ID is taken to be the name.
#[derive(Clone, Copy, Default, Debug)]
pub struct OpenTenants;

impl TenantDirectory for OpenTenants {
    fn by_host(&self, _: &HostName) -> Found {
        Found::Ready(None)
    }

    fn by_name(&self, name: &TenantName) -> Found {
        Found::Ready(Some(Arc::new(Tenant::named(name.clone()))))
    }

    fn by_id(&self, id: &TenantId) -> Found {
        let name = TenantName::parse(id.as_str()).ok();
        // A name is written in one way only: an ID that is not it belongs to nobody.
        let tenant = name.map(Tenant::named).filter(|tenant| tenant.id == *id);
        Found::Ready(tenant.map(Arc::new))
    }
}
