//! A service that accepts access tokens and nothing else: no login, no cookies (RFC 6750, RFC 9068).
//!
//! ```sh
//! cargo run -- provider         # issues tokens, and prints its client's secret
//! cargo run -- keys generate    # prints a session secret: the builder asks for one, though nobody gets a session here
//! ISSUER=http://localhost:6002 SESSION_SECRET=… cargo run -p doorward --example resource_server
//!
//! # A program's token: of its own client, for the resource that http://localhost:3000/.well-known/oauth-protected-resource names.
//! curl -u doorward-dev:THE_SECRET_IT_PRINTED -d grant_type=client_credentials -d resource=http://localhost:3000 http://localhost:6002/token
//! curl -i -H "Authorization: Bearer $TOKEN" http://localhost:3000/api/me
//! ```
//!
//! The issuer is found by its metadata (`/.well-known/openid-configuration`); its keys are fetched when the first token comes.
//! Optional: `PORT` (3000), `PUBLIC_URL` (`http://localhost:PORT`: what clients call this service), `AUDIENCE` (the public URL: what
//! tokens have to be made for).
//!
//! In a project of your own, `Cargo.toml` needs `doorward`, `axum`, `serde_json`, `tracing-subscriber` with the feature `env-filter`,
//! and `tokio` with the features `net`, `macros` and `rt-multi-thread`.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program for people to watch, set up by its environment"
)]

use std::env::{VarError, var};

use axum::routing::get;
use axum::{Json, Router};
use doorward::{Bearer, BearerTokens, ClientAuthentication, Doorward, Provider, Rule, Sessions};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Why a token is refused stands in the log at the level `debug`, and in no answer.
    log();
    let port: u16 = or("PORT", "3000")?.parse()?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let public_url = or(
        "PUBLIC_URL",
        &format!("http://localhost:{}", listener.local_addr()?.port()),
    )?;

    let issuer =
        Provider::oidc(required("ISSUER")?, "resource-server", "").client_authentication(ClientAuthentication::None);
    let auth = Doorward::builder()
        .public_url(&public_url)
        // No route admits a session: of the provider only its name and its keys count.
        .provider(issuer)
        .session(Sessions::cookie(required("SESSION_SECRET")?))
        .bearer(BearerTokens::new().audience(or("AUDIENCE", &public_url)?))
        .build()?;
    // A 401 has a `login_url`, as every one of ours has, though it leads nowhere here: a program goes by `WWW-Authenticate`.
    let app = Router::new()
        .route("/api/orders", get(me))
        .route_layer(auth.require(Rule::bearer().with_scope("orders:read")))
        .merge(
            Router::new()
                .route("/api/me", get(me))
                .route_layer(auth.require(Rule::bearer())),
        )
        .route("/api/public", get(async || "hello, anybody\n"))
        .merge(auth.resource_routes()) // where a client reads which issuer to ask; no login beside it
        .layer(auth.layer());
    println!("ready {public_url}");
    axum::serve(listener, app).await?;
    Ok(())
}

/// Who calls: a subject means somebody only together with its issuer.
async fn me(token: Bearer) -> Json<Value> {
    Json(json!({
        "issuer": token.issuer(),
        "subject": token.subject(),
        "client": token.client_id(),
        "scopes": token.scopes(),
    }))
}

fn required(name: &str) -> Result<String, String> {
    var(name).map_err(|_| format!("expected {name} in the environment, found none"))
}

fn or(name: &str, default: &str) -> Result<String, VarError> {
    match var(name) {
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
