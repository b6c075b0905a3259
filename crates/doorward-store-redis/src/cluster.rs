//! A cluster: which node serves a slot, learnt from any node and corrected by each that says otherwise.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use redis::{Pipeline, Value};
use tokio::time::{Instant, sleep, timeout_at};

use crate::connection::{Dialer, Expected};
use crate::link::Link;
use crate::location::Address;
use crate::question::{Form, Question};
use crate::reply;
use crate::slot::SLOTS;
use crate::target::Target;
use crate::trouble::{Redirect, Trouble};

/// How often one question is sent on, at most.
const MAX_STEPS: usize = 6;
/// Before a question is sent again that a node could not serve yet.
const PAUSE: Duration = Duration::from_millis(25);
/// The map is not asked for more often than this.
const MAP_PERIOD: Duration = Duration::from_millis(100);
/// The most nodes that are known at once; a cluster has at most a thousand or so.
const MAX_NODES: usize = 1_024;

/// The nodes of a cluster.
pub(crate) struct Cluster {
    dialer: Arc<Dialer>,
    seeds: Vec<Address>,
    patience: Duration,
    deadline: Duration,
    known: Mutex<Known>,
    /// One question for the map at a time.
    mapping: tokio::sync::Mutex<Option<Instant>>,
}

#[derive(Default)]
struct Known {
    /// By the last slot of each range.
    ranges: BTreeMap<u16, Range>,
    links: BTreeMap<Address, Arc<Link>>,
}

struct Range {
    first: u16,
    node: Address,
}

impl Cluster {
    pub(crate) fn new(dialer: Arc<Dialer>, seeds: Vec<Address>, patience: Duration, deadline: Duration) -> Self {
        Self {
            dialer,
            seeds,
            patience,
            deadline,
            known: Mutex::new(Known::default()),
            mapping: tokio::sync::Mutex::new(None),
        }
    }

    /// Asks the node that serves a slot, wherever that leads.
    pub(crate) async fn ask(
        self: &Arc<Self>,
        slot: u16,
        question: &Question<'_>,
        until: Instant,
    ) -> Result<Vec<Value>, Trouble> {
        let mut form = Form::default();
        let mut asking: Option<Address> = None;
        let mut last = None;
        for _ in 0..MAX_STEPS {
            let node = match asking.take() {
                Some(node) => node,
                None => self.node_of(slot, until).await?,
            };
            let link = self.link(&node);
            let answer = link.ask(&question.pipeline(form), question.is_answer, until).await;
            let was_asking = core::mem::take(&mut form.asking);
            let trouble = match answer {
                Ok(answer) => return Ok(question.without_asking(answer, was_asking)),
                Err(trouble) => trouble,
            };
            match &trouble {
                Trouble::NoScript => form.with_text = true,
                Trouble::Moved(redirect) => self.correct(redirect, &node),
                Trouble::Ask(redirect) => {
                    form.asking = true;
                    asking = Some(redirect.address(&node));
                }
                Trouble::TryAgain => sleep(PAUSE).await,
                Trouble::ClusterDown | Trouble::ReadOnly | Trouble::PrimaryDown => {
                    if self.map(until).await.is_err() {
                        return Err(trouble);
                    }
                    sleep(PAUSE).await;
                }
                // A node that has gone silent has taken all the time there was: the next call shall know better.
                Trouble::Silent => {
                    let cluster = Arc::clone(self);
                    let patience = Instant::now() + self.patience;
                    tokio::spawn(async move { cluster.map(patience).await });
                    // What went wrong before says more than that there was no time for another attempt.
                    return Err(last.unwrap_or(trouble));
                }
                // The node is gone: another may have its slots.
                trouble if is_absence(trouble) => {
                    let never_sent = !matches!(trouble, Trouble::Closed);
                    let mapped = self.map(until).await;
                    if mapped.is_err() || !(never_sent || question.is_repeatable) || self.serves(&node, slot) {
                        return Err(trouble.clone());
                    }
                }
                _ => return Err(trouble),
            }
            if Instant::now() >= until {
                return Err(trouble);
            }
            last = Some(trouble);
        }
        Err(last.unwrap_or(Trouble::NoNode))
    }

    /// Connects to any node.
    pub(crate) fn candidates(&self) -> Vec<Target> {
        let addresses = self.addresses();
        let targets = addresses.into_iter().map(|address| self.target(address));
        targets.collect()
    }

    /// Learns which node serves which slot.
    pub(crate) async fn map(&self, until: Instant) -> Result<(), Trouble> {
        let wanted = Instant::now();
        let Ok(mut mapped) = timeout_at(until, self.mapping.lock()).await else {
            return Err(Trouble::Silent);
        };
        // Somebody else learnt it while this waited, or a moment ago.
        if mapped.is_some_and(|at| at >= wanted || at.elapsed() < MAP_PERIOD) {
            return Ok(());
        }
        let mut question = Pipeline::new();
        question.cmd("CLUSTER").arg("SLOTS");
        let question = &question;
        let asked = self.addresses().into_iter().map(|address| {
            let link = self.link(&address);
            async move { (link.ask(question, reply::is_array, until).await, address) }
        });
        let mut answers: FuturesUnordered<_> = asked.collect();
        let mut trouble = Trouble::NoNode;
        while let Some((answer, from)) = answers.next().await {
            match answer.map(|mut replies| replies.pop().and_then(|reply| read_map(reply, &from))) {
                Ok(Some(ranges)) if !ranges.is_empty() => {
                    let mut known = self.known();
                    let named = |address: &Address| ranges.values().any(|range| range.node == *address);
                    known.links.retain(|address, _| named(address));
                    known.ranges = ranges;
                    *mapped = Some(Instant::now());
                    return Ok(());
                }
                Ok(Some(_)) => trouble = Trouble::ClusterDown,
                Ok(None) => trouble = Trouble::Nonsense,
                Err(found) => trouble = found,
            }
        }
        Err(trouble)
    }

    async fn node_of(&self, slot: u16, until: Instant) -> Result<Address, Trouble> {
        if let Some(node) = self.known().node(slot) {
            return Ok(node);
        }
        self.map(until).await?;
        self.known().node(slot).ok_or(Trouble::NoNode)
    }

    fn serves(&self, node: &Address, slot: u16) -> bool {
        self.known().node(slot).as_ref() == Some(node)
    }

    /// Takes a node's word for one slot; the map as a whole is asked for where it is of no use.
    fn correct(&self, redirect: &Redirect, from: &Address) {
        let node = redirect.address(from);
        self.known().set(redirect.slot, node);
    }

    fn addresses(&self) -> Vec<Address> {
        let known = self.known();
        let mut addresses: Vec<Address> = known.links.keys().cloned().collect();
        addresses.extend(
            self.seeds
                .iter()
                .filter(|seed| !known.links.contains_key(seed))
                .cloned(),
        );
        addresses
    }

    fn target(&self, address: Address) -> Target {
        Target::Fixed {
            dialer: Arc::clone(&self.dialer),
            address,
            expected: Expected::Node,
        }
    }

    fn link(&self, address: &Address) -> Arc<Link> {
        let mut known = self.known();
        if let Some(link) = known.links.get(address) {
            return Arc::clone(link);
        }
        let link = Link::new(self.target(address.clone()), self.patience, self.deadline);
        // Security: nodes are named by servers; a hostile one cannot make us keep more of them.
        if known.links.len() < MAX_NODES {
            known.links.insert(address.clone(), Arc::clone(&link));
        }
        link
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn node(&self, slot: u16) -> Option<Address> {
        let (_, range) = self.ranges.range(slot..).next()?;
        (range.first <= slot).then(|| range.node.clone())
    }

    /// Cuts a slot out of its range.
    fn set(&mut self, slot: u16, node: Address) {
        let found = self.ranges.range(slot..).next();
        let found = found.filter(|(_, range)| range.first <= slot).map(|(last, _)| *last);
        if let Some(last) = found
            && let Some(range) = self.ranges.remove(&last)
        {
            if slot < last {
                let (first, node) = (slot + 1, range.node.clone());
                self.ranges.insert(last, Range { first, node });
            }
            if range.first < slot {
                self.ranges.insert(slot - 1, range);
            }
        }
        self.ranges.insert(slot, Range { first: slot, node });
    }
}

impl Redirect {
    fn address(&self, from: &Address) -> Address {
        let host = if self.host.is_empty() { &from.host } else { &self.host };
        Address {
            host: host.clone(),
            port: self.port,
        }
    }
}

/// Whether the node could not be asked at all.
const fn is_absence(trouble: &Trouble) -> bool {
    matches!(
        trouble,
        Trouble::NoConnection(_) | Trouble::Waiting(_) | Trouble::Closed | Trouble::Loading | Trouble::Tls
    )
}

/// Reads what `CLUSTER SLOTS` answers; `None` for anything else.
fn read_map(reply: Value, from: &Address) -> Option<BTreeMap<u16, Range>> {
    let mut ranges = BTreeMap::new();
    for range in reply::array(reply)? {
        let range = reply::array(range)?;
        let [first, last, primary, ..] = range.as_slice() else {
            return None;
        };
        let slot = |value: &Value| u16::try_from(reply::number(value)?).ok().filter(|slot| *slot < SLOTS);
        let (first, last) = (slot(first)?, slot(last)?);
        let Value::Array(primary) = primary else { return None };
        let [host, port, ..] = primary.as_slice() else {
            return None;
        };
        // No host is that of whom we asked.
        let is_unnamed =
            matches!(host, Value::Nil) || reply::text(host).is_some_and(|host| host.is_empty() || host == b"?");
        let node = if is_unnamed {
            Address {
                host: from.host.clone(),
                port: u16::try_from(reply::number(port)?).ok()?,
            }
        } else {
            Address::from_reply(host, port)?
        };
        if first > last || ranges.len() >= usize::from(SLOTS) {
            return None;
        }
        ranges.insert(last, Range { first, node });
    }
    Some(ranges)
}

#[cfg(test)]
mod tests;
