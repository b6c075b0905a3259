//! The platform's logout, which ends the browser's session there.

use super::error::LogoutUrlError;
use super::platform::TenantHost;
use super::query::with_parameters;
use super::resolved::ResolvedConfig;
use super::tenant_url::parse_plain;

/// The most characters of a logout's `state`.
pub const MAX_STATE_CHARS: usize = 512;

/// Whose logout it is, and where it leads afterwards. The hosts are tried in their order here.
#[derive(Clone, Copy, Debug, Default)]
pub struct Logout<'a> {
    /// The custom domain in the session.
    pub custom_domain: Option<&'a TenantHost>,
    /// The host of the tenant in the session.
    pub tenant: Option<&'a TenantHost>,
    /// The custom domain the request names, which the platform has vouched for.
    pub requested_custom_domain: Option<&'a TenantHost>,
    /// The host of the tenant that the request's host or query names, else the one configured as default.
    pub requested_tenant: Option<&'a TenantHost>,
    /// Where the platform sends the browser afterwards; must be registered there.
    pub redirect_url: Option<&'a str>,
    /// A value the platform hands on, at most 512 characters.
    pub state: Option<&'a str>,
}

/// Builds the URL that ends the browser's session at the platform; every value is encoded.
///
/// Without any tenant there is no session to end there that we could name. The browser then goes to `redirect_url`; else, where
/// application-level authorization is on, to the login URL that needs no tenant; else to the page where the user chooses one.
///
/// # Errors
/// [`LogoutUrlError::StateTooLong`] over 512 characters; [`LogoutUrlError::RedirectUrl`] for one that is not absolute https, or
/// http on a loopback name.
///
/// # Security
/// `redirect_url` must come from the configuration or be one that may be followed: without a tenant the browser goes straight
/// there.
pub fn logout_url(config: &ResolvedConfig, logout: Logout<'_>) -> Result<String, LogoutUrlError> {
    if logout
        .state
        .is_some_and(|state| state.chars().count() > MAX_STATE_CHARS)
    {
        return Err(LogoutUrlError::StateTooLong);
    }
    let redirect_url = logout
        .redirect_url
        .map(parse_plain)
        .transpose()
        .map_err(LogoutUrlError::RedirectUrl)?;
    let host = logout
        .custom_domain
        .or(logout.tenant)
        .or(logout.requested_custom_domain)
        .or(logout.requested_tenant);
    if let Some(host) = host {
        let mut sent = vec![("client_id", config.client_id())];
        sent.extend(redirect_url.as_ref().map(|url| ("redirect_url", url.as_str())));
        sent.extend(logout.state.map(|state| ("state", state)));
        return Ok(with_parameters(host.logout_endpoint().url(), &sent));
    }
    if let Some(url) = redirect_url {
        return Ok(url.into());
    }
    let login_url = config
        .tenantless_login_url()
        .filter(|_| config.sends_application_authorization_requests());
    Ok(login_url.map_or_else(|| config.application_login_url(None), |url| url.as_str().to_owned()))
}
