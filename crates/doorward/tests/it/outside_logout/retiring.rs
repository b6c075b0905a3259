//! Sessions that another has taken the place of a moment ago: what ends them for good counts at once, grace or not.

use doorward::Builder;
use doorward_testkit::Browser;
use http::{Method, StatusCode};
use serde_json::json;

use super::{Ends, REVOKED, heard, sign_in, stands, stands_at, tell, token};
use crate::attacks::support::{Meddled, Raw};
use crate::support::World;

/// alice after a step-up, three seconds of the ten over, and two processes that let both of her sessions in.
struct SteppedUp {
    first: World,
    second: World,
    /// With the cookies of before.
    old: Browser,
    old_sid: String,
    new: Browser,
    bob: Browser,
}

impl SteppedUp {
    async fn new(ends: Ends) -> Self {
        let store = Meddled::default();
        let same = |builder: Builder| builder;
        let first = ends.over(&store, same);
        let second = ends.beside(&first, &store);
        let (bob, _) = sign_in(&first, "bob").await;
        let (new, old_sid) = sign_in(&first, "alice").await;
        let old = new.thief();
        let page = new.visit_following("/auth/login?return_url=/home&prompt=login").await;
        assert_eq!(page.url.path(), "/home", "{}", page.text());
        let this = Self {
            first,
            second,
            old,
            old_sid,
            new,
            bob,
        };
        this.first.advance(3);
        assert_eq!(this.standing().await, ["200"; 6], "{ends:?}");
        heard().await;
        this
    }

    /// Of the old session, the new one and bob's, at the first process and at the second.
    async fn standing(&self) -> Vec<String> {
        let mut standing = Vec::new();
        for browser in [&self.old, &self.new, &self.bob] {
            standing.push(stands(browser).await);
            standing.push(stands_at(&self.second, browser).await);
        }
        standing
    }
}

#[tokio::test]
async fn a_retiring_session_that_the_provider_ends_is_refused_at_once_everywhere() {
    // attacks: J4
    for ends in Ends::BOTH {
        for at_second in [false, true] {
            let alice = SteppedUp::new(ends).await;
            let process = if at_second { &alice.second } else { &alice.first };
            let meant = token(&alice.first, json!({"sid": alice.old_sid}));
            assert_eq!(tell(process, &meant).await.status, StatusCode::OK);
            heard().await;
            assert_eq!(
                alice.standing().await,
                [REVOKED, REVOKED, "200", "200", "200", "200"],
                "{ends:?} {at_second}"
            );
        }
    }
}

#[tokio::test]
async fn a_logout_of_the_user_at_the_provider_spares_no_retiring_session() {
    for ends in Ends::BOTH {
        for at_second in [false, true] {
            let alice = SteppedUp::new(ends).await;
            let process = if at_second { &alice.second } else { &alice.first };
            let meant = token(&alice.first, json!({"sub": "alice"}));
            assert_eq!(tell(process, &meant).await.status, StatusCode::OK);
            heard().await;
            assert_eq!(
                alice.standing().await,
                [REVOKED, REVOKED, REVOKED, REVOKED, "200", "200"],
                "{ends:?} {at_second}"
            );
        }
    }
}

#[tokio::test]
async fn a_logout_with_the_cookies_of_a_retiring_session_counts_at_once_everywhere() {
    for ends in Ends::BOTH {
        for at_second in [false, true] {
            let alice = SteppedUp::new(ends).await;
            let process = if at_second { &alice.second } else { &alice.first };
            let browser = process.browser.stranger();
            alice.old.cookies().into_iter().for_each(|cookie| browser.plant(cookie));
            let page = browser.request(Method::POST, "/auth/logout").send().await;
            assert_eq!(page.status, StatusCode::OK, "{}", page.text());
            heard().await;
            assert_eq!(
                alice.standing().await,
                [REVOKED, REVOKED, "200", "200", "200", "200"],
                "{ends:?} {at_second}"
            );
        }
    }
}

#[tokio::test]
async fn a_retiring_session_that_nobody_ends_is_served_for_its_ten_seconds_and_no_longer() {
    for ends in Ends::BOTH {
        let alice = SteppedUp::new(ends).await;
        alice.first.advance(6);
        assert_eq!(alice.standing().await, ["200"; 6], "{ends:?}");
        alice.first.advance(1);
        assert_eq!(
            alice.standing().await,
            [REVOKED, REVOKED, "200", "200", "200", "200"],
            "{ends:?}"
        );
    }
}

#[tokio::test]
async fn a_retiring_session_is_not_written_in_another_process_either() {
    for ends in Ends::BOTH {
        let store = Meddled::default();
        let first = ends.over(&store, |builder: Builder| builder);
        let second = ends.beside(&first, &store);
        let (new, _) = sign_in(&first, "alice").await;
        let old = new.thief();
        assert_eq!(stands_at(&second, &old).await, "200");
        // Long enough for its next use to be written.
        first.advance(600);
        heard().await;
        let before = Raw::get("/api/me").cookies_of(&old).send(&second.app).await;
        assert!(before.headers.contains_key("set-cookie"), "{ends:?}: it would be");
        new.visit_following("/auth/login?return_url=/home&prompt=login").await;
        heard().await;
        let after = Raw::get("/api/me").cookies_of(&old).send(&second.app).await;
        assert_eq!(after.status, StatusCode::OK, "{ends:?}");
        assert!(
            !after.headers.contains_key("set-cookie"),
            "{ends:?}: the browser has another by now"
        );
    }
}

#[tokio::test]
async fn a_retiring_session_is_not_written_where_it_is_first_heard_of_by_the_request_itself() {
    let store = Meddled::default();
    store.silence();
    let first = Ends::Revoked.over(&store, |builder: Builder| builder);
    let second = Ends::Revoked.beside(&first, &store);
    let (new, _) = sign_in(&first, "alice").await;
    let old = new.thief();
    assert_eq!(stands_at(&second, &old).await, "200");
    // Its tokens are due and not over, and what the second process knows is too old.
    first.advance(250);
    new.visit_following("/auth/login?return_url=/home&prompt=login").await;
    let late = Raw::get("/api/me").cookies_of(&old).send(&second.app).await;
    assert_eq!(late.status, StatusCode::OK);
    assert!(!late.headers.contains_key("set-cookie"));
    // Another that nobody replaces is written.
    first.advance(250);
    let used = Raw::get("/api/me").cookies_of(&new).send(&second.app).await;
    assert!(used.headers.contains_key("set-cookie"));
}
