//! [`Session`] and `Option<Session>` as extractors. Each runs the whole guard.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use doorward_engine::{Code, Denial, Engine, Pass, RequestContext, RequestView, Verdict};
use http::request::Parts;

use crate::future::not_configured;
use crate::service::response;

/// Why a handler that takes a [`Session`], a [`Bearer`] or a [`Caller`] was not called; answers the refusal.
#[derive(Debug)]
pub struct SessionRejection {
    refused: Option<(Arc<RequestContext>, Denial)>,
}

impl SessionRejection {
    /// The refusal, or `None` where `auth.layer()` is missing.
    #[must_use]
    pub fn denial(&self) -> Option<&Denial> {
        self.refused.as_ref().map(|(_, denial)| denial)
    }
}

impl IntoResponse for SessionRejection {
    fn into_response(self) -> Response {
        match self.refused {
            Some((context, denial)) => response(context.engine().refuse(&context, &denial)),
            None => not_configured(),
        }
    }
}

/// A live session that passed the guard: who the user is, the tokens, and the application's own data.
///
/// As an extractor it runs the whole guard, CSRF included: a handler that takes it cannot be reached
/// without a session, whatever layers were forgotten. `Option<Session>` is `None` only where there is
/// no live session; a CSRF or origin failure is 403 and an outage 503 there too.
///
/// # Errors
/// As an extractor: 401 without a live session, 403 for another origin, a missing CSRF token or
/// another tenant's session, 503 while that cannot be decided, and 500 `not_configured` without
/// `auth.layer()`.
///
/// # Example
/// ```
/// use doorward::Session;
///
/// async fn hello(session: Session) -> String {
///     format!("hello {}", session.user().subject)
/// }
///
/// async fn greeting(session: Option<Session>) -> String {
///     match session {
///         Some(session) => format!("hello {}", session.user().subject),
///         None => "hello stranger".to_owned(),
///     }
/// }
///
/// /// Own data; what does not fit into the session is an error here, and the session goes on as it was.
/// async fn choose(session: Session) -> Result<(), (axum::http::StatusCode, String)> {
///     let answer = |error: doorward::DataError| (axum::http::StatusCode::BAD_REQUEST, error.to_string());
///     session.insert("language", &"en").map_err(answer)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Session(doorward_engine::Session);

impl Deref for Session {
    type Target = doorward_engine::Session;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Session {
    type Rejection = SessionRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        let (context, passed) = guard(parts, Engine::session).await?;
        match passed {
            Ok(pass) => match session(&context, &pass) {
                Some(session) => Ok(session),
                None => Err(refused(context, Denial::session_missing())),
            },
            Err(denial) => Err(refused(context, denial)),
        }
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Session {
    type Rejection = SessionRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Self::Rejection> {
        let (context, passed) = guard(parts, Engine::session).await?;
        match passed {
            Ok(pass) => Ok(session(&context, &pass)),
            Err(denial) if denial.is_without_session() => Ok(None),
            Err(denial) => Err(refused(context, denial)),
        }
    }
}

/// The bearer of an access token that passed the guard.
///
/// As an extractor it runs the guard by itself. `Option<Bearer>` is `None` only where the request brings no
/// token; a token that is no good is refused there too.
///
/// # Errors
/// As an extractor: 401 without a token or with a bad one, 403 for another tenant's, 503 while its issuer cannot
/// be asked, and 500 `not_configured` without `auth.layer()` or where no tokens are accepted.
///
/// # Example
/// ```
/// use doorward::Bearer;
///
/// async fn report(bearer: Bearer) -> String {
///     format!("hello {} of {:?}", bearer.subject(), bearer.client_id())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Bearer(doorward_engine::Bearer);

impl Deref for Bearer {
    type Target = doorward_engine::Bearer;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Bearer {
    type Rejection = SessionRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        let (context, passed) = guard(parts, Engine::bearer).await?;
        match passed {
            Ok(pass) => match bearer(&context, &pass) {
                Some(bearer) => Ok(bearer),
                None => Err(refused(context, Denial::token_missing())),
            },
            Err(denial) => Err(refused(context, denial)),
        }
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Bearer {
    type Rejection = SessionRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Self::Rejection> {
        let (context, passed) = guard(parts, Engine::bearer).await?;
        match passed {
            Ok(pass) => Ok(bearer(&context, &pass)),
            Err(denial) if denial.code() == Code::TokenMissing => Ok(None),
            Err(denial) => Err(refused(context, denial)),
        }
    }
}

/// Whoever passed the guard: somebody signed in, or the bearer of an access token.
///
/// As an extractor it accepts both, a token before a session where a request brings both.
///
/// # Errors
/// As those of [`Session`] and [`Bearer`].
///
/// # Example
/// ```
/// use doorward::Caller;
///
/// async fn either(caller: Caller) -> String {
///     match caller {
///         Caller::Session(session) => format!("hello {}", session.user().subject),
///         Caller::Bearer(bearer) => format!("hello {}", bearer.subject()),
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub enum Caller {
    /// Somebody signed in.
    Session(Session),
    /// The bearer of an access token.
    Bearer(Bearer),
}

impl Caller {
    /// The subject: of the session's user, or of the token.
    #[must_use]
    pub fn subject(&self) -> &str {
        match self {
            Self::Session(session) => &session.user().subject,
            Self::Bearer(bearer) => bearer.subject(),
        }
    }

    /// The tenant; `default` where there is none.
    #[must_use]
    pub fn tenant(&self) -> &str {
        match self {
            Self::Session(session) => &session.user().tenant,
            Self::Bearer(bearer) => bearer.tenant(),
        }
    }

    /// The roles.
    #[must_use]
    pub fn roles(&self) -> &[String] {
        match self {
            Self::Session(session) => &session.user().roles,
            Self::Bearer(bearer) => bearer.roles(),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = SessionRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        let (context, passed) = guard(parts, Engine::caller).await?;
        match passed {
            Ok(pass) => {
                let caller = session(&context, &pass).map(Self::Session);
                caller
                    .or_else(|| bearer(&context, &pass).map(Self::Bearer))
                    .ok_or_else(|| refused(context, Denial::session_missing()))
            }
            Err(denial) => Err(refused(context, denial)),
        }
    }
}

/// The session that this pass was given for.
fn session(context: &RequestContext, pass: &Pass) -> Option<Session> {
    match pass {
        Pass::Session(_) => context.session().cloned().map(Session),
        Pass::Bearer(_) | Pass::Anonymous(_) => None,
    }
}

/// The bearer that this pass was given for.
fn bearer(context: &RequestContext, pass: &Pass) -> Option<Bearer> {
    match pass {
        Pass::Bearer(_) => context.bearer().cloned().map(Bearer),
        Pass::Session(_) | Pass::Anonymous(_) => None,
    }
}

/// Runs the guard, or takes the pass that a layer of the same request gave.
async fn guard(
    parts: &Parts,
    judge: impl FnOnce(&Engine, &Arc<RequestContext>, RequestView<'_>) -> Verdict,
) -> Result<(Arc<RequestContext>, Result<Pass, Denial>), SessionRejection> {
    let context = parts
        .extensions
        .get::<Arc<RequestContext>>()
        .map(Arc::clone)
        .ok_or(SessionRejection { refused: None })?;
    let view = RequestView {
        method: &parts.method,
        uri: &parts.uri,
        headers: &parts.headers,
    };
    let passed = match judge(context.engine(), &context, view) {
        Verdict::Ready(passed) => passed,
        Verdict::Wait(verdict) => verdict.await,
    };
    Ok((context, passed))
}

fn refused(context: Arc<RequestContext>, denial: Denial) -> SessionRejection {
    SessionRejection {
        refused: Some((context, denial)),
    }
}
