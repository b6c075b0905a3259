//! What configuration, the platform or a browser can get wrong, one variant each.

use std::time::Duration;

use doorward_crypto::JsonError;
use thiserror::Error;

use crate::fields::WrongType;

/// Why a text is not a host, or not a label of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HostError {
    /// Nothing, or only spaces.
    #[error("host is empty")]
    Empty,
    /// A scheme was pasted in.
    #[error("expected a bare host such as \"app-acme.us.wristband.dev\", found a URL")]
    Scheme,
    /// More than 253 bytes.
    #[error("host has more than 253 bytes")]
    TooLong,
    /// A part between dots is not 1 to 63 letters, digits and hyphens, or no valid `xn--` label.
    #[error("host has a part that is not 1 to 63 letters, digits and inner hyphens")]
    Label,
    /// An IP address, or what a URL parser takes for one.
    #[error("host is an address, expected a name")]
    Address,
    /// One label only, and not `localhost`.
    #[error("host has no domain")]
    SingleLabel,
    /// A port where none is allowed, or a text behind the colon that is no port.
    #[error("host has a port; one is allowed only on a loopback name of the platform")]
    Port,
    /// http was asked for on a host that is not loopback.
    #[error("plain http is accepted on loopback names only")]
    NotLoopback,
    /// A loopback name although the platform is not loopback, or the reverse.
    #[error("host and platform must both be loopback names, or neither")]
    Local,
}

/// Why a configured URL is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfiguredUrlError {
    /// Not an absolute http or https URL with a host, over 2,048 bytes, or with characters no URL has.
    #[error("not an absolute https URL")]
    Malformed,
    /// http on a host that is not loopback.
    #[error("http, expected https (http is accepted on loopback names only)")]
    NotHttps,
    /// A user name or password.
    #[error("has a user name or password")]
    UserInfo,
    /// A fragment.
    #[error("has a fragment")]
    Fragment,
    /// A placeholder given twice, or elsewhere than as the whole first label of the host, or where none may be.
    #[error("has a tenant placeholder elsewhere than as the whole first label of the host")]
    Placeholder,
}

/// Why a configuration of the platform cannot work; each names the field.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WristbandConfigError {
    /// A required field is blank.
    #[error("{0} must have a value")]
    Blank(&'static str),
    /// The client ID is over 255 bytes, has characters outside visible ASCII, or cannot stand in a path.
    #[error("client_id must be 1 to 255 visible ASCII characters")]
    ClientId,
    /// A domain is none.
    #[error("{field} is refused")]
    Domain {
        /// The field.
        field: &'static str,
        /// The rule it breaks.
        #[source]
        reason: HostError,
    },
    /// A URL is none.
    #[error("{field} is refused")]
    Url {
        /// The field.
        field: &'static str,
        /// The rule it breaks.
        #[source]
        reason: ConfiguredUrlError,
    },
    /// A scope is empty or has characters no scope has (RFC 6749 §3.3).
    #[error("scope {0:?} is not a scope")]
    Scope(String),
    /// Given neither by hand nor by auto-configuration.
    #[error("{0} has no value, neither by hand nor by auto-configuration")]
    Missing(&'static str),
    /// Tenants are read from subdomains, and the URL has no placeholder for one.
    #[error("{0} must contain {{tenant_name}}, since parse_tenant_from_root_domain is set")]
    PlaceholderMissing(&'static str),
    /// Tenants are not read from subdomains, and the URL has a placeholder nobody fills.
    #[error("{0} cannot contain a tenant placeholder, since parse_tenant_from_root_domain is not set")]
    PlaceholderForbidden(&'static str),
    /// Application-level authorization is on, `login_url` has a placeholder, and there is no `fallback_login_url`.
    #[error(
        "fallback_login_url must have a value, since application-level authorization is on and login_url has a placeholder"
    )]
    FallbackMissing,
    /// Auto-configuration is on and its answer was not given.
    #[error("auto-configuration is on but was not fetched")]
    NotFetched,
}

/// Why an answer to the auto-configuration request is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SdkConfigurationError {
    /// 5xx: the same request may succeed later.
    #[error("auto-configuration has status {status}, expected 200")]
    Passing {
        /// The status.
        status: u16,
        /// How long the platform asks to wait, at most an hour.
        retry_after: Option<Duration>,
    },
    /// Another status than 200, such as 404 for a client ID that the platform does not know.
    #[error("auto-configuration has status {status}, expected 200")]
    Refused {
        /// The status.
        status: u16,
        /// How long the platform asks to wait, at most an hour.
        retry_after: Option<Duration>,
    },
    /// The content type is not `application/json`.
    #[error("auto-configuration is not application/json")]
    ContentType,
    /// Not a JSON object under the strict rules, or over 64 KB.
    #[error("auto-configuration is not a strict JSON object")]
    Json(#[source] JsonError),
    /// A required member is absent.
    #[error("auto-configuration has no \"{0}\"")]
    Missing(&'static str),
    /// A member has another JSON type than defined.
    #[error("auto-configuration member \"{0}\" has the wrong type")]
    WrongType(&'static str),
    /// A member that is a URL breaks a rule.
    #[error("auto-configuration member \"{name}\" is refused")]
    Url {
        /// The member.
        name: &'static str,
        /// The rule it breaks.
        #[source]
        reason: ConfiguredUrlError,
    },
    /// A member that is a domain breaks a rule.
    #[error("auto-configuration member \"{name}\" is refused")]
    Domain {
        /// The member.
        name: &'static str,
        /// The rule it breaks.
        #[source]
        reason: HostError,
    },
    /// It is sound by itself and does not go together with what was configured by hand.
    #[error("auto-configuration does not go together with the configuration")]
    Combination(#[source] WristbandConfigError),
}

impl SdkConfigurationError {
    /// Tells whether asking again soon may help: after 5xx yes, after 4xx or an answer that makes no sense no.
    ///
    /// A failure of the network, which is no answer, is worth another try too.
    #[must_use]
    pub fn is_worth_retrying(&self) -> bool {
        matches!(self, Self::Passing { .. })
    }
}

impl From<WrongType> for SdkConfigurationError {
    fn from(WrongType(name): WrongType) -> Self {
        Self::WrongType(name)
    }
}

/// Why the platform's word on a custom domain is not known.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CustomDomainError {
    /// 5xx, 408, 425 or 429: the same request may succeed later.
    #[error("custom domain validation is out of order for now")]
    Passing {
        /// How long the platform asks to wait, at most an hour.
        retry_after: Option<Duration>,
    },
    /// Another status than 200.
    #[error("custom domain validation has status {0}, expected 200")]
    Status(u16),
    /// The content type is not `application/json`.
    #[error("custom domain validation is not application/json")]
    ContentType,
    /// Not a JSON object under the strict rules, or too large.
    #[error("custom domain validation is not a strict JSON object")]
    Json(#[source] JsonError),
    /// `valid` is absent or no boolean.
    #[error("custom domain validation has no boolean \"valid\"")]
    NoVerdict,
}

/// Why userinfo does not describe a user of the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WristbandUserInfoError {
    /// A required claim is absent, `null` or empty.
    #[error("userinfo has no \"{0}\" claim")]
    Missing(&'static str),
    /// A claim has another JSON type than defined.
    #[error("userinfo claim \"{0}\" has the wrong type")]
    WrongType(&'static str),
    /// A claim is longer than its cap, or an ID has characters outside visible ASCII.
    #[error("userinfo claim \"{0}\" is too long or has characters it cannot have")]
    Malformed(&'static str),
}

impl From<WrongType> for WristbandUserInfoError {
    fn from(WrongType(name): WrongType) -> Self {
        Self::WrongType(name)
    }
}

/// Why verified claims name no tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum VerifiedTenantError {
    /// `tnt_id` is in neither ID token nor userinfo.
    #[error("claims have no \"tnt_id\"")]
    Missing,
    /// A claim has another JSON type than defined, or is no ID.
    #[error("claim \"{0}\" is malformed")]
    Malformed(&'static str),
    /// Two of the answers name different tenants.
    #[error("claim \"{0}\" names two tenants")]
    Contradiction(&'static str),
}

/// Why there is no logout URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LogoutUrlError {
    /// `state` has more than 512 characters.
    #[error("logout state has more than 512 characters")]
    StateTooLong,
    /// The redirect URL is not an absolute URL we may send a browser to.
    #[error("logout redirect URL is refused")]
    RedirectUrl(#[source] ConfiguredUrlError),
}
