//! One backend, several customers: each is met at hosts of its own, and only its users sign in there.
//!
//! ```sh
//! cargo run -- provider                               # prints the client's secret
//! cargo run -- keys generate                          # prints a session secret
//! CLIENT_SECRET=… SESSION_SECRET=… cargo run -p doorward --example tenants
//! ```
//!
//! Then open <http://acme.localhost:3000/hello> as alice and, in the same browser, <http://globex.localhost:3000/hello> as carol. The
//! customers have a host of their own too: <http://portal.acme.localhost:3000/hello>. Whoever does not know where they belong begins at
//! <http://localhost:3000>.
//!
//! Optional: `PORT` (3000), `ISSUER` (`http://localhost:6002`), `PUBLIC_URL` (`http://{tenant}.localhost:PORT`), `ACME_HOST`, `GLOBEX_HOST`.
//!
//! In a project of your own, `Cargo.toml` needs `doorward`, `axum`, `serde_json`, `tracing-subscriber` with the feature `env-filter`,
//! and `tokio` with the features `net`, `macros` and `rt-multi-thread`.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program for people to watch, set up by its environment"
)]

use std::env::{VarError, var};

use axum::response::Html;
use axum::routing::get;
use axum::{Json, Router};
use doorward::{Doorward, Provider, Rule, Session, Sessions, Tenant};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    log();
    let port: u16 = or("PORT", "3000")?.parse()?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let port = listener.local_addr()?.port();
    let issuer = or("ISSUER", "http://localhost:6002")?;

    // Every tenant has its host by this pattern: redirect URI, cookies and allowed origin follow from it.
    let public_url = or("PUBLIC_URL", &format!("http://{{tenant}}.localhost:{port}"))?;
    // Here nobody is signed in; a login that names a tenant goes on at the tenant's host.
    let nobodys = public_url.replace("{tenant}.", "");

    let auth = Doorward::builder()
        .public_url(&public_url)
        .public_url_without_tenant(&nobodys)
        // One provider for all; its claim `tenant` says whose user somebody is. `named_provider` adds a customer's own.
        .provider(Provider::oidc(issuer, "doorward-dev", required("CLIENT_SECRET")?))
        .tenants([
            // A host of a customer's own is as good as the one by the pattern, and shares nothing with it.
            Tenant::new("acme").host(or("ACME_HOST", "portal.acme.localhost")?),
            Tenant::new("globex").host(or("GLOBEX_HOST", "portal.globex.localhost")?),
        ])
        .session(Sessions::cookie(required("SESSION_SECRET")?))
        .build()?;

    let app = Router::new()
        .route("/api/me", get(me).post(me))
        .route_layer(auth.require_session()) // 403 `tenant_mismatch` for a session of another tenant
        .merge(
            Router::new()
                .route("/hello", get(hello))
                .route_layer(auth.require(Rule::Session.or_login())),
        )
        .route("/", get(async || Html(CHOICE)))
        .merge(auth.routes())
        .layer(auth.layer());
    println!("ready {nobodys}");
    axum::serve(listener, app).await?;
    Ok(())
}

/// Where people begin who do not know their own host.
const CHOICE: &str = r#"<!doctype html><html lang="en"><meta charset="utf-8"><title>Where do you belong?</title>
<h1>Where do you belong?</h1>
<p><a href="/auth/login?tenant_name=acme&amp;return_url=/hello">Acme</a>
<p><a href="/auth/login?tenant_name=globex&amp;return_url=/hello">Globex</a>"#;

async fn hello(session: Session) -> String {
    let user = session.user();
    format!(
        "hello {} of {}\n",
        user.email.as_deref().unwrap_or(&user.subject),
        user.tenant
    )
}

async fn me(session: Session) -> Json<Value> {
    let user = session.user();
    Json(json!({ "userId": user.subject, "tenantId": user.tenant, "email": user.email, "roles": user.roles }))
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
