//! Sealing and opening the cookies of sessions.
//!
//! Each part has a key of its own (by purpose) and its cookie's name as associated data: a value opens only as what it was
//! sealed for and only where it was put. Records of stored sessions are [`RecordCodec`](super::RecordCodec)'s.

use doorward_crypto::{
    AssociatedData, KeyRing, Random, RandomUnavailable, SealError, Sealer, base64url_encode, random_bytes,
};
use http::{
    HeaderMap, HeaderValue,
    header::{COOKIE, GetAll},
};

use super::{
    Identity, OpenedIdentity, SessionId, Tokens, Unreadable, chunks,
    handle::{HandleCookie, SessionHandle},
    opened, tokens,
};
use crate::{
    cookie::{CookieNames, CookieSettings, MAX_COOKIE_BYTES, MAX_VALUES, OurCookies, raw_values},
    csrf::CsrfCookies,
};

const IDENTITY_PURPOSE: &str = "session";
const TOKENS_PURPOSE: &str = "session-tokens";

/// Seals sessions into cookies and opens them again.
#[derive(Clone)]
pub struct SessionCodec {
    identity: Sealer,
    tokens: Sealer,
    identity_data: AssociatedData,
    tokens_data: AssociatedData,
    names: CookieNames,
    ours: OurCookies,
}

/// Why a session was not sealed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealSessionError {
    /// It does not fit into its cookies.
    #[error("session needs {bytes} bytes of cookies, more than browsers keep; use a session store")]
    TooLarge {
        /// What it would take, names included.
        bytes: usize,
    },
    /// Its content cannot be written.
    #[error("session content cannot be written")]
    Content(#[from] Unreadable),
    /// The system gave no randomness.
    #[error("no randomness for sealing")]
    Random(#[from] RandomUnavailable),
    /// Sealing failed.
    #[error("sealing failed")]
    Seal(#[from] SealError),
}

/// What the request's cookies say about a sealed session.
#[derive(Debug)]
pub enum IdentityCookie {
    /// There is no session cookie.
    Absent,
    /// There is one, or there are several, and none can be opened.
    Unreadable,
    /// Two different sessions came: one may be planted, so none is believed.
    Conflict,
    /// Exactly one session was opened.
    Opened(OpenedIdentity),
}

impl SessionCodec {
    /// Derives the keys and fixes the names.
    pub fn new(keys: &KeyRing, cookies: &CookieSettings) -> SessionCodec {
        let identity = keys.sealer(IDENTITY_PURPOSE);
        let tokens = keys.sealer(TOKENS_PURPOSE);
        let name = cookies.names().session().as_str();
        SessionCodec {
            identity_data: identity.associated(name),
            tokens_data: tokens.associated(name),
            identity,
            tokens,
            names: cookies.names().clone(),
            ours: OurCookies::new(cookies.names()),
        }
    }

    /// Seals an identity part into its cookie's value.
    ///
    /// # Errors
    /// [`SealSessionError::TooLarge`] where name and value pass 4,096 bytes, which the application's own data can cause.
    pub fn seal_identity(&self, random: &dyn Random, identity: &Identity) -> Result<String, SealSessionError> {
        let plain = opened::write(identity)?;
        let bytes = self.names.session().as_str().len() + 1 + Sealer::sealed_len(plain.len());
        if bytes > MAX_COOKIE_BYTES {
            return Err(SealSessionError::TooLarge { bytes });
        }
        Ok(self.identity.seal(random, &self.identity_data, &plain)?)
    }

    /// Opens an identity part; `None` for whatever was not sealed here for this cookie.
    ///
    /// # Security
    /// The value is the browser's. Nothing of it is looked at before its tag fits.
    #[inline]
    pub fn open_identity(&self, value: &[u8]) -> Option<OpenedIdentity> {
        let opened = self.identity.open(&self.identity_data, value).ok()?;
        OpenedIdentity::read(opened).ok()
    }

    /// Tells whether a value was sealed with the key that seals now; if not, it is time to write it anew.
    pub fn is_current(&self, value: &[u8]) -> bool {
        self.identity.is_sealed_by_first_key(value)
    }

    /// Finds and opens the identity part among the request's cookies.
    ///
    /// # Security
    /// Several cookies of the name mean that one may be planted (RFC 6265bis, section 8.6). All are opened: states of
    /// one session give the newest, two different sessions give none.
    pub fn find_identity(&self, headers: &HeaderMap) -> IdentityCookie {
        self.find_identity_and_csrf(&headers.get_all(COOKIE)).0
    }

    /// Finds the CSRF cookies too, in the same pass over the `Cookie` headers.
    ///
    /// # Security
    /// As [`find_identity`](Self::find_identity).
    #[inline]
    pub fn find_identity_and_csrf<'h>(&self, cookies: &GetAll<'h, HeaderValue>) -> (IdentityCookie, CsrfCookies<'h>) {
        let mut sessions = Sessions::default();
        let mut csrf = CsrfCookies::default();
        self.ours
            .each(cookies, |value| sessions.add(self, value), |value| csrf.add(value));
        (sessions.into_cookie(), csrf)
    }

    /// Opens every session that the cookies hold, each once in its newest state; for ending them all.
    pub fn every_identity(&self, headers: &HeaderMap) -> Vec<OpenedIdentity> {
        let mut found: Vec<OpenedIdentity> = Vec::new();
        for opened in raw_values(headers, self.names.session()).filter_map(|value| self.open_identity(value)) {
            match found.iter_mut().find(|other| other.id() == opened.id()) {
                Some(other) if other.revision() >= opened.revision() => {}
                Some(other) => *other = opened,
                None => found.push(opened),
            }
        }
        found
    }

    /// Reads every handle that the cookies hold, each once; for ending them all.
    pub fn every_handle(&self, headers: &HeaderMap) -> Vec<SessionHandle> {
        let mut found: Vec<SessionHandle> = Vec::new();
        for handle in raw_values(headers, self.names.session()).filter_map(SessionHandle::parse) {
            if !found.contains(&handle) {
                found.push(handle);
            }
        }
        found
    }

    /// Seals a token part into the values of its cookies, one or two, in the order of their names.
    ///
    /// # Errors
    /// [`SealSessionError::TooLarge`] where they would pass 4,096 bytes each or 7,000 together: try
    /// [`Tokens::without_id_token`] next.
    pub fn seal_tokens(
        &self,
        random: &dyn Random,
        id: &SessionId,
        revision: u64,
        tokens: &Tokens,
    ) -> Result<Vec<String>, SealSessionError> {
        let plain = tokens::write(id, revision, tokens).ok_or(Unreadable)?;
        let sealed = self.tokens.seal(random, &self.tokens_data, &plain)?;
        let write_id = base64url_encode(&random_bytes::<6>(random)?);
        chunks::cut(&sealed, &write_id, self.names.tokens())
    }

    /// Opens the token part of a session, with the revision it was written at.
    ///
    /// Chunks that are missing, of two writes, foreign or of another session count as no token part. Of several states
    /// the newest is returned.
    pub fn open_tokens(&self, headers: &HeaderMap, id: &SessionId) -> Option<(Tokens, u64)> {
        let [first, second] = self.names.tokens();
        let firsts: Vec<&[u8]> = raw_values(headers, first).collect();
        let seconds: Vec<&[u8]> = raw_values(headers, second).collect();
        chunks::join(&firsts, &seconds)
            .iter()
            .filter_map(|sealed| self.tokens.open(&self.tokens_data, sealed).ok())
            .filter_map(|plain| tokens::read(&plain, id))
            .max_by_key(|(_, revision)| *revision)
    }

    /// Finds the handle among the request's cookies; two different ones count as none.
    pub fn find_handle(&self, headers: &HeaderMap) -> HandleCookie {
        let mut found: Option<SessionHandle> = None;
        let mut any = false;
        for value in raw_values(headers, self.names.session()) {
            any = true;
            let Some(handle) = SessionHandle::parse(value) else {
                continue;
            };
            match &found {
                Some(other) if *other != handle => return HandleCookie::Conflict,
                _ => found = Some(handle),
            }
        }
        match found {
            Some(handle) => HandleCookie::Found(handle),
            None if any => HandleCookie::Unreadable,
            None => HandleCookie::Absent,
        }
    }
}

/// The session cookies seen so far, at most eight of them.
#[derive(Default)]
struct Sessions {
    count: usize,
    newest: Option<OpenedIdentity>,
    differ: bool,
}

impl Sessions {
    #[inline]
    fn add(&mut self, codec: &SessionCodec, value: &[u8]) {
        if self.count == MAX_VALUES || self.differ {
            return;
        }
        self.count += 1;
        let Some(opened) = codec.open_identity(value) else {
            return;
        };
        match &self.newest {
            Some(other) if other.id() != opened.id() => self.differ = true,
            Some(other) if other.revision() >= opened.revision() => {}
            _ => self.newest = Some(opened),
        }
    }

    #[inline]
    fn into_cookie(self) -> IdentityCookie {
        match self.newest {
            Some(_) if self.differ => IdentityCookie::Conflict,
            Some(opened) => IdentityCookie::Opened(opened),
            None if self.count == 0 => IdentityCookie::Absent,
            None => IdentityCookie::Unreadable,
        }
    }
}

impl core::fmt::Debug for SessionCodec {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SessionCodec")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}
