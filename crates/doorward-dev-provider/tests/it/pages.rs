//! What a person sees, and what a page may do.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};

use crate::browser::{Browser, ISSUER};

#[tokio::test]
async fn the_sign_in_page_shows_client_and_users_and_runs_no_script() {
    let mut browser = Browser::new(|_| ());
    let page = browser
        .authorize(&[("scope", "openid offline_access orders.read")])
        .await;
    for text in [
        "doorward-dev",
        "http://localhost:6001",
        "Alice Archer",
        "bob@acme.test",
        "globex",
        "orders.read",
    ] {
        assert!(page.body.contains(text), "{text}");
    }
    assert!(!page.body.contains("<script") && !page.body.contains(" style="));
    let policy = page.header("content-security-policy");
    for rule in [
        "default-src 'none'",
        "script-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(rule), "{policy}");
    }
    assert!(!policy.contains("unsafe"));
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn a_hinted_user_comes_first_and_an_unknown_hint_is_said() {
    let mut browser = Browser::new(|_| ());
    let page = browser.authorize(&[("login_hint", "carol@globex.test")]).await.body;
    assert!(page.find("Carol Chen").unwrap() < page.find("Alice Archer").unwrap());
    assert!(page.contains("autofocus"));
    let page = browser.authorize(&[("login_hint", "<b>mallory</b>")]).await.body;
    assert!(page.contains("&lt;b&gt;mallory&lt;/b&gt;") && !page.contains("<b>"));
    assert!(!page.contains("autofocus"));
}

#[tokio::test]
async fn prompt_create_says_so() {
    let page = Browser::new(|_| ()).authorize(&[("prompt", "create")]).await;
    assert!(page.body.contains("<h1>Create an account</h1>"));
}

#[tokio::test]
async fn what_a_link_brings_cannot_become_markup() {
    let mut browser = Browser::new(|_| ());
    let attack = "\"><script>alert(1)</script>";
    let page = browser
        .authorize(&[
            ("state", attack),
            ("nonce", attack),
            ("ui_locales", attack),
            (attack, attack),
        ])
        .await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.body.contains("<script"), "{}", page.body);
    let error = browser.authorize(&[("client_id", attack)]).await;
    assert_eq!(error.status, StatusCode::BAD_REQUEST);
    assert!(!error.body.contains("<script"));
    assert!(
        error.body.contains("&lt;script&gt;alert(1)"),
        "the client that was asked for is named"
    );
    let posted = browser
        .sign_in("alice@acme.test", &[("response_mode", "form_post"), ("state", attack)])
        .await;
    assert_eq!(posted.body.matches("<script").count(), 1);
    assert!(posted.hidden().contains(&("state".to_owned(), attack.to_owned())));
}

#[tokio::test]
async fn an_unknown_client_is_named_without_disguise_or_end_and_known_ones_are_pointed_at() {
    let mut browser = Browser::new(|_| ());
    let page = browser.authorize(&[("client_id", "my-app")]).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    for text in ["&quot;my-app&quot;", "&quot;doorward-dev&quot;", "[[clients]]"] {
        assert!(page.body.contains(text), "{text} is not in {}", page.body);
    }
    // What turns the direction of writing around would let the name stand for another one.
    let turned = browser.authorize(&[("client_id", "a\u{202e}ved\n")]).await.body;
    assert!(
        turned.contains("a\\u{202e}ved\\n") && !turned.contains('\u{202e}'),
        "{turned}"
    );
    let long = browser.authorize(&[("client_id", &"x".repeat(300))]).await.body;
    assert!(
        long.contains(&"x".repeat(80)) && !long.contains(&"x".repeat(81)),
        "{long}"
    );
}

#[tokio::test]
async fn form_post_answers_a_form_that_sends_itself() {
    let mut browser = Browser::new(|_| ());
    let page = browser
        .sign_in("alice@acme.test", &[("response_mode", "form_post")])
        .await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("action=\"http://localhost:6001/auth/callback\""));
    assert!(page.body.contains("<noscript><button"));
    let fields = page.hidden();
    let field = |name: &str| {
        fields
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    assert_eq!(field("state"), Some("the state & <more>"));
    assert_eq!(field("iss"), Some(ISSUER));
    let script = page
        .body
        .split("<script>")
        .nth(1)
        .unwrap()
        .split("</script>")
        .next()
        .unwrap();
    let digest = base64_simd::STANDARD.encode_to_string(doorward_crypto::sha256(script.as_bytes()));
    assert!(
        page.header("content-security-policy")
            .contains(&format!("script-src 'sha256-{digest}'"))
    );
    assert!(page.header("set-cookie").starts_with("doorward-provider="));
    assert_eq!(browser.redeem(field("code").unwrap()).await.status, StatusCode::OK);
    // Errors come the same way.
    let refusal = browser
        .authorize(&[("response_mode", "form_post"), ("response_type", "token")])
        .await;
    assert!(
        refusal
            .hidden()
            .contains(&("error".into(), "unsupported_response_type".into()))
    );
}

#[tokio::test]
async fn a_foreign_host_name_is_misdirected() {
    let mut browser = Browser::new(|settings| settings.auto_login = Some("alice@acme.test".into()));
    for path in [
        "/",
        "/authorize",
        "/.well-known/openid-configuration",
        "/jwks",
        "/_control/stats",
        "/nowhere",
    ] {
        for host in [
            "evil.test",
            "localhost.evil.test",
            "192.168.0.1:6002",
            "0.0.0.0:6002",
            "",
        ] {
            let request = Request::get(path)
                .header(header::HOST, host)
                .body(Body::empty())
                .unwrap();
            assert_eq!(
                browser.send(request).await.status,
                StatusCode::MISDIRECTED_REQUEST,
                "{host} {path}"
            );
        }
    }
    for host in ["127.0.0.1:6002", "[::1]:6002", "acme.localhost:6002"] {
        let request = Request::get("/jwks")
            .header(header::HOST, host)
            .body(Body::empty())
            .unwrap();
        assert_eq!(browser.send(request).await.status, StatusCode::OK, "{host}");
    }
    let two = Request::get("/jwks")
        .header(header::HOST, "localhost")
        .header(header::HOST, "evil.test");
    assert_eq!(
        browser.send(two.body(Body::empty()).unwrap()).await.status,
        StatusCode::MISDIRECTED_REQUEST
    );
}

#[tokio::test]
async fn the_home_page_says_who_is_signed_in() {
    let mut browser = Browser::new(|_| ());
    let page = browser.get("/").await;
    assert!(page.body.contains("Bob Baker") && !page.body.contains("signed in<"));
    browser.sign_in("bob@acme.test", &[]).await;
    assert!(browser.get("/").await.body.contains("signed in<"));
    assert_eq!(browser.get("/nowhere").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn oversized_requests_are_refused() {
    let mut browser = Browser::new(|_| ());
    let page = browser.authorize(&[("state", &"x".repeat(20_000))]).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    let many: Vec<(String, String)> = (0..100).map(|n| (format!("p{n}"), "1".to_owned())).collect();
    let many: Vec<(&str, &str)> = many
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(browser.as_client("/token", &many).await.error(), "invalid_request");
}
