//! Following what is announced: a connection of its own that hears one channel.

use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};

use doorward_core::ports::{BoxFuture, StoreError, StoreFeed, StoreKey};
use redis::aio::{AsyncPushSender, SendError};
use redis::{PushInfo, PushKind};
use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::connection::{Connection, HEARTBEAT};
use crate::link::Link;
use crate::reply;
use crate::trouble::Trouble;

/// What may wait to be taken; beyond it the feed ends, so that whoever follows knows that something was missed.
const MAX_WAITING: usize = 8_192;

/// Takes what the connection hears.
pub(crate) struct Ear {
    channel: Vec<u8>,
    keys: Mutex<Option<mpsc::Sender<StoreKey>>>,
}

/// A feed that hears.
pub(crate) struct RedisFeed {
    connection: Connection,
    /// What calls go by, where that is one server at a time.
    link: Option<Arc<Link>>,
    keys: mpsc::Receiver<StoreKey>,
    heartbeat: Interval,
}

impl Ear {
    pub(crate) fn new(channel: Vec<u8>) -> (Arc<Self>, mpsc::Receiver<StoreKey>) {
        let (keys, heard) = mpsc::channel(MAX_WAITING);
        let ear = Self {
            channel,
            keys: Mutex::new(Some(keys)),
        };
        (Arc::new(ear), heard)
    }

    /// The key that a message names; anybody may say anything on the channel.
    fn key(&self, push: &PushInfo) -> Option<StoreKey> {
        match (&push.kind, push.data.as_slice()) {
            (PushKind::Message, [channel, message]) if reply::text(channel) == Some(self.channel.as_slice()) => {
                Some(StoreKey::from_bytes(reply::text(message)?.try_into().ok()?))
            }
            _ => None,
        }
    }
}

impl AsyncPushSender for Ear {
    fn send(&self, push: PushInfo) -> Result<(), SendError> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if push.kind == PushKind::Disconnection {
            *keys = None;
        }
        let Some(key) = self.key(&push) else { return Ok(()) };
        let taken = keys.as_ref().is_some_and(|keys| keys.try_send(key).is_ok());
        if !taken {
            *keys = None;
            return Err(SendError);
        }
        Ok(())
    }
}

impl RedisFeed {
    pub(crate) fn new(connection: Connection, link: Option<Arc<Link>>, keys: mpsc::Receiver<StoreKey>) -> Self {
        let mut heartbeat = interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            connection,
            link,
            keys,
            heartbeat,
        }
    }

    /// Makes sure that what is announced is still said where this listens.
    async fn confirm(&self) -> Result<(), Trouble> {
        let link = self.link.as_ref();
        if link.is_some_and(|link| link.leads_elsewhere(self.connection.address())) {
            return Err(Trouble::Replaced);
        }
        if self.connection.wants_primary() {
            return self.connection.confirm().await;
        }
        // A message or a part of one is a sign of life too.
        let is_fresh = self.connection.pulse().heard().elapsed() < HEARTBEAT - Duration::from_millis(100);
        if is_fresh || self.connection.is_alive().await {
            Ok(())
        } else {
            Err(Trouble::Silent)
        }
    }
}

impl StoreFeed for RedisFeed {
    fn next(&mut self) -> BoxFuture<'_, Result<StoreKey, StoreError>> {
        Box::pin(async move {
            loop {
                tokio::select! {
                    key = self.keys.recv() => return key.ok_or_else(|| Trouble::Closed.into()),
                    _ = self.heartbeat.tick() => {}
                }
                // Not given up for a key that comes: where many come, it would never end.
                if let Err(trouble) = self.confirm().await {
                    self.connection.close();
                    // What was heard until then is not lost.
                    return self.keys.try_recv().map_err(|_| trouble.into());
                }
            }
        })
    }
}
