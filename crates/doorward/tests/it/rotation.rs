//! Session secrets that are replaced while requests come in: nobody is signed out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use doorward::{Doorward, KeyRingChange, Provider, SecretString, Sessions};
use doorward_testkit::{Browser, CLIENT_ID, CLIENT_SECRET, Page};
use http::{Method, Request, StatusCode};
use serde_json::json;
use tower::ServiceExt as _;

use crate::support::{APP, PROVIDER, World, application};

const A: &str = crate::support::SECRET;
const B: &str = "Hq3Zr8vK1nTgXw5yBdLfPc7mJsUaEoRi4WtYkVxN2bQ";
const C: &str = "Wd9Tb4nC6vXe1kRzGq8yLm2pJfHs5aUoEi3KtQxVrZY";
const SESSION: &str = "__Host-session";
const TOKENS: &str = "__Host-session.0";
const CSRF: &str = "CSRF-TOKEN";
/// Says which of the two instances answers.
const INSTANCE: &str = "x-instance";

/// Two instances behind one name that share nothing but the secrets.
struct Pair {
    world: World,
    instances: [Doorward; 2],
}

impl Pair {
    fn new(secrets: &[&str]) -> Self {
        let sessions = || Sessions::cookie(list(secrets));
        let world = World::build(sessions(), |builder| builder);
        let second = Doorward::builder()
            .public_url(APP)
            .provider(Provider::oidc(PROVIDER, CLIENT_ID, CLIENT_SECRET))
            .session(sessions())
            .fetch(world.fetch.clone())
            .tasks(world.tasks.clone())
            .clock(world.clock.clone())
            .build()
            .unwrap();
        let apps = [world.app.clone(), application(&second, &Arc::new(AtomicUsize::new(0)))];
        let turn = Arc::new(AtomicUsize::new(0));
        let balancer = Router::new().fallback(move |request: Request<Body>| {
            let wanted = request.headers().get(INSTANCE).and_then(|name| name.to_str().ok());
            let index = match wanted {
                Some(name) => name.parse().unwrap(),
                None => turn.fetch_add(1, Ordering::Relaxed),
            };
            apps[index % 2].clone().oneshot(request)
        });
        let instances = [world.auth.clone(), second];
        let browser = world.browser.clone().mount(APP, balancer);
        let world = World { browser, ..world };
        Self { world, instances }
    }

    /// Gives one instance its new secrets, or both in turn.
    fn replace(&self, instances: &[usize], secrets: &[&str]) {
        for index in instances {
            let change = self.instances[*index].replace_session_secrets(list(secrets));
            assert_eq!(change, Ok(KeyRingChange::Replaced));
        }
    }

    async fn user(&self) -> Browser {
        let browser = self.world.browser.stranger().with_clock(self.world.clock.clone());
        let page = browser.visit_following("/auth/login?return_url=/home").await;
        assert_eq!(page.url.path(), "/home", "{}", page.text());
        browser
    }
}

fn list(secrets: &[&str]) -> Vec<SecretString> {
    secrets.iter().map(|secret| SecretString::new(*secret)).collect()
}

async fn at(browser: &Browser, instance: usize, method: Method, path: &str, csrf: Option<&str>) -> Page {
    let mut request = browser.request(method, path).header(INSTANCE, &instance.to_string());
    if let Some(csrf) = csrf {
        request = request.header("x-csrf-token", csrf);
    }
    request.send().await
}

/// Everything a signed-in page does, at one instance: each answer is 200.
async fn everything(browser: &Browser, instance: usize, when: &str) {
    // The token as the page read it before this step: what it holds must not be refused either.
    let held = browser.script_cookie(CSRF).unwrap();
    for (method, path, csrf) in [
        (Method::POST, "/api/me", Some(held.as_str())),
        (Method::GET, "/api/me", None),
        (Method::POST, "/api/me", Some(held.as_str())),
        (Method::GET, "/api/token", None),
        (Method::GET, "/auth/session", None),
    ] {
        let page = at(browser, instance, method.clone(), path, csrf).await;
        let answer = page.text();
        assert_eq!(
            page.status,
            StatusCode::OK,
            "{when}: {method} {path} at {instance}: {answer}"
        );
    }
    let fresh = browser.script_cookie(CSRF).unwrap();
    let page = at(browser, instance, Method::PUT, "/api/me", Some(&fresh)).await;
    assert_eq!(page.status, StatusCode::OK, "{when}: {}", page.text());
}

/// Prints a figure.
#[allow(clippy::print_stdout, reason = "the figures of a rotation are asked for")]
fn report(line: &str) {
    println!("{line}");
}

/// From A to C by way of B, one instance always a step behind the other.
const STEPS: [(usize, &[&str]); 10] = [
    (0, &[A, B]),
    (1, &[A, B]),
    (0, &[B, A]),
    (1, &[B, A]),
    (0, &[B, C, A]),
    (1, &[B, C, A]),
    (0, &[C, B, A]),
    (1, &[C, B, A]),
    (0, &[C, B]),
    (1, &[C, B]),
];

#[tokio::test]
async fn a_rotation_from_a_to_c_with_instances_out_of_step_logs_nobody_out() {
    // attacks: K10
    let pair = Pair::new(&[A]);
    let mut users = Vec::new();
    for _ in 0..4 {
        users.push(pair.user().await);
    }
    let mut answers = 0;
    for (step, (instance, secrets)) in STEPS.into_iter().enumerate() {
        pair.replace(&[instance], secrets);
        // A minute between the two, and another until the next step; never as long as an access token lives.
        pair.world.advance(20);
        for user in &users {
            for instance in [0, 1, 0] {
                everything(user, instance, &format!("after step {step}")).await;
                answers += 6;
            }
        }
    }
    assert_eq!(answers, 10 * 4 * 3 * 6);
    // Who came meanwhile is sealed by C, tokens included: the end of A and B is nobody's.
    pair.replace(&[0, 1], &[C]);
    for user in &users {
        everything(user, 0, "with C alone").await;
        everything(user, 1, "with C alone").await;
    }
    report(&format!(
        "rotation A to B to C, two instances out of step: {answers} answers, all of them 200"
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_under_load_answers_every_request_with_200() {
    // attacks: K10
    let pair = Pair::new(&[A]);
    let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut workers = Vec::new();
    for _ in 0..4 {
        let user = pair.user().await;
        // Two tabs of each, whose requests overtake one another at either instance.
        for _ in 0..2 {
            let (user, stop, answered) = (user.clone(), Arc::clone(&stop), Arc::clone(&answered));
            workers.push(tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    let csrf = user.script_cookie(CSRF).unwrap();
                    let read = user.get("/api/me").await;
                    let write = user.request(Method::POST, "/api/me").header("x-csrf-token", &csrf);
                    for page in [read, write.send().await] {
                        assert_eq!(page.status, StatusCode::OK, "{}", page.text());
                        answered.fetch_add(1, Ordering::SeqCst);
                    }
                    // Nothing here ever waits, and others want the thread too.
                    tokio::task::yield_now().await;
                }
            }));
        }
    }
    for (instance, secrets) in STEPS {
        pair.replace(&[instance], secrets);
        let before = answered.load(Ordering::SeqCst);
        while answered.load(Ordering::SeqCst) < before + 80 {
            assert!(
                !workers.iter().any(tokio::task::JoinHandle::is_finished),
                "a request was refused"
            );
            tokio::task::yield_now().await;
        }
    }
    stop.store(true, Ordering::SeqCst);
    for worker in workers {
        worker.await.unwrap();
    }
    let answered = answered.load(Ordering::SeqCst);
    assert!(answered >= 800);
    report(&format!(
        "rotation A to B to C under load: {answered} answers, all of them 200"
    ));
}

#[tokio::test]
async fn taking_a_secret_away_ends_the_sessions_that_it_alone_sealed() {
    let pair = Pair::new(&[A]);
    let (idle, active) = (pair.user().await, pair.user().await);
    pair.replace(&[0, 1], &[B, A]);
    let newcomer = pair.user().await;
    everything(&active, 0, "with B in front").await;
    pair.replace(&[0, 1], &[B]);
    let page = idle.get("/api/me").await;
    assert_eq!(page.problem_code(), "session_invalid");
    assert_eq!(page.set_cookies(), Vec::<&str>::new());
    for instance in [0, 1] {
        everything(&active, instance, "with B alone").await;
        everything(&newcomer, instance, "with B alone").await;
    }
}

#[tokio::test]
async fn a_session_of_an_older_secret_is_sealed_anew_once_with_its_tokens_and_csrf_token() {
    let pair = Pair::new(&[A]);
    let user = pair.user().await;
    let parts = || [SESSION, TOKENS, CSRF].map(|name| user.cookie(name).unwrap());
    let of_a = parts();
    assert_eq!(
        user.get("/api/me").await.set_cookies(),
        Vec::<&str>::new(),
        "nothing is due"
    );
    pair.replace(&[0, 1], &[A, B]);
    assert_eq!(
        user.get("/api/me").await.set_cookies(),
        Vec::<&str>::new(),
        "A still seals"
    );

    pair.replace(&[0, 1], &[B, A]);
    // Only looking writes nothing.
    let looked = at(&user, 0, Method::GET, "/auth/session?slide=false", None).await;
    assert_eq!((looked.status, looked.set_cookies()), (StatusCode::OK, Vec::new()));
    // An unsafe request with the old token passes, and renews all three.
    let page = at(&user, 0, Method::POST, "/api/me", Some(&of_a[2])).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    let of_b = parts();
    for (old, new) in of_a.iter().zip(&of_b) {
        assert_ne!(old, new);
    }
    for instance in [0, 1, 0] {
        let page = at(&user, instance, Method::GET, "/api/me", None).await;
        assert_eq!(page.set_cookies(), Vec::<&str>::new(), "once is enough");
    }
    assert_eq!(parts(), of_b);
    // Even with A gone from the ring its token in a page that never reads the cookie is the only thing that is refused.
    pair.replace(&[0, 1], &[B]);
    let page = at(&user, 0, Method::POST, "/api/me", Some(&of_a[2])).await;
    assert_eq!(page.problem_code(), "csrf_mismatch");
    everything(&user, 0, "with B alone").await;
}

#[tokio::test]
async fn a_response_that_was_lost_does_not_leave_the_tokens_with_the_older_secret() {
    let pair = Pair::new(&[A]);
    let user = pair.user().await;
    pair.replace(&[0], &[B, A]);
    // Two requests with the old cookies; the answer to the first never arrives.
    let lost = user.thief();
    everything(&lost, 0, "the first of two").await;
    everything(&user, 0, "the second of two").await;
    pair.replace(&[0], &[B]);
    everything(&user, 0, "with B alone").await;
}

#[tokio::test]
async fn a_login_begun_with_one_secret_completes_with_the_next_and_not_without_its_own() {
    let pair = Pair::new(&[A]);
    for (list, completes) in [(&[B, A][..], true), (&[B][..], false)] {
        let browser = pair.world.browser.stranger();
        pair.replace(&[0, 1], &[A, C]);
        let begun = browser.visit("/auth/login?return_url=/home").await;
        let answer = browser.follow(&begun).await;
        pair.replace(&[0, 1], list);
        let page = browser.follow(&answer).await;
        assert_eq!(
            page.location().is_some_and(|url| url.path() == "/home"),
            completes,
            "{}",
            page.text()
        );
        let me = browser.get("/api/me").await;
        assert_eq!(me.status == StatusCode::OK, completes);
        if !completes {
            assert_eq!(page.status, StatusCode::BAD_REQUEST);
        }
    }
}

#[tokio::test]
async fn stored_sessions_live_through_a_rotation_too() {
    let world = World::build(Sessions::memory(A), |builder| builder);
    world.sign_in().await;
    let old = world.csrf();
    world.auth.replace_session_secrets(list(&[B, A])).unwrap();
    let post = |csrf: String| {
        let request = world.browser.request(Method::POST, "/api/me");
        async move {
            request
                .header("x-csrf-token", &csrf)
                .json(&json!({}))
                .send()
                .await
                .status
        }
    };
    assert_eq!(post(old.clone()).await, StatusCode::OK, "the old token goes on");
    assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
    assert_ne!(world.csrf(), old, "and a safe request brings the new one");
    assert_eq!(post(world.csrf()).await, StatusCode::OK);
    world.auth.replace_session_secrets(list(&[B])).unwrap();
    assert_eq!(post(world.csrf()).await, StatusCode::OK, "the record was sealed anew");
    assert_eq!(
        world.browser.get("/api/token").await.status,
        StatusCode::OK,
        "and its tokens"
    );
    world.auth.replace_session_secrets(list(&[C])).unwrap();
    assert!(
        world.browser.get("/api/me").await.status.is_client_error(),
        "sealed by B alone"
    );
}

#[tokio::test]
async fn secrets_that_cannot_be_used_change_nothing_for_anybody() {
    let pair = Pair::new(&[A]);
    let user = pair.user().await;
    for unfit in [vec![], list(&["short"]), list(&[B, B]), list(&[B, "changeme"])] {
        let error = pair.instances[0].replace_session_secrets(unfit).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("changeme"));
        everything(&user, 0, "after a refused list").await;
    }
    assert_eq!(
        pair.instances[0].replace_session_secrets(list(&[A])),
        Ok(KeyRingChange::Unchanged)
    );
}

#[tokio::test]
async fn session_whose_tokens_were_renewed_after_a_rotation_is_found_by_whoever_ends_its_users_sessions() {
    let world = World::build(Sessions::memory(list(&[A])), |builder| builder);
    world.sign_in().await;
    world.auth.replace_session_secrets(list(&[B, A])).unwrap();
    // Due: the renewal is the first to write the record with the new key.
    world.advance(301);
    assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
    world.auth.replace_session_secrets(list(&[B])).unwrap();
    assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
    let ended = world.auth.sessions().end_user(PROVIDER, "alice").await;
    assert_eq!(ended.unwrap(), 1);
    assert_eq!(world.browser.get("/api/me").await.problem_code(), "session_revoked");
}
