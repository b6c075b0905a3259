//! The platform with tenants: configuration, hosts, and the ways in and out.

mod authorize;
mod auto_config;
mod config;
mod custom_domain;
mod hosts;
mod id_token;
mod leaving;
mod platform;
mod tenant;
mod userinfo;

use crate::wristband::{
    Platform, PlatformScheme, ResolvedConfig, TenantHost, TenantLabel, WristbandConfig, WristbandConfigBuilder,
};

pub(super) const VANITY: &str = "shop-acme.us.wristband.dev";
pub(super) const WRISTBAND_CLIENT_ID: &str = "c1";
pub(super) const LOGIN_URL: &str = "https://app.test/api/auth/login";
pub(super) const REDIRECT: &str = "https://app.test/api/auth/callback";

pub(super) fn builder() -> WristbandConfigBuilder {
    WristbandConfig::builder(VANITY, WRISTBAND_CLIENT_ID, "the-client-secret")
}

/// A builder that needs nothing of the platform.
pub(super) fn by_hand() -> WristbandConfigBuilder {
    builder()
        .auto_configure(false)
        .login_url(LOGIN_URL)
        .redirect_uri(REDIRECT)
}

/// One whose tenants are subdomains.
pub(super) fn by_subdomain() -> WristbandConfigBuilder {
    builder()
        .auto_configure(false)
        .parse_tenant_from_root_domain("app.test")
        .login_url("https://{tenant_name}.app.test/login")
        .redirect_uri("https://{tenant_name}.app.test/callback")
}

pub(super) fn resolved(builder: WristbandConfigBuilder) -> ResolvedConfig {
    ResolvedConfig::resolve(&builder.build().unwrap(), None).unwrap()
}

pub(super) fn platform() -> Platform {
    Platform::new(VANITY, PlatformScheme::Https).unwrap()
}

pub(super) fn label(text: &str) -> TenantLabel {
    TenantLabel::parse(text).unwrap()
}

pub(super) fn globex() -> TenantHost {
    resolved(by_hand()).tenant_host(&label("globex")).unwrap()
}

pub(super) fn vouched(domain: &str) -> TenantHost {
    platform().custom_domain(domain).unwrap().vouched_for()
}
