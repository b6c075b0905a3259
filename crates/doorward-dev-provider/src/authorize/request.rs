//! Reads an authorization request: RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1.

use crate::{
    discovery::ACR_VALUES,
    params::{Params, is_scope_token},
    platform::{Site, placeholder},
    provider::DevProvider,
    reply::{ReplyTarget, ResponseMode},
    state::Session,
};

const MAX_SCOPES: usize = 32;
/// Characters of somebody else's text that a page shows.
const MAX_SHOWN: usize = 80;

/// A well-formed request to sign somebody in.
#[derive(Debug, Clone)]
pub(crate) struct AuthorizeRequest {
    pub(crate) client_id: String,
    pub(crate) target: ReplyTarget,
    pub(crate) scopes: Vec<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) code_challenge: String,
    pub(crate) prompts: Vec<Prompt>,
    pub(crate) max_age: Option<u64>,
    /// The contexts asked for that we know, in order of preference.
    pub(crate) acr_values: Vec<&'static str>,
    pub(crate) login_hint: Option<String>,
    pub(crate) audiences: Vec<String>,
    /// The identity provider asked for, if the platform knows it.
    pub(crate) identity_provider: Option<String>,
}

impl AuthorizeRequest {
    /// True if the person is to be asked whatever session there is.
    pub(crate) fn asks_anew(&self) -> bool {
        !self.prompts.is_empty() && !self.prompts.contains(&Prompt::None)
    }

    /// True if `session` began longer ago than the request allows.
    pub(crate) fn is_too_old(&self, session: &Session, now: u64) -> bool {
        // max_age=0 asks for a sign-in now, even within the same second.
        self.max_age
            .is_some_and(|max_age| max_age == 0 || now.saturating_sub(session.auth_time) > max_age)
    }
}

/// What the client wants the person to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prompt {
    None,
    Login,
    Create,
    SelectAccount,
    Consent,
}

impl Prompt {
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "none" => Self::None,
            "login" => Self::Login,
            "create" => Self::Create,
            "select_account" => Self::SelectAccount,
            "consent" => Self::Consent,
            _ => return None,
        })
    }
}

/// Why a request cannot be answered with a page or a code.
#[derive(Debug)]
pub(crate) enum RequestFault {
    /// Where to answer is unknown, so a page says what is wrong.
    Page(String),
    /// The client is told.
    Reply(Box<ReplyTarget>, &'static str, String),
}

/// Reads an authorization request.
///
/// # Security
/// Every parameter comes from whoever made the link. Until client and redirect URI are known to belong together, the
/// browser is sent nowhere (RFC 6749 §4.1.2.1).
pub(crate) fn parse(provider: &DevProvider, site: &Site, params: &Params) -> Result<AuthorizeRequest, RequestFault> {
    let page = |message: &str| RequestFault::Page(message.to_owned());
    let repeated = params.repeated();
    if let Some(name) = repeated.filter(|name| matches!(*name, "client_id" | "redirect_uri" | "state")) {
        return Err(RequestFault::Page(format!(
            "the parameter {name:?} is given more than once"
        )));
    }
    let client_id = params
        .get("client_id")
        .ok_or_else(|| page("the parameter \"client_id\" is missing"))?;
    let client = provider
        .clients()
        .get(client_id)
        .ok_or_else(|| {
            // The page escapes it for HTML; here what could disguise it becomes visible, and an end is set to it.
            let asked: String = client_id.chars().take(MAX_SHOWN).collect();
            RequestFault::Page(format!(
                "the client {asked:?} is not known here: without a file there is \"doorward-dev\" alone, with --config those \
                 that [[clients]] of the file name"
            ))
        })?;
    let redirect_uri = params
        .get("redirect_uri")
        .ok_or_else(|| page("the parameter \"redirect_uri\" is missing"))?;
    // A placeholder stays where it is until the answer; here it is judged with a name in its place.
    let is_allowed = client.allows_redirect(redirect_uri)
        || site.is_platform()
            && client.allows_redirect(&placeholder::fill(redirect_uri, site.tenant().unwrap_or("tenant")));
    if !is_allowed {
        return Err(page(
            "the redirect URI is neither on a loopback name nor registered for this client (compared byte for byte)",
        ));
    }
    let mut target = ReplyTarget {
        redirect_uri: redirect_uri.to_owned(),
        mode: ResponseMode::Query,
        state: params.get("state").map(str::to_owned),
        site: site.clone(),
    };
    match params.get("response_mode") {
        None | Some("query") => {}
        Some("form_post") => target.mode = ResponseMode::FormPost,
        Some(_) => {
            return Err(fault(
                &target,
                "invalid_request",
                "response_mode is not \"query\" or \"form_post\"",
            ));
        }
    }
    if let Some(name) = repeated {
        return Err(fault(
            &target,
            "invalid_request",
            &format!("parameter '{name}' is given more than once"),
        ));
    }
    for (name, error) in [
        ("request", "request_not_supported"),
        ("request_uri", "request_uri_not_supported"),
        ("registration", "registration_not_supported"),
    ] {
        if params.get(name).is_some() {
            return Err(fault(
                &target,
                error,
                "request objects and registration in the request are not supported",
            ));
        }
    }
    match params.get("response_type") {
        Some("code") => {}
        None => return Err(fault(&target, "invalid_request", "response_type is missing")),
        Some(_) => {
            return Err(fault(
                &target,
                "unsupported_response_type",
                "response_type is not 'code'",
            ));
        }
    }
    let code_challenge = parse_challenge(params).map_err(|why| fault(&target, "invalid_request", why))?;
    let scopes = parse_scopes(params.get("scope")).ok_or_else(|| {
        fault(
            &target,
            "invalid_scope",
            "scope is not a list of at most 32 scope tokens",
        )
    })?;
    let prompts = parse_prompts(params.get("prompt")).ok_or_else(|| {
        fault(
            &target,
            "invalid_request",
            "prompt holds an unknown value, or 'none' beside others",
        )
    })?;
    let max_age = match params.get("max_age").map(parse_number) {
        None => None,
        Some(Some(seconds)) => Some(seconds),
        Some(None) => return Err(fault(&target, "invalid_request", "max_age is not a number of seconds")),
    };
    let acr_values = params
        .get("acr_values")
        .unwrap_or_default()
        .split(' ')
        .filter_map(known_acr)
        .collect();
    let audiences: Vec<String> = params.all("resource").map(str::to_owned).collect();
    if audiences.len() > 8 || !audiences.iter().all(|resource| is_resource(resource)) {
        return Err(fault(
            &target,
            "invalid_target",
            "resource is not an absolute URI without fragment",
        ));
    }
    // An unknown hint is ignored, as on the platform.
    let identity_provider = params
        .get("idp_hint")
        .and_then(|hint| provider.platform()?.identity_provider(hint));
    Ok(AuthorizeRequest {
        client_id: client_id.to_owned(),
        target,
        scopes,
        nonce: params.get("nonce").map(str::to_owned),
        code_challenge,
        prompts,
        max_age,
        acr_values,
        login_hint: params.get("login_hint").map(str::to_owned),
        audiences,
        identity_provider: identity_provider.map(str::to_owned),
    })
}

fn fault(target: &ReplyTarget, error: &'static str, description: &str) -> RequestFault {
    RequestFault::Reply(Box::new(target.clone()), error, description.to_owned())
}

/// RFC 7636 §4.3, with `S256` alone and always (RFC 9700 §2.1.1).
fn parse_challenge(params: &Params) -> Result<String, &'static str> {
    let challenge = params
        .get("code_challenge")
        .ok_or("code_challenge is missing; PKCE is required")?;
    if params.get("code_challenge_method") != Some("S256") {
        return Err("code_challenge_method is not 'S256'");
    }
    let well_formed = challenge.len() == 43
        && challenge
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if well_formed {
        Ok(challenge.to_owned())
    } else {
        Err("code_challenge is not a SHA-256 digest in base64url")
    }
}

/// Splits a scope parameter; `None` if it is malformed. Unknown scopes are granted, so that any API can be tried.
pub(crate) fn parse_scopes(scope: Option<&str>) -> Option<Vec<String>> {
    let mut scopes: Vec<String> = Vec::new();
    for token in scope.unwrap_or_default().split(' ').filter(|token| !token.is_empty()) {
        if !is_scope_token(token) || scopes.len() >= MAX_SCOPES {
            return None;
        }
        if !scopes.iter().any(|known| known == token) {
            scopes.push(token.to_owned());
        }
    }
    Some(scopes)
}

fn parse_prompts(prompt: Option<&str>) -> Option<Vec<Prompt>> {
    let prompts: Vec<Prompt> = prompt
        .unwrap_or_default()
        .split(' ')
        .filter(|name| !name.is_empty())
        .take(8)
        .map(Prompt::from_name)
        .collect::<Option<_>>()?;
    (prompts.len() <= 1 || !prompts.contains(&Prompt::None)).then_some(prompts)
}

fn parse_number(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

fn known_acr(name: &str) -> Option<&'static str> {
    ACR_VALUES.into_iter().find(|known| *known == name)
}

/// RFC 8707 §2.
pub(crate) fn is_resource(uri: &str) -> bool {
    uri.len() <= 512 && url::Url::parse(uri).is_ok_and(|url| url.fragment().is_none())
}
