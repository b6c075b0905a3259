//! What one request carries from our outermost layer to its response.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use doorward_core::code::Code;
use doorward_core::csrf::{CsrfMode, CsrfPassed};
use doorward_core::policy::Rule;
use doorward_core::ports::BoxFuture;
use doorward_core::request::RequestView;
use doorward_core::session::SeenFrom;
use http::HeaderValue;
use http::header::{ORIGIN, USER_AGENT};
use http::uri::PathAndQuery;
use tokio::sync::OnceCell;

use crate::auth::{Engine, SessionPlace};
use crate::caller::Bearer;
use crate::session::Session;
use crate::site::Here;
use crate::sites::{Finder, Finding};

/// One request's context: the guard's verdict is remembered in it, and the response is written from it.
///
/// The shell's outermost layer makes one per request and hands it inwards; a guard that finds none
/// refuses with 500 `not_configured`, so a forgotten layer never lets anybody through.
pub struct RequestContext {
    pub(crate) engine: Engine,
    /// The request target before any router took a prefix off it.
    target: Option<PathAndQuery>,
    /// Where the request is met; `None` is at home, as everything is without tenants.
    place: Option<Place>,
    /// The caller's origin, where it is one of `app_origins`.
    pub(crate) app_origin: Option<HeaderValue>,
    /// From where the request came, where stored sessions remember that.
    sender: Option<Sender>,
    /// Of the two modes of the CSRF check, in the order of [`RequestContext::passed`].
    passed: [OnceLock<Passed>; 2],
    bearer: OnceLock<Bearer>,
}

/// What a request says of its sender, read only if something is written.
struct Sender {
    user_agent: Option<HeaderValue>,
    peer: Option<IpAddr>,
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
        Self::from_peer(engine, view, None)
    }

    /// Begins a request of which the shell knows from which address it came, for the list of a user's sessions.
    #[must_use]
    pub fn from_peer(engine: &Engine, view: RequestView<'_>, peer: Option<IpAddr>) -> Arc<Self> {
        let inner = &engine.inner;
        let sender = matches!(inner.place, SessionPlace::Store(_)).then(|| Sender {
            user_agent: view.headers.get(USER_AGENT).cloned(),
            peer,
        });
        // The frontends are the same at every site.
        let origins = &inner.home.origins;
        let app_origin = (!origins.app().is_empty())
            .then(|| view.header_once(&ORIGIN).ok().flatten())
            .flatten()
            .and_then(|origin| origins.match_app(origin))
            .and_then(|origin| HeaderValue::from_str(origin.as_str()).ok());
        Arc::new(Self {
            engine: engine.clone(),
            place: inner.sites.as_ref().map(|sites| Place::of(sites.find(view))),
            target: view.uri.path_and_query().cloned(),
            app_origin,
            sender,
            passed: Default::default(),
            bearer: OnceLock::new(),
        })
    }

    /// The engine that this request runs under.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The engine at the site that this request is for; `None` where that is not known yet.
    ///
    /// # Errors
    /// The code of the answer where it is no site's, or where the tenants cannot be looked up.
    pub(crate) fn here(&self) -> Option<Result<Here<'_>, Code>> {
        let site = match &self.place {
            None => Ok(&self.engine.inner.home),
            Some(place) => place.found.get()?.as_ref().map_err(|code| *code),
        };
        Some(site.map(|site| Here {
            inner: &self.engine.inner,
            site,
        }))
    }

    /// [`here`](Self::here), once it is known.
    pub(crate) async fn arrive(&self) -> Result<Here<'_>, Code> {
        if let Some(place) = &self.place {
            place.arrive().await;
        }
        self.here().unwrap_or(Err(Code::StoreUnavailable))
    }

    /// For answers, not for decisions: where the request is no site's, what is said is said at home.
    pub(crate) fn here_or_home(&self) -> Here<'_> {
        match self.here() {
            Some(Ok(here)) => here,
            _ => self.engine.at_home(),
        }
    }

    /// The request's path and query before any router took a prefix off it.
    #[must_use]
    pub fn target(&self) -> &str {
        self.target.as_ref().map_or("/", PathAndQuery::as_str)
    }

    /// From where the request came; `None` where no session remembers it.
    pub(crate) fn seen_from(&self) -> Option<SeenFrom> {
        let sender = self.sender.as_ref()?;
        Some(SeenFrom::of(
            sender.user_agent.as_ref().map(HeaderValue::as_bytes),
            sender.peer,
        ))
    }

    /// The session of this request, once a guard has passed it.
    #[must_use]
    pub fn session(&self) -> Option<&Session> {
        self.passed().map(|passed| &passed.session)
    }

    /// The bearer of an access token, once a guard has passed them.
    #[must_use]
    pub fn bearer(&self) -> Option<&Bearer> {
        self.bearer.get()
    }

    pub(crate) fn remember_bearer(&self, bearer: Bearer) {
        // The header is the same all along: a second guard passes the same token.
        let _ = self.bearer.set(bearer);
    }

    /// Notes a rule that the session of this request passed, so that a live connection ends when it no longer would.
    pub fn note(&self, rule: &Arc<Rule>) {
        if rule.roles().is_empty() && rule.scopes().is_empty() {
            return;
        }
        for passed in self.passed.iter().filter_map(OnceLock::get) {
            passed.session.passed(rule);
        }
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
        place.get_or_init(|| {
            // What the other one has shown holds of the connection.
            for before in self.passed.iter().filter_map(OnceLock::get) {
                before
                    .session
                    .rules()
                    .iter()
                    .for_each(|rule| passed.session.passed(rule));
            }
            passed
        })
    }
}

/// The site of a request, once the tenant directory has answered.
struct Place {
    found: OnceCell<Finding>,
    wait: Mutex<Option<BoxFuture<'static, Finding>>>,
}

impl Place {
    fn of(finder: Finder) -> Self {
        match finder {
            Finder::Ready(finding) => Self {
                found: OnceCell::new_with(Some(finding)),
                wait: Mutex::new(None),
            },
            Finder::Wait(answer) => Self {
                found: OnceCell::new(),
                wait: Mutex::new(Some(answer)),
            },
        }
    }

    async fn arrive(&self) {
        let wait = async {
            let answer = self.wait.lock().unwrap_or_else(PoisonError::into_inner).take();
            match answer {
                Some(answer) => answer.await,
                // Whoever waited before was dropped while waiting, and the request with them.
                None => Err(Code::StoreUnavailable),
            }
        };
        self.found.get_or_init(|| wait).await;
    }
}

impl std::fmt::Debug for RequestContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestContext")
            .field("path", &self.target.as_ref().map(PathAndQuery::path))
            .finish_non_exhaustive()
    }
}
