//! Which tenant a request is for, and which one a login is for.

use super::{HostName, TenantId, TenantName};

/// The tenants whose sessions a request may use.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TenantScope {
    /// Any tenant: the application separates them by `user.tenant` itself.
    Any,
    /// Exactly one.
    One(TenantId),
    /// None: the place is no tenant's, where all users are some tenant's.
    Nobody,
}

impl TenantScope {
    /// Tells whether a session of `tenant` is at home here; names are compared exactly.
    pub fn admits(&self, tenant: &str) -> bool {
        match self {
            TenantScope::Any => true,
            TenantScope::One(own) => own.as_str() == tenant,
            TenantScope::Nobody => false,
        }
    }
}

/// Who names the tenant of a login, besides a host that belongs to one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum NamesFrom {
    /// `tenant_name` of the login link.
    #[default]
    Query,
    /// The subdomain alone; `tenant_name` names nobody.
    Subdomains,
}

/// Everything that may say which tenant a login is for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TenantHints {
    /// Who names the tenant.
    pub names_from: NamesFrom,
    /// `tenant_custom_domain` of the login link, left out unless the platform or the configuration vouched for it.
    pub custom_domain: Option<HostName>,
    /// What the host of the request has at the place of `{tenant}` in the public URL.
    pub subdomain: Option<TenantName>,
    /// The tenant that the directory gives the host of the request to; goes before `subdomain`.
    pub host_tenant: Option<TenantName>,
    /// `tenant_name` of the login link.
    pub query: Option<TenantName>,
    /// The configured custom domain for logins that name no tenant.
    pub default_custom_domain: Option<HostName>,
    /// The configured tenant for logins that name none.
    pub default_name: Option<TenantName>,
}

/// Which tenant a login is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ResolvedTenant {
    /// A tenant by its name.
    Named {
        /// The name.
        name: TenantName,
        /// The domain at the provider that the login link asked for.
        custom_domain: Option<HostName>,
    },
    /// Whoever owns this domain at the provider.
    CustomDomain(HostName),
    /// Nobody in particular: the provider asks the user, or has no tenants.
    None,
}

/// A login link that names another tenant than the host it leads to belongs to.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("login link names tenant \"{query}\" at a host of tenant \"{host}\"")]
pub struct TenantConflict {
    /// The tenant whose host it is.
    pub host: TenantName,
    /// The tenant that the link names.
    pub query: TenantName,
}

/// Decides which tenant a login is for: the first of these that names one.
///
/// 1. The custom domain of the login link, once the platform has vouched for it. It is the place to sign in; whatever
///    tenant the host or the link names stays what the login must end with.
/// 2. The host: the tenant it belongs to. Else, where hosts do not decide, the name in the login link.
/// 3. The configured custom domain.
/// 4. The configured name.
/// 5. Nobody: the provider asks the user.
///
/// # Errors
/// [`TenantConflict`] where the link names another tenant than the host, whether names come from hosts or not: who shares a link to one tenant's host means that tenant.
///
/// # Security
/// The link is anyone's. It picks among tenants; which tenant the session belongs to is the verified token's to say, and
/// [`TenantExpectation`](super::TenantExpectation) holds it to what was decided here.
pub fn resolve(hints: TenantHints) -> Result<ResolvedTenant, TenantConflict> {
    let host = hints.host_tenant.or(hints.subdomain);
    let name = match (host, hints.query) {
        (Some(host), Some(query)) if host != query => return Err(TenantConflict { host, query }),
        (Some(host), _) => Some(host),
        (None, query) => query.filter(|_| hints.names_from == NamesFrom::Query),
    };
    Ok(match (name, hints.custom_domain) {
        (Some(name), custom_domain) => ResolvedTenant::Named { name, custom_domain },
        (None, Some(domain)) => ResolvedTenant::CustomDomain(domain),
        (None, None) => match (hints.default_custom_domain, hints.default_name) {
            (Some(domain), _) => ResolvedTenant::CustomDomain(domain),
            (None, Some(name)) => ResolvedTenant::Named {
                name,
                custom_domain: None,
            },
            (None, None) => ResolvedTenant::None,
        },
    })
}
