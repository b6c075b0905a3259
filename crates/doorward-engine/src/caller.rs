//! A caller with an access token, as an application holds it.

use std::sync::Arc;

use doorward_core::UnixTime;
use doorward_core::bearer::BearerToken;
use doorward_core::code::Code;
use doorward_core::policy::{self, Rule, decide_at};
use doorward_core::request::RequestView;
use doorward_core::tenant::TenantId;
use doorward_oidc::SubjectKind;
use serde_json::{Map, Value};

use crate::auth::Engine;
use crate::bearer::{BearerRefused, JudgedToken, Judging};
use crate::context::RequestContext;
use crate::guard::{Pass, Touch, Verdict};
use crate::problem::{Denial, LoginHint};
use crate::site::Here;

/// A verified access token whose bearer passed the guard. Cloning shares it.
///
/// Only the guard makes one. The token itself is not in it: what calls on towards others needs a token
/// of its own (RFC 8693).
#[derive(Clone)]
pub struct Bearer {
    judged: Arc<JudgedToken>,
}

impl Bearer {
    /// Who calls: a user, or the client itself.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.judged.token.subject()
    }

    /// Who issued the token; a subject means nothing without it.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.judged.token.issuer()
    }

    /// Whether a person or a machine calls.
    #[must_use]
    pub fn subject_kind(&self) -> SubjectKind {
        self.judged.token.subject_kind()
    }

    /// The client that the token was issued to, where the token says.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.judged.token.client_id()
    }

    /// The tenant; `default` where the token names none.
    #[must_use]
    pub fn tenant(&self) -> &str {
        &self.judged.context.tenant
    }

    /// The roles, from the claim that the provider's settings name.
    #[must_use]
    pub fn roles(&self) -> &[String] {
        &self.judged.context.roles
    }

    /// The scopes.
    #[must_use]
    pub fn scopes(&self) -> &[String] {
        self.judged.token.scopes()
    }

    /// When the token ends.
    #[must_use]
    pub fn expires_at(&self) -> UnixTime {
        self.judged.token.expires_at()
    }

    /// Every claim, as verified.
    #[must_use]
    pub fn claims(&self) -> &Map<String, Value> {
        self.judged.token.claims()
    }
}

impl std::fmt::Debug for Bearer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bearer")
            .field("subject", &self.subject())
            .field("client_id", &self.client_id())
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Passes the token that an earlier guard of this request passed, or judges by [`Rule::bearer`].
    pub fn bearer(&self, context: &Arc<RequestContext>, view: RequestView<'_>) -> Verdict {
        match context.bearer() {
            Some(bearer) => pass_again(context, bearer, &Rule::bearer()),
            None => self.guard_with(context, view, &Rule::bearer(), Touch::Use),
        }
    }

    /// Passes whoever an earlier guard of this request passed, or judges by [`Rule::session_or_bearer`].
    pub fn caller(&self, context: &Arc<RequestContext>, view: RequestView<'_>) -> Verdict {
        match context.bearer() {
            Some(bearer) => pass_again(context, bearer, &Rule::session_or_bearer()),
            None if context.passed().is_some() => self.session(context, view),
            None => self.guard_with(context, view, &Rule::session_or_bearer(), Touch::Use),
        }
    }
}

impl Here<'_> {
    /// Judges a request by its bearer token; `None` where it has none and a session may decide.
    ///
    /// # Security
    /// A token that is there decides alone: neither is a cookie read, nor can a bad token be made good by one.
    pub(crate) fn guard_bearer(
        self,
        context: &Arc<RequestContext>,
        view: RequestView<'_>,
        rule: &Rule,
    ) -> Option<Verdict> {
        let refused = |code| Some(Verdict::Ready(Err(Denial::new(code).at(rule, LoginHint::Refuse))));
        let token = match BearerToken::from_headers(view.headers) {
            Ok(Some(token)) => token,
            Ok(None) if rule.accepts_session() => return None,
            Ok(None) => return refused(Code::TokenMissing),
            Err(error) => return refused(error.code()),
        };
        let Some(verifier) = &self.bearer else {
            tracing::error!("a route takes bearer tokens and none are configured; say so with `bearer`");
            return refused(Code::NotConfigured);
        };
        Some(match verifier.judge(&self.ports, &token) {
            Judging::Ready(Err(error)) => Verdict::Ready(Err(refusal(error).at(rule, LoginHint::Refuse))),
            Judging::Ready(Ok(judged)) if self.sites.is_none() => {
                Verdict::Ready(self.conclude_bearer(context, rule, judged))
            }
            judging => {
                let (owned, context, rule) = (self.to_owned(), Arc::clone(context), rule.clone());
                Verdict::Wait(Box::pin(async move {
                    let judged = match judging {
                        Judging::Ready(judged) => judged,
                        Judging::Wait(judged) => judged.await,
                    };
                    let judged = judged.map_err(|error| refusal(error).at(&rule, LoginHint::Refuse))?;
                    let here = owned.here();
                    here.check_issuer_of_tenant(&judged)
                        .await
                        .map_err(|denial| denial.at(&rule, LoginHint::Refuse))?;
                    here.conclude_bearer(&context, &rule, judged)
                }))
            }
        })
    }

    /// A provider speaks for the tenants that sign in with it and for no other.
    async fn check_issuer_of_tenant(self, judged: &JudgedToken) -> Result<(), Denial> {
        let Some(sites) = &self.sites else { return Ok(()) };
        let mismatch = || Denial::new(Code::TenantMismatch);
        let id = TenantId::from_claim(&judged.context.tenant).map_err(|_| mismatch())?;
        let tenant = sites.tenant_with_id(&id).await.map_err(Denial::nowhere)?;
        let own = tenant.as_ref().and_then(|tenant| sites.provider_of(tenant));
        match own {
            Some(own) if own.settings.issuer.as_str() == judged.token.issuer() => Ok(()),
            _ => Err(mismatch()),
        }
    }

    fn conclude_bearer(
        self,
        context: &Arc<RequestContext>,
        rule: &Rule,
        judged: Arc<JudgedToken>,
    ) -> Result<Pass, Denial> {
        let bearer = Bearer { judged };
        let pass = self.decide_bearer(rule, &bearer)?;
        context.remember_bearer(bearer);
        Ok(pass)
    }

    fn decide_bearer(self, rule: &Rule, bearer: &Bearer) -> Result<Pass, Denial> {
        let caller = policy::Caller::Bearer(&bearer.judged.token, &bearer.judged.context);
        match decide_at(rule, caller, &self.site.scope, || self.ports.clock.now()) {
            Ok(authorized) => Ok(Pass::Bearer(authorized)),
            Err(denied) => Err(Denial::from(denied).at(rule, LoginHint::Refuse)),
        }
    }
}

/// The pass of a token that an earlier guard of the same request has verified.
fn pass_again(context: &RequestContext, bearer: &Bearer, rule: &Rule) -> Verdict {
    Verdict::Ready(match context.here() {
        Some(Ok(here)) => here.decide_bearer(rule, bearer),
        // A pass without a site does not come about.
        _ => Err(Denial::token_missing()),
    })
}

fn refusal(refused: BearerRefused) -> Denial {
    match refused {
        BearerRefused::Unavailable { retry_after } => Denial::unavailable(refused.code(), retry_after),
        refused => Denial::new(refused.code()),
    }
}
