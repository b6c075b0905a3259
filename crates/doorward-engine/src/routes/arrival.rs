//! From an answer that matches its login to a session: the code is redeemed, the application has its say, and what was before ends.

use std::collections::BTreeMap;
use std::sync::Arc;

use doorward_core::code::Code;
use doorward_core::session::{SeenFrom, SessionHandle, User};
use doorward_oidc::MatchedCallback;
use http::HeaderMap;
use http::header::HeaderValue;
use tokio::sync::oneshot;

use super::tenant_of_user::{Expected, TenantOfUser};
use crate::begin::Before;
use crate::hooks::Login;
use crate::login_failure::LoginFailure;
use crate::provider::ProviderState;
use crate::site::Here;
use crate::succession::Successor;
use crate::token_calls::{self, SignedIn};

/// What a login comes with beside the provider's answer.
pub(super) struct Arrival {
    pub(super) before: Before,
    pub(super) is_step_up: bool,
    pub(super) seen_from: SeenFrom,
}

/// A session that has just begun.
struct Begun {
    cookies: Vec<HeaderValue>,
    handle: SessionHandle,
    successor: Successor,
}

impl Here<'_> {
    /// Redeems the code and begins the session.
    pub(super) async fn complete(
        self,
        headers: &HeaderMap,
        provider: &Arc<ProviderState>,
        expected: &Expected,
        matched: MatchedCallback,
        arrival: Arrival,
    ) -> Result<Vec<HeaderValue>, LoginFailure> {
        // In Tasks: a browser that hangs up now leaves no half-redeemed code behind.
        let (sender, receiver) = oneshot::channel();
        let (at, ports) = (Arc::clone(provider), self.ports.clone());
        self.ports.tasks.spawn(Box::pin(async move {
            let _ = sender.send(token_calls::sign_in(&at, &ports, matched).await);
        }));
        let signed_in = receiver
            .await
            .map_err(|_| LoginFailure::new(Code::ProviderUnavailable, "the server is stopping"))??;
        match self.begin(headers, provider, expected, &signed_in, &arrival).await {
            // The new session stands; only now do the old ones end.
            Ok(begun) => {
                self.end_before(headers, arrival.before, &begun.successor).await;
                self.keep_to_limit(provider, &begun.handle, &begun.successor).await;
                Ok(begun.cookies)
            }
            Err(failure) => {
                if let Some(refresh_token) = signed_in.tokens.refresh_token {
                    self.revoke_in_background(provider, refresh_token);
                }
                Err(failure)
            }
        }
    }

    async fn begin(
        self,
        headers: &HeaderMap,
        provider: &Arc<ProviderState>,
        expected: &Expected,
        signed_in: &SignedIn,
        arrival: &Arrival,
    ) -> Result<Begun, LoginFailure> {
        let handle = SessionHandle::random(&*self.ports.random)
            .map_err(|error| LoginFailure::new(Code::NotConfigured, error))?;
        let tenant = self.check_tenant(provider, expected, signed_in).await?;
        let successor = Successor {
            issuer: signed_in.user.issuer.clone(),
            subject: signed_in.user.subject.clone(),
            tenant: tenant.id.as_str().to_owned(),
            is_step_up: arrival.is_step_up,
        };
        let data = self.data_to_move(headers, &arrival.before, &successor).await?;
        let login = self
            .ask_application(&handle, provider, signed_in, tenant, &expected.carried, data)
            .await?;
        let cookies = self
            .begin_session(&handle, login, &signed_in.tokens, arrival.seen_from.clone())
            .await?;
        Ok(Begun {
            cookies,
            handle,
            successor,
        })
    }

    async fn ask_application(
        self,
        handle: &SessionHandle,
        provider: &ProviderState,
        signed_in: &SignedIn,
        tenant: TenantOfUser,
        carried: &[(String, String)],
        data: BTreeMap<String, String>,
    ) -> Result<Login, LoginFailure> {
        let user = User {
            tenant: tenant.id.as_str().to_owned(),
            ..signed_in.user.clone()
        };
        let mut identity = self.draft_session(handle, user, signed_in, provider);
        identity.provider_tenant = tenant.at_provider;
        self.move_data(data, &mut identity);
        let login = Login {
            identity,
            engine: Arc::clone(self.inner),
            carried: carried.to_vec(),
            wristband: signed_in.platform.as_ref().map(|user| user.info.clone()),
        };
        let Some(hook) = &self.hooks.on_login else {
            return Ok(login);
        };
        hook(login)
            .await
            .map_err(|denied| LoginFailure::new(Code::LoginDenied, denied.reason).of_a_user())
    }
}
