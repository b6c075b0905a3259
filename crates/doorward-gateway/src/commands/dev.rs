//! `doorward dev`: a development provider, a demo backend and a small web app, with nothing else installed.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use doorward::{BearerTokens, Doorward, MemoryStore, Provider, ResponseMode, SecretString, SecretsFile, Sessions};
use doorward_crypto::{SystemRandom, generate_secret};
use doorward_dev_provider::DevProvider;
use serde_json::json;
use url::Url;

use super::{block_on, provider};
use crate::demo::Demo;
use crate::failure::{Failure, chain};
use crate::listen::{self, Bound, Stop, Stopping};
use crate::stores::Store;
use crate::{logging, tls};

const LISTEN: &str = "--listen";
const PROVIDER_LISTEN: &str = "--provider-listen";
/// Where the client secret is read from, so that it need not stand in the list of processes.
const CLIENT_SECRET_VARIABLE: &str = "DOORWARD_CLIENT_SECRET";

/// What `doorward dev` takes.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Where the app listens; loopback only, port 0 takes a free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:6001")]
    listen: SocketAddr,
    /// Where the development provider listens
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:6002",
        conflicts_with = "issuer"
    )]
    provider_listen: SocketAddr,
    /// Sign in as this user at once, without a page
    #[arg(long, value_name = "USER", conflicts_with = "issuer")]
    auto_login: Option<String>,
    /// Use this provider instead of the development provider
    #[arg(long, value_name = "URL", requires = "client_id")]
    issuer: Option<String>,
    /// The client ID that provider knows the demo by
    #[arg(long, value_name = "ID", requires = "issuer")]
    client_id: Option<String>,
    /// Its secret; better given in the environment variable DOORWARD_CLIENT_SECRET
    #[arg(long, value_name = "SECRET", requires = "issuer")]
    client_secret: Option<SecretString>,
    /// Serve https with a certificate made on the spot, to see the production cookies
    #[arg(long)]
    tls: bool,
    /// What browsers call the app; default: http://localhost and the port, https with --tls
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Origin of another frontend of yours that may call with credentials; may be repeated
    #[arg(long, value_name = "ORIGIN")]
    app_origin: Vec<String>,
    /// Share session and CSRF cookie among the subdomains of this domain
    #[arg(long, value_name = "DOMAIN")]
    cookie_domain: Option<String>,
    /// How the provider sends the browser back
    #[arg(long, value_name = "MODE", value_enum, default_value_t = Mode::Query)]
    response_mode: Mode,
    /// Where sessions are kept: redis://…, postgres://…, or memory; sealed cookies unless set
    #[arg(long, value_name = "URL")]
    store: Option<SecretString>,
    /// Session secrets, as `doorward keys rotate` writes them; read again every five seconds
    #[arg(long, value_name = "FILE")]
    secrets_file: Option<PathBuf>,
    /// Seconds without a request after which a session ends
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600, hide = true, value_parser = clap::value_parser!(u64).range(1..=2_592_000))]
    idle_timeout: u64,
    /// Seconds for which a sign-in counts as recent
    #[arg(long, value_name = "SECONDS", default_value_t = 300, hide = true, value_parser = clap::value_parser!(u64).range(1..=2_592_000))]
    recent_age: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Mode {
    Query,
    FormPost,
}

/// The provider that the demo signs in with.
struct Relation {
    issuer: String,
    client_id: String,
    client_secret: SecretString,
    /// Whom its access tokens are for, where that is known.
    audience: Option<String>,
}

/// Runs everything until it is told to stop.
pub(crate) fn run(options: Options) -> Result<(), Failure> {
    logging::begin()?;
    block_on(serve(options))
}

async fn serve(options: Options) -> Result<(), Failure> {
    // Both sockets are bound first, for their ports; nothing listens before everything has been judged.
    let app_socket = Bound::new(options.listen, LISTEN)?;
    let public_url = options.public_url(app_socket.port());
    let parsed = parse_public_url(&public_url)?;

    let (development, relation) = match &options.issuer {
        Some(issuer) => (None, options.own_provider(issuer)?),
        None => {
            let socket = Bound::new(options.provider_listen, PROVIDER_LISTEN)?;
            let provider = options.development_provider(&provider::issuer(&socket), &parsed, app_socket.port())?;
            let relation = Relation {
                issuer: provider.issuer().to_owned(),
                client_id: provider.client_id().to_owned(),
                client_secret: provider.client_secret().clone(),
                audience: Some(provider.audience().to_owned()),
            };
            (Some((socket, provider)), relation)
        }
    };
    let issuer = relation.issuer.clone();
    let provider_origin = Url::parse(&issuer)
        .map(|url| url.origin().ascii_serialization())
        .map_err(|error| Failure::unusable(format!("--issuer is {issuer:?}, expected an absolute URL: {error}")))?;
    let takes_bearer = relation.audience.is_some();
    let auth = options.auth(&public_url, relation).await?;
    let tls = if options.tls {
        Some(tls::acceptor(options.hosts(&parsed))?)
    } else {
        None
    };

    let stop = Stop::new()?;
    let app = Demo {
        public_url: parsed,
        app_origins: options.app_origin.clone(),
        provider_origin,
        takes_bearer,
        recent_age: Duration::from_secs(options.recent_age),
        stopping: stop.stopping(),
    }
    .router(&auth);
    tokio::spawn(end_live(auth, stop.stopping()));

    let app_listener = app_socket.listen(LISTEN)?;
    let mut ready = vec![public_url.clone()];
    let mut people = None;
    if let Some((socket, provider)) = development {
        let listener = socket.listen(PROVIDER_LISTEN)?;
        tokio::spawn(listen::serve(listener, None, provider.router(), stop.stopping()));
        ready.push(issuer.clone());
        people = Some(provider);
    }
    tokio::spawn(listen::serve(app_listener, tls, app, stop.stopping()));
    for url in &ready {
        logging::to_stdout(&format!("ready {url}"));
    }
    logging::to_stderr(&welcome(&options, &public_url, &issuer, people.as_ref()));
    drop(people);
    stop.on_signal().await;
    Ok(())
}

/// Ends what would go on for as long as somebody is signed in, once a stop was asked for.
async fn end_live(auth: Doorward, stopping: Stopping) {
    stopping.requested().await;
    auth.end_live();
}

impl Options {
    fn public_url(&self, port: u16) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        match &self.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("{scheme}://localhost:{port}"),
        }
    }

    fn own_provider(&self, issuer: &str) -> Result<Relation, Failure> {
        #[allow(clippy::disallowed_methods, reason = "the binary is where the environment is read")]
        let from_environment = || std::env::var(CLIENT_SECRET_VARIABLE).ok().map(SecretString::new);
        let client_secret = self
            .client_secret
            .clone()
            .or_else(from_environment)
            .filter(|secret| !secret.is_empty())
            .ok_or_else(|| {
                Failure::unusable("--issuer needs the secret of the client, found none")
                    .with_hint(format!("set {CLIENT_SECRET_VARIABLE}, or give --client-secret"))
            })?;
        Ok(Relation {
            issuer: issuer.to_owned(),
            client_id: self.client_id.clone().unwrap_or_default(),
            client_secret,
            audience: None,
        })
    }

    /// The development provider, which knows where a public URL off loopback comes back to.
    fn development_provider(&self, issuer: &str, public_url: &Url, app_port: u16) -> Result<DevProvider, Failure> {
        let origin = public_url.origin().ascii_serialization();
        provider::start(issuer, |settings| {
            // Straight to the demo, wherever browsers meet it; the certificate of --tls is one that nobody trusts.
            if !self.tls {
                settings.backchannel_logout_uri = Some(format!("http://localhost:{app_port}/auth/backchannel-logout"));
            }
            settings.auto_login.clone_from(&self.auto_login);
            settings.extra_redirect_uris = vec![format!("{origin}/auth/callback")];
            settings.extra_post_logout_uris = vec![origin.clone(), format!("{origin}/")];
        })
    }

    /// The part that a Rust application writes itself.
    async fn auth(&self, public_url: &str, relation: Relation) -> Result<Doorward, Failure> {
        let secrets_file = self.secrets_file.as_ref().map(SecretsFile::new);
        let secrets = match &secrets_file {
            Some(file) => file.read().map_err(|error| {
                Failure::unusable(format!("--secrets-file: {}", chain(&error)))
                    .with_hint("\"doorward keys rotate FILE\" makes such a file")
            })?,
            None => vec![generate_secret(&SystemRandom).map_err(|error| Failure::Broken(chain(&error)))?],
        };
        let sessions = match &self.store {
            // This one process is all there is, so that its memory does.
            None => Sessions::cookie(secrets).revocation_store(MemoryStore::new()),
            Some(url) => self.stored(url.expose(), secrets).await?,
        };
        let mut sessions = sessions.idle_timeout(Duration::from_secs(self.idle_timeout));
        if let Some(domain) = &self.cookie_domain {
            sessions = sessions.cookie_domain(domain);
        }
        let mut provider = Provider::oidc(relation.issuer, relation.client_id, relation.client_secret).scopes([
            "openid",
            "offline_access",
            "email",
            "profile",
        ]);
        if self.response_mode == Mode::FormPost {
            provider = provider.response_mode(ResponseMode::FormPost);
        }

        let idle_timeout = self.idle_timeout;
        let mut builder = Doorward::builder()
            .public_url(public_url)
            .provider(provider)
            .session(sessions)
            .token_endpoint(true)
            .backchannel_logout(true)
            .frontchannel_logout(true)
            .session_metadata(move |session| {
                let user = session.user();
                json!({
                    "name": user.name,
                    "email": user.email,
                    "roles": user.roles,
                    "idleTimeoutSeconds": idle_timeout,
                })
            });
        if let Some(audience) = relation.audience {
            builder = builder.bearer(BearerTokens::new().audience(audience));
        }
        for origin in &self.app_origin {
            builder = builder.app_origin(origin);
        }
        let auth = builder.build().map_err(|error| Failure::unusable(chain(&error)))?;
        if let Some(file) = &secrets_file {
            auth.watch_secrets_file(file);
        }
        Ok(auth)
    }

    /// Sessions in a store, whose tables are made first where it has tables.
    async fn stored(&self, url: &str, secrets: Vec<SecretString>) -> Result<Sessions, Failure> {
        if url == "memory" {
            return Ok(Sessions::memory(secrets));
        }
        let refused = |problem: String| Failure::unusable(format!("--store: {problem}"));
        let store = Store::of(url, ", or \"memory\"", None).map_err(refused)?;
        store.prepare().await.map_err(refused)?;
        Ok(store.sessions(secrets))
    }

    /// The hosts that the certificate names.
    fn hosts(&self, public_url: &Url) -> Vec<String> {
        let app_origins = self.app_origin.iter().filter_map(|origin| Url::parse(origin).ok());
        app_origins
            .chain([public_url.clone()])
            .filter_map(|url| url.host_str().map(str::to_owned))
            .collect()
    }
}

fn parse_public_url(url: &str) -> Result<Url, Failure> {
    let refused = || {
        Failure::unusable(format!(
            "--public-url is {url:?}, expected an http or https URL with a host"
        ))
        .with_hint("such as https://app.example.test:7443")
    };
    let parsed = Url::parse(url).map_err(|_| refused())?;
    if matches!(parsed.scheme(), "http" | "https") && parsed.host_str().is_some() {
        Ok(parsed)
    } else {
        Err(refused())
    }
}

fn welcome(options: &Options, public_url: &str, issuer: &str, provider: Option<&DevProvider>) -> String {
    let sign_in = match (provider, &options.auto_login) {
        (Some(_), Some(user)) => format!("happens at once, as {user}"),
        (Some(provider), None) => provider::users(provider),
        (None, _) => "with the accounts of your provider".to_owned(),
    };
    // Only the development provider's page has these two to choose from.
    let admin = match (provider.is_some(), &options.auto_login) {
        (true, None) => "as alice and as bob: 200 and 403",
        _ => "200 with the role admin, else 403",
    };
    let provider = match provider {
        Some(provider) => format!(
            "{issuer}
            client {}, secret {}",
            provider.client_id(),
            provider.client_secret().expose()
        ),
        None => format!(
            "{issuer}
            it must know the redirect URI {public_url}/auth/callback"
        ),
    };
    let insecure = if options.tls { "-k " } else { "" };
    format!(
        "
  Doorward is at the door.

  open      {public_url}
  sign in   {sign_in}
  try       curl -i {insecure}{public_url}/api/protected    answers 401
            sign in, and the page reads it: 200
            post with and without the CSRF token: 200 and 403
            ask for the admin endpoint, {admin}
  provider  {provider}
  stop      Ctrl-C
"
    )
}
