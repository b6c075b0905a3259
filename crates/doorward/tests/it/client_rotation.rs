//! Client authentication that is replaced while sessions live: no login and no refresh fails, and nobody is signed out.

use std::sync::Arc;

use doorward::{Algorithm, ClientAuthentication, SigningKey};
use doorward_testkit::{CLIENT_ID, CLIENT_SECRET, ClientKind, Endpoint};
use http::StatusCode;

use crate::support::World;

/// Another login and a refresh: both need the provider to believe the client.
async fn login_and_refresh(world: &World, when: &str) {
    let browser = world.browser.stranger();
    let page = browser.visit_following("/auth/login?return_url=/home").await;
    assert_eq!(page.url.path(), "/home", "{when}: {}", page.text());
    let before = world.provider.token_calls("refresh_token");
    world.advance(290);
    let page = browser.get("/api/token").await;
    assert_eq!(page.status, StatusCode::OK, "{when}: {}", page.text());
    assert_eq!(world.provider.token_calls("refresh_token"), before + 1, "{when}");
}

#[tokio::test]
async fn a_client_secret_is_replaced_without_a_failed_login_or_refresh() {
    let new = "the client's next secret";
    let basic = |secret: &str| ClientAuthentication::SecretBasic(secret.into());
    let post = |secret: &str| ClientAuthentication::SecretPost(secret.into());
    for way in [basic, post] {
        let world = World::new();
        world
            .auth
            .replace_client_authentication("main", way(CLIENT_SECRET))
            .unwrap();
        login_and_refresh(&world, "before").await;
        let both = ClientKind::Secrets(vec![CLIENT_SECRET.into(), new.into()]);
        world.provider.set_client(CLIENT_ID, both);
        login_and_refresh(&world, "the provider takes both, we show the old one").await;
        world.auth.replace_client_authentication("main", way(new)).unwrap();
        login_and_refresh(&world, "the provider takes both, we show the new one").await;
        world.provider.set_client(CLIENT_ID, ClientKind::Secret(new.into()));
        login_and_refresh(&world, "the old one is gone").await;
    }
}

#[tokio::test]
async fn an_assertion_key_is_replaced_without_a_failed_login_or_refresh_and_named_by_its_id() {
    let [old, new] = [(); 2].map(|()| Arc::new(SigningKey::generate(Algorithm::Es256).unwrap()));
    let (old_public, new_public) = (old.public_jwk(), new.public_jwk());
    let assertion = |key: &Arc<SigningKey>| ClientAuthentication::PrivateKeyJwt(Arc::clone(key));
    let world = World::new();
    world
        .auth
        .replace_client_authentication("main", assertion(&old))
        .unwrap();
    world
        .provider
        .set_client(CLIENT_ID, ClientKind::Keys(vec![old_public.clone()]));
    login_and_refresh(&world, "before").await;
    world
        .provider
        .set_client(CLIENT_ID, ClientKind::Keys(vec![old_public, new_public.clone()]));
    login_and_refresh(&world, "both keys are published").await;
    world
        .auth
        .replace_client_authentication("main", assertion(&new))
        .unwrap();
    login_and_refresh(&world, "we sign with the new one").await;
    world.provider.set_client(CLIENT_ID, ClientKind::Keys(vec![new_public]));
    login_and_refresh(&world, "the old one is gone").await;
}

#[tokio::test]
async fn a_client_secret_changed_at_the_provider_first_signs_nobody_out() {
    let world = World::new();
    world.sign_in().await;
    world
        .provider
        .set_client(CLIENT_ID, ClientKind::Secret("another secret".into()));
    world.advance(250);
    world.provider.forget_requests();
    let page = world.browser.get("/api/me").await;
    assert_eq!(
        page.status,
        StatusCode::OK,
        "a refused client is no reason to end a session: {}",
        page.text()
    );
    assert_eq!(
        world.provider.count(Endpoint::Token),
        1,
        "one try, with the proof at hand alone"
    );
    // Nobody can sign in meanwhile, and is told so.
    let page = world.browser.stranger().visit_following("/auth/login").await;
    assert!(
        page.status.is_server_error() || page.status.is_client_error(),
        "{}",
        page.status
    );
    // Past the end of the access token the session waits, and lives on once we know the secret.
    world.advance(60);
    let page = world.browser.get("/api/me").await;
    assert_eq!(
        (page.status, page.set_cookies()),
        (StatusCode::SERVICE_UNAVAILABLE, Vec::new())
    );
    let new = ClientAuthentication::SecretBasic("another secret".into());
    world.auth.replace_client_authentication("main", new).unwrap();
    world.advance(10);
    let page = world.browser.get("/api/token").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
}

#[tokio::test]
async fn client_authentication_that_cannot_be_used_is_refused_and_the_one_at_hand_stays() {
    let world = World::new();
    let refused = |provider: &str, way: ClientAuthentication| {
        let error = world.auth.replace_client_authentication(provider, way).unwrap_err();
        format!("{error:?}")
    };
    let secret = || ClientAuthentication::SecretBasic("a secret of the client".into());
    assert!(refused("other", secret()).contains("other"));
    let empty = ClientAuthentication::SecretPost("".into());
    assert!(refused("main", empty).contains("client_secret"));
    assert!(refused("main", ClientAuthentication::None).contains("client_auth"));
    login_and_refresh(&world, "as before").await;
}
