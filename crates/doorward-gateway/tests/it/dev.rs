//! `doorward dev`: the whole journey.

use reqwest::Method;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::process::{Server, doorward};

#[tokio::test]
async fn the_app_and_then_the_provider_are_ready() {
    let server = Server::dev(&[]);
    for url in &server.ready {
        assert!(url.starts_with("http://localhost:"), "{url}");
    }
    let mut browser = Browser::new();
    assert_eq!(
        browser.get(&format!("{}/api/public", server.ready[0])).await.status,
        200
    );
    let discovery = browser
        .get(&format!("{}/.well-known/openid-configuration", server.ready[1]))
        .await;
    assert_eq!(discovery.json()["issuer"], server.ready[1].as_str());

    let app = server.app().to_owned();
    let ended = server.stop("TERM");
    assert_eq!(ended.code, Some(0));
    assert_eq!(ended.stdout, "", "only ready lines go to stdout");
    for told in [
        &app,
        "alice@acme.test",
        "bob@acme.test",
        "carol@globex.test",
        "/api/protected",
        "secret",
    ] {
        assert!(ended.stderr.contains(told), "{}", ended.stderr);
    }
    // Log lines are for machines where stderr is no terminal.
    let lines: Vec<_> = ended.stderr.lines().filter(|line| line.starts_with('{')).collect();
    assert!(
        lines.iter().all(|line| serde_json::from_str::<Value>(line).is_ok()),
        "{lines:?}"
    );
    assert!(lines.iter().any(|line| line.contains("GET /api/public")), "{lines:?}");
}

#[test]
fn the_welcome_asks_for_two_people_only_where_there_are_two_to_choose_from() {
    let told = |more: &[&str]| Server::dev(more).stop("TERM").stderr;
    let choice = told(&[]);
    assert!(choice.contains("as alice and as bob: 200 and 403"), "{choice}");
    let at_once = told(&["--auto-login", "bob@acme.test"]);
    assert!(!at_once.contains("alice"), "{at_once}");
    assert!(at_once.contains("200 with the role admin, else 403"), "{at_once}");
}

#[tokio::test]
async fn without_a_session_protected_endpoints_answer_401() {
    let server = Server::dev(&[]);
    let app = server.app();
    let mut browser = Browser::new();
    for path in [
        "/api/protected",
        "/api/admin",
        "/api/events",
        "/auth/session?slide=false",
        "/auth/token",
    ] {
        let refused = browser.get(&format!("{app}{path}")).await;
        assert_eq!(refused.status, 401, "{path}");
        assert_eq!(refused.header("content-type"), "application/problem+json", "{path}");
        assert_eq!(
            refused.header("www-authenticate"),
            "Session realm=\"doorward\"",
            "{path}"
        );
        assert_eq!(refused.header("cache-control"), "no-store", "{path}");
        let problem = refused.json();
        assert_eq!(problem["code"], "session_missing", "{path}");
        assert_eq!(problem["type"], "urn:doorward:error:session_missing", "{path}");
        assert_eq!(problem["error"], "Unauthorized", "{path}");
        assert_eq!(problem["login_url"], format!("{app}/auth/login"), "{path}");
    }
    assert_eq!(browser.get(&format!("{app}/not/there")).await.status, 404);
}

#[tokio::test]
async fn the_page_is_public_and_allows_itself_only() {
    let server = Server::dev(&[]);
    let mut browser = Browser::new();
    for (path, media_type) in [
        ("/", "text/html"),
        ("/app.css", "text/css"),
        ("/app.js", "text/javascript"),
        ("/favicon.svg", "image/svg+xml"),
    ] {
        let page = browser.open(&format!("{}{path}", server.app())).await;
        assert_eq!(page.status, 200);
        assert!(page.header("content-type").starts_with(media_type), "{path}");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        let policy = page.header("content-security-policy");
        for rule in [
            "default-src 'none'",
            "script-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(rule), "{policy}");
        }
        assert!(
            policy.contains(&format!("form-action 'self' {};", server.ready[1])),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
    }
    let html = browser.open(server.app()).await.body;
    for inline in [
        "<script>",
        "<style",
        " style=",
        " onclick=",
        " onsubmit=",
        "javascript:",
    ] {
        assert!(!html.contains(inline), "{inline} would be refused by the policy");
    }
}

#[tokio::test]
async fn a_page_under_another_loopback_name_moves_to_the_public_url() {
    let server = Server::dev(&[]);
    let mut browser = Browser::new();
    let other = server.app().replace("localhost", "127.0.0.1");
    let page = browser.open(&format!("{other}/?a=b")).await;
    assert_eq!(
        (page.status, page.header("location")),
        (302, format!("{}/?a=b", server.app()).as_str())
    );
    // Calls of scripts and tools are answered where they come.
    assert_eq!(browser.get(&format!("{other}/api/public")).await.status, 200);
    assert_eq!(browser.get(&format!("{other}/api/protected")).await.status, 401);
}

#[tokio::test]
async fn alice_signs_in_reads_writes_and_signs_out() {
    let server = Server::dev(&["--auto-login", "alice@acme.test"]);
    let app = server.app();
    let mut browser = Browser::new();

    let page = browser
        .visit(&format!("{app}/auth/login?return_url=%2F%3Fback%3D1"))
        .await;
    assert_eq!(
        (page.status, page.url.as_str()),
        (200, format!("{app}/?back=1").as_str())
    );
    for name in ["doorward-session", "CSRF-TOKEN"] {
        assert!(browser.cookie(name).is_some(), "{name} in {:?}", browser.set_cookies);
    }

    let protected = browser.get(&format!("{app}/api/protected")).await;
    assert_eq!(protected.status, 200);
    let user = &protected.json()["user"];
    assert_eq!(user["email"], "alice@acme.test");
    assert_eq!(user["tenant"], "acme");
    assert_eq!(user["roles"], json!(["admin"]));
    assert!(user["id"].as_str().is_some_and(|id| !id.is_empty()));
    assert!(protected.json()["message"].is_string());
    assert_eq!(browser.get(&format!("{app}/api/admin")).await.status, 200);

    let session = browser.get(&format!("{app}/auth/session?slide=false")).await.json();
    assert_eq!(session["tenantId"], "acme");
    assert_eq!(session["userId"], user["id"]);
    assert_eq!(session["metadata"]["name"], "Alice Archer");
    assert!(session["expiresAt"].as_u64().is_some());
    assert!(browser.get(&format!("{app}/auth/token")).await.json()["accessToken"].is_string());

    let url = format!("{app}/api/protected");
    let body = Some(r#"{"note":"hello"}"#);
    let token = browser.cookie("CSRF-TOKEN").unwrap().to_owned();
    let written = browser
        .fetch(Method::POST, &url, &[("x-csrf-token", &token)], body)
        .await;
    assert_eq!(written.status, 200);
    assert_eq!(written.json()["received"], json!({"note": "hello"}));
    for (headers, code) in [
        (&[][..], "csrf_missing"),
        (&[("x-csrf-token", "wrong")], "csrf_mismatch"),
    ] {
        let refused = browser.fetch(Method::POST, &url, headers, body).await;
        assert_eq!((refused.status, &refused.json()["code"]), (403, &json!(code)));
    }

    let kept = browser.cookie_header();
    let out = browser
        .fetch(Method::POST, &format!("{app}/auth/logout"), &[], None)
        .await;
    assert_eq!(out.status, 200);
    let logout_url = out.json()["logoutUrl"].as_str().unwrap().to_owned();
    assert!(logout_url.starts_with(&server.ready[1]), "{logout_url}");
    let home = browser.visit(&logout_url).await.url;
    assert_eq!(
        (home.origin().ascii_serialization().as_str(), home.path()),
        (app, "/"),
        "the provider leads back"
    );
    assert_eq!(browser.get(&url).await.json()["code"], "session_missing");
    // The old cookies are worth nothing any more, even where someone kept them.
    let mut thief = Browser::new();
    let late = thief.fetch(Method::GET, &url, &[("cookie", &kept)], None).await;
    assert_eq!((late.status, &late.json()["code"]), (401, &json!("session_revoked")));
}

#[tokio::test]
async fn bob_is_signed_in_but_no_admin() {
    let server = Server::dev(&["--auto-login", "bob@acme.test"]);
    let mut browser = Browser::new();
    browser.visit(&format!("{}/auth/login", server.app())).await;
    assert_eq!(
        browser.get(&format!("{}/api/protected", server.app())).await.status,
        200
    );
    let refused = browser.get(&format!("{}/api/admin", server.app())).await;
    assert_eq!((refused.status, &refused.json()["code"]), (403, &json!("role_missing")));
}

#[tokio::test]
async fn with_tls_the_cookies_are_those_of_production() {
    let server = Server::dev(&["--tls", "--auto-login", "alice@acme.test"]);
    assert!(server.app().starts_with("https://localhost:"), "{}", server.app());
    assert!(server.ready[1].starts_with("http://localhost:"), "{}", server.ready[1]);
    let mut browser = Browser::new();
    let page = browser.visit(&format!("{}/auth/login", server.app())).await;
    assert_eq!(page.status, 200);
    assert_eq!(
        browser.get(&format!("{}/api/protected", server.app())).await.status,
        200
    );
    let session = browser
        .set_cookies
        .iter()
        .find(|line| line.starts_with("__Host-session="))
        .unwrap();
    for attribute in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(session.contains(attribute), "{session}");
    }
}

#[tokio::test]
async fn behind_a_proxy_the_provider_leads_back_to_the_public_url() {
    let public = "https://app.example.test:7443";
    // The ready line names the public URL, so the port behind it must be known beforehand.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = free.local_addr().unwrap().to_string();
    drop(free);
    let mut arguments = vec!["dev", "--listen", &listen, "--provider-listen", "127.0.0.1:0"];
    arguments.extend([
        "--public-url",
        "https://app.example.test:7443/",
        "--auto-login",
        "alice@acme.test",
    ]);
    let server = Server::start(doorward(&arguments), 2);
    assert_eq!(server.app(), public);

    let mut browser = Browser::new();
    let host = [("host", "app.example.test:7443")];
    let login = browser
        .fetch(Method::GET, &format!("http://{listen}/auth/login"), &host, None)
        .await;
    assert_eq!(login.status, 302);
    let asked = browser.open(login.header("location")).await;
    assert!(
        asked
            .header("location")
            .starts_with(&format!("{public}/auth/callback?")),
        "{}",
        asked.body
    );
}

#[tokio::test]
async fn a_provider_of_ones_own_is_used_with_the_secret_of_the_environment() {
    let provider = Server::start(doorward(&["provider", "--listen", "127.0.0.1:0"]), 1);
    let arguments = [
        "dev",
        "--listen",
        "127.0.0.1:0",
        "--client-id",
        "doorward-dev",
        "--issuer",
        provider.app(),
    ];
    let mut command = doorward(&arguments);
    command.env("DOORWARD_CLIENT_SECRET", "of-no-use-but-present");
    let server = Server::start(command, 1);
    let mut browser = Browser::new();
    let login = browser.visit(&format!("{}/auth/login", server.app())).await;
    assert_eq!(login.status, 200, "{}", login.body);
    assert!(login.url.as_str().starts_with(provider.app()), "{}", login.url);
    assert_eq!(server.stop("TERM").code, Some(0));
}

#[tokio::test]
async fn nothing_secret_is_logged() {
    let mut command = doorward(&[
        "dev",
        "--listen",
        "127.0.0.1:0",
        "--provider-listen",
        "127.0.0.1:0",
        "--auto-login",
        "alice@acme.test",
    ]);
    command.env("DOORWARD_LOG", "trace");
    let server = Server::start(command, 2);
    let app = server.app().to_owned();
    let mut browser = Browser::new();
    browser.visit(&format!("{app}/auth/login")).await;
    let token = browser.get(&format!("{app}/auth/token")).await.json()["accessToken"]
        .as_str()
        .unwrap()
        .to_owned();
    browser.get(&format!("{app}/api/protected")).await;
    browser
        .fetch(Method::POST, &format!("{app}/auth/logout"), &[], None)
        .await;

    let mut secrets = vec![token];
    for line in &browser.set_cookies {
        let value = line.split(';').next().unwrap().split_once('=').unwrap().1;
        secrets.extend((value.len() > 8).then(|| value.to_owned()));
    }
    for url in &browser.visited {
        for (name, value) in reqwest::Url::parse(url).unwrap().query_pairs() {
            if matches!(&*name, "code" | "state" | "nonce" | "code_challenge") {
                secrets.push(value.into_owned());
            }
        }
    }
    assert!(secrets.len() > 6, "the journey had secrets to keep");

    let ended = server.stop("TERM");
    let client_secret = ended
        .stderr
        .split("secret ")
        .nth(1)
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap()
        .to_owned();
    assert_eq!(
        ended.stderr.matches(&client_secret).count(),
        1,
        "printed once for people, never logged"
    );
    for secret in secrets {
        assert!(!ended.stderr.contains(&secret), "found {secret:?} in the log");
    }
}
