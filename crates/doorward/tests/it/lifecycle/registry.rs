//! `auth.sessions()`: whoever runs the application lists and ends sessions of anybody.

use doorward::{Session, Sessions, SessionsError};
use http::StatusCode;

use super::{SmallPages, another_browser, own_id, standing};
use crate::attacks::support::{Place, SESSION, with_app};
use crate::support::{APP, PROVIDER, SECRET, World};
use crate::tenants::{ACME, GLOBEX, Hosted, two_tenants};

/// Four sessions of alice, one of bob, over a store that answers in small pages.
async fn crowded(store: &SmallPages) -> (World, Vec<doorward_testkit::Browser>, doorward_testkit::Browser) {
    let world = store.world();
    let mut browsers = Vec::new();
    for _ in 0..5 {
        browsers.push(another_browser(&world).await);
        world.advance(1);
    }
    world.provider.script(|script| script.subject = "bob".into());
    let bob = another_browser(&world).await;
    world.provider.script(|script| script.subject = "alice".into());
    (world, browsers, bob)
}

#[tokio::test]
async fn a_users_sessions_are_listed_page_by_page_with_nobody_elses() {
    let store = SmallPages::default();
    let (world, browsers, bob) = crowded(&store).await;
    let sessions = world.auth.sessions().of_user(PROVIDER, "alice").await.unwrap();
    let mut expected = Vec::new();
    for browser in browsers.iter().rev() {
        expected.push(own_id(browser).await);
    }
    let found: Vec<&str> = sessions.iter().map(|session| session.id.as_str()).collect();
    assert_eq!(found, expected, "the one seen last in front");
    assert!(sessions.iter().all(|session| {
        let who = (
            session.tenant.as_str(),
            session.issuer.as_str(),
            session.subject.as_str(),
        );
        who == ("acme", PROVIDER, "alice")
    }));
    let own = own_id(&bob).await;
    assert!(!found.contains(&own.as_str()));
    let of_nobody = world.auth.sessions().of_user(PROVIDER, "mallory").await.unwrap();
    assert_eq!(of_nobody, [], "nobody has none");
}

#[tokio::test]
async fn one_session_ends_by_what_the_list_says_or_by_its_name() {
    let store = SmallPages::default();
    let (world, browsers, bob) = crowded(&store).await;
    let registry = world.auth.sessions();
    let sessions = registry.of_user(PROVIDER, "alice").await.unwrap();
    assert!(registry.end(&sessions[4]).await.unwrap());
    assert_eq!(standing(&browsers[0]).await, "session_revoked");
    assert!(!registry.end(&sessions[4]).await.unwrap(), "ended once");
    let name = own_id(&browsers[1]).await;
    assert!(
        !registry.end_by_id(PROVIDER, "bob", &name).await.unwrap(),
        "another user's name"
    );
    assert!(!registry.end_by_id(PROVIDER, "alice", "").await.unwrap());
    assert_eq!(standing(&browsers[1]).await, "signed in");
    assert!(registry.end_by_id(PROVIDER, "alice", &name).await.unwrap());
    assert_eq!(standing(&browsers[1]).await, "session_revoked");
    assert_eq!(standing(&browsers[2]).await, "signed in");
    assert_eq!(standing(&bob).await, "signed in");
}

#[tokio::test]
async fn all_sessions_of_a_user_end_and_a_login_afterwards_begins_a_new_one() {
    let store = SmallPages::default();
    let (world, browsers, bob) = crowded(&store).await;
    let registry = world.auth.sessions();
    assert_eq!(registry.end_user(PROVIDER, "alice").await.unwrap(), 5);
    for browser in &browsers {
        assert_eq!(standing(browser).await, "session_revoked");
    }
    assert_eq!(standing(&bob).await, "signed in");
    assert_eq!(registry.end_user(PROVIDER, "alice").await.unwrap(), 0);
    let again = another_browser(&world).await;
    assert_eq!(standing(&again).await, "signed in");
    assert_eq!(registry.of_user(PROVIDER, "alice").await.unwrap().len(), 1);
}

#[tokio::test]
async fn all_others_end_for_the_session_at_hand() {
    let world = with_app(Place::Stored.world(), |auth| {
        let registry = auth.sessions();
        let change = move |session: Session| {
            let registry = registry.clone();
            async move {
                let own = session.public_id();
                let beside = registry.beside(&session).await.unwrap();
                assert!(beside.iter().any(|info| info.id == own));
                registry.end_others(&session).await.unwrap().to_string()
            }
        };
        crate::support::application(auth, &std::sync::Arc::default()).merge(
            axum::Router::new()
                .route("/api/change", axum::routing::get(change))
                .layer(auth.layer()),
        )
    });
    world.sign_in().await;
    let phone = another_browser(&world).await;
    another_browser(&world).await;
    assert_eq!(world.browser.get("/api/change").await.text(), "2");
    assert_eq!(standing(&world.browser).await, "signed in");
    assert_eq!(standing(&phone).await, "session_revoked");
}

#[tokio::test]
async fn all_sessions_of_a_tenant_end_and_none_of_another() {
    // attacks: M7
    let store = SmallPages::default();
    let hosted = Hosted::with(Sessions::stored(SECRET, store.clone()), two_tenants);
    let mut browsers = Vec::new();
    for number in 0..4 {
        hosted
            .world
            .provider
            .script(|script| script.subject = format!("user-{number}"));
        let mut both = Vec::new();
        for (origin, tenant) in [(ACME, "acme"), (GLOBEX, "globex")] {
            hosted.sign_in(origin, tenant).await;
            both.push(hosted.browser.thief());
        }
        browsers.push(both);
        hosted.browser.clear_cookies();
    }
    let registry = hosted.world.auth.sessions();
    assert_eq!(registry.end_tenant("initech").await.unwrap(), 0);
    assert_eq!(registry.end_tenant("acme").await.unwrap(), 4);
    assert_eq!(registry.end_tenant("acme").await.unwrap(), 0);
    for both in &browsers {
        let at_acme = both[0].get(&format!("{ACME}/api/me")).await;
        assert_eq!(at_acme.problem_code(), "session_revoked");
        let at_globex = both[1].get(&format!("{GLOBEX}/api/me")).await;
        assert_eq!(at_globex.status, StatusCode::OK);
    }
    assert_eq!(registry.end_user(PROVIDER, "user-0").await.unwrap(), 1);
}

#[tokio::test]
async fn where_nobody_knows_the_answer_is_an_error_and_not_nothing() {
    let sealed = Place::Sealed.signed_in().await;
    let registry = sealed.auth.sessions();
    for asked in [
        registry.of_user(PROVIDER, "alice").await.map(|_| ()),
        registry.end_user(PROVIDER, "alice").await.map(|_| ()),
        registry.end_tenant("acme").await.map(|_| ()),
        registry.end_by_id(PROVIDER, "alice", "x").await.map(|_| ()),
    ] {
        let error = asked.unwrap_err();
        assert!(matches!(error, SessionsError::NeedsStore));
        assert!(error.to_string().contains("expected a session store"), "{error}");
    }
    assert_eq!(standing(&sealed.browser).await, "signed in");

    let store = SmallPages::default();
    let (world, browsers, _) = crowded(&store).await;
    let registry = world.auth.sessions();
    for issuer in ["https://id.example.org", "", APP, "https://id.example.net/"] {
        let asked = registry.of_user(issuer, "alice").await;
        assert!(matches!(asked, Err(SessionsError::UnknownIssuer)), "{issuer}");
        let asked = registry.end_user(issuer, "alice").await;
        assert!(matches!(asked, Err(SessionsError::UnknownIssuer)), "{issuer}");
    }
    store.fail_lists(true);
    assert!(matches!(
        registry.of_user(PROVIDER, "alice").await,
        Err(SessionsError::Store(_))
    ));
    assert!(matches!(
        registry.end_user(PROVIDER, "alice").await,
        Err(SessionsError::Store(_))
    ));
    assert!(matches!(
        registry.end_tenant("acme").await,
        Err(SessionsError::Store(_))
    ));
    assert_eq!(standing(&browsers[0]).await, "signed in");
}

#[tokio::test]
async fn a_session_has_a_name_in_both_modes_that_says_nothing_else() {
    for place in Place::BOTH {
        let world = with_app(place.world(), |auth| {
            auth.router()
                .route("/home", doorward::Rule::Public, axum::routing::get(|| async { "" }))
                .route(
                    "/name",
                    doorward::Rule::Session,
                    axum::routing::get(|session: Session| async move { session.public_id() }),
                )
                .build()
        });
        world.sign_in().await;
        let name = world.browser.get("/name").await.text().to_owned();
        assert_eq!(name.len(), 24);
        assert!(!world.browser.cookie(SESSION).unwrap().contains(&name));
        world.advance(1_000);
        assert_eq!(world.browser.get("/name").await.text(), name, "the same until it ends");
        world.sign_in().await;
        assert_ne!(world.browser.get("/name").await.text(), name);
    }
}
