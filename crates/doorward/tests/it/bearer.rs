//! Bearer tokens at routes that take them: the header alone decides, and nothing of a session is touched.

use axum::routing::get;
use axum::{Json, Router};
use doorward::ports::FetchError;
use doorward::{Bearer, BearerTokens, Builder, Caller, Doorward, Rule, Session, Sessions, SubjectKind, Tenant};
use doorward_testkit::{Browser, CLIENT_ID, Endpoint, Page};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{APP, PROVIDER, SECRET, World};

const AUDIENCE: &str = "https://api.example.com";
const METADATA: &str = "/.well-known/oauth-protected-resource";

fn api(auth: &Doorward) -> Router {
    let handler = || get(caller).post(caller);
    auth.router()
        .route("/home", Rule::Public, get(|| async { "home" }))
        .route("/either", Rule::session_or_bearer(), handler())
        .route("/bearer", Rule::bearer(), handler())
        .route("/session", Rule::Session, handler())
        .route(
            "/orders",
            Rule::session_or_bearer().with_scope("orders:read"),
            handler(),
        )
        .route("/admin", Rule::bearer().with_role("admin"), handler())
        .route("/worker", Rule::bearer().with_clients(["worker"]), handler())
        .route(
            "/people",
            Rule::bearer().with_subject_kind(SubjectKind::User),
            handler(),
        )
        .route(
            "/recent",
            Rule::bearer().with_max_auth_age(std::time::Duration::from_secs(300)),
            handler(),
        )
        .route("/extracted", Rule::Public, handler())
        .route("/extracted/bearer", Rule::Public, get(bearer_alone))
        .route("/optional/bearer", Rule::Public, get(optional_bearer))
        .route("/optional/session", Rule::session_or_bearer(), get(optional_session))
        .build()
}

async fn caller(caller: Caller) -> Json<Value> {
    let by = match &caller {
        Caller::Session(_) => "session",
        Caller::Bearer(_) => "bearer",
    };
    Json(json!({ "by": by, "subject": caller.subject(), "tenant": caller.tenant() }))
}

async fn bearer_alone(bearer: Bearer) -> Json<Value> {
    Json(json!({ "subject": bearer.subject(), "client": bearer.client_id(), "scopes": bearer.scopes() }))
}

async fn optional_bearer(bearer: Option<Bearer>) -> Json<Value> {
    Json(json!({ "subject": bearer.map(|bearer| bearer.subject().to_owned()) }))
}

async fn optional_session(session: Option<Session>) -> Json<Value> {
    Json(json!({ "subject": session.map(|session| session.user().subject.clone()) }))
}

/// A world whose application takes bearer tokens.
struct Api {
    world: World,
    browser: Browser,
}

impl Api {
    fn with(sessions: Sessions, change: impl FnOnce(Builder) -> Builder) -> Self {
        let world = World::build(sessions, |builder| {
            change(builder.bearer(BearerTokens::new().audience(AUDIENCE)))
        });
        let app = api(&world.auth);
        let browser = [APP, ACME, GLOBEX]
            .into_iter()
            .fold(Browser::new(APP), |browser, origin| browser.mount(origin, app.clone()))
            .mount(PROVIDER, world.provider.router())
            .with_clock(world.clock.clone());
        Self { world, browser }
    }

    fn new() -> Self {
        Self::with(Sessions::cookie(SECRET), |builder| builder)
    }

    fn both_places() -> [Self; 2] {
        [Sessions::cookie(SECRET), Sessions::memory(SECRET)].map(|sessions| Self::with(sessions, |builder| builder))
    }

    async fn sign_in(&self) {
        let page = self.browser.visit_following("/auth/login?return_url=/home").await;
        assert_eq!(page.url.path(), "/home", "{}", page.text());
    }

    fn claims(&self) -> Value {
        let now = self.world.clock.seconds();
        json!({
            "iss": PROVIDER, "aud": AUDIENCE, "sub": "svc-1", "client_id": "worker", "jti": "t-1",
            "iat": now, "exp": now + 600, "scope": "orders:read",
        })
    }

    fn token_with(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = self.claims();
        change(&mut claims);
        self.world.provider.sign("at+jwt", &claims)
    }

    fn token(&self) -> String {
        self.token_with(|_| {})
    }

    async fn send(&self, method: Method, url: &str, token: &str) -> Page {
        self.browser
            .request(method, url)
            .header("authorization", &format!("Bearer {token}"))
            .typed()
            .send()
            .await
    }

    async fn get(&self, url: &str, token: &str) -> Page {
        self.send(Method::GET, url, token).await
    }
}

const ACME: &str = "https://acme.app.example.com";
const GLOBEX: &str = "https://globex.app.example.com";

fn body(page: &Page) -> Value {
    serde_json::from_str(page.text()).unwrap_or_else(|_| panic!("{} {}", page.status, page.text()))
}

fn answer(page: &Page) -> (StatusCode, String) {
    (page.status, page.problem_code())
}

// attacks: F16
#[tokio::test]
async fn token_alone_decides_where_a_route_takes_either() {
    for api in Api::both_places() {
        let before = api.browser.get("/either").await;
        assert_eq!(answer(&before), (StatusCode::UNAUTHORIZED, "session_missing".into()));

        let by_token = api.get("/either", &api.token()).await;
        assert_eq!(
            body(&by_token),
            json!({"by": "bearer", "subject": "svc-1", "tenant": "default"})
        );

        api.sign_in().await;
        let by_session = api.browser.get("/either").await;
        assert_eq!(body(&by_session)["by"], "session");
        let both = api.get("/either", &api.token()).await;
        assert_eq!(body(&both)["by"], "bearer", "the cookie is not read beside a token");
        // Security: a bad token is not made good by a good cookie.
        let bad = api.get("/either", "no-such-token").await;
        assert_eq!(answer(&bad), (StatusCode::UNAUTHORIZED, "token_invalid".into()));
        for page in [&by_token, &both, &bad] {
            assert_eq!(page.set_cookies(), Vec::<&str>::new());
        }
    }
}

#[tokio::test]
async fn token_extends_no_session_and_sets_no_csrf_cookie() {
    let api = Api::new();
    api.sign_in().await;
    api.world.advance(1_800);
    api.browser.forget("CSRF-TOKEN");
    let by_token = api.get("/either", &api.token()).await;
    assert_eq!(by_token.set_cookies(), Vec::<&str>::new());
    let by_session = api.browser.get("/either").await;
    assert!(!by_session.set_cookies().is_empty(), "half the idle time is gone");
}

// attacks: F15
// weakness: M3
#[tokio::test]
async fn token_needs_no_csrf_token_and_a_session_beside_it_still_does() {
    let api = Api::new();
    api.sign_in().await;
    for origin in [None, Some("https://elsewhere.example"), Some("null")] {
        let mut request = api
            .browser
            .request(Method::POST, "/either")
            .header("authorization", &format!("Bearer {}", api.token()));
        if let Some(origin) = origin {
            request = request.without_fetch_metadata().header("origin", origin);
        }
        assert_eq!(request.send().await.status, StatusCode::OK, "{origin:?}");
    }
    let without = api.browser.request(Method::POST, "/either").send().await;
    assert_eq!(answer(&without), (StatusCode::FORBIDDEN, "csrf_missing".into()));
}

// attacks: I1, I3, I17
// weakness: M1, M2, M24
#[tokio::test]
async fn missing_or_malformed_token_is_never_a_500() {
    let api = Api::new();
    let good = api.token();
    let table: [(&[&str], StatusCode, &str); 11] = [
        (&[], StatusCode::UNAUTHORIZED, "token_missing"),
        (&["Basic YTpi"], StatusCode::UNAUTHORIZED, "token_missing"),
        (&["Bearer"], StatusCode::UNAUTHORIZED, "token_invalid"),
        (&["Bearer %zz"], StatusCode::UNAUTHORIZED, "token_invalid"),
        (&["Bearer a\"b"], StatusCode::UNAUTHORIZED, "token_invalid"),
        (&["Bearer a.b.c"], StatusCode::UNAUTHORIZED, "token_invalid"),
        (&["Bearer x", "Bearer y"], StatusCode::BAD_REQUEST, "request_malformed"),
        (&["Bearer x, Bearer y"], StatusCode::UNAUTHORIZED, "token_invalid"),
        (&["Bearer  twice"], StatusCode::UNAUTHORIZED, "token_invalid"),
        (&["DPoP x"], StatusCode::UNAUTHORIZED, "token_invalid"),
        (&["Bearer é"], StatusCode::UNAUTHORIZED, "token_invalid"),
    ];
    for (headers, status, code) in table {
        let mut request = api.browser.request(Method::GET, "/bearer");
        for header in headers {
            request = request.header("authorization", header);
        }
        let page = request.send().await;
        assert_eq!(answer(&page), (status, code.into()), "{headers:?}: {}", page.text());
        assert_eq!(page.header("cache-control"), Some("no-store"));
        assert_eq!(page.header("content-type"), Some("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            let challenge = page.header("www-authenticate").unwrap_or_default();
            assert!(challenge.starts_with("Bearer "), "{headers:?}: {challenge}");
            assert_eq!(challenge.contains("error="), code != "token_missing", "{challenge}");
        }
    }
    let lower = api
        .browser
        .request(Method::GET, "/bearer")
        .header("authorization", &format!("bearer {good}"))
        .send()
        .await;
    assert_eq!(lower.status, StatusCode::OK);
}

// attacks: I2
#[tokio::test]
async fn token_in_the_query_or_the_body_counts_for_nothing() {
    let api = Api::new();
    let token = api.token();
    let in_query = api.browser.get(&format!("/bearer?access_token={token}")).await;
    assert_eq!(answer(&in_query), (StatusCode::UNAUTHORIZED, "token_missing".into()));
    let in_body = api
        .browser
        .request(Method::POST, "/bearer")
        .form(&[("access_token", &token)])
        .send()
        .await;
    assert_eq!(answer(&in_body), (StatusCode::UNAUTHORIZED, "token_missing".into()));
    // Nor does one there change what the header says.
    let both = api.get("/bearer?access_token=rubbish", &token).await;
    assert_eq!(both.status, StatusCode::OK);
    let both = api.get(&format!("/bearer?access_token={token}"), "rubbish").await;
    assert_eq!(answer(&both), (StatusCode::UNAUTHORIZED, "token_invalid".into()));
}

// attacks: I5
// weakness: J1
#[tokio::test]
async fn id_token_is_never_an_access_token() {
    let api = Api::new();
    let now = api.world.clock.seconds();
    let id_token = json!({
        "iss": PROVIDER, "aud": CLIENT_ID, "sub": "alice", "iat": now, "exp": now + 600, "nonce": "n",
    });
    for typ in ["JWT", "id+JWT", "at+jwt"] {
        let page = api.get("/bearer", &api.world.provider.sign(typ, &id_token)).await;
        assert_eq!(
            answer(&page),
            (StatusCode::UNAUTHORIZED, "token_invalid".into()),
            "{typ}"
        );
    }
    // Also one that is addressed to us, by its header alone.
    let addressed = api.world.provider.sign("JWT", &api.claims());
    assert_eq!(
        answer(&api.get("/bearer", &addressed).await),
        (StatusCode::UNAUTHORIZED, "token_invalid".into())
    );
}

// attacks: I5, I6
#[tokio::test]
async fn expired_token_says_so_and_a_token_of_another_audience_does_not_pass() {
    let api = Api::new();
    let now = api.world.clock.seconds();
    let expired = api.token_with(|claims| claims["exp"] = json!(now - 61));
    let page = api.get("/bearer", &expired).await;
    assert_eq!(answer(&page), (StatusCode::UNAUTHORIZED, "token_expired".into()));
    assert!(
        page.header("www-authenticate")
            .unwrap_or_default()
            .contains("invalid_token")
    );
    for audience in [
        json!("https://other.example.com"),
        json!([]),
        json!(["x", "y"]),
        Value::Null,
    ] {
        let token = api.token_with(|claims| claims["aud"] = audience.clone());
        assert_eq!(
            answer(&api.get("/bearer", &token).await),
            (StatusCode::UNAUTHORIZED, "token_invalid".into()),
            "{audience}"
        );
    }
}

// attacks: I7
#[tokio::test]
async fn missing_scope_is_403_with_the_scope_in_the_challenge() {
    let api = Api::new();
    assert_eq!(api.get("/orders", &api.token()).await.status, StatusCode::OK);
    for scope in ["orders", "orders:readx", "Orders:read", "orders:write", ""] {
        let token = api.token_with(|claims| claims["scope"] = json!(scope));
        let page = api.get("/orders", &token).await;
        assert_eq!(
            answer(&page),
            (StatusCode::FORBIDDEN, "insufficient_scope".into()),
            "{scope:?}"
        );
        let challenge = page.header("www-authenticate").unwrap_or_default();
        assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
        assert!(challenge.contains("scope=\"orders:read\""), "{challenge}");
    }
}

// weakness: J3
#[tokio::test]
async fn role_client_and_kind_of_caller_restrict_a_token() {
    let api = Api::new();
    let with = |member: &'static str, value: Value| api.token_with(|claims| claims[member] = value);
    let admin = with("roles", json!(["admin"]));
    assert_eq!(api.get("/admin", &admin).await.status, StatusCode::OK);
    assert_eq!(
        answer(&api.get("/admin", &with("roles", json!(["member"]))).await),
        (StatusCode::FORBIDDEN, "role_missing".into())
    );
    assert_eq!(api.get("/worker", &api.token()).await.status, StatusCode::OK);
    assert_eq!(
        api.get("/worker", &with("client_id", json!("spa"))).await.status,
        StatusCode::FORBIDDEN
    );
    // Whose subject is the client itself is a machine.
    let machine = with("sub", json!("worker"));
    assert_eq!(api.get("/people", &machine).await.status, StatusCode::FORBIDDEN);
    assert_eq!(api.get("/people", &api.token()).await.status, StatusCode::OK);
}

// attacks: I14
#[tokio::test]
async fn sign_in_that_is_too_old_is_401_with_max_age_in_the_challenge() {
    let api = Api::new();
    let now = api.world.clock.seconds();
    let fresh = api.token_with(|claims| claims["auth_time"] = json!(now - 300));
    assert_eq!(api.get("/recent", &fresh).await.status, StatusCode::OK);
    for token in [
        api.token(),
        api.token_with(|claims| claims["auth_time"] = json!(now - 301)),
    ] {
        let page = api.get("/recent", &token).await;
        assert_eq!(answer(&page), (StatusCode::UNAUTHORIZED, "step_up_required".into()));
        let challenge = page.header("www-authenticate").unwrap_or_default();
        assert!(challenge.contains("insufficient_user_authentication"), "{challenge}");
        assert!(challenge.contains("max_age=\"300\""), "{challenge}");
    }
}

#[tokio::test]
async fn outage_of_the_issuer_is_503_and_never_401() {
    let api = Api::new();
    let token = api.token();
    api.world.fetch.fail_next(usize::MAX, || FetchError::Unreachable);
    let page = api.get("/bearer", &token).await;
    assert_eq!(
        answer(&page),
        (StatusCode::SERVICE_UNAVAILABLE, "provider_unavailable".into())
    );
    assert!(page.header("retry-after").is_some());
    assert_eq!(page.header("www-authenticate"), None);
    api.world.fetch.heal();
    api.world.advance(60);
    assert_eq!(api.get("/bearer", &api.token()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn session_route_does_not_take_a_token() {
    let api = Api::new();
    let page = api.get("/session", &api.token()).await;
    assert_eq!(answer(&page), (StatusCode::UNAUTHORIZED, "session_missing".into()));
    assert_eq!(page.header("www-authenticate"), Some("Session realm=\"doorward\""));
    api.sign_in().await;
    assert_eq!(body(&api.get("/session", "rubbish").await)["by"], "session");
}

#[tokio::test]
async fn extractors_judge_by_themselves_whatever_layer_was_forgotten() {
    let api = Api::new();
    assert_eq!(body(&api.get("/extracted", &api.token()).await)["by"], "bearer");
    assert_eq!(
        answer(&api.browser.get("/extracted").await),
        (StatusCode::UNAUTHORIZED, "session_missing".into())
    );
    assert_eq!(
        body(&api.get("/extracted/bearer", &api.token()).await),
        json!({"subject": "svc-1", "client": "worker", "scopes": ["orders:read"]})
    );
    assert_eq!(
        answer(&api.browser.get("/extracted/bearer").await),
        (StatusCode::UNAUTHORIZED, "token_missing".into())
    );
    assert_eq!(
        body(&api.get("/optional/bearer", &api.token()).await)["subject"],
        "svc-1"
    );
    assert_eq!(body(&api.browser.get("/optional/bearer").await)["subject"], Value::Null);
    assert_eq!(
        answer(&api.get("/optional/bearer", "rubbish").await),
        (StatusCode::UNAUTHORIZED, "token_invalid".into()),
        "a bad token is no missing one"
    );
    // A cookie beside the token that passed is not looked at.
    api.sign_in().await;
    assert_eq!(
        body(&api.get("/optional/session", &api.token()).await)["subject"],
        Value::Null
    );
    assert_ne!(
        body(&api.browser.get("/optional/session").await)["subject"],
        Value::Null
    );
}

#[tokio::test]
async fn application_that_takes_no_tokens_says_so_and_lets_nobody_in() {
    let api = Api::new();
    let world = World::new();
    let browser = Browser::new(APP).mount(APP, self::api(&world.auth));
    let page = browser
        .request(Method::GET, "/either")
        .header("authorization", &format!("Bearer {}", api.token()))
        .send()
        .await;
    assert_eq!(
        answer(&page),
        (StatusCode::INTERNAL_SERVER_ERROR, "not_configured".into())
    );
    assert_eq!(browser.get(METADATA).await.status, StatusCode::NOT_FOUND);
}

// attacks: I13
#[tokio::test]
async fn metadata_of_the_resource_is_where_the_challenge_says() {
    let api = Api::new();
    let refused = api.browser.get("/bearer").await;
    let challenge = refused.header("www-authenticate").unwrap_or_default().to_owned();
    assert_eq!(
        challenge,
        format!("Bearer realm=\"doorward\", resource_metadata=\"{APP}{METADATA}\"")
    );
    let metadata = api.browser.get(METADATA).await;
    assert_eq!(
        body(&metadata),
        json!({"resource": APP, "authorization_servers": [PROVIDER], "bearer_methods_supported": ["header"]})
    );
    assert_eq!(metadata.header("access-control-allow-origin"), Some("*"));
    let posted = api.browser.request(Method::POST, METADATA).send().await;
    assert_eq!(posted.status, StatusCode::METHOD_NOT_ALLOWED);
    let listed = api.world.auth.router::<()>().audit();
    assert!(
        listed
            .iter()
            .any(|route| route.path() == METADATA && *route.rule() == Rule::Public),
        "{listed:?}"
    );
}

// attacks: I5: another tenant's token
// attacks: I13
#[tokio::test]
async fn token_of_one_tenant_is_refused_at_the_host_of_another() {
    let api = Api::with(Sessions::cookie(SECRET), |builder| {
        builder
            .public_url("https://{tenant}.app.example.com")
            .public_url_without_tenant(APP)
            .tenants([Tenant::new("acme"), Tenant::new("globex")])
    });
    let acme = api.token_with(|claims| claims["tenant"] = json!("acme"));
    let at = |origin: &str| format!("{origin}/bearer");
    assert_eq!(body(&api.get(&at(ACME), &acme).await)["tenant"], "acme");
    assert_eq!(
        answer(&api.get(&at(GLOBEX), &acme).await),
        (StatusCode::FORBIDDEN, "tenant_mismatch".into())
    );
    for claim in [json!("initech"), Value::Null, json!(7)] {
        let token = api.token_with(|claims| claims["tenant"] = claim.clone());
        let page = api.get(&at(ACME), &token).await;
        assert!(
            [StatusCode::FORBIDDEN, StatusCode::UNAUTHORIZED].contains(&page.status),
            "{claim}: {}",
            page.text()
        );
    }
    let metadata = api.browser.get(&format!("{ACME}{METADATA}")).await;
    assert_eq!(body(&metadata)["resource"], ACME);
    let refused = api.browser.get(&at(GLOBEX)).await;
    assert!(
        refused
            .header("www-authenticate")
            .unwrap_or_default()
            .contains(&format!("{GLOBEX}{METADATA}"))
    );
}

#[tokio::test]
async fn known_token_costs_the_issuer_nothing() {
    let api = Api::new();
    let token = api.token();
    for _ in 0..50 {
        assert_eq!(api.get("/bearer", &token).await.status, StatusCode::OK);
    }
    assert_eq!(api.world.provider.count(Endpoint::Jwks), 1);
    assert_eq!(api.world.provider.count(Endpoint::Discovery), 1);
}
