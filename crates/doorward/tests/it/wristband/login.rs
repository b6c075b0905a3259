//! Whose login it is, and who it ends with.

use doorward::{Sessions, Tenant};
use doorward_testkit::Page;
use http::StatusCode;
use serde_json::json;

use super::{ACME, ACME_DOMAIN, APP, GLOBEX, PLATFORM, Shop, location, problem};
use crate::support::SECRET;

fn host(page: &Page) -> String {
    page.url.origin().ascii_serialization()
}

#[tokio::test]
async fn user_signs_in_at_the_host_of_the_tenant_that_the_link_names() {
    let shop = Shop::new();
    for (query, at, user) in [
        ("tenant_name=acme", ACME, "alice@acme.test"),
        ("tenant_domain=globex", GLOBEX, "carol@globex.test"),
        ("tenant_name=ACME", ACME, "alice@acme.test"),
    ] {
        let page = shop.login_page(&format!("{query}&return_url=/home")).await;
        assert_eq!(host(&page), at, "{query}");
        let home = shop.press(&page).await;
        assert_eq!(home.url.as_str(), format!("{APP}/home"), "{}", home.text());
        let me: serde_json::Value = serde_json::from_str(shop.me().await.text()).unwrap();
        assert_eq!(me["email"], user);
        let session = shop.session().await;
        assert_eq!(session["tenantId"], me["tenant"]);
        assert_ne!(session["tenantId"], "default");
        shop.browser.clear_cookies();
    }
}

#[tokio::test]
async fn roles_are_the_names_that_userinfo_gives() {
    let shop = Shop::with(
        |_| (),
        |provider| provider.scopes(["openid", "offline_access", "email", "roles"]),
        |builder| builder,
    );
    shop.sign_in("tenant_name=acme&return_url=/home").await;
    let me: serde_json::Value = serde_json::from_str(shop.me().await.text()).unwrap();
    let roles = me["roles"].as_array().unwrap();
    assert_eq!(roles, &["admin"]);
}

#[tokio::test]
async fn somebody_whose_sign_in_is_too_old_for_the_platform_signs_in_again() {
    let shop = Shop::new();
    shop.sign_in("tenant_name=acme&return_url=/home").await;
    // The platform knows the user, finds the sign-in too old, and may not ask for another by itself.
    let page = shop.login_page("tenant_name=acme&max_age=0&return_url=/home").await;
    assert_eq!(host(&page), ACME, "{}", page.text());
    let home = shop.press(&page).await;
    assert_eq!(home.url.as_str(), format!("{APP}/home"), "{}", home.text());
}

// weakness: R2
#[tokio::test]
async fn custom_domain_of_the_query_is_never_followed_unless_the_platform_vouches_for_it() {
    let shop = Shop::with(
        |_| (),
        |provider| provider.default_tenant_name("globex"),
        |builder| builder,
    );
    let page = shop.login_page("tenant_custom_domain=login-acme.localhost").await;
    assert_eq!(host(&page), ACME_DOMAIN);
    // Nobody's domain counts as none: the next source decides.
    let page = shop.login_page("tenant_custom_domain=evil.localhost").await;
    assert_eq!(host(&page), GLOBEX);
    let asked = shop.fetch.count("custom-domain");
    assert_eq!(asked, 2);
    // Known answers are not asked for again.
    for _ in 0..20 {
        shop.login_page("tenant_custom_domain=evil.localhost").await;
    }
    assert_eq!(shop.fetch.count("custom-domain"), asked);
}

#[tokio::test]
async fn custom_domain_with_the_platforms_own_port_is_followed_and_with_another_it_is_not() {
    let shop = Shop::new();
    // An emulated platform hands its domains over with the port it listens on.
    let page = shop
        .login_page("tenant_custom_domain=login-acme.localhost%3A6002")
        .await;
    assert_eq!(host(&page), ACME_DOMAIN);
    for port in ["6001", "443", "0", ""] {
        let query = format!("/auth/login?tenant_custom_domain=login-acme.localhost%3A{port}");
        let page = shop.browser.visit(&query).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{port}: {}", location(&page));
    }
}

// weakness: R2
// attacks: M3
#[tokio::test]
async fn custom_domain_that_is_no_host_name_is_never_asked_about() {
    let shop = Shop::new();
    let long = "a".repeat(300);
    for text in [
        "evil.example/",
        "evil.example%2F",
        "evil.example%23",
        "a%40evil.example",
        "evil.example%3A443",
        "https%3A%2F%2Fevil.example",
        "..",
        "%20",
        "1.2.3.4",
        "login_acme.localhost",
        &long,
    ] {
        let page = shop
            .browser
            .visit(&format!("/auth/login?tenant_custom_domain={text}"))
            .await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{text}: {}", location(&page));
    }
    let twice = shop
        .browser
        .visit("/auth/login?tenant_custom_domain=a.localhost&tenant_custom_domain=b.localhost")
        .await;
    assert_eq!(twice.status, StatusCode::BAD_REQUEST);
    assert_eq!(shop.fetch.count("custom-domain"), 0);
}

// weakness: R3
#[tokio::test]
async fn tenant_name_of_the_query_never_leads_to_another_host() {
    let shop = Shop::new();
    for text in [
        "evil.example%2F",
        "evil.example%23",
        "a.b",
        "a%40b",
        "%2F%2Fevil",
        "-a",
        "a%0d%0a",
    ] {
        let page = shop.browser.visit(&format!("/auth/login?tenant_name={text}")).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{text}: {}", location(&page));
        assert!(page.location().is_none());
    }
    for text in ["a%00", "a%FF"] {
        let page = shop.browser.visit(&format!("/auth/login?tenant_name={text}")).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{text}: {}", location(&page));
    }
}

// weakness: L2
#[tokio::test]
async fn tenant_name_of_the_callbacks_query_is_never_believed() {
    let shop = Shop::new();
    let page = shop.login_page("tenant_name=acme&return_url=/home").await;
    let back = shop.choose(&page).await;
    assert!(location(&back).contains("tenant_name=acme"), "{}", location(&back));
    let forged = location(&back).replace(
        "tenant_name=acme",
        "tenant_name=globex&tenant_custom_domain=evil.example",
    );
    let arrived = shop.browser.visit_following(&forged).await;
    assert_eq!(arrived.url.path(), "/home", "{}", arrived.text());
    let logout = shop.browser.request(http::Method::POST, "/auth/logout").send().await;
    let logout: serde_json::Value = serde_json::from_str(logout.text()).unwrap();
    assert!(logout["logoutUrl"].as_str().unwrap().starts_with(ACME), "{logout}");
}

// weakness: L12
#[tokio::test]
async fn login_without_a_tenant_goes_to_the_choice_of_one_and_keeps_the_way_back() {
    let shop = Shop::new();
    let page = shop.browser.visit("/auth/login?return_url=/home%3Fa%3Db%26c").await;
    assert_eq!(page.status, StatusCode::FOUND);
    let to = page.location().unwrap();
    assert_eq!(to.origin().ascii_serialization(), format!("http://{PLATFORM}"));
    assert_eq!(to.path(), "/login");
    let state = to.query_pairs().find(|(name, _)| name == "state").unwrap().1;
    assert_eq!(state, "/home?a=b&c");
    assert_eq!(page.set_cookies(), Vec::<&str>::new(), "no login has begun yet");
    // Without a return URL there is no state.
    let bare = shop.browser.visit("/auth/login").await.location().unwrap();
    assert!(!bare.query_pairs().any(|(name, _)| name == "state"), "{bare}");
}

#[tokio::test]
async fn login_without_a_tenant_begins_at_the_application_where_that_is_on() {
    let shop = Shop::with(
        |platform| platform.application_authorization = true,
        |provider| provider,
        |builder| builder,
    );
    let page = shop.browser.visit("/auth/login?return_url=/home").await;
    let to = page.location().unwrap();
    assert_eq!(to.origin().ascii_serialization(), format!("http://{PLATFORM}"));
    assert_eq!(to.path(), "/api/v1/oauth2/authorize");
    let home = shop.sign_in("return_url=/home").await;
    assert_eq!(home.url.path(), "/home", "{}", home.text());
    assert_eq!(shop.me().await.status, StatusCode::OK);
}

#[tokio::test]
async fn tenant_is_read_from_the_host_and_the_query_is_left_aside() {
    let shop = Shop::by_host();
    for (name, at) in [("acme", ACME), ("globex", GLOBEX)] {
        let ours = format!("http://{name}.shop.localhost:6001");
        let page = shop
            .browser
            .visit_following(&format!("{ours}/auth/login?return_url=/home"))
            .await;
        assert_eq!(host(&page), at);
        let home = shop.press(&page).await;
        assert_eq!(home.url.as_str(), format!("{ours}/home"), "{}", home.text());
        let me = shop.browser.visit(&format!("{ours}/api/me")).await;
        let me: serde_json::Value = serde_json::from_str(me.text()).unwrap();
        assert_eq!(me["tenant"], name);
        // Frontends see the platform's own ID of the tenant.
        let session = shop.browser.visit(&format!("{ours}/auth/session")).await;
        let session: serde_json::Value = serde_json::from_str(session.text()).unwrap();
        assert_ne!(session["tenantId"], name);
    }
    // A link that names another tenant than its host contradicts itself.
    let page = shop
        .browser
        .visit("http://acme.shop.localhost:6001/auth/login?tenant_name=globex")
        .await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    // At the host that is nobody's the user chooses.
    let page = shop.browser.visit("http://shop.localhost:6001/auth/login").await;
    assert!(
        location(&page).starts_with(&format!("http://{PLATFORM}/login?")),
        "{}",
        location(&page)
    );
}

// weakness: L2
#[tokio::test]
async fn user_of_another_tenant_never_enters_by_a_login_for_this_one() {
    // The browser is steered to globex's page although the login was for acme.
    let shop = Shop::new();
    let page = shop
        .browser
        .visit("/auth/login?tenant_name=acme&return_url=/home")
        .await;
    let steered = location(&page).replace("acme-app", "globex-app");
    let page = shop.browser.visit_following(&steered).await;
    assert_eq!(host(&page), GLOBEX);
    let end = shop.press(&page).await;
    assert_eq!(end.status, StatusCode::FORBIDDEN, "{}", end.text());
    assert!(end.text().contains("login_denied"));
    assert_eq!(
        problem(&shop.me().await),
        (StatusCode::UNAUTHORIZED, "session_missing".into())
    );
}

// weakness: L3
#[tokio::test]
async fn userinfo_without_its_ids_never_makes_a_session() {
    for member in ["sub", "tnt_id", "app_id", "idp_name"] {
        let shop = Shop::new();
        shop.set(json!({ "errors": { "userinfo": { "omit": [member] } } }))
            .await;
        let end = shop.sign_in("tenant_name=acme&return_url=/home").await;
        assert!(
            end.status.is_server_error() || end.status.is_client_error(),
            "{member}: {}",
            end.url
        );
        assert_eq!(shop.me().await.status, StatusCode::UNAUTHORIZED, "{member}");
    }
}

#[tokio::test]
async fn sessions_at_the_platform_live_in_a_store_as_well() {
    let shop = Shop::with(
        |_| (),
        |provider| provider,
        |builder| builder.session(Sessions::memory(SECRET)),
    );
    let home = shop.sign_in("tenant_name=acme&return_url=/home").await;
    assert_eq!(home.url.path(), "/home");
    assert_eq!(shop.me().await.status, StatusCode::OK);
    let logout = shop.browser.request(http::Method::POST, "/auth/logout").send().await;
    let logout: serde_json::Value = serde_json::from_str(logout.text()).unwrap();
    assert!(logout["logoutUrl"].as_str().unwrap().starts_with(ACME), "{logout}");
}

#[tokio::test]
async fn application_sees_the_typed_user_of_the_platform_at_login() {
    let shop = Shop::with(
        |_| (),
        |provider| provider,
        |builder| {
            builder.on_login(|mut login| async move {
                let provider = login.wristband().unwrap().identity_provider_name.clone();
                login.insert("note", &provider).unwrap();
                Ok(login)
            })
        },
    );
    shop.sign_in("tenant_name=acme&return_url=/home").await;
    let data = shop.browser.get("/api/data").await;
    assert!(data.text().contains("Wristband"), "{}", data.text());
}

#[tokio::test]
async fn session_keeps_what_the_platform_says_of_user_and_tenant() {
    let shop = Shop::with(
        |_| (),
        |provider| provider,
        |builder| {
            builder.session_metadata(|session| {
                let user = session.user();
                json!({ "subject": user.subject, "tenant": user.tenant, "claims": user.claims })
            })
        },
    );
    shop.sign_in("tenant_name=acme&return_url=/home").await;
    let session = shop.session().await;
    let kept = &session["metadata"];
    assert_eq!(
        (&session["userId"], &session["tenantId"]),
        (&kept["subject"], &kept["tenant"])
    );
    assert_eq!(kept["claims"]["tnt_id"], kept["tenant"]);
    assert_eq!(kept["claims"]["tnt_name"], "acme");
    assert_eq!(kept["claims"]["idp_name"], "Wristband");
    assert!(kept["claims"]["app_id"].is_string());
    for secret in ["nonce", "at_hash", "aud", "exp"] {
        assert!(kept["claims"].get(secret).is_none(), "{secret}: the protocol's own");
    }
}

#[tokio::test]
async fn name_that_the_platform_gives_a_tenant_decides_only_where_no_id_is_configured() {
    let info = Shop::new().platform.platform_info().unwrap();
    let id = &info.tenants.iter().find(|tenant| tenant.name == "acme").unwrap().id;
    for (tenant, allowed) in [
        (Tenant::new("acme"), true),
        (Tenant::new("acme").id(id), true),
        // The configuration's acme is another customer than the platform's.
        (Tenant::new("acme").id("zzzzzzzzzzzzzzzzzzzzzzzzzz"), false),
    ] {
        let shop = Shop::with(|_| (), |provider| provider, |builder| builder.tenants([tenant]));
        let page = shop.sign_in("tenant_name=acme&return_url=/home").await;
        if allowed {
            assert_eq!(page.url.path(), "/home", "{}", page.text());
        } else {
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.text());
            assert!(page.text().contains("login_denied"), "{}", page.text());
            assert_eq!(shop.me().await.problem_code(), "session_missing");
        }
    }
}
