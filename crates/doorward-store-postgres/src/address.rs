//! The URL of a server, judged before anything is connected.

use core::str::FromStr;
use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::{Host, Url};

const MAX_URL: usize = 4_096;

/// A URL that leads to no PostgreSQL server.
///
/// # Security
/// No variant holds the URL or its password.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// It is longer than any URL of a server.
    #[error("expected a store URL of at most {MAX_URL} bytes, found a longer one")]
    TooLong,
    /// It is no URL.
    #[error("expected a store URL like \"postgres://user:password@host/database\", found none: {0}")]
    Malformed(url::ParseError),
    /// It is for something else.
    #[error("expected the scheme \"postgres\" or \"postgresql\", found {0:?}")]
    Scheme(String),
    /// A part is missing.
    #[error("expected a {0} in the store URL, found none")]
    Missing(&'static str),
    /// A part is no text.
    #[error("expected the {0} in the store URL to be percent-encoded UTF-8, found other bytes")]
    Encoding(&'static str),
    /// Several hosts.
    #[error("expected one host in the store URL, found several")]
    SeveralHosts,
    /// A user or password that was not encoded, so that its rest counts as parameters.
    #[error("expected \"?\" in the user or password of the store URL as \"%3F\", found \"@\" among its parameters")]
    Unencoded,
    /// A parameter that means nothing here.
    #[error(
        "expected one of sslmode, sslrootcert, sslcert, sslkey, host, port, user and application_name in the store URL, found {0:?}"
    )]
    UnknownParameter(String),
    /// A parameter that stands twice.
    #[error("expected {0:?} once in the store URL, found it twice")]
    Repeated(String),
    /// A mode of TLS that there is none of.
    #[error("expected sslmode to be verify-full, verify-ca, require or disable, found {0:?}")]
    SslMode(String),
    /// A mode of TLS that an attacker on the way can talk out of it.
    #[error("expected sslmode to be verify-full, verify-ca, require or disable for a server elsewhere, found {0:?}")]
    Optional(String),
    /// A directory of a socket that is none.
    #[error("expected the parameter host to be the directory of a socket, such as /run/postgresql, found {0:?}")]
    Socket(String),
    /// A host in the URL and a directory of a socket.
    #[error("expected the store URL to name a host or, as parameter, the directory of a socket, found both")]
    HostTwice,
    /// A port that is none.
    #[error("expected the parameter port to be a number from 1 to 65535, found {0:?}")]
    Port(String),
    /// A port beside a host, which has a place for it.
    #[error("expected the port behind the host in the store URL, found it as a parameter; that is for sockets")]
    PortOfHost,
    /// One half of a client's certificate.
    #[error("expected sslcert and sslkey together in the store URL, found one of them")]
    HalfCertificate,
}

/// Reads a URL as libpq does, and more strictly: nothing is ignored, and a server elsewhere is verified unless the URL says otherwise.
pub(crate) fn judge(text: &str) -> Result<PgConnectOptions, UrlError> {
    if text.len() > MAX_URL {
        return Err(UrlError::TooLong);
    }
    let url = Url::parse(text).map_err(UrlError::Malformed)?;
    if !matches!(url.scheme(), "postgres" | "postgresql") {
        return Err(UrlError::Scheme(url.scheme().to_owned()));
    }
    let mut parameters = Parameters::read(&url)?;
    let host = host(&url, parameters.take("host"))?;
    let port = port(&url, &host, parameters.take("port"))?;
    let user = match parameters.take("user") {
        Some(user) => user,
        None => decoded(url.username(), "user")?.into_owned(),
    };
    if user.is_empty() {
        return Err(UrlError::Missing("user"));
    }
    let database = decoded(url.path().strip_prefix('/').unwrap_or_default(), "database")?;
    if database.is_empty() {
        return Err(UrlError::Missing("database"));
    }
    let mode = ssl_mode(parameters.take("sslmode"), host.is_local())?;
    let mut options = PgConnectOptions::new_without_pgpass()
        .username(&user)
        .database(&database)
        .ssl_mode(mode)
        .port(port)
        .application_name(parameters.take("application_name").as_deref().unwrap_or("doorward"))
        // No floats are read, and poolers refuse what they do not know.
        .extra_float_digits(None);
    options = match host {
        Place::Socket(directory) => options.socket(directory),
        Place::Host { name, .. } => options.host(&name),
    };
    if let Some(password) = url.password() {
        options = options.password(&decoded(password, "password")?);
    }
    if let Some(file) = parameters.take("sslrootcert") {
        options = options.ssl_root_cert(file);
    }
    match (parameters.take("sslcert"), parameters.take("sslkey")) {
        (Some(certificate), Some(key)) => options = options.ssl_client_cert(certificate).ssl_client_key(key),
        (None, None) => {}
        _ => return Err(UrlError::HalfCertificate),
    }
    // Security: the library would write statements into the log.
    Ok(options.disable_statement_logging())
}

/// Tells whether a server elsewhere is reached without proof that it is the one.
pub(crate) fn is_unverified(options: &PgConnectOptions) -> bool {
    let local = options.get_socket().is_some() || is_loopback(options.get_host());
    !local && !matches!(options.get_ssl_mode(), PgSslMode::VerifyFull | PgSslMode::VerifyCa)
}

enum Place {
    Socket(String),
    Host { name: String, local: bool },
}

impl Place {
    fn is_local(&self) -> bool {
        matches!(self, Self::Socket(_) | Self::Host { local: true, .. })
    }
}

fn host(url: &Url, parameter: Option<String>) -> Result<Place, UrlError> {
    if let Some(directory) = parameter {
        if !directory.starts_with('/') {
            return Err(UrlError::Socket(directory));
        }
        if !url.host_str().unwrap_or_default().is_empty() {
            return Err(UrlError::HostTwice);
        }
        return Ok(Place::Socket(directory));
    }
    let name = match url.host() {
        None => return Err(UrlError::Missing("host")),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        Some(Host::Domain(name)) => decoded(name, "host")?.into_owned(),
    };
    if name.is_empty() {
        return Err(UrlError::Missing("host"));
    }
    if name.starts_with('/') {
        return Ok(Place::Socket(name));
    }
    if name.contains(',') {
        return Err(UrlError::SeveralHosts);
    }
    let local = is_loopback(&name);
    Ok(Place::Host { name, local })
}

/// The port; of a socket, whose file is named by it, too.
fn port(url: &Url, host: &Place, parameter: Option<String>) -> Result<u16, UrlError> {
    const USUAL: u16 = 5_432;
    let Some(text) = parameter else {
        return Ok(url.port().unwrap_or(USUAL));
    };
    if matches!(host, Place::Host { .. }) || url.port().is_some() {
        return Err(UrlError::PortOfHost);
    }
    match text.parse() {
        Ok(port) if port != 0 => Ok(port),
        _ => Err(UrlError::Port(text)),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || std::net::IpAddr::from_str(host).is_ok_and(|address| address.is_loopback())
}

fn ssl_mode(parameter: Option<String>, local: bool) -> Result<PgSslMode, UrlError> {
    let Some(mode) = parameter else {
        // Security: libpq's default, `prefer`, goes on without TLS where somebody on the way says that there is none.
        return Ok(if local {
            PgSslMode::Prefer
        } else {
            PgSslMode::VerifyFull
        });
    };
    match mode.as_str() {
        "verify-full" => Ok(PgSslMode::VerifyFull),
        "verify-ca" => Ok(PgSslMode::VerifyCa),
        "require" => Ok(PgSslMode::Require),
        "disable" => Ok(PgSslMode::Disable),
        "prefer" if local => Ok(PgSslMode::Prefer),
        "prefer" | "allow" => Err(UrlError::Optional(mode)),
        _ => Err(UrlError::SslMode(mode)),
    }
}

fn decoded<'t>(text: &'t str, what: &'static str) -> Result<Cow<'t, str>, UrlError> {
    percent_decode_str(text)
        .decode_utf8()
        .map_err(|_| UrlError::Encoding(what))
}

struct Parameters(Vec<(String, String)>);

impl Parameters {
    const KNOWN: [&'static str; 8] = [
        "sslmode",
        "sslrootcert",
        "sslcert",
        "sslkey",
        "host",
        "port",
        "user",
        "application_name",
    ];

    fn read(url: &Url) -> Result<Self, UrlError> {
        // Security: what follows may be half of a password, and the errors below show names.
        if url.query().is_some_and(|query| query.contains('@')) {
            return Err(UrlError::Unencoded);
        }
        let mut found: Vec<(String, String)> = Vec::new();
        for (name, value) in url.query_pairs() {
            if !Self::KNOWN.contains(&name.as_ref()) {
                return Err(UrlError::UnknownParameter(name.into_owned()));
            }
            if found.iter().any(|(other, _)| *other == name) {
                return Err(UrlError::Repeated(name.into_owned()));
            }
            found.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(found))
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(other, _)| other == name)?;
        Some(self.0.swap_remove(at).1)
    }
}

#[cfg(test)]
mod tests;
