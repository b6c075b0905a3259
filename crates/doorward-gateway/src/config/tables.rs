//! `[session]`, `[csrf]`, `[auth]`, `[bearer]` and `[[tenants]]`: read by their form; what the engine judges is left to it.

use std::time::Duration;

use doorward::{BearerTokens, SameSite, SubjectKind, Tenant};

use super::provider::{algorithms, algorithms_by_name, with};
use super::reading::Section;
use super::secrets::{SecretText, session_secrets};
use super::settings::{Place, Settings};
use crate::stores::Store;

/// What the library takes where nothing is said.
const ABSOLUTE_TIMEOUT: Duration = Duration::from_secs(12 * 3600);

/// Reads `[session]` and `[csrf]`.
pub(super) fn session(root: &Section<'_>, settings: &mut Settings) {
    let section = root.section("session");
    settings.secrets = session_secrets(&section);
    let deadline = store_deadline(&section);
    settings.place = place(&section, deadline);
    settings.revocation_place = revocation_place(&section, deadline);
    settings.idle_timeout = section.duration("idle_timeout");
    settings.absolute_timeout = section.duration("absolute_timeout");
    let absolute = settings.absolute_timeout.unwrap_or(ABSOLUTE_TIMEOUT);
    if settings.idle_timeout.is_some_and(|idle| idle > absolute) {
        section.warn(
            "idle_timeout",
            "is longer than absolute_timeout, at which a session ends whether it is used or not",
        );
    }
    settings.outlive_access_token = section.flag("outlive_access_token").unwrap_or(false);
    settings.same_site = section.one_of(
        "same_site",
        &[
            ("Lax", SameSite::Lax),
            ("None", SameSite::None),
            ("Strict", SameSite::Strict),
        ],
    );
    settings.cookie_domain = section.text("cookie_domain").filter(|domain| !domain.is_empty());
    settings.cookie_name = section.text("cookie_name");
    settings.serve_stale = section.duration("serve_stale");
    settings.max_per_user = section.number("max_per_user");
    section.finish();

    let section = root.section("csrf");
    settings.csrf_cookie_name = section.text("cookie_name");
    settings.csrf_header_name = section.text("header_name");
    section.finish();
}

/// How long a call of either store may take. Shorter than a way to the server and back nothing is answered; longer than five seconds
/// nobody waits.
fn store_deadline(section: &Section<'_>) -> Option<Duration> {
    let key = "store_deadline";
    let deadline = section.duration(key)?;
    let sensible = Duration::from_millis(10)..=Duration::from_secs(5);
    if !sensible.contains(&deadline) {
        section.refuse(key, "expected between 10 milliseconds and 5 seconds");
        return None;
    }
    Some(deadline)
}

fn place(section: &Section<'_>, deadline: Option<Duration>) -> Place {
    let key = "store";
    let Some(text) = section.text(key) else {
        return Place::Cookie;
    };
    match text.as_str() {
        "cookie" => return Place::Cookie,
        "memory" => {
            section.warn(
                key,
                "sessions in memory end with the process, and no other process knows them",
            );
            return Place::Memory;
        }
        _ => {}
    }
    match Store::of(&text, ", or \"cookie\" or \"memory\"", deadline) {
        Ok(store) => Place::Store(store),
        Err(problem) => {
            section.refuse(key, problem);
            // What else needs a store is judged as if there were one.
            Place::Memory
        }
    }
}

/// Where what was ended is remembered, for sessions in cookies.
fn revocation_place(section: &Section<'_>, deadline: Option<Duration>) -> Option<Place> {
    let key = "revocation_store";
    let text = section.text(key)?;
    if text == "memory" {
        section.warn(
            key,
            "what is kept in memory ends with the process, and no other process knows it",
        );
        return Some(Place::Memory);
    }
    match Store::of(&text, ", or \"memory\"", deadline) {
        Ok(store) => Some(Place::Store(store)),
        Err(problem) => {
            section.refuse(key, problem);
            // Likewise.
            Some(Place::Memory)
        }
    }
}

/// Reads `[auth]`.
pub(super) fn auth(root: &Section<'_>, settings: &mut Settings) {
    let section = root.section("auth");
    settings.base_path = section.text("base_path");
    settings.token_endpoint = section.flag("token_endpoint").unwrap_or(false);
    settings.default_return_url = section.text("default_return_url");
    settings.post_logout_url = section.text("post_logout_url");
    settings.backchannel_logout = section.flag("backchannel_logout").unwrap_or(false);
    settings.frontchannel_logout = section.flag("frontchannel_logout").unwrap_or(false);
    section.finish();
}

/// Reads `[bearer]`; `None` where there is none.
pub(super) fn bearer(root: &Section<'_>) -> Option<BearerTokens> {
    let section = root.section("bearer");
    if !section.is_given() {
        return None;
    }
    let audiences = section.texts("audience").unwrap_or_default();
    let mut tokens = BearerTokens::new();
    for audience in audiences {
        tokens = tokens.audience(audience);
    }
    if section.flag("no_audience").unwrap_or(false) {
        tokens = tokens.no_audience();
    }
    tokens = with(tokens, section.texts("issuers"), BearerTokens::issuers);
    tokens = with(tokens, algorithms(&section, "algorithms"), BearerTokens::algorithms);
    for (issuer, algorithms) in algorithms_by_name(&section, "issuer_algorithms") {
        tokens = tokens.issuer_algorithms(issuer, algorithms);
    }
    if section.flag("also_typ_jwt").unwrap_or(false) {
        tokens = tokens.also_typ_jwt();
    }
    tokens = with(tokens, section.duration("leeway"), BearerTokens::leeway);
    tokens = with(tokens, section.texts("clients"), BearerTokens::clients);
    let kinds = [SubjectKind::User, SubjectKind::Client];
    let kind = |text: &str| kinds.into_iter().find(|kind| kind.as_str() == text);
    for kind in section
        .listed("subject_kinds", "\"user\" or \"client\"", kind)
        .unwrap_or_default()
    {
        tokens = tokens.subject_kind(kind);
    }
    if section.flag("introspection").unwrap_or(false) {
        tokens = tokens.introspection();
    }
    section.finish();
    Some(tokens)
}

/// Reads `[[tenants]]`, each with its key in the file.
pub(super) fn tenants(root: &Section<'_>) -> Vec<(String, Tenant)> {
    let mut tenants = Vec::new();
    for section in root.sections("tenants") {
        let name = section.required("name");
        let id = section.text("id");
        let hosts = section.texts("hosts").unwrap_or_default();
        let provider = section.text("provider");
        let custom_domain = section.text("custom_domain");
        section.finish();
        let Some(name) = name else {
            continue;
        };
        let mut tenant = with(Tenant::new(name), id, Tenant::id);
        for host in hosts {
            tenant = tenant.host(host);
        }
        tenant = with(tenant, provider, Tenant::provider);
        tenant = with(tenant, custom_domain, Tenant::custom_domain);
        tenants.push((section.path().to_owned(), tenant));
    }
    tenants
}

/// A secret for judging the rest of a configuration whose own secrets are at fault.
pub(super) fn stand_in_secret() -> Option<SecretText> {
    doorward_crypto::generate_secret(&doorward_crypto::SystemRandom).ok()
}
