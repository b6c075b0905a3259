//! What an application says about a tenant.

use doorward_core::tenant::{self, HostName, TenantId, TenantName};

use crate::error::BuildError;

/// A tenant: a customer whose users are apart from everybody else's.
///
/// # Example
/// ```
/// use doorward_engine::Tenant;
///
/// // Signs in with the first provider, at its place in `https://{tenant}.app.example.com`.
/// let acme = Tenant::new("acme");
/// // Has a host of its own and a provider of its own, which calls it by a number.
/// let globex = Tenant::new("globex").host("portal.globex.com").provider("globex-id").id("4711");
/// ```
#[derive(Clone, Debug)]
pub struct Tenant {
    name: String,
    id: Option<String>,
    hosts: Vec<String>,
    provider: Option<String>,
    custom_domain: Option<String>,
}

impl Tenant {
    /// Names a tenant as host names and login links do: one DNS label.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            id: None,
            hosts: Vec::new(),
            provider: None,
            custom_domain: None,
        }
    }

    /// Says what the provider's tenant claim holds for its users, exactly; the name unless set.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Adds a host of the application that is this tenant's alone, besides the one that a `{tenant}` in
    /// the public URL gives it.
    #[must_use]
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.hosts.push(host.into());
        self
    }

    /// Names the provider that its users sign in with; the first one unless set.
    #[must_use]
    pub fn provider(mut self, name: impl Into<String>) -> Self {
        self.provider = Some(name.into());
        self
    }

    /// Names the tenant's own domain at a provider whose tenants can have one.
    #[must_use]
    pub fn custom_domain(mut self, host: impl Into<String>) -> Self {
        self.custom_domain = Some(host.into());
        self
    }

    /// Judges the tenant alone, as building the application will; whether its provider is there, and its names are its
    /// own, only all settings together tell.
    ///
    /// # Errors
    /// [`BuildError`] for the first setting that cannot be used.
    pub fn check(&self) -> Result<(), BuildError> {
        self.checked().map(|_| ())
    }

    pub(crate) fn checked(&self) -> Result<tenant::Tenant, BuildError> {
        let host = |key, text: &String| HostName::parse(text).map_err(|error| BuildError::setting(key, error));
        let name = TenantName::parse(&self.name).map_err(|error| BuildError::setting("tenants.name", error))?;
        let id = match &self.id {
            None => TenantId::from(&name),
            Some(id) => TenantId::from_claim(id).map_err(|error| BuildError::setting("tenants.id", error))?,
        };
        Ok(tenant::Tenant {
            id,
            name,
            hosts: self
                .hosts
                .iter()
                .map(|text| host("tenants.hosts", text))
                .collect::<Result<_, _>>()?,
            provider: self.provider.clone(),
            custom_domain: self
                .custom_domain
                .as_ref()
                .map(|text| host("tenants.custom_domain", text))
                .transpose()?,
        })
    }
}
