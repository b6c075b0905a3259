//! The demo: a backend with guarded endpoints and the small web app that calls them.

mod api;
mod assets;
mod loopback;
mod page;
mod request_log;

use std::time::Duration;

use axum::{Router, middleware};
use doorward::Doorward;
use url::Url;

use crate::listen::Stopping;
use loopback::Loopback;

/// What the demo needs to know beside `auth`.
pub(crate) struct Demo {
    /// What browsers call the app.
    pub(crate) public_url: Url,
    /// Origins of other frontends; pages under their hosts stay where they are.
    pub(crate) app_origins: Vec<String>,
    /// The provider's origin, where signing out leads.
    pub(crate) provider_origin: String,
    /// Whether access tokens are accepted beside sessions.
    pub(crate) takes_bearer: bool,
    /// How long ago somebody may have signed in to read what only a fresh sign-in may.
    pub(crate) recent_age: Duration,
    /// Held by sockets until they have said farewell.
    pub(crate) stopping: Stopping,
}

impl Demo {
    /// Puts backend, page and login endpoints together.
    pub(crate) fn router(self, auth: &Doorward) -> Router {
        let loopback = Loopback::new(self.public_url, &self.app_origins);
        page::add(
            api::routes(auth, self.takes_bearer, self.recent_age),
            &self.provider_origin,
            self.takes_bearer,
        )
        .build()
        .with_state(self.stopping)
        .layer(middleware::from_fn_with_state(loopback, loopback::redirect))
        .layer(middleware::from_fn(request_log::log))
    }
}
