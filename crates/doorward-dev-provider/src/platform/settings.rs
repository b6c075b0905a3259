//! How the platform is set up.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

/// How the platform is set up; what can change while it runs is changed through `/_control/settings`.
///
/// Its tenants are those of the provider's users.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct PlatformSettings {
    /// The application's label; its host is `{application}.localhost`. Default: `app`.
    pub application: String,
    /// The address of the application's own login endpoint, with or without `{tenant_name}`.
    /// Default: `http://localhost:6001/auth/login`.
    pub login_url: String,
    /// The redirect URI that the SDK configuration names. Default: `http://localhost:6001/auth/callback`.
    pub redirect_uri: Option<String>,
    /// Puts tenants at `{tenant}.{application}.localhost` instead of `{tenant}-{application}.localhost`. Default: no.
    pub custom_domain_active: bool,
    /// The root domain that the application reads its tenant from. Default: none.
    pub login_url_tenant_domain_suffix: Option<String>,
    /// The application's own page for choosing a tenant. Default: none.
    pub custom_login_page_url: Option<String>,
    /// Lets the application host answer authorization requests. Default: no.
    pub application_authorization: bool,
    /// Where users without a tenant begin. Default: none.
    pub fallback_login_url: Option<String>,
    /// Loopback names of tenants that have a domain of their own. Default: `login-{tenant}.localhost` for each.
    pub tenant_domains: BTreeMap<String, String>,
    /// Names of identity providers that `idp_hint` can choose. Default: `google`.
    pub identity_providers: Vec<String>,
    /// What the claim `custom_claims` holds. Default: there is no such claim.
    pub custom_claims: Option<Map<String, Value>>,
}

impl Default for PlatformSettings {
    fn default() -> Self {
        Self {
            application: "app".to_owned(),
            login_url: "http://localhost:6001/auth/login".to_owned(),
            redirect_uri: Some("http://localhost:6001/auth/callback".to_owned()),
            custom_domain_active: false,
            login_url_tenant_domain_suffix: None,
            custom_login_page_url: None,
            application_authorization: false,
            fallback_login_url: None,
            tenant_domains: BTreeMap::new(),
            identity_providers: vec!["google".to_owned()],
            custom_claims: None,
        }
    }
}
