//! What a stored session's record says of itself: whether it lives, and who may renew its tokens.
//!
//! One transition function, [`Control::after`], for every store: a store compares and sets bytes, and what they mean is said here.
//!
//! # The lease
//! Whoever renews tokens first takes the record's lease, for a while measured by the store's clock, and with it a fencing token that
//! grows with each lease given. Tokens are written under the fencing token they were fetched with, and only over tokens fetched
//! under a smaller one: a holder that was stopped for long and comes late neither loses what it fetched nor overwrites what is newer.

use core::time::Duration;

use doorward_oidc::UnixTime;
use serde::{Deserialize, Serialize};

use crate::ports::StoreTime;

/// The state of a stored session beside its content.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Control {
    /// Whether it lives.
    pub standing: Standing,
    /// When it ends unless it is used: the earlier of idle and absolute end.
    pub expires_at: UnixTime,
    /// When it ends in any case; a tombstone stays until then.
    pub absolute_expires_at: UnixTime,
    /// The fencing token of the newest lease; grows with each.
    pub fence: u64,
    /// The lease, where one was given and not handed back.
    pub lease: Option<Lease>,
    /// The fencing token that the tokens were fetched under; 0 for those of the login.
    pub tokens_fence: u64,
    /// No renewal begins before.
    pub rest_until: StoreTime,
}

/// Whether a stored session lives.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Standing {
    /// Until it expires.
    Live,
    /// A newer session has taken its place; requests on their way are served with what it may, until then. It is written no more.
    Retiring {
        /// When it ends.
        at: UnixTime,
    },
    /// It was ended: a tombstone, and no late write brings it back.
    Ended,
}

/// The right to renew a session's tokens.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Lease {
    /// Its fencing token.
    pub fence: u64,
    /// When it ends by itself, for a holder that is gone.
    pub until: StoreTime,
}

/// What a moment makes of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Judged {
    /// It may be used.
    Live,
    /// It was ended, or its successor's grace is over.
    Ended,
    /// It has expired.
    Expired,
}

/// A transition of a record.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Change {
    /// Takes the lease.
    TakeLease {
        /// The store's time.
        time: StoreTime,
        /// For how long.
        length: Duration,
    },
    /// Holds the lease longer.
    ExtendLease {
        /// The holder's fencing token.
        fence: u64,
        /// The new end.
        until: StoreTime,
    },
    /// Hands the lease back without tokens.
    GiveBack {
        /// The holder's fencing token.
        fence: u64,
        /// When somebody may try again.
        rest_until: StoreTime,
    },
    /// Writes tokens that were fetched under a lease, and hands it back.
    PutTokens {
        /// The fencing token they were fetched under.
        fence: u64,
        /// The session's end by now.
        expires_at: UnixTime,
    },
    /// Writes anything else of the content.
    Put {
        /// The session's end by now.
        expires_at: UnixTime,
    },
    /// Lets a successor take its place.
    Retire {
        /// When it ends.
        at: UnixTime,
    },
    /// Ends it.
    End,
}

/// Why a transition is not made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refused {
    /// The session was ended.
    #[error("session was ended")]
    Ended,
    /// Somebody else holds the lease, for this long.
    #[error("session's tokens are being renewed")]
    Held {
        /// How long the lease lasts unless it is extended.
        for_another: Duration,
    },
    /// Renewals rest, for this long.
    #[error("renewals of the session's tokens rest")]
    Resting {
        /// How long.
        for_another: Duration,
    },
    /// Somebody else holds the lease by now, or holds newer tokens.
    #[error("a newer lease was given meanwhile")]
    Overtaken,
    /// A session that is being replaced renews nothing and keeps nothing.
    #[error("session is being replaced")]
    Retiring,
}

impl Control {
    /// Begins a session.
    pub const fn new(expires_at: UnixTime, absolute_expires_at: UnixTime) -> Control {
        Control {
            standing: Standing::Live,
            expires_at,
            absolute_expires_at,
            fence: 0,
            lease: None,
            tokens_fence: 0,
            rest_until: StoreTime::from_milliseconds(0),
        }
    }

    /// Begins with a tombstone, for what was ended before it was stored.
    pub const fn tombstone(until: UnixTime) -> Control {
        let mut control = Control::new(until, until);
        control.standing = Standing::Ended;
        control
    }

    /// Says what the record is now.
    ///
    /// That a session was ended is told until its absolute end, also where it would have expired before; from then on it has expired,
    /// however long a store keeps what is left of it.
    pub fn judge(&self, now: UnixTime) -> Judged {
        if now >= self.absolute_expires_at {
            return Judged::Expired;
        }
        match self.standing {
            Standing::Ended => Judged::Ended,
            Standing::Retiring { at } if now >= at => Judged::Ended,
            _ if now >= self.expires_at => Judged::Expired,
            Standing::Retiring { .. } | Standing::Live => Judged::Live,
        }
    }

    /// Until when the record, or what is left of it, must be kept.
    pub fn keep_until(&self) -> UnixTime {
        match self.standing {
            Standing::Live => self.expires_at,
            Standing::Retiring { .. } | Standing::Ended => self.absolute_expires_at,
        }
    }

    /// Whether somebody holds the lease at this moment.
    pub fn is_leased(&self, time: StoreTime) -> bool {
        self.lease.is_some_and(|lease| lease.until > time)
    }

    /// Makes a transition: the one function by which every record of every store changes.
    ///
    /// # Errors
    /// [`Refused`]; the record then stays as it is.
    pub fn after(&self, change: Change) -> Result<Control, Refused> {
        let mut next = self.clone();
        match (change, self.standing) {
            (Change::End, _) => {
                next.standing = Standing::Ended;
                next.lease = None;
            }
            (_, Standing::Ended) => return Err(Refused::Ended),
            (Change::TakeLease { .. }, Standing::Retiring { .. }) => return Err(Refused::Retiring),
            (Change::TakeLease { time, length }, Standing::Live) => {
                if let Some(lease) = self.lease.filter(|lease| lease.until > time) {
                    let for_another = lease.until.saturating_since(time);
                    return Err(Refused::Held { for_another });
                }
                if self.rest_until > time {
                    let for_another = self.rest_until.saturating_since(time);
                    return Err(Refused::Resting { for_another });
                }
                next.fence = self.fence.saturating_add(1);
                next.lease = Some(Lease {
                    fence: next.fence,
                    until: time.saturating_add(length),
                });
            }
            (Change::ExtendLease { fence, until }, _) => {
                let lease = self.own_lease(fence)?;
                next.lease = Some(Lease {
                    fence,
                    until: until.max(lease.until),
                });
            }
            (Change::GiveBack { fence, rest_until }, _) => {
                self.own_lease(fence)?;
                next.lease = None;
                next.rest_until = rest_until;
            }
            // A successor has tokens of its own; these must not outlive what they belong to.
            (Change::PutTokens { .. }, Standing::Retiring { .. }) => return Err(Refused::Retiring),
            (Change::PutTokens { fence, expires_at }, Standing::Live) => {
                if fence <= self.tokens_fence {
                    return Err(Refused::Overtaken);
                }
                next.tokens_fence = fence;
                next.expires_at = expires_at;
                next.rest_until = StoreTime::default();
                // A newer holder keeps its lease: its call is under way.
                next.lease = self.lease.filter(|lease| lease.fence > fence);
            }
            // What is written now would be lost with it: nobody may believe that it is kept.
            (Change::Put { .. }, Standing::Retiring { .. }) => return Err(Refused::Retiring),
            (Change::Put { expires_at }, Standing::Live) => next.expires_at = expires_at,
            (Change::Retire { at }, Standing::Retiring { at: before }) => {
                next.standing = Standing::Retiring { at: at.min(before) };
            }
            (Change::Retire { at }, Standing::Live) => {
                next.standing = Standing::Retiring { at };
                next.lease = None;
            }
        }
        Ok(next)
    }

    fn own_lease(&self, fence: u64) -> Result<Lease, Refused> {
        self.lease
            .filter(|lease| lease.fence == fence)
            .ok_or(Refused::Overtaken)
    }
}
