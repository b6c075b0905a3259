//! `[provider]`, or several `[[providers]]` with names.

use std::collections::BTreeSet;

use doorward::{Algorithm, ClientAuthentication, Provider, ResponseMode, SigningKey, Wristband};

use super::reading::Section;
use super::secrets::SecretText;
use crate::failure::chain;

/// The name of the one provider that has none.
const ONLY: &str = "main";
const ALGORITHM: &str = "one of RS256, PS256, ES256, ES384 and EdDSA";

const OIDC_KEYS: [&str; 10] = [
    // The platform's claims have names of their own.
    "claims",
    "issuer",
    "authorize_params",
    "client_auth",
    "private_key",
    "private_key_algorithm",
    "private_key_id",
    "response_mode",
    "id_token_algorithms",
    "danger_http_issuer",
];
const WRISTBAND_KEYS: [&str; 13] = [
    "http_on_loopback",
    "vanity_domain",
    "login_url",
    "redirect_uri",
    "parse_tenant_from_root_domain",
    "application_custom_domain_active",
    "custom_application_login_page_url",
    "token_expiration_buffer",
    "auto_configure",
    "application_authorization_requests",
    "fallback_login_url",
    "default_tenant_name",
    "default_tenant_custom_domain",
];

/// A provider with its name and its key in the file.
pub(super) struct NamedProvider {
    pub(super) name: String,
    /// `provider`, or `providers[1]`.
    pub(super) key: String,
    /// `None` where it is at fault already.
    pub(super) provider: Option<Provider>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Oidc,
    Wristband,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ClientAuth {
    Basic,
    Post,
    PrivateKeyJwt,
    None,
}

/// Reads all providers, the first of which is the default.
pub(super) fn providers(root: &Section<'_>) -> Vec<NamedProvider> {
    if !root.holds("providers") {
        let section = root.section("provider");
        if !section.is_given() {
            root.refuse(
                "provider",
                "expected a table [provider], or several [[providers]], found none",
            );
            return Vec::new();
        }
        return vec![provider(&section, ONLY.to_owned())];
    }
    if root.holds("provider") {
        root.refuse("provider", "expected either [provider] or [[providers]], found both");
    }
    let sections = root.sections("providers");
    if sections.is_empty() {
        root.refuse("providers", "expected at least one provider, found none");
    }
    let mut names = BTreeSet::new();
    let mut providers = Vec::new();
    for section in sections {
        // A missing name was a fault already: the stand-in keeps it from becoming another one.
        let name = section
            .required("name")
            .unwrap_or_else(|| format!("unnamed-{}", names.len()));
        if !names.insert(name.clone()) {
            section.refuse(
                "name",
                format!("expected a name of its own, found {name:?} a second time"),
            );
        }
        providers.push(provider(&section, name));
    }
    providers
}

fn provider(section: &Section<'_>, name: String) -> NamedProvider {
    let kind = section
        .one_of("kind", &[("oidc", Kind::Oidc), ("wristband", Kind::Wristband)])
        .unwrap_or(Kind::Oidc);
    let provider = match kind {
        Kind::Oidc => oidc(section),
        Kind::Wristband => wristband(section).map(Provider::from),
    };
    match kind {
        Kind::Oidc => section.finish_beside(&WRISTBAND_KEYS, "kind = \"wristband\""),
        Kind::Wristband => section.finish_beside(&OIDC_KEYS, "kind = \"oidc\""),
    }
    NamedProvider {
        name,
        key: section.path().to_owned(),
        provider,
    }
}

fn oidc(section: &Section<'_>) -> Option<Provider> {
    let issuer = section.required("issuer");
    let client_id = section.required("client_id");
    let authentication = client_authentication(section);
    let scopes = section.texts("scopes");
    let authorize_params = section.text_table("authorize_params");
    let response_mode = section.one_of(
        "response_mode",
        &[("query", ResponseMode::Query), ("form_post", ResponseMode::FormPost)],
    );
    let algorithms = algorithms(section, "id_token_algorithms");
    let http_issuer = section.flag("danger_http_issuer").unwrap_or(false);
    let claims = section.section("claims");
    let (roles, tenant) = (claims.text("roles"), claims.text("tenant"));
    claims.finish();

    let mut provider = Provider::oidc(issuer?, client_id?, "").client_authentication(authentication?);
    provider = with(provider, scopes, Provider::scopes);
    for (name, value) in authorize_params {
        provider = provider.authorize_param(name, value);
    }
    provider = with(provider, response_mode, Provider::response_mode);
    provider = with(provider, algorithms, Provider::id_token_algorithms);
    provider = with(provider, roles, Provider::roles_claim);
    provider = with(provider, tenant, Provider::tenant_claim);
    if http_issuer {
        section.warn(
            "danger_http_issuer",
            "whoever can change the traffic to the provider can sign in as anybody",
        );
        provider = provider.danger_http_issuer();
    }
    Some(provider)
}

fn client_authentication(section: &Section<'_>) -> Option<ClientAuthentication> {
    let words = [
        ("client_secret_basic", ClientAuth::Basic),
        ("client_secret_post", ClientAuth::Post),
        ("private_key_jwt", ClientAuth::PrivateKeyJwt),
        ("none", ClientAuth::None),
    ];
    let given = section.one_of("client_auth", &words);
    if given.is_none() && section.holds("client_auth") {
        // What else is expected depends on the word that could not be read.
        for key in [
            "client_secret",
            "private_key",
            "private_key_algorithm",
            "private_key_id",
        ] {
            section.holds(key);
        }
        return None;
    }
    let client_auth = given.unwrap_or(ClientAuth::Basic);
    let secret = section.secret("client_secret");
    let key_given = section.holds("private_key");
    let takes_key = client_auth == ClientAuth::PrivateKeyJwt;
    let key = private_key(section, takes_key && key_given);
    let takes_secret = matches!(client_auth, ClientAuth::Basic | ClientAuth::Post);
    if takes_secret && !section.holds("client_secret") && secret.is_none() {
        section.refuse(
            "client_secret",
            "expected the client's secret, found none; a client without one has client_auth = \"none\"",
        );
    }
    if !takes_secret && secret.is_some() {
        section.refuse("client_secret", "expected none beside this client_auth, found one");
    }
    if key_given && !takes_key {
        section.refuse(
            "private_key",
            "expected it beside client_auth = \"private_key_jwt\" only",
        );
    }
    if takes_key && !key_given {
        section.refuse("private_key", "expected a private key in PEM, found none");
    }
    match client_auth {
        ClientAuth::Basic => secret.map(ClientAuthentication::SecretBasic),
        ClientAuth::Post => secret.map(ClientAuthentication::SecretPost),
        ClientAuth::PrivateKeyJwt => key.map(|key| ClientAuthentication::PrivateKeyJwt(key.into())),
        ClientAuth::None => Some(ClientAuthentication::None),
    }
}

/// The key that signs assertions; its algorithm is RS256 unless said otherwise.
fn private_key(section: &Section<'_>, is_expected: bool) -> Option<SigningKey> {
    let algorithm = section.parsed("private_key_algorithm", ALGORITHM, Algorithm::from_name);
    let id = section.text("private_key_id");
    if !is_expected {
        for (key, is_set) in [
            ("private_key_algorithm", algorithm.is_some()),
            ("private_key_id", id.is_some()),
        ] {
            if is_set {
                section.refuse(
                    key,
                    "expected it beside client_auth = \"private_key_jwt\" and a private_key only",
                );
            }
        }
        return None;
    }
    let pem: SecretText = section.secret("private_key")?;
    let key = SigningKey::from_pem(&pem, algorithm.unwrap_or(Algorithm::Rs256), id);
    key.map_err(|error| section.refuse("private_key", chain(&error))).ok()
}

/// A setter of [`Wristband`] that takes a text.
type SetText = fn(Wristband, String) -> Wristband;

fn wristband(section: &Section<'_>) -> Option<Wristband> {
    let vanity_domain = section.required("vanity_domain");
    let client_id = section.required("client_id");
    let secret = section.secret("client_secret");
    if secret.is_none() && !section.holds("client_secret") {
        section.refuse("client_secret", "expected the client's secret, found none");
    }
    let mut texts: Vec<(String, SetText)> = Vec::new();
    let setters: [(&'static str, SetText); 7] = [
        ("login_url", Wristband::login_url),
        ("redirect_uri", Wristband::redirect_uri),
        (
            "parse_tenant_from_root_domain",
            Wristband::parse_tenant_from_root_domain,
        ),
        (
            "custom_application_login_page_url",
            Wristband::custom_application_login_page_url,
        ),
        ("fallback_login_url", Wristband::fallback_login_url),
        ("default_tenant_name", Wristband::default_tenant_name),
        ("default_tenant_custom_domain", Wristband::default_tenant_custom_domain),
    ];
    for (key, set) in setters {
        // The platform's own SDKs take an empty text for "not set".
        texts.extend(
            section
                .text(key)
                .filter(|text| !text.is_empty())
                .map(|text| (text, set)),
        );
    }
    let scopes = section.texts("scopes");
    let buffer = section.duration("token_expiration_buffer");
    let custom_domain_active = section.flag("application_custom_domain_active");
    let auto_configure = section.flag("auto_configure");
    let application_requests = section.flag("application_authorization_requests");
    let http = section.flag("http_on_loopback").unwrap_or(false);

    let mut platform = Provider::wristband(vanity_domain?, client_id?, secret?);
    for (text, set) in texts {
        platform = set(platform, text);
    }
    platform = with(platform, scopes, Wristband::scopes);
    platform = with(platform, buffer, Wristband::token_expiration_buffer);
    platform = with(
        platform,
        custom_domain_active,
        Wristband::application_custom_domain_active,
    );
    platform = with(platform, auto_configure, Wristband::auto_configure);
    platform = with(
        platform,
        application_requests,
        Wristband::application_authorization_requests,
    );
    Some(if http { platform.http_on_loopback() } else { platform })
}

/// Sets what was given, and leaves the default where nothing was.
pub(super) fn with<T, V>(target: T, value: Option<V>, set: impl FnOnce(T, V) -> T) -> T {
    match value {
        Some(value) => set(target, value),
        None => target,
    }
}

/// Reads a list of algorithms.
pub(super) fn algorithms(section: &Section<'_>, key: &'static str) -> Option<Vec<Algorithm>> {
    section.listed(key, ALGORITHM, Algorithm::from_name)
}

/// Reads lists of algorithms by issuer.
pub(super) fn algorithms_by_name(section: &Section<'_>, key: &'static str) -> Vec<(String, Vec<Algorithm>)> {
    section.list_table(key, ALGORITHM, Algorithm::from_name)
}
