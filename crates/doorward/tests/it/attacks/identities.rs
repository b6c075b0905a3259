//! Many users at once: everybody is answered as themselves.

use std::sync::Arc;

use doorward_testkit::Browser;
use http::StatusCode;
use serde_json::Value;

use super::support::Place;
use crate::support::World;

async fn sign_in_as(world: &World, subject: &str) -> Browser {
    let browser = world.browser.stranger();
    world.provider.script(|script| script.subject = subject.to_owned());
    let page = browser.visit_following("/auth/login?return_url=/home").await;
    assert_eq!(page.url.path(), "/home");
    browser
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_names_its_own_user() {
    // attacks: E24
    for place in Place::BOTH {
        let world = place.world();
        let mut users = Vec::new();
        for number in 0..100 {
            let subject = format!("user-{number}");
            users.push((sign_in_as(&world, &subject).await, subject));
        }
        // Twenty requests of each at once, over a refresh of all of them.
        world.advance(290);
        let world = Arc::new(world);
        let mut requests = tokio::task::JoinSet::new();
        for (browser, subject) in users {
            for round in 0..20 {
                let (tab, subject) = (browser.clone(), subject.clone());
                requests.spawn(async move {
                    let target = if round % 2 == 0 { "/api/me" } else { "/auth/session" };
                    let page = tab.get(target).await;
                    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
                    let member = if round % 2 == 0 { "subject" } else { "userId" };
                    assert_eq!(page.json::<Value>()[member], subject.as_str());
                    for cookie in page.set_cookies() {
                        assert!(cookie.starts_with("__Host-session") || cookie.starts_with("CSRF-TOKEN"));
                    }
                });
            }
        }
        requests.join_all().await;
        assert_eq!(
            world.provider.token_calls("refresh_token"),
            100,
            "{place:?}: one call per session"
        );
    }
}
