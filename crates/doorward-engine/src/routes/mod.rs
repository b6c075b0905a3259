//! Our own endpoints, below the base path: one file each, and the table of them all.

mod again;
mod arrival;
mod backchannel;
mod callback;
mod complete;
mod frontchannel;
mod login;
mod logout;
mod platform;
mod resource_metadata;
mod session;
mod sessions;
mod tenant_of_user;
mod token;

use std::sync::Arc;

use bytes::Bytes;
use doorward_core::code::Code;
use doorward_core::request::RequestView;
use doorward_core::return_url::ReturnUrl;
use http::Method;
use http::header::{self, HeaderValue};

use crate::auth::{Engine, SessionPlace};
use crate::context::RequestContext;
use crate::problem::{Denial, LoginHint};
use crate::reply::Reply;
use crate::site::Here;

/// The largest form a provider may post to the callback, in bytes.
const MAX_FORM_BYTES: usize = 64 * 1024;

// One list, so that no endpoint can be known and not served.
macro_rules! endpoints {
    ($($(#[doc = $doc:literal])+ $variant:ident = $path:expr;)+) => {
        /// One of our own endpoints.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum AuthEndpoint {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl AuthEndpoint {
            /// Every endpoint.
            pub const ALL: &'static [AuthEndpoint] = &[$(AuthEndpoint::$variant,)+];

            /// The path below the base path; `{id}` stands for one segment.
            #[must_use]
            pub const fn path(self) -> &'static str {
                match self { $(AuthEndpoint::$variant => $path,)+ }
            }
        }
    };
}

endpoints! {
    /// `GET /auth/login`: to the provider.
    Login = "/login";
    /// `GET` or `POST /auth/callback`: back from the provider.
    Callback = "/callback";
    /// `POST /auth/logout`: ends the session.
    Logout = "/logout";
    /// `GET /auth/session`: who is signed in, and until when.
    Session = "/session";
    /// `GET /auth/sessions`: the user's sessions; `DELETE` ends the others. Where sessions are stored.
    Sessions = "/sessions";
    /// `DELETE /auth/sessions/{id}`: ends one of them.
    OneSession = "/sessions/{id}";
    /// `GET /auth/token`: the access token; off unless switched on.
    Token = "/token";
    /// `POST /auth/backchannel-logout`: the provider ends sessions; off unless switched on.
    BackchannelLogout = "/backchannel-logout";
    /// `GET /auth/frontchannel-logout`: the provider ends a session by a frame; off unless switched on.
    FrontchannelLogout = "/frontchannel-logout";
    /// `GET /auth/complete`: where a login in a window of its own ends.
    Complete = "/complete";
    /// `GET /auth/complete.js`: that page's script.
    CompleteScript = complete::SCRIPT_PATH;
}

impl AuthEndpoint {
    /// How much of a request's body is read, in bytes; `None` where nobody reads one.
    #[must_use]
    pub fn form_limit(self, method: &Method) -> Option<usize> {
        match self {
            AuthEndpoint::Callback if *method == Method::POST => Some(MAX_FORM_BYTES),
            AuthEndpoint::BackchannelLogout if *method == Method::POST => Some(backchannel::MAX_FORM_BYTES),
            _ => None,
        }
    }
}

impl Engine {
    /// The paths of our own endpoints; of several providers each but the first has a callback of its own,
    /// `/auth/callback/{name}`.
    #[must_use]
    pub fn endpoint_paths(&self) -> Vec<(AuthEndpoint, String)> {
        let path =
            |endpoint: AuthEndpoint, rest: &str| (endpoint, format!("{}{}{rest}", self.base_path(), endpoint.path()));
        let further = self.inner.home.providers.further_callbacks();
        AuthEndpoint::ALL
            .iter()
            .map(|endpoint| path(*endpoint, ""))
            .chain(further.map(|rest| path(AuthEndpoint::Callback, &rest)))
            .collect()
    }

    /// Whether an endpoint is switched on, or there is what it needs; the others answer 404.
    #[must_use]
    pub fn serves(&self, endpoint: AuthEndpoint) -> bool {
        match endpoint {
            AuthEndpoint::Token => self.inner.token_endpoint,
            AuthEndpoint::BackchannelLogout => self.inner.outside_logout.back_channel,
            AuthEndpoint::FrontchannelLogout => self.inner.outside_logout.front_channel,
            // Nobody knows all of a user's cookies.
            AuthEndpoint::Sessions | AuthEndpoint::OneSession => matches!(self.inner.place, SessionPlace::Store(_)),
            AuthEndpoint::Login
            | AuthEndpoint::Callback
            | AuthEndpoint::Logout
            | AuthEndpoint::Session
            | AuthEndpoint::Complete
            | AuthEndpoint::CompleteScript => true,
        }
    }

    /// Answers one of our own endpoints.
    ///
    /// `body` is the request's body, read up to the [`form_limit`](AuthEndpoint::form_limit), and `None` where it was larger.
    ///
    /// # Security
    /// Everything of the request comes from the browser, the body of a `form_post` included.
    pub async fn serve(
        &self,
        endpoint: AuthEndpoint,
        context: &Arc<RequestContext>,
        view: RequestView<'_>,
        body: Option<Bytes>,
    ) -> Reply {
        let here = match context.arrive().await {
            Ok(here) => here,
            Err(code) => return self.at_home().refuse(&Denial::nowhere(code)),
        };
        if !self.serves(endpoint) {
            return here.refuse(&Denial::new(Code::RouteUnknown));
        }
        match endpoint {
            AuthEndpoint::Login => here.login(view).await,
            AuthEndpoint::Callback => {
                let seen_from = context.seen_from().unwrap_or_default();
                here.callback(view, body, seen_from).await
            }
            AuthEndpoint::Logout => here.logout(view).await,
            AuthEndpoint::Session => self.session_endpoint(context, view).await,
            AuthEndpoint::Sessions => self.sessions_endpoint(context, view).await,
            AuthEndpoint::OneSession => self.one_session_endpoint(context, view).await,
            AuthEndpoint::Token => self.token_endpoint(context, view).await,
            AuthEndpoint::BackchannelLogout => here.backchannel_logout(view, body).await,
            AuthEndpoint::FrontchannelLogout => here.frontchannel_logout(view).await,
            AuthEndpoint::Complete => here.complete_page(view),
            AuthEndpoint::CompleteScript => here.complete_script(view),
        }
    }

    /// Answers a denial: the problem, or for a navigation on a route that asks for it the way to login.
    #[must_use]
    pub fn refuse(&self, context: &RequestContext, denial: &Denial) -> Reply {
        // A guard in front of the login itself must not send there: each round would make the URL longer.
        if denial.login == LoginHint::Redirect && denial.wants_login() && self.own_page(context).is_none() {
            return context.here_or_home().to_login(denial, context.target());
        }
        context.here_or_home().refuse(denial)
    }

    /// Refuses with a code of the table.
    #[must_use]
    pub fn refuse_with(&self, code: Code) -> Reply {
        self.at_home().refuse(&Denial::new(code))
    }

    /// The answer where a route of the application does not exist: 404 `route_unknown`.
    #[must_use]
    pub fn unknown_route(&self) -> Reply {
        self.refuse_with(Code::RouteUnknown)
    }
}

impl Here<'_> {
    fn to_login(self, denial: &Denial, target: &str) -> Reply {
        let mut location = self.login_url(denial).into_owned();
        // What login would drop is not sent there: a long target would make a URL that no server takes.
        if ReturnUrl::parse(target, &self.site.origins).is_some() {
            location.push(if location.contains('?') { '&' } else { '?' });
            location.push_str("return_url=");
            location.extend(url::form_urlencoded::byte_serialize(target.as_bytes()));
        }
        Reply::redirect(http::StatusCode::FOUND, &location)
    }

    fn method_not_allowed(self, allow: &'static str) -> Reply {
        let mut reply = self.refuse(&Denial::new(Code::MethodNotAllowed));
        reply.set(header::ALLOW, HeaderValue::from_static(allow));
        reply
    }

    /// Refuses methods that a session endpoint does not know; HEAD reads like GET.
    fn reads_only(self, view: RequestView<'_>) -> Result<(), Box<Reply>> {
        if matches!(*view.method, Method::GET | Method::HEAD) {
            Ok(())
        } else {
            Err(Box::new(self.method_not_allowed("GET, HEAD")))
        }
    }
}
