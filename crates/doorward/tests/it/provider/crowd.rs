//! Many logins at once, and one login many times.

use doorward::Sessions;
use doorward_testkit::{Browser, Endpoint, Gate, Page};
use http::StatusCode;
use serde_json::Value;
use tokio::task::JoinSet;
use url::Url;

use super::harness::*;
use crate::support::{SECRET, World};

fn worlds() -> [World; 2] {
    [World::new(), World::build(Sessions::memory(SECRET), |builder| builder)]
}

/// Lets `count` people get as far as the provider's answer, each in a browser of their own.
async fn crowd(world: &World, count: usize) -> Vec<(String, Browser, Url)> {
    let mut people = Vec::new();
    for at in 0..count {
        let name = format!("user-{at}");
        world.provider.script(|s| {
            s.subject = name.clone();
            s.claims.insert("email".into(), format!("{name}@acme.test").into());
            s.claims.insert("roles".into(), vec![format!("role-{at}")].into());
        });
        let browser = world.browser.stranger();
        let answer = answered(&browser, &format!("/auth/login?return_url=/page%3Fuser%3D{at}")).await;
        people.push((name, browser, answer.location().unwrap()));
    }
    people
}

// attacks: B26
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_users_who_sign_in_at_once_are_each_themselves() {
    for world in worlds() {
        let gate = Gate::closed();
        let people = crowd(&world, 200).await;
        world.fetch.hold(Some("token"), &gate);
        let mut logins = JoinSet::new();
        for (at, (name, browser, callback)) in people.into_iter().enumerate() {
            logins.spawn(async move {
                let page = arrive(&browser, &callback).await;
                assert_eq!(page.status, StatusCode::FOUND, "{}", page.text());
                assert_eq!(page.location().unwrap().query(), Some(format!("user={at}").as_str()));
                for _ in 0..3 {
                    let me: Value = browser.get("/api/me").await.json();
                    assert_eq!(me["subject"], name.as_str());
                    assert_eq!(me["email"], format!("{name}@acme.test"));
                    assert_eq!(me["roles"], serde_json::json!([format!("role-{at}")]));
                    tokio::task::yield_now().await;
                }
            });
        }
        // All of them stand at the token endpoint before the first gets through.
        gate.arrived(200).await;
        gate.open();
        assert_eq!(logins.join_all().await.len(), 200);
        assert_eq!(world.provider.token_calls("authorization_code"), 200);
        assert_eq!((world.fetch.count("discovery"), world.fetch.count("jwks")), (1, 1));
    }
}

// attacks: B4, K14
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_answer_that_comes_many_times_at_once_makes_one_token_call_and_one_session() {
    for world in worlds() {
        let answer = answered(&world.browser, "/auth/login?return_url=/home").await;
        let callback = answer.location().unwrap();
        let mut arrivals: JoinSet<(Browser, Page)> = JoinSet::new();
        for _ in 0..50 {
            let (browser, callback) = (world.browser.thief(), callback.clone());
            arrivals.spawn(async move {
                let page = arrive(&browser, &callback).await;
                (browser, page)
            });
        }
        let mut signed_in = 0;
        for (browser, page) in arrivals.join_all().await {
            if browser.get("/api/me").await.status == StatusCode::OK {
                signed_in += 1;
                assert_eq!(page.location().unwrap().path(), "/home");
            } else {
                assert_eq!(
                    (page.status, page_code(&page)),
                    (StatusCode::BAD_REQUEST, "login_missing")
                );
            }
        }
        assert_eq!(signed_in, 1);
        assert_eq!(world.provider.count(Endpoint::Token), 1);
    }
}

#[tokio::test]
async fn a_browser_that_hangs_up_during_the_token_call_leaves_no_half_login_behind() {
    for world in worlds() {
        let answer = answered(&world.browser, "/auth/login?return_url=/home").await;
        let callback = answer.location().unwrap();
        let gate = Gate::closed();
        world.fetch.hold(Some("token"), &gate);
        let (browser, url) = (world.browser.clone(), callback.clone());
        let arrival = tokio::spawn(async move { arrive(&browser, &url).await });
        gate.arrived(1).await;
        arrival.abort();
        assert!(arrival.await.unwrap_err().is_cancelled());
        gate.open();
        world.tasks.idle().await;
        // The code was redeemed once and is spent; the answer is not taken a second time.
        let page = arrive(&world.browser, &callback).await;
        assert_refused(&world, &page, doorward::Code::LoginMissing, "after hanging up").await;
        assert_eq!(world.provider.count(Endpoint::Token), 1);
        world.sign_in().await;
    }
}
