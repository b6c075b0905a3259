//! The guard: the list of checks from top to bottom, in the order of the contract.
//!
//! 1. no session cookie: 401 `session_missing`
//! 2. the origin rule: 403 `cross_origin`
//! 3. unreadable, of another provider, or two different sessions: 401 `session_invalid`; expired by its
//!    own seal: 401 `session_expired`
//! 4. the CSRF token: 403 `csrf_missing`, `csrf_mismatch`
//! 5. ended, or the store: 401 `session_revoked`, 503 `store_unavailable`
//! 6. a refresh that is due: 401 `token_refresh_failed`, 503 `provider_unavailable`
//! 7. a tenant that the directory does not know: 403 `tenant_mismatch`; the directory: 503 `store_unavailable`
//! 8. the rule: 403 `tenant_mismatch`, `role_missing`, `insufficient_scope`
//!
//! For a stored session the browser's word is just a handle, so what step 3 says of the record is said
//! once it is loaded, after step 4: a forged request costs no store call.
//!
//! Steps 1 to 4 and 8 wait for nothing, so that a refused or an everyday request costs no allocation
//! of a future; only a store, a due refresh and a tenant
//! directory that is one make the caller wait.

use std::sync::Arc;
use std::time::Duration;

use doorward_core::UnixTime;
use doorward_core::code::Code;
use doorward_core::csrf::{self, CsrfMode, CsrfPassed, CsrfRefused, CsrfTokens, OriginPassed, check_origin};
use doorward_core::policy::{Authorized, Caller, Denied, Rule, Unauthenticated, admit_anyone, decide_at};
use doorward_core::ports::{BoxFuture, SessionStore};
use doorward_core::request::RequestView;
use doorward_core::session::{self as rules, HandleCookie, Identity, IdentityCookie, LiveSession, OpenedIdentity};
use http::header::COOKIE;

use crate::auth::{Engine, Inner, SessionPlace};
use crate::context::{Passed, RequestContext};
use crate::newest::{Known, Newest};
use crate::problem::{Denial, Details, LoginHint, StepUp, Takes};
use crate::refresh::Renewal;
use crate::session::{CookieHeaders, PlacedSession, Session, TokenPlace};
use crate::site::Here;

/// What the guard says of a request.
#[must_use = "a verdict that nobody reads protects nothing"]
pub enum Verdict {
    /// Decided at once.
    Ready(Result<Pass, Denial>),
    /// A store must be asked or tokens renewed first.
    Wait(BoxFuture<'static, Result<Pass, Denial>>),
}

/// As what a caller passed, with the permission that only the decision gives.
///
/// Who it is stands in the request's context: [`RequestContext::session`], [`RequestContext::bearer`].
#[derive(Debug)]
pub enum Pass {
    /// A signed-in user who may.
    Session(Authorized),
    /// The bearer of an access token who may.
    Bearer(Authorized),
    /// Anybody, on a public route.
    Anonymous(Authorized),
}

/// Whether a request uses the session or only looks at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Touch {
    /// Extends, writes and refreshes as due.
    Use,
    /// Does none of these (`?slide=false`).
    Look,
}

/// A session and the proof that the request may act for it.
pub(crate) type Identified = Result<(Session, CsrfPassed), Denial>;

/// [`Identified`], now or later.
pub(crate) enum Identifying {
    Ready(Identified),
    Wait(BoxFuture<'static, Identified>),
}

impl Engine {
    /// Judges a request by a rule; the verdict of an earlier guard of the same request is built on.
    ///
    /// # Security
    /// Everything in `view` is the caller's word. A pass is given only with a live session in hand,
    /// except for [`Rule::Public`].
    pub fn guard(&self, context: &Arc<RequestContext>, view: RequestView<'_>, rule: &Rule) -> Verdict {
        self.guard_with(context, view, rule, Touch::Use)
    }

    pub(crate) fn guard_with(
        &self,
        context: &Arc<RequestContext>,
        view: RequestView<'_>,
        rule: &Rule,
        touch: Touch,
    ) -> Verdict {
        if let Some(authorized) = admit_anyone(rule) {
            return Verdict::Ready(Ok(Pass::Anonymous(authorized)));
        }
        let here = match context.here() {
            Some(Ok(here)) => here,
            Some(Err(code)) => return Verdict::Ready(Err(Denial::nowhere(code))),
            None => return self.guard_later(context, view, rule, touch),
        };
        if rule.accepts_bearer()
            && let Some(verdict) = here.guard_bearer(context, view, rule)
        {
            return verdict;
        }
        let mode = rule.csrf_mode();
        let login = match rule.unauthenticated() {
            Unauthenticated::Login if view.is_navigation() => LoginHint::Redirect,
            _ => LoginHint::Refuse,
        };
        if let Some(passed) = context.passed()
            // Security: a pass by origin alone is not good enough where the token is asked for.
            && (passed.mode == CsrfMode::Token || mode == CsrfMode::Origin)
        {
            return Verdict::Ready(here.decide(rule, passed).map_err(|denial| denial.at(rule, login)));
        }
        match here.identify(view, mode, touch) {
            Identifying::Ready(identified) => Verdict::Ready(here.conclude(context, rule, login, identified)),
            Identifying::Wait(identifying) => {
                let (context, rule) = (Arc::clone(context), rule.clone());
                Verdict::Wait(Box::pin(async move {
                    let identified = identifying.await;
                    let here = context.arrive().await.map_err(Denial::nowhere)?;
                    here.conclude(&context, &rule, login, identified)
                }))
            }
        }
    }

    /// [`guard_with`](Self::guard_with), once the tenant directory has said whose host this is.
    fn guard_later(&self, context: &Arc<RequestContext>, view: RequestView<'_>, rule: &Rule, touch: Touch) -> Verdict {
        let (engine, context, rule) = (self.clone(), Arc::clone(context), rule.clone());
        let (method, uri, headers) = (view.method.clone(), view.uri.clone(), view.headers.clone());
        Verdict::Wait(Box::pin(async move {
            context.arrive().await.map_err(Denial::nowhere)?;
            let view = RequestView {
                method: &method,
                uri: &uri,
                headers: &headers,
            };
            match engine.guard_with(&context, view, &rule, touch) {
                Verdict::Ready(passed) => passed,
                Verdict::Wait(verdict) => verdict.await,
            }
        }))
    }

    /// Passes the session that an earlier guard of this request passed, or judges by [`Rule::Session`].
    ///
    /// This is what an extractor runs: behind a route's own rule it adds nothing, without one it
    /// protects by itself, CSRF included.
    pub fn session(&self, context: &Arc<RequestContext>, view: RequestView<'_>) -> Verdict {
        // A token decided alone, so that no cookie was looked at.
        if context.bearer().is_some() {
            return Verdict::Ready(Err(Denial::session_missing()));
        }
        if let Some(passed) = context.passed() {
            let decided = match context.here() {
                Some(Ok(here)) => here.decide(&Rule::Session, passed),
                // A pass without a site does not come about.
                _ => Err(Denial::session_missing()),
            };
            return Verdict::Ready(with_user(context, decided));
        }
        match self.guard(context, view, &Rule::Session) {
            Verdict::Ready(passed) => Verdict::Ready(with_user(context, passed)),
            Verdict::Wait(verdict) => {
                let context = Arc::clone(context);
                Verdict::Wait(Box::pin(async move { with_user(&context, verdict.await) }))
            }
        }
    }
}

impl Denial {
    /// The refusal as the route of this rule answers it.
    pub(crate) fn at(mut self, rule: &Rule, login: LoginHint) -> Self {
        if self.wants_login() && self.login != LoginHint::Never {
            self.login = login;
        }
        self.takes = Takes::of(rule);
        self
    }

    /// Whether the refusal says no more than that there is no live session: what `Option<Session>`
    /// takes for `None`.
    #[must_use]
    pub fn is_without_session(&self) -> bool {
        matches!(
            self.code(),
            Code::SessionMissing
                | Code::SessionExpired
                | Code::SessionInvalid
                | Code::SessionRevoked
                | Code::TokenRefreshFailed
        )
    }
}

impl Here<'_> {
    fn identify(self, view: RequestView<'_>, mode: CsrfMode, touch: Touch) -> Identifying {
        let origin = check_origin(view, &self.site.origins, mode);
        self.of_known_tenant(match &self.place {
            SessionPlace::Cookie(newest) => self.identify_sealed(newest, view, origin, mode, touch),
            SessionPlace::Store(store) => self.identify_stored(store, view, origin, mode, touch),
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
        let in_cookies = || TokenPlace::Cookies(CookieHeaders::of(&cookies));
        let (tokens, is_newer) = match newest.look(&live.id(), live.revision()) {
            Known::Nothing => (in_cookies(), false),
            Known::Ended(code) => return refused(code),
            Known::Newer(state) => {
                live = match self.live(&state.identity) {
                    Some(live) => live,
                    None => return refused(Code::SessionExpired),
                };
                (state.tokens.clone().map_or_else(in_cookies, TokenPlace::Known), true)
            }
        };
        let newer_tokens = is_newer && matches!(tokens, TokenPlace::Known(_));
        let session = Session::new(self.inner, live, PlacedSession::Cookie, tokens);
        if touch == Touch::Look {
            return Identifying::Ready(Ok((session, csrf)));
        }
        if is_newer {
            Session::mark(&session.inner.write.identity);
        }
        if newer_tokens {
            Session::mark(&session.inner.write.tokens);
        }
        if view.is_safe_method() && !csrf_cookies.hold(session.inner.live.csrf_token()) {
            Session::mark(&session.inner.write.csrf);
        }
        self.when_fresh(session, csrf, now)
    }

    fn identify_stored(
        self,
        store: &Arc<dyn SessionStore>,
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
        let (owned, store) = (self.to_owned(), Arc::clone(store));
        Identifying::Wait(Box::pin(async move {
            let this = owned.here();
            let session = this.load(&store, handle).await?;
            if touch == Touch::Look {
                return Ok((session, csrf));
            }
            if !has_csrf_cookie {
                Session::mark(&session.inner.write.csrf);
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

    /// Turns who the caller is into what the caller may, and remembers the pass for this request.
    fn conclude(
        self,
        context: &Arc<RequestContext>,
        rule: &Rule,
        login: LoginHint,
        identified: Identified,
    ) -> Result<Pass, Denial> {
        let (session, csrf) = identified.map_err(|denial| denial.at(rule, login))?;
        let passed = Passed {
            session,
            csrf,
            mode: rule.csrf_mode(),
        };
        // Remembered also where the rule says no: what is due to be written for the session does not
        // depend on this one rule.
        self.decide(rule, context.remember(passed))
            .map_err(|denial| denial.at(rule, login))
    }

    fn decide(self, rule: &Rule, passed: &Passed) -> Result<Pass, Denial> {
        let caller = Caller::Session(&passed.session.inner.live, &passed.csrf);
        match decide_at(rule, caller, &self.site.scope, || self.ports.clock.now()) {
            Ok(authorized) => Ok(Pass::Session(authorized)),
            Err(denied) => Err(Denial::from(denied)),
        }
    }
}

impl Inner {
    /// A state that this process has written, if it is still live.
    pub(crate) fn live(&self, identity: &Identity) -> Option<LiveSession> {
        let opened = OpenedIdentity::from_identity(identity).ok()?;
        rules::check(opened, &self.lifetimes, self.ports.clock.now()).ok()
    }
}

/// Nobody gets a session in hand whose user cannot be read.
fn with_user(context: &RequestContext, passed: Result<Pass, Denial>) -> Result<Pass, Denial> {
    match passed {
        Ok(Pass::Session(_)) if !context.session().is_some_and(Session::has_user) => {
            Err(Denial::new(Code::SessionInvalid))
        }
        passed => passed,
    }
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

impl From<Denied> for Denial {
    fn from(denied: Denied) -> Self {
        let code = denied.code();
        let details = match denied {
            Denied::StepUpRequired { max_age, acr_values } => Details {
                step_up: Some(StepUp { max_age, acr_values }),
                ..Details::default()
            },
            Denied::InsufficientScope { scopes } => Details {
                missing_scopes: scopes,
                ..Details::default()
            },
            _ => return Self::new(code),
        };
        Self::with(code, details)
    }
}
