//! `doorward provider`: the development identity provider alone.

use std::fmt::Write as _;
use std::net::SocketAddr;

use clap::Args;
use doorward_dev_provider::{DevProvider, ProviderSettings};

use super::block_on;
use crate::failure::{Failure, chain};
use crate::listen::{self, Bound, Stop};
use crate::logging;

const LISTEN: &str = "--listen";

/// What `doorward provider` takes.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Where to listen; loopback only, port 0 takes a free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:6002")]
    listen: SocketAddr,
    /// Sign in as this user at once, without a page
    #[arg(long, value_name = "USER")]
    auto_login: Option<String>,
}

/// Runs the provider until it is told to stop.
pub(crate) fn run(options: Options) -> Result<(), Failure> {
    logging::begin()?;
    block_on(async move {
        let bound = Bound::new(options.listen, LISTEN)?;
        let issuer = issuer(&bound);
        let provider = start(&issuer, |settings| settings.auto_login = options.auto_login)?;

        let stop = Stop::new()?;
        let listener = bound.listen(LISTEN)?;
        tokio::spawn(listen::serve(listener, None, provider.router(), stop.stopping()));
        logging::to_stdout(&format!("ready {issuer}"));
        logging::to_stderr(&welcome(&provider, &issuer));
        stop.on_signal().await;
        Ok(())
    })
}

/// The issuer of a provider on this socket: the name that browsers use for loopback.
pub(super) fn issuer(bound: &Bound) -> String {
    format!("http://localhost:{}", bound.port())
}

/// Makes the provider.
pub(super) fn start(issuer: &str, change: impl FnOnce(&mut ProviderSettings)) -> Result<DevProvider, Failure> {
    let unusable = |error: doorward_dev_provider::ProviderError| {
        Failure::unusable(chain(&error)).with_hint("users are alice@acme.test, bob@acme.test and carol@globex.test")
    };
    let mut settings = ProviderSettings::new(issuer).map_err(unusable)?;
    change(&mut settings);
    DevProvider::new(settings).map_err(unusable)
}

/// The users one can sign in as, a line each.
pub(super) fn users(provider: &DevProvider) -> String {
    let mut lines = String::new();
    for user in provider.users() {
        let (email, roles, tenant) = (&user.email, user.roles.join(", "), &user.tenant);
        // Writing to a String does not fail.
        let _ = writeln!(lines, "            {email:<19} {roles:<8} tenant {tenant}");
    }
    lines.trim().to_owned()
}

fn welcome(provider: &DevProvider, issuer: &str) -> String {
    format!(
        "
  The development identity provider is running.

  issuer    {issuer}
  client    {id}, any redirect URI on a loopback name
  secret    {secret}
  sign in   {users}
  try       curl {issuer}/.well-known/openid-configuration
  stop      Ctrl-C
",
        id = provider.client_id(),
        secret = provider.client_secret().expose(),
        users = users(provider),
    )
}
