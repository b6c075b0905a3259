//! Session secrets that are read again and again: what is good counts, and what is not leaves everything as it is.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use doorward::ports::BoxFuture;
use doorward::{SecretString, SecretsError, SecretsSource, UnixTime};
use http::StatusCode;

use super::log::{heard, listen};
use super::support::{Place, SESSION};
use crate::support::{SECRET, World};

const NEXT: &str = "Hq3Zr8vK1nTgXw5yBdLfPc7mJsUaEoRi4WtYkVxN2bQ";

/// A source that says what the test put there, and counts how often it was asked.
#[derive(Clone)]
struct Said(Arc<Mutex<Saying>>);

struct Saying {
    answer: Result<Vec<&'static str>, &'static str>,
    asked: usize,
}

impl Said {
    fn new(secrets: &[&'static str]) -> Self {
        Self(Arc::new(Mutex::new(Saying {
            answer: Ok(secrets.to_vec()),
            asked: 0,
        })))
    }

    fn say(&self, answer: Result<&[&'static str], &'static str>) {
        self.0.lock().unwrap().answer = answer.map(<[_]>::to_vec);
    }

    fn asked(&self) -> usize {
        self.0.lock().unwrap().asked
    }
}

impl SecretsSource for Said {
    fn read(&mut self, _now: UnixTime) -> BoxFuture<'_, Result<Vec<SecretString>, SecretsError>> {
        let mut said = self.0.lock().unwrap();
        said.asked += 1;
        let answer = said.answer.clone();
        Box::pin(async move {
            let secrets = answer?;
            Ok(secrets.into_iter().map(SecretString::new).collect())
        })
    }
}

/// Lets five seconds go by, and a little, on a clock that nobody waits for.
async fn next_reading(world: &World) {
    world.advance(5);
    tokio::time::sleep(Duration::from_millis(5_001)).await;
}

async fn status(world: &World) -> StatusCode {
    world.browser.get("/api/me").await.status
}

#[tokio::test(start_paused = true)]
async fn secrets_that_change_while_the_process_runs_count_within_five_seconds() {
    // attacks: K10
    for place in Place::BOTH {
        let world = place.signed_in().await;
        let source = Said::new(&[SECRET]);
        world.auth.watch_session_secrets(source.clone());
        tokio::task::yield_now().await;
        assert_eq!(source.asked(), 1, "read at once");
        next_reading(&world).await;
        assert_eq!(source.asked(), 2);

        source.say(Ok(&[NEXT, SECRET]));
        next_reading(&world).await;
        let before = world.browser.cookie(SESSION).unwrap();
        assert_eq!(status(&world).await, StatusCode::OK);
        if place == Place::Sealed {
            assert_ne!(
                world.browser.cookie(SESSION).unwrap(),
                before,
                "sealed by the next secret"
            );
        }
        source.say(Ok(&[NEXT]));
        next_reading(&world).await;
        assert_eq!(status(&world).await, StatusCode::OK, "{place:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn secrets_that_cannot_be_read_or_used_are_told_once_and_those_at_hand_stay() {
    let world = Place::Sealed.signed_in().await;
    let source = Said::new(&[SECRET]);
    world.auth.watch_session_secrets(source.clone());
    next_reading(&world).await;
    listen();
    let trouble = "could not be read again";
    let bad: [(Result<&[&'static str], &'static str>, &str); 4] = [
        (Err("the file is gone"), "the file is gone"),
        (Ok(&[]), "expected at least one secret"),
        (Ok(&[NEXT, "changeme"]), "secret 1 is too weak: secret has 8 bytes"),
        (Ok(&[NEXT, NEXT]), "same as an earlier one"),
    ];
    for (said, told) in bad {
        source.say(said);
        for reading in 0..3 {
            next_reading(&world).await;
            assert_eq!(status(&world).await, StatusCode::OK, "{told}");
            let log = heard();
            listen();
            let lines: Vec<_> = log.lines().filter(|line| line.contains(trouble)).collect();
            assert_eq!(lines.len(), usize::from(reading == 0), "{log}");
            assert!(lines.iter().all(|line| line.contains(told)), "{log}");
            assert!(!log.contains("changeme") && !log.contains(NEXT), "{log}");
        }
    }
    source.say(Ok(&[NEXT, SECRET]));
    next_reading(&world).await;
    let log = heard();
    assert!(log.contains("session secrets replaced secrets=2 sealing_key="), "{log}");
    assert!(log.contains("can be read again"), "{log}");
    assert_eq!(status(&world).await, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn reading_ends_with_the_engine() {
    let world = World::new();
    let (tasks, source) = (world.tasks.clone(), Said::new(&[SECRET]));
    world.auth.watch_session_secrets(source.clone());
    next_reading(&world).await;
    assert_eq!(tasks.running(), 1);
    drop(world);
    tasks.idle().await;
    let asked = source.asked();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(source.asked(), asked);
}
