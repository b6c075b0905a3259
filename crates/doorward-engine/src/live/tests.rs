//! The table of live connections: shared per session, bounded, and empty once everybody has left.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use doorward_core::UnixTime;
use doorward_core::code::Code;
use doorward_core::session::{Change, Identity, SeenFrom, SessionHandle, Tokens, User};
use doorward_crypto::SecretString;
use doorward_testkit::{CLIENT_ID, CLIENT_SECRET, FixedClock, RouterFetch, SeededRandom, TokioTestTasks};

use super::connection::Connection;
use super::watch::Subject;
use super::*;
use crate::auth::{Engine, Inner, SessionPlace};
use crate::stored::StoredSessions;
use crate::{Provider, Sessions};

const SECRET: &str = "s6Vt0mJ4yQb1xW8kZpR3cNfL7uHdEaGi2oTqYvXwB5M";

const NOW: UnixTime = UnixTime::from_seconds(1_790_000_000);
const HOUR: Duration = Duration::from_secs(3_600);

struct World {
    inner: Arc<Inner>,
    clock: FixedClock,
    tasks: TokioTestTasks,
}

impl World {
    fn new(capacity: usize) -> Self {
        let mut world = Self::with(Sessions::cookie(SECRET));
        let live = Live::with_capacity(capacity);
        let inner = Arc::get_mut(&mut world.inner).unwrap();
        inner.place = SessionPlace::Cookie(Arc::new(crate::newest::Newest::new(Arc::clone(&live))));
        inner.live = live;
        world
    }

    fn with(sessions: Sessions) -> Self {
        let clock = FixedClock::new(NOW);
        let tasks = TokioTestTasks::new();
        let engine = Engine::builder()
            .public_url("https://app.example.com")
            .provider(Provider::oidc("https://id.example.net", CLIENT_ID, CLIENT_SECRET))
            .session(sessions)
            .fetch(RouterFetch::unreachable())
            .tasks(tasks.clone())
            .clock(clock.clone())
            .danger_random(SeededRandom::new(7))
            .build()
            .unwrap();
        Self {
            inner: engine.inner,
            clock,
            tasks,
        }
    }

    fn stored(&self) -> &StoredSessions {
        match &self.inner.place {
            SessionPlace::Store(stored) => stored,
            SessionPlace::Cookie(_) => unreachable!(),
        }
    }

    /// Stores a session, and connects with it.
    async fn store_and_connect(&self) -> (SessionHandle, Connection) {
        let ports = &self.inner.ports;
        let handle = SessionHandle::random(&*ports.random).unwrap();
        let (identity, tokens) = session(*handle.id());
        let seen_from = SeenFrom::default();
        self.stored()
            .create(ports, &handle, &identity, &tokens, seen_from)
            .await
            .unwrap();
        let subject = Subject::stored(handle.clone(), NOW.saturating_add(HOUR));
        (handle, Connection::new(&self.inner, subject))
    }

    /// Lets both clocks pass, a second at a time.
    async fn pass(&self, seconds: u64) {
        for _ in 0..seconds {
            self.clock.advance(Duration::from_secs(1));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    fn connect(&self, number: u8) -> Connection {
        Connection::new(&self.inner, Subject::sealed(id(number), NOW.saturating_add(HOUR)))
    }

    fn end(&self, number: u8) {
        let SessionPlace::Cookie(newest) = &self.inner.place else {
            unreachable!()
        };
        newest
            .end(&id(number), Code::SessionRevoked, NOW.saturating_add(HOUR), NOW)
            .unwrap();
    }

    fn watched(&self) -> usize {
        self.inner.live.table().watched.len()
    }
}

fn id(number: u8) -> SessionId {
    SessionId::from_bytes([number; 16])
}

fn session(id: SessionId) -> (Identity, Tokens) {
    let identity = Identity {
        id,
        revision: 1,
        provider: "https://id.example.net app".into(),
        roles_are_ours: false,
        user: User {
            subject: "alice".into(),
            issuer: "https://id.example.net".into(),
            tenant: "default".into(),
            email: None,
            email_verified: false,
            name: None,
            roles: Vec::new(),
            claims: serde_json::Map::new(),
        },
        scopes: Vec::new(),
        issued_at: NOW,
        idle_expires_at: NOW.saturating_add(HOUR),
        absolute_expires_at: NOW.saturating_add(2 * HOUR),
        access_token_expires_at: Some(NOW.saturating_add(2 * HOUR)),
        refresh_at: None,
        has_token_part: true,
        auth_time: None,
        acr: None,
        provider_session_id: None,
        provider_tenant: None,
        csrf: [0; 32],
        data: BTreeMap::new(),
    };
    let tokens = Tokens {
        access_token: SecretString::new("at"),
        refresh_token: None,
        id_token: None,
        access_token_expires_at: identity.access_token_expires_at,
        scope: None,
    };
    (identity, tokens)
}

/// Gives every job its turn.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn connections_of_one_session_share_its_place_and_the_last_one_gives_it_back() {
    let world = World::new(10);
    let (first, second, other) = (world.connect(1), world.connect(1), world.connect(2));
    assert_eq!(world.watched(), 2);
    settle().await;
    assert_eq!(world.tasks.running(), 2, "one job each session");
    drop(first);
    assert_eq!(world.watched(), 2);
    drop(second);
    assert_eq!(world.watched(), 1);
    drop(other);
    assert_eq!(world.watched(), 0);
    world.tasks.idle().await;
}

#[tokio::test]
async fn an_end_is_told_to_every_connection_of_the_session_and_to_no_other() {
    let world = World::new(10);
    let (first, second, other) = (world.connect(1), world.connect(1), world.connect(2));
    let mut other = pin!(other.ended());
    settle().await;
    world.end(1);
    assert_eq!(first.ended().await, Ended::Revoked);
    assert_eq!(second.ended().await, Ended::Revoked);
    settle().await;
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(other.as_mut().poll(&mut context), Poll::Pending);
}

#[tokio::test]
async fn a_connection_that_comes_after_the_end_ends_at_once() {
    let world = World::new(10);
    world.end(1);
    assert_eq!(world.connect(1).ended().await, Ended::Revoked);
}

#[tokio::test(start_paused = true)]
async fn beyond_the_capacity_a_connection_watches_for_itself() {
    let world = World::new(1);
    let first = world.connect(1);
    let mut alone = pin!(world.connect(2).ended());
    assert_eq!(world.watched(), 1);
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(alone.as_mut().poll(&mut context), Poll::Pending);
    world.end(2);
    let begun = tokio::time::Instant::now();
    assert_eq!(alone.await, Ended::Revoked);
    assert!(begun.elapsed() <= READ_EVERY, "{:?}", begun.elapsed());
    drop(first);
    // With a place again it is told at once.
    let placed = world.connect(3);
    assert_eq!(world.watched(), 1);
    drop(placed);
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_at_its_very_end_and_not_before() {
    let world = World::new(10);
    let mut ended = pin!(world.connect(1).ended());
    world.clock.advance(HOUR - Duration::from_secs(1));
    settle().await;
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(ended.as_mut().poll(&mut context), Poll::Pending);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(ended.await, Ended::Expired);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_does_not_look_does_not_keep_those_that_come_later_from_being_told_anew() {
    let world = World::new(10);
    // Somebody's body that nobody reads: it was told of the end and does not leave.
    let stuck = world.connect(1);
    world.clock.advance(HOUR);
    world.pass(16).await;
    assert_eq!(world.watched(), 0, "the watching is over");
    // The session was used elsewhere meanwhile, and has another end now.
    let later = Subject::sealed(id(1), NOW.saturating_add(2 * HOUR));
    let mut ended = pin!(Connection::new(&world.inner, later).ended());
    let mut context = Context::from_waker(Waker::noop());
    settle().await;
    assert_eq!(ended.as_mut().poll(&mut context), Poll::Pending);
    drop(stuck);
    assert_eq!(world.watched(), 1, "who leaves late takes nobody's place away");
    world.end(1);
    assert_eq!(ended.await, Ended::Revoked);
}

#[tokio::test]
async fn a_server_that_stops_ends_what_is_there_and_what_comes() {
    let world = World::new(10);
    let before = world.connect(1);
    world.inner.live.stop();
    assert_eq!(before.ended().await, Ended::Stopping);
    assert_eq!(world.connect(2).ended().await, Ended::Stopping);
    assert_eq!(world.watched(), 0);
}

#[tokio::test(start_paused = true)]
async fn connections_of_a_session_that_is_replaced_end_when_its_time_is_over() {
    let world = World::with(Sessions::memory(SECRET));
    let (handle, connection) = world.store_and_connect().await;
    let mut ended = pin!(connection.ended());
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(ended.as_mut().poll(&mut context), Poll::Pending);
    world.pass(3).await;
    let at = world.inner.ports.clock.now().saturating_add(Duration::from_secs(10));
    let retire = Change::Retire { at };
    let retired = world
        .stored()
        .transit(&world.inner.ports, &handle.store_key(), |_| retire)
        .await;
    assert!(retired.unwrap().is_some());
    world.pass(9).await;
    settle().await;
    assert_eq!(ended.as_mut().poll(&mut context), Poll::Pending);
    world.pass(2).await;
    settle().await;
    assert_eq!(ended.as_mut().poll(&mut context), Poll::Ready(Ended::Revoked));
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_read_any_more_ends_its_connections() {
    let world = World::with(Sessions::memory(SECRET));
    let (handle, connection) = world.store_and_connect().await;
    // Of the same key in the store, and none of ours.
    let (_, other) = world.store_and_connect().await;
    let key = handle.store_key();
    let next = crate::stored::Next {
        bytes: b"another application's",
        keep_until: NOW.saturating_add(HOUR),
        lists: &[],
        announce: true,
    };
    world
        .stored()
        .write(&world.inner.ports, &key, Some(1), next)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(connection.ended().await, Ended::Invalid);
    let mut other = pin!(other.ended());
    settle().await;
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(other.as_mut().poll(&mut context), Poll::Pending);
}

#[test]
fn each_reason_has_its_code_and_its_close_code() {
    for (ended, code, close) in [
        (Ended::Revoked, Some(Code::SessionRevoked), 4401),
        (Ended::Expired, Some(Code::SessionExpired), 4401),
        (Ended::RefreshFailed, Some(Code::TokenRefreshFailed), 4401),
        (Ended::Invalid, Some(Code::SessionInvalid), 4401),
        (Ended::TokenExpired, Some(Code::TokenExpired), 4401),
        (Ended::NotAllowed(Code::RoleMissing), Some(Code::RoleMissing), 4403),
        (Ended::Stopping, None, 1001),
    ] {
        assert_eq!((ended.code(), ended.close_code()), (code, close), "{ended:?}");
    }
    for code in [
        Code::SessionRevoked,
        Code::SessionExpired,
        Code::TokenRefreshFailed,
        Code::SessionInvalid,
    ] {
        assert_eq!(Ended::of(code).code(), Some(code));
    }
}
