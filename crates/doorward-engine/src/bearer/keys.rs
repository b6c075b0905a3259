//! One issuer's keys as the judging of bearer tokens needs them: at once where it can be, and through an outage.
//!
//! Fresh keys serve at once. Stale ones are renewed before use, so that a withdrawn key stops counting; where that fails or
//! takes longer than [`LONGEST_WAIT`], the issuer counts as failing: the stale keys serve at once, for as long as
//! [`ProviderState`] lets them, and one renewal a second goes on in the background.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use doorward_crypto::KeySet;

use crate::outside::Ports;
use crate::provider::{NewerKeys, ProviderState, ProviderUnavailable};

/// How long a request waits for the renewal of keys that could serve as they are.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
const BACKGROUND_INTERVAL: Duration = Duration::from_secs(1);

pub(super) struct IssuerKeys {
    pub(super) provider: Arc<ProviderState>,
    is_failing: AtomicBool,
    next_try: Mutex<Duration>,
    /// The last look for an unknown key found nobody to ask.
    unknown_failed: AtomicBool,
}

/// The keys, and whether they were fetched while somebody waited for them.
pub(super) struct Current {
    pub(super) keys: KeySet,
    pub(super) is_new: bool,
}

impl IssuerKeys {
    pub(super) fn new(provider: Arc<ProviderState>) -> Self {
        Self {
            provider,
            is_failing: AtomicBool::new(false),
            next_try: Mutex::new(Duration::ZERO),
            unknown_failed: AtomicBool::new(false),
        }
    }

    /// Answers the keys without waiting, where they may serve without.
    pub(super) fn at_hand(self: &Arc<Self>, ports: &Ports) -> Option<KeySet> {
        let (keys, is_fresh) = self.provider.keys_at_hand(ports)?;
        if is_fresh {
            return Some(keys);
        }
        if !self.is_failing.load(Ordering::Relaxed) {
            return None;
        }
        self.try_again(ports);
        Some(keys)
    }

    /// Answers the keys, renewed where they are due.
    pub(super) async fn current(&self, ports: &Ports) -> Result<Current, ProviderUnavailable> {
        let held = match self.provider.keys_at_hand(ports) {
            Some((keys, true)) => return Ok(Current { keys, is_new: false }),
            Some((keys, false)) => keys,
            None => {
                let keys = self.renewed(ports).await?;
                return Ok(Current { keys, is_new: true });
            }
        };
        let renewed = ports.within(LONGEST_WAIT, self.renewed(ports)).await;
        // A renewal that failed answers the very set that was there before.
        match renewed {
            Some(Ok(keys)) if !keys.is_same(&held) => {
                self.is_failing.store(false, Ordering::Relaxed);
                Ok(Current { keys, is_new: true })
            }
            _ => {
                self.is_failing.store(true, Ordering::Relaxed);
                Ok(Current {
                    keys: held,
                    is_new: false,
                })
            }
        }
    }

    /// Looks for a key that is not among those at hand; an error means that nobody can tell whether there is one.
    pub(super) async fn after_unknown(&self, ports: &Ports) -> Result<Current, ProviderUnavailable> {
        let metadata = self.provider.metadata(ports).await?;
        match self.provider.keys_after_unknown(ports, &metadata).await {
            Some(NewerKeys::Fetched(keys)) => {
                self.unknown_failed.store(false, Ordering::Relaxed);
                Ok(Current { keys, is_new: true })
            }
            Some(NewerKeys::Held(_)) if self.unknown_failed.load(Ordering::Relaxed) => Err(ProviderUnavailable::soon()),
            Some(NewerKeys::Held(keys)) => Ok(Current { keys, is_new: false }),
            None => {
                self.unknown_failed.store(true, Ordering::Relaxed);
                Err(ProviderUnavailable::soon())
            }
        }
    }

    async fn renewed(&self, ports: &Ports) -> Result<KeySet, ProviderUnavailable> {
        let metadata = self.provider.metadata(ports).await?;
        self.provider.keys(ports, &metadata).await
    }

    fn try_again(self: &Arc<Self>, ports: &Ports) {
        let now = ports.clock.monotonic();
        {
            let mut next = self.next_try.lock().unwrap_or_else(PoisonError::into_inner);
            if now < *next {
                return;
            }
            *next = now.saturating_add(BACKGROUND_INTERVAL);
        }
        let (this, in_background) = (Arc::clone(self), ports.clone());
        ports.tasks.spawn(Box::pin(async move {
            // A failure was logged where it arose; the stale keys go on serving.
            let _ = this.renewed(&in_background).await;
            if let Some((_, true)) = this.provider.keys_at_hand(&in_background) {
                this.is_failing.store(false, Ordering::Relaxed);
            }
        }));
    }
}
