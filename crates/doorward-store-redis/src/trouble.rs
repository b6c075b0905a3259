//! What can go wrong between us and a server, by name, and what follows from it.

use doorward_core::ports::{StoreError, StoreErrorKind};
use redis::{ErrorKind, RedisError, ServerError};

/// Why a question to a server has no answer that can be used.
///
/// # Security
/// Texts hold the names of errors and never a server's own words, which may quote a command and with it a record.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// The host's name leads nowhere.
    #[error(
        "expected an address for the host of the store URL, found none: is its name right, and known to this machine?"
    )]
    NoAddress,
    /// Nobody listens.
    #[error("expected a connection, found none: {0}")]
    NoConnection(std::io::ErrorKind),
    /// The TLS handshake failed.
    #[error(
        "expected a TLS handshake, found that it failed; does the certificate name the host and its authority count here?"
    )]
    Tls,
    /// The connection ended, with or without a part of an answer.
    #[error("connection to the server ended")]
    Closed,
    /// No answer in time.
    #[error("expected an answer in time, found none")]
    Silent,
    /// The last attempt to connect has just failed; the next one is due soon.
    #[error("no new attempt yet after the last: {0}")]
    Waiting(Box<Trouble>),
    /// The server reads its data from disk.
    #[error("server answers LOADING: it is still reading its data")]
    Loading,
    /// A replica takes no writes; after a failover it was the primary.
    #[error("server answers READONLY: it is a replica")]
    ReadOnly,
    /// A new connection led to a replica.
    #[error("expected a primary, found a replica")]
    Replica,
    /// The server is a primary still, and the sentinels have another by now.
    #[error("expected the primary that the sentinels name, found one that another took the place of")]
    Replaced,
    /// A replica that has lost its primary.
    #[error("server answers MASTERDOWN: it is a replica without a primary")]
    PrimaryDown,
    /// A primary that takes no writes because too few replicas follow it.
    #[error("server answers NOREPLICAS: too few replicas follow it")]
    NoReplicas,
    /// The key's slot is on another node.
    #[error("server answers MOVED: the key is on another node")]
    Moved(Redirect),
    /// The key's slot is on its way to another node.
    #[error("server answers ASK: the key is on its way to another node")]
    Ask(Redirect),
    /// The key's slot is being moved.
    #[error("server answers TRYAGAIN: the key is on its way to another node")]
    TryAgain,
    /// Some slots have no node.
    #[error("server answers CLUSTERDOWN: the cluster does not serve the key")]
    ClusterDown,
    /// No node is known for the slot.
    #[error("expected a node for the key, found none")]
    NoNode,
    /// No sentinel names a primary.
    #[error("expected a sentinel that names the primary, found none")]
    NoPrimary,
    /// The account is missing, wrong, or may not do this.
    #[error("server refuses the account or what it may do: {0}")]
    Denied(&'static str),
    /// The server has no memory left and may not evict.
    #[error("server answers OOM: its memory is full")]
    Full,
    /// The number of the database: the URL's, which the server has not got or the account may not choose.
    #[error(
        "expected the database of the store URL, found that the server refuses it: is there one of this number, and has the account +select?"
    )]
    NoDatabase,
    /// A script of somebody's runs and runs.
    #[error("server answers BUSY: a script runs too long")]
    Busy,
    /// The script is not known to the server; not seen outside.
    #[error("server answers NOSCRIPT: it does not know the script")]
    NoScript,
    /// Under our key lies something of another kind or form.
    #[error("expected a record of ours under the key, found something else")]
    Foreign,
    /// What came is no reply, or no reply to what was asked.
    #[error("expected a reply to what was asked, found something else")]
    Nonsense,
    /// Redis before 6.2, or something that is not Redis.
    #[error("expected Redis 6.2 or later, or Valkey, found another server or an older one")]
    TooOld,
    /// A cluster node under a URL that says one server.
    #[error(
        "expected a server by itself, found a node of a cluster; its URL begins with redis+cluster:// or rediss+cluster://"
    )]
    ClusterNode,
    /// A server by itself under a URL that says cluster.
    #[error("expected a node of a cluster, found a server by itself")]
    NoCluster,
    /// Any other error reply.
    #[error("server answers with an error: {0}")]
    Refused(String),
    /// What we were given cannot be asked for.
    #[error("{0}")]
    Misuse(&'static str),
    /// Too many calls wait already.
    #[error("too many calls wait for the store already")]
    Overloaded,
}

/// Where a cluster's node sends us.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Redirect {
    pub(crate) slot: u16,
    /// Empty for the host that answered.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Trouble {
    /// In which way the store failed, as its callers see it.
    pub(crate) fn kind(&self) -> StoreErrorKind {
        match self {
            Self::NoAddress
            | Self::NoConnection(_)
            | Self::Tls
            | Self::Closed
            | Self::Loading
            | Self::ReadOnly
            | Self::Replica
            | Self::Replaced
            | Self::PrimaryDown
            | Self::NoReplicas
            | Self::Moved(_)
            | Self::Ask(_)
            | Self::TryAgain
            | Self::ClusterDown
            | Self::NoNode
            | Self::NoPrimary => StoreErrorKind::Unreachable,
            // What kept the last attempt from succeeding is what keeps this call from its answer; but nobody waited.
            Self::Waiting(last) => match last.kind() {
                StoreErrorKind::Timeout => StoreErrorKind::Unreachable,
                kind => kind,
            },
            Self::Silent => StoreErrorKind::Timeout,
            Self::Foreign => StoreErrorKind::Foreign,
            Self::Overloaded => StoreErrorKind::Overloaded,
            Self::Denied(_)
            | Self::NoDatabase
            | Self::Full
            | Self::Busy
            | Self::NoScript
            | Self::Nonsense
            | Self::TooOld
            | Self::ClusterNode
            | Self::NoCluster
            | Self::Misuse(_)
            | Self::Refused(_) => StoreErrorKind::Failed,
        }
    }

    /// Whether the connection must go: it is broken, or leads to a server that is not the primary any more.
    pub(crate) fn spoils_connection(&self) -> bool {
        matches!(
            self,
            // A right that is missing (NOPERM) is missing on the next one too.
            Self::Closed | Self::Nonsense | Self::ReadOnly | Self::PrimaryDown | Self::Denied("NOAUTH" | "WRONGPASS")
        )
    }

    /// The same, found by a call that did not try itself.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::Waiting(_) => self.clone(),
            other => Self::Waiting(Box::new(other.clone())),
        }
    }

    /// Names what the client library reports.
    pub(crate) fn of(error: RedisError) -> Self {
        match error.kind() {
            ErrorKind::Io if error.is_timeout() => Self::Silent,
            ErrorKind::Io => Self::Closed,
            ErrorKind::Parse => Self::Nonsense,
            // Also said where HELLO is refused, of which the commonest reason is its age.
            ErrorKind::RESP3NotSupported => Self::TooOld,
            kind => match error.code() {
                // The library keeps what the server said to itself.
                Some("ERR") if error.to_string().contains("refused to switch database") => Self::NoDatabase,
                Some(code) => Self::named(code, error.detail().unwrap_or_default()),
                None if kind == ErrorKind::AuthenticationFailed => Self::Denied("WRONGPASS"),
                None => Self::Nonsense,
            },
        }
    }

    /// Names an error reply.
    pub(crate) fn of_reply(error: &ServerError) -> Self {
        Self::named(error.code(), error.details().unwrap_or_default())
    }

    fn named(code: &str, details: &str) -> Self {
        match code {
            "LOADING" => Self::Loading,
            "READONLY" => Self::ReadOnly,
            "MASTERDOWN" => Self::PrimaryDown,
            "NOREPLICAS" => Self::NoReplicas,
            "MOVED" => Redirect::parse(details).map_or(Self::Nonsense, Self::Moved),
            "ASK" => Redirect::parse(details).map_or(Self::Nonsense, Self::Ask),
            "TRYAGAIN" => Self::TryAgain,
            "CLUSTERDOWN" => Self::ClusterDown,
            "NOAUTH" => Self::Denied("NOAUTH"),
            "NOPERM" => Self::Denied("NOPERM"),
            "WRONGPASS" => Self::Denied("WRONGPASS"),
            "NOPROTO" => Self::TooOld,
            "OOM" => Self::Full,
            "BUSY" => Self::Busy,
            "NOSCRIPT" => Self::NoScript,
            "WRONGTYPE" | "FOREIGN" => Self::Foreign,
            // Before 7.0 an error within a script is wrapped, its name in the middle of the text.
            "ERR" if details.starts_with("Error running script") => Self::within_script(details),
            "ERR" if details.starts_with("unknown command") || details.starts_with("Unknown command") => Self::TooOld,
            // What a script may not do is said without the name NOPERM.
            "ERR"
                if details.contains("The user executing the script can't")
                    || details.contains("ACL failure in script") =>
            {
                Self::Denied("NOPERM")
            }
            "ERR" if details.contains("cluster support disabled") => Self::NoCluster,
            other => Self::Refused(safe_code(other)),
        }
    }

    fn within_script(details: &str) -> Self {
        const NAMES: [&str; 7] = [
            "READONLY",
            "OOM",
            "WRONGTYPE",
            "MASTERDOWN",
            "NOREPLICAS",
            "NOPERM",
            "LOADING",
        ];
        let mut words = details.split([' ', ':', '-']);
        let name = words.find_map(|word| NAMES.into_iter().find(|name| *name == word));
        name.map_or_else(|| Self::Refused("ERR".to_owned()), |name| Self::named(name, ""))
    }
}

impl From<Trouble> for StoreError {
    fn from(trouble: Trouble) -> StoreError {
        StoreError::with_source(trouble.kind(), trouble)
    }
}

impl Redirect {
    /// Reads `3999 127.0.0.1:6381`.
    fn parse(details: &str) -> Option<Redirect> {
        let mut words = details.split_ascii_whitespace();
        let slot = words.next()?.parse().ok().filter(|slot| *slot < crate::slot::SLOTS)?;
        let (host, port) = words.next()?.rsplit_once(':')?;
        let host = if host == "?" { "" } else { host };
        Some(Redirect {
            slot,
            host: host.trim_matches(['[', ']']).to_owned(),
            port: port.parse().ok().filter(|port| *port != 0)?,
        })
    }
}

/// An error's name where it looks like one; whoever owns the server chose it.
fn safe_code(code: &str) -> String {
    let is_name = code.len() <= 32 && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    if is_name { code.to_owned() } else { "no name".to_owned() }
}
