//! Who the user is, as the provider's claims say: roles, tenant, e-mail.

use doorward::{Builder, Code, Provider, Sessions};
use doorward_testkit::{AccessTokenKind, Answer, CLIENT_ID, CLIENT_SECRET};
use http::StatusCode;
use serde_json::{Value, json};

use super::harness::*;
use crate::support::{PROVIDER, SECRET, World};

fn provider(change: impl Fn(Provider) -> Provider) -> impl FnOnce(Builder) -> Builder {
    let provider = change(Provider::oidc(PROVIDER, CLIENT_ID, CLIENT_SECRET));
    move |builder| builder.provider(provider)
}

/// What each place says; `null` for nothing.
fn say(world: &World, id_token: Value, userinfo: Value, access_token: Value) {
    world.provider.script(|s| {
        s.claims.clear();
        s.token.access_token = AccessTokenKind::Jwt;
        s.claims.extend(access_token.as_object().cloned().unwrap_or_default());
        let merge = |claims: &mut Value, access: &Value, own: &Value| {
            let claims = claims.as_object_mut().unwrap();
            claims.retain(|name, _| !access.as_object().is_some_and(|access| access.contains_key(name)));
            claims.extend(own.as_object().cloned().unwrap_or_default());
        };
        let access = access_token.clone();
        s.token
            .id_token
            .edit_claims(move |claims| merge(claims, &access, &id_token));
        s.userinfo.answer = Answer::correct().edit(move |claims| merge(claims, &access_token, &userinfo));
    });
}

async fn me(world: &World) -> Value {
    let page = log_in(&world.browser).await;
    assert_signed_in(world, &page, "claims").await;
    world.browser.get("/api/me").await.json()
}

#[tokio::test]
async fn roles_come_from_the_configured_claim_wherever_it_stands() {
    let roles = |names: &[&str]| json!({"realm_access": {"roles": names}});
    let none = || Value::Null;
    let cases = [
        ("id token", roles(&["a"]), none(), none(), vec!["a"]),
        ("userinfo", none(), roles(&["b"]), none(), vec!["b"]),
        ("access token", none(), none(), roles(&["c"]), vec!["c"]),
        ("id token first", roles(&["a"]), roles(&["b"]), roles(&["c"]), vec!["a"]),
        ("then userinfo", none(), roles(&["b"]), roles(&["c"]), vec!["b"]),
        (
            "null is absence",
            json!({"realm_access": {"roles": null}}),
            roles(&["b"]),
            none(),
            vec!["b"],
        ),
        (
            "an exact name first",
            json!({"realm_access.roles": ["x"], "realm_access": {"roles": ["y"]}}),
            none(),
            none(),
            vec!["x"],
        ),
        (
            "one text",
            json!({"realm_access": {"roles": "a b"}}),
            none(),
            none(),
            vec!["a", "b"],
        ),
        ("nowhere", none(), none(), none(), vec![]),
        (
            "elsewhere",
            json!({"roles": ["admin"], "realm": {"roles": ["admin"]}}),
            none(),
            none(),
            vec![],
        ),
        (
            "of another type",
            json!({"realm_access": {"roles": {"admin": true}}}),
            none(),
            none(),
            vec![],
        ),
        (
            "a number",
            json!({"realm_access": {"roles": 1}}),
            none(),
            none(),
            vec![],
        ),
        ("below a text", json!({"realm_access": "admin"}), none(), none(), vec![]),
        (
            "mixed",
            json!({"realm_access": {"roles": ["a", 1, null, ["b"], "", "c\n", "d"]}}),
            none(),
            none(),
            vec!["a", "d"],
        ),
    ];
    for (name, id_token, userinfo, access_token, expected) in cases {
        let world = World::with(provider(|provider| provider.roles_claim("realm_access.roles")));
        say(&world, id_token, userinfo, access_token);
        assert_eq!(me(&world).await["roles"], json!(expected), "{name}");
        let admin = world.browser.get("/api/admin").await;
        assert_eq!(admin.problem_code(), "role_missing", "{name}");
    }
}

#[tokio::test]
async fn a_role_opens_what_it_is_for_from_each_place() {
    let admin = || json!({"https://acme.test/roles": ["admin"]});
    for (id_token, userinfo, access_token) in [
        (admin(), Value::Null, Value::Null),
        (Value::Null, admin(), Value::Null),
        (Value::Null, Value::Null, admin()),
    ] {
        let world = World::with(provider(|provider| provider.roles_claim("https://acme.test/roles")));
        say(&world, id_token, userinfo, access_token);
        me(&world).await;
        assert_eq!(world.browser.get("/api/admin").await.status, StatusCode::OK);
        assert_eq!(world.browser.get("/api/auditor").await.problem_code(), "role_missing");
    }
}

#[tokio::test]
async fn the_tenant_comes_from_the_configured_claim_wherever_it_stands() {
    let tenant = |name: &str| json!({"org": {"id": name}});
    let none = || Value::Null;
    for (name, id_token, userinfo, access_token, expected) in [
        ("id token", tenant("acme"), none(), none(), "acme"),
        ("userinfo", none(), tenant("globex"), none(), "globex"),
        ("access token", none(), none(), tenant("initech"), "initech"),
        (
            "id token first",
            tenant("acme"),
            tenant("globex"),
            tenant("initech"),
            "acme",
        ),
        ("nowhere", none(), none(), none(), "default"),
        ("empty", tenant(""), none(), none(), "default"),
    ] {
        let world = World::with(provider(|provider| provider.tenant_claim("org.id")));
        say(&world, id_token, userinfo, access_token);
        assert_eq!(me(&world).await["tenant"], expected, "{name}");
        let session: Value = world.browser.get("/auth/session").await.json();
        assert_eq!(session["tenantId"], expected, "{name}");
    }
}

#[tokio::test]
async fn a_tenant_claim_that_names_no_tenant_lets_nobody_in() {
    for claim in [
        json!(["acme"]),
        json!(7),
        json!("Acme Corp"),
        json!("Müller"),
        json!({"id": "acme"}),
    ] {
        let world = World::new();
        world.provider.script(|s| {
            s.claims.insert("tenant".into(), claim.clone());
        });
        let page = log_in(&world.browser).await;
        assert_refused(&world, &page, Code::LoginDenied, &claim.to_string()).await;
    }
}

// attacks: D42
#[tokio::test]
async fn an_application_of_one_tenant_takes_no_user_of_another() {
    for (claim, accepted) in [
        (json!("acme"), true),
        (json!("globex"), false),
        (json!("ACME"), false),
        (json!(["acme"]), false),
        (Value::Null, false),
    ] {
        let world = World::with(|builder| builder.tenant("acme"));
        world.provider.script(|s| {
            s.claims.insert("tenant".into(), claim.clone());
        });
        let page = log_in(&world.browser).await;
        if accepted {
            assert_signed_in(&world, &page, "own tenant").await;
        } else {
            assert_refused(&world, &page, Code::LoginDenied, &claim.to_string()).await;
        }
    }
}

// attacks: D40
#[tokio::test]
async fn an_email_address_is_verified_only_where_the_provider_says_true() {
    let long = format!("{}@acme.test", "a".repeat(10_000));
    let cases = [
        (
            "verified",
            json!({"email": "a@acme.test", "email_verified": true}),
            json!("a@acme.test"),
            true,
        ),
        (
            "text",
            json!({"email": "a@acme.test", "email_verified": "true"}),
            json!("a@acme.test"),
            false,
        ),
        (
            "a number",
            json!({"email": "a@acme.test", "email_verified": 1}),
            json!("a@acme.test"),
            false,
        ),
        ("unsaid", json!({"email": "a@acme.test"}), json!("a@acme.test"), false),
        (
            "a line break",
            json!({"email": "a@acme.test\nx", "email_verified": true}),
            Value::Null,
            false,
        ),
        (
            "a list",
            json!({"email": ["a@acme.test"], "email_verified": true}),
            Value::Null,
            false,
        ),
        (
            "10 kB",
            json!({"email": long, "email_verified": true}),
            Value::Null,
            false,
        ),
    ];
    for (name, said, email, verified) in cases {
        let world = World::new();
        say(&world, said, Value::Null, Value::Null);
        let me = me(&world).await;
        assert_eq!(
            (&me["email"], &me["email_verified"]),
            (&email, &json!(verified)),
            "{name}"
        );
    }
    // The address of one place is not vouched for by another.
    let world = World::new();
    say(
        &world,
        json!({"email": "a@acme.test"}),
        json!({"email": "b@acme.test", "email_verified": true}),
        Value::Null,
    );
    let me = me(&world).await;
    assert_eq!(
        (&me["email"], &me["email_verified"]),
        (&json!("a@acme.test"), &json!(false))
    );
}

fn many(count: usize, length: usize) -> Value {
    let name = |at: usize| format!("group-{at:0width$}", width = length - 6);
    json!({"roles": (0..count).map(name).collect::<Vec<_>>()})
}

// attacks: D41
// weakness: S4
#[tokio::test]
async fn more_roles_than_a_cookie_holds_fail_the_login_with_a_word_on_the_way_out() {
    let world = World::new();
    say(&world, Value::Null, many(5_000, 30), Value::Null);
    // From a page that sends people to login: it ends on our page and does not begin again.
    let page = world.browser.visit_following("/page").await;
    assert_refused(&world, &page, Code::SessionTooLarge, "5,000 roles").await;
    assert!(page.text().contains("session store"), "{}", page.text());
    assert_eq!(labels(&world), COMPLETE);

    // In a store they fit, up to the limit of 256.
    let world = World::build(Sessions::memory(SECRET), |builder| builder);
    say(&world, Value::Null, many(5_000, 30), Value::Null);
    assert_eq!(me(&world).await["roles"].as_array().unwrap().len(), 256);
}

// attacks: D41
#[tokio::test]
async fn claims_that_are_far_too_large_are_refused_where_they_arrive() {
    let world = World::new();
    say(
        &world,
        Value::Null,
        json!({"picture": "p".repeat(1 << 20)}),
        Value::Null,
    );
    let page = log_in(&world.browser).await;
    assert_refused(&world, &page, Code::ProviderUnavailable, "1 MB of userinfo").await;

    let world = World::new();
    say(&world, json!({"picture": "p".repeat(20_000)}), Value::Null, Value::Null);
    let page = log_in(&world.browser).await;
    assert_refused(&world, &page, Code::ProviderResponseInvalid, "20 kB of ID token").await;
}

#[tokio::test]
async fn claims_that_nobody_configured_never_cost_a_login() {
    let world = World::new();
    say(
        &world,
        json!({"roles": ["admin"]}),
        json!({"picture": "p".repeat(50_000), "nickname": "Al"}),
        Value::Null,
    );
    assert_eq!(me(&world).await["roles"], json!(["admin"]));
}

#[tokio::test]
async fn an_access_token_too_large_for_cookies_fails_the_login_and_fits_into_a_store() {
    let large = || Answer::correct().edit(|body| body["access_token"] = "a".repeat(12_000).into());
    let lie = |world: &World| {
        world.provider.script(|s| {
            s.token.answer = large();
            s.token.id_token.without_claim("at_hash");
            s.discovery = Answer::correct().without("userinfo_endpoint");
        });
    };
    let world = World::new();
    lie(&world);
    let page = log_in(&world.browser).await;
    assert_refused(&world, &page, Code::SessionTooLarge, "12 kB in cookies").await;
    let world = World::build(Sessions::memory(SECRET), |builder| builder);
    lie(&world);
    let page = log_in(&world.browser).await;
    assert_signed_in(&world, &page, "12 kB in a store").await;
}

#[tokio::test]
async fn whatever_passed_the_limits_fits_into_a_store() {
    let world = World::build(Sessions::memory(SECRET), |builder| builder);
    world.provider.script(|s| {
        s.discovery = Answer::correct().without("userinfo_endpoint");
        s.token.answer = Answer::correct().edit(|body| {
            body["access_token"] = "a".repeat(16 * 1024).into();
            body["refresh_token"] = "r".repeat(16 * 1024).into();
            body["scope"] = "s".repeat(4 * 1024).into();
        });
        s.token.id_token.edit_claims(|claims| {
            claims.as_object_mut().unwrap().remove("at_hash");
            claims["roles"] = (0..256).map(|at| format!("role-{at:025}")).collect::<Vec<_>>().into();
            claims["acr"] = "a".repeat(1_024).into();
            claims["name"] = "n".repeat(256).into();
        });
    });
    assert_eq!(me(&world).await["roles"].as_array().unwrap().len(), 256);
}

#[tokio::test]
async fn tokens_that_outgrow_the_cookies_end_the_session_at_worst_and_start_no_circle() {
    let world = World::new();
    // A made-up access token would not open userinfo.
    world
        .provider
        .script(|s| s.discovery = Answer::correct().without("userinfo_endpoint"));
    world.sign_in().await;
    let large = Answer::correct().edit(|body| body["access_token"] = "a".repeat(12_000).into());
    world.provider.script(|s| {
        s.refresh.answer = large.clone();
        s.refresh.id_token.without_claim("at_hash");
        s.token.answer = large;
        s.token.id_token.without_claim("at_hash");
    });
    world.advance(290);
    assert_is(&world.browser, "alice", "at the refresh").await;
    assert_eq!(world.provider.token_calls("refresh_token"), 1);
    // From here on only this process knows the tokens: it may go on with them, or end with their life.
    for step in [30, 61, 120, 200] {
        world.advance(step);
        let me = world.browser.get("/api/me").await;
        let over = me.problem_code() == "session_expired";
        assert!(me.status == StatusCode::OK || over, "{} {}", me.status, me.text());
    }
    world.browser.clear_cookies();
    let page = world.browser.visit_following("/page").await;
    assert_refused(&world, &page, Code::SessionTooLarge, "the next login").await;
}
