//! Sessions in cookies with a revocation store: what the provider or another process ends, ends live connections too.

use std::time::Duration;

use doorward::{Builder, Ended, Sessions};
use doorward_testkit::Browser;
use http::{Method, StatusCode};
use serde_json::json;

use super::stage::{Ending, Reading, SharedStore, Stage};
use crate::outside_logout::{sign_in, tell, token};
use crate::support::{SECRET, World};

const SECOND: Duration = Duration::from_secs(1);

fn sessions(store: &SharedStore) -> Sessions {
    Sessions::cookie(SECRET).revocation_store(store.clone())
}

/// One process with live connections of three sessions, two of them alice's, and another beside it without any.
struct Two {
    store: SharedStore,
    stage: Stage,
    elsewhere: World,
    alice: Browser,
    /// The provider's name of the session that is meant.
    sid: String,
    meant: Ending,
    events: Reading,
    /// Another session of alice, and one of bob.
    others: [Ending; 2],
}

impl Two {
    async fn connected() -> Self {
        let store = SharedStore::new();
        let logouts = |builder: Builder| builder.backchannel_logout(true);
        let mut stage = Stage::with(sessions(&store), logouts);
        let elsewhere = World::build(sessions(&store), |builder| {
            let same = builder
                .fetch(stage.world.fetch.clone())
                .clock(stage.world.clock.clone());
            logouts(same)
        });
        let (alice, sid) = sign_in(&stage.world, "alice").await;
        let (phone, _) = sign_in(&stage.world, "alice").await;
        let (bob, _) = sign_in(&stage.world, "bob").await;
        let mut endings = Vec::new();
        for browser in [&alice, &phone, &bob] {
            let session = stage.session_at(browser, "/session").await;
            endings.push(Ending::of(&session).await);
        }
        let [meant, second, third] = <[Ending; 3]>::try_from(endings).ok().expect("three");
        let mut events = Reading::of(stage.open(&alice, "/events").await);
        assert_eq!(events.look().await, &None);
        Self {
            store,
            stage,
            elsewhere,
            alice,
            sid,
            meant,
            events,
            others: [second, third],
        }
    }

    /// Uses alice's session until this process has written a newer state of it.
    async fn write_newer_states(&mut self) {
        // Her tokens are due, and it is time to extend the session.
        self.stage.pass(400).await;
        let page = self.alice.get("/json").await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text());
        assert!(!page.set_cookies().is_empty());
        // It is not known to the connection yet when the end comes.
        assert_eq!(self.meant.now().await, None);
    }

    /// The provider tells a process that alice's session ended.
    async fn tell(&self, process: &World) {
        let told = tell(process, &token(&self.stage.world, json!({"sid": self.sid}))).await;
        assert_eq!(told.status, StatusCode::OK);
    }

    /// alice signs out at the other process.
    async fn log_out_elsewhere(&self) {
        let browser = self.elsewhere.browser.stranger();
        self.alice
            .cookies()
            .into_iter()
            .for_each(|cookie| browser.plant(cookie));
        let page = browser.request(Method::POST, "/auth/logout").send().await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    }

    /// The connections that were meant end within a while, in good order, and the others go on for long after it.
    async fn ends_within(mut self, limit: Duration) -> Duration {
        let (why, took) = self.meant.within(limit).await;
        assert_eq!(why, Ended::Revoked);
        assert_eq!(self.events.look().await, &Some(Ok(())));
        self.stage.pass(31).await;
        for other in &mut self.others {
            assert_eq!(other.now().await, None, "nobody meant this one");
        }
        took
    }
}

#[tokio::test(start_paused = true)]
async fn a_logout_token_ends_the_connections_of_whom_it_means_in_the_process_that_it_came_to() {
    // attacks: J4
    for has_newer_state in [false, true] {
        let mut two = Two::connected().await;
        // What this process does itself it need not hear of.
        two.store.falls_silent(true);
        if has_newer_state {
            two.write_newer_states().await;
        }
        two.tell(&two.stage.world).await;
        assert!(two.ends_within(SECOND).await < Duration::from_millis(100));
    }
}

#[tokio::test(start_paused = true)]
async fn a_logout_token_that_came_to_another_process_ends_connections_by_the_feed() {
    // attacks: J4
    for has_newer_state in [false, true] {
        let mut two = Two::connected().await;
        if has_newer_state {
            two.write_newer_states().await;
        }
        two.tell(&two.elsewhere).await;
        assert!(two.ends_within(SECOND).await < Duration::from_millis(100));
    }
}

#[tokio::test(start_paused = true)]
async fn a_logout_at_another_process_ends_connections_by_the_feed() {
    let two = Two::connected().await;
    two.log_out_elsewhere().await;
    assert!(two.ends_within(SECOND).await < Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn what_the_feed_does_not_tell_is_read_while_there_are_only_connections_and_no_requests() {
    for by_provider in [true, false] {
        let mut two = Two::connected().await;
        two.store.falls_silent(true);
        // Long after the last request that was judged.
        two.stage.pass(300).await;
        assert_eq!(two.meant.now().await, None);
        match by_provider {
            true => two.tell(&two.elsewhere).await,
            false => two.log_out_elsewhere().await,
        }
        let limit = 25 * SECOND;
        let clocks = two.stage.world.clock.clone();
        let running = tokio::spawn(async move {
            for _ in 0..25 {
                clocks.advance(SECOND);
                tokio::time::sleep(SECOND).await;
            }
        });
        assert!(two.ends_within(limit).await <= 20 * SECOND);
        running.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn what_happens_while_the_feed_is_lost_is_read_without_a_request_asking() {
    let mut two = Two::connected().await;
    two.stage.pass(30).await;
    two.store.loses_its_feeds();
    two.stage.settle().await;
    two.tell(&two.elsewhere).await;
    two.stage.pass(35).await;
    assert_eq!(two.meant.now().await, Some(Ended::Revoked));
    assert_eq!(two.events.look().await, &Some(Ok(())));
    for other in &mut two.others {
        assert_eq!(other.now().await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_the_revocation_store_ends_no_connection_and_what_was_ended_meanwhile_ends_after_it() {
    let mut two = Two::connected().await;
    two.store.goes_down(true);
    two.store.loses_its_feeds();
    two.stage.pass(120).await;
    assert_eq!(two.meant.now().await, None);
    two.store.goes_down(false);
    two.tell(&two.elsewhere).await;
    two.stage.pass(35).await;
    assert_eq!(two.meant.now().await, Some(Ended::Revoked));
    for other in &mut two.others {
        assert_eq!(other.now().await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn the_feed_is_followed_on_while_there_are_only_connections() {
    let mut two = Two::connected().await;
    two.stage.pass(30).await;
    let feeds = two.store.feeds();
    two.stage.pass(300).await;
    assert_eq!(two.store.feeds(), feeds, "never begun anew");
    two.tell(&two.elsewhere).await;
    two.stage.settle().await;
    assert_eq!(two.meant.now().await, Some(Ended::Revoked), "at once, by the feed");
}
