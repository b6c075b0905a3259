//! `GET /auth/session`: who is signed in, and until when. Never a token.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use doorward_core::UnixTime;
use doorward_core::code::Code;
use doorward_core::policy::Rule;
use doorward_core::request::RequestView;
use doorward_oidc::Params;
use http::StatusCode;
use serde_json::{Value, json};

use crate::auth::Engine;
use crate::context::RequestContext;
use crate::guard::{Pass, Touch, Verdict};
use crate::problem::Denial;
use crate::reply::Reply;
use crate::session::Session;

impl Engine {
    pub(super) async fn session_endpoint(&self, context: &Arc<RequestContext>, view: RequestView<'_>) -> Reply {
        if let Err(reply) = context.here_or_home().reads_only(view) {
            return *reply;
        }
        let touch = match slide(view) {
            Ok(touch) => touch,
            Err(denial) => return context.here_or_home().refuse(&denial),
        };
        match self.own_guard(context, view, touch).await {
            Ok(session) => Reply::json(StatusCode::OK, &self.describe(context, &session)),
            Err(denial) => context.here_or_home().refuse(&denial),
        }
    }

    /// The same guard as the application's own endpoints, for ours.
    pub(super) async fn own_guard(
        &self,
        context: &Arc<RequestContext>,
        view: RequestView<'_>,
        touch: Touch,
    ) -> Result<Session, Denial> {
        let pass = match self.guard_with(context, view, &Rule::Session, touch) {
            Verdict::Ready(pass) => pass?,
            Verdict::Wait(verdict) => verdict.await?,
        };
        match pass {
            Pass::Session(_) => context.session().cloned().ok_or_else(Denial::session_missing),
            Pass::Bearer(_) | Pass::Anonymous(_) => Err(Denial::session_missing()),
        }
    }

    /// When the session ends: a response that extends it says the later end already.
    fn ends_at(&self, session: &Session) -> UnixTime {
        let live = &session.inner.live;
        if session.inner.write.identity.load(Ordering::Relaxed) {
            live.expires_at_if_used(self.inner.ports.clock.now())
        } else {
            live.expires_at()
        }
    }

    fn describe(&self, context: &RequestContext, session: &Session) -> Value {
        let user = session.user();
        let metadata = match &self.inner.hooks.session_metadata {
            Some(hook) => hook(session),
            None => json!({}),
        };
        json!({
            "userId": user.subject,
            "tenantId": session.provider_tenant_id().unwrap_or_else(|| user.tenant.clone()),
            "metadata": metadata,
            "expiresAt": self.ends_at(session).milliseconds(),
            "logoutUrl": context.here_or_home().site.urls.logout,
        })
    }
}

/// `?slide=false` only looks: it neither extends, writes nor refreshes.
fn slide(view: RequestView<'_>) -> Result<Touch, Denial> {
    let malformed = || Denial::new(Code::RequestMalformed);
    let params = Params::parse(view.uri.query().unwrap_or_default()).map_err(|_| malformed())?;
    match params.once("slide").map_err(|_| malformed())? {
        Some("false") => Ok(Touch::Look),
        _ => Ok(Touch::Use),
    }
}
