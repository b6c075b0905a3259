//! The one connection to a server: opened on need by one task for all, replaced when it is spoilt.
//!
//! There is no pool. All calls share a connection, so that when a server stops, what led to it goes at once and not socket by
//! socket. Whoever finds no connection waits, within its own deadline, for the one attempt that runs; after a failed attempt
//! nobody tries for a moment and every call fails at once, so that an outage costs neither time nor a storm of connections.

use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use redis::{Pipeline, Value};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::connection::{CONFIRMATION, Connection, HEARTBEAT};
use crate::location::Address;
use crate::target::{Target, Witnesses};
use crate::trouble::Trouble;

/// How long nobody tries to connect after a failed attempt.
const PAUSE: Duration = Duration::from_millis(100);

type Outcome = Result<Arc<Connection>, Trouble>;

/// A server, or whichever server is the primary.
pub(crate) struct Link {
    target: Target,
    /// How long an attempt to connect may take.
    patience: Duration,
    /// How long an answer may take before its silence counts against the connection.
    deadline: Duration,
    state: Mutex<State>,
}

enum State {
    Idle,
    Opening(watch::Receiver<Option<Outcome>>),
    Open(Arc<Connection>),
    Failed { trouble: Trouble, until: Instant },
}

impl Link {
    pub(crate) fn new(target: Target, patience: Duration, deadline: Duration) -> Arc<Self> {
        Arc::new(Self {
            target,
            patience,
            deadline,
            state: Mutex::new(State::Idle),
        })
    }

    /// Whom it leads to.
    pub(crate) const fn target(&self) -> &Target {
        &self.target
    }

    /// Whether calls go to another server than that at `address`.
    pub(crate) fn leads_elsewhere(&self, address: &Address) -> bool {
        matches!(&*self.lock(), State::Open(connection) if connection.address() != address)
    }

    /// Asks, on a connection that stands or is opened now, and waits until `until`.
    ///
    /// # Security
    /// `is_answer` says whether replies have the form of answers to these questions. Where they have not, those to later
    /// questions may be one off, and somebody else's: the connection goes.
    pub(crate) async fn ask(
        self: &Arc<Self>,
        questions: &Pipeline,
        is_answer: fn(&[Value]) -> bool,
        until: Instant,
    ) -> Result<Vec<Value>, Trouble> {
        let connection = self.connection(until).await?;
        let began = Instant::now();
        connection.pulse().note_question();
        let mut asked = Asked {
            link: self,
            connection: &connection,
            is_over: false,
        };
        let answer = match timeout_at(until, connection.ask(questions)).await {
            Ok(Ok(replies)) if !is_answer(&replies) => Err(Trouble::Nonsense),
            Ok(answer) => answer,
            Err(_) => Err(Trouble::Silent),
        };
        asked.is_over = true;
        match &answer {
            Ok(_) => connection.pulse().note_answer(),
            // One slow answer is no reason to part with a connection on which others come; none at all is. A call that had
            // little time left has not seen enough to tell.
            Err(Trouble::Silent) => {
                if connection.pulse().answered() < began && began.elapsed() * 2 >= self.deadline {
                    self.part_with(&connection);
                }
            }
            Err(trouble) if trouble.spoils_connection() => self.part_with(&connection),
            // An error is an answer too.
            Err(_) => connection.pulse().note_answer(),
        }
        answer
    }

    /// The connection, opened if there is none.
    pub(crate) async fn connection(self: &Arc<Self>, until: Instant) -> Outcome {
        let mut opening = match self.standing() {
            Ok(outcome) => return outcome,
            Err(opening) => opening,
        };
        // An attempt that was dropped without an outcome ended with its runtime.
        match timeout_at(until, opening.wait_for(Option::is_some)).await {
            Ok(Ok(outcome)) => outcome.clone().unwrap_or(Err(Trouble::Closed)),
            Ok(Err(_)) => Err(Trouble::Closed),
            Err(_) => Err(Trouble::Silent),
        }
    }

    /// What stands now, or the attempt to wait for.
    fn standing(self: &Arc<Self>) -> Result<Outcome, watch::Receiver<Option<Outcome>>> {
        let mut state = self.lock();
        match &*state {
            State::Open(connection) if !connection.is_over() => return Ok(Ok(Arc::clone(connection))),
            State::Failed { trouble, until } if Instant::now() < *until => return Ok(Err(trouble.again())),
            // Whose task is gone without a word will not speak any more.
            State::Opening(opening) if opening.has_changed().is_ok() => return Err(opening.clone()),
            _ => {}
        }
        let (tell, opening) = watch::channel(None);
        *state = State::Opening(opening.clone());
        drop(state);
        let link = Arc::clone(self);
        // A task of its own: the attempt must not end with the request that needed it first.
        tokio::spawn(async move {
            let opened = timeout(link.patience, link.target.open(None)).await;
            let outcome = opened.unwrap_or(Err(Trouble::Silent)).map(Arc::new);
            *link.lock() = match &outcome {
                Ok(connection) => {
                    tokio::spawn(watch_over(Arc::downgrade(&link), Arc::downgrade(connection)));
                    State::Open(Arc::clone(connection))
                }
                Err(trouble) => State::Failed {
                    trouble: trouble.clone(),
                    until: Instant::now() + PAUSE,
                },
            };
            tell.send_replace(Some(outcome));
        });
        Err(opening)
    }

    /// Closes a connection and forgets it, if nobody did so before.
    fn part_with(&self, connection: &Arc<Connection>) {
        connection.close();
        let mut state = self.lock();
        if matches!(&*state, State::Open(current) if Arc::ptr_eq(current, connection)) {
            *state = State::Idle;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A question that may be given up before its answer comes.
///
/// Whoever asks may have less patience than we have. Then no call lives to see that a server is silent, and each leaves its
/// question behind: what nobody was answered on for the time of a whole call goes when such a one is given up.
struct Asked<'a> {
    link: &'a Link,
    connection: &'a Arc<Connection>,
    is_over: bool,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if !self.is_over && self.connection.pulse().unanswered_for() >= self.link.deadline {
            self.link.part_with(self.connection);
        }
    }
}

/// Watches a connection until it is gone: whether its server still is the primary, or, where any node will do, whether it lives.
async fn watch_over(link: Weak<Link>, connection: Weak<Connection>) {
    let mut witnesses = Witnesses::default();
    let mut period = CONFIRMATION;
    loop {
        sleep(period).await;
        let (Some(link), Some(connection)) = (link.upgrade(), connection.upgrade()) else {
            return;
        };
        if connection.is_over() {
            return;
        }
        if connection.wants_primary() {
            // Security: asked also while it is busy. A demoted primary answers reads, and shows sessions alive that have ended.
            if let Err(reason) = link.target.confirm(&connection, &mut witnesses).await {
                tracing::warn!(%reason, "left a server of the session store");
                link.part_with(&connection);
                return;
            }
        } else {
            period = HEARTBEAT;
            if connection.pulse().heard().elapsed() >= HEARTBEAT && !connection.is_alive().await {
                link.part_with(&connection);
                return;
            }
        }
    }
}
