//! What a test needs to know of the platform's hosts and ids.

use serde::Serialize;

use super::{Platform, Site, identifiers::id_of};
use crate::users::Users;

/// Hosts and ids of the platform; hosts carry the port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PlatformInfo {
    /// What tokens name as their issuer.
    pub issuer: String,
    /// The application's vanity domain.
    pub application_host: String,
    /// The claim `app_id`.
    pub application_id: String,
    /// All tenants.
    pub tenants: Vec<PlatformTenant>,
    /// All users.
    pub users: Vec<PlatformUser>,
}

/// A tenant of the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PlatformTenant {
    /// The tenant's name.
    pub name: String,
    /// The claim `tnt_id`.
    pub id: String,
    /// The tenant's vanity domain, as of now.
    pub host: String,
    /// The tenant's own domain.
    pub custom_domain: String,
}

/// A user of the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PlatformUser {
    /// The address.
    pub email: String,
    /// The claim `sub`.
    pub id: String,
    /// The tenant's name.
    pub tenant: String,
}

impl Platform {
    pub(crate) fn info(&self, users: &Users, custom_domain_active: bool) -> PlatformInfo {
        let tenants = self
            .tenants()
            .map(|(name, domain)| PlatformTenant {
                name: name.to_owned(),
                id: id_of("tenant", name),
                host: self.tenant_host(name, custom_domain_active),
                custom_domain: self.authority(domain),
            })
            .collect();
        let users = users
            .all()
            .iter()
            .map(|user| PlatformUser {
                email: user.email.clone(),
                id: id_of("user", &user.subject),
                tenant: user.tenant.clone(),
            })
            .collect();
        PlatformInfo {
            issuer: self.issuer(),
            application_host: self.host_of(&Site::Application, custom_domain_active),
            application_id: self.application_id(),
            tenants,
            users,
        }
    }
}
