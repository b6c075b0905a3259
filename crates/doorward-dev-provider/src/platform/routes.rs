//! Which host and path lead where.

use axum::{
    Router,
    extract::{Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tower::ServiceExt as _;

use super::{Site, api, browser};
use crate::{discovery, guard, pages, provider::DevProvider, revocation, routes::control_routes};

/// The routers of the platform's hosts.
#[derive(Clone)]
struct Hosts {
    provider: DevProvider,
    application: Router,
    tenant: Router,
}

/// Puts the platform's hosts beside the standard provider's.
pub(crate) fn mount(provider: &DevProvider, standard: Router) -> Router {
    let hosts = Hosts {
        provider: provider.clone(),
        application: application(provider),
        tenant: browser_routes().with_state(provider.clone()),
    };
    standard.layer(middleware::from_fn_with_state(hosts, dispatch))
}

async fn dispatch(State(hosts): State<Hosts>, mut request: Request, next: Next) -> Response {
    let site = {
        let authority = guard::authority(&request).unwrap_or_default();
        let custom_domain_active = hosts.provider.state().knobs.platform.custom_domain_active();
        hosts.provider.platform().map_or(Some(Site::Standard), |platform| {
            platform.site(authority, custom_domain_active)
        })
    };
    let router = match &site {
        Some(Site::Standard) => return next.run(request).await,
        Some(Site::Application) => hosts.application,
        Some(Site::Tenant { .. }) => hosts.tenant,
        None => return pages::error(StatusCode::NOT_FOUND, "no tenant has this host"),
    };
    if let Some(site) = site {
        request.extensions_mut().insert(site);
    }
    match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

fn application(provider: &DevProvider) -> Router {
    browser_routes()
        .route("/.well-known/openid-configuration", get(api::configuration))
        .route(api::SDK_CONFIGURATION, get(api::sdk_configuration))
        .route(api::TOKEN, post(api::token))
        .route(api::USERINFO, get(api::userinfo))
        .route(api::REVOKE, post(revocation::revoke))
        .route(api::JWKS, get(discovery::jwks))
        .route(api::VALIDATE_CUSTOM_DOMAIN, post(api::validate_custom_domain))
        .merge(control_routes())
        .with_state(provider.clone())
}

fn browser_routes() -> Router<DevProvider> {
    Router::new()
        .route("/", get(browser::home))
        .route("/favicon.ico", get(|| async { StatusCode::NO_CONTENT }))
        .route(browser::AUTHORIZE, get(browser::get_authorize))
        .route(browser::LOGIN, get(browser::get_login).post(browser::post_login))
        .route(browser::LOGOUT, get(browser::get_logout))
        .fallback(|| async { (StatusCode::NOT_FOUND, "not found\n").into_response() })
}
