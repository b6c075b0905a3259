//! Values fetched from a provider, cached with bounds: one fetch at a time, and a pause after a failure.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use doorward_core::ports::Fetched;

use crate::outside::Ports;
use crate::provider::ProviderUnavailable;
use crate::single_flight::{Begin, SingleFlight};

pub(crate) const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

pub(crate) fn retry_after(fetched: &Fetched) -> Duration {
    fetched
        .headers
        .get(http::header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse().ok())
        .map_or(SHORTEST_PAUSE, Duration::from_secs)
}

/// How long to wait after a failure: as the provider wishes, within our own limits.
pub(crate) fn pause_of(wish: Option<Duration>) -> Duration {
    wish.unwrap_or(SHORTEST_PAUSE).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
}

/// A time during which the provider is left alone, on the monotonic clock.
#[derive(Default)]
pub(crate) struct Pause {
    until: Mutex<Duration>,
}

impl Pause {
    pub(crate) fn begin(&self, ports: &Ports, wish: Duration) -> Duration {
        let length = pause_of(Some(wish));
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = ports.clock.monotonic().saturating_add(length);
        length
    }

    pub(crate) fn remaining(&self, ports: &Ports) -> Option<Duration> {
        let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until
            .checked_sub(ports.clock.monotonic())
            .filter(|rest| !rest.is_zero())
    }
}

/// A value fetched from the provider, when it came, and how to renew it.
pub(crate) struct Cached<T> {
    value: Arc<RwLock<Option<(T, Duration)>>>,
    pause: Arc<Pause>,
    flight: SingleFlight<(), Result<T, ProviderUnavailable>>,
}

impl<T> Default for Cached<T> {
    fn default() -> Self {
        Self {
            value: Arc::default(),
            pause: Arc::default(),
            flight: SingleFlight::default(),
        }
    }
}

impl<T: Clone + Send + Sync + 'static> Cached<T> {
    pub(crate) fn age(&self, ports: &Ports) -> Option<(T, Duration)> {
        let value = self.value.read().unwrap_or_else(PoisonError::into_inner);
        let (value, fetched_at) = value.as_ref()?;
        let age = ports.clock.monotonic().saturating_sub(*fetched_at);
        Some((value.clone(), age))
    }

    /// Fetches the value anew, or waits for the fetch under way.
    ///
    /// `known` is asked where none is under way, and may answer without one.
    pub(crate) async fn renew(
        &self,
        ports: &Ports,
        known: impl FnOnce() -> Option<T>,
        fetch: impl Future<Output = Result<T, ProviderUnavailable>> + Send + 'static,
    ) -> Result<T, ProviderUnavailable> {
        let (value, pause, job_ports) = (Arc::clone(&self.value), Arc::clone(&self.pause), ports.clone());
        self.flight
            .join((), &*ports.tasks, || {
                if let Some(known) = known() {
                    return Begin::Known(Ok(known));
                }
                if let Some(retry_after) = self.pause.remaining(ports) {
                    return Begin::Known(Err(ProviderUnavailable { retry_after }));
                }
                Begin::Job(Box::pin(async move {
                    let result = fetch.await;
                    match &result {
                        Ok(fetched) => {
                            let now = job_ports.clock.monotonic();
                            *value.write().unwrap_or_else(PoisonError::into_inner) = Some((fetched.clone(), now));
                        }
                        Err(unavailable) => {
                            pause.begin(&job_ports, unavailable.retry_after);
                        }
                    }
                    result
                }))
            })
            .await
            .unwrap_or(Err(ProviderUnavailable::soon()))
    }
}
