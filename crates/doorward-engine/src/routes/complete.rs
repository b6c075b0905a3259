//! `GET /auth/complete`: where a login in a window of its own ends.
//!
//! A page that signs its user in without leaving gives this as the login's return URL. The page here tells its own origin by
//! `BroadcastChannel`, and a frontend on another origin, named by `opener`, by `postMessage`; then it closes.

use bytes::Bytes;
use doorward_core::code::Code;
use doorward_core::request::RequestView;
use doorward_oidc::Params;
use http::StatusCode;
use http::header::{self, HeaderValue};

use crate::page::{Action, page};
use crate::problem::Denial;
use crate::reply::Reply;
use crate::site::Here;

const SCRIPT: &str = include_str!("complete.js");
pub(super) const SCRIPT_PATH: &str = "/complete.js";

impl Here<'_> {
    /// Shows the page. It needs no session and says nothing about one.
    ///
    /// # Security
    /// `opener` is whoever's word. Only an origin of the application's frontends becomes the target of the message, so that a
    /// window of anybody else's hears nothing; any other is left out.
    pub(super) fn complete_page(self, view: RequestView<'_>) -> Reply {
        if let Err(reply) = self.reads_only(view) {
            return *reply;
        }
        let malformed = || self.refuse(&Denial::new(Code::RequestMalformed));
        let Ok(params) = Params::parse(view.uri.query().unwrap_or_default()) else {
            return malformed();
        };
        let Ok(opener) = params.once("opener") else {
            return malformed();
        };
        let opener = opener.and_then(|opener| self.site.origins.match_app(opener));
        page(
            StatusCode::OK,
            "You are signed in",
            "You can close this window.",
            "",
            &Action::Close {
                script: &format!("{}{SCRIPT_PATH}", self.base_path),
                opener: opener.as_ref().map_or("", |origin| origin.as_str()),
                url: &self.site.urls.default_return_url.location(),
            },
        )
    }

    /// The page's script, in a file of its own because pages of ours allow none within them.
    pub(super) fn complete_script(self, view: RequestView<'_>) -> Reply {
        if let Err(reply) = self.reads_only(view) {
            return *reply;
        }
        let mut reply = Reply::new(StatusCode::OK);
        reply.set(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/javascript; charset=utf-8"),
        );
        reply.set(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        reply.body = Bytes::from_static(SCRIPT.as_bytes());
        reply
    }
}
