//! Signing in: the button on the page, the provider's own session, and the code that comes of it.

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};

use crate::{
    authorize::{self, AuthorizeRequest},
    discovery::ACR_VALUES,
    endpoint::Endpoint,
    guard, pages,
    params::Params,
    platform::{OWN_IDENTITY_PROVIDER, Site},
    provider::DevProvider,
    state::{CODE_TTL, Code, Face, Grant, Login, SESSION_TTL, Session, digest},
};

/// The provider's own cookie; its name is no application's, because cookies ignore ports.
const COOKIE: &str = "doorward-provider";
/// The same on the platform's hosts. It names no domain, so that each host has its own.
const PLATFORM_COOKIE: &str = "doorward-platform";

fn cookie_name(site: &Site) -> &'static str {
    if site.is_platform() { PLATFORM_COOKIE } else { COOKIE }
}

/// Takes the answer of the sign-in page.
///
/// # Security
/// The form repeats the whole authorization request, which is judged again from the start. A foreign page could post it
/// as well, to sign somebody in as a user of its choice; hence the origin check.
pub(crate) async fn post(State(provider): State<DevProvider>, headers: HeaderMap, body: Bytes) -> Response {
    respond(&provider, &Site::Standard, &headers, &body).await
}

/// The same at any site.
pub(crate) async fn respond(provider: &DevProvider, site: &Site, headers: &HeaderMap, body: &[u8]) -> Response {
    provider
        .answer(Endpoint::Login, || async {
            if !guard::is_same_origin(headers) {
                return pages::error(StatusCode::FORBIDDEN, "this form was sent by another site");
            }
            let params = match Params::parse_body(headers, body) {
                Ok(params) => params,
                Err(error) => return pages::error(StatusCode::BAD_REQUEST, &error.to_string()),
            };
            let request = match authorize::parse(provider, site, &params) {
                Ok(request) => request,
                Err(fault) => return authorize::refuse(provider, &fault, StatusCode::SEE_OTHER),
            };
            if params.get("action") == Some("cancel") {
                let why = "the user did not sign in";
                return request
                    .target
                    .refuse(provider.issuer(), StatusCode::SEE_OTHER, "access_denied", why);
            }
            let Some(user) = params
                .get("user")
                .and_then(|email| provider.user_registry().by_email(email))
                // Security: a site lets nobody in but its own tenant's users.
                .filter(|user| site.admits(user))
            else {
                return pages::error(StatusCode::BAD_REQUEST, "there is no such user");
            };
            let cookie = session_cookie(site, headers);
            sign_in_and_answer(provider, &request, cookie, &user.subject, StatusCode::SEE_OTHER)
        })
        .await
}

/// Starts a session for `subject` and answers the request with it.
pub(crate) fn sign_in_and_answer(
    provider: &DevProvider,
    request: &AuthorizeRequest,
    old_cookie: Option<&str>,
    subject: &str,
    status: StatusCode,
) -> Response {
    let [default_acr, ..] = ACR_VALUES;
    let acr = request.acr_values.first().copied().unwrap_or(default_acr);
    let Ok((cookie, session)) = start_session(provider, request, old_cookie, subject, acr) else {
        return out_of_randomness();
    };
    let mut response = answer_with_code(provider, request, &session, Some(&cookie), status);
    set_session_cookie(provider, &request.target.site, &mut response, Some(&cookie));
    response
}

/// Issues a code for `session`.
pub(crate) fn answer_with_code(
    provider: &DevProvider,
    request: &AuthorizeRequest,
    session: &Session,
    cookie: Option<&str>,
    status: StatusCode,
) -> Response {
    let site = &request.target.site;
    let (Ok(code), Ok(grant_id)) = (provider.mint_secret(site.face()), random_id()) else {
        return out_of_randomness();
    };
    let now = provider.now();
    let grant = Grant {
        face: site.face(),
        client_id: request.client_id.clone(),
        login: Some(Login {
            subject: session.subject.clone(),
            sid: session.sid.clone(),
            auth_time: session.auth_time,
            acr: session.acr.clone(),
            identity_provider: session.identity_provider.clone(),
        }),
        scopes: request.scopes.clone(),
        audiences: request.audiences.clone(),
        revoked: false,
    };
    let record = Code {
        grant_id: grant_id.clone(),
        redirect_uri: request.target.redirect_uri.clone(),
        code_challenge: request.code_challenge.clone(),
        nonce: request.nonce.clone(),
        expires_at: now.saturating_add(CODE_TTL),
        used: false,
    };
    {
        let mut state = provider.state();
        state.grants.insert(grant_id, grant);
        state.codes.insert(digest(&code), record);
        let session = cookie.and_then(|cookie| state.sessions.get_mut(&digest(cookie)));
        if let Some(session) = session.filter(|session| !session.client_ids.contains(&request.client_id)) {
            session.client_ids.push(request.client_id.clone());
        }
    }
    tracing::debug!(
        client_id = request.client_id,
        subject = session.subject,
        "authorization code issued"
    );
    let user = provider.user_registry().by_subject(&session.subject);
    let tenant = user.map(|user| user.tenant.as_str());
    request.target.grant(provider.issuer(), status, &code, tenant)
}

/// Reads the session cookie; a malformed one counts as absent.
pub(crate) fn session_cookie<'a>(site: &Site, headers: &'a HeaderMap) -> Option<&'a str> {
    let expected = cookie_name(site);
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, value)| *name == expected && value.len() <= 64)
        .map(|(_, value)| value)
}

/// Sets the cookie, or removes it.
pub(crate) fn set_session_cookie(provider: &DevProvider, site: &Site, response: &mut Response, cookie: Option<&str>) {
    let name = cookie_name(site);
    let secure = if provider.issuer().starts_with("https:") {
        "; Secure"
    } else {
        ""
    };
    let text = match cookie {
        Some(cookie) => format!("{name}={cookie}; Path=/; HttpOnly; SameSite=Lax{secure}"),
        None => format!("{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax{secure}"),
    };
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// A new cookie at every sign-in; the `sid` stays where the same person signs in again.
fn start_session(
    provider: &DevProvider,
    request: &AuthorizeRequest,
    old_cookie: Option<&str>,
    subject: &str,
    acr: &str,
) -> Result<(String, Session), doorward_crypto::RandomUnavailable> {
    let site = &request.target.site;
    let cookie = provider.mint_secret(Face::Standard)?;
    let fresh_sid = random_id()?;
    let now = provider.now();
    let mut state = provider.state();
    let old = old_cookie
        .filter(|cookie| state.session(cookie, site, now).is_some())
        .and_then(|cookie| state.sessions.remove(&digest(cookie)))
        .filter(|old| old.subject == subject);
    let (sid, client_ids) = old.map_or((fresh_sid, Vec::new()), |old| (old.sid, old.client_ids));
    let session = Session {
        site: site.clone(),
        sid,
        subject: subject.to_owned(),
        auth_time: now,
        acr: acr.to_owned(),
        identity_provider: request
            .identity_provider
            .as_deref()
            .unwrap_or(OWN_IDENTITY_PROVIDER)
            .to_owned(),
        expires_at: now.saturating_add(SESSION_TTL),
        client_ids,
    };
    state.sessions.insert(digest(&cookie), session.clone());
    Ok((cookie, session))
}

pub(crate) fn random_id() -> Result<String, doorward_crypto::RandomUnavailable> {
    let bytes = doorward_crypto::random_bytes::<16>(&doorward_crypto::SystemRandom)?;
    Ok(doorward_crypto::base64url_encode(&bytes))
}

fn out_of_randomness() -> Response {
    pages::error(StatusCode::INTERNAL_SERVER_ERROR, "random numbers are unavailable")
}
