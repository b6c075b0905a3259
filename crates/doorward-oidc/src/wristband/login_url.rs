//! The way back to the login endpoint when a callback cannot be completed.

use super::host::TenantLabel;
use super::platform::TenantHost;
use super::query::with_parameters;
use super::resolved::ResolvedConfig;

/// Builds the URL at which a login is begun anew, for the same tenant and with the same return URL.
///
/// The login URL's placeholder is filled with the tenant; where it has none, the tenant goes along as `tenant_name`. A login URL
/// keeps the query it has. Without a tenant to fill a placeholder with, the fallback login URL is taken, else the page on which
/// users choose a tenant.
///
/// # Security
/// The tenant must be the one in our own login ticket; `return_url` must be one that may be followed.
#[must_use]
pub fn tenant_login_url(
    config: &ResolvedConfig,
    tenant: Option<&TenantLabel>,
    custom_domain: Option<&TenantHost>,
    return_url: Option<&str>,
) -> String {
    let filled = tenant
        .filter(|_| config.login_url().has_placeholder())
        .and_then(|tenant| config.login_url().at(tenant).ok());
    let in_query = tenant.filter(|_| filled.is_none());
    let Some(login_url) = filled.as_ref().or(config.tenantless_login_url()) else {
        return config.application_login_url(return_url);
    };
    let custom_domain = custom_domain.map(TenantHost::authority);
    let mut sent = Vec::new();
    sent.extend(in_query.map(|tenant| ("tenant_name", tenant.as_str())));
    sent.extend(custom_domain.as_deref().map(|domain| ("tenant_custom_domain", domain)));
    sent.extend(return_url.map(|url| ("return_url", url)));
    with_parameters(login_url, &sent)
}
