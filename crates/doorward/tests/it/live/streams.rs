//! Streaming bodies behind the layer.

use doorward::{BearerTokens, Sessions};
use http::Request;
use http_body::Body as _;
use serde_json::json;

use super::stage::{Reading, Stage};
use crate::support::{PROVIDER, SECRET};

#[tokio::test(start_paused = true)]
async fn server_sent_events_end_in_good_order_when_the_session_does() {
    for stage in Stage::both_places().await {
        let browser = stage.world.browser.clone();
        let mut events = Reading::of(stage.open(&browser, "/events").await);
        assert_eq!(events.look().await, &None);
        assert_eq!(events.frames, 1);
        stage.pass(30).await;
        assert_eq!(events.look().await, &None);
        stage.log_out(&browser).await;
        assert_eq!(events.look().await, &Some(Ok(())));
    }
}

#[tokio::test(start_paused = true)]
async fn any_other_stream_is_cut_so_that_half_of_it_does_not_pass_for_all() {
    for stage in Stage::both_places().await {
        let browser = stage.world.browser.clone();
        let mut rows = Reading::of(stage.open(&browser, "/rows").await);
        assert_eq!(rows.look().await, &None);
        stage.log_out(&browser).await;
        assert_eq!(rows.look().await, &Some(Err("session was ended".into())));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_never_pauses_ends_too() {
    for stage in Stage::both_places().await {
        let browser = stage.world.browser.clone();
        let mut flood = Reading::of(stage.open(&browser, "/flood").await);
        assert_eq!(flood.look().await, &None);
        assert_eq!(flood.frames, 10_000, "as much as the test reads");
        stage.log_out(&browser).await;
        flood.frames = 0;
        assert_eq!(flood.look().await, &Some(Err("session was ended".into())));
        assert_eq!(flood.frames, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn answers_of_known_length_and_streams_without_a_pause_start_nothing() {
    for stage in Stage::both_places().await {
        let browser = stage.world.browser.clone();
        let json = stage.open(&browser, "/json").await;
        assert_eq!(json.body().size_hint().exact(), Some(7));
        let mut rows = Reading::of(stage.open(&browser, "/ready").await);
        assert_eq!(rows.look().await, &Some(Ok(())));
        assert_eq!(rows.frames, 5);
        assert_eq!(stage.world.tasks.running(), 0, "nobody watches");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_nobody_had_to_sign_in_for_goes_on() {
    let stage = Stage::signed_in(Sessions::cookie(SECRET)).await;
    let browser = stage.world.browser.clone();
    let mut events = Reading::of(stage.open(&browser, "/public/events").await);
    stage.log_out(&browser).await;
    assert_eq!(events.look().await, &None);
    assert_eq!(stage.world.tasks.running(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_hangs_up_leaves_nothing_behind() {
    let stage = Stage::signed_in(Sessions::cookie(SECRET)).await;
    let browser = stage.world.browser.clone();
    let mut events = Reading::of(stage.open(&browser, "/events").await);
    assert_eq!(events.look().await, &None);
    assert_eq!(stage.world.tasks.running(), 1);
    drop(events);
    stage.world.tasks.idle().await;
}

#[tokio::test(start_paused = true)]
async fn the_stream_of_a_bearer_ends_with_the_token() {
    let stage = Stage::with(Sessions::cookie(SECRET), |builder| {
        builder.bearer(BearerTokens::new().audience("https://api.example.com"))
    });
    let now = stage.world.clock.seconds();
    let claims = json!({
        "iss": PROVIDER, "aud": "https://api.example.com", "sub": "svc-1", "client_id": "worker", "jti": "t-1",
        "iat": now, "exp": now + 120, "scope": "orders:read",
    });
    let token = stage.world.provider.sign("at+jwt", &claims);
    let request = Request::get("/either/events")
        .header("host", "app.example.com")
        .header("authorization", format!("Bearer {token}"));
    let response = stage.send(request.body(axum::body::Body::empty()).unwrap()).await;
    let mut events = Reading::of(response);
    stage.pass(119).await;
    assert_eq!(events.look().await, &None);
    stage.pass(2).await;
    assert_eq!(events.look().await, &Some(Ok(())));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_ends_events_and_lets_other_streams_finish() {
    for stage in Stage::both_places().await {
        let browser = stage.world.browser.clone();
        let mut events = Reading::of(stage.open(&browser, "/events").await);
        let mut rows = Reading::of(stage.open(&browser, "/rows").await);
        events.look().await;
        rows.look().await;
        stage.world.auth.end_live();
        assert_eq!(events.look().await, &Some(Ok(())));
        assert_eq!(rows.look().await, &None);
    }
}
