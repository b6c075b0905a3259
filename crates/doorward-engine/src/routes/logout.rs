//! `/auth/logout`: ends the session here first, then at the provider.
//!
//! It needs no CSRF token: an origin that is ours, or one of `app_origins`, suffices. Logging out twice,
//! or without a session, answers the same as logging out.

use std::sync::Arc;
use std::time::Duration;

use doorward_core::code::Code;
use doorward_core::csrf::{get_logout_allowed, logout_origin_passes};
use doorward_core::request::RequestView;
use doorward_crypto::{SecretString, random_token};
use doorward_oidc::{EndSession, ProviderMetadata, end_session_url};
use http::{Method, StatusCode};
use serde_json::json;
use tokio::sync::oneshot;

use crate::begin::Before;
use crate::farewell::Farewell;
use crate::page::{Action, page};
use crate::problem::Denial;
use crate::provider::ProviderState;
use crate::reply::Reply;
use crate::site::Here;
use crate::token_calls;

/// How long a logout waits for the provider: once to take the refresh token back, once for its metadata.
const PROVIDER_LIMIT: Duration = Duration::from_secs(2);

impl Here<'_> {
    pub(super) async fn logout(self, view: RequestView<'_>) -> Reply {
        let navigation = match *view.method {
            Method::POST if logout_origin_passes(view, &self.site.origins) => view.is_document_navigation(),
            Method::POST => return self.refuse(&Denial::new(Code::CrossOrigin)),
            Method::GET if get_logout_allowed(view) => true,
            Method::GET => return self.logout_page().await,
            _ => return self.method_not_allowed("GET, POST"),
        };
        // Security: the session ends here before anybody else is asked.
        let (farewells, failed) = self.end_presented(view.headers, Before::default(), None).await;
        if let Some(error) = failed {
            if self.outside_logout.failed.is_due(self.ports.clock.monotonic()) {
                tracing::error!(%error, "session store did not answer; the session could not be ended");
            }
            // What did end is taken back all the same: the next try finds nothing of it.
            for farewell in farewells {
                if let Some(token) = farewell.refresh_token {
                    self.revoke_in_background(&farewell.provider, token);
                }
            }
            let pause = Duration::from_secs(1);
            return self.refuse(&Denial::unavailable(Code::StoreUnavailable, pause));
        }
        if !farewells.is_empty() {
            tracing::info!("signed out");
        }
        let signed_in_at = farewells.iter().find(|farewell| farewell.id_token.is_some());
        let signed_in_at = signed_in_at.or(farewells.first());
        let id_token = signed_in_at.and_then(|farewell| farewell.id_token.clone());
        let tenant = signed_in_at.and_then(|farewell| farewell.tenant.clone());
        let provider = signed_in_at.map_or_else(
            || Arc::clone(self.site.providers.first()),
            |farewell| Arc::clone(&farewell.provider),
        );
        self.revoke_within(farewells, PROVIDER_LIMIT).await;
        let hint = id_token.as_ref().filter(|_| navigation);
        let location = match &provider.platform {
            Some(platform) => {
                let farewell = self.platform_logout(&provider, platform, tenant.as_ref(), view);
                let farewell = self
                    .ports
                    .within(PROVIDER_LIMIT, Box::pin(farewell))
                    .await
                    .and_then(Result::ok);
                farewell.unwrap_or_else(|| self.site.urls.post_logout.location())
            }
            None => self.provider_logout(&provider, hint).await,
        };
        let mut reply = if navigation {
            Reply::redirect(StatusCode::SEE_OTHER, &location)
        } else {
            Reply::json(StatusCode::OK, &json!({ "logoutUrl": location }))
        };
        reply.add_cookies(self.deletion_cookies());
        reply
    }

    /// Any other GET changes nothing: a page with one button.
    async fn logout_page(self) -> Reply {
        let provider = self.site.providers.first();
        let leads_to = match &provider.platform {
            // Each tenant says farewell at a host of its own.
            Some(platform) => Some(format!("{}:", platform.config().platform().scheme())),
            None => self.metadata_soon(provider).await.and_then(|metadata| {
                let endpoint = metadata.end_session_endpoint()?;
                Some(endpoint.url().origin().ascii_serialization())
            }),
        };
        page(
            StatusCode::OK,
            "Sign out?",
            "You will be signed out of this application.",
            "",
            &Action::Post {
                label: "Sign out",
                url: &self.site.urls.logout,
                leads_to,
            },
        )
    }

    /// Takes refresh tokens back; the calls go on where the limit ends the waiting.
    async fn revoke_within(self, farewells: Vec<Farewell>, limit: Duration) {
        let revocable = |farewell: Farewell| Some((farewell.provider, farewell.refresh_token?));
        let tokens: Vec<_> = farewells.into_iter().filter_map(revocable).collect();
        if tokens.is_empty() {
            return;
        }
        let (sender, receiver) = oneshot::channel::<()>();
        let ports = self.ports.clone();
        self.ports.tasks.spawn(Box::pin(async move {
            for (provider, refresh_token) in tokens {
                token_calls::revoke(provider, ports.clone(), refresh_token).await;
            }
            let _ = sender.send(());
        }));
        self.ports.within(limit, receiver).await;
    }

    /// The provider's metadata, where it can be had without letting a farewell wait for long.
    async fn metadata_soon(self, provider: &Arc<ProviderState>) -> Option<Arc<ProviderMetadata>> {
        let metadata = provider.metadata(&self.ports);
        self.ports.within(PROVIDER_LIMIT, metadata).await?.ok()
    }

    /// Where the browser says farewell to the provider; home where it has no such place or is out of reach.
    async fn provider_logout(self, provider: &Arc<ProviderState>, id_token_hint: Option<&SecretString>) -> String {
        let home = self.site.urls.post_logout.location();
        let Some(metadata) = self.metadata_soon(provider).await else {
            return home;
        };
        let state = random_token(&*self.ports.random).ok();
        end_session_url(
            &metadata,
            EndSession {
                id_token_hint,
                client_id: provider.settings.client.id(),
                post_logout_redirect_uri: Some(&home),
                state: state.as_deref(),
            },
        )
        .unwrap_or(home)
    }
}
