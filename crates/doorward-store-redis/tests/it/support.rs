//! What all tests need: keys, moments, writes in one line, waiting.

use std::time::Duration;

use doorward_core::UnixTime;
use doorward_core::ports::{
    Entry, IndexKey, ListChange, SessionStore, StoreError, StoreErrorKind, StoreKey, Write, Written,
};
use doorward_store_redis::RedisStore;
use doorward_testkit::servers::RedisUser;
use tokio::time::{Instant, sleep, timeout};

/// Far from what any server's clock says: only durations may count.
pub(crate) const NOW: UnixTime = UnixTime::from_seconds(1_767_225_600);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);
const LIMIT: Duration = Duration::from_secs(20);

/// What the documentation says an account needs, word for word.
pub(crate) const RULES: &str = "resetkeys resetchannels -@all ~doorward:* &doorward:changes +ping +time +getrange +set +eval \
                                +evalsha +zadd +zrem +zremrangebyscore +zscan +pttl +pexpire +publish +subscribe";

pub(crate) fn user() -> RedisUser {
    RedisUser {
        name: "doorward".to_owned(),
        password: "p@ss:w/rd?".to_owned(),
        rules: RULES.to_owned(),
    }
}

pub(crate) fn key(number: u64) -> StoreKey {
    let mut digest = [7; 32];
    digest[..8].copy_from_slice(&number.to_be_bytes());
    StoreKey::from_bytes(digest)
}

pub(crate) fn index(number: u8) -> IndexKey {
    IndexKey::from_bytes([number; 32])
}

pub(crate) fn until() -> UnixTime {
    NOW.saturating_add(HOUR)
}

/// A new list entry until [`until`].
pub(crate) fn entered(index: IndexKey) -> ListChange {
    ListChange {
        index,
        until: Some(until()),
    }
}

pub(crate) async fn connect(url: &str) -> RedisStore {
    RedisStore::connect(url).await.expect("a URL that can be used")
}

/// The same with time enough for a machine that has others to serve, where time is not the matter.
pub(crate) async fn patient(url: &str) -> RedisStore {
    let builder = RedisStore::builder(url).deadline(Duration::from_secs(10));
    let store = builder.connect_deadline(Duration::from_secs(3)).connect();
    store.await.expect("a URL that can be used")
}

pub(crate) async fn put(
    store: &RedisStore,
    key: &StoreKey,
    expected: Option<u64>,
    bytes: &[u8],
    lists: &[ListChange],
) -> Result<Written, StoreError> {
    let write = Write {
        expected,
        bytes,
        keep_until: until(),
        lists,
        announce: true,
    };
    store.write(key, write, NOW).await
}

/// Writes what nobody has written yet.
pub(crate) async fn create(store: &RedisStore, key: &StoreKey, bytes: &[u8]) {
    let written = put(store, key, None, bytes, &[]).await;
    assert_eq!(written.expect("a write"), Written::Done { version: 1 });
}

pub(crate) async fn load(store: &RedisStore, key: &StoreKey) -> Result<Option<Entry>, StoreError> {
    Ok(store.load(key, NOW).await?.entry)
}

pub(crate) fn entry(version: u64, bytes: &[u8]) -> Option<Entry> {
    Some(Entry {
        version,
        bytes: bytes.to_vec(),
    })
}

/// How a call failed, with what its error says beneath, for a look at it.
pub(crate) fn failed<T>(result: Result<T, StoreError>) -> (StoreErrorKind, String) {
    match result {
        Ok(_) => panic!("expected a failure, found an answer"),
        Err(error) => {
            let source = std::error::Error::source(&error).map(ToString::to_string);
            (error.kind(), source.unwrap_or_default())
        }
    }
}

/// All keys of a list.
pub(crate) async fn listed(store: &RedisStore, index: &IndexKey) -> Vec<StoreKey> {
    let (mut keys, mut after) = (Vec::new(), None);
    loop {
        let page = store.list(index, after, NOW).await.expect("a page");
        keys.extend(page.keys);
        after = page.next;
        if after.is_none() {
            keys.sort();
            keys.dedup();
            return keys;
        }
    }
}

/// Asks again and again until it is so; answers with how long that took.
pub(crate) async fn eventually(what: &str, mut ask: impl AsyncFnMut() -> bool) -> Duration {
    let began = Instant::now();
    let asked = timeout(LIMIT, async {
        while !ask().await {
            sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(asked.await.is_ok(), "expected within {LIMIT:?}: {what}");
    began.elapsed()
}

/// The same URL with another scheme and path, for servers that are given as several.
pub(crate) fn joined(scheme: &str, account: &str, urls: &[String], rest: &str) -> String {
    let hosts: Vec<&str> = urls.iter().map(|url| url.rsplit(['/', '@']).next().unwrap()).collect();
    format!("{scheme}://{account}{}{rest}", hosts.join(","))
}

/// A certificate authority's file for the `ca` of a URL, gone with its value.
pub(crate) struct Authority(std::path::PathBuf);

impl Authority {
    pub(crate) fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("doorward-{test}-{}.pem", std::process::id()));
        std::fs::write(&path, doorward_testkit::servers::certificate_authority()).expect("a file for the authority");
        Self(path)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
