//! What one request carries from our outermost layer to its response.

use std::sync::{Arc, OnceLock};

use doorward_core::csrf::{CsrfMode, CsrfPassed};
use doorward_core::request::RequestView;
use http::HeaderValue;
use http::header::ORIGIN;
use http::uri::PathAndQuery;

use crate::auth::Engine;
use crate::session::Session;
use crate::site::{Here, Site};

/// One request's context: the guard's verdict is remembered in it, and the response is written from it.
///
/// The shell's outermost layer makes one per request and hands it inwards; a guard that finds none
/// refuses with 500 `not_configured`, so a forgotten layer never lets anybody through.
pub struct RequestContext {
    pub(crate) engine: Engine,
    /// The request target before any router took a prefix off it.
    target: Option<PathAndQuery>,
    site: Arc<Site>,
    /// The caller's origin, where it is one of `app_origins`.
    pub(crate) app_origin: Option<HeaderValue>,
    /// Of the two modes of the CSRF check, in the order of [`RequestContext::passed`].
    passed: [OnceLock<Passed>; 2],
}

/// A guard's pass: whoever comes later in the same request needs no second check of it.
pub(crate) struct Passed {
    pub(crate) session: Session,
    pub(crate) csrf: CsrfPassed,
    pub(crate) mode: CsrfMode,
}

impl RequestContext {
    /// Begins a request.
    #[must_use]
    pub fn new(engine: &Engine, view: RequestView<'_>) -> Arc<Self> {
        let site = &engine.inner.home;
        let app_origin = (!site.origins.app().is_empty())
            .then(|| view.header_once(&ORIGIN).ok().flatten())
            .flatten()
            .and_then(|origin| site.origins.match_app(origin))
            .and_then(|origin| HeaderValue::from_str(origin.as_str()).ok());
        Arc::new(Self {
            engine: engine.clone(),
            site: Arc::clone(site),
            target: view.uri.path_and_query().cloned(),
            app_origin,
            passed: Default::default(),
        })
    }

    /// The engine that this request runs under.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The engine at the site that this request is for.
    pub(crate) fn here(&self) -> Here<'_> {
        Here {
            inner: &self.engine.inner,
            site: &self.site,
        }
    }

    /// The request's path and query before any router took a prefix off it.
    #[must_use]
    pub fn target(&self) -> &str {
        self.target.as_ref().map_or("/", PathAndQuery::as_str)
    }

    /// The session of this request, once a guard has passed it.
    #[must_use]
    pub fn session(&self) -> Option<&Session> {
        self.passed().map(|passed| &passed.session)
    }

    /// The stronger of the passes there are.
    pub(crate) fn passed(&self) -> Option<&Passed> {
        let [by_token, by_origin] = &self.passed;
        by_token.get().or_else(|| by_origin.get())
    }

    /// Remembers a pass; the first of its mode stays, for it is what others may have built on.
    pub(crate) fn remember(&self, passed: Passed) -> &Passed {
        let [by_token, by_origin] = &self.passed;
        let place = match passed.mode {
            CsrfMode::Token => by_token,
            CsrfMode::Origin => by_origin,
        };
        place.get_or_init(|| passed)
    }
}

impl std::fmt::Debug for RequestContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestContext")
            .field("path", &self.target.as_ref().map(PathAndQuery::path))
            .finish_non_exhaustive()
    }
}
