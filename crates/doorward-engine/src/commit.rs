//! Writing the response's part of the session: nothing in most responses.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use doorward_core::UnixTime;
use doorward_core::code::Code;
use doorward_core::cookie::SetCookie;
use doorward_core::csrf::CsrfTokens;
use doorward_core::ports::BoxFuture;
use doorward_core::session::{Identity, SealSessionError, Tokens};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, StatusCode};

use crate::auth::{Engine, Inner};
use crate::context::RequestContext;
use crate::newest::{NotWritten, SessionState};
use crate::problem::Denial;
use crate::reply::Reply;
use crate::session::{PlacedSession, Session};

/// What must be written before a response's headers go out.
#[must_use = "a session's changes are lost unless the headers are added"]
pub enum Commit {
    /// These `Set-Cookie` values, in most responses none.
    Ready(Vec<HeaderValue>),
    /// The store must be written first.
    Wait(BoxFuture<'static, Result<Vec<HeaderValue>, NotKept>>),
}

/// The session's changes were not kept: the response that relies on them must not go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotKept {
    /// The store did not take them.
    Store,
    /// Another session is taking its place, and they would be lost with it.
    Replaced,
    /// Changes of another request came first, and both together do not fit into the cookie.
    TooLarge,
}

impl Engine {
    /// Collects what the request's session has to write. Later changes of the application are refused.
    pub fn commit(&self, context: &RequestContext) -> Commit {
        let Some(session) = context.session() else {
            return Commit::Ready(Vec::new());
        };
        let write = &session.inner.write;
        let changes = session.close();
        let seal = write.seal.load(Ordering::Relaxed);
        let identity = write.identity.load(Ordering::Relaxed) || seal || !changes.is_empty();
        let tokens = write.tokens.load(Ordering::Relaxed);
        let csrf = write.csrf.load(Ordering::Relaxed);
        if !identity && !tokens {
            let live = &session.inner.live;
            let token = match &session.inner.place {
                // The token that the guard compared with, so that it is set once and not at every request.
                PlacedSession::Cookie => *live.csrf_token(),
                PlacedSession::Store { .. } => self.inner.csrf.issue(&live.id()),
            };
            // Security: the browser has another session's by now, or none.
            let is_over = matches!(session.inner.place, PlacedSession::Cookie)
                && csrf
                && self.inner.is_written_no_more(&live.id());
            let cookie = (csrf && !is_over).then(|| self.inner.csrf_cookie(&token, live.absolute_expires_at()));
            return Commit::Ready(cookie.flatten().into_iter().collect());
        }
        let (inner, session) = (Arc::clone(&self.inner), session.clone());
        let seen_from = context.seen_from();
        let work = async move {
            let Ok(base) = session.inner.live.to_identity() else {
                return Ok(Vec::new());
            };
            let now = inner.ports.clock.now();
            let too_large = AtomicBool::new(false);
            let written = inner
                .write_state(&session.inner.place, &base, seen_from.as_ref(), &|identity, _| {
                    identity.idle_expires_at = inner.lifetimes.idle_end(now);
                    // A new sealing key brings a new CSRF token with it.
                    identity.csrf = inner.csrf.issue(&identity.id);
                    if changes.is_empty() {
                        return;
                    }
                    let before = identity.data.clone();
                    changes.apply_to(&mut identity.data);
                    // Each change was measured alone. A state that no cookie holds would never reach
                    // the browser, nor would any after it.
                    if inner.check_fits(identity).is_err() {
                        identity.data = before;
                        too_large.store(true, Ordering::Relaxed);
                    }
                })
                .await;
            match written {
                Ok(_) if too_large.into_inner() => Err(NotKept::TooLarge),
                Ok(state) => Ok(inner.written_cookies(&session, &state, tokens, csrf)),
                Err(NotWritten::Store) if !changes.is_empty() => Err(NotKept::Store),
                Err(NotWritten::Replaced) if !changes.is_empty() => Err(NotKept::Replaced),
                // An ended session writes nothing; a roll that failed is tried again by the next request.
                Err(_) => Ok(Vec::new()),
            }
        };
        match &self.inner.place {
            crate::auth::SessionPlace::Cookie(_) => match now_or_nothing(work) {
                Some(Ok(cookies)) => Commit::Ready(cookies),
                Some(Err(not_kept)) => Commit::Wait(Box::pin(std::future::ready(Err(not_kept)))),
                None => Commit::Ready(Vec::new()),
            },
            crate::auth::SessionPlace::Store(_) => Commit::Wait(Box::pin(work)),
        }
    }

    /// The answer in place of a response whose session could not be kept.
    #[must_use]
    pub fn refuse_not_kept(&self, context: &RequestContext, not_kept: NotKept) -> Reply {
        context.here_or_home().refuse(&match not_kept {
            // A second try comes with the cookie of the session that took its place.
            NotKept::Store | NotKept::Replaced => Denial::unavailable(Code::StoreUnavailable, Duration::from_secs(1)),
            NotKept::TooLarge => Denial::new(Code::SessionTooLarge),
        })
    }

    /// Adds what we owe every response: cookies, caching and CORS.
    pub fn finish(&self, context: &RequestContext, cookies: Vec<HeaderValue>, headers: &mut HeaderMap) {
        let sets_cookies = !cookies.is_empty();
        for cookie in cookies {
            headers.append(header::SET_COOKIE, cookie);
        }
        // Security: a response with our cookies in it must never be kept by a cache, whatever the handler
        // said; any other response to a signed-in user is not kept unless the handler said otherwise.
        let unsaid = !headers.contains_key(header::CACHE_CONTROL);
        if sets_cookies || (unsaid && is_for_somebody(context)) {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        if sets_cookies {
            // RFC 9213: caches in front read their own header before Cache-Control.
            headers.remove("cdn-cache-control");
            headers.remove("surrogate-control");
        }
        if !context.here_or_home().site.origins.app().is_empty() {
            headers.append(header::VARY, HeaderValue::from_static("Origin"));
        }
        if let Some(origin) = &context.app_origin {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(
                header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
                HeaderValue::from_static("true"),
            );
            // A frontend has to know how long to wait, and how far its clock is from the one that `expiresAt` is told by.
            // Added to what the handler exposes: the names of several headers count together (Fetch §3.3.4).
            headers.append(
                header::ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static("Retry-After, Date"),
            );
        }
    }

    /// Answers a CORS preflight of one of `app_origins`; any other is left to the application.
    #[must_use]
    pub fn preflight(&self, context: &RequestContext, method: &Method, headers: &HeaderMap) -> Option<Reply> {
        let wants = headers.get(header::ACCESS_CONTROL_REQUEST_METHOD)?;
        if method != Method::OPTIONS {
            return None;
        }
        context.app_origin.as_ref()?;
        let mut reply = Reply::new(StatusCode::NO_CONTENT);
        reply.set(header::ACCESS_CONTROL_ALLOW_METHODS, wants.clone());
        if let Some(names) = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
            reply.set(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
        }
        reply.set(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        Some(reply)
    }
}

fn is_for_somebody(context: &RequestContext) -> bool {
    context.passed().is_some() || context.bearer().is_some()
}

/// Runs a future that has nothing to wait for, as every write to a sealed session.
fn now_or_nothing<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(work).poll(&mut context) {
        std::task::Poll::Ready(value) => Some(value),
        std::task::Poll::Pending => None,
    }
}

impl Inner {
    fn written_cookies(&self, session: &Session, state: &SessionState, tokens: bool, csrf: bool) -> Vec<HeaderValue> {
        let identity = &state.identity;
        let mut cookies = Vec::new();
        if csrf || identity.csrf != *session.inner.live.csrf_token() {
            cookies.extend(self.csrf_cookie(&identity.csrf, identity.absolute_expires_at));
        }
        match &session.inner.place {
            PlacedSession::Store { handle, .. } => {
                cookies.extend(self.session_cookie(handle.encode(), identity));
            }
            PlacedSession::Cookie => {
                cookies.extend(self.session_cookie(state.sealed.clone(), identity));
                // Two parts of two states would count as no token part.
                let moved = identity.access_token_expires_at != session.inner.live.access_token_expires_at();
                let seal = session.inner.write.seal.load(Ordering::Relaxed);
                let due = match &state.tokens {
                    Some(known) => (tokens || moved || seal).then(|| Arc::clone(known)),
                    // The older key sealed both parts. Left as it is, the token part would go with that key's secret.
                    None if seal && !moved => session.tokens(),
                    None => None,
                };
                if let Some(tokens) = due {
                    cookies.extend(self.token_cookies(identity, &tokens).unwrap_or_default());
                }
            }
        }
        cookies
    }

    /// The session cookie; it lives as long as the session can without being used.
    pub(crate) fn session_cookie(&self, value: String, identity: &Identity) -> Option<HeaderValue> {
        let until = identity.idle_expires_at.min(identity.absolute_expires_at);
        let cookie = SetCookie::new(
            self.cookies.names().session(),
            value,
            &self.cookies.session_attributes(),
        );
        Some(cookie.ok()?.max_age(self.until(until)).to_header())
    }

    /// The token part's cookies; a chunk that is no longer needed is deleted.
    ///
    /// # Errors
    /// [`SealSessionError::TooLarge`] if they do not fit even without the ID token.
    pub(crate) fn token_cookies(
        &self,
        identity: &Identity,
        tokens: &Tokens,
    ) -> Result<Vec<HeaderValue>, SealSessionError> {
        let random = &*self.ports.random;
        let revision = identity.revision;
        let sealed = match self.codec.seal_tokens(random, &identity.id, revision, tokens) {
            Err(SealSessionError::TooLarge { bytes }) if tokens.id_token.is_some() => {
                tracing::warn!(bytes, "ID token left out of the cookies; logout will send client_id");
                self.codec
                    .seal_tokens(random, &identity.id, revision, &tokens.without_id_token())
            }
            sealed => sealed,
        };
        let sealed = sealed.inspect_err(|error| {
            tracing::error!(%error, "tokens do not fit into cookies; use a session store");
        })?;
        let attributes = self.cookies.session_attributes();
        let max_age = self.until(identity.absolute_expires_at);
        let mut values = sealed.into_iter();
        Ok(self
            .cookies
            .names()
            .tokens()
            .iter()
            .filter_map(|name| match values.next() {
                Some(value) => SetCookie::new(name, value, &attributes)
                    .ok()
                    .map(|cookie| cookie.max_age(max_age).to_header()),
                None => Some(SetCookie::deletion(name, &attributes)),
            })
            .collect())
    }

    pub(crate) fn csrf_cookie(&self, token: &[u8; 32], until: UnixTime) -> Option<HeaderValue> {
        let token = CsrfTokens::encode(token);
        let cookie = SetCookie::new(self.cookies.names().csrf(), token, &self.cookies.csrf_attributes());
        Some(cookie.ok()?.max_age(self.until(until)).to_header())
    }

    /// Deletes everything of a session from the browser.
    pub(crate) fn deletion_cookies(&self) -> Vec<HeaderValue> {
        let names = self.cookies.names();
        let attributes = self.cookies.session_attributes();
        let mut cookies = vec![SetCookie::deletion(names.session(), &attributes)];
        if matches!(self.place, crate::auth::SessionPlace::Cookie(_)) {
            cookies.extend(names.tokens().iter().map(|name| SetCookie::deletion(name, &attributes)));
        }
        cookies.push(SetCookie::deletion(names.csrf(), &self.cookies.csrf_attributes()));
        cookies
    }

    fn until(&self, end: UnixTime) -> Duration {
        end.saturating_since(self.ports.clock.now())
    }
}
