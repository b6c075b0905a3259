//! The authorization request (OpenID Connect Core §3.1.2.1, RFC 7636, RFC 9700 §2.1).
//!
//! Always `response_type=code`, always PKCE with S256, always `state` and `nonce`, each 256 random bits of its own. Parameters
//! from configuration and from the login request can add to these and never repeat or replace one.

use doorward_crypto::{Random, SecretString, random_token, sha256_base64url};
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::error::{BeginError, SettingsError};
use crate::metadata::ProviderMetadata;
use crate::params::Params;
use crate::pending::PendingAuthorization;

/// The most bytes of a parameter's value, from configuration or from the login request.
const MAX_VALUE_BYTES: usize = 512;

/// Parameters that only the protocol sets.
const RESERVED: &[&str] = &[
    "response_type",
    "client_id",
    "client_secret",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code",
    "code_challenge",
    "code_challenge_method",
    "response_mode",
    "request",
    "request_uri",
    "registration",
    "client_assertion",
    "client_assertion_type",
    "dpop_jkt",
    "id_token_hint",
    "iss",
];

/// Values of `prompt` that may be asked for (OpenID Connect Core §3.1.2.1, Initiating User Registration §4.1).
const PROMPTS: &[&str] = &["none", "login", "consent", "select_account", "create"];

/// How the provider delivers its answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash, Serialize, Deserialize)]
pub enum ResponseMode {
    /// A redirect with the answer in its query.
    #[default]
    Query,
    /// A form the browser posts (OAuth 2.0 Form Post Response Mode).
    FormPost,
}

/// What configuration says about the authorization request.
#[derive(Clone, Debug, Default)]
pub struct AuthorizeSettings {
    /// The scopes to ask for. `openid` is added where it is missing.
    pub scopes: Vec<String>,
    /// Further parameters, such as `access_type=offline`; none that the protocol sets.
    pub extra_params: Vec<(String, String)>,
    /// How the answer is delivered.
    pub response_mode: ResponseMode,
}

impl AuthorizeSettings {
    /// Makes settings and checks them.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn new(
        scopes: Vec<String>,
        extra_params: Vec<(String, String)>,
        response_mode: ResponseMode,
    ) -> Result<Self, SettingsError> {
        let settings = Self {
            scopes,
            extra_params,
            response_mode,
        };
        settings.check()?;
        Ok(settings)
    }

    /// Checks scopes and further parameters; [`begin`] does so too.
    ///
    /// # Errors
    /// [`SettingsError::Scope`] for a text that is no scope, [`SettingsError::Reserved`] for a parameter the protocol sets,
    /// [`SettingsError::Repeated`] for one given twice, [`SettingsError::Malformed`] for an empty name, a value over 512 bytes
    /// or with control characters, or a `max_age` or `prompt` that is none.
    pub fn check(&self) -> Result<(), SettingsError> {
        if let Some(scope) = self.scopes.iter().find(|scope| !is_scope(scope)) {
            return Err(SettingsError::Scope(scope.clone()));
        }
        for (index, (name, value)) in self.extra_params.iter().enumerate() {
            if RESERVED.contains(&name.as_str()) {
                return Err(SettingsError::Reserved(name.clone()));
            }
            if self.extra_params.iter().take(index).any(|(earlier, _)| earlier == name) {
                return Err(SettingsError::Repeated(name.clone()));
            }
            let typed = match name.as_str() {
                "max_age" => parse_max_age(value).is_some(),
                // Several prompts at once are allowed in configuration, such as "login consent".
                "prompt" => value.split(' ').all(|prompt| PROMPTS.contains(&prompt)),
                _ => true,
            };
            if name.is_empty() || !is_plain(name) || !is_plain(value) || !typed {
                return Err(SettingsError::Malformed(name.clone()));
            }
        }
        Ok(())
    }

    /// Returns the scopes left out towards this provider: `offline_access`, where `scopes_supported` lacks it.
    #[must_use]
    pub fn scopes_dropped(&self, metadata: &ProviderMetadata) -> Vec<&str> {
        self.scopes
            .iter()
            .map(String::as_str)
            .filter(|scope| is_dropped(scope, metadata))
            .collect()
    }

    fn scope(&self, metadata: &ProviderMetadata) -> String {
        let mut sent = vec!["openid"];
        for scope in &self.scopes {
            if !sent.contains(&scope.as_str()) && !is_dropped(scope, metadata) {
                sent.push(scope);
            }
        }
        sent.join(" ")
    }

    /// Tells whether the configuration sets a parameter of its own, which a login's then does not change.
    #[must_use]
    pub fn configures(&self, name: &str) -> bool {
        self.extra(name).is_some()
    }

    fn extra(&self, name: &str) -> Option<&str> {
        self.extra_params
            .iter()
            .find(|(extra, _)| extra == name)
            .map(|(_, value)| value.as_str())
    }
}

/// What the login request asks to pass on. A closed list: nothing else of a query reaches the provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoginParameters {
    /// The user's name at the provider, as far as known.
    pub login_hint: Option<String>,
    /// Which upstream provider to use; sent as `idp_hint`.
    pub idp_hint: Option<String>,
    /// One of `none`, `login`, `consent`, `select_account`, `create`.
    pub prompt: Option<String>,
    /// The most seconds since the user last authenticated; enforced on the ID token.
    pub max_age: Option<u64>,
    /// The authentication contexts wished for. A wish: the ID token says what it came to.
    pub acr_values: Option<String>,
    /// The languages the user reads.
    pub ui_locales: Option<String>,
}

impl LoginParameters {
    /// Takes the parameters of the same names out of a login request's query.
    ///
    /// # Errors
    /// [`BeginError::Repeated`] for one given twice, [`BeginError::LoginParameter`] for one that is malformed.
    pub fn from_params(params: &Params) -> Result<Self, BeginError> {
        let text = |name| {
            params
                .once(name)
                .map(|value| value.filter(|value| !value.is_empty()).map(str::to_owned))
        };
        let max_age = match params.once("max_age")?.filter(|value| !value.is_empty()) {
            Some(value) => Some(parse_max_age(value).ok_or(BeginError::LoginParameter("max_age"))?),
            None => None,
        };
        let login = Self {
            login_hint: text("login_hint")?,
            idp_hint: text("idp_hint")?,
            prompt: text("prompt")?,
            max_age,
            acr_values: text("acr_values")?,
            ui_locales: text("ui_locales")?,
        };
        login.check()?;
        Ok(login)
    }

    /// Checks every value; [`begin`] does so too.
    ///
    /// # Errors
    /// [`BeginError::LoginParameter`] for a value over 512 bytes or with control characters, for a `prompt` not on the list,
    /// and for `max_age=0` with `prompt=none`, which can never be answered.
    pub fn check(&self) -> Result<(), BeginError> {
        for (name, value) in self.texts() {
            if value.is_some_and(|value| !is_plain(value)) {
                return Err(BeginError::LoginParameter(name));
            }
        }
        if self.prompt.as_deref().is_some_and(|prompt| !PROMPTS.contains(&prompt)) {
            return Err(BeginError::LoginParameter("prompt"));
        }
        if self.max_age == Some(0) && self.prompt.as_deref() == Some("none") {
            return Err(BeginError::LoginParameter("max_age"));
        }
        Ok(())
    }

    fn texts(&self) -> [(&'static str, Option<&str>); 5] {
        [
            ("login_hint", self.login_hint.as_deref()),
            ("idp_hint", self.idp_hint.as_deref()),
            ("prompt", self.prompt.as_deref()),
            ("acr_values", self.acr_values.as_deref()),
            ("ui_locales", self.ui_locales.as_deref()),
        ]
    }
}

/// Begins a login: returns the URL to send the browser to, and what to remember until it comes back.
///
/// The endpoint's own query is kept, without what the protocol sets. A value of `login` goes before one of the same name in
/// the settings.
///
/// # Errors
/// [`BeginError::Settings`] and [`BeginError::LoginParameter`] for values that break a rule, [`BeginError::Random`] without
/// randomness.
///
/// # Security
/// `login` comes from the browser. `redirect_uri` must come from configuration, never from a `Host` header. The caller seals the
/// [`PendingAuthorization`] so that only this browser holds it.
pub fn begin(
    random: &dyn Random,
    metadata: &ProviderMetadata,
    client: &Client,
    settings: &AuthorizeSettings,
    login: &LoginParameters,
    redirect_uri: &str,
) -> Result<(String, PendingAuthorization), BeginError> {
    settings.check()?;
    login.check()?;
    let token = || random_token(random).map_err(BeginError::Random);
    let (state, nonce, code_verifier) = (token()?, token()?, token()?);
    let code_challenge = sha256_base64url(code_verifier.as_bytes());
    let scope = settings.scope(metadata);
    // Security: a link to login is anybody's. It cannot ask for less than the operator configured: the
    // smaller max_age counts, configured acr_values stand, and a configured prompt is not silenced.
    let configured_max_age = settings.extra("max_age").and_then(parse_max_age);
    let max_age = [login.max_age, configured_max_age].into_iter().flatten().min();
    let max_age_text = max_age.map(|seconds| seconds.to_string());
    let prompt = match (login.prompt.as_deref(), settings.extra("prompt")) {
        (None | Some("none"), Some(configured)) => Some(configured),
        (asked, _) => asked,
    };

    let mut sent: Vec<(&str, &str)> = vec![
        ("response_type", "code"),
        ("client_id", &client.client_id),
        ("redirect_uri", redirect_uri),
        ("scope", &scope),
        ("state", &state),
        ("nonce", &nonce),
        ("code_challenge", &code_challenge),
        ("code_challenge_method", "S256"),
    ];
    if settings.response_mode == ResponseMode::FormPost {
        sent.push(("response_mode", "form_post"));
    }
    sent.extend(
        login
            .texts()
            .into_iter()
            .filter(|(name, _)| !(*name == "acr_values" && settings.extra(name).is_some()))
            .filter_map(|(name, value)| Some((name, if name == "prompt" { prompt? } else { value? }))),
    );
    sent.extend(max_age_text.as_deref().map(|seconds| ("max_age", seconds)));
    for (name, value) in &settings.extra_params {
        if !sent.iter().any(|(already, _)| already == name) {
            sent.push((name, value));
        }
    }
    let endpoint = metadata.authorization_endpoint();
    let url = endpoint.with_parameters(&sent, |name| RESERVED.contains(&name));
    let pending = PendingAuthorization {
        issuer: metadata.issuer().as_str().to_owned(),
        client_id: client.client_id.clone(),
        redirect_uri: redirect_uri.to_owned(),
        iss_parameter_promised: metadata.authorization_response_iss_parameter_supported(),
        max_age,
        acr_values: settings
            .extra("acr_values")
            .or(login.acr_values.as_deref())
            .map(str::to_owned),
        silent: prompt == Some("none"),
        requested_scope: scope,
        response_mode: settings.response_mode,
        state: SecretString::new(state),
        nonce: SecretString::new(nonce),
        code_verifier: SecretString::new(code_verifier),
    };
    Ok((url, pending))
}

fn is_dropped(scope: &str, metadata: &ProviderMetadata) -> bool {
    scope == "offline_access"
        && metadata
            .scopes_supported()
            .is_some_and(|known| !known.iter().any(|name| name == scope))
}

/// RFC 6749 §3.3: printable ASCII without space, quote and backslash.
fn is_scope(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MAX_VALUE_BYTES
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

fn is_plain(text: &str) -> bool {
    text.len() <= MAX_VALUE_BYTES && !text.chars().any(char::is_control)
}

fn parse_max_age(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.len() <= 10 && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}
