//! `GET /auth/token`: the access token for the page. Off unless switched on.

use std::sync::Arc;

use doorward_core::UnixTime;
use doorward_core::code::Code;
use doorward_core::request::RequestView;
use http::StatusCode;
use serde_json::json;

use crate::auth::Engine;
use crate::context::RequestContext;
use crate::guard::Touch;
use crate::problem::Denial;
use crate::reply::Reply;

impl Engine {
    pub(super) async fn token_endpoint(&self, context: &Arc<RequestContext>, view: RequestView<'_>) -> Reply {
        if let Err(reply) = context.here_or_home().reads_only(view) {
            return *reply;
        }
        let session = match self.own_guard(context, view, Touch::Use).await {
            Ok(session) => session,
            Err(denial) => return context.here_or_home().refuse(&denial),
        };
        let Ok(access_token) = session.access_token() else {
            // The identity is there and its tokens are not: only a new login brings them.
            return context.here_or_home().refuse(&Denial::new(Code::SessionExpired));
        };
        Reply::json(
            StatusCode::OK,
            &json!({
                "accessToken": access_token.expose(),
                "expiresAt": session.access_token_expires_at().map(UnixTime::milliseconds),
            }),
        )
    }
}
