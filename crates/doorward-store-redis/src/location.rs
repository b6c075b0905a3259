//! A store's URL: which servers, in which arrangement, with which account.

use doorward_core::SecretString;
use percent_encoding::percent_decode_str;

const MAX_URL: usize = 4 * 1024;
const MAX_HOSTS: usize = 32;
const SERVER_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26_379;

/// A host and a port.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl core::fmt::Display for Address {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Address { host, port } = self;
        if host.contains(':') {
            write!(f, "[{host}]:{port}")
        } else {
            write!(f, "{host}:{port}")
        }
    }
}

/// A URL, judged. It holds a password and so has no debug output.
pub(crate) struct Location {
    pub(crate) arrangement: Arrangement,
    pub(crate) tls: bool,
    pub(crate) account: Account,
    pub(crate) database: i64,
    /// A file of certificates that count instead of the system's.
    pub(crate) authority: Option<String>,
}

/// How the servers stand to each other.
pub(crate) enum Arrangement {
    /// One server, or an address that always leads to the primary.
    Single(Address),
    /// Sentinels that know the primary.
    Sentinel {
        sentinels: Vec<Address>,
        name: String,
        account: Account,
    },
    /// Some nodes of a cluster.
    Cluster(Vec<Address>),
}

/// Who we are to a server.
#[derive(Clone, Default)]
pub(crate) struct Account {
    pub(crate) user: Option<String>,
    pub(crate) password: Option<SecretString>,
}

/// Why a store's URL cannot be used.
///
/// # Security
/// No variant shows the URL, which holds a password.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// Longer than any honest one.
    #[error("expected a store URL of at most 4,096 bytes, found a longer one")]
    TooLong,
    /// Another scheme, or none.
    #[error(
        "expected a store URL that begins with redis://, rediss://, redis+sentinel://, rediss+sentinel://, redis+cluster:// or \
         rediss+cluster://, found another beginning"
    )]
    Scheme,
    /// No host, an impossible port, or several hosts where one is meant.
    #[error(
        "expected hosts as host:port in the store URL, one, or several of Sentinel or Cluster, found something else"
    )]
    Hosts,
    /// A user without a password, or a percent sign that begins no escape of UTF-8 text.
    #[error("expected user:password or :password before the @ of the store URL, found something else")]
    Account,
    /// The path is no database number; with Sentinel, no name with or without one.
    #[error(
        "expected a database number as the path of the store URL, after the primary's name with Sentinel, found something else"
    )]
    Path,
    /// A cluster has one database only.
    #[error("expected no database other than 0 in the URL of a cluster, found one")]
    ClusterDatabase,
    /// A parameter that does not exist, has no value, or is of no use there.
    #[error(
        "expected no parameter in the store URL but ca (with TLS), sentinel_user and sentinel_password (with Sentinel), found another"
    )]
    Parameter,
}

impl Location {
    /// Reads a URL.
    pub(crate) fn parse(url: &str) -> Result<Location, UrlError> {
        if url.len() > MAX_URL {
            return Err(UrlError::TooLong);
        }
        let (scheme, rest) = url.split_once("://").ok_or(UrlError::Scheme)?;
        let (server, kind) = scheme.split_once('+').unwrap_or((scheme, ""));
        let tls = match server {
            "redis" => false,
            "rediss" => true,
            _ => return Err(UrlError::Scheme),
        };
        if rest.contains('#') {
            return Err(UrlError::Parameter);
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (account, rest) = match rest.rsplit_once('@') {
            Some((account, rest)) => (Account::parse(account)?, rest),
            None => (Account::default(), rest),
        };
        let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
        let mut parameters = Parameters::parse(query)?;
        let authority = parameters.authority.take().filter(|_| tls);
        if authority.is_none() && parameters.had_authority {
            return Err(UrlError::Parameter);
        }
        let (arrangement, database) = match kind {
            "" if !scheme.contains('+') => {
                let [address] =
                    <[Address; 1]>::try_from(parse_hosts(hosts, SERVER_PORT)?).map_err(|_| UrlError::Hosts)?;
                (Arrangement::Single(address), parse_database(path)?)
            }
            "sentinel" => {
                let (name, database) = path.split_once('/').unwrap_or((path, ""));
                let name = decode(name).filter(|name| !name.is_empty()).ok_or(UrlError::Path)?;
                let arrangement = Arrangement::Sentinel {
                    sentinels: parse_hosts(hosts, SENTINEL_PORT)?,
                    name,
                    account: parameters.sentinel()?,
                };
                (arrangement, parse_database(database)?)
            }
            "cluster" => {
                if parse_database(path)? != 0 {
                    return Err(UrlError::ClusterDatabase);
                }
                (Arrangement::Cluster(parse_hosts(hosts, SERVER_PORT)?), 0)
            }
            _ => return Err(UrlError::Scheme),
        };
        if parameters.is_left_over() {
            return Err(UrlError::Parameter);
        }
        Ok(Location {
            arrangement,
            tls,
            account,
            database,
            authority,
        })
    }
}

impl Account {
    fn parse(text: &str) -> Result<Account, UrlError> {
        let (user, password) = text.split_once(':').ok_or(UrlError::Account)?;
        let user = decode(user).ok_or(UrlError::Account)?;
        let password = decode(password).filter(|password| !password.is_empty());
        Ok(Account {
            user: (!user.is_empty()).then_some(user),
            password: Some(SecretString::new(password.ok_or(UrlError::Account)?)),
        })
    }
}

/// What may stand behind the question mark.
#[derive(Default)]
struct Parameters {
    authority: Option<String>,
    had_authority: bool,
    sentinel_user: Option<String>,
    sentinel_password: Option<String>,
}

impl Parameters {
    fn parse(query: &str) -> Result<Parameters, UrlError> {
        let mut parameters = Parameters::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or(UrlError::Parameter)?;
            let place = match name {
                "ca" => &mut parameters.authority,
                "sentinel_user" => &mut parameters.sentinel_user,
                "sentinel_password" => &mut parameters.sentinel_password,
                _ => return Err(UrlError::Parameter),
            };
            let value = decode(value).filter(|value| !value.is_empty());
            if place.replace(value.ok_or(UrlError::Parameter)?).is_some() {
                return Err(UrlError::Parameter);
            }
        }
        parameters.had_authority = parameters.authority.is_some();
        Ok(parameters)
    }

    fn sentinel(&mut self) -> Result<Account, UrlError> {
        let (user, password) = (self.sentinel_user.take(), self.sentinel_password.take());
        if user.is_some() && password.is_none() {
            return Err(UrlError::Parameter);
        }
        Ok(Account {
            user,
            password: password.map(SecretString::new),
        })
    }

    const fn is_left_over(&self) -> bool {
        self.authority.is_some() || self.sentinel_user.is_some() || self.sentinel_password.is_some()
    }
}

fn parse_hosts(text: &str, port: u16) -> Result<Vec<Address>, UrlError> {
    let hosts: Vec<Address> = text
        .split(',')
        .map(|host| parse_host(host, port).ok_or(UrlError::Hosts))
        .collect::<Result<_, _>>()?;
    if hosts.len() > MAX_HOSTS {
        return Err(UrlError::Hosts);
    }
    Ok(hosts)
}

fn parse_host(text: &str, default_port: u16) -> Option<Address> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (
                host,
                if after.is_empty() {
                    None
                } else {
                    Some(after.strip_prefix(':')?)
                },
            )
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port = match port {
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => port.parse().ok()?,
        Some(_) => return None,
        None => default_port,
    };
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':');
    (port != 0 && !host.is_empty() && host.bytes().all(is_host)).then(|| Address {
        host: host.to_owned(),
        port,
    })
}

fn parse_database(text: &str) -> Result<i64, UrlError> {
    match text {
        "" => Ok(0),
        digits if digits.len() <= 9 && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse().map_err(|_| UrlError::Path)
        }
        _ => Err(UrlError::Path),
    }
}

fn decode(text: &str) -> Option<String> {
    let mut escapes = text.split('%').skip(1);
    let is_escape = |after: &str| {
        after
            .as_bytes()
            .get(..2)
            .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if !escapes.all(is_escape) {
        return None;
    }
    let decoded = percent_decode_str(text).decode_utf8().ok()?;
    (!decoded.contains('\0')).then(|| decoded.into_owned())
}

#[cfg(test)]
mod tests;
