//! The servers of a store as one: asks whichever has the key, and tells the log when they are out of reach and back.

use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use redis::Value;
use redis::aio::AsyncPushSender;
use tokio::time::{Instant, timeout_at};

use crate::cluster::Cluster;
use crate::connection::{Connection, Dialer, Expected};
use crate::link::Link;
use crate::location::{Arrangement, Location};
use crate::question::{Form, Question};
use crate::target::{Sentinels, Target};
use crate::tls::Tls;
use crate::trouble::Trouble;

/// The log hears of the servers no more often than this.
const NEWS_PERIOD: Duration = Duration::from_secs(5);

/// All servers of a store.
pub(crate) struct Servers {
    layout: Layout,
    told: Mutex<Told>,
}

/// What the log was told last.
#[derive(Default)]
struct Told {
    cannot_be_used: bool,
    at: Option<Instant>,
}

enum Layout {
    Single(Arc<Link>),
    Cluster(Arc<Cluster>),
}

impl Servers {
    pub(crate) fn new(location: Location, tls: Option<Tls>, patience: Duration, deadline: Duration) -> Self {
        let Location {
            arrangement,
            account,
            database,
            ..
        } = location;
        let tls = tls.map(Tls::into_connector);
        let dialer = Arc::new(Dialer {
            tls: tls.clone(),
            account,
            database,
        });
        let link = |target| Layout::Single(Link::new(target, patience, deadline));
        let layout = match arrangement {
            Arrangement::Single(address) => link(Target::Fixed {
                dialer,
                address,
                expected: Expected::Primary,
            }),
            Arrangement::Sentinel {
                sentinels,
                name,
                account,
            } => link(Target::Sentinel(Sentinels {
                to_sentinels: Arc::new(Dialer {
                    tls,
                    account,
                    database: 0,
                }),
                to_primary: dialer,
                addresses: sentinels,
                name,
            })),
            Arrangement::Cluster(seeds) => Layout::Cluster(Arc::new(Cluster::new(dialer, seeds, patience, deadline))),
        };
        Self {
            layout,
            told: Mutex::default(),
        }
    }

    /// Whether keys of one question may be on different servers.
    pub(crate) const fn are_many(&self) -> bool {
        matches!(self.layout, Layout::Cluster(_))
    }

    /// Asks the server that has the slot's keys.
    pub(crate) async fn ask(&self, slot: u16, question: &Question<'_>, until: Instant) -> Result<Vec<Value>, Trouble> {
        match &self.layout {
            Layout::Single(link) => ask_one(link, question, until).await,
            Layout::Cluster(cluster) => cluster.ask(slot, question, until).await,
        }
    }

    /// Waits until a server answers, or until `until`.
    pub(crate) async fn reach(&self, until: Instant) -> Result<(), Trouble> {
        match &self.layout {
            Layout::Single(link) => link.connection(until).await.map(|_| ()),
            Layout::Cluster(cluster) => cluster.map(until).await,
        }
    }

    /// What all calls go by, where that is one server at a time.
    pub(crate) fn link(&self) -> Option<Arc<Link>> {
        match &self.layout {
            Layout::Single(link) => Some(Arc::clone(link)),
            Layout::Cluster(_) => None,
        }
    }

    /// Opens a connection of its own to a server that hears what is told on channels.
    pub(crate) async fn open(&self, pushes: Arc<dyn AsyncPushSender>, until: Instant) -> Result<Connection, Trouble> {
        let opened = async {
            match &self.layout {
                Layout::Single(link) => link.target().open(Some(pushes)).await,
                Layout::Cluster(cluster) => {
                    let targets = cluster.candidates();
                    let opened = targets.iter().map(|target| target.open(Some(Arc::clone(&pushes))));
                    let mut opened: FuturesUnordered<_> = opened.collect();
                    let mut trouble = Trouble::NoNode;
                    while let Some(connection) = opened.next().await {
                        match connection {
                            Ok(connection) => return Ok(connection),
                            Err(found) => trouble = found,
                        }
                    }
                    Err(trouble)
                }
            }
        };
        timeout_at(until, opened).await.unwrap_or(Err(Trouble::Silent))
    }

    /// Tells the log when what could be used cannot be, and the other way round; not of every call, and not of every change
    /// where some calls succeed and others do not.
    pub(crate) fn note(&self, trouble: Option<&Trouble>) {
        let cannot_be_used = match trouble {
            None | Some(Trouble::Foreign) => false,
            // Says nothing of the servers.
            Some(Trouble::Overloaded | Trouble::Misuse(_)) => return,
            Some(_) => true,
        };
        {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            let is_news = told.cannot_be_used != cannot_be_used;
            if !is_news || told.at.is_some_and(|at| at.elapsed() < NEWS_PERIOD) {
                return;
            }
            *told = Told {
                cannot_be_used,
                at: Some(Instant::now()),
            };
        }
        match trouble {
            Some(reason) if cannot_be_used => tracing::error!(%reason, "session store cannot be used"),
            _ => tracing::info!("session store can be used again"),
        }
    }
}

/// Asks one server; once more where it is certain, or without harm, that nothing was done.
async fn ask_one(link: &Arc<Link>, question: &Question<'_>, until: Instant) -> Result<Vec<Value>, Trouble> {
    let mut form = Form::default();
    let mut may_repeat = true;
    loop {
        let trouble = match link.ask(&question.pipeline(form), question.is_answer, until).await {
            Ok(answer) => return Ok(answer),
            Err(trouble) => trouble,
        };
        let repeat = match &trouble {
            Trouble::NoScript if !form.with_text => {
                form.with_text = true;
                continue;
            }
            // The connection is gone by now; a new one leads to whoever is the primary.
            Trouble::ReadOnly | Trouble::PrimaryDown => true,
            Trouble::Closed => question.is_repeatable,
            _ => false,
        };
        if !(repeat && may_repeat) {
            return Err(trouble);
        }
        may_repeat = false;
    }
}
