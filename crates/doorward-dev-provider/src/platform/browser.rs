//! What browsers open: authorization, login and logout at the application's and the tenants' hosts.

use std::borrow::Cow;

use axum::{
    Extension,
    body::Bytes,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};

use super::{Site, placeholder};
use crate::{
    authorize,
    clients::{Client, parse_uri},
    endpoint::Endpoint,
    login,
    logout::end_sessions,
    pages,
    params::{Params, append_query},
    provider::DevProvider,
    reply::redirect,
};

pub(crate) const AUTHORIZE: &str = "/api/v1/oauth2/authorize";
pub(crate) const LOGIN: &str = "/login";
pub(crate) const LOGOUT: &str = "/api/v1/logout";

const MAX_STATE_BYTES: usize = 512;

/// What a page says instead of an answer.
type Refusal = String;

pub(crate) async fn get_authorize(
    State(provider): State<DevProvider>,
    Extension(site): Extension<Site>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if site == Site::Application && !provider.state().knobs.platform.application_authorization() {
        let why = "this application is not set up for authorization without a tenant";
        return pages::error(StatusCode::NOT_FOUND, why);
    }
    let params = Params::parse(query.unwrap_or_default().as_bytes()).map_err(|error| error.to_string());
    authorize::respond(&provider, &site, &headers, params, StatusCode::FOUND).await
}

/// Sends a browser that has to sign in from the authorization endpoint to the login page, the request in its hands.
///
/// # Security
/// The request travels unsigned and is judged again from the start, as the sign-in form is.
pub(crate) fn to_login_page(provider: &DevProvider, site: &Site, params: &Params) -> Response {
    let Some(platform) = provider.platform() else {
        return pages::error(StatusCode::NOT_FOUND, "there is no platform here");
    };
    let custom_domain_active = provider.state().knobs.platform.custom_domain_active();
    let origin = platform.origin_of(site, custom_domain_active);
    let request = doorward_crypto::base64url_encode(params.encode().as_bytes());
    redirect(StatusCode::FOUND, &format!("{origin}{LOGIN}?req={request}"))
}

pub(crate) async fn get_login(
    State(provider): State<DevProvider>,
    Extension(site): Extension<Site>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    provider
        .answer(Endpoint::LoginPage, || async {
            match parse(&query).and_then(|params| answer_login(&provider, &site, &headers, &params)) {
                Ok(response) => response,
                Err(refusal) => pages::error(StatusCode::BAD_REQUEST, &refusal),
            }
        })
        .await
}

pub(crate) async fn post_login(
    State(provider): State<DevProvider>,
    Extension(site): Extension<Site>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    login::respond(&provider, &site, &headers, &body).await
}

fn answer_login(
    provider: &DevProvider,
    site: &Site,
    headers: &HeaderMap,
    params: &Params,
) -> Result<Response, Refusal> {
    if let Some(request) = params.get("req") {
        return Ok(answer_authorization(provider, site, headers, request));
    }
    match site.tenant() {
        // A login that begins here has no state yet; the application makes one.
        Some(tenant) => Ok(to_application(provider, tenant, site.custom_domain(), &[])),
        None => choose_tenant(provider, params),
    }
}

/// The sign-in page for an authorization request that the login page was opened with.
fn answer_authorization(provider: &DevProvider, site: &Site, headers: &HeaderMap, request: &str) -> Response {
    let params = doorward_crypto::base64url_decode(request.as_bytes())
        .ok()
        .and_then(|query| Params::parse(&query).ok());
    let Some(params) = params else {
        return pages::error(StatusCode::BAD_REQUEST, "the parameter \"req\" cannot be read");
    };
    match authorize::parse(provider, site, &params) {
        Ok(request) => {
            let now = provider.now();
            let session = login::session_cookie(site, headers)
                .and_then(|cookie| provider.state().session(cookie, site, now).cloned());
            authorize::show_page(provider, &request, &params, session.as_ref())
        }
        Err(fault) => authorize::refuse(provider, &fault, StatusCode::FOUND),
    }
}

/// The application's login page: finds out the tenant and sends the browser to the application's login endpoint.
fn choose_tenant(provider: &DevProvider, params: &Params) -> Result<Response, Refusal> {
    let platform = provider.platform().ok_or("there is no platform here")?;
    known_client(provider, params)?;
    let login_hint = params.get("login_hint");
    let by_email = |email: &str| {
        provider
            .user_registry()
            .by_email(email)
            .map(|user| user.tenant.as_str())
    };
    let (auto_login, hands_over) = {
        let state = provider.state();
        (
            state.knobs.auto_login.clone(),
            state.knobs.platform.hand_over_custom_domain,
        )
    };
    let tenant = match (params.get("tenant_name"), login_hint) {
        (Some(tenant), _) if platform.has_tenant(tenant) => Some(tenant),
        (Some(_), _) => return Err("there is no such tenant".to_owned()),
        (None, Some(email)) => by_email(email),
        (None, None) => auto_login.as_deref().and_then(by_email),
    };
    let Some(tenant) = tenant else {
        let tenants: Vec<&str> = platform.tenants().map(|(name, _)| name).collect();
        return Ok(pages::choose_tenant(&tenants, params, login_hint));
    };
    let custom_domain = platform.custom_domain(tenant).filter(|_| hands_over);
    let mut pairs = Vec::new();
    if let Some(login_hint) = login_hint {
        pairs.push(("login_hint", login_hint));
    }
    if let Some(return_url) = params.get("state") {
        pairs.push(("return_url", return_url));
    }
    Ok(to_application(provider, tenant, custom_domain.as_deref(), &pairs))
}

pub(crate) async fn get_logout(
    State(provider): State<DevProvider>,
    Extension(site): Extension<Site>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    provider
        .answer(Endpoint::Logout, || async {
            match parse(&query).and_then(|params| answer_logout(&provider, &site, &headers, &params)) {
                Ok(response) => response,
                Err(refusal) => pages::error(StatusCode::BAD_REQUEST, &refusal),
            }
        })
        .await
}

/// Ends the session of this host. The platform asks nobody; who can make a browser open this can sign it out.
fn answer_logout(
    provider: &DevProvider,
    site: &Site,
    headers: &HeaderMap,
    params: &Params,
) -> Result<Response, Refusal> {
    let client = known_client(provider, params)?;
    let state = params.get("state");
    if state.is_some_and(|state| state.len() > MAX_STATE_BYTES) {
        return Err("the parameter \"state\" has more than 512 bytes".to_owned());
    }
    let return_to = params.get("redirect_url");
    if return_to.is_some_and(|url| !client.allows_post_logout(url)) {
        return Err("the redirect URL is neither on a loopback name nor registered for this client".to_owned());
    }
    let cookie = login::session_cookie(site, headers).filter(|cookie| {
        let now = provider.now();
        provider.state().session(cookie, site, now).is_some()
    });
    end_sessions(provider, cookie, None);
    let state: Vec<(&str, &str)> = state.map(|state| ("state", state)).into_iter().collect();
    let mut response = match (return_to, site.tenant()) {
        (Some(url), _) => redirect(StatusCode::FOUND, &append_query(url, &borrowed(&state))),
        (None, Some(tenant)) => to_application(provider, tenant, site.custom_domain(), &state),
        (None, None) => pages::signed_out(),
    };
    login::set_session_cookie(provider, site, &mut response, None);
    Ok(response)
}

pub(crate) async fn home(State(provider): State<DevProvider>, Extension(site): Extension<Site>) -> Response {
    match (provider.platform_info(), &site) {
        (Some(info), Site::Application) => pages::platform_home(&info, provider.client_id()),
        _ => Redirect::to(LOGIN).into_response(),
    }
}

/// Sends the browser to the application's own login endpoint, for that tenant.
fn to_application(
    provider: &DevProvider,
    tenant: &str,
    custom_domain: Option<&str>,
    pairs: &[(&str, &str)],
) -> Response {
    let configured = provider.state().knobs.platform.login_url().map(str::to_owned);
    // What the SDK is told may be wrong on purpose; a browser is not sent there.
    let login_url = configured
        .filter(|url| parse_uri(&placeholder::fill(url, tenant)).is_some())
        .or_else(|| provider.platform().map(|platform| platform.login_url().to_owned()))
        .unwrap_or_default();
    let filled = placeholder::fill(&login_url, tenant);
    let mut all = Vec::with_capacity(pairs.len() + 2);
    if filled == login_url {
        all.push(("tenant_name", tenant));
    }
    if let Some(host) = custom_domain {
        all.push(("tenant_custom_domain", host));
    }
    all.extend_from_slice(pairs);
    redirect(StatusCode::FOUND, &append_query(&filled, &borrowed(&all)))
}

fn parse(query: &str) -> Result<Params, Refusal> {
    let params = Params::parse(query.as_bytes()).map_err(|error| error.to_string())?;
    match params.repeated() {
        Some(name) => Err(format!("the parameter {name:?} is given more than once")),
        None => Ok(params),
    }
}

fn known_client<'a>(provider: &'a DevProvider, params: &Params) -> Result<&'a Client, Refusal> {
    let client_id = params
        .get("client_id")
        .ok_or("the parameter \"client_id\" is missing")?;
    let client = provider.clients().get(client_id);
    client.ok_or_else(|| "this client is not known here".to_owned())
}

fn borrowed<'a>(pairs: &[(&'a str, &'a str)]) -> Vec<(&'a str, Cow<'a, str>)> {
    pairs
        .iter()
        .map(|(name, value)| (*name, Cow::Borrowed(*value)))
        .collect()
}
