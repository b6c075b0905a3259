//! Logouts while the store or the provider cannot be reached: never a success, and never for good.

use doorward::ports::FetchError;
use doorward_testkit::Gate;
use http::StatusCode;
use serde_json::json;

use super::{Ends, REVOKED, sign_in, stands, tell, token};
use crate::attacks::support::Raw;

#[tokio::test]
async fn a_logout_that_the_store_does_not_take_is_503_and_the_same_token_works_later() {
    // attacks: J9
    for ends in Ends::BOTH {
        let (world, store) = ends.world();
        let (alice, sid) = sign_in(&world, "alice").await;
        let token = token(&world, json!({"sid": sid}));
        store.fail(true);
        for _ in 0..3 {
            let answer = tell(&world, &token).await;
            assert_eq!(answer.verdict(), (503, "store_unavailable".to_owned()), "{ends:?}");
            assert_eq!(answer.header("retry-after"), Some("1"));
        }
        store.fail(false);
        assert_eq!(tell(&world, &token).await.status, StatusCode::OK, "{ends:?}");
        assert_eq!(stands(&alice).await, REVOKED, "{ends:?}");
    }
}

#[tokio::test]
async fn a_logout_that_fails_half_way_is_finished_by_the_next_try() {
    // attacks: J9
    let (world, store) = Ends::Stored.world();
    let (one, _) = sign_in(&world, "alice").await;
    let (two, _) = sign_in(&world, "alice").await;
    let token = token(&world, json!({"sub": "alice"}));
    // Both ends wait at the gate; the store goes away before they are written.
    let gate = Gate::closed();
    store.hold_replacements(&gate);
    let told = tokio::spawn({
        let (app, form) = (world.app.clone(), format!("logout_token={token}"));
        async move { Raw::post(super::BACK).body(super::FORM, form).send(&app).await.status }
    });
    gate.arrived(2).await;
    store.fail(true);
    gate.open();
    assert_eq!(told.await.unwrap(), StatusCode::SERVICE_UNAVAILABLE);
    store.fail(false);
    assert_eq!((stands(&one).await, stands(&two).await), ("200".into(), "200".into()));
    assert_eq!(tell(&world, &token).await.status, StatusCode::OK);
    assert_eq!(
        (stands(&one).await, stands(&two).await),
        (REVOKED.into(), REVOKED.into())
    );
}

#[tokio::test]
async fn a_logout_whose_keys_cannot_be_had_is_503_and_works_later() {
    // attacks: J9
    for ends in Ends::BOTH {
        for label in ["discovery", "jwks"] {
            let (first, store) = ends.world();
            let (alice, sid) = sign_in(&first, "alice").await;
            // An instance that has just begun, and knows nothing of the provider.
            let second = ends.beside(&first, &store);
            let token = token(&first, json!({"sid": sid}));
            first.fetch.fail_next_of(label, 1, || FetchError::Timeout);
            let before = store.calls();
            let answer = tell(&second, &token).await;
            assert_eq!(answer.verdict(), (503, "provider_unavailable".to_owned()), "{label}");
            assert!(answer.header("retry-after").is_some());
            assert_eq!(store.calls(), before);
            first.advance(5);
            assert_eq!(tell(&second, &token).await.status, StatusCode::OK, "{label}");
            first.advance(10);
            assert_eq!(stands(&alice).await, REVOKED, "{ends:?} {label}");
        }
    }
}
