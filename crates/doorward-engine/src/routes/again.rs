//! A login that begins anew: at most once, counted in its ticket, and only for whoever holds the ticket.

use std::sync::Arc;

use doorward_core::code::Code;
use doorward_core::login_ticket::LoginTicket;
use doorward_core::return_url::ReturnUrl;
use doorward_core::tenant::{HostName, TenantId, TenantName};
use doorward_oidc::LoginParameters;
use http::HeaderMap;

use super::login::LoginRequest;
use crate::login_failure::LoginFailure;
use crate::provider::ProviderState;
use crate::reply::Reply;
use crate::site::Here;

/// Why a login begins anew, and so what is asked of the provider.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Because {
    /// It took too long: the same is asked.
    TooLate,
    /// The provider said that the user has to sign in: it is asked for just that.
    LoginRequired,
}

/// What a ticket says of its login, kept while the ticket itself is used up.
pub(super) struct Again {
    tenant: Option<TenantId>,
    tenant_name: Option<TenantName>,
    tenant_custom_domain: Option<HostName>,
    max_age: Option<u64>,
    acr_values: Option<String>,
    is_silent: bool,
    return_url: ReturnUrl,
    carried: Vec<(String, String)>,
    is_second: bool,
    is_step_up: bool,
}

impl Here<'_> {
    /// Reads a ticket for a login that may have to begin anew.
    pub(super) fn again(self, ticket: &LoginTicket) -> Again {
        Again {
            tenant: ticket.tenant.clone(),
            tenant_name: ticket.tenant_name.clone(),
            tenant_custom_domain: ticket.tenant_custom_domain.clone(),
            max_age: ticket.pending.max_age(),
            acr_values: ticket.pending.acr_values().map(str::to_owned),
            is_silent: ticket.prompt_none,
            return_url: self.return_url_of(ticket),
            carried: ticket.carried.clone(),
            is_second: ticket.restarts > 0,
            is_step_up: ticket.is_step_up,
        }
    }

    /// Where a login leads, judged anew: the configuration may have changed since it began.
    pub(super) fn return_url_of(self, ticket: &LoginTicket) -> ReturnUrl {
        ReturnUrl::parse(&ticket.return_url, &self.site.origins)
            .unwrap_or_else(|| self.site.urls.default_return_url.clone())
    }

    /// Begins a login anew.
    ///
    /// # Errors
    /// `otherwise`, where it has begun anew before.
    pub(super) async fn begin_again(
        self,
        headers: &HeaderMap,
        provider: &Arc<ProviderState>,
        again: Again,
        because: Because,
        otherwise: LoginFailure,
    ) -> Result<Reply, LoginFailure> {
        if again.is_second {
            return Err(otherwise);
        }
        let prompt = match because {
            Because::TooLate => again.is_silent.then_some("none"),
            Because::LoginRequired => Some("login"),
        };
        let request = LoginRequest {
            provider: Arc::clone(provider),
            tenant: again.tenant,
            tenant_name: again.tenant_name,
            tenant_custom_domain: again.tenant_custom_domain,
            parameters: LoginParameters {
                max_age: again.max_age,
                acr_values: again.acr_values,
                prompt: prompt.map(str::to_owned),
                ..LoginParameters::default()
            },
            return_url: again.return_url,
            carried: again.carried,
            restarts: 1,
            is_step_up: again.is_step_up,
        };
        self.begin_login(headers, request).await
    }

    /// The provider that a login began at.
    ///
    /// # Errors
    /// RFC 9700 §4.4: a login that began at another provider is not finished at this one; not even this one's metadata is
    /// asked for.
    pub(super) fn provider_of_login(self, ticket: &LoginTicket) -> Result<Arc<ProviderState>, LoginFailure> {
        self.site
            .providers
            .named(&ticket.provider)
            .map(Arc::clone)
            .ok_or_else(|| {
                let reason = "login began at another provider than those of this site";
                LoginFailure::new(Code::IssuerMismatch, reason)
            })
    }
}
