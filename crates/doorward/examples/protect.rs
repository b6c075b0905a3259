//! The README's example as a whole program, signing in with the development provider.
//!
//! ```sh
//! cargo run -- provider                                               # prints the client's secret
//! cargo run -p doorward --example protect -- THE_SECRET_IT_PRINTED    # then open http://localhost:3000/hello
//! ```
//!
//! In a project of your own, `Cargo.toml` needs `doorward`, `axum`, `tracing-subscriber` with the feature `env-filter`, and `tokio`
//! with the features `net`, `macros` and `rt-multi-thread`.

#![allow(clippy::print_stdout, reason = "a program for people to watch")]

use axum::Router;
use axum::routing::get;
use doorward::{Doorward, Provider, Rule, Session, Sessions};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The reasons for what goes wrong are in the log.
    log();
    let Some(client_secret) = std::env::args().nth(1) else {
        return Err("expected the client's secret, which `cargo run -- provider` prints".into());
    };
    let auth = Doorward::builder()
        .public_url("http://localhost:3000")
        .provider(Provider::oidc("http://localhost:6002", "doorward-dev", client_secret))
        // Yours comes from `cargo run -- keys generate`, and from a place where secrets are kept.
        .session(Sessions::cookie("rP2vXk8sQ4mZ7tWc1nLd5yHb9gJf3uEa"))
        .build()?;
    let app = Router::new()
        .route("/api/protected", get(protected).post(protected))
        .route_layer(auth.require_session()) // 401 without a session, 403 without the CSRF token
        .merge(page(&auth))
        .merge(auth.routes()) // /auth/login, /auth/callback, /auth/logout, /auth/session
        .layer(auth.layer());
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    println!("open http://localhost:3000/hello, or try: curl -i http://localhost:3000/api/protected");
    axum::serve(listener, app).await?;
    Ok(())
}

/// A page for people: who has no session is sent to sign in, and comes back.
fn page(auth: &Doorward) -> Router {
    Router::new()
        .route("/hello", get(protected))
        .route_layer(auth.require(Rule::Session.or_login()))
}

async fn protected(session: Session) -> String {
    let user = session.user();
    format!(
        "hello {} of {}\n",
        user.email.as_deref().unwrap_or(&user.subject),
        user.tenant
    )
}

/// Logs to stderr: what `RUST_LOG` says, else `info`. (`EnvFilter` alone would fall silent below `error` without the variable.)
fn log() {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into());
    tracing_subscriber::fmt()
        .with_env_filter(filter.from_env_lossy())
        .with_writer(std::io::stderr)
        .init();
}
