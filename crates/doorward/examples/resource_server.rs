//! A service that accepts access tokens and nothing else: no login, no cookies (RFC 6750, RFC 9068).
//!
//! ```sh
//! ISSUER=https://id.example.com AUDIENCE=https://api.example.com SESSION_SECRET=… cargo run -p doorward --example resource_server
//! curl -i -H "Authorization: Bearer $TOKEN" http://localhost:3000/api/me
//! ```
//!
//! The issuer is found by its metadata (`/.well-known/openid-configuration`); its keys are fetched when the first token comes.
//! `cargo run -- keys generate` makes a secret. Optional: `PORT` (3000).

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program for people to watch, set up by its environment"
)]

use std::env::var;

use axum::Json;
use axum::routing::get;
use doorward::{Bearer, BearerTokens, ClientAuthentication, Doorward, Provider, Rule, Sessions};
use serde_json::{Value, json};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Why a token is refused stands in the log at the level `debug`, and in no answer.
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let port: u16 = var("PORT").as_deref().unwrap_or("3000").parse()?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let url = format!("http://localhost:{}", listener.local_addr()?.port());

    let issuer =
        Provider::oidc(required("ISSUER")?, "resource-server", "").client_authentication(ClientAuthentication::None);
    let auth = Doorward::builder()
        .public_url(&url)
        // No route admits a session: of the provider only its name and its keys count.
        .provider(issuer)
        .session(Sessions::cookie(required("SESSION_SECRET")?))
        .bearer(BearerTokens::new().audience(required("AUDIENCE")?))
        .build()?;
    let app = auth
        .router() // what is not named here is refused
        .route("/api/public", Rule::Public, get(async || "hello, anybody\n"))
        .route("/api/me", Rule::bearer(), get(me))
        .route("/api/orders", Rule::bearer().with_scope("orders:read"), get(me))
        .build();
    println!("ready {url}");
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
