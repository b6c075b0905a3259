//! Whose session a request brings: steps 1 to 6 of the guard's list, and the seventh by way of `standing.rs`.

use std::sync::Arc;
use std::time::Duration;

use doorward_core::UnixTime;
use doorward_core::code::Code;
use doorward_core::csrf::{self, CsrfMode, CsrfPassed, CsrfRefused, CsrfTokens, OriginPassed, check_origin};
use doorward_core::ports::BoxFuture;
use doorward_core::request::RequestView;
use doorward_core::session::{self as rules, HandleCookie, Identity, IdentityCookie, LiveSession, OpenedIdentity};
use http::header::COOKIE;

use super::Touch;
use crate::auth::{Inner, SessionPlace};
use crate::newest::{Known, Newest};
use crate::problem::Denial;
use crate::refresh::Renewal;
use crate::session::{CookieHeaders, PlacedSession, Session, TokenPlace};
use crate::site::Here;

/// A session and the proof that the request may act for it.
pub(crate) type Identified = Result<(Session, CsrfPassed), Denial>;

/// [`Identified`], now or later.
pub(crate) enum Identifying {
    Ready(Identified),
    Wait(BoxFuture<'static, Identified>),
}

impl Here<'_> {
    pub(super) fn identify(self, view: RequestView<'_>, mode: CsrfMode, touch: Touch) -> Identifying {
        let origin = check_origin(view, &self.site.origins, mode);
        self.of_known_tenant(match &self.place {
            SessionPlace::Cookie(newest) => self.identify_sealed(newest, view, origin, mode, touch),
            SessionPlace::Store(_) => self.identify_stored(view, origin, mode, touch),
        })
    }

    fn identify_sealed(
        self,
        newest: &Newest,
        view: RequestView<'_>,
        origin: Result<OriginPassed, CsrfRefused>,
        mode: CsrfMode,
        touch: Touch,
    ) -> Identifying {
        let cookies = view.headers.get_all(COOKIE);
        let (identity, csrf_cookies) = self.codec.find_identity_and_csrf(&cookies);
        let opened = match identity {
            IdentityCookie::Absent => return refused(Code::SessionMissing),
            IdentityCookie::Unreadable | IdentityCookie::Conflict if origin.is_err() => {
                return refused(Code::CrossOrigin);
            }
            IdentityCookie::Unreadable => return refused(Code::SessionInvalid),
            IdentityCookie::Conflict => return Identifying::Ready(Err(Denial::conflict())),
            IdentityCookie::Opened(opened) => opened,
        };
        let origin = match origin {
            Ok(origin) => origin,
            Err(error) => return refused(csrf_code(error)),
        };
        // Security: the cookie's own ends count also where a newer state is known; a copy that has
        // expired must not come back to life through what its session did since.
        let now = self.ports.clock.now();
        let (mut live, csrf) = match self.pass(view, origin, opened, mode, now) {
            Ok(passed) => passed,
            Err(denial) => return Identifying::Ready(Err(denial)),
        };
        // Of the browser's own cookie, whatever this process knows beyond it.
        let is_of_older_key = !live.is_sealed_by_first_key();
        let in_cookies = || TokenPlace::Cookies(CookieHeaders::of(&cookies));
        let (newer, is_retiring) = match newest.look(&live.id(), live.revision(), now) {
            Known::Nothing => (None, false),
            Known::Ended(code) => return refused(code),
            Known::Newer(state) => (Some(state), false),
            Known::Retiring(state) => (state, true),
        };
        let is_newer = newer.is_some();
        let tokens = match newer {
            None => in_cookies(),
            Some(state) => {
                live = match self.live(&state.identity) {
                    Some(live) => live,
                    None => return refused(Code::SessionExpired),
                };
                state.tokens.clone().map_or_else(in_cookies, TokenPlace::Known)
            }
        };
        let newer_tokens = is_newer && matches!(tokens, TokenPlace::Known(_));
        let session = Session::new(self.inner, live, PlacedSession::Cookie, tokens);
        if touch == Touch::Look {
            return self.unless_revoked(session, csrf, |_, session, csrf| {
                Identifying::Ready(Ok((session, csrf)))
            });
        }
        if is_retiring {
            return self.unless_revoked(session, csrf, move |_, session, csrf| {
                Identifying::Ready(as_it_was(session, csrf, now))
            });
        }
        if is_newer {
            Session::mark(&session.inner.write.identity);
        }
        // At once, so that an older secret can be taken away once everybody has been here.
        if is_of_older_key {
            Session::mark(&session.inner.write.seal);
        }
        if newer_tokens {
            Session::mark(&session.inner.write.tokens);
        }
        if view.is_safe_method() && !csrf_cookies.hold(session.inner.live.csrf_token()) {
            Session::mark(&session.inner.write.csrf);
        }
        self.unless_revoked(session, csrf, move |here, session, csrf| {
            here.when_fresh(session, csrf, now)
        })
    }

    fn identify_stored(
        self,
        view: RequestView<'_>,
        origin: Result<OriginPassed, CsrfRefused>,
        mode: CsrfMode,
        touch: Touch,
    ) -> Identifying {
        let handle = match self.codec.find_handle(view.headers) {
            HandleCookie::Absent => return refused(Code::SessionMissing),
            HandleCookie::Unreadable | HandleCookie::Conflict if origin.is_err() => {
                return refused(Code::CrossOrigin);
            }
            HandleCookie::Unreadable => return refused(Code::SessionInvalid),
            HandleCookie::Conflict => return Identifying::Ready(Err(Denial::conflict())),
            HandleCookie::Found(handle) => handle,
        };
        // A forged request costs no store call: the token is an HMAC over the ID that it came with.
        let passed =
            origin.and_then(|origin| csrf::check(origin, view, &self.csrf, handle.id(), &self.csrf_header, mode));
        let csrf = match passed {
            Ok(csrf) => csrf,
            Err(error) => return refused(csrf_code(error)),
        };
        let has_csrf_cookie = !view.is_safe_method()
            || CsrfTokens::cookie_matches(view.headers, self.cookies.names().csrf(), &self.csrf.issue(handle.id()));
        let owned = self.to_owned();
        Identifying::Wait(Box::pin(async move {
            let this = owned.here();
            let SessionPlace::Store(stored) = &this.place else {
                return Err(Denial::session_missing());
            };
            let session = this.load(stored, handle).await?;
            if touch == Touch::Look {
                return Ok((session, csrf));
            }
            if session.is_retiring() {
                return as_it_was(session, csrf, this.ports.clock.now());
            }
            if !has_csrf_cookie {
                Session::mark(&session.inner.write.csrf);
            }
            if session.is_sealed_by_old_key() {
                Session::mark(&session.inner.write.identity);
            }
            let now = this.ports.clock.now();
            match this.when_fresh(session, csrf, now) {
                Identifying::Ready(identified) => identified,
                Identifying::Wait(identifying) => identifying.await,
            }
        }))
    }

    /// Lifetime by the seal's own word, then the CSRF token.
    fn pass(
        self,
        view: RequestView<'_>,
        origin: OriginPassed,
        opened: OpenedIdentity,
        mode: CsrfMode,
        now: UnixTime,
    ) -> Result<(LiveSession, CsrfPassed), Denial> {
        if self.site.providers.of_session(&opened).is_none() {
            return Err(Denial::new(Code::SessionInvalid));
        }
        let live = rules::check(opened, &self.lifetimes, now).map_err(|_| Denial::new(Code::SessionExpired))?;
        let csrf = csrf::check(origin, view, &self.csrf, &live.id(), &self.csrf_header, mode)
            .map_err(|error| Denial::new(csrf_code(error)))?;
        Ok((live, csrf))
    }

    /// Extends the session as due, and renews its tokens where that is due.
    fn when_fresh(self, session: Session, csrf: CsrfPassed, now: UnixTime) -> Identifying {
        if session.inner.live.should_roll(now) {
            Session::mark(&session.inner.write.identity);
        }
        if !session.inner.live.refresh_due(now) {
            return Identifying::Ready(Ok((session, csrf)));
        }
        let this = Arc::clone(self.inner);
        Identifying::Wait(Box::pin(async move {
            let renewed = this.renew(&session).await;
            let expired = session.inner.live.access_token_expired(this.ports.clock.now());
            match renewed {
                // A logout that came meanwhile wins.
                Renewal::Renewed(_) if this.is_revoked(&session.inner.live) => {
                    this.take_back_renewed(&session.inner.live);
                    Err(Denial::new(Code::SessionRevoked))
                }
                Renewal::Renewed(state) => this.adopt(&session, &state).map(|session| (session, csrf)),
                Renewal::Ended(code) => Err(Denial::new(code)),
                Renewal::Passing(pause) if expired => Err(Denial::unavailable(Code::ProviderUnavailable, pause)),
                Renewal::StoreFailed if expired => {
                    Err(Denial::unavailable(Code::StoreUnavailable, Duration::from_secs(1)))
                }
                // Without tokens the session lives until its access token ends.
                Renewal::NoTokens if expired => Err(Denial::new(Code::SessionExpired)),
                Renewal::Passing(_) | Renewal::StoreFailed | Renewal::NoTokens => Ok((session, csrf)),
            }
        }))
    }
}

impl Inner {
    /// A state that this process has written, if it is still live.
    pub(crate) fn live(&self, identity: &Identity) -> Option<LiveSession> {
        let opened = OpenedIdentity::from_identity(identity).ok()?;
        rules::check(opened, &self.lifetimes, self.ports.clock.now()).ok()
    }
}

/// Passes a session that another is taking the place of.
///
/// # Security
/// Nothing is renewed, and no cookie is written: the browser has its successor's by now, which a late response must not overwrite.
pub(crate) fn as_it_was(session: Session, csrf: CsrfPassed, now: UnixTime) -> Identified {
    let live = &session.inner.live;
    if live.refresh_due(now) && live.access_token_expired(now) {
        return Err(Denial::new(Code::SessionExpired));
    }
    Ok((session, csrf))
}

fn refused(code: Code) -> Identifying {
    Identifying::Ready(Err(Denial::new(code)))
}

fn csrf_code(error: CsrfRefused) -> Code {
    match error {
        CsrfRefused::CrossOrigin => Code::CrossOrigin,
        CsrfRefused::TokenMissing => Code::CsrfMissing,
        CsrfRefused::TokenMismatch => Code::CsrfMismatch,
    }
}
