//! A whole run at the loudest log level, failures included: no secret of it is anywhere but in its own place.

use doorward::ports::FetchError;
use doorward::{Login, LoginDenied, Sessions};
use doorward_testkit::{Answer, CLIENT_SECRET, Endpoint, Page, Signing};
use http::Method;
use serde_json::json;

use super::log::{heard, listen};
use super::support::{Place, SESSION};
use crate::support::{SECRET, World};

/// Everything a run showed: pages, and the values it was entrusted with.
#[derive(Default)]
struct Run {
    pages: Vec<Page>,
    secrets: Vec<String>,
}

impl Run {
    fn keep(&mut self, page: Page) -> Page {
        for cookie in page.set_cookies() {
            let value = cookie.split(';').next().unwrap().split_once('=').unwrap().1;
            self.secrets.push(value.to_owned());
        }
        self.pages.push(page.clone());
        page
    }

    async fn login(&mut self, world: &World, query: &str) -> Page {
        let login = self.keep(world.browser.visit(&format!("/auth/login?{query}")).await);
        if login.location().is_none() {
            return login;
        }
        // The provider's own pages show what they must; they are not ours.
        let provider = world.browser.follow(&login).await;
        let callback = world.browser.follow(&provider).await;
        self.keep(callback)
    }

    async fn request(&mut self, world: &World, method: Method, target: &str, csrf: Option<&str>) -> Page {
        let mut request = world.browser.request(method, target);
        if let Some(csrf) = csrf {
            request = request.header("x-csrf-token", csrf);
        }
        let page = request.json(&json!({"note": "n"})).send().await;
        self.keep(page)
    }
}

/// Every kind of success and failure that the library knows.
async fn everything(world: &World) -> Run {
    let mut run = Run::default();
    let get = Method::GET;
    for query in [
        "return_url=/home",
        "return_url=https://evil.test&login_hint=alice",
        "max_age=x",
        "iss=https://evil.test",
        "prompt=none",
    ] {
        run.login(world, query).await;
    }
    let failures: [fn(&mut doorward_testkit::Script); 12] = [
        |script| script.authorization.error = Some("access_denied".into()),
        |script| script.authorization.set("state", "another"),
        |script| script.authorization.set("iss", "https://evil.test"),
        |script| script.authorization.repeat("code", "second", true),
        |script| script.token.answer = Answer::error(400, "invalid_grant"),
        |script| script.token.answer = Answer::error(401, "invalid_client"),
        |script| script.token.answer = Answer::instead(200, "text/html", "<html>"),
        |script| script.token.answer = Answer::correct().without("token_type"),
        |script| script.token.id_token.claim("nonce", "another"),
        |script| script.token.id_token.claim("aud", json!(["app", "x"])),
        |script| script.token.id_token.signing = Signing::OtherKey,
        |script| script.userinfo.answer = Answer::correct().with("sub", "mallory"),
    ];
    for failure in failures {
        world.provider.script(failure);
        run.login(world, "return_url=/home").await;
        world.provider.reset();
    }
    world.provider.script(|script| script.subject = "denied".into());
    run.login(world, "").await;
    world.provider.reset();
    for label in ["token", "jwks", "userinfo"] {
        world.fetch.fail_next_of(label, 1, || FetchError::Interrupted);
        run.login(world, "").await;
        world.advance(2);
        world.fetch.heal();
    }
    run.login(world, "return_url=/home").await;
    run.request(world, Method::POST, "/auth/logout", None).await;
    run.login(world, "return_url=/home").await;
    let csrf = world.csrf();
    for target in [
        "/api/me",
        "/api/auditor",
        "/auth/session",
        "/page",
        "/unknown",
        "/api/data",
        "/auth/callback?code=c&state=s",
    ] {
        run.request(world, get.clone(), target, None).await;
        run.request(world, Method::POST, target, None).await;
        run.request(world, Method::POST, target, Some(&csrf)).await;
        run.request(world, Method::POST, target, Some("wrong")).await;
    }
    // Refreshes that work and that fail in every way.
    for answer in [
        Answer::correct(),
        Answer::error(503, "temporarily_unavailable").times(1),
        Answer::error(400, "invalid_request").times(1),
        Answer::instead(200, "application/json", "{").times(1),
        Answer::correct().with("token_type", "mac").times(1),
    ] {
        world.provider.script(|script| script.refresh.answer = answer);
        world.advance(290);
        run.request(world, get.clone(), "/api/me", None).await;
        world.advance(20);
        run.request(world, get.clone(), "/api/me", None).await;
        world.provider.reset();
        world.advance(61);
    }
    let value = world.browser.cookie(SESSION).unwrap_or_default();
    let tampered = world.browser.stranger();
    tampered.plant(doorward_testkit::Cookie::planted(
        SESSION,
        &value.replace(['a', 'b'], "c"),
        "app.example.com",
    ));
    run.keep(tampered.get("/api/me").await);
    world
        .provider
        .script(|script| script.revocation = Answer::error(500, "server_error"));
    run.request(world, Method::POST, "/auth/logout", None).await;
    world.provider.reset();
    run.login(world, "").await;
    world.provider.revoke_everything();
    world.advance(400);
    run.request(world, get.clone(), "/api/me", None).await;
    world.tasks.idle().await;
    run.login(world, "").await;
    world
        .provider
        .script(|script| script.refresh.id_token.claim("sub", "mallory"));
    world.advance(400);
    run.request(world, get, "/api/me", None).await;
    run.request(world, Method::GET, "/auth/logout", None).await;
    world.tasks.idle().await;
    run
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

// weakness: L17
#[tokio::test]
async fn a_whole_run_shows_no_secret_in_any_log_line_page_or_url() {
    for place in Place::BOTH {
        listen();
        let sessions: Sessions = place.sessions();
        let world = World::build(sessions, |builder| {
            builder.on_login(|login: Login| async move {
                match login.user().subject.as_str() {
                    "denied" => Err(LoginDenied::new("not on the list")),
                    _ => Ok(login),
                }
            })
        });
        let run = everything(&world).await;

        let mut secrets = world.provider.minted_secrets();
        secrets.extend(run.secrets.iter().cloned());
        for request in world.provider.requests_to(Endpoint::Authorize) {
            secrets.extend(["state", "nonce"].iter().filter_map(|name| request.param(name)));
        }
        for request in world.provider.requests_to(Endpoint::Token) {
            secrets.extend(["code_verifier", "code"].iter().filter_map(|name| request.param(name)));
            let basic = request
                .headers
                .get("authorization")
                .and_then(|value| value.to_str().ok());
            secrets.extend(basic.and_then(|value| value.strip_prefix("Basic ")).map(str::to_owned));
        }
        secrets.extend([SECRET.to_owned(), CLIENT_SECRET.to_owned(), encoded(CLIENT_SECRET)]);
        secrets.sort();
        secrets.dedup();
        secrets.retain(|secret| secret.len() >= 8);
        assert!(secrets.len() > 100, "{place:?}: the run minted {}", secrets.len());

        let log = heard();
        for line in [
            "signed in",
            "signed out",
            "login failed",
            "could not be renewed",
            "request refused",
            "session ended",
        ] {
            assert!(log.contains(line), "{place:?}: the log was heard: {line}");
        }
        for secret in &secrets {
            assert!(!log.contains(secret.as_str()), "{place:?}: {secret} stands in the log");
        }

        for page in &run.pages {
            let body = String::from_utf8_lossy(&page.body);
            let url = page.url.as_str();
            for secret in &secrets {
                assert!(
                    !body.contains(secret.as_str()),
                    "{place:?} {url}: {secret} stands in the body"
                );
            }
            assert_url(page.header("location").unwrap_or_default(), &secrets);
        }
    }
}

/// A secret stands in a URL only under the protocol's own names.
fn assert_url(location: &str, secrets: &[String]) {
    let Ok(url) = url::Url::parse(location) else {
        assert_eq!(location, "");
        return;
    };
    for (name, value) in url.query_pairs() {
        let protocol = ["state", "nonce", "code", "code_challenge", "id_token_hint"].contains(&name.as_ref());
        assert!(
            protocol || secrets.iter().all(|secret| !value.contains(secret.as_str())),
            "{name} in {location}"
        );
    }
    let rest = format!("{}{}", url.path(), url.fragment().unwrap_or_default());
    assert!(
        secrets.iter().all(|secret| !rest.contains(secret.as_str())),
        "{location}"
    );
}

#[tokio::test]
async fn refusal_is_never_silent_and_its_reason_never_vague() {
    // weakness: M27
    listen();
    let world = Place::Sealed.signed_in().await;
    let refused = world.browser.stranger().get("/api/me").await;
    let forged = world.browser.request(Method::POST, "/api/me").send().await;
    let stranger = world.browser.stranger();
    stranger.visit("/auth/callback?state=nobodys&code=x").await;
    world.advance(301);
    world.provider.revoke_everything();
    world.browser.get("/api/me").await;
    let log = heard();
    for (page, code) in [(&refused, "session_missing"), (&forged, "csrf_missing")] {
        let problem: serde_json::Value = page.json();
        let id = problem["request_id"].as_str().unwrap();
        let told = log.lines().any(|line| line.contains(code) && line.contains(id));
        assert!(told, "{code} {id}: {log}");
    }
    for reason in ["no login of this browser has this state", "took the refresh token back"] {
        assert!(log.contains(reason), "{reason}: {log}");
    }
}
