//! The backend of an application on the Wristband platform: what its frontend calls stays where it was.
//!
//! ```sh
//! cargo run -- provider --platform --login-url http://localhost:6001/api/auth/login --redirect-uri http://localhost:6001/api/auth/callback
//! APPLICATION_VANITY_DOMAIN=app.localhost:6002 CLIENT_ID=doorward-dev CLIENT_SECRET=… SESSION_SECRET=… cargo run -p doorward --example wristband
//! ```
//!
//! On the platform itself `APPLICATION_VANITY_DOMAIN` is the application's vanity domain there. `cargo run -- keys generate` makes a session secret.
//! Optional: `PORT` (6001), `PUBLIC_URL` (what browsers call the application), `SESSION_SECONDS` (3600: how long a session lives without use).
//!
//! In a project of your own, `Cargo.toml` needs `doorward`, `axum`, `serde_json`, `tracing-subscriber` with the feature `env-filter`,
//! and `tokio` with the features `net`, `macros` and `rt-multi-thread`.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program for people to watch, set up by its environment"
)]

use std::env::{VarError, var};
use std::time::Duration;

use axum::routing::get;
use axum::{Json, Router};
use doorward::{BearerTokens, Caller, Doorward, Provider, Rule, Session, Sessions};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    log();
    let port: u16 = or(var("PORT"), "6001")?.parse()?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let public_url = or(
        var("PUBLIC_URL"),
        &format!("http://localhost:{}", listener.local_addr()?.port()),
    )?;

    let vanity_domain = required("APPLICATION_VANITY_DOMAIN")?;
    // An emulated platform on this machine speaks plain http; anything else is reached by https alone.
    let emulated = vanity_domain
        .split(':')
        .next()
        .is_some_and(|host| host.ends_with(".localhost"));
    let client_id = required("CLIENT_ID")?;
    let platform = Provider::wristband(vanity_domain, client_id.as_str(), required("CLIENT_SECRET")?);
    // Roles come only where the scope `roles` is asked for, which the platform's default leaves out.
    let platform = platform.scopes(["openid", "offline_access", "email", "roles"]);
    let platform = if emulated {
        platform.http_on_loopback()
    } else {
        platform
    };

    let session_lifetime = Duration::from_secs(or(var("SESSION_SECONDS"), "3600")?.parse()?);
    let sessions = Sessions::cookie(required("SESSION_SECRET")?).idle_timeout(session_lifetime);

    let auth = Doorward::builder()
        .public_url(&public_url)
        .provider(platform)
        .session(sessions)
        .base_path("/api/auth") // /api/auth/login, /callback, /logout, /session and /token, as before
        .token_endpoint(true)
        .session_metadata(|session| json!({ "email": session.user().email, "roles": session.user().roles }))
        // The platform's access tokens have no audience, so that a program's client has to be named.
        .bearer(BearerTokens::new().no_audience().clients([client_id]))
        .build()?;
    let app = Router::new()
        .nest("/api/v1", api())
        .route_layer(auth.require(Rule::session_or_bearer()))
        .merge(auth.routes())
        .layer(auth.layer());
    println!("ready {public_url}");
    axum::serve(listener, app).await?;
    Ok(())
}

/// What only signed-in users, or programs with an access token, reach.
fn api() -> Router {
    Router::new()
        .route("/hello-world", get(hello).post(hello))
        .route("/me", get(me))
}

async fn hello(caller: Caller) -> Json<Value> {
    Json(json!({ "message": "Hello, world", "userId": caller.subject(), "tenantId": caller.tenant() }))
}

/// Takes a session only, though the layer lets programs pass: with an access token this is 401.
async fn me(session: Session) -> Json<Value> {
    let user = session.user();
    Json(json!({ "userId": user.subject, "tenantId": user.tenant, "email": user.email, "roles": user.roles }))
}

fn required(name: &str) -> Result<String, String> {
    var(name).map_err(|_| format!("expected {name} in the environment, found none"))
}

fn or(found: Result<String, VarError>, default: &str) -> Result<String, VarError> {
    match found {
        Err(VarError::NotPresent) => Ok(default.to_owned()),
        found => found,
    }
}

/// Logs to stderr: what `RUST_LOG` says, else `info`. (`EnvFilter` alone would fall silent below `error` without the variable.)
fn log() {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into());
    tracing_subscriber::fmt()
        .with_env_filter(filter.from_env_lossy())
        .with_writer(std::io::stderr)
        .init();
}
