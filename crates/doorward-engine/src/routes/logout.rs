//! `/auth/logout`: ends the session here first, then at the provider.
//!
//! It needs no CSRF token: an origin that is ours, or one of `app_origins`, suffices. Logging out twice,
//! or without a session, answers the same as logging out.

use std::sync::Arc;
use std::time::Duration;

use doorward_core::code::Code;
use doorward_core::csrf::{get_logout_allowed, logout_origin_passes};
use doorward_core::request::RequestView;
use doorward_core::session::{HandleCookie, IdentityCookie, OpenedIdentity};
use doorward_crypto::{SecretString, random_token};
use doorward_oidc::{EndSession, ProviderMetadata, end_session_url};
use http::{HeaderMap, Method, StatusCode};
use serde_json::json;
use tokio::sync::oneshot;

use crate::auth::{Inner, SessionPlace};
use crate::newest::{Known, Newest};
use crate::page::{Action, page};
use crate::problem::Denial;
use crate::reply::Reply;
use crate::token_calls;

/// How long a logout waits for the provider: once to take the refresh token back, once for its metadata.
const PROVIDER_LIMIT: Duration = Duration::from_secs(2);

/// What an ended session leaves for its farewell at the provider.
#[derive(Default)]
struct Farewell {
    refresh_token: Option<SecretString>,
    id_token: Option<SecretString>,
}

impl Inner {
    pub(super) async fn logout(self: &Arc<Self>, view: RequestView<'_>) -> Reply {
        let navigation = match *view.method {
            Method::POST if logout_origin_passes(view, &self.origins) => view.is_document_navigation(),
            Method::POST => return self.refuse(&Denial::new(Code::CrossOrigin)),
            Method::GET if get_logout_allowed(view) => true,
            Method::GET => return self.logout_page().await,
            _ => return self.method_not_allowed("GET, POST"),
        };
        // Security: the session ends here before anybody else is asked.
        let farewell = match self.end_presented(view.headers).await {
            Ok(farewell) => farewell,
            Err(denial) => return self.refuse(&denial),
        };
        if let Some(refresh_token) = farewell.refresh_token {
            self.revoke_within(refresh_token, PROVIDER_LIMIT).await;
        }
        let hint = farewell.id_token.as_ref().filter(|_| navigation);
        let location = self.provider_logout(hint).await;
        let mut reply = if navigation {
            Reply::redirect(StatusCode::SEE_OTHER, &location)
        } else {
            Reply::json(StatusCode::OK, &json!({ "logoutUrl": location }))
        };
        reply.add_cookies(self.deletion_cookies());
        reply
    }

    /// Any other GET changes nothing: a page with one button.
    async fn logout_page(&self) -> Reply {
        let leads_to = self.metadata_soon().await.and_then(|metadata| {
            let endpoint = metadata.end_session_endpoint()?;
            Some(endpoint.url().origin().ascii_serialization())
        });
        page(
            StatusCode::OK,
            "Sign out?",
            "You will be signed out of this application.",
            "",
            &Action::Post {
                label: "Sign out",
                url: &self.urls.logout,
                leads_to,
            },
        )
    }

    /// Ends whatever session the request presents.
    async fn end_presented(self: &Arc<Self>, headers: &HeaderMap) -> Result<Farewell, Denial> {
        match &self.place {
            SessionPlace::Cookie(newest) => match self.codec.find_identity(headers) {
                IdentityCookie::Opened(opened) => Ok(self.end_sealed(newest, headers, &opened)),
                _ => Ok(Farewell::default()),
            },
            SessionPlace::Store(store) => {
                let HandleCookie::Found(handle) = self.codec.find_handle(headers) else {
                    return Ok(Farewell::default());
                };
                let tokens = self.end_stored(store, &handle).await.map_err(|error| {
                    tracing::error!(%error, "session store did not answer");
                    Denial::unavailable(Code::StoreUnavailable, Duration::from_secs(1))
                })?;
                Ok(tokens.map_or_else(Farewell::default, |tokens| {
                    tracing::info!("signed out");
                    Farewell {
                        refresh_token: tokens.refresh_token,
                        id_token: tokens.id_token,
                    }
                }))
            }
        }
    }

    fn end_sealed(&self, newest: &Newest, headers: &HeaderMap, opened: &OpenedIdentity) -> Farewell {
        let newer = match newest.look(opened.id(), opened.revision()) {
            Known::Newer(state) => state.tokens.clone(),
            Known::Ended(_) => return Farewell::default(),
            Known::Nothing => None,
        };
        let tokens = newer.or_else(|| {
            self.codec
                .open_tokens(headers, opened.id())
                .map(|(tokens, _)| Arc::new(tokens))
        });
        newest.end(
            opened.id(),
            Code::SessionRevoked,
            opened.absolute_expires_at(),
            self.ports.clock.now(),
        );
        tracing::info!("signed out");
        tokens.map_or_else(Farewell::default, |tokens| Farewell {
            refresh_token: tokens.refresh_token.clone(),
            id_token: tokens.id_token.clone(),
        })
    }

    /// The refresh token of a sealed session, for taking it back.
    pub(crate) fn refresh_token_of(
        &self,
        newest: &Newest,
        headers: &HeaderMap,
        opened: &OpenedIdentity,
    ) -> Option<SecretString> {
        match newest.look(opened.id(), opened.revision()) {
            Known::Ended(_) => None,
            Known::Newer(state) if state.tokens.is_some() => {
                state.tokens.as_ref().and_then(|tokens| tokens.refresh_token.clone())
            }
            _ => self
                .codec
                .open_tokens(headers, opened.id())
                .and_then(|(tokens, _)| tokens.refresh_token),
        }
    }

    /// Takes the refresh token back; the call goes on where the limit ends the waiting.
    async fn revoke_within(self: &Arc<Self>, refresh_token: SecretString, limit: Duration) {
        let (sender, receiver) = oneshot::channel::<()>();
        let (provider, ports) = (Arc::clone(&self.provider), self.ports.clone());
        self.ports.tasks.spawn(Box::pin(async move {
            token_calls::revoke(provider, ports, refresh_token).await;
            let _ = sender.send(());
        }));
        self.ports.within(limit, receiver).await;
    }

    /// The provider's metadata, where it can be had without letting a farewell wait for long.
    async fn metadata_soon(&self) -> Option<Arc<ProviderMetadata>> {
        let metadata = self.provider.metadata(&self.ports);
        self.ports.within(PROVIDER_LIMIT, metadata).await?.ok()
    }

    /// Where the browser says farewell to the provider; home where it has no such place or is out of reach.
    async fn provider_logout(&self, id_token_hint: Option<&SecretString>) -> String {
        let home = self.urls.post_logout.location();
        let Some(metadata) = self.metadata_soon().await else {
            return home;
        };
        let state = random_token(&*self.ports.random).ok();
        end_session_url(
            &metadata,
            EndSession {
                id_token_hint,
                client_id: &self.provider.settings.client.client_id,
                post_logout_redirect_uri: Some(&home),
                state: state.as_deref(),
            },
        )
        .unwrap_or(home)
    }
}
