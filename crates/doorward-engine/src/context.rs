//! What one request carries from our outermost layer to its response.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use doorward_core::csrf::{CsrfMode, CsrfPassed};
use doorward_core::request::RequestView;
use http::header::ORIGIN;
use http::{HeaderValue, Uri};

use crate::auth::Engine;
use crate::session::Session;

/// One request's context: the guard's verdict is remembered in it, and the response is written from it.
///
/// The shell's outermost layer makes one per request and hands it inwards; a guard that finds none
/// refuses with 500 `not_configured`, so a forgotten layer never lets anybody through.
pub struct RequestContext {
    pub(crate) engine: Engine,
    /// The request target before any router took a prefix off it.
    pub(crate) uri: Uri,
    /// The caller's origin, where it is one of `app_origins`.
    pub(crate) app_origin: Option<HeaderValue>,
    passed: Mutex<Option<Passed>>,
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
        let inner = &engine.inner;
        let app_origin = (!inner.origins.app().is_empty())
            .then(|| view.header_once(&ORIGIN).ok().flatten())
            .flatten()
            .and_then(|origin| inner.origins.match_app(origin))
            .and_then(|origin| HeaderValue::from_str(origin.as_str()).ok());
        Arc::new(Self {
            engine: engine.clone(),
            uri: view.uri.clone(),
            app_origin,
            passed: Mutex::new(None),
        })
    }

    /// The engine that this request runs under.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The request target before any router took a prefix off it.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The session of this request, once a guard has passed it.
    #[must_use]
    pub fn session(&self) -> Option<Session> {
        self.passed().as_ref().map(|passed| passed.session.clone())
    }

    pub(crate) fn passed(&self) -> MutexGuard<'_, Option<Passed>> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for RequestContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestContext")
            .field("path", &self.uri.path())
            .finish_non_exhaustive()
    }
}
