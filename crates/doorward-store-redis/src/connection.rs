//! One connection, shared by all calls: opened, greeted, asked.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::sync::Arc;

use redis::aio::{AsyncPushSender, MultiplexedConnection};
use redis::{AsyncConnectionConfig, Pipeline, ProtocolVersion, RedisConnectionInfo, Value};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use crate::location::{Account, Address};
use crate::reply;
use crate::socket::{Pulse, Socket};
use crate::trouble::Trouble;

/// An idle connection is asked for a sign of life this often, so that one that a firewall forgot is not met by a request.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(4);
/// How often a server is asked whether it still is the primary, busy or not: what it answers in between may be old.
pub(crate) const CONFIRMATION: Duration = Duration::from_secs(1);
/// How long that sign may take.
pub(crate) const HEARTBEAT_LIMIT: Duration = Duration::from_secs(2);

/// What a new connection must lead to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// A server by itself that takes writes.
    Primary,
    /// A node of a cluster; whether it serves a key it says itself.
    Node,
    /// A sentinel.
    Sentinel,
}

/// How connections are made.
#[derive(Clone)]
pub(crate) struct Dialer {
    pub(crate) tls: Option<TlsConnector>,
    pub(crate) account: Account,
    pub(crate) database: i64,
}

/// A connection that was greeted. Dropping the last handle closes it.
pub(crate) struct Connection {
    inner: MultiplexedConnection,
    address: Address,
    expected: Expected,
    pulse: Arc<Pulse>,
    is_over: Arc<AtomicBool>,
    driver: AbortHandle,
}

impl Dialer {
    /// Connects, greets, and makes sure of what is there. The caller sets the limit in time.
    pub(crate) async fn open(
        &self,
        address: &Address,
        expected: Expected,
        pushes: Option<Arc<dyn AsyncPushSender>>,
    ) -> Result<Connection, Trouble> {
        let socket = Socket::open(address, self.tls.as_ref()).await?;
        let pulse = socket.pulse();
        let mut config = AsyncConnectionConfig::new().set_response_timeout(None);
        if let Some(pushes) = pushes {
            config = config.set_push_sender(move |push| pushes.send(push));
        }
        let opened = MultiplexedConnection::new_with_config(&self.greeting(expected), socket, config).await;
        let (inner, work) = opened.map_err(|error| named(&pulse, error))?;
        let is_over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&is_over);
        let driver = tokio::spawn(async move {
            work.await;
            ends.store(true, Ordering::Relaxed);
        });
        let connection = Connection {
            inner,
            address: address.clone(),
            expected,
            pulse,
            is_over,
            driver: driver.abort_handle(),
        };
        if expected != Expected::Sentinel {
            connection.check_role().await?;
        }
        Ok(connection)
    }

    fn greeting(&self, expected: Expected) -> RedisConnectionInfo {
        // Sentinels older than the newer protocol are still about.
        let protocol = match expected {
            Expected::Sentinel => ProtocolVersion::RESP2,
            Expected::Primary | Expected::Node => ProtocolVersion::RESP3,
        };
        let mut greeting = RedisConnectionInfo::default()
            .set_protocol(protocol)
            .set_db(self.database)
            .set_skip_set_lib_name();
        if let Some(user) = &self.account.user {
            greeting = greeting.set_username(user);
        }
        if let Some(password) = &self.account.password {
            greeting = greeting.set_password(password.expose());
        }
        greeting
    }
}

impl Connection {
    /// Whether it has ended; nothing sent on it would arrive.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Where it leads, as the URL, a sentinel or a node had it.
    pub(crate) const fn address(&self) -> &Address {
        &self.address
    }

    /// Whether it must lead to a primary.
    pub(crate) fn wants_primary(&self) -> bool {
        self.expected == Expected::Primary
    }

    /// What was asked and answered on it, and when.
    pub(crate) fn pulse(&self) -> &Pulse {
        &self.pulse
    }

    /// Ends it, for everybody who waits on it too.
    pub(crate) fn close(&self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.driver.abort();
    }

    /// Asks and waits for all replies; an error among them is the trouble.
    pub(crate) async fn ask(&self, questions: &Pipeline) -> Result<Vec<Value>, Trouble> {
        let count = questions.len();
        let replies = self.inner.clone().send_packed_commands(questions, 0, count).await;
        let replies = replies.map_err(|error| named(&self.pulse, error))?;
        for reply in &replies {
            if let Value::ServerError(error) = reply {
                return Err(Trouble::of_reply(error));
            }
        }
        if replies.len() == count {
            Ok(replies)
        } else {
            Err(Trouble::Nonsense)
        }
    }

    /// Asks for a sign of life.
    pub(crate) async fn is_alive(&self) -> bool {
        let mut question = Pipeline::new();
        question.cmd("PING");
        let limit = Instant::now() + HEARTBEAT_LIMIT;
        // An error, such as LOADING, is a sign of life too.
        match timeout_at(limit, self.ask(&question)).await {
            Ok(answer) => !matches!(answer, Err(Trouble::Closed | Trouble::Nonsense)),
            Err(_) => false,
        }
    }

    /// Asks whether its server still is what it must be.
    ///
    /// # Errors
    /// What it has become, or that it does not say so in time.
    pub(crate) async fn confirm(&self) -> Result<(), Trouble> {
        let limit = Instant::now() + HEARTBEAT_LIMIT;
        let confirmed = timeout_at(limit, self.check_role()).await;
        confirmed.unwrap_or(Err(Trouble::Silent))
    }

    pub(crate) async fn subscribe(&self, channel: &[u8]) -> Result<(), Trouble> {
        let subscribed = self.inner.clone().subscribe(channel).await;
        subscribed.map_err(|error| named(&self.pulse, error))
    }

    /// Security: a primary that was demoted answers reads, with what it had; no connection to it may stand.
    async fn check_role(&self) -> Result<(), Trouble> {
        let mut question = Pipeline::new();
        question.cmd("HELLO");
        let mut answers = self.ask(&question).await?;
        let about = answers.pop().ok_or(Trouble::Nonsense)?;
        let field = |name: &[u8]| reply::field(&about, name).ok_or(Trouble::Nonsense);
        let is_in_cluster = field(b"mode")? == b"cluster";
        match self.expected {
            Expected::Node if !is_in_cluster => Err(Trouble::NoCluster),
            Expected::Primary if is_in_cluster => Err(Trouble::ClusterNode),
            Expected::Primary if field(b"role")? != b"master" => Err(Trouble::Replica),
            _ if !is_new_enough(field(b"version")?) => Err(Trouble::TooOld),
            _ => Ok(()),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

fn named(pulse: &Pulse, error: redis::RedisError) -> Trouble {
    if pulse.is_excessive() {
        Trouble::Nonsense
    } else {
        Trouble::of(error)
    }
}

/// 6.2 or later; Valkey began at 7.2.
fn is_new_enough(version: &[u8]) -> bool {
    let mut parts = version.split(|byte| *byte == b'.').map(|part| {
        let digits = core::str::from_utf8(part).ok()?;
        digits.parse::<u32>().ok()
    });
    let mut part = || parts.next().flatten().unwrap_or_default();
    (part(), part()) >= (6, 2)
}
