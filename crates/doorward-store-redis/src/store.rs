//! The port's methods, each a question or two.

use core::future::Future;
use core::time::Duration;
use std::sync::Arc;

use doorward_core::UnixTime;
use doorward_core::ports::{
    BoxFuture, Cursor, IndexKey, ListChange, Loaded, MAX_RECORD_BYTES, Page, SessionStore, StoreError, StoreFeed,
    StoreKey, Write, Written,
};
use futures_util::future::{join_all, try_join_all};
use redis::Value;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::builder::{RedisStoreBuilder, RedisStoreError};
use crate::feed::{Ear, RedisFeed};
use crate::location::Location;
use crate::moments::{SLACK_TEXT, ahead, keep, read_time};
use crate::question::{Command, Question};
use crate::scripts::{LIST, WRITE};
use crate::servers::Servers;
use crate::slot::slot_of;
use crate::tls::Tls;
use crate::trouble::Trouble;
use crate::{reply, value};

/// How many members a page asks for; Redis takes it for a hint.
const PAGE: &str = "500";
/// What an operation may take beyond its deadline, for those that end by themselves.
const GRACE: Duration = Duration::from_millis(15);

/// Sessions in Redis or Valkey.
///
/// Clones share everything.
#[derive(Clone)]
pub struct RedisStore {
    inner: Arc<Inner>,
}

struct Inner {
    servers: Servers,
    prefix: String,
    deadline: Duration,
    connect_deadline: Duration,
    calls: Semaphore,
}

/// A list's change with its key and its arguments.
struct Change {
    key: Vec<u8>,
    /// For how long the key stands in it; empty to take it out.
    ahead: String,
    keep: String,
}

impl RedisStore {
    /// Makes a store from a URL, with the settings as they are; see [`RedisStoreBuilder::connect`].
    ///
    /// # Errors
    /// [`RedisStoreError`] for a URL that cannot be used. A server that does not answer is none: it is told in the log, and
    /// calls fail until it does. Whoever wants to start only with it asks [`check`](Self::check).
    pub async fn connect(url: &str) -> Result<RedisStore, RedisStoreError> {
        Self::builder(url).connect().await
    }

    /// Begins with a URL; the form of it is in the [crate's documentation](crate).
    pub fn builder(url: &str) -> RedisStoreBuilder {
        RedisStoreBuilder::new(url)
    }

    pub(crate) fn new(settings: RedisStoreBuilder, location: Location, tls: Option<Tls>) -> RedisStore {
        let servers = Servers::new(location, tls, settings.connect_deadline, settings.deadline);
        let inner = Inner {
            servers,
            prefix: settings.prefix,
            deadline: settings.deadline,
            connect_deadline: settings.connect_deadline,
            calls: Semaphore::new(settings.max_concurrent_calls.min(Semaphore::MAX_PERMITS)),
        };
        RedisStore { inner: Arc::new(inner) }
    }

    pub(crate) async fn begin(&self) {
        let reached = self.inner.servers.reach(self.until()).await;
        self.inner.servers.note(reached.as_ref().err());
    }

    /// Tries everything that a store does once: writes a record, enters it into a list and takes it out, reads both, follows.
    ///
    /// For a start that is to fail without the store, and for finding a missing right before a user does. It waits for a
    /// connection as long as connecting may take.
    ///
    /// # Errors
    /// [`StoreError`] of what does not work; its source says more.
    pub async fn check(&self) -> Result<(), StoreError> {
        // Any moment will do: the server is told durations, and counts them by its own clock.
        let now = UnixTime::from_seconds(0);
        let connected = Instant::now() + self.inner.connect_deadline;
        self.inner.servers.reach(connected).await?;
        let (key, index) = (StoreKey::from_bytes([0; 32]), IndexKey::from_bytes([0; 32]));
        let keep_until = now.saturating_add(Duration::from_secs(60));
        for until in [Some(keep_until), None] {
            let loaded = self.load(&key, now).await?;
            let write = Write {
                expected: loaded.entry.map(|entry| entry.version),
                bytes: b"a check",
                keep_until,
                lists: &[ListChange { index, until }],
                announce: true,
            };
            // A lost race is one with another instance that checks.
            self.write(&key, write, now).await?;
        }
        self.list(&index, None, now).await?;
        self.feed().await?;
        Ok(())
    }

    /// Runs one operation: not too many at once, not too long, and the log hears of a change.
    async fn run<T>(&self, until: Instant, work: impl Future<Output = Result<T, Trouble>>) -> Result<T, StoreError> {
        let Ok(_permit) = self.inner.calls.try_acquire() else {
            return Err(Trouble::Overloaded.into());
        };
        let done = timeout_at(until + GRACE, work).await.unwrap_or(Err(Trouble::Silent));
        self.inner.servers.note(done.as_ref().err());
        Ok(done?)
    }

    fn until(&self) -> Instant {
        Instant::now() + self.inner.deadline
    }

    /// Security: the braces make the digest alone decide about the slot, so that nothing else of ours shares a node by its name.
    fn record_key(&self, key: &StoreKey) -> Vec<u8> {
        format!("{}{{{}}}", self.inner.prefix, key.to_hex()).into_bytes()
    }

    fn list_key(&self, index: &IndexKey) -> Vec<u8> {
        format!("{}list:{{{}}}", self.inner.prefix, index.to_hex()).into_bytes()
    }

    fn channel(&self) -> Vec<u8> {
        format!("{}changes", self.inner.prefix).into_bytes()
    }

    async fn ask(&self, key: &[u8], question: Question<'_>, until: Instant) -> Result<Vec<Value>, Trouble> {
        self.inner.servers.ask(slot_of(key), &question, until).await
    }

    async fn do_load(&self, key: &StoreKey, until: Instant) -> Result<Loaded, Trouble> {
        let name = self.record_key(key);
        let question = Question {
            // The time before the record: a lease then seems to last longer than it does, never shorter.
            before: Some("TIME"),
            command: Command::Words(vec![b"GETRANGE", &name, b"0", value::LAST_READ.as_bytes()]),
            is_answer: |replies| {
                replies.first().is_some_and(|time| read_time(time).is_some())
                    && replies.last().is_some_and(|found| reply::text(found).is_some())
            },
            is_repeatable: true,
        };
        let replies = self.ask(&name, question, until).await?;
        let [time, found] = <[Value; 2]>::try_from(replies).map_err(|_| Trouble::Nonsense)?;
        Ok(Loaded {
            entry: value::read(reply::bytes(found).ok_or(Trouble::Nonsense)?)?,
            time: read_time(&time).ok_or(Trouble::Nonsense)?,
        })
    }

    async fn do_write(
        &self,
        key: &StoreKey,
        write: Write<'_>,
        now: UnixTime,
        until: Instant,
    ) -> Result<Written, Trouble> {
        if write.bytes.len() > MAX_RECORD_BYTES {
            return Err(Trouble::Misuse(
                "expected a record of at most a mebibyte, found a larger one",
            ));
        }
        let version = match write.expected {
            None => 1,
            // The first version is 1, and one that nothing can follow was never given out.
            Some(0 | u64::MAX) => return Ok(Written::Conflict),
            Some(version) => version + 1,
        };
        let changes: Vec<Change> = write.lists.iter().map(|change| self.change(change, now)).collect();
        if !self.inner.servers.are_many() {
            return self.write_record(key, write, version, &changes, now, until).await;
        }
        let change = |change| self.change_list(key, change, until);
        try_join_all(changes.iter().filter(|change| !change.ahead.is_empty()).map(change)).await?;
        let written = self.write_record(key, write, version, &[], now, until).await?;
        if written != Written::Conflict {
            // The record is written, and that is what is told; an entry that stays is a hint that runs out by itself.
            join_all(changes.iter().filter(|change| change.ahead.is_empty()).map(change)).await;
        }
        Ok(written)
    }

    async fn write_record(
        &self,
        key: &StoreKey,
        write: Write<'_>,
        version: u64,
        changes: &[Change],
        now: UnixTime,
        until: Instant,
    ) -> Result<Written, Trouble> {
        let name = self.record_key(key);
        let expected = write.expected.map(value::head);
        let new = value::write(version, write.bytes);
        let keep = keep(write.keep_until, now);
        let channel = if write.announce { self.channel() } else { Vec::new() };
        let mut keys: Vec<&[u8]> = vec![&name];
        let mut arguments: Vec<&[u8]> = vec![
            expected.as_ref().map(<[u8; value::HEAD]>::as_slice).unwrap_or_default(),
            &new,
            keep.as_bytes(),
            key.as_bytes(),
            &channel,
            SLACK_TEXT.as_bytes(),
        ];
        for change in changes {
            keys.push(&change.key);
            arguments.extend([change.ahead.as_bytes(), change.keep.as_bytes()]);
        }
        let question = Question {
            before: None,
            command: Command::Script {
                script: &WRITE,
                keys,
                arguments,
            },
            is_answer: |replies| matches!(replies.last(), Some(Value::Int(0 | 1))),
            is_repeatable: false,
        };
        let replies = self.ask(&name, question, until).await?;
        match replies.as_slice() {
            [Value::Int(1)] => Ok(Written::Done { version }),
            [Value::Int(0)] => Ok(Written::Conflict),
            _ => Err(Trouble::Nonsense),
        }
    }

    fn change(&self, change: &ListChange, now: UnixTime) -> Change {
        Change {
            key: self.list_key(&change.index),
            ahead: change.until.map(|until| ahead(until, now)).unwrap_or_default(),
            keep: change.until.map(|until| keep(until, now)).unwrap_or_default(),
        }
    }

    async fn change_list(&self, key: &StoreKey, change: &Change, until: Instant) -> Result<(), Trouble> {
        let question = Question {
            before: None,
            command: Command::Script {
                script: &LIST,
                keys: vec![&change.key],
                arguments: vec![
                    key.as_bytes(),
                    SLACK_TEXT.as_bytes(),
                    change.ahead.as_bytes(),
                    change.keep.as_bytes(),
                ],
            },
            is_answer: |replies| matches!(replies.last(), Some(Value::Int(1))),
            is_repeatable: true,
        };
        self.ask(&change.key, question, until).await.map(|_| ())
    }

    async fn do_list(&self, index: &IndexKey, after: Option<Cursor>, until: Instant) -> Result<Page, Trouble> {
        let name = self.list_key(index);
        let cursor = after.as_ref().map_or(b"0".as_slice(), Cursor::as_bytes);
        if !is_cursor(cursor) {
            return Err(Trouble::Misuse("expected a cursor of this store, found another"));
        }
        let question = Question {
            before: Some("TIME"),
            command: Command::Words(vec![b"ZSCAN", &name, cursor, b"COUNT", PAGE.as_bytes()]),
            is_answer: |replies| {
                replies.first().is_some_and(|time| read_time(time).is_some()) && reply::is_page(replies)
            },
            is_repeatable: true,
        };
        let replies = self.ask(&name, question, until).await?;
        let [time, reply] = <[Value; 2]>::try_from(replies).map_err(|_| Trouble::Nonsense)?;
        let now = read_time(&time).ok_or(Trouble::Nonsense)?.milliseconds();
        let reply = reply::array(reply).ok_or(Trouble::Nonsense)?;
        let [next, members] = <[Value; 2]>::try_from(reply).map_err(|_| Trouble::Nonsense)?;
        let next = reply::bytes(next)
            .filter(|next| is_cursor(next))
            .ok_or(Trouble::Nonsense)?;
        let members = reply::array(members).ok_or(Trouble::Nonsense)?;
        let (pairs, _) = members.as_chunks::<2>();
        let keys = pairs.iter().filter_map(|[member, score]| {
            let until = reply::score(score)?;
            // A member of another length is nothing of ours, and no reason to keep the others back.
            let key = StoreKey::from_bytes(reply::text(member)?.try_into().ok()?);
            (until >= now).then_some(key)
        });
        Ok(Page {
            keys: keys.collect(),
            next: (next != b"0").then(|| Cursor::new(next)),
        })
    }

    async fn do_feed(&self) -> Result<Box<dyn StoreFeed>, Trouble> {
        let until = Instant::now() + self.inner.connect_deadline;
        let channel = self.channel();
        let (ear, keys) = Ear::new(channel.clone());
        let connection = self.inner.servers.open(ear, until).await?;
        let subscribed = timeout_at(until, connection.subscribe(&channel)).await;
        subscribed.unwrap_or(Err(Trouble::Silent))?;
        Ok(Box::new(RedisFeed::new(connection, self.inner.servers.link(), keys)))
    }
}

impl core::fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("RedisStore").finish_non_exhaustive()
    }
}

impl SessionStore for RedisStore {
    fn load<'a>(&'a self, key: &'a StoreKey, _now: UnixTime) -> BoxFuture<'a, Result<Loaded, StoreError>> {
        let until = self.until();
        Box::pin(self.run(until, self.do_load(key, until)))
    }

    fn write<'a>(
        &'a self,
        key: &'a StoreKey,
        write: Write<'a>,
        now: UnixTime,
    ) -> BoxFuture<'a, Result<Written, StoreError>> {
        let until = self.until();
        Box::pin(self.run(until, self.do_write(key, write, now, until)))
    }

    fn list<'a>(
        &'a self,
        index: &'a IndexKey,
        after: Option<Cursor>,
        _now: UnixTime,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        let until = self.until();
        Box::pin(self.run(until, self.do_list(index, after, until)))
    }

    fn feed(&self) -> BoxFuture<'_, Result<Box<dyn StoreFeed>, StoreError>> {
        Box::pin(async move { Ok(self.do_feed().await?) })
    }

    fn deadline(&self) -> Duration {
        self.inner.deadline
    }
}

fn is_cursor(bytes: &[u8]) -> bool {
    (1..=20).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_digit)
}
