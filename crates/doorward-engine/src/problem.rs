//! Refusals: one shape for every 4xx and 5xx of ours (RFC 9457), and what an application may change of it.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use doorward_core::challenge::{Challenge, ChallengeError};
use doorward_core::code::Code;
use doorward_core::policy::Rule;
use doorward_core::ports::Random;
use http::header::{self, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde::Serialize;

use crate::auth::Inner;
use crate::reply::Reply;
use crate::site::Here;

/// Why a request was refused, before an answer is built.
///
/// Deciding costs no allocation; the body is built only when the refusal is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    pub(crate) code: Code,
    pub(crate) login: LoginHint,
    /// Which credentials the route takes.
    pub(crate) takes: Takes,
    /// Boxed, because most refusals have none, and what the guard hands on is to be small.
    details: Option<Box<Details>>,
}

/// What only some refusals say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Details {
    pub(crate) retry_after: Option<Duration>,
    pub(crate) missing_scopes: Vec<String>,
    /// The sign-in that would do (RFC 9470).
    pub(crate) step_up: Option<StepUp>,
}

/// How fresh and how strong a sign-in has to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct StepUp {
    /// In seconds.
    pub(crate) max_age: Option<u64>,
    /// One of these.
    pub(crate) acr_values: Vec<String>,
}

impl StepUp {
    /// The parameters of a login that would do, as they follow a URL.
    fn to_query(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        if let Some(max_age) = self.max_age {
            query.append_pair("max_age", &max_age.to_string());
        }
        if !self.acr_values.is_empty() {
            query.append_pair("acr_values", &self.acr_values.join(" "));
        }
        query.finish()
    }
}

/// The credentials that a route takes: what a challenge offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Takes {
    pub(crate) session: bool,
    pub(crate) bearer: bool,
}

impl Takes {
    pub(crate) const SESSION: Self = Self {
        session: true,
        bearer: false,
    };

    pub(crate) const fn of(rule: &Rule) -> Self {
        Self {
            session: rule.accepts_session(),
            bearer: rule.accepts_bearer(),
        }
    }
}

/// Whether the refused request may be sent to login instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoginHint {
    /// Answer the refusal.
    Refuse,
    /// A navigation on a route that sends people to login.
    Redirect,
    /// A login would change nothing: sending the browser there would send it in circles.
    Never,
}

impl Denial {
    pub(crate) const fn new(code: Code) -> Self {
        Self {
            code,
            login: LoginHint::Refuse,
            takes: Takes::SESSION,
            details: None,
        }
    }

    pub(crate) fn with(code: Code, details: Details) -> Self {
        Self {
            details: Some(Box::new(details)),
            ..Self::new(code)
        }
    }

    pub(crate) fn unavailable(code: Code, retry_after: Duration) -> Self {
        let details = Details {
            retry_after: Some(retry_after),
            ..Details::default()
        };
        Self::with(code, details)
    }

    fn retry_after(&self) -> Option<Duration> {
        self.details.as_ref()?.retry_after
    }

    fn step_up(&self) -> Option<&StepUp> {
        self.details.as_ref()?.step_up.as_ref()
    }

    fn missing_scopes(&self) -> &[String] {
        self.details
            .as_ref()
            .map(|details| details.missing_scopes.as_slice())
            .unwrap_or_default()
    }

    /// Whether a login could change the answer: there is no live session, or not a fresh or strong enough one.
    pub(crate) fn wants_login(&self) -> bool {
        self.is_without_session() || self.code == Code::StepUpRequired
    }

    /// The challenges of a 401, one for each credential that would do; of a 403 for scopes, that for tokens.
    fn challenges(&self, resource_metadata: Option<&str>) -> Vec<HeaderValue> {
        let is_401 = self.status() == StatusCode::UNAUTHORIZED;
        let mut values = Vec::new();
        if is_401 && self.takes.session {
            values.push(HeaderValue::from_static("Session realm=\"doorward\""));
        }
        if self.takes.bearer && (is_401 || ChallengeError::of(self.code).is_some()) {
            let mut challenge = Challenge::bearer()
                .for_code(self.code)
                .with_scopes(self.missing_scopes());
            if let Some(step_up) = self.step_up() {
                challenge = challenge.with_step_up(step_up.max_age, &step_up.acr_values);
            }
            if let Some(url) = resource_metadata {
                challenge = challenge.with_resource_metadata(url);
            }
            values.push(challenge.header_value());
        }
        values
    }

    /// The denial of a request with two different sessions, of which none is believed.
    ///
    /// Whoever planted the second one can plant it again: a login would not help.
    pub(crate) fn conflict() -> Self {
        let mut denial = Self::new(Code::SessionInvalid);
        denial.login = LoginHint::Never;
        denial
    }

    /// The denial of a request whose host is nobody's, or whose tenant cannot be looked up.
    pub(crate) fn nowhere(code: Code) -> Self {
        match code {
            Code::StoreUnavailable => Self::unavailable(code, Duration::from_secs(1)),
            code => Self::new(code),
        }
    }

    /// The denial of a request that shows no session at all.
    #[must_use]
    pub const fn session_missing() -> Self {
        Self::new(Code::SessionMissing)
    }

    /// The denial of a request that brings no access token.
    #[must_use]
    pub const fn token_missing() -> Self {
        let mut denial = Self::new(Code::TokenMissing);
        denial.takes = Takes {
            session: false,
            bearer: true,
        };
        denial
    }

    /// Names the reason, as the body will.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// The status that will be answered.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.code.status()
    }
}

/// A refusal on its way out, for an application's `on_refusal` to dress.
///
/// Body and headers can change; the status cannot, so that no refusal turns into a success.
#[derive(Debug)]
pub struct Refusal {
    code: Code,
    request_id: String,
    reply: Reply,
}

impl Refusal {
    /// Names the reason.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// The status that will be answered.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.reply.status
    }

    /// The identifier that the body, and our log line, carry.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// The body as it stands.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.reply.body
    }

    /// The headers, to add to or to change; `Cache-Control`, `Set-Cookie` and `Location` are put
    /// back as they were.
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.reply.headers
    }

    /// Replaces the body.
    pub fn set_body(&mut self, content_type: HeaderValue, body: impl Into<Bytes>) {
        self.reply.set(header::CONTENT_TYPE, content_type);
        self.reply.body = body.into();
    }
}

/// The body of a refusal.
#[derive(Serialize)]
pub(crate) struct Problem<'a> {
    code: &'static str,
    /// Existing frontends read the reason phrase here.
    error: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    login_url: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr_values: Option<String>,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    status: u16,
    title: &'static str,
    #[serde(rename = "type")]
    kind: String,
}

impl<'a> Problem<'a> {
    /// What every refusal says.
    pub(crate) fn new(code: Code, request_id: &'a str) -> Self {
        Self {
            code: code.as_str(),
            error: code.status().canonical_reason().unwrap_or_default(),
            login_url: None,
            max_age: None,
            acr_values: None,
            request_id,
            scope: None,
            status: code.status().as_u16(),
            title: code.title(),
            kind: ["urn:doorward:error:", code.as_str()].concat(),
        }
    }
}

impl Here<'_> {
    /// Builds the answer to a refused request.
    pub(crate) fn refuse(self, denial: &Denial) -> Reply {
        let code = denial.code;
        let request_id = self.request_id();
        log(code, &request_id);
        let problem = Problem {
            login_url: (code.status() == StatusCode::UNAUTHORIZED).then(|| self.login_url(denial)),
            max_age: denial.step_up().and_then(|step_up| step_up.max_age),
            acr_values: denial
                .step_up()
                .filter(|step_up| !step_up.acr_values.is_empty())
                .map(|step_up| step_up.acr_values.join(" ")),
            scope: (!denial.missing_scopes().is_empty()).then(|| denial.missing_scopes().join(" ")),
            ..Problem::new(code, &request_id)
        };
        let mut reply = Reply::json(code.status(), &problem);
        reply.set(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        let metadata = self.bearer.is_some().then(|| self.resource_metadata_url());
        for challenge in denial.challenges(metadata.as_deref()) {
            reply.headers.append(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(pause) = denial.retry_after() {
            reply.set(header::RETRY_AFTER, HeaderValue::from(pause.as_secs().max(1)));
        }
        self.dress(code, request_id, reply)
    }

    /// Our login, with what it has to show.
    pub(crate) fn login_url(&self, denial: &Denial) -> Cow<'_, str> {
        let login = &self.site.urls.login;
        match denial.step_up() {
            None => Cow::Borrowed(login),
            Some(step_up) => Cow::Owned(format!("{login}?{}", step_up.to_query())),
        }
    }
}

impl Inner {
    /// Lets the application change the look of a refusal, and puts back what it may not change.
    fn dress(&self, code: Code, request_id: String, reply: Reply) -> Reply {
        let Some(hook) = &self.hooks.on_refusal else {
            return reply;
        };
        let (status, before) = (reply.status, reply.headers.clone());
        let mut reply = hook(Refusal {
            code,
            request_id,
            reply,
        })
        .reply;
        reply.status = status;
        for name in [header::CACHE_CONTROL, header::SET_COOKIE, header::LOCATION] {
            reply.headers.remove(&name);
            for value in before.get_all(&name) {
                reply.headers.append(name.clone(), value.clone());
            }
        }
        reply
    }

    /// Makes an identifier that a person can read to an operator.
    pub(crate) fn request_id(&self) -> String {
        request_id(&*self.ports.random)
    }
}

pub(crate) fn request_id(random: &dyn Random) -> String {
    let mut bytes = [0_u8; 8];
    // Without randomness the refusal still goes out; its identifier is all zeros.
    let _ = random.fill(&mut bytes);
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

/// One line a refusal: outages loud, everyday refusals quiet, so that a flood of them is no flood of lines.
pub(crate) fn log(code: Code, request_id: &str) {
    if code.status().is_server_error() {
        tracing::warn!(%code, request_id, "request refused");
    } else {
        tracing::debug!(%code, request_id, "request refused");
    }
}
