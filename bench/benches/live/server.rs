//! The server process: every variant on a port of its own, one thread for all.

use std::io::Write as _;

use axum::routing::get;
use axum::{Json, Router};
use doorward::Session;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::Failure;
use super::support::{SignedIn, runtime, sign_in};

/// What is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Variant {
    /// axum that is sent the cookies and reads none.
    Bare,
    /// `auth.layer()` around `require_session()`.
    Guarded,
    /// The same, and the handler reads the user.
    User,
    /// axum that answers 401 to everybody.
    Bare401,
    /// The guard, and no cookies sent.
    Refused,
}

impl Variant {
    pub(crate) const ALL: [Self; 5] = [Self::Bare, Self::Guarded, Self::User, Self::Bare401, Self::Refused];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare axum, cookies sent and unread",
            Self::Guarded => "auth.layer() + require_session()",
            Self::User => "the same, handler reads session.user()",
            Self::Bare401 => "bare axum answering 401, no cookies",
            Self::Refused => "auth.layer() + require_session(), no cookies: 401",
        }
    }

    /// What it is compared with.
    pub(crate) const fn base(self) -> Self {
        match self {
            Self::Bare | Self::Guarded | Self::User => Self::Bare,
            Self::Bare401 | Self::Refused => Self::Bare401,
        }
    }

    /// Whether the requests carry the session's cookies.
    pub(crate) const fn sends_cookies(self) -> bool {
        matches!(self, Self::Bare | Self::Guarded | Self::User)
    }

    /// The status of every answer.
    pub(crate) const fn status(self) -> u16 {
        if self.sends_cookies() { 200 } else { 401 }
    }

    fn router(self, signed_in: &SignedIn) -> Router {
        let auth = &signed_in.auth;
        let guarded = |router: Router| router.route_layer(auth.require_session()).layer(auth.layer());
        match self {
            Self::Bare => Router::new().route("/api", get(answer)),
            Self::Guarded | Self::Refused => guarded(Router::new().route("/api", get(answer))),
            Self::User => guarded(Router::new().route("/api", get(user))),
            Self::Bare401 => Router::new().route("/api", get(unauthorized)),
        }
    }
}

async fn answer() -> Json<Value> {
    Json(json!({"user_id": "alice", "orders": [1, 2, 3], "ok": true}))
}

async fn user(session: Session) -> Json<Value> {
    Json(json!({"user_id": session.user().subject, "orders": [1, 2, 3], "ok": true}))
}

/// As much body as our refusal has, from memory.
async fn unauthorized() -> (http::StatusCode, [(&'static str, &'static str); 4], &'static str) {
    let headers = [
        ("content-type", "application/problem+json"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("www-authenticate", "Session realm=\"app\""),
    ];
    let body = concat!(
        r#"{"code":"session_missing","error":"Unauthorized","login_url":"https://app.example.com/auth/login","#,
        r#""request_id":"0123456789abcdef","status":401,"title":"no session","type":"urn:example:session_missing"}"#
    );
    (http::StatusCode::UNAUTHORIZED, headers, body)
}

/// Serves until the process is ended; prints port, cookies and token of each variant.
pub(crate) fn serve() -> Result<(), Failure> {
    runtime().block_on(async {
        let signed_in = sign_in().await;
        let mut servers = Vec::new();
        for variant in Variant::ALL {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
            println!(
                "{}\t{}\t{}",
                listener.local_addr()?.port(),
                signed_in.cookie,
                signed_in.csrf
            );
            let router = variant.router(&signed_in);
            servers.push(tokio::spawn(async move { axum::serve(listener, router).await }));
        }
        std::io::stdout().flush()?;
        for server in servers {
            server.await??;
        }
        Ok(())
    })
}
