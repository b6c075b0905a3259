//! `GET` and `POST /auth/callback`: judges the provider's answer, and only then makes a session.
//!
//! 1. Parameters are read; a repeated one is 400.
//! 2. The ticket is opened by the answer's `state`; without one nothing else happens.
//! 3. The ticket is used up here, also where the rest fails.
//! 4. The login's provider is the one configured, and `callback::check` compares method, state and `iss`:
//!    **before any network call**, the store's included.
//! 5. The ticket is used up everywhere: remembered in the store, where there is one. A second use makes no token call.
//! 6. The code is redeemed; ID token and userinfo are verified; the application has its say.
//! 7. A fresh session begins; the one present when the login began, and the one present now, end (`succession.rs`).

use bytes::Bytes;
use doorward_core::code::Code;
use doorward_core::cookie::{CookieName, SameSite, SetCookie};
use doorward_core::login_ticket::{LOGIN_LIFETIME, LoginTicket, TicketError};
use doorward_core::ports::{StoreError, StoreKey};
use doorward_core::request::RequestView;
use doorward_core::return_url::ReturnUrl;
use doorward_core::session::{HandleCookie, IdentityCookie, SeenFrom};
use doorward_oidc::{AuthorizationResponse, CallbackError, Params, ProviderErrorCode, ResponseMethod, callback};
use http::header::HeaderValue;
use http::{HeaderMap, Method, StatusCode};

use super::again::Because;
use super::arrival::Arrival;
use super::tenant_of_user::Expected;
use crate::auth::SessionPlace;
use crate::begin::Before;
use crate::login_failure::LoginFailure;
use crate::newest::Known;
use crate::page::{Action, page};
use crate::reply::Reply;
use crate::site::Here;

/// Nobody can say whether the ticket was used. An outage uses nothing up: the same answer may come again when it is over.
struct StoreAway(StoreError);

impl Here<'_> {
    pub(super) async fn callback(self, view: RequestView<'_>, body: Option<Bytes>, seen_from: SeenFrom) -> Reply {
        let method = match *view.method {
            Method::GET => ResponseMethod::Get,
            Method::POST => ResponseMethod::Post,
            _ => return self.method_not_allowed("GET, POST"),
        };
        let params = match response_params(view, method, body.as_ref()) {
            Ok(params) => params,
            Err(failure) => return self.login_failed(&failure),
        };
        let response = match AuthorizationResponse::parse(&params) {
            Ok(response) => response,
            Err(error) => return self.login_failed(&LoginFailure::new(Code::RequestMalformed, error)),
        };
        let Some(state) = response.state() else {
            let code = self.code_without_ticket(view.headers);
            return self.without_ticket(view.headers, code, "answer has no state").await;
        };
        let ticket = match self.tickets.open(view.headers, state, self.ports.clock.now()) {
            Ok(ticket) => ticket,
            Err(TicketError::Expired(ticket)) => return self.restart(view.headers, state, *ticket).await,
            Err(TicketError::Unreadable) => {
                return self
                    .without_ticket(view.headers, Code::LoginMissing, "login ticket cannot be read")
                    .await;
            }
            Err(TicketError::Missing) => {
                let code = self.code_without_ticket(view.headers);
                return self
                    .without_ticket(view.headers, code, "no login of this browser has this state")
                    .await;
            }
        };
        let mut reply = if self.used_tickets.first_use(state, self.ports.clock.now()) {
            match self.judge(view, method, state, &response, ticket, seen_from).await {
                Ok(reply) => reply,
                Err(StoreAway(error)) => {
                    self.used_tickets.take_back(state);
                    return self.login_failed(&LoginFailure::new(Code::StoreUnavailable, error));
                }
            }
        } else {
            self.used_before(view.headers).await
        };
        self.drop_ticket(state, &mut reply);
        reply
    }

    async fn judge(
        self,
        view: RequestView<'_>,
        method: ResponseMethod,
        state: &str,
        response: &AuthorizationResponse<'_>,
        ticket: LoginTicket,
        seen_from: SeenFrom,
    ) -> Result<Reply, StoreAway> {
        let provider = match self.provider_of_login(&ticket) {
            Ok(provider) => provider,
            Err(failure) => return Ok(self.login_failed(&failure)),
        };
        // Security: nor at another provider's redirect URI.
        if !self.site.is_callback_of(&provider, view.uri.path()) {
            return Ok(self.login_failed(&LoginFailure::new(
                Code::IssuerMismatch,
                "answer came to the callback of another provider",
            )));
        }
        let return_url = self.return_url_of(&ticket);
        // Security: one tenant's host does not finish what another's began.
        if !ticket.began_at(self.site.public_url.origin()) {
            return Ok(self.login_failed(&LoginFailure::new(
                Code::StateMismatch,
                "login began at another host than this one",
            )));
        }
        let again = self.again(&ticket);
        let expected = Expected {
            tenant: ticket.expected_tenant(),
            custom_domain: ticket.tenant_custom_domain,
            carried: ticket.carried,
        };
        let arrival = Arrival {
            before: Before {
                session: ticket.session_at_start,
                handle: ticket.handle_at_start,
            },
            is_step_up: ticket.is_step_up,
            seen_from,
        };
        let matched = match callback::check(response, method, ticket.pending) {
            Ok(matched) => matched,
            Err(CallbackError::ProviderRefused { error, .. }) if ticket.prompt_none => {
                tracing::debug!(error = error.as_str(), "silent login refused by the provider");
                return Ok(self.arrive(method, &return_url, Vec::new()));
            }
            // A provider that may not ask by itself says so, where its own session is too old for `max_age`, for instance.
            Err(
                error @ CallbackError::ProviderRefused {
                    error: ProviderErrorCode::LoginRequired,
                    ..
                },
            ) => {
                let otherwise = callback_failure(&error);
                let begun = self.begin_again(view.headers, &provider, again, Because::LoginRequired, otherwise);
                return Ok(begun.await.unwrap_or_else(|failure| self.login_failed(&failure)));
            }
            Err(error) => return Ok(self.login_failed(&callback_failure(&error))),
        };
        if !self.is_first_anywhere(state).await.map_err(StoreAway)? {
            return Ok(self.used_before(view.headers).await);
        }
        let completed = self.complete(view.headers, &provider, &expected, matched, arrival);
        Ok(match completed.await {
            Ok(cookies) => self.arrive(method, &return_url, cookies),
            Err(failure) => self.login_failed(&failure),
        })
    }

    /// Uses a ticket up in the store, where there is one, so that no other instance takes it.
    ///
    /// # Security
    /// Anybody can begin a login and make up its answer. What matches a login and brings a code costs the store an entry of some
    /// hundred bytes for a quarter of an hour, and the provider a call; everything else costs it nothing.
    async fn is_first_anywhere(self, state: &str) -> Result<bool, StoreError> {
        let SessionPlace::Store(stored) = &self.place else {
            return Ok(true);
        };
        let until = self.ports.clock.now().saturating_add(LOGIN_LIFETIME);
        stored
            .first_use(&self.ports, &StoreKey::of_used_login(state), until)
            .await
    }

    async fn used_before(self, headers: &HeaderMap) -> Reply {
        self.without_ticket(headers, Code::LoginMissing, "login ticket was used before")
            .await
    }

    /// Whether the browser has other logins under way, or none at all.
    fn code_without_ticket(self, headers: &HeaderMap) -> Code {
        if self.tickets.pending_logins(headers).is_empty() {
            Code::LoginMissing
        } else {
            Code::StateMismatch
        }
    }

    /// Without a ticket nothing begins: home if signed in, else a page with the way to login.
    async fn without_ticket(self, headers: &HeaderMap, code: Code, reason: &str) -> Reply {
        if self.is_signed_in(headers).await {
            return Reply::redirect(StatusCode::FOUND, &self.site.urls.default_return_url.location());
        }
        self.login_failed(&LoginFailure::new(code, reason))
    }

    /// Whether the browser holds a session, for where to send it; it opens nothing to anybody.
    ///
    /// A stale cookie must not send anybody home: home may send to login, and login here again.
    async fn is_signed_in(self, headers: &HeaderMap) -> bool {
        match &self.place {
            SessionPlace::Cookie(newest) => match self.codec.find_identity(headers) {
                IdentityCookie::Opened(opened) => {
                    let now = self.ports.clock.now();
                    let ended = matches!(newest.look(&opened.id(), opened.revision(), now), Known::Ended(_));
                    match doorward_core::session::check(opened, &self.lifetimes, now) {
                        Ok(live) if !ended => self.check_when_read(&live).await.is_ok(),
                        _ => false,
                    }
                }
                _ => false,
            },
            SessionPlace::Store(store) => match self.codec.find_handle(headers) {
                HandleCookie::Found(handle) => self.load(store, handle).await.is_ok(),
                _ => false,
            },
        }
    }

    /// A login that took longer than ten minutes begins anew, once.
    async fn restart(self, headers: &HeaderMap, state: &str, ticket: LoginTicket) -> Reply {
        tracing::info!("login took too long");
        let otherwise = LoginFailure::new(Code::LoginExpired, "login took too long, twice");
        let begun = match self.provider_of_login(&ticket) {
            Ok(provider) => {
                self.begin_again(headers, &provider, self.again(&ticket), Because::TooLate, otherwise)
                    .await
            }
            Err(failure) => Err(failure),
        };
        let mut reply = begun.unwrap_or_else(|failure| self.login_failed(&failure));
        self.drop_ticket(state, &mut reply);
        reply
    }

    fn drop_ticket(self, state: &str, reply: &mut Reply) {
        if let Ok(name) = self.tickets.cookie_name(state)
            && !sets(reply, &name)
        {
            reply.add_cookie(SetCookie::deletion(&name, &self.login_attributes()));
        }
    }

    /// Sends the browser on; a GET to the return URL whatever the callback's method was.
    fn arrive(self, method: ResponseMethod, return_url: &ReturnUrl, cookies: Vec<HeaderValue>) -> Reply {
        let location = return_url.location();
        // A Strict cookie is not sent along a redirect that another site began: a page of our own
        // begins the next request instead.
        let mut reply = if self.cookies.same_site() == SameSite::Strict && !cookies.is_empty() {
            page(
                StatusCode::OK,
                "Signed in",
                "One moment.",
                "",
                &Action::MoveOn { url: &location },
            )
        } else {
            let status = match method {
                ResponseMethod::Get => StatusCode::FOUND,
                ResponseMethod::Post => StatusCode::SEE_OTHER,
            };
            Reply::redirect(status, &location)
        };
        reply.add_cookies(cookies);
        reply
    }
}

fn sets(reply: &Reply, name: &CookieName) -> bool {
    reply.headers.get_all(http::header::SET_COOKIE).iter().any(|cookie| {
        cookie
            .as_bytes()
            .strip_prefix(name.as_str().as_bytes())
            .is_some_and(|rest| rest.starts_with(b"="))
    })
}

fn response_params(
    view: RequestView<'_>,
    method: ResponseMethod,
    body: Option<&Bytes>,
) -> Result<Params, LoginFailure> {
    let malformed = |reason: &dyn std::fmt::Display| LoginFailure::new(Code::RequestMalformed, reason);
    let raw = match method {
        ResponseMethod::Get => view.uri.query().unwrap_or_default(),
        ResponseMethod::Post => {
            let body = body.ok_or_else(|| LoginFailure::new(Code::RequestTooLarge, "form is larger than 64 KB"))?;
            let content_type = view
                .headers
                .get(http::header::CONTENT_TYPE)
                .and_then(|value| value.to_str().ok())
                .and_then(|value| value.split(';').next())
                .unwrap_or_default();
            if !content_type
                .trim()
                .eq_ignore_ascii_case("application/x-www-form-urlencoded")
            {
                return Err(malformed(&"callback is not a form"));
            }
            std::str::from_utf8(body).map_err(|error| malformed(&error))?
        }
    };
    Params::parse(raw).map_err(|error| malformed(&error))
}

fn callback_failure(error: &CallbackError) -> LoginFailure {
    let code = match error {
        CallbackError::StateMismatch => Code::StateMismatch,
        CallbackError::IssuerMismatch => Code::IssuerMismatch,
        CallbackError::ProviderRefused { .. } => Code::LoginDenied,
        _ => Code::RequestMalformed,
    };
    LoginFailure::new(code, crate::login_failure::with_source(error))
}
