//! What a provider may say about itself, and what it may not.

use std::net::{IpAddr, Ipv4Addr};

use doorward::Code;
use doorward::ports::FetchError;
use doorward_testkit::{Answer, Endpoint, ScriptedProvider};
use http::StatusCode;
use serde_json::{Value, json};

use super::harness::*;
use crate::support::{APP, PROVIDER, World};

const UNAVAILABLE: Ends = Ends::Refused(Code::ProviderUnavailable);

fn metadata(change: impl Fn(&mut Value) + Send + Sync + 'static) -> Answer {
    Answer::correct().edit(change)
}

// attacks: D36; oidcc-client-test-discovery-issuer-mismatch
#[tokio::test]
async fn metadata_of_another_issuer_stops_the_login_before_any_redirect() {
    let issuers = [
        ("other", json!("https://evil.example.org")),
        ("with a slash", json!(format!("{PROVIDER}/"))),
        ("with a path", json!(format!("{PROVIDER}/tenant"))),
        ("in upper case", json!("https://ID.example.net")),
        ("with the default port", json!(format!("{PROVIDER}:443"))),
        ("with another port", json!(format!("{PROVIDER}:8443"))),
        ("http", json!("http://id.example.net")),
        ("with a user", json!("https://id.example.net@evil.example.org")),
        ("with a trailing dot", json!("https://id.example.net.")),
        ("null", Value::Null),
        ("empty", json!("")),
        ("a list", json!([PROVIDER])),
        ("an object", json!({"iss": PROVIDER})),
    ];
    check(issuers.map(|(name, issuer)| {
        scripted(
            format!("issuer {name}"),
            move |s| s.discovery = Answer::correct().with("issuer", issuer.clone()),
            UNAVAILABLE,
            UNTIL_METADATA,
        )
    }))
    .await;
    let absent = scripted(
        "issuer absent",
        |s| s.discovery = Answer::correct().without("issuer"),
        UNAVAILABLE,
        UNTIL_METADATA,
    );
    check([absent]).await;
}

// attacks: D37
#[tokio::test]
async fn endpoints_that_lead_into_our_own_network_or_off_tls_are_refused() {
    let mut rows = Vec::new();
    for member in [
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "userinfo_endpoint",
        "end_session_endpoint",
    ] {
        for url in [
            "http://id.example.net/x",
            "https://127.0.0.1/x",
            "https://localhost/x",
            "https://id.localhost./x",
            "https://[::1]/x",
            "https://[::ffff:127.0.0.1]/x",
            "https://10.1.2.3/x",
            "https://192.168.0.1/x",
            "https://169.254.169.254/latest",
            "https://2130706433/x",
            "https://0x7f.1/x",
            "https://user@id.example.net/x",
            "https://id.example.net@evil.example.org/x",
            "https://id.example.net/x#fragment",
            "javascript:alert(1)",
            "data:text/html,x",
            "//id.example.net/x",
            "/x",
            "https://",
            "https://id.example.net/\\x",
            "https://id.example.net/ x",
        ] {
            rows.push(scripted(
                format!("{member} = {url}"),
                move |s| s.discovery = Answer::correct().with(member, url),
                UNAVAILABLE,
                UNTIL_METADATA,
            ));
        }
        for value in [json!(1), json!(["https://id.example.net/x"]), json!({}), json!(true)] {
            rows.push(scripted(
                format!("{member} = {value}"),
                move |s| s.discovery = Answer::correct().with(member, value.clone()),
                UNAVAILABLE,
                UNTIL_METADATA,
            ));
        }
    }
    for member in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
        rows.push(scripted(
            format!("{member} absent"),
            move |s| s.discovery = Answer::correct().without(member),
            UNAVAILABLE,
            UNTIL_METADATA,
        ));
    }
    check(rows).await;
}

// attacks: D38
#[tokio::test]
async fn an_answer_that_is_no_metadata_stops_the_login_before_any_redirect() {
    let answers = [
        ("204", Answer::instead(204, "application/json", "")),
        ("304", Answer::instead(304, "application/json", "")),
        ("404", Answer::error(404, "not_found")),
        ("429", Answer::error(429, "slow_down").header("retry-after", "5")),
        ("500", Answer::error(500, "server_error")),
        (
            "503",
            Answer::error(503, "x").header("retry-after", "18446744073709551615"),
        ),
        ("503, no number", Answer::error(503, "x").header("retry-after", "-1")),
        ("html", Answer::instead(200, "text/html", "<h1>captive portal</h1>")),
        (
            "html by type only",
            Answer::correct().header("content-type", "text/html"),
        ),
        ("no type", Answer::correct().header("content-type", "")),
        ("empty", Answer::correct().raw("")),
        ("a gzip bomb", Answer::correct().gzip_bomb()),
        ("2 MB", Answer::correct().raw(vec![b' '; 2 << 20])),
        ("without end", Answer::correct().endless()),
        ("a reset", Answer::reset()),
        ("a member twice", Answer::correct().with_twice("issuer", PROVIDER)),
        ("broken off", Answer::correct().cut_after("{\"issuer\":")),
        ("a list", metadata(|document| *document = json!([document.clone()]))),
        ("null", metadata(|document| *document = Value::Null)),
        ("text", Answer::correct().raw("\"https://id.example.net\"")),
        ("deep", Answer::correct().raw("[".repeat(100_000))),
        ("no JSON", Answer::correct().raw("{issuer: 'https://id.example.net'}")),
        ("no UTF-8", Answer::correct().raw(&b"{\"issuer\":\"\xff\"}"[..])),
        ("two documents", Answer::correct().raw("{}{}")),
    ];
    let mut rows: Vec<Row> = answers
        .into_iter()
        .map(|(name, answer)| scripted(name, move |s| s.discovery = answer.clone(), UNAVAILABLE, UNTIL_METADATA))
        .collect();
    let faults: [(_, fn() -> FetchError); 4] = [
        ("down", || FetchError::Unreachable),
        ("slow", || FetchError::Timeout),
        ("without a good certificate", || FetchError::Tls),
        ("breaking off", || FetchError::Interrupted),
    ];
    for (name, fault) in faults {
        rows.push(row(
            name,
            move |world| world.fetch.fail_next_of("discovery", 1, fault),
            UNAVAILABLE,
            UNTIL_METADATA,
        ));
    }
    for value in [
        json!([]),
        json!(["none"]),
        json!(["none", "HS256", "RS512"]),
        json!("ES256"),
        json!([1]),
    ] {
        rows.push(scripted(
            format!("algorithms {value}"),
            move |s| s.discovery = Answer::correct().with("id_token_signing_alg_values_supported", value.clone()),
            UNAVAILABLE,
            UNTIL_METADATA,
        ));
    }
    check(rows).await;
}

// attacks: D38
#[tokio::test]
async fn a_redirect_of_the_metadata_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let world = World::new();
        let evil = ScriptedProvider::new("https://evil.example.org", world.clock.clone());
        drop(world.fetch.clone().mount("evil.example.org", evil.router()));
        world.provider.script(|s| {
            let location = "https://evil.example.org/.well-known/openid-configuration";
            s.discovery = Answer::instead(status, "application/json", "").header("location", location);
        });
        let page = log_in(&world.browser).await;
        assert_refused(&world, &page, Code::ProviderUnavailable, "redirect").await;
        assert_eq!(evil.requests().len(), 0);
    }
}

// oidcc-client-test-discovery-openid-config
#[tokio::test]
async fn metadata_that_only_looks_unusual_is_accepted() {
    check([
        scripted(
            "no code_challenge_methods_supported",
            |s| s.discovery = Answer::correct().without("code_challenge_methods_supported"),
            Ends::SignedIn,
            COMPLETE,
        ),
        scripted(
            "only plain advertised",
            |s| s.discovery = Answer::correct().with("code_challenge_methods_supported", json!(["plain"])),
            Ends::SignedIn,
            COMPLETE,
        ),
        scripted(
            "none advertised beside a real algorithm",
            |s| s.discovery = Answer::correct().with("id_token_signing_alg_values_supported", json!(["none", "ES256"])),
            Ends::SignedIn,
            COMPLETE,
        ),
        scripted(
            "unknown members",
            |s| s.discovery = Answer::correct().with("frontier", json!({"a": [1, 2, {"b": null}]})),
            Ends::SignedIn,
            COMPLETE,
        ),
        scripted(
            "a charset",
            |s| s.discovery = Answer::correct().header("content-type", "application/json; charset=utf-8"),
            Ends::SignedIn,
            COMPLETE,
        ),
        scripted(
            "no userinfo endpoint",
            |s| s.discovery = Answer::correct().without("userinfo_endpoint"),
            Ends::SignedIn,
            UNTIL_KEYS,
        ),
        scripted(
            "mtls_endpoint_aliases, which are for clients with a certificate",
            |s| {
                let aliases = json!({"token_endpoint": "https://mtls.example.org/token"});
                s.discovery = Answer::correct().with("mtls_endpoint_aliases", aliases);
            },
            Ends::SignedIn,
            COMPLETE,
        ),
    ])
    .await;
}

#[tokio::test]
async fn offline_access_is_left_out_where_the_provider_does_not_know_it() {
    for (supported, asked) in [
        (
            json!(["openid", "offline_access", "email"]),
            "openid offline_access email",
        ),
        (json!(["openid", "email"]), "openid email"),
    ] {
        let world = World::new();
        world
            .provider
            .script(|s| s.discovery = Answer::correct().with("scopes_supported", supported));
        let begun = world.browser.visit("/auth/login").await;
        assert_eq!(query(&begun.location().unwrap(), "scope").as_deref(), Some(asked));
    }
}

// attacks: D37
#[tokio::test]
async fn endpoints_on_other_https_hosts_are_accepted() {
    let world = World::new();
    drop(world.fetch.clone().mount("tokens.example.com", world.provider.router()));
    world.provider.script(|s| {
        s.discovery = metadata(|document| {
            for member in ["token_endpoint", "jwks_uri", "userinfo_endpoint"] {
                let url = document[member]
                    .as_str()
                    .unwrap()
                    .replace("id.example.net", "tokens.example.com");
                document[member] = url.into();
            }
        });
    });
    let page = log_in(&world.browser).await;
    assert_signed_in(&world, &page, "endpoints elsewhere").await;
    let hosts: Vec<_> = world
        .fetch
        .calls()
        .iter()
        .map(|call| call.uri.host().unwrap().to_owned())
        .collect();
    assert_eq!(
        hosts,
        [
            "id.example.net",
            "tokens.example.com",
            "tokens.example.com",
            "tokens.example.com"
        ]
    );
}

// attacks: C14
#[tokio::test]
async fn an_endpoint_whose_name_resolves_to_a_private_address_is_not_reached() {
    for address in [
        "127.0.0.1",
        "169.254.169.254",
        "10.0.0.7",
        "::1",
        "fd00::1",
        "::ffff:10.0.0.1",
    ] {
        let address: IpAddr = address.parse().unwrap();
        for (member, calls) in [
            ("token_endpoint", UNTIL_TOKEN),
            ("jwks_uri", UNTIL_KEYS),
            ("userinfo_endpoint", COMPLETE),
        ] {
            let world = World::new();
            let inside = ScriptedProvider::new("https://inside.example.com", world.clock.clone());
            drop(
                world
                    .fetch
                    .clone()
                    .mount_at("inside.example.com", address, inside.router()),
            );
            world
                .provider
                .script(|s| s.discovery = Answer::correct().with(member, "https://inside.example.com/x"));
            let page = log_in(&world.browser).await;
            assert_refused(&world, &page, Code::ProviderUnavailable, member).await;
            assert_eq!(labels(&world), calls);
            assert_eq!(inside.requests().len(), 0, "{member} at {address}");
        }
    }
}

#[tokio::test]
async fn an_issuer_on_a_private_address_may_name_endpoints_on_its_neighbours() {
    let world = World::new();
    let inside = |last| IpAddr::V4(Ipv4Addr::new(10, 0, 0, last));
    let fetch = world
        .fetch
        .clone()
        .mount_at("id.example.net", inside(5), world.provider.router());
    drop(fetch.mount_at("tokens.example.net", inside(6), world.provider.router()));
    world.provider.script(|s| {
        let token_endpoint = "https://tokens.example.net/token";
        s.discovery = Answer::correct().with("token_endpoint", token_endpoint);
    });
    let page = log_in(&world.browser).await;
    assert_signed_in(&world, &page, "an issuer of the own network").await;
    assert_eq!(labels(&world), COMPLETE);
}

// oidcc-client-test-3rd-party-init-login; attacks: A11
#[tokio::test]
async fn a_third_party_may_begin_a_login_at_the_issuer_we_know_and_no_other() {
    let world = World::new();
    let request = |query: &str| {
        world
            .browser
            .request(http::Method::GET, &format!("/auth/login?{query}"))
    };
    for (query, ends_at) in [
        (format!("iss={PROVIDER}&target_link_uri={APP}/home"), "/home"),
        (
            format!("iss={PROVIDER}&target_link_uri=https://evil.example.org/home"),
            "/",
        ),
        (format!("iss={PROVIDER}&target_link_uri=//evil.example.org/home"), "/"),
        (format!("iss={PROVIDER}"), "/"),
    ] {
        let begun = request(&query).navigation().from(PROVIDER).send().await;
        let page = world.browser.follow_all(begun).await;
        assert_eq!(page.url.as_str(), format!("{APP}{ends_at}"), "{query}");
        assert_is(&world.browser, "alice", &query).await;
        world.browser.clear_cookies();
    }
    let calls = labels(&world).len();
    for iss in ["https://evil.example.org", "https://id.example.net/", ""] {
        let begun = request(&format!("iss={iss}&target_link_uri={APP}/home"));
        let page = begun.navigation().from("https://evil.example.org").send().await;
        assert_refused(&world, &page, Code::IssuerMismatch, iss).await;
    }
    assert_eq!(labels(&world).len(), calls, "an unknown issuer costs no call");
}

#[tokio::test]
async fn a_provider_that_lies_about_itself_is_asked_once_a_second_at_most() {
    let world = World::new();
    world
        .provider
        .script(|s| s.discovery = Answer::correct().with("issuer", "https://evil.example.org"));
    for _ in 0..50 {
        let page = world.browser.visit("/auth/login").await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(world.provider.count(Endpoint::Discovery), 1);
    world.provider.reset();
    world.advance(1);
    world.sign_in().await;
    assert_eq!(world.provider.count(Endpoint::Discovery), 2);
}
