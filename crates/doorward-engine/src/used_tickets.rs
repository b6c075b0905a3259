//! Login tickets that were used: a second use makes no token call.
//!
//! Kept until the ticket would have expired, at most [`MAX_USED`]; beyond that the oldest go, and the
//! provider, which accepts a code once, is the second line.

#[cfg(test)]
mod tests;

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use doorward_core::UnixTime;
use doorward_core::login_ticket::LOGIN_LIFETIME;
use doorward_crypto::sha256;

const MAX_USED: usize = 100_000;

#[derive(Default)]
pub(crate) struct UsedTickets {
    used: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    digests: HashSet<[u8; 32]>,
    by_age: VecDeque<([u8; 32], UnixTime)>,
}

impl UsedTickets {
    /// Marks a state as used; `false` if it was used before.
    pub(crate) fn first_use(&self, state: &str, now: UnixTime) -> bool {
        let digest = sha256(state.as_bytes());
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let over = |at: UnixTime| now.saturating_since(at) > LOGIN_LIFETIME.saturating_add(Duration::from_secs(60));
        used.forget_while(|_, at| over(at));
        // Room is made for what is new only: a second use must not push its own first one out.
        if used.digests.contains(&digest) {
            return false;
        }
        used.forget_while(|used, _| used.by_age.len() >= MAX_USED);
        used.digests.insert(digest);
        used.by_age.push_back((digest, now));
        true
    }
}

impl UsedTickets {
    /// Takes a mark back: nothing was done with the state.
    pub(crate) fn take_back(&self, state: &str) {
        let digest = sha256(state.as_bytes());
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.digests.remove(&digest);
        // Among the newest: it was marked a moment ago.
        if let Some(place) = used.by_age.iter().rposition(|(marked, _)| *marked == digest) {
            used.by_age.remove(place);
        }
    }
}

impl Used {
    fn forget_while(&mut self, is_due: impl Fn(&Self, UnixTime) -> bool) {
        while let Some((oldest, at)) = self.by_age.front().copied() {
            if !is_due(self, at) {
                break;
            }
            self.by_age.pop_front();
            self.digests.remove(&oldest);
        }
    }
}
