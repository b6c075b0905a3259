//! What was announced, by `LISTEN` on a connection of its own.

use core::time::Duration;

use doorward_core::ports::{BoxFuture, StoreError, StoreErrorKind, StoreFeed, StoreKey};
use sqlx::Executor as _;
use sqlx::postgres::{PgConnectOptions, PgListener, PgNotification, PgPoolOptions};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::failure;
use crate::pool::CONNECT_LIMIT;

/// How long the server may be silent before it is asked for a sign of life, and how long it may take for that; a network that
/// swallows everything is noticed after both.
const SILENCE: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(4);
/// Announcements that wait for a slow follower before it has to begin anew.
const BUFFER: usize = 1_024;

/// The announcements as they come; a task reads them, so that the connection is watched also while nobody waits for the next.
pub(crate) struct Feed {
    keys: mpsc::Receiver<Result<StoreKey, StoreError>>,
}

/// Begins to listen.
pub(crate) async fn follow(server: &PgConnectOptions, channel: &str) -> Result<Feed, StoreError> {
    // The library listens on connections of a pool only; this one has one connection, and is not asked for a second.
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(CONNECT_LIMIT)
        .test_before_acquire(false)
        .max_lifetime(None)
        .idle_timeout(None)
        .connect_lazy_with(server.clone());
    let listening = timeout(CONNECT_LIMIT, async {
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.eager_reconnect(false);
        listener.listen(channel).await?;
        Ok(listener)
    });
    let listener = match listening.await {
        Ok(Ok(listener)) => listener,
        Ok(Err(error)) => return Err(lost(error)),
        Err(elapsed) => return Err(StoreError::with_source(StoreErrorKind::Timeout, elapsed)),
    };
    let (sender, keys) = mpsc::channel(BUFFER);
    let channel = channel.to_owned();
    tokio::spawn(async move {
        tokio::select! {
            () = sender.closed() => {}
            error = read(listener, &channel, &sender) => {
                // Where the follower is behind, it reads what waits and then finds the end.
                let _ = sender.try_send(Err(error));
            }
        }
    });
    Ok(Feed { keys })
}

impl StoreFeed for Feed {
    fn next(&mut self) -> BoxFuture<'_, Result<StoreKey, StoreError>> {
        Box::pin(async {
            match self.keys.recv().await {
                Some(next) => next,
                None => Err(StoreError::with_source(
                    StoreErrorKind::Unreachable,
                    "the connection of the feed is lost",
                )),
            }
        })
    }
}

/// Passes on what is announced until something was missed.
async fn read(
    mut listener: PgListener,
    channel: &str,
    keys: &mpsc::Sender<Result<StoreKey, StoreError>>,
) -> StoreError {
    loop {
        let notification = match timeout(SILENCE, listener.try_recv()).await {
            Ok(Ok(Some(notification))) => notification,
            // The library would connect anew and say nothing of what was missed.
            Ok(Ok(None)) => return StoreError::new(StoreErrorKind::Unreachable),
            Ok(Err(error)) => return lost(error),
            Err(_) => match timeout(ANSWER, (&mut listener).execute("select 1")).await {
                Ok(Ok(_)) => continue,
                Ok(Err(error)) => return lost(error),
                Err(elapsed) => return StoreError::with_source(StoreErrorKind::Timeout, elapsed),
            },
        };
        let Some(key) = key(&notification, channel) else {
            continue;
        };
        if keys.try_send(Ok(key)).is_err() {
            return StoreError::with_source(StoreErrorKind::Unreachable, "the follower fell behind");
        }
    }
}

/// Reads a key; anybody with access to the database may say anything there.
fn key(notification: &PgNotification, channel: &str) -> Option<StoreKey> {
    (notification.channel() == channel).then(|| read_key(notification.payload()))?
}

fn read_key(text: &str) -> Option<StoreKey> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() || pairs.len() != 32 {
        return None;
    }
    let mut digest = [0; 32];
    for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
        *byte = nibble(*high)? << 4 | nibble(*low)?;
    }
    Some(StoreKey::from_bytes(digest))
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

fn lost(error: sqlx::Error) -> StoreError {
    StoreError::with_source(failure::judge(&error).kind, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_told_and_nothing_else_is() {
        let key = StoreKey::from_bytes(core::array::from_fn(|at| at as u8 * 7));
        assert_eq!(read_key(&key.to_hex()), Some(key));
        let hex = key.to_hex();
        let (short, long) = (&hex[..62], format!("{hex}00"));
        let (upper, odd) = (hex.to_uppercase(), &hex[..63]);
        let foreign = format!("{}zz", short);
        for other in ["", "hello", short, &long, &upper, odd, &foreign, "ää"] {
            assert_eq!(read_key(other), None, "{other}");
        }
    }
}
