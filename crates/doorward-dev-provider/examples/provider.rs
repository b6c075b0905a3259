//! Serves a development provider: `cargo run -p doorward-dev-provider --example provider -- 6002`.

#![allow(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::error::Error;

use doorward_dev_provider::{DevProvider, ProviderSettings};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port: u16 = std::env::args().nth(1).as_deref().unwrap_or("6002").parse()?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let issuer = format!("http://localhost:{}", listener.local_addr()?.port());
    let provider = DevProvider::new(ProviderSettings::new(issuer)?)?;
    println!("issuer  {}", provider.issuer());
    println!("client  {}", provider.client_id());
    println!("secret  {}", provider.client_secret().expose());
    for user in provider.users() {
        println!("user    {} ({}, {})", user.email, user.tenant, user.roles.join(" "));
    }
    axum::serve(listener, provider.router()).await?;
    Ok(())
}
