//! Which path leads where.

use axum::{
    Router,
    http::StatusCode,
    middleware,
    routing::{get, post},
};

use crate::{
    authorize, backchannel, control, discovery, guard, login, logout, pages, platform, provider::DevProvider,
    revocation, token, userinfo,
};

impl DevProvider {
    /// All endpoints, ready to be served.
    ///
    /// # Security
    /// Whoever reaches these routes can be any user. They answer loopback Host names only; listen on loopback as well.
    pub fn router(&self) -> Router {
        let standard = Router::new()
            .route("/", get(pages::home))
            .route("/favicon.ico", get(|| async { StatusCode::NO_CONTENT }))
            .route("/.well-known/openid-configuration", get(discovery::configuration))
            .route(discovery::AUTHORIZE, get(authorize::get).post(authorize::post))
            .route(discovery::LOGIN, post(login::post))
            .route(discovery::TOKEN, post(token::post))
            .route(discovery::USERINFO, get(userinfo::respond).post(userinfo::respond))
            .route(discovery::JWKS, get(discovery::jwks))
            .route(discovery::REVOKE, post(revocation::revoke))
            .route(discovery::INTROSPECT, post(revocation::introspect))
            .route(discovery::END_SESSION, get(logout::get).post(logout::post))
            .merge(control_routes())
            .fallback(|| async { (StatusCode::NOT_FOUND, "not found\n") })
            .with_state(self.clone());
        let router = match self.platform() {
            Some(_) => platform::mount(self, standard),
            None => standard,
        };
        router.layer(middleware::from_fn(guard::require_loopback_host))
    }
}

/// What tests turn, at every host.
pub(crate) fn control_routes() -> Router<DevProvider> {
    Router::new()
        .route("/_control/stats", get(control::stats))
        .route("/_control/minted", get(control::minted))
        .route("/_control/platform", get(control::platform))
        .route(
            "/_control/settings",
            get(control::show_settings).post(control::change_settings),
        )
        .route("/_control/backchannel-logout", post(backchannel::control))
}
