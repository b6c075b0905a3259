//! What the platform's tokens and its userinfo endpoint tell of a person.

use serde_json::{Map, Value, json};

use super::{OWN_IDENTITY_PROVIDER, Platform, identifiers::id_of, knobs};
use crate::{
    members::{extend, object},
    mint::methods,
    provider::DevProvider,
    state::{Grant, Login},
    users::UserInfo,
};

/// When every user was last changed: nobody changes here.
const UPDATED_AT: u64 = 1_767_225_600;
/// Out of the numbers that are kept free for fiction.
const PHONE_NUMBER: &str = "+12025550143";

/// Adds what the platform puts into an access token beside client, scope, times and `jti`. There is no `aud`.
pub(crate) fn extend_access_token(
    claims: &mut Map<String, Value>,
    provider: &DevProvider,
    grant: &Grant,
    user: Option<(&Login, &UserInfo)>,
) {
    let Some(platform) = provider.platform() else {
        return;
    };
    let (custom_domain_active, changes) = {
        let state = provider.state();
        let knobs = &state.knobs.platform;
        (knobs.custom_domain_active(), knobs.access_token_claims.clone())
    };
    let members = [
        ("iss", json!(platform.issuer())),
        ("app_id", json!(platform.application_id())),
    ];
    extend(claims, members);
    match user {
        Some((login, user)) => {
            extend_with_identity(claims, platform, login, user);
            let members = [
                ("sub_kind", json!("user")),
                (
                    "van_dom",
                    json!(platform.tenant_host(&user.tenant, custom_domain_active)),
                ),
                ("auth_time", json!(login.auth_time)),
                ("amr", methods(login)),
            ];
            extend(claims, members);
            extend_with_custom_claims(claims, platform);
        }
        None => {
            let members = [("sub", json!(grant.client_id)), ("sub_kind", json!("client"))];
            extend(claims, members);
        }
    }
    knobs::apply(&changes, claims);
}

/// Adds what the platform puts into an ID token beside `aud`, `nonce` and times.
pub(crate) fn extend_id_token(
    claims: &mut Map<String, Value>,
    provider: &DevProvider,
    grant: &Grant,
    login: &Login,
    user: &UserInfo,
) {
    let Some(platform) = provider.platform() else {
        return;
    };
    let changes = provider.state().knobs.platform.id_token_claims.clone();
    extend_with_identity(claims, platform, login, user);
    let members = [
        ("iss", json!(platform.issuer())),
        ("auth_time", json!(login.auth_time)),
        ("acr", json!(login.acr)),
        ("amr", methods(login)),
    ];
    extend(claims, members);
    extend_with_profile(claims, user, &grant.scopes);
    knobs::apply(&changes, claims);
}

/// Adds what the userinfo endpoint tells, by scope.
pub(crate) fn extend_userinfo(
    claims: &mut Map<String, Value>,
    provider: &DevProvider,
    login: &Login,
    user: &UserInfo,
    scopes: &[String],
) {
    let Some(platform) = provider.platform() else {
        return;
    };
    let changes = provider.state().knobs.platform.userinfo_claims.clone();
    extend_with_identity(claims, platform, login, user);
    let members = [
        ("tnt_name", json!(user.tenant)),
        ("app_name", json!(platform.application())),
    ];
    extend(claims, members);
    extend_with_profile(claims, user, scopes);
    if has(scopes, "roles") {
        let roles: Vec<Value> = user.roles.iter().map(|role| describe_role(role)).collect();
        extend(claims, [("roles", json!(roles))]);
    }
    extend_with_custom_claims(claims, platform);
    knobs::apply(&changes, claims);
}

/// Who, of which tenant and application, signed in by whom.
fn extend_with_identity(claims: &mut Map<String, Value>, platform: &Platform, login: &Login, user: &UserInfo) {
    let identity_provider = match login.identity_provider.as_str() {
        "" => OWN_IDENTITY_PROVIDER,
        name => name,
    };
    let members = [
        ("sub", json!(id_of("user", &user.subject))),
        ("tnt_id", json!(id_of("tenant", &user.tenant))),
        ("app_id", json!(platform.application_id())),
        ("idp_name", json!(identity_provider)),
    ];
    extend(claims, members);
}

fn extend_with_profile(claims: &mut Map<String, Value>, user: &UserInfo, scopes: &[String]) {
    if has(scopes, "email") {
        let members = [("email", json!(user.email)), ("email_verified", json!(true))];
        extend(claims, members);
    }
    if has(scopes, "profile") {
        let (given_name, family_name) = user.name.rsplit_once(' ').unwrap_or((&user.name, ""));
        let members = [
            ("name", json!(user.name)),
            ("given_name", json!(given_name)),
            ("family_name", json!(family_name)),
            ("preferred_username", json!(user.name)),
            ("locale", json!("en-US")),
            ("zoneinfo", json!("Etc/UTC")),
            ("updated_at", json!(UPDATED_AT)),
        ];
        extend(claims, members);
    }
    if has(scopes, "phone") {
        let members = [
            ("phone_number", json!(PHONE_NUMBER)),
            ("phone_number_verified", json!(false)),
        ];
        extend(claims, members);
    }
}

fn extend_with_custom_claims(claims: &mut Map<String, Value>, platform: &Platform) {
    if let Some(custom) = platform.custom_claims() {
        extend(claims, [("custom_claims", Value::Object(custom.clone()))]);
    }
}

fn describe_role(role: &str) -> Value {
    let mut letters = role.chars();
    let display_name: String = letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default();
    Value::Object(object([
        ("id", json!(id_of("role", role))),
        ("name", json!(role)),
        ("display_name", json!(display_name)),
    ]))
}

fn has(scopes: &[String], name: &str) -> bool {
    scopes.iter().any(|scope| scope == name)
}
