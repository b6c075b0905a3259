//! A place at which this application is met: an origin, our own addresses there, and whom it serves.

use std::ops::Deref;
use std::sync::Arc;

use doorward_core::origin::{AllowedOrigins, PublicUrl};
use doorward_core::return_url::ReturnUrl;
use doorward_core::session::OpenedIdentity;
use doorward_core::tenant::{Tenant, TenantScope};

use crate::auth::Inner;
use crate::provider::ProviderState;

/// One place; an instance has one, or one per tenant.
pub(crate) struct Site {
    pub(crate) public_url: PublicUrl,
    pub(crate) origins: AllowedOrigins,
    pub(crate) urls: Urls,
    /// Whose it is; `None` where it is everybody's, or nobody's.
    pub(crate) tenant: Option<Arc<Tenant>>,
    pub(crate) scope: TenantScope,
    /// Who signs people in here; the first unless the login's tenant has another.
    pub(crate) providers: Providers,
}

/// Our own addresses at a site, made once from the configuration and never from a request.
pub(crate) struct Urls {
    pub(crate) login: String,
    pub(crate) logout: String,
    pub(crate) callback: String,
    pub(crate) default_return_url: ReturnUrl,
    pub(crate) post_logout: ReturnUrl,
    /// Whether the application chose it: then its provider knows it too.
    pub(crate) post_logout_is_ours: bool,
}

/// The providers whose sessions count at a site; at least one.
pub(crate) struct Providers {
    first: Arc<ProviderState>,
    /// With their names in the configuration.
    others: Vec<(String, Arc<ProviderState>)>,
}

impl Providers {
    pub(crate) fn one(provider: Arc<ProviderState>) -> Self {
        Self {
            first: provider,
            others: Vec::new(),
        }
    }

    /// These, the first in front; `None` where there are none.
    pub(crate) fn of(providers: &[(String, Arc<ProviderState>)]) -> Option<Self> {
        let ((_, first), others) = providers.split_first()?;
        Some(Self {
            first: Arc::clone(first),
            others: others.to_vec(),
        })
    }

    pub(crate) fn first(&self) -> &Arc<ProviderState> {
        &self.first
    }

    /// The provider that a session was begun at, where it is one of these.
    ///
    /// # Security
    /// Another provider's subject is somebody else, and its tokens are not for this one: a session of
    /// none of these must not act here.
    pub(crate) fn of_session(&self, opened: &OpenedIdentity) -> Option<&Arc<ProviderState>> {
        self.iter().find(|provider| opened.is_of_provider(provider.tag))
    }

    /// The provider of this issuer and client.
    pub(crate) fn named(&self, name: &str) -> Option<&Arc<ProviderState>> {
        self.iter().find(|provider| provider.name == name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<ProviderState>> {
        std::iter::once(&self.first).chain(self.others.iter().map(|(_, provider)| provider))
    }

    /// What follows `/callback` in the redirect URI of each further provider.
    pub(crate) fn further_callbacks(&self) -> impl Iterator<Item = String> {
        self.others.iter().map(|(name, _)| format!("/{name}"))
    }

    /// What follows `/callback` in the redirect URI of a provider; nothing for the first.
    fn callback_of(&self, provider: &Arc<ProviderState>) -> String {
        let name = self.others.iter().find(|(_, other)| Arc::ptr_eq(other, provider));
        name.map(|(name, _)| format!("/{name}")).unwrap_or_default()
    }
}

impl Site {
    /// The redirect URI of logins at a provider.
    pub(crate) fn callback_of(&self, provider: &Arc<ProviderState>) -> String {
        format!("{}{}", self.urls.callback, self.providers.callback_of(provider))
    }

    /// Whether a request came to the redirect URI of logins at a provider.
    ///
    /// # Security
    /// RFC 9700 §4.4.2.2: at a host of several providers, one that is dishonest sends the browser on to an honest one and is
    /// handed its code, where that one sends no `iss`. The honest provider answers to its own redirect URI and no other.
    pub(crate) fn is_callback_of(&self, provider: &Arc<ProviderState>, path: &str) -> bool {
        path.ends_with(&format!("/callback{}", self.providers.callback_of(provider)))
    }
}

/// The engine at the site of a request: what every answer with an address in it is made by.
#[derive(Clone, Copy)]
pub(crate) struct Here<'r> {
    pub(crate) inner: &'r Arc<Inner>,
    pub(crate) site: &'r Arc<Site>,
}

/// [`Here`], for work that outlives the request's frame.
pub(crate) struct OwnedHere {
    inner: Arc<Inner>,
    site: Arc<Site>,
}

impl Here<'_> {
    pub(crate) fn to_owned(self) -> OwnedHere {
        OwnedHere {
            inner: Arc::clone(self.inner),
            site: Arc::clone(self.site),
        }
    }
}

impl OwnedHere {
    pub(crate) fn here(&self) -> Here<'_> {
        Here {
            inner: &self.inner,
            site: &self.site,
        }
    }
}

impl Deref for Here<'_> {
    type Target = Arc<Inner>;

    fn deref(&self) -> &Self::Target {
        self.inner
    }
}
