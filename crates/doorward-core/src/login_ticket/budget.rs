//! How many pending logins a browser keeps.

use doorward_oidc::UnixTime;

use crate::cookie::CookieName;

const MAX_PENDING: usize = 8;
/// Many servers refuse a request whose headers pass 8 KB; this leaves room for the header's own name.
const MAX_TOGETHER: usize = 7_800;
/// `; ` between two cookies.
const SEPARATOR: usize = 2;

/// A pending login as a request's cookies show it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PendingLogin {
    /// The cookie.
    pub name: CookieName,
    /// When the login began; `None` where the ticket cannot be read.
    pub created_at: Option<UnixTime>,
    /// Name, `=` and value.
    pub bytes: usize,
}

pub(super) fn to_drop(mut pending: Vec<PendingLogin>, new_cookie_len: usize, other_bytes: usize) -> Vec<CookieName> {
    // `None` sorts first: unreadable tickets go before the oldest readable one.
    pending.sort_by_key(|login| login.created_at);
    let mut bytes = pending
        .iter()
        .map(|login| login.bytes.saturating_add(SEPARATOR))
        .fold(new_cookie_len.saturating_add(other_bytes), usize::saturating_add);
    let mut left = pending.len();
    let mut dropped = Vec::new();
    for login in pending {
        let fits = left < MAX_PENDING && bytes <= MAX_TOGETHER;
        if fits && login.created_at.is_some() {
            break;
        }
        bytes = bytes.saturating_sub(login.bytes.saturating_add(SEPARATOR));
        left -= 1;
        // The same name twice (a planted copy) is one deletion.
        if !dropped.contains(&login.name) {
            dropped.push(login.name);
        }
    }
    dropped
}
