//! Protects backend endpoints: put one layer on a route and only requests with a live session reach it.
//!
//! Doorward brings the whole path: login at any OpenID provider, callback, logout, session and token
//! endpoints, encrypted sessions, CSRF protection and token refresh. Everybody else gets a precise 401
//! or 403 that a frontend can act on.
//!
//! # Example
//! ```no_run
//! use axum::{Json, Router, routing::get};
//! use doorward::{Doorward, Provider, Session, Sessions};
//!
//! async fn protected(session: Session) -> Json<String> {
//!     Json(format!("hello {}", session.user().subject))
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let auth = Doorward::builder()
//!     .public_url("http://localhost:3000")
//!     .provider(Provider::oidc("http://localhost:6002", "doorward-dev", std::env::var("CLIENT_SECRET")?))
//!     .session(Sessions::cookie(std::env::var("DOORWARD_SECRET")?))
//!     .build()?;
//!
//! let app: Router = Router::new()
//!     .route("/api/protected", get(protected))
//!     .route_layer(auth.require_session()) // 401 without a session, 403 without the CSRF token
//!     .merge(auth.routes()) // /auth/login, /auth/callback, /auth/logout, /auth/session
//!     .layer(auth.layer());
//! # let _ = app; Ok(())
//! # }
//! ```
//!
//! # The three ways to protect
//! - [`Doorward::require_session`] and [`Doorward::require`] as a `route_layer`.
//! - [`Session`] as an extractor: it runs the whole guard, whatever layers were forgotten.
//! - [`Doorward::router`]: default deny, every route names its [`Rule`].

mod axum;
mod body;
mod doorward;
mod future;
mod layer;
mod require;
#[cfg(feature = "http-client")]
mod secrets_file;
mod service;

#[cfg(feature = "ws")]
pub use crate::axum::SessionSocket;
pub use crate::axum::{Bearer, Caller, ProtectedRouter, RouteRule, Session, SessionRejection};
pub use crate::doorward::{Builder, Doorward};
pub use crate::future::{AuthFuture, RequireFuture};
pub use crate::layer::AuthLayer;
pub use crate::require::{Require, RequireLayer};
#[cfg(feature = "http-client")]
pub use crate::secrets_file::{SecretsFile, SecretsFileError};
pub use crate::service::AuthService;

pub use doorward_engine::{
    AddressClass, Algorithm, BearerTokens, BuildError, ClientAuthentication, Code, DataError, Denial, DiscoverError,
    Ended, KeyRingChange, KeyRingError, Login, LoginDenied, MemoryStore, NotReplaced, Provider, Refusal, ResponseMode,
    Rule, SameSite, SecretString, Secrets, SecretsError, SecretsSource, ServiceTokenError, ServiceTokens, SessionInfo,
    SessionRegistry, Sessions, SessionsError, SigningKey, SubjectKind, Tenant, TokenTarget, TokensMissing, UnixTime,
    User, Wristband, WristbandRole, WristbandUserInfo,
};

/// What tenants are to those who look them up elsewhere; an application's own list is made of [`Tenant`].
pub mod tenant {
    pub use doorward_engine::tenant::*;
}

/// The ports, for whoever brings an HTTP client, a task runner, a store or a clock of their own.
pub mod ports {
    pub use doorward_engine::ports::*;
}
