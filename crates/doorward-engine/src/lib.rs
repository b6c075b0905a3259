//! The one place in Doorward where waiting happens: the guard, the login path, refresh and commit.
//!
//! Frameworks are translators around [`Engine`]: they turn a request into a
//! [`RequestView`], call [`Engine::guard`], and write
//! [`Engine::commit`] and [`Engine::finish`] into the response. The engine knows no runtime: it reaches
//! the world through the ports of `doorward-core`.

mod auth;
mod bearer;
mod begin;
mod builder;
mod cached;
mod caller;
mod checks;
mod client;
mod clock;
mod commit;
mod context;
mod discover;
mod error;
mod farewell;
mod follow;
mod guard;
mod hints;
mod hooks;
mod live;
mod login_failure;
mod newest;
mod outside;
mod outside_logout;
mod page;
mod plan;
mod platform;
mod platform_user;
mod problem;
mod provider;
mod recent;
mod refresh;
mod renew_tokens;
mod reply;
mod revocation;
mod routes;
mod secrets;
mod service_tokens;
mod session;
mod session_registry;
mod settings;
mod settings_bearer;
mod settings_tenant;
mod settings_wristband;
mod single_flight;
mod site;
mod sites;
mod standing;
mod state;
mod store_memory;
mod stored;
mod succession;
mod token_calls;
mod used_tickets;
mod user_of_claims;

pub use auth::Engine;
pub use builder::EngineBuilder;
pub use caller::Bearer;
pub use client::NotReplaced;
pub use clock::SystemClock;
pub use commit::{Commit, NotKept};
pub use context::RequestContext;
pub use discover::DiscoverError;
pub use error::BuildError;
pub use guard::{Pass, Verdict};
pub use hooks::{Login, LoginDenied};
pub use live::Ended;
pub use problem::{Denial, Refusal};
pub use reply::Reply;
pub use routes::AuthEndpoint;
pub use secrets::{Secrets, SecretsError, SecretsSource};
pub use service_tokens::{ServiceTokenError, ServiceTokens};
pub use session::{DataError, Session, TokensMissing};
pub use session_registry::{SessionInfo, SessionRegistry, SessionsError};
pub use settings::{Provider, Sessions};
pub use settings_bearer::BearerTokens;
pub use settings_tenant::Tenant;
pub use settings_wristband::Wristband;
pub use store_memory::MemoryStore;

pub use doorward_core::UnixTime;
pub use doorward_core::code::Code;
pub use doorward_core::cookie::SameSite;
pub use doorward_core::policy::{Rule, SubjectKind};
pub use doorward_core::ports;
pub use doorward_core::request::RequestView;
pub use doorward_core::session::{AddressClass, User};
pub use doorward_core::tenant;
pub use doorward_crypto::{Algorithm, DatedSecrets, KeyRingChange, KeyRingError, SecretString, SigningKey};
pub use doorward_oidc::TokenTarget;
pub use doorward_oidc::wristband::{WristbandRole, WristbandUserInfo};
pub use doorward_oidc::{ClientAuthentication, ResponseMode};
