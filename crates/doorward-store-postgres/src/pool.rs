//! The connections.
//!
//! The library's own pool is not used, because it opens connections inside the calls that want them: where opening takes longer
//! than a call may wait, each gives up in the middle and none is ever opened; a refused connection is told after the
//! deadline only; and a query that was dropped in the middle has its connection waited for. Here they are opened
//! beside the calls, and one that a call did not bring back is closed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use doorward_core::ports::{StoreError, StoreErrorKind};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection as _, Executor as _, SqlSafeStr as _};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout};

use crate::failure::{self, Cause, Connection};
use crate::statements::Statement;

/// How long opening a connection may take. A server that froze answers as soon as it goes on; a host that vanished is looked for
/// anew after that time.
pub(crate) const CONNECT_LIMIT: Duration = Duration::from_secs(2);
/// A connection that was idle for longer is asked whether it lives before a write is sent: a write over a dead one fails, because
/// nobody knows whether it was done.
const TRUSTED_FOR: Duration = Duration::from_secs(1);
/// How old a connection gets at most, and at least half of that, so that not all end at once: new ones follow the host's name to
/// another server, and give back what the server collects per connection.
const LIFETIME: Duration = Duration::from_secs(30 * 60);
/// So many calls in a row without any answer, and the idle connections are not trusted any more either.
const SILENT_CALLS: u32 = 3;
/// So many connections are opened at a time while there are others.
const OPENED_AT_ONCE: usize = 2;
/// The same trouble is logged once in that time.
const LOG_PAUSE: Duration = Duration::from_secs(10);

/// Connections to one server, opened as they are needed.
pub(crate) struct Pool {
    options: PgConnectOptions,
    /// Prepared as soon as a connection is there, so that each call is one round trip.
    prepared: Vec<Statement>,
    size: usize,
    state: Mutex<State>,
    /// A permit for each idle connection, and perhaps some for what was idle.
    ready: Semaphore,
    /// Why no connection could be opened, for those who wait for one.
    failed: watch::Sender<Option<Cause>>,
}

#[derive(Default)]
struct State {
    idle: Vec<Idle>,
    /// Connections that are open, idle or not.
    open: usize,
    opening: usize,
    waiting: usize,
    /// Counts up when connections broke; those of an earlier one are closed.
    generation: u64,
    /// The last connection could not be opened: one at a time tries until one can.
    troubled: bool,
    /// Calls in a row that had a connection and got no answer.
    silent: u32,
    /// Connections opened so far.
    opened: u32,
    logged: Option<Instant>,
}

struct Idle {
    connection: PgConnection,
    born: Born,
    since: Instant,
}

#[derive(Clone, Copy)]
struct Born {
    generation: u64,
    /// When it has served long enough.
    worn: Instant,
}

impl Pool {
    pub(crate) fn new(options: PgConnectOptions, prepared: Vec<Statement>, size: usize) -> Arc<Self> {
        Arc::new(Self {
            options,
            prepared,
            size,
            state: Mutex::default(),
            ready: Semaphore::new(0),
            failed: watch::Sender::new(None),
        })
    }

    /// Waits for a connection; the caller limits how long.
    ///
    /// # Errors
    /// Why none can be opened, where none is open.
    pub(crate) async fn take(self: &Arc<Self>) -> Result<Lease, StoreError> {
        if let Ok(permit) = self.ready.try_acquire() {
            permit.forget();
            if let Some(lease) = self.pop() {
                return Ok(lease);
            }
        }
        let mut failed = self.failed.subscribe();
        let _waiting = Waiting::begin(self);
        loop {
            self.open_more();
            tokio::select! {
                biased;
                permit = self.ready.acquire() => {
                    let permit = permit.map_err(|_| StoreError::new(StoreErrorKind::Unreachable))?;
                    permit.forget();
                    if let Some(lease) = self.pop() {
                        return Ok(lease);
                    }
                }
                changed = failed.changed() => {
                    changed.map_err(|_| StoreError::new(StoreErrorKind::Unreachable))?;
                    if let Some(cause) = failed.borrow_and_update().as_ref() {
                        return Err(cause.to_error());
                    }
                }
            }
        }
    }

    /// Notes that something was wrong, for the operator, once in a while.
    pub(crate) fn report(&self, error: &sqlx::Error, hint: Option<&'static str>) {
        let (code, reason) = (failure::code(error), failure::reason(error));
        self.log((!code.is_empty()).then_some(&*code), &reason, hint);
    }

    fn log(&self, code: Option<&str>, reason: &str, hint: Option<&str>) {
        let now = Instant::now();
        let mut state = self.state();
        if state
            .logged
            .is_some_and(|last| now.saturating_duration_since(last) < LOG_PAUSE)
        {
            return;
        }
        state.logged = Some(now);
        drop(state);
        tracing::error!(code, reason, hint, "session store cannot be used");
    }

    fn pop(self: &Arc<Self>) -> Option<Lease> {
        // The one that came back last: it is the likeliest to live, and the others may close.
        let idle = self.state().idle.pop()?;
        Some(Lease {
            pool: Arc::clone(self),
            connection: Some(idle.connection),
            born: idle.born,
            idle_since: idle.since,
        })
    }

    /// Begins to open a connection if somebody waits for one and there may be one more.
    fn open_more(self: &Arc<Self>) {
        let mut state = self.state();
        let wanted = state.waiting > state.opening + state.idle.len();
        let room = state.open + state.opening < self.size;
        // Opening costs both sides far more than a question: a crowd is better served by those that are open.
        let enough = state.open > 0 && state.opening >= OPENED_AT_ONCE;
        if !wanted || !room || enough || (state.troubled && state.opening > 0) {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        state.opening += 1;
        let generation = state.generation;
        drop(state);
        let opening = Opening {
            pool: Arc::clone(self),
            generation,
            ended: false,
        };
        runtime.spawn(opening.run());
    }

    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let mut connection = PgConnection::connect_with(&self.options).await?;
        for statement in &self.prepared {
            if let Err(error) = (&mut connection).prepare(statement.sql().into_sql_str()).await
                && failure::judge(&error).connection != Connection::Keep
            {
                return Err(error);
            }
            // Where there is no table yet, whoever asks is told.
        }
        Ok(connection)
    }

    /// Puts a connection among the idle ones, for whoever waits.
    fn put(&self, connection: PgConnection, born: Born) {
        let since = Instant::now();
        self.state().idle.push(Idle {
            connection,
            born,
            since,
        });
        self.ready.add_permits(1);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The opening of one connection.
struct Opening {
    pool: Arc<Pool>,
    generation: u64,
    ended: bool,
}

impl Opening {
    async fn run(mut self) {
        let opened = timeout(CONNECT_LIMIT, self.pool.connect()).await;
        self.ended = true;
        let cause = match opened {
            Ok(Ok(connection)) => return self.succeed(connection),
            Ok(Err(error)) => {
                let verdict = failure::judge(&error);
                self.pool.report(&error, verdict.hint);
                Cause::new(verdict.kind, error)
            }
            Err(elapsed) => {
                self.pool.log(None, "no connection in time", None);
                Cause::new(StoreErrorKind::Timeout, elapsed)
            }
        };
        self.fail(Some(cause));
    }

    fn succeed(&self, connection: PgConnection) {
        let mut state = self.pool.state();
        state.opening -= 1;
        state.open += 1;
        let worn = Instant::now() + state.next_lifetime();
        if state.troubled {
            state.troubled = false;
            state.logged = None;
            tracing::info!("session store can be used again");
        }
        drop(state);
        let born = Born {
            generation: self.generation,
            worn,
        };
        self.pool.put(connection, born);
        // While there was trouble, others who wait opened none.
        self.pool.open_more();
    }

    fn fail(&self, cause: Option<Cause>) {
        let mut state = self.pool.state();
        state.opening -= 1;
        state.troubled = true;
        let nobody_else = state.open == 0 && state.opening == 0;
        drop(state);
        if nobody_else {
            self.pool.failed.send_replace(cause);
        }
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        // The runtime ends, or something below panicked.
        if !self.ended {
            self.fail(None);
        }
    }
}

struct Waiting<'p>(&'p Pool);

impl<'p> Waiting<'p> {
    fn begin(pool: &'p Pool) -> Self {
        pool.state().waiting += 1;
        Self(pool)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.state().waiting -= 1;
    }
}

/// A connection in use. Dropped without being [brought back](Self::give_back), it is closed: its answer may still come.
pub(crate) struct Lease {
    pool: Arc<Pool>,
    connection: Option<PgConnection>,
    born: Born,
    idle_since: Instant,
}

impl Lease {
    /// The connection; there is one until the lease ends.
    pub(crate) fn connection(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        self.connection.as_mut().ok_or(sqlx::Error::PoolClosed)
    }

    /// Tells whether it was idle for so long that it may be dead without anybody having noticed.
    pub(crate) fn may_be_dead(&self) -> bool {
        self.idle_since.elapsed() > TRUSTED_FOR
    }

    /// Asks the server for a sign of life.
    pub(crate) async fn ping(&mut self) -> Result<(), sqlx::Error> {
        self.connection()?.ping().await
    }

    /// Brings it back after an answer.
    pub(crate) fn give_back(mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        let mut state = self.pool.state();
        state.silent = 0;
        let outdated = self.born.generation != state.generation;
        if outdated || self.born.worn <= Instant::now() {
            state.open -= 1;
            drop(state);
            tokio::spawn(timeout(CONNECT_LIMIT, connection.close()));
            self.pool.open_more();
            return;
        }
        drop(state);
        self.pool.put(connection, self.born);
    }

    /// Closes it after an error, and with `DropAll` all that are as old.
    pub(crate) fn end(mut self, what: Connection) {
        match what {
            Connection::Keep => self.give_back(),
            Connection::Drop | Connection::DropAll => {
                let connection = self.connection.take();
                let mut state = self.pool.state();
                state.open -= 1;
                let others = if what == Connection::DropAll && self.born.generation == state.generation {
                    state.turn_over()
                } else {
                    Vec::new()
                };
                drop(state);
                // Closing them needs no lock.
                drop((connection, others));
                self.pool.open_more();
            }
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        let mut state = self.pool.state();
        state.open -= 1;
        state.silent = state.silent.saturating_add(1);
        let others = if state.silent >= SILENT_CALLS {
            state.turn_over()
        } else {
            Vec::new()
        };
        drop(state);
        drop((connection, others));
        self.pool.open_more();
    }
}

impl State {
    fn next_lifetime(&mut self) -> Duration {
        self.opened = self.opened.wrapping_add(1);
        // The golden ratio's steps fill a range evenly, however many there are.
        let spread = self.opened.wrapping_mul(0x9e37_79b9) >> 16;
        LIFETIME / 2 + LIFETIME / 2 * spread / 0xffff
    }

    /// Gives up all connections that are open now; those in use end when they come back.
    fn turn_over(&mut self) -> Vec<Idle> {
        self.generation += 1;
        self.troubled = true;
        self.silent = 0;
        self.open -= self.idle.len();
        std::mem::take(&mut self.idle)
    }
}
