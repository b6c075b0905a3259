//! `doorward provider`: the development identity provider alone.

mod file;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use doorward_dev_provider::{DevProvider, PlatformInfo, PlatformSettings, ProviderError, ProviderSettings};

use super::block_on;
use crate::failure::{Failure, chain};
use crate::listen::{self, Bound, Stop};
use crate::logging;

const LISTEN: &str = "--listen";
/// How many users are named where all of them would be too many to read.
const SHOWN_USERS: usize = 10;

/// What `doorward provider` takes.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Where to listen; loopback only, port 0 takes a free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:6002")]
    listen: SocketAddr,
    /// Read users, clients and settings from this file; flags go before what it says
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Sign in as this user at once, without a page
    #[arg(long, value_name = "USER")]
    auto_login: Option<String>,
    /// Speak the Wristband platform's paths too, at app.localhost and {tenant}-app.localhost
    #[arg(long)]
    platform: bool,
    /// The application's login endpoint, as the platform's SDK configuration names it; may hold {tenant_name}
    #[arg(long, value_name = "URL", requires = "platform")]
    login_url: Option<String>,
    /// The application's callback endpoint, likewise
    #[arg(long, value_name = "URL", requires = "platform")]
    redirect_uri: Option<String>,
    /// Put tenants at {tenant}.app.localhost, as with a custom domain of the application
    #[arg(long, requires = "platform")]
    custom_domain: bool,
    /// Answer authorization requests at app.localhost, before a tenant is known
    #[arg(long, requires = "platform")]
    application_authorization: bool,
}

impl Options {
    fn platform_settings(&self) -> Option<PlatformSettings> {
        if !self.platform {
            return None;
        }
        let mut settings = PlatformSettings::default();
        if let Some(url) = &self.login_url {
            settings.login_url.clone_from(url);
        }
        if self.redirect_uri.is_some() {
            settings.redirect_uri.clone_from(&self.redirect_uri);
        }
        settings.custom_domain_active = self.custom_domain;
        settings.application_authorization = self.application_authorization;
        Some(settings)
    }
}

/// Runs the provider until it is told to stop.
pub(crate) fn run(options: Options) -> Result<(), Failure> {
    logging::begin()?;
    block_on(async move {
        let bound = Bound::new(options.listen, LISTEN)?;
        let issuer = issuer(&bound);
        let platform = options.platform_settings();
        let file = options.config.as_deref().map(file::read).transpose()?;
        let provider = start(&issuer, |settings| {
            if let Some(file) = file {
                settings.apply(file);
            }
            if options.auto_login.is_some() {
                settings.auto_login = options.auto_login;
            }
            if platform.is_some() {
                settings.platform = platform;
            }
        })?;
        let issuer = provider.issuer().to_owned();

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
    let unusable = |error: ProviderError| Failure::unusable(chain(&error));
    let mut settings = ProviderSettings::new(issuer).map_err(unusable)?;
    change(&mut settings);
    let emails = settings.users.iter().take(SHOWN_USERS).map(|user| user.email.as_str());
    let hint = format!("users are {}", emails.collect::<Vec<_>>().join(", "));
    DevProvider::new(settings).map_err(|error| match error {
        ProviderError::UnknownUser { .. } => unusable(error).with_hint(hint),
        _ => unusable(error),
    })
}

/// The users one can sign in as, a line each.
pub(super) fn users(provider: &DevProvider) -> String {
    let mut lines = String::new();
    let users = provider.users();
    for user in users.iter().take(SHOWN_USERS) {
        let (email, roles, tenant) = (&user.email, user.roles.join(", "), &user.tenant);
        // Writing to a String does not fail.
        let _ = writeln!(lines, "            {email:<19} {roles:<8} tenant {tenant}");
    }
    if let Some(more @ 1..) = users.len().checked_sub(SHOWN_USERS) {
        let _ = writeln!(lines, "            and {more} more");
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
  sign in   {users}{platform}
  try       curl {issuer}/.well-known/openid-configuration
  stop      Ctrl-C
",
        id = provider.client_id(),
        secret = provider.client_secret().expose(),
        users = users(provider),
        platform = provider
            .platform_info()
            .as_ref()
            .map(platform_lines)
            .unwrap_or_default(),
    )
}

/// Where the platform is found, a line each.
fn platform_lines(info: &PlatformInfo) -> String {
    let mut lines = format!("\n  platform  {}", info.issuer);
    for tenant in &info.tenants {
        let (name, host, custom_domain) = (&tenant.name, &tenant.host, &tenant.custom_domain);
        // Writing to a String does not fail.
        let _ = write!(lines, "\n  tenant    {name:<8} {host} or {custom_domain}");
    }
    lines
}
