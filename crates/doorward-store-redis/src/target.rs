//! Whom a connection is to lead to, and how whoever that is now is found.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::{BoxFuture, join_all};
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
/// How long it may take to find out whether another server is the primary that sentinels say it is.
const SUCCESSOR_LIMIT: Duration = Duration::from_secs(1);

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

/// Connections to the sentinels, kept by whoever asks them again and again.
#[derive(Default)]
pub(crate) struct Witnesses(Vec<Option<Connection>>);

/// How many sentinels name each address.
#[derive(Default)]
struct Votes(BTreeMap<Address, usize>);

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
    /// Makes sure that a connection still leads to whom it is to lead to.
    ///
    /// # Errors
    /// [`Trouble`] of a server that is not the primary any more, says nothing, or was replaced by the word of the sentinels.
    pub(crate) async fn confirm(&self, connection: &Connection, witnesses: &mut Witnesses) -> Result<(), Trouble> {
        match self {
            Target::Fixed { .. } => connection.confirm().await,
            Target::Sentinel(sentinels) => {
                let replaced = sentinels.confirm(connection.address(), witnesses);
                tokio::try_join!(connection.confirm(), replaced).map(|_| ())
            }
        }
    }
}

impl Sentinels {
    /// Asks all sentinels at once and connects to whom any of them names. The primary counts that most of all sentinels name; where
    /// there is none, that which most of those name that have answered by their limit.
    ///
    /// A sentinel that has not heard of a failover names the old primary, which refuses, hangs, or says that it is a replica:
    /// none of that holds up the others. One that does not know yet says that it is the primary: then the number decides.
    async fn open(&self, pushes: Option<Arc<dyn AsyncPushSender>>) -> Result<Connection, Trouble> {
        let found = self.find().await?;
        match pushes {
            None => Ok(found),
            // Whoever hears must hear nothing of connections that were only tried.
            Some(_) => self.to_primary.open(found.address(), Expected::Primary, pushes).await,
        }
    }

    async fn find(&self) -> Result<Connection, Trouble> {
        let mut steps: FuturesUnordered<BoxFuture<'_, Step>> = FuturesUnordered::new();
        let (mut tried, mut asking) = (BTreeSet::new(), 0_usize);
        let (mut votes, mut primaries) = (Votes::default(), Vec::new());
        let mut trouble = Trouble::NoPrimary;
        let mut period = interval(SENTINEL_PERIOD);
        let began = Instant::now();
        loop {
            tokio::select! {
                _ = period.tick() => {
                    // A second round while the first still runs would only add to it.
                    if asking == 0 {
                        asking = self.addresses.len();
                        votes = Votes::default();
                        for address in &self.addresses {
                            steps.push(Box::pin(async move { Step::Named(self.ask(address, &mut None).await) }));
                        }
                    }
                }
                Some(step) = steps.next() => match step {
                    Step::Named(named) => {
                        asking = asking.saturating_sub(1);
                        match named {
                            Ok(address) => {
                                votes.add(&address);
                                if tried.insert(address.clone()) {
                                    steps.push(Box::pin(async move {
                                        let opened = self.to_primary.open(&address, Expected::Primary, None).await;
                                        Step::Connected(address, opened)
                                    }));
                                }
                            }
                            Err(Trouble::Denied(what)) => trouble = Trouble::Denied(what),
                            Err(_) => {}
                        }
                    }
                    Step::Connected(_, Ok(connection)) => {
                        primaries.push(connection);
                    }
                    Step::Connected(address, Err(found)) => {
                        tried.remove(&address);
                        trouble = found;
                    }
                },
            }
            // Security: not one that another has more votes than, however long that one takes to answer, or does not at all: what is
            // read there may be old, and what is written there is lost.
            let least = match asking {
                0 => votes.most().max(1),
                _ => self.majority(),
            };
            let found = primaries
                .iter()
                .rposition(|primary: &Connection| votes.of(primary.address()) >= least);
            if let Some(found) = found {
                return Ok(primaries.swap_remove(found));
            }
            // Everybody has answered and nobody is of use: the caller's next attempt asks again.
            if steps.is_empty() && began.elapsed() > SENTINEL_PERIOD {
                return Err(trouble);
            }
        }
    }

    /// Asks all sentinels whether the server at `address` is the primary still.
    ///
    /// # Errors
    /// [`Trouble::Replaced`] if most of all sentinels name another one, and that is a primary.
    async fn confirm(&self, address: &Address, witnesses: &mut Witnesses) -> Result<(), Trouble> {
        witnesses.0.resize_with(self.addresses.len(), || None);
        let asked = self.addresses.iter().zip(&mut witnesses.0);
        let named = join_all(asked.map(|(sentinel, connection)| self.ask(sentinel, connection))).await;
        let mut votes = Votes::default();
        for named in named.iter().flatten() {
            votes.add(named);
        }
        for successor in votes.at_least(self.majority()).filter(|named| *named != address) {
            let opened = timeout(
                SUCCESSOR_LIMIT,
                self.to_primary.open(successor, Expected::Primary, None),
            );
            if matches!(opened.await, Ok(Ok(_))) {
                return Err(Trouble::Replaced);
            }
        }
        Ok(())
    }

    /// Of all sentinels, those that do not answer included.
    fn majority(&self) -> usize {
        self.addresses.len() / 2 + 1
    }

    /// Asks one sentinel, on the connection that was kept or on a new one, and keeps what was answered on.
    async fn ask(&self, address: &Address, kept: &mut Option<Connection>) -> Result<Address, Trouble> {
        let mut question = Pipeline::new();
        let command = question.cmd("SENTINEL");
        command.arg("GET-MASTER-ADDR-BY-NAME").arg(&self.name);
        let before = kept.take().filter(|connection| !connection.is_over());
        let asked = async {
            let connection = match before {
                Some(connection) => connection,
                None => self.to_sentinels.open(address, Expected::Sentinel, None).await?,
            };
            let replies = connection.ask(&question).await?;
            *kept = Some(connection);
            Ok::<_, Trouble>(replies)
        };
        let mut replies = timeout(SENTINEL_LIMIT, asked).await.unwrap_or(Err(Trouble::Silent))?;
        let named = replies.pop().and_then(reply::array).ok_or(Trouble::NoPrimary)?;
        match named.as_slice() {
            [host, port] => Address::from_reply(host, port).ok_or(Trouble::Nonsense),
            _ => Err(Trouble::Nonsense),
        }
    }
}

impl Votes {
    fn add(&mut self, address: &Address) {
        *self.0.entry(address.clone()).or_default() += 1;
    }

    fn of(&self, address: &Address) -> usize {
        self.0.get(address).copied().unwrap_or_default()
    }

    /// How many whoever has the most has.
    fn most(&self) -> usize {
        self.0.values().copied().max().unwrap_or_default()
    }

    /// Who has as many.
    fn at_least(&self, least: usize) -> impl Iterator<Item = &Address> {
        let enough = self.0.iter().filter(move |(_, votes)| **votes >= least);
        enough.map(|(address, _)| address)
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
