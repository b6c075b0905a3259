//! The engine and what it holds.

use std::num::NonZeroUsize;
use std::sync::Arc;

use doorward_core::cookie::CookieSettings;
use doorward_core::csrf::CsrfTokens;
use doorward_core::login_ticket::LoginTickets;
use doorward_core::session::{Lifetimes, SessionCodec};
use doorward_crypto::KeyRing;
use http::HeaderName;

use crate::bearer::BearerVerifier;
use crate::builder::EngineBuilder;
use crate::hints::Hints;
use crate::hooks::Hooks;
use crate::live::Live;
use crate::newest::Newest;
use crate::outside::Ports;
use crate::outside_logout::OutsideLogout;
use crate::provider::ProviderState;
use crate::refresh::Refreshes;
use crate::revocation::Revocations;
use crate::site::{Here, Site};
use crate::sites::Sites;
use crate::stored::StoredSessions;
use crate::used_tickets::UsedTickets;

/// The engine: one guard for every shell. Cloning shares it.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    /// The site of requests that no other site is for.
    pub(crate) home: Arc<Site>,
    /// The sites of tenants, where tenants are known.
    pub(crate) sites: Option<Arc<Sites>>,
    /// The path below which our own endpoints live, at every site.
    pub(crate) base_path: String,
    pub(crate) cookies: CookieSettings,
    /// What codec, tickets and CSRF tokens take their keys from, so that new secrets reach all of them.
    pub(crate) keys: KeyRing,
    pub(crate) codec: SessionCodec,
    pub(crate) tickets: LoginTickets,
    pub(crate) used_tickets: UsedTickets,
    pub(crate) csrf: CsrfTokens,
    pub(crate) csrf_header: HeaderName,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) place: SessionPlace,
    /// How many sessions a user may have at once.
    pub(crate) max_per_user: Option<NonZeroUsize>,
    /// Who was ended of the sessions that live in cookies alone, where processes share that.
    pub(crate) revocations: Option<Arc<Revocations>>,
    pub(crate) outside_logout: OutsideLogout,
    pub(crate) refreshes: Refreshes,
    /// Sessions with live connections.
    pub(crate) live: Arc<Live>,
    pub(crate) hooks: Hooks,
    pub(crate) hints: Hints,
    pub(crate) ports: Ports,
    pub(crate) bearer: Option<Arc<BearerVerifier>>,
    /// The providers by their names in the configuration.
    pub(crate) named: Vec<(String, Arc<ProviderState>)>,
    pub(crate) token_endpoint: bool,
    pub(crate) warnings: Vec<String>,
}

/// Where sessions live.
pub(crate) enum SessionPlace {
    Cookie(Arc<Newest>),
    Store(Box<StoredSessions>),
}

impl Engine {
    /// Begins with nothing set.
    #[must_use]
    pub fn builder() -> EngineBuilder {
        EngineBuilder::default()
    }

    /// Things in the configuration that work but that an operator should know of.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.inner.warnings
    }

    /// The engine where no request says at which site.
    pub(crate) fn at_home(&self) -> Here<'_> {
        Here {
            inner: &self.inner,
            site: &self.inner.home,
        }
    }

    /// Whether two handles share one engine, so that a guard can tell that it stands in its own layer.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// The path below which our own endpoints live, such as `/auth`.
    #[must_use]
    pub fn base_path(&self) -> &str {
        &self.inner.base_path
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("public_url", &self.inner.home.public_url.origin().as_str())
            .finish_non_exhaustive()
    }
}
