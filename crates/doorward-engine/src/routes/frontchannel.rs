//! `GET /auth/frontchannel-logout?iss=…&sid=…`: the provider frames us while somebody signs out there (OpenID Connect Front-Channel
//! Logout §2, §3).
//!
//! Nothing of it is signed, and any page can frame us. So it names exactly one session of the provider, and ends:
//!
//! 1. of the sessions that the browser shows, that one and no other;
//! 2. where the browser shows none that lives, as most do in a frame of another site, the stored session of that ID, for whoever knows the
//!    ID. Providers make it up at random and tell it to nobody but us and the user's browser; a short one could be guessed, and ends nothing
//!    this way.
//!
//! Sessions in cookies alone end by the first way only: strangers must not be able to fill the revocation store.
//!
//! What is answered does not say whether there was such a session. No token is taken back: the provider knows by itself.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use doorward_core::code::Code;
use doorward_core::ports::StoreError;
use doorward_core::request::RequestView;
use doorward_oidc::{FrontChannelLogout, Params};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, StatusCode};

use crate::auth::SessionPlace;
use crate::newest::Newest;
use crate::problem::Denial;
use crate::provider::ProviderState;
use crate::reply::Reply;
use crate::site::Here;
use crate::stored::{Found, StoredSessions};

/// The shortest session ID of a provider that counts as impossible to guess, in bytes.
const SHORTEST_UNGUESSABLE: usize = 16;

/// How long the answer waits for the provider's metadata, which may name a further origin that frames us.
const PROVIDER_LIMIT: Duration = Duration::from_secs(2);

impl Here<'_> {
    pub(super) async fn frontchannel_logout(self, view: RequestView<'_>) -> Reply {
        if *view.method != Method::GET {
            return self.method_not_allowed("GET");
        }
        let issuers = self
            .site
            .providers
            .iter()
            .map(|provider| provider.settings.issuer.as_str());
        let logout = Params::parse(view.uri.query().unwrap_or_default())
            .map_err(|error| error.to_string())
            .and_then(|params| FrontChannelLogout::parse(&params, issuers).map_err(|error| error.to_string()));
        let logout = match logout {
            Ok(logout) => logout,
            Err(reason) => {
                tracing::debug!(reason, "front-channel logout refused");
                return self.refuse(&Denial::new(Code::RequestMalformed));
            }
        };
        // One issuer may know us as several clients.
        let named = |provider: &&Arc<ProviderState>| provider.settings.issuer.as_str() == logout.issuer();
        let providers: Vec<_> = self.site.providers.iter().filter(named).collect();
        match self.end_framed(view.headers, &providers, logout.session_id()).await {
            Ok(ended_here) => self.framed(&providers, ended_here).await,
            Err(error) => {
                if self.outside_logout.failed.is_due(self.ports.clock.monotonic()) {
                    tracing::error!(%error, "a front-channel logout could not be carried out; it is to be tried again");
                }
                let pause = Duration::from_secs(1);
                self.refuse(&Denial::unavailable(Code::StoreUnavailable, pause))
            }
        }
    }

    /// Ends what the frame means, and says whether it was a session that the browser showed.
    async fn end_framed(
        self,
        headers: &HeaderMap,
        providers: &[&Arc<ProviderState>],
        session_id: &str,
    ) -> Result<bool, StoreError> {
        match &self.place {
            SessionPlace::Cookie(newest) => self.end_framed_sealed(newest, headers, providers, session_id).await,
            SessionPlace::Store(stored) => {
                let _turn = self.outside_logout.turn_of_frame(&self.ports).await?;
                if let Some(ended) = self.end_shown(stored, headers, providers, session_id).await? {
                    return Ok(ended);
                }
                if session_id.len() >= SHORTEST_UNGUESSABLE {
                    for provider in providers {
                        self.end_by_frame(provider, session_id).await?;
                    }
                }
                Ok(false)
            }
        }
    }

    /// Of the stored sessions that the browser shows; `None` where it shows none that lives.
    async fn end_shown(
        self,
        stored: &StoredSessions,
        headers: &HeaderMap,
        providers: &[&Arc<ProviderState>],
        session_id: &str,
    ) -> Result<Option<bool>, StoreError> {
        let mut ended = None;
        for handle in self.codec.every_handle(headers) {
            let key = handle.store_key();
            let Found::Live(kept) = stored.load(&self.ports, &key).await? else {
                continue;
            };
            let is_meant = kept.record.summary().is_some_and(|summary| {
                summary.provider_session_id.as_deref() == Some(session_id)
                    && providers.iter().any(|provider| provider.name == summary.provider)
            });
            if is_meant {
                stored.end(&self.ports, &key).await?;
            }
            ended = Some(is_meant || ended.unwrap_or(false));
        }
        Ok(ended)
    }

    async fn end_framed_sealed(
        self,
        newest: &Newest,
        headers: &HeaderMap,
        providers: &[&Arc<ProviderState>],
        session_id: &str,
    ) -> Result<bool, StoreError> {
        let now = self.ports.clock.now();
        let mut meant = self.codec.every_identity(headers);
        meant.retain(|opened| {
            let is_of = |provider: &&Arc<ProviderState>| opened.is_of_provider(provider.tag);
            let body = opened.body();
            providers.iter().any(is_of) && body.is_ok_and(|body| body.provider_session_id == Some(session_id))
        });
        let ends: Vec<_> = meant
            .iter()
            .map(|opened| (opened.id(), opened.absolute_expires_at(), None))
            .collect();
        for (id, until, _) in &ends {
            // Ended twice is ended.
            let _ = newest.end(id, Code::SessionRevoked, *until, now);
        }
        let ended = !ends.is_empty();
        if let Some(revocations) = &self.revocations {
            revocations.end_sessions(&self.ports, ends).await?;
        }
        Ok(ended)
    }

    /// The empty page that the provider may frame, and nobody else.
    async fn framed(self, providers: &[&Arc<ProviderState>], ended_here: bool) -> Reply {
        let mut reply = Reply::new(StatusCode::OK);
        let mut ancestors: Vec<String> = Vec::new();
        for provider in providers {
            ancestors.push(provider.settings.issuer.origin());
            // A provider may show its logout page at another origin than the one it is named by.
            let metadata = self.ports.within(PROVIDER_LIMIT, provider.metadata(&self.ports)).await;
            if let Some(Ok(metadata)) = metadata
                && let Some(endpoint) = metadata.end_session_endpoint()
            {
                ancestors.push(endpoint.url().origin().ascii_serialization());
            }
        }
        ancestors.dedup();
        let policy = format!("default-src 'none'; frame-ancestors {}", ancestors.join(" "));
        let policy = HeaderValue::from_str(&policy);
        reply.set(
            header::CONTENT_SECURITY_POLICY,
            policy.unwrap_or(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
        );
        reply.set(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        );
        reply.set(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        reply.set(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        reply.body = Bytes::from_static(b"<!doctype html><title>Signed out</title>");
        if ended_here {
            reply.add_cookies(self.deletion_cookies());
        }
        reply
    }
}
