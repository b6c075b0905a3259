//! OpenID Connect relying party rules as values.
//!
//! Every exchange with a provider is a pair: one function builds a request value ([`OutboundRequest`], or the
//! authorization URL), another judges the response value. Somebody else sends. Nothing here waits, reads a clock, opens a
//! socket or makes randomness of its own; time arrives as [`UnixTime`], randomness as `&dyn Random`.
//!
//! The journey of a login, in order:
//!
//! 1. [`discovery_request`] and [`ProviderMetadata::parse`]: the issuer is byte-equal, endpoints are https and not local.
//! 2. [`jwks_request`] and [`parse_jwks`]: the keys this issuer signs with.
//! 3. [`begin`]: the authorization URL and the [`PendingAuthorization`] to seal into the browser's login cookie.
//! 4. [`callback::check`]: judges what the browser brings back before anything is sent anywhere; only it makes a
//!    [`MatchedCallback`].
//! 5. [`exchange_request`] takes the [`MatchedCallback`] by value; [`TokenResponse::parse`] reads the answer.
//! 6. [`id_token::verify`]: the only maker of a [`VerifiedIdToken`].
//! 7. [`userinfo_request`] and [`parse_userinfo`]: further claims about the same subject.
//!
//! Later: [`refresh_request`] with [`check_refreshed`], [`revocation_request`], [`end_session_url`].
//!
//! Logout from outside: [`logout_token::verify`], the only maker of a [`VerifiedLogoutToken`], and [`FrontChannelLogout::parse`].
//!
//! For requests that bring an access token instead of a session: [`access_token::verify`], the only maker of a
//! [`VerifiedAccessToken`] beside [`parse_introspection`] for opaque ones. For calls of our own: [`client_credentials_request`],
//! [`token_exchange_request`] and [`ServiceToken::parse`].
//!
//! [`wristband`] is what one platform with tenants does beside and before this.
//!
//! Each way in which a provider or a browser can cheat is one variant of an error in [`error`].

pub mod access_token;
pub mod authorize;
pub mod callback;
pub mod claims;
pub mod client;
mod client_auth;
pub mod discovery;
pub mod endpoint;
pub mod error;
pub mod exchange;
mod fields;
pub mod front_channel;
pub mod grants;
pub mod id_token;
pub mod introspection;
pub mod issuer;
pub mod logout;
pub mod logout_token;
pub mod metadata;
pub mod net;
pub mod params;
pub mod pending;
pub mod refreshed;
pub mod revoke;
mod signed;
pub mod time;
pub mod token;
pub mod userinfo;
pub mod wristband;

#[cfg(test)]
mod tests;

pub use access_token::{
    AccessTokenRules, AccessTokenType, AudienceRule, Audiences, EmptyAudiences, SubjectKind, VerifiedAccessToken,
    looks_like_jwt, unverified_issuer,
};
pub use authorize::{AuthorizeSettings, LoginParameters, ResponseMode, begin};
pub use callback::{AuthorizationResponse, MatchedCallback, ResponseMethod};
pub use claims::{ClaimSources, Email, email, lookup, roles, unverified_access_token_claims};
pub use client::{Client, ClientAuthentication};
pub use discovery::{discovery_request, jwks_request, parse_jwks};
pub use endpoint::{Endpoint, Reach};
pub use error::{
    AccessTokenError, BeginError, CallbackError, EndpointError, ExchangeError, FrontChannelLogoutError, IdTokenError,
    IntrospectionError, KeysError, LogoutTokenError, MetadataError, ProviderErrorCode, RefreshedIdTokenError,
    RevocationError, SettingsError, TokenError, TokenFault, UserInfoError,
};
pub use exchange::OutboundRequest;
pub use front_channel::FrontChannelLogout;
pub use grants::{
    ServiceToken, ServiceTokenType, TokenExchange, TokenTarget, TokenTypeUri, client_credentials_request,
    token_exchange_request,
};
pub use id_token::{ExpectedIdToken, IdTokenRules, VerifiedIdToken};
pub use introspection::{Introspection, introspection_request, parse_introspection};
pub use issuer::{HttpIssuer, Issuer, IssuerError};
pub use logout::{EndSession, end_session_url};
pub use logout_token::{ExpectedLogoutToken, LogoutReplayKey, LogoutScope, UnverifiedAddress, VerifiedLogoutToken};
pub use metadata::{MetadataParts, ProviderMetadata};
pub use net::{is_localhost_name, is_public_address};
pub use params::{Params, ParamsError, RepeatedParameter};
pub use pending::PendingAuthorization;
pub use refreshed::{PreviousIdentity, check_refreshed};
pub use revoke::{parse_revocation, revocation_request};
pub use time::UnixTime;
pub use token::{TokenResponse, exchange_request, refresh_request};
pub use userinfo::{UserInfo, parse_userinfo, userinfo_request};
