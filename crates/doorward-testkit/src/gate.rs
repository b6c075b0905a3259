//! A gate that holds whoever comes until a test opens it.

use tokio::sync::watch;

/// Holds callers until opened; clones are the same gate.
///
/// With a gate a test stops an exchange at a known place, does something else, and lets it go on,
/// without sleeping and without a race.
///
/// # Example
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use doorward_testkit::Gate;
///
/// let gate = Gate::closed();
/// let held = tokio::spawn({ let gate = gate.clone(); async move { gate.pass().await } });
/// gate.arrived(1).await;      // now it stands at the gate
/// assert!(!held.is_finished());
/// gate.open();
/// held.await.unwrap();
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct Gate {
    open: watch::Sender<bool>,
    arrived: watch::Sender<usize>,
}

impl Gate {
    /// Makes a gate that holds everybody.
    #[must_use]
    pub fn closed() -> Self {
        Self {
            open: watch::Sender::new(false),
            arrived: watch::Sender::new(0),
        }
    }

    /// Lets everybody pass from now on.
    pub fn open(&self) {
        self.open.send_replace(true);
    }

    /// Holds everybody who comes from now on.
    pub fn close(&self) {
        self.open.send_replace(false);
    }

    /// Waits until the gate is open.
    pub async fn pass(&self) {
        self.arrived.send_modify(|arrived| *arrived += 1);
        let mut open = self.open.subscribe();
        open.wait_for(|open| *open)
            .await
            .expect("the sender lives as long as self");
    }

    /// Waits until `count` callers have come so far, those that passed included.
    pub async fn arrived(&self, count: usize) {
        let mut arrived = self.arrived.subscribe();
        arrived
            .wait_for(|arrived| *arrived >= count)
            .await
            .expect("the sender lives as long as self");
    }

    /// Tells how many callers have come so far.
    #[must_use]
    pub fn arrivals(&self) -> usize {
        *self.arrived.borrow()
    }
}
