//! Where a login begins.
//!
//! A login that knows its tenant begins at the tenant's host. One that does not begins at the application's host where
//! application-level authorization is on, else on a page where the user chooses the tenant first. The authorization request
//! itself is the one of every provider ([`begin`](crate::begin)); the redirect URI goes into it as it was configured, with its
//! placeholder, and the platform fills that.

use super::platform::TenantHost;
use super::query::with_parameters;
use super::resolved::ResolvedConfig;
use crate::metadata::ProviderMetadata;

/// The first step of a login.
#[derive(Clone, Debug)]
pub enum LoginStep {
    /// Send the browser to the authorization endpoint of this metadata, with a login ticket.
    Authorize(Box<ProviderMetadata>),
    /// Send the browser to this URL, without a ticket: the user chooses a tenant there and comes back to the login endpoint.
    ChooseTenant(String),
}

impl ResolvedConfig {
    /// Says where a login begins, given the tenant's host if the request names a tenant.
    ///
    /// `return_url` comes back to the login endpoint by way of the tenant choice.
    ///
    /// # Security
    /// `return_url` must be one that may be followed after the login; it is judged again when it comes back.
    #[must_use]
    pub fn login_step(&self, tenant: Option<&TenantHost>, return_url: Option<&str>) -> LoginStep {
        match tenant {
            Some(host) => LoginStep::Authorize(Box::new(self.platform().metadata_at(host))),
            None if self.sends_application_authorization_requests() => {
                LoginStep::Authorize(Box::new(self.platform().metadata()))
            }
            None => LoginStep::ChooseTenant(self.application_login_url(return_url)),
        }
    }

    /// Returns the URL of the page on which users choose their tenant.
    ///
    /// The platform hands `state` back to the login endpoint as `return_url`. A page of the application's own keeps the query it
    /// has.
    #[must_use]
    pub fn application_login_url(&self, return_url: Option<&str>) -> String {
        let mut sent = vec![("client_id", self.client_id())];
        sent.extend(return_url.map(|url| ("state", url)));
        with_parameters(self.application_login_page(), &sent)
    }
}
