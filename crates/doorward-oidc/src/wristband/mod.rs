//! The Wristband platform: a provider with tenants, told apart by host.
//!
//! Its OpenID Connect part is that of every provider: [`Platform::metadata_at`] is all that [`begin`](crate::begin), the
//! exchange, ID token verification, userinfo and revocation need. What is its own is here, as values:
//!
//! 1. [`WristbandConfig`]: what the application says, judged field by field.
//! 2. [`sdk_configuration_request`] and [`ResolvedConfig::from_answer`]: what the platform adds; the result is the one to keep.
//! 3. [`TenantLabel`], [`CustomDomain`] and [`TenantHost`]: which hosts a browser may be sent to. [`custom_domain_request`] and
//!    [`judge_custom_domain`] ask the platform about one that a request names.
//! 4. [`ResolvedConfig::login_step`]: where a login begins.
//! 5. [`VerifiedTenant`] and [`WristbandUserInfo`]: who came back, out of verified claims and nothing else.
//! 6. [`logout_url`]: where a browser goes at the end.
//!
//! ID tokens are signed with RS256, have the type `id+JWT` and our client ID as audience; access tokens have the type `at+JWT`
//! and refresh tokens `rt+JWT`, both of which [`id_token::verify`](crate::id_token::verify) refuses.

mod authorize;
mod auto_config;
mod config;
mod custom_domain;
pub mod error;
mod host;
mod logout;
mod platform;
mod query;
mod resolved;
mod tenant;
mod tenant_url;
mod userinfo;

pub use authorize::LoginStep;
pub use auto_config::{MAX_SDK_CONFIGURATION_BYTES, SdkConfiguration, sdk_configuration_request};
pub use config::{DEFAULT_SCOPES, DEFAULT_TOKEN_EXPIRATION_BUFFER, WristbandConfig, WristbandConfigBuilder};
pub use custom_domain::{custom_domain_request, judge_custom_domain};
pub use error::{
    ConfiguredUrlError, CustomDomainError, HostError, LogoutUrlError, SdkConfigurationError, VerifiedTenantError,
    WristbandConfigError, WristbandUserInfoError,
};
pub use host::{RootDomain, TenantLabel};
pub use logout::{Logout, MAX_STATE_CHARS, logout_url};
pub use platform::{CustomDomain, Platform, PlatformScheme, TenantHost, TenantSeparator};
pub use resolved::ResolvedConfig;
pub use tenant::VerifiedTenant;
pub use tenant_url::TenantUrl;
pub use userinfo::{WristbandRole, WristbandUserInfo};
