//! Sessions that live in a store: reading, writing and ending their records.
//!
//! Every call of the port but the feed goes through [`Health`], so that what holds for all of them stands in one place: a deadline, a
//! bound on how many wait, and a rest while the store is down. What a request gets meanwhile is 503, or, where the operator has chosen it, the
//! session as it was seen lately ([`Stale`]).

mod change;
mod health;
mod list;
mod renew;
mod stale;
mod turns;

use std::sync::Arc;
use std::time::Duration;

use doorward_core::UnixTime;
use doorward_core::ports::{
    Entry, ListChange, SessionStore, StoreError, StoreErrorKind, StoreFeed, StoreKey, StoreTime, Write, Written,
};
use doorward_core::session::{Control, IndexOf, Judged, Record, RecordCodec, Standing, Summary};

pub(crate) use self::health::Health;
pub(crate) use self::list::{Listed, Unreadable};
use self::stale::Stale;
use self::turns::Turns;
use crate::live::{Live, LiveKey};
use crate::outside::Ports;

/// Records are kept somewhat longer than they count, because the store's clock may be ahead of ours.
pub(crate) const SLACK: Duration = Duration::from_secs(5 * 60);

/// The store and what its records are sealed with.
pub(crate) struct StoredSessions {
    reader: Arc<Reader>,
    reads: Arc<Turns<Found, StoreErrorKind>>,
    stale: Option<Stale>,
    pub(crate) records: RecordCodec,
    live: Arc<Live>,
}

/// What a read needs, also one that goes on without the request that began it.
struct Reader {
    store: Arc<dyn SessionStore>,
    health: Health,
    records: RecordCodec,
}

/// What a store holds under a key.
#[derive(Clone)]
pub(crate) enum Found {
    /// Nothing, or a session that has expired.
    Absent,
    /// Something that is none of our records, or of another version.
    Unreadable {
        /// The version it is kept with.
        version: u64,
    },
    /// A tombstone, or a session whose successor's time has come.
    Ended,
    /// A session that may be used.
    Live(Arc<Kept>),
}

/// A record as it was read or written last.
pub(crate) struct Kept {
    pub(crate) version: u64,
    pub(crate) record: Record,
    pub(crate) time: StoreTime,
}

impl Kept {
    /// Whether another session is taking its place: it is served as it is, and written no more.
    pub(crate) fn is_retiring(&self) -> bool {
        matches!(self.record.control().standing, Standing::Retiring { .. })
    }
}

impl StoredSessions {
    /// `serve_stale` is how old a session may be that is served while the store is down; `None` serves none.
    pub(crate) fn new(
        store: Arc<dyn SessionStore>,
        records: RecordCodec,
        serve_stale: Option<Duration>,
        live: Arc<Live>,
    ) -> Self {
        Self {
            reader: Arc::new(Reader {
                health: Health::of(&*store),
                store,
                records: records.clone(),
            }),
            reads: Arc::default(),
            stale: serve_stale.map(Stale::new),
            records,
            live,
        }
    }

    /// Reads a record, and judges it by its head.
    ///
    /// # Errors
    /// [`StoreError`] where the store did not answer.
    pub(crate) async fn load(&self, ports: &Ports, key: &StoreKey) -> Result<Found, StoreError> {
        let began = self.stale.as_ref().map(Stale::begin).unwrap_or_default();
        let (reader, its_ports, its_key) = (Arc::clone(&self.reader), ports.clone(), *key);
        let read: turns::Read<_, _> = Arc::new(move || {
            let (reader, ports, key) = (Arc::clone(&reader), its_ports.clone(), its_key);
            Box::pin(async move { reader.read(&ports, &key).await.map_err(|error| error.kind()) })
        });
        // The rest of the read that is under way, and one of one's own. A limit all the same: the first may be somebody's who does
        // not go on with it.
        let patience = self.reader.health.patience().saturating_mul(2);
        let shared = self.reads.read(key, &ports.tasks, &read);
        let found = match ports.within(patience, shared).await {
            Some(found) => found.unwrap_or(Err(StoreErrorKind::Unreachable)),
            None => Err(StoreErrorKind::Timeout),
        };
        // The cause was told where it arose; many may share it.
        let found = found.map_err(StoreError::new)?;
        if let Some(stale) = &self.stale {
            match &found {
                Found::Live(kept) => stale.see(key, kept, began, ports.clock.monotonic()),
                // Nor does a read that others share and look at later bring it back.
                Found::Ended => stale.end(key),
                Found::Absent | Found::Unreadable { .. } => stale.forget(key),
            }
        }
        Ok(found)
    }

    /// Reads a record for a request that only uses it: as it was seen lately, where the store is down and that is good enough.
    ///
    /// # Errors
    /// [`StoreError`] where neither the store answered nor the session was seen lately.
    pub(crate) async fn load_or_stale(&self, ports: &Ports, key: &StoreKey) -> Result<Found, StoreError> {
        let error = match self.load(ports, key).await {
            Ok(found) => return Ok(found),
            Err(error) => error,
        };
        // Security: made-up handles can keep the store's places busy, which is no outage.
        let seen = self
            .stale
            .as_ref()
            .filter(|_| health::is_outage(&error))
            .and_then(|stale| stale.get(key, ports.clock.monotonic()));
        let Some(kept) = seen else {
            return Err(error);
        };
        // Its own ends count all the same.
        Ok(match kept.record.control().judge(ports.clock.now()) {
            Judged::Expired => Found::Absent,
            Judged::Ended => Found::Ended,
            Judged::Live => Found::Live(kept),
        })
    }

    /// Compares and sets; `None` for a lost race.
    ///
    /// # Errors
    /// [`StoreError`] where the store did not answer: the record may or may not be written.
    pub(crate) async fn write(
        &self,
        ports: &Ports,
        key: &StoreKey,
        expected: Option<u64>,
        next: Next<'_>,
    ) -> Result<Option<u64>, StoreError> {
        let write = Write {
            expected,
            bytes: next.bytes,
            keep_until: next.keep_until.saturating_add(SLACK),
            lists: next.lists,
            announce: next.announce,
        };
        // Security: what is being ended is not served from memory, whatever the store answers.
        if next.announce {
            self.discard(key);
        }
        let call = self.reader.store.write(key, write, ports.clock.now());
        let written = self.reader.health.call(ports, call).await;
        if next.announce {
            // Here the feed is not waited for. A write without an answer may have been made.
            self.live.look_again(&LiveKey::Stored(*key));
        }
        match &self.stale {
            // Once more, and without an answer too: a read may have begun before the end was written.
            Some(stale) if next.announce => stale.end(key),
            Some(stale) if written.is_ok() => stale.forget(key),
            Some(_) | None => {}
        }
        match written? {
            Written::Done { version } => Ok(Some(version)),
            Written::Conflict => Ok(None),
        }
    }

    /// Begins to follow what every instance announces.
    ///
    /// # Errors
    /// [`StoreError`] where the store did not answer.
    pub(crate) async fn feed(&self) -> Result<Box<dyn StoreFeed>, StoreError> {
        self.reader.store.feed().await
    }

    /// Whether sessions seen lately are served while the store is down: whoever does has to hear which of them change.
    pub(crate) const fn serves_stale(&self) -> bool {
        self.stale.is_some()
    }

    /// Serves no longer what was seen of a session, a read under way included: it has changed, or may have.
    pub(crate) fn discard(&self, key: &StoreKey) {
        if let Some(stale) = &self.stale {
            stale.end(key);
        }
    }

    /// Serves no longer what was seen of any session: changes may have been missed.
    pub(crate) fn discard_all(&self) {
        if let Some(stale) = &self.stale {
            stale.end_all();
        }
    }

    /// Whether something that happens once is remembered.
    ///
    /// # Errors
    /// [`StoreError`] where the store did not answer.
    pub(crate) async fn is_used(&self, ports: &Ports, key: &StoreKey) -> Result<bool, StoreError> {
        let call = self.reader.store.load(key, ports.clock.now());
        Ok(self.reader.health.call(ports, call).await?.entry.is_some())
    }

    /// Remembers something that happens once; `false` if it is remembered already.
    ///
    /// # Errors
    /// [`StoreError`] where the store did not answer.
    pub(crate) async fn first_use(&self, ports: &Ports, key: &StoreKey, until: UnixTime) -> Result<bool, StoreError> {
        let next = Next {
            bytes: &[],
            keep_until: until,
            lists: &[],
            announce: false,
        };
        Ok(self.write(ports, key, None, next).await?.is_some())
    }

    /// The lists that a session stands in, each under the key that names lists now.
    fn lists(&self, summary: &Summary, until: UnixTime) -> Vec<ListChange> {
        let entered = |of| ListChange {
            index: self.records.index(of),
            until: Some(until),
        };
        indexes_of(summary).into_iter().map(entered).collect()
    }

    /// Takes a session out of its lists, under whichever key it was entered.
    fn lists_left(&self, summary: Option<&Summary>) -> Vec<ListChange> {
        let left = |index| ListChange { index, until: None };
        let indexes = summary.map(indexes_of).unwrap_or_default();
        let indexes = indexes.into_iter().flat_map(|of| self.records.indexes(of));
        indexes.map(left).collect()
    }
}

impl Reader {
    async fn read(&self, ports: &Ports, key: &StoreKey) -> Result<Found, StoreError> {
        let now = ports.clock.now();
        let loaded = self.health.call(ports, self.store.load(key, now)).await?;
        let Some(Entry { version, bytes }) = loaded.entry else {
            return Ok(Found::Absent);
        };
        let Ok(record) = self.records.open(key, bytes) else {
            tracing::warn!(?key, "record cannot be read; it counts as no session");
            return Ok(Found::Unreadable { version });
        };
        Ok(match record.control().judge(now) {
            Judged::Expired => Found::Absent,
            Judged::Ended => Found::Ended,
            Judged::Live => Found::Live(Arc::new(Kept {
                version,
                record,
                time: loaded.time,
            })),
        })
    }
}

/// What a write leaves behind.
pub(crate) struct Next<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) keep_until: UnixTime,
    pub(crate) lists: &'a [ListChange],
    pub(crate) announce: bool,
}

impl<'a> Next<'a> {
    fn of(control: &Control, bytes: &'a [u8], lists: &'a [ListChange]) -> Self {
        Self {
            bytes,
            keep_until: control.keep_until(),
            lists,
            announce: false,
        }
    }

    /// For changes that whoever holds the session open has to hear of.
    fn announced(mut self) -> Self {
        self.announce = true;
        self
    }
}

fn indexes_of(summary: &Summary) -> Vec<IndexOf<'_>> {
    let provider = summary.provider.as_str();
    let mut indexes = vec![
        IndexOf::User {
            provider,
            subject: &summary.subject,
        },
        IndexOf::Tenant(&summary.tenant),
    ];
    if let Some(session_id) = &summary.provider_session_id {
        indexes.push(IndexOf::ProviderSession { provider, session_id });
    }
    indexes
}
