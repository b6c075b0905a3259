//! Auto-configuration: what the platform knows about our client.
//!
//! The rules for an answer, in the order applied: status 200; `application/json`; one strict JSON object of at most 64 KB;
//! `loginUrl` is there; every member read has its defined type, where `null` and an empty text count as absent; URLs and domains
//! by the rules of configuration by hand. The endpoint asks for no authentication and TLS vouches for the answer, so it is
//! judged as strictly as anything else from outside.

use doorward_crypto::parse_object;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};
use url::Url;

use super::error::{ConfiguredUrlError, SdkConfigurationError};
use super::host::RootDomain;
use super::platform::Platform;
use super::tenant_url::{TenantUrl, parse_plain};
use crate::exchange::{OutboundRequest, has_media_type, retry_after};
use crate::fields;

/// The most bytes an answer may have.
pub const MAX_SDK_CONFIGURATION_BYTES: usize = 64 * 1024;

/// Asks the platform for the configuration of a client; it asks for no authentication.
///
/// Returns `None` for a client ID that cannot stand in a path; one of a [`WristbandConfig`](super::WristbandConfig) can.
#[must_use]
pub fn sdk_configuration_request(platform: &Platform, client_id: &str) -> Option<OutboundRequest> {
    let endpoint = platform.sdk_configuration_endpoint(client_id)?;
    Some(OutboundRequest::get(
        &endpoint,
        platform.issuer(),
        "sdk-configuration",
        MAX_SDK_CONFIGURATION_BYTES,
    ))
}

/// The platform's answer, each member by itself in order.
///
/// Whether it goes together with what was configured by hand is not judged yet: keep the
/// [`ResolvedConfig`](super::ResolvedConfig) made from it, never this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SdkConfiguration {
    pub(super) login_url: TenantUrl,
    pub(super) redirect_uri: Option<TenantUrl>,
    pub(super) application_custom_domain_active: bool,
    pub(super) custom_application_login_page_url: Option<Url>,
    pub(super) root_domain: Option<RootDomain>,
    pub(super) application_authorization_requests: bool,
    pub(super) fallback_login_url: Option<Url>,
}

impl SdkConfiguration {
    /// Judges the answer to a [`sdk_configuration_request`].
    ///
    /// # Errors
    /// One variant of [`SdkConfigurationError`] per rule; [`SdkConfigurationError::is_worth_retrying`] tells which may pass.
    ///
    /// # Security
    /// All of it comes from the platform. What passes decides where browsers are sent to sign in.
    pub fn parse(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<Self, SdkConfigurationError> {
        if status != StatusCode::OK {
            let (retry_after, passing) = (retry_after(headers), status.is_server_error());
            let status = status.as_u16();
            return Err(match passing {
                true => SdkConfigurationError::Passing { status, retry_after },
                false => SdkConfigurationError::Refused { status, retry_after },
            });
        }
        if !has_media_type(headers, &["application/json"]) {
            return Err(SdkConfigurationError::ContentType);
        }
        let members = parse_object(body, MAX_SDK_CONFIGURATION_BYTES).map_err(SdkConfigurationError::Json)?;
        let root_domain = text(&members, "loginUrlTenantDomainSuffix")?
            .map(|text| {
                RootDomain::parse(text).map_err(|reason| SdkConfigurationError::Domain {
                    name: "loginUrlTenantDomainSuffix",
                    reason,
                })
            })
            .transpose()?;
        Ok(Self {
            login_url: url(&members, "loginUrl", TenantUrl::parse)?
                .ok_or(SdkConfigurationError::Missing("loginUrl"))?,
            redirect_uri: url(&members, "redirectUri", TenantUrl::parse)?,
            application_custom_domain_active: fields::boolean(&members, "isApplicationCustomDomainActive")?,
            custom_application_login_page_url: url(&members, "customApplicationLoginPageUrl", parse_plain)?,
            root_domain,
            application_authorization_requests: fields::boolean(&members, "applicationAuthorizationRequestsEnabled")?,
            fallback_login_url: url(&members, "fallbackLoginUrl", parse_plain)?,
        })
    }
}

fn text<'a>(members: &'a Map<String, Value>, name: &'static str) -> Result<Option<&'a str>, SdkConfigurationError> {
    Ok(fields::string(members, name)?.filter(|text| !text.is_empty()))
}

fn url<T>(
    members: &Map<String, Value>,
    name: &'static str,
    parse: impl Fn(&str) -> Result<T, ConfiguredUrlError>,
) -> Result<Option<T>, SdkConfigurationError> {
    text(members, name)?
        .map(|text| parse(text).map_err(|reason| SdkConfigurationError::Url { name, reason }))
        .transpose()
}
