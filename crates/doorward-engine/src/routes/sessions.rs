//! `/auth/sessions`: the signed-in user's own sessions, to see them and to end them. Served where sessions are stored.
//!
//! | request | does |
//! |---|---|
//! | `GET /auth/sessions` | lists them, this one marked |
//! | `DELETE /auth/sessions` | ends all others; with `?all=true` this one too |
//! | `DELETE /auth/sessions/{id}` | ends one of them |
//!
//! The same guard as for the application's own routes, the CSRF token for `DELETE` included. Of other users and of other tenants of
//! the same user nothing is shown and nothing ended: their names are answered like names that nobody has.

use std::sync::Arc;
use std::time::Duration;

use doorward_core::code::Code;
use doorward_core::request::RequestView;
use doorward_core::session::AddressClass;
use doorward_oidc::Params;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::auth::Engine;
use crate::begin::Before;
use crate::context::RequestContext;
use crate::guard::Touch;
use crate::problem::Denial;
use crate::reply::Reply;
use crate::session::Session;
use crate::session_registry::{SessionInfo, SessionsError};
use crate::site::Here;

impl Engine {
    pub(super) async fn sessions_endpoint(&self, context: &Arc<RequestContext>, view: RequestView<'_>) -> Reply {
        let here = context.here_or_home();
        let answer = match *view.method {
            Method::GET | Method::HEAD => self.list_sessions(context, view).await,
            Method::DELETE => self.end_sessions(context, view).await,
            _ => return here.method_not_allowed("GET, HEAD, DELETE"),
        };
        answer.unwrap_or_else(|denial| here.refuse(&denial))
    }

    pub(super) async fn one_session_endpoint(&self, context: &Arc<RequestContext>, view: RequestView<'_>) -> Reply {
        let here = context.here_or_home();
        if *view.method != Method::DELETE {
            return here.method_not_allowed("DELETE");
        }
        let answer = self.end_one_session(context, view).await;
        answer.unwrap_or_else(|denial| here.refuse(&denial))
    }

    async fn list_sessions(&self, context: &Arc<RequestContext>, view: RequestView<'_>) -> Result<Reply, Denial> {
        // Used and not just looked at: the user has opened a page for it.
        let session = self.own_guard(context, view, Touch::Use).await?;
        let current = session.public_id();
        let mut sessions = self.sessions().beside(&session).await.map_err(refusal)?;
        // The others stay in their order.
        sessions.sort_by_key(|info| info.id != current);
        let sessions: Vec<Value> = sessions.iter().map(|info| describe(info, &current)).collect();
        Ok(Reply::json(StatusCode::OK, &json!({ "sessions": sessions })))
    }

    async fn end_sessions(&self, context: &Arc<RequestContext>, view: RequestView<'_>) -> Result<Reply, Denial> {
        let session = self.own_guard(context, view, Touch::Use).await?;
        let and_this_one = all(view)?;
        let ended = self.sessions().end_others(&session).await.map_err(refusal)?;
        if !and_this_one {
            return Ok(Reply::json(StatusCode::OK, &json!({ "ended": ended })));
        }
        let mut reply = Reply::json(StatusCode::OK, &json!({ "ended": ended + 1 }));
        context.here_or_home().end_this_one(view, &mut reply).await?;
        Ok(reply)
    }

    async fn end_one_session(&self, context: &Arc<RequestContext>, view: RequestView<'_>) -> Result<Reply, Denial> {
        let session = self.own_guard(context, view, Touch::Use).await?;
        let id = view.uri.path().rsplit('/').next().unwrap_or_default();
        let mut reply = Reply::new(StatusCode::NO_CONTENT);
        if id == session.public_id() {
            context.here_or_home().end_this_one(view, &mut reply).await?;
            return Ok(reply);
        }
        let ended = self.end_beside(&session, id).await.map_err(refusal)?;
        // Security: a stranger's session and one that never was are answered alike.
        if ended {
            Ok(reply)
        } else {
            Err(Denial::new(Code::RouteUnknown))
        }
    }

    async fn end_beside(&self, session: &Session, id: &str) -> Result<bool, SessionsError> {
        let registry = self.sessions();
        let sessions = registry.beside(session).await?;
        match sessions.iter().find(|info| info.id == id) {
            Some(info) => registry.end(info).await,
            None => Ok(false),
        }
    }
}

impl Here<'_> {
    /// Ends the session of this request as a logout does, without leading to the provider's.
    async fn end_this_one(self, view: RequestView<'_>, reply: &mut Reply) -> Result<(), Denial> {
        let (farewells, failed) = self.end_presented(view.headers, Before::default(), None).await;
        self.take_back(farewells);
        if let Some(error) = failed {
            tracing::error!(%error, "session store did not answer; the session could not be ended");
            return Err(out_of_reach());
        }
        reply.add_cookies(self.deletion_cookies());
        Ok(())
    }
}

fn describe(info: &SessionInfo, current: &str) -> Value {
    json!({
        "id": info.id,
        "current": info.id == current,
        "createdAt": info.created_at.milliseconds(),
        "lastSeenAt": info.last_seen_at.milliseconds(),
        "expiresAt": info.expires_at.milliseconds(),
        "device": info.device,
        "address": info.address.map(AddressClass::as_str),
    })
}

/// `?all=true` means this session too; what is neither that nor `false` is not guessed at.
fn all(view: RequestView<'_>) -> Result<bool, Denial> {
    let malformed = || Denial::new(Code::RequestMalformed);
    let params = Params::parse(view.uri.query().unwrap_or_default()).map_err(|_| malformed())?;
    match params.once("all").map_err(|_| malformed())? {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(malformed()),
    }
}

fn refusal(error: SessionsError) -> Denial {
    match error {
        SessionsError::Store(error) => {
            tracing::error!(%error, "session store did not answer");
            out_of_reach()
        }
        // The user's provider is none of ours any more, or there is no store: neither passes the guard.
        SessionsError::NeedsStore | SessionsError::UnknownIssuer => Denial::new(Code::RouteUnknown),
    }
}

fn out_of_reach() -> Denial {
    Denial::unavailable(Code::StoreUnavailable, Duration::from_secs(1))
}
