//! The authorization endpoint: RFC 6749 §4.1.1, OpenID Connect Core §3.1.2, RFC 7636, RFC 9207.
//!
//! In this order: client and redirect URI are known, or a page says so and nothing is redirected; the request is well
//! formed, or the client is told by redirect; then [`decide`] says whether the browser's session is enough.

mod decision;
mod request;
#[cfg(test)]
mod tests;

use axum::{
    body::Bytes,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};

use crate::{
    endpoint::{Endpoint, Fault},
    login,
    oauth_error::OAuthError,
    pages,
    params::Params,
    platform::{self, MaxAgeExceeded, Site},
    provider::DevProvider,
    state::Session,
    users::UserInfo,
};

pub(crate) use decision::{Decision, decide};
pub(crate) use request::{AuthorizeRequest, Prompt, RequestFault, is_resource, parse, parse_scopes};

pub(crate) async fn get(
    State(provider): State<DevProvider>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let params = Params::parse(query.unwrap_or_default().as_bytes()).map_err(|error| error.to_string());
    respond(&provider, &Site::Standard, &headers, params, StatusCode::FOUND).await
}

/// OpenID Connect Core §3.1.2.1: the same by POST.
pub(crate) async fn post(State(provider): State<DevProvider>, headers: HeaderMap, body: Bytes) -> Response {
    let params = Params::parse_body(&headers, &body).map_err(|error| error.to_string());
    respond(&provider, &Site::Standard, &headers, params, StatusCode::SEE_OTHER).await
}

/// Answers an authorization request that came to `site`.
pub(crate) async fn respond(
    provider: &DevProvider,
    site: &Site,
    headers: &HeaderMap,
    params: Result<Params, String>,
    status: StatusCode,
) -> Response {
    let parsed = params.map_err(RequestFault::Page).and_then(|params| {
        let request = parse(provider, site, &params)?;
        Ok((request, params))
    });
    let on_fault = |fault: Fault| match &parsed {
        // An error without a status is one that the user or the provider's policy would have caused.
        Ok((request, _)) if fault.status.is_none() => request.target.refuse(
            provider.issuer(),
            status,
            &fault.error,
            "asked for through /_control/settings",
        ),
        _ => OAuthError::from(fault).into_response(),
    };
    provider
        .answer_or(Endpoint::Authorize, on_fault, || async {
            match &parsed {
                Ok((request, params)) => continue_with(provider, headers, request, params, status),
                Err(fault) => refuse(provider, fault, status),
            }
        })
        .await
}

pub(crate) fn refuse(provider: &DevProvider, fault: &RequestFault, status: StatusCode) -> Response {
    match fault {
        RequestFault::Page(message) => pages::error(StatusCode::BAD_REQUEST, message),
        RequestFault::Reply(target, error, description) => target.refuse(provider.issuer(), status, error, description),
    }
}

fn continue_with(
    provider: &DevProvider,
    headers: &HeaderMap,
    request: &AuthorizeRequest,
    params: &Params,
    status: StatusCode,
) -> Response {
    let users = provider.user_registry();
    let site = &request.target.site;
    let cookie = login::session_cookie(site, headers);
    let now = provider.now();
    let (session, auto_login, max_age_exceeded) = {
        let state = provider.state();
        (
            cookie.and_then(|cookie| state.session(cookie, site, now).cloned()),
            state.knobs.auto_login.clone(),
            state.knobs.platform.max_age_exceeded,
        )
    };
    let auto_login = auto_login
        .and_then(|email| users.by_email(&email))
        .filter(|user| site.admits(user))
        .map(|user| user.subject.as_str());
    let hinted = hinted_user(provider, request);
    let mut decision = decide(
        request,
        session.as_ref(),
        hinted.map(|user| user.subject.as_str()),
        auto_login,
        now,
    );
    let is_too_old = |session: &Session| !request.asks_anew() && request.is_too_old(session, now);
    if site.is_platform()
        && max_age_exceeded == MaxAgeExceeded::LoginRequired
        && session.as_ref().is_some_and(is_too_old)
    {
        decision = Decision::LoginRequired;
    }
    match (decision, &session) {
        (Decision::UseSession, Some(session)) => login::answer_with_code(provider, request, session, cookie, status),
        (Decision::SignIn(subject), _) => login::sign_in_and_answer(provider, request, cookie, subject, status),
        (Decision::LoginRequired, _) => target_error(
            provider,
            request,
            status,
            "login_required",
            "the user has to sign in, and the request does not let them",
        ),
        (Decision::ShowPage | Decision::UseSession, _) if site.is_platform() => {
            platform::browser::to_login_page(provider, site, params)
        }
        (Decision::ShowPage | Decision::UseSession, _) => show_page(provider, request, params, session.as_ref()),
    }
}

/// The sign-in page for those who may sign in at this site.
pub(crate) fn show_page(
    provider: &DevProvider,
    request: &AuthorizeRequest,
    params: &Params,
    session: Option<&Session>,
) -> Response {
    let users = provider.user_registry();
    let current = session.and_then(|session| users.by_subject(&session.subject));
    let admitted: Vec<&UserInfo> = users
        .all()
        .iter()
        .filter(|user| request.target.site.admits(user))
        .collect();
    pages::authorize(&admitted, request, params, hinted_user(provider, request), current)
}

fn hinted_user<'a>(provider: &'a DevProvider, request: &AuthorizeRequest) -> Option<&'a UserInfo> {
    let hint = request.login_hint.as_deref()?;
    let user = provider.user_registry().by_email(hint)?;
    request.target.site.admits(user).then_some(user)
}

fn target_error(
    provider: &DevProvider,
    request: &AuthorizeRequest,
    status: StatusCode,
    error: &str,
    description: &str,
) -> Response {
    request.target.refuse(provider.issuer(), status, error, description)
}
