//! Live or expired.
//!
//! A session has three ends: the idle end, moved on by use; the absolute end; and, where nothing can renew it, the end
//! of its access token. At its very second it is over.

use core::{ops::Deref, time::Duration};

use doorward_oidc::UnixTime;

use super::OpenedIdentity;
use crate::code::Code;

/// A rolling write happens once this part of the idle time has passed.
const ROLL_PART: u32 = 10;

/// How long sessions live.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lifetimes {
    /// How long a session may go unused.
    pub idle_timeout: Duration,
    /// How long it may last at all.
    pub absolute_timeout: Duration,
    /// Whether it lives on past its access token where there is no refresh token.
    pub outlive_access_token: bool,
}

impl Default for Lifetimes {
    fn default() -> Lifetimes {
        Lifetimes {
            idle_timeout: Duration::from_secs(60 * 60),
            absolute_timeout: Duration::from_secs(12 * 60 * 60),
            outlive_access_token: false,
        }
    }
}

impl Lifetimes {
    /// Returns the idle end of a session used now.
    pub const fn idle_end(&self, now: UnixTime) -> UnixTime {
        now.saturating_add(self.idle_timeout)
    }

    /// Returns the absolute end of a session that begins now.
    pub const fn absolute_end(&self, now: UnixTime) -> UnixTime {
        now.saturating_add(self.absolute_timeout)
    }
}

/// Which end a session reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Expired {
    /// It was not used for too long.
    #[error("session was not used for too long")]
    Idle,
    /// It has lasted as long as sessions may.
    #[error("session reached its absolute end")]
    Absolute,
    /// Its access token ended and nothing can renew it.
    #[error("access token ended and there is no refresh token")]
    AccessToken,
}

impl Expired {
    /// Returns what the caller is told.
    pub const fn code(self) -> Code {
        Code::SessionExpired
    }
}

/// A session that is live now; only [`check`] makes one.
#[derive(Debug)]
pub struct LiveSession {
    opened: OpenedIdentity,
    lifetimes: Lifetimes,
}

/// Judges an opened session against the clock.
///
/// With a refresh token the end of the access token alone ends nothing: the session takes the detour of a refresh.
///
/// # Errors
/// [`Expired`], naming the end that was reached.
///
/// # Security
/// The ends are those inside the seal; what the browser made of `Max-Age` does not matter.
#[inline]
pub fn check(opened: OpenedIdentity, lifetimes: &Lifetimes, now: UnixTime) -> Result<LiveSession, Expired> {
    if now >= opened.absolute_expires_at() {
        return Err(Expired::Absolute);
    }
    if now >= opened.idle_expires_at() {
        return Err(Expired::Idle);
    }
    if ending_access_token(&opened, lifetimes).is_some_and(|end| now >= end) {
        return Err(Expired::AccessToken);
    }
    Ok(LiveSession {
        opened,
        lifetimes: *lifetimes,
    })
}

impl LiveSession {
    /// Tells whether it is time to renew the access token.
    pub fn refresh_due(&self, now: UnixTime) -> bool {
        self.opened.refresh_at().is_some_and(|due| now >= due)
    }

    /// Tells whether the access token has ended.
    pub fn access_token_expired(&self, now: UnixTime) -> bool {
        self.opened.access_token_expires_at().is_some_and(|end| now >= end)
    }

    /// Tells whether a tenth of the idle time has passed since the last write, so that it is worth another.
    pub fn should_roll(&self, now: UnixTime) -> bool {
        // Beyond the absolute end a later idle end gains nothing.
        if self.opened.idle_expires_at() >= self.opened.absolute_expires_at() {
            return false;
        }
        let written_at = self
            .opened
            .idle_expires_at()
            .saturating_sub(self.lifetimes.idle_timeout);
        now.saturating_since(written_at) >= self.lifetimes.idle_timeout / ROLL_PART
    }

    /// Returns when the session ends if it is not used: the earliest of its ends.
    pub fn expires_at(&self) -> UnixTime {
        let end = self.opened.idle_expires_at().min(self.opened.absolute_expires_at());
        ending_access_token(&self.opened, &self.lifetimes).map_or(end, |token_end| end.min(token_end))
    }

    /// Returns when the session ends if it is used now and not again.
    pub fn expires_at_if_used(&self, now: UnixTime) -> UnixTime {
        let end = self.lifetimes.idle_end(now).min(self.opened.absolute_expires_at());
        ending_access_token(&self.opened, &self.lifetimes).map_or(end, |token_end| end.min(token_end))
    }
}

impl Deref for LiveSession {
    type Target = OpenedIdentity;

    fn deref(&self) -> &OpenedIdentity {
        &self.opened
    }
}

/// Returns the moment to renew an access token that lives `access_token_expires_in` from now: so long before its end, but
/// not in the first two thirds of its life.
pub fn refresh_at(now: UnixTime, access_token_expires_in: Duration, ahead: Duration) -> UnixTime {
    // Whole seconds, rounded towards the end: a token of one second is not due at once.
    let life = access_token_expires_in.as_secs();
    let margin = ahead.as_secs().min(life / 3);
    now.saturating_add(Duration::from_secs(life - margin))
}

/// The access token's end, where it ends the session.
fn ending_access_token(opened: &OpenedIdentity, lifetimes: &Lifetimes) -> Option<UnixTime> {
    if opened.has_refresh_token() || lifetimes.outlive_access_token {
        return None;
    }
    opened.access_token_expires_at()
}
