//! Logout begun by the application: OpenID Connect RP-Initiated Logout 1.0.
//!
//! In this order: the application is known by its ID token or its client ID; the address to return to is one of its
//! own; the person is asked, unless the ID token belongs to this very session (§2: "MUST ask" otherwise) or nobody is
//! signed in; then the session ends, applications are told, and the browser goes back. Applications that asked for it are told
//! by a page with frames, from which the browser goes back when they have loaded (Front-Channel Logout 1.0 §3).

use axum::{
    body::Bytes,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};

use crate::{
    backchannel,
    clients::FrameUri,
    endpoint::Endpoint,
    guard, login, pages,
    params::{Params, append_query},
    platform::Site,
    provider::DevProvider,
    reply::redirect,
    state::{Session, digest},
};

pub(crate) async fn get(
    State(provider): State<DevProvider>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let params = Params::parse(query.unwrap_or_default().as_bytes()).map_err(|error| error.to_string());
    answer(&provider, &headers, params, StatusCode::FOUND).await
}

pub(crate) async fn post(State(provider): State<DevProvider>, headers: HeaderMap, body: Bytes) -> Response {
    let params = Params::parse_body(&headers, &body).map_err(|error| error.to_string());
    answer(&provider, &headers, params, StatusCode::SEE_OTHER).await
}

async fn answer(
    provider: &DevProvider,
    headers: &HeaderMap,
    params: Result<Params, String>,
    status: StatusCode,
) -> Response {
    provider
        .answer(Endpoint::EndSession, || async {
            match params.and_then(|params| respond(provider, headers, &params, status)) {
                Ok(response) => response,
                Err(message) => pages::error(StatusCode::BAD_REQUEST, &message),
            }
        })
        .await
}

fn respond(
    provider: &DevProvider,
    headers: &HeaderMap,
    params: &Params,
    status: StatusCode,
) -> Result<Response, String> {
    if let Some(name) = params.repeated() {
        return Err(format!("the parameter {name:?} is given more than once"));
    }
    let cookie = login::session_cookie(&Site::Standard, headers);
    let now = provider.now();
    // An expired ID token names its session as well as a fresh one; one we did not issue names nothing.
    let (hint, session, auto_login) = {
        let state = provider.state();
        let hint = params
            .get("id_token_hint")
            .and_then(|token| state.id_tokens.get(&digest(token)).cloned());
        let session = cookie.and_then(|cookie| state.session(cookie, &Site::Standard, now).cloned());
        (hint, session, state.knobs.auto_login.is_some())
    };
    let client = match (&hint, params.get("client_id")) {
        (Some(hint), Some(client_id)) if hint.client_id != client_id => {
            return Err("client_id and id_token_hint name different applications".to_owned());
        }
        (Some(hint), _) => provider.clients().get(&hint.client_id),
        (None, Some(client_id)) => Some(
            provider
                .clients()
                .get(client_id)
                .ok_or("this client is not known here")?,
        ),
        (None, None) => None,
    };
    let return_to = match (client, params.get("post_logout_redirect_uri")) {
        (Some(client), Some(uri)) if client.allows_post_logout(uri) => Some(uri),
        (Some(_), Some(_)) => {
            return Err("the post-logout URI is neither on a loopback name nor registered for this client".to_owned());
        }
        _ => None,
    };
    let confirmed =
        params.get("confirm") == Some("yes") && guard::is_same_origin(headers) && status != StatusCode::FOUND;
    let named = match (&hint, &session) {
        (_, None) => true,
        (Some(hint), Some(session)) => hint.sid == session.sid,
        (None, Some(_)) => false,
    };
    if !(confirmed || named || auto_login) {
        let user = session.and_then(|session| provider.user_registry().by_subject(&session.subject));
        return Ok(pages::confirm_logout(params, user));
    }
    let ended = end_sessions(provider, cookie, hint.map(|hint| hint.sid).as_deref());
    let return_to = return_to.map(|uri| {
        let state = params.get("state").map(|state| ("state", state.into()));
        append_query(uri, state.as_slice())
    });
    let frames = frames(provider, &ended);
    let mut response = match return_to {
        return_to if !frames.is_empty() => pages::signing_out(&frames, return_to.as_deref()),
        Some(uri) => redirect(status, &uri),
        None => pages::signed_out(),
    };
    login::set_session_cookie(provider, &Site::Standard, &mut response, None);
    Ok(response)
}

/// Ends the session of this browser and the one the ID token names, tells the applications that used them, and returns them.
pub(crate) fn end_sessions(provider: &DevProvider, cookie: Option<&str>, sid: Option<&str>) -> Vec<Session> {
    let ended = {
        let mut state = provider.state();
        let mut ended = state.sessions.take_where(|session| sid == Some(session.sid.as_str()));
        ended.extend(cookie.and_then(|cookie| state.sessions.remove(&digest(cookie))));
        ended
    };
    backchannel::notify(provider, &ended);
    ended
}

/// What to frame so that the applications of these sessions hear of their end in this browser: Front-Channel Logout §2.
fn frames<'a>(provider: &'a DevProvider, ended: &[Session]) -> Vec<(&'a FrameUri, String)> {
    let frame = |session: &Session, client_id: &String| {
        let frame = provider.clients().get(client_id)?.frontchannel_logout_uri.as_ref()?;
        let session = [("iss", provider.issuer().into()), ("sid", session.sid.as_str().into())];
        Some((frame, append_query(&frame.uri, &session)))
    };
    ended
        .iter()
        .flat_map(|session| {
            session
                .client_ids
                .iter()
                .filter_map(move |client_id| frame(session, client_id))
        })
        .collect()
}
