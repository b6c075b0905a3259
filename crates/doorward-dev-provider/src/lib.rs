//! A real OpenID provider for one machine, for development and tests.
//!
//! It speaks the protocol in full (discovery, authorization code flow with PKCE, refresh tokens with rotation and reuse
//! detection, userinfo, revocation, introspection, logout) but asks nobody for a password: its sign-in page has one
//! button per user. For that reason it answers loopback host names only.
//!
//! With [`PlatformSettings`] it speaks the paths of the Wristband platform as well, on the hosts `app.localhost` and
//! `{tenant}-app.localhost`, with the same users, clients, keys and controls.
//!
//! Nothing is shared with the relying party except the signing and hashing of `doorward-crypto`, so that one wrong
//! parser cannot agree with itself.
//!
//! # Example
//! ```no_run
//! use doorward_dev_provider::{DevProvider, ProviderSettings};
//!
//! let provider = DevProvider::new(ProviderSettings::new("http://localhost:6002")?)?;
//! let router = provider.router(); // serve it with axum::serve
//! # drop(router);
//! # Ok::<(), doorward_dev_provider::ProviderError>(())
//! ```

mod authorize;
mod backchannel;
mod bounded;
mod client_auth;
mod clients;
mod control;
mod discovery;
mod endpoint;
mod error;
mod fault;
mod guard;
mod keys;
mod login;
mod logout;
mod members;
mod mint;
mod oauth_error;
mod pages;
mod params;
mod platform;
mod provider;
mod reply;
mod revocation;
mod routes;
mod settings;
mod state;
mod token;
mod userinfo;
mod users;

pub use crate::{
    error::ProviderError,
    platform::{PlatformInfo, PlatformSettings, PlatformTenant, PlatformUser},
    provider::DevProvider,
    settings::{ClientFile, ClientSettings, ProviderFile, ProviderSettings, RefreshTokenRotation, UserSettings},
    users::UserInfo,
};
