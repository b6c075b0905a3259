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

mod identify;

use std::sync::Arc;

use doorward_core::code::Code;
use doorward_core::csrf::CsrfMode;
use doorward_core::policy::{Authorized, Caller, Denied, Rule, Unauthenticated, admit_anyone, decide_at};
use doorward_core::ports::BoxFuture;
use doorward_core::request::RequestView;

pub(crate) use self::identify::{Identified, Identifying, as_it_was};
use crate::auth::Engine;
use crate::context::{Passed, RequestContext};
use crate::problem::{Denial, Details, LoginHint, StepUp, Takes};
use crate::session::Session;
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
    /// Turns who the caller is into what the caller may, and remembers the pass for this request.
    fn conclude(
        self,
        context: &Arc<RequestContext>,
        rule: &Rule,
        login: LoginHint,
        identified: Identified,
    ) -> Result<Pass, Denial> {
        let (session, csrf) = identified.map_err(|denial| denial.at(rule, login))?;
        if self.sites.is_some() {
            session.met_at(self.site);
        }
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

/// Nobody gets a session in hand whose user cannot be read.
fn with_user(context: &RequestContext, passed: Result<Pass, Denial>) -> Result<Pass, Denial> {
    match passed {
        Ok(Pass::Session(_)) if !context.session().is_some_and(Session::has_user) => {
            Err(Denial::new(Code::SessionInvalid))
        }
        passed => passed,
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
