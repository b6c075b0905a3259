//! What a provider or a browser can do wrong, one variant each.
//!
//! No variant holds a secret, a token or free text of the other side, except an issuer, which is public, and codes from a
//! closed list.

mod bearer;
mod identity;
mod logout;
mod provider;
mod response;

pub use bearer::{AccessTokenError, IntrospectionError};
pub use identity::{IdTokenError, RefreshedIdTokenError, RevocationError, UserInfoError};
pub use logout::{FrontChannelLogoutError, LogoutTokenError};
pub use provider::{BeginError, EndpointError, KeysError, MetadataError, SettingsError};
pub use response::{CallbackError, ExchangeError, ProviderErrorCode, TokenError, TokenFault};
