//! The store goes away while somebody signs in: the login is not lost by it, and nobody is sent on as if signed in.

use doorward_testkit::{Gate, Page};
use http::StatusCode;
use url::Url;

use super::support::{Meddled, SESSION};
use crate::support::World;

/// Up to the answer that the provider sends the browser to the callback with.
async fn answered(world: &World) -> Url {
    let login = world.browser.visit("/auth/login?return_url=/home").await;
    let provider = world.browser.follow(&login).await;
    provider.location().expect("a callback")
}

/// No success, no way on, and the cookies as they were.
#[track_caller]
fn assert_outage(page: &Page) {
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{}", page.text());
    assert!(page.text().contains("store_unavailable"), "{}", page.text());
    assert!(page.header("retry-after").is_some());
    assert_eq!(page.header("location"), None);
    assert_eq!(page.set_cookies(), Vec::<&str>::new(), "the login's ticket stays");
}

#[tokio::test]
async fn an_outage_of_the_store_at_the_callback_uses_no_login_up() {
    for is_signed_in in [false, true] {
        let store = Meddled::default();
        let world = store.world();
        if is_signed_in {
            world.sign_in().await;
        }
        let before = world.browser.cookie(SESSION);
        let callback = answered(&world).await;
        store.fail(true);
        for _ in 0..3 {
            assert_outage(&world.browser.visit(callback.as_str()).await);
            world.advance(1);
        }
        assert_eq!(world.browser.cookie(SESSION), before);
        store.fail(false);
        world.advance(1);
        let page = world.browser.visit(callback.as_str()).await;
        assert_eq!(page.status, StatusCode::FOUND, "{}", page.text());
        assert_eq!(page.location().unwrap().path(), "/home");
        assert_ne!(world.browser.cookie(SESSION), before);
        assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
        let calls = world.provider.token_calls("authorization_code");
        assert_eq!(calls, 1 + usize::from(is_signed_in), "a code is redeemed once");
        // Now it is used up.
        let copy = world.browser.stranger();
        let again = copy.visit(callback.as_str()).await;
        assert_eq!(again.status, StatusCode::BAD_REQUEST, "{}", again.text());
        world.browser.visit(callback.as_str()).await;
        assert_eq!(world.provider.token_calls("authorization_code"), calls);
    }
}

#[tokio::test]
async fn an_outage_after_the_code_was_redeemed_makes_no_session_and_never_a_success() {
    for is_signed_in in [false, true] {
        let store = Meddled::default();
        let world = store.world();
        if is_signed_in {
            world.sign_in().await;
        }
        let before = world.browser.cookie(SESSION);
        let callback = answered(&world).await;
        let gate = Gate::closed();
        world.fetch.hold(Some("token"), &gate);
        let (tab, target) = (world.browser.clone(), callback.clone());
        let waiting = tokio::spawn(async move { tab.visit(target.as_str()).await });
        gate.arrived(1).await;
        store.fail(true);
        gate.open();
        let page = waiting.await.unwrap();
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{}", page.text());
        assert_eq!((page.header("location"), page.set_cookie(SESSION).len()), (None, 0));
        // The same URL again, during the outage and after it: the code is spent.
        let during = world.browser.visit(callback.as_str()).await;
        assert!(
            !during.status.is_success() && !during.status.is_redirection(),
            "{}",
            during.status
        );
        store.fail(false);
        world.advance(1);
        let after = world.browser.visit(callback.as_str()).await;
        assert!(after.set_cookie(SESSION).is_empty());
        assert!(
            is_signed_in || after.status == StatusCode::BAD_REQUEST,
            "{}",
            after.status
        );
        assert_eq!(world.browser.cookie(SESSION), before);
        let calls = world.provider.token_calls("authorization_code");
        assert_eq!(calls, 1 + usize::from(is_signed_in));
        // Nobody is locked out: who was signed in still is, and a new login works.
        let me = world.browser.get("/api/me").await.status;
        assert_eq!(me == StatusCode::OK, is_signed_in);
        world.sign_in().await;
        assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
    }
}
