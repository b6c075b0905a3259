//! Whom a connection is to lead to, and how whoever that is now is found.

use core::time::Duration;
use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use redis::Pipeline;
use redis::aio::AsyncPushSender;
use tokio::time::{Instant, interval, timeout};

use crate::connection::{Connection, Dialer, Expected};
use crate::location::Address;
use crate::reply;
use crate::trouble::Trouble;

/// How long one sentinel may take to answer.
const SENTINEL_LIMIT: Duration = Duration::from_millis(500);
/// While an attempt runs, the sentinels are asked again this often: the primary may just be changing.
const SENTINEL_PERIOD: Duration = Duration::from_millis(150);

/// Whom to connect to.
pub(crate) enum Target {
    /// A certain server.
    Fixed {
        dialer: Arc<Dialer>,
        address: Address,
        expected: Expected,
    },
    /// Whoever the sentinels name.
    Sentinel(Sentinels),
}

/// Sentinels, and how to connect to them and to the primary.
pub(crate) struct Sentinels {
    pub(crate) to_sentinels: Arc<Dialer>,
    pub(crate) to_primary: Arc<Dialer>,
    pub(crate) addresses: Vec<Address>,
    pub(crate) name: String,
}

enum Step {
    Named(Result<Address, Trouble>),
    Connected(Address, Result<Connection, Trouble>),
}

impl Target {
    /// Connects; the caller sets the limit in time.
    pub(crate) async fn open(&self, pushes: Option<Arc<dyn AsyncPushSender>>) -> Result<Connection, Trouble> {
        match self {
            Target::Fixed {
                dialer,
                address,
                expected,
            } => dialer.open(address, *expected, pushes).await,
            Target::Sentinel(sentinels) => sentinels.open(pushes).await,
        }
    }
}

impl Sentinels {
    /// Asks all sentinels at once and connects to whom any of them names; the first that is a primary counts.
    ///
    /// A sentinel that has not heard of a failover names the old primary, which refuses, hangs, or says that it is a replica:
    /// none of that holds up the others.
    async fn open(&self, pushes: Option<Arc<dyn AsyncPushSender>>) -> Result<Connection, Trouble> {
        let mut steps: FuturesUnordered<BoxFuture<'_, Step>> = FuturesUnordered::new();
        let mut tried = BTreeSet::new();
        let mut asking = 0_usize;
        let mut trouble = Trouble::NoPrimary;
        let mut period = interval(SENTINEL_PERIOD);
        let began = Instant::now();
        loop {
            tokio::select! {
                _ = period.tick() => {
                    // A second round while the first still runs would only add to it.
                    if asking == 0 {
                        asking = self.addresses.len();
                        for address in &self.addresses {
                            steps.push(Box::pin(async move { Step::Named(self.ask(address).await) }));
                        }
                    }
                }
                Some(step) = steps.next() => match step {
                    Step::Named(named) => {
                        asking = asking.saturating_sub(1);
                        match named {
                            Ok(address) if tried.insert(address.clone()) => {
                                let pushes = pushes.clone();
                                steps.push(Box::pin(async move {
                                    let opened = self.to_primary.open(&address, Expected::Primary, pushes).await;
                                    Step::Connected(address, opened)
                                }));
                            }
                            Ok(_) => {}
                            Err(Trouble::Denied(what)) => trouble = Trouble::Denied(what),
                            Err(_) => {}
                        }
                    }
                    Step::Connected(_, Ok(connection)) => return Ok(connection),
                    Step::Connected(address, Err(found)) => {
                        tried.remove(&address);
                        trouble = found;
                    }
                },
            }
            // Everybody has answered and nobody is of use: the caller's next attempt asks again.
            if steps.is_empty() && began.elapsed() > SENTINEL_PERIOD {
                return Err(trouble);
            }
        }
    }

    async fn ask(&self, address: &Address) -> Result<Address, Trouble> {
        let mut question = Pipeline::new();
        let command = question.cmd("SENTINEL");
        command.arg("GET-MASTER-ADDR-BY-NAME").arg(&self.name);
        let asked = async {
            let connection = self.to_sentinels.open(address, Expected::Sentinel, None).await?;
            connection.ask(&question).await
        };
        let mut replies = timeout(SENTINEL_LIMIT, asked).await.unwrap_or(Err(Trouble::Silent))?;
        let named = replies.pop().and_then(reply::array).ok_or(Trouble::NoPrimary)?;
        match named.as_slice() {
            [host, port] => Address::from_reply(host, port).ok_or(Trouble::Nonsense),
            _ => Err(Trouble::Nonsense),
        }
    }
}

impl Address {
    /// Reads a host and a port of a reply.
    pub(crate) fn from_reply(host: &redis::Value, port: &redis::Value) -> Option<Address> {
        let host = core::str::from_utf8(reply::text(host)?).ok()?;
        let port = u16::try_from(reply::number(port)?).ok().filter(|port| *port != 0)?;
        (!host.is_empty() && host.len() <= 255).then(|| Address {
            host: host.to_owned(),
            port,
        })
    }
}
