//! A thousand logouts at once, good and bad (RL22): what they cost others, with the figures printed.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "measures, and shows what it measured"
)]

use std::time::{Duration, Instant};

use doorward_testkit::{IdTokenScript, Signing};
use http::StatusCode;
use serde_json::json;
use tokio::task::JoinSet;

use super::{BACK, Ends, FORM, claims, sign_in, stands, token};
use crate::attacks::support::Raw;

const BURST: usize = 1_000;

fn part(mut times: Vec<Duration>, percent: usize) -> Duration {
    times.sort();
    times[(times.len() - 1) * percent / 100]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_logout_tokens_is_answered_each_and_leaves_others_alone() {
    for ends in Ends::BOTH {
        let (world, store) = ends.world();
        let (alice, _) = sign_in(&world, "alice").await;
        let mut flipped = IdTokenScript::default();
        flipped.signing = Signing::Flipped;
        let mut forms = Vec::new();
        for number in 0..BURST {
            let meant = json!({"sid": format!("a-session-that-ended-{number}")});
            forms.push((token(&world, meant.clone()), StatusCode::OK));
            let forged = world.provider.sign_as(&flipped, "logout+jwt", &claims(&world, meant));
            forms.push((forged, StatusCode::BAD_REQUEST));
        }
        let mut alone = Vec::new();
        for _ in 0..200 {
            let began = Instant::now();
            assert_eq!(stands(&alice).await, "200");
            alone.push(began.elapsed());
        }
        let before = store.calls();
        let asked = world.fetch.calls().len();
        let began = Instant::now();
        let mut calls = JoinSet::new();
        for (token, expected) in forms {
            let app = world.app.clone();
            calls.spawn(async move {
                let began = Instant::now();
                let request = Raw::post(BACK).body(FORM, format!("logout_token={token}"));
                let answer = request.send(&app).await;
                assert_eq!(answer.status, expected);
                began.elapsed()
            });
        }
        let mut others = Vec::new();
        while others.len() < 200 {
            let began = Instant::now();
            assert_eq!(stands(&alice).await, "200");
            others.push(began.elapsed());
        }
        let times = calls.join_all().await;
        let took = began.elapsed();
        println!(
            "{ends:?}: {} logout tokens in {took:?}, p50 {:?}, p99 {:?} with all of them waiting at once; other requests meanwhile p50 {:?}, p99 {:?}, alone p50 {:?}, p99 {:?}",
            2 * BURST,
            part(times.clone(), 50),
            part(times, 99),
            part(others.clone(), 50),
            part(others, 99),
            part(alone.clone(), 50),
            part(alone, 99),
        );
        assert_eq!(
            world.fetch.calls().len(),
            asked,
            "the provider is asked for nothing more"
        );
        // Each good one: is it used, the list or the entry, and its use. The bad ones: nothing.
        let cost = store.calls() - before;
        assert!(cost <= 3 * BURST + 200 * 2, "{cost} calls of the store");
    }
}
