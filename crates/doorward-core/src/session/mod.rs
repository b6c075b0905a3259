//! Sessions: who is signed in, with which tokens, and for how long.
//!
//! A session has two parts, sealed apart: the [`Identity`], small and opened on every request, and the [`Tokens`],
//! large and opened only by refresh, relay or a handler that asks. Both carry the session ID, so that parts of two
//! sessions never count as one.
//!
//! # Security
//! Start, idle end and absolute end are inside the seal and judged on every request; a cookie's `Max-Age` is a courtesy
//! to the browser. Data of the application lives in a map of its own and cannot reach any other field.

mod chunks;
mod codec;
mod control;
mod data;
mod handle;
mod head;
mod id;
mod identity;
mod lifetime;
mod opened;
mod record;
mod renewing;
mod revocation;
mod seen_from;
mod summary;
mod tokens;

#[cfg(test)]
mod tests;

pub use self::{
    codec::{IdentityCookie, SealSessionError, SessionCodec},
    control::{Change, Control, Judged, Lease, Refused, Standing},
    data::{DataChanges, DataError},
    handle::{HandleCookie, SessionHandle},
    id::SessionId,
    identity::{Identity, ProviderTenant, User},
    lifetime::{Expired, Lifetimes, LiveSession, check, refresh_at},
    opened::{IdentityBody, OpenedIdentity, Unreadable, provider_tag},
    record::{IndexOf, Record, RecordCodec, TokenPart},
    renewing::{Answer, Ask, Called, EXTEND_EVERY, Outcome, Renewing, Seen, Transition},
    revocation::{AT_ONCE, MAX_REVOCATIONS, Revocation, RevocationCodec, RevocationSet, Revoked},
    seen_from::{AddressClass, SeenFrom},
    summary::Summary,
    tokens::Tokens,
};
