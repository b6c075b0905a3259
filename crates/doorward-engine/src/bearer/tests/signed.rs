//! Signed tokens: whose they are, and what a flood of bad ones costs.

use doorward_crypto::Algorithm;

use super::*;

#[tokio::test]
async fn a_good_token_is_known_by_role_tenant_and_scope_and_decided_at_once_from_then_on() {
    let fixture = Fixture::new();
    let token = fixture.token();
    let judged = fixture.judged(&token).await.unwrap();
    assert_eq!(judged.token.subject(), "alice");
    assert_eq!(judged.token.scopes(), ["orders:read"]);
    assert_eq!(
        judged.context,
        BearerContext {
            tenant: "acme".into(),
            roles: vec!["admin".into()]
        }
    );
    let calls = fixture.network.outbound();
    let again = fixture.at_once(&token).unwrap().unwrap();
    assert!(Arc::ptr_eq(&judged, &again), "known, not judged anew");
    // Another token of a known key is judged at once, too.
    let second = fixture.provider.sign("at+jwt", &fixture.claims(ISSUER, 60));
    assert!(fixture.at_once(&second).unwrap().is_ok());
    assert_eq!(fixture.network.outbound(), calls);
}

#[tokio::test]
async fn random_kids_never_cause_more_than_one_fetch_in_thirty_seconds() {
    // attacks: I15, D23, L4
    // weakness: J4
    let fixture = Fixture::new();
    let good = fixture.token();
    for round in 1..=3 {
        for number in 0..10_000 / 3 {
            let refused = fixture
                .refused(&fixture.with_kid(&format!("kid-{round}-{number}")))
                .await;
            assert_eq!(refused, Some(BearerRefused::Invalid));
        }
        assert_eq!(fixture.jwks_fetches(), round, "the first fetch of all included");
        if round == 1 {
            assert!(fixture.at_once(&good).unwrap().is_ok(), "judged by the keys at hand");
        }
        let calls = fixture.network.outbound();
        assert!(fixture.at_once(&good).unwrap().is_ok());
        assert_eq!(fixture.network.outbound(), calls, "good tokens wait for nobody");
        fixture.advance(30);
    }
}

#[tokio::test]
async fn ten_thousand_random_kids_at_once_cause_one_fetch() {
    // attacks: I15
    // weakness: J4
    let fixture = Arc::new(Fixture::new());
    let flood: Vec<_> = (0..10_000)
        .map(|number| {
            let raw = fixture.with_kid(&number.to_string());
            match fixture.begin(&raw) {
                Judging::Ready(judged) => tokio::spawn(async move { judged }),
                Judging::Wait(judging) => tokio::spawn(judging),
            }
        })
        .collect();
    for judging in flood {
        assert_eq!(judging.await.unwrap().err(), Some(BearerRefused::Invalid));
    }
    assert_eq!(fixture.jwks_fetches(), 1);
    assert_eq!(fixture.network.routers.count("discovery"), 1);
}

#[tokio::test]
async fn a_kid_found_nowhere_is_refused_at_once_for_a_while() {
    // weakness: J4
    let fixture = Fixture::new();
    let raw = fixture.with_kid("nobody");
    assert_eq!(fixture.refused(&raw).await, Some(BearerRefused::Invalid));
    assert!(fixture.at_once(&raw).is_some_and(|judged| judged.is_err()));
    fixture.advance(30);
    assert!(fixture.at_once(&raw).is_none(), "asked about again");
    for number in 0..5_000 {
        fixture
            .verifier
            .remember_unknown(&fixture.ports, &SecretString::new(format!("{number}.b.c")), 0);
    }
    assert!(fixture.verifier.unknown_keys.len() <= MAX_UNKNOWN_KEYS + 16);
}

#[tokio::test]
async fn random_issuers_and_garbage_cause_no_call_at_all() {
    // attacks: I15, M4
    let fixture = Fixture::new();
    for number in 0..1_000 {
        let claims = fixture.claims(&format!("https://{number}.evil.example"), 60);
        let refused = fixture.at_once(&fixture.provider.sign("at+jwt", &claims));
        assert_eq!(refused.unwrap().err(), Some(BearerRefused::Invalid));
    }
    for raw in ["a.b.c", "..", "opaque", "eyJhbGciOiJub25lIn0.e30.x", "a.b", "a.b.c.d.e"] {
        assert_eq!(
            fixture.at_once(raw).unwrap().err(),
            Some(BearerRefused::Invalid),
            "{raw}"
        );
    }
    for issuer in [
        "https://id.example.com/",
        "https://ID.example.com",
        "",
        "id.example.com",
    ] {
        let raw = fixture.provider.sign("at+jwt", &fixture.claims(issuer, 60));
        assert_eq!(
            fixture.at_once(&raw).unwrap().err(),
            Some(BearerRefused::Invalid),
            "{issuer}"
        );
    }
    assert_eq!(fixture.network.outbound(), 0);
}

#[tokio::test]
async fn a_key_of_one_issuer_never_speaks_for_another() {
    // attacks: M8, I5, D42. Both name their first key "key-1".
    let fixture = Fixture::new();
    assert_eq!(fixture.provider.current_key().kid(), fixture.other.current_key().kid());
    let (ours, theirs) = (
        fixture.token(),
        fixture.other.sign("at+jwt", &fixture.claims(OTHER_ISSUER, 60)),
    );
    for _ in 0..2 {
        assert_eq!(fixture.judged(&ours).await.unwrap().token.issuer(), ISSUER);
        assert_eq!(fixture.judged(&theirs).await.unwrap().token.issuer(), OTHER_ISSUER);
        for forged in [
            fixture.other.sign("at+jwt", &fixture.claims(ISSUER, 60)),
            fixture.provider.sign("at+jwt", &fixture.claims(OTHER_ISSUER, 60)),
        ] {
            assert_eq!(fixture.refused(&forged).await, Some(BearerRefused::Invalid));
        }
    }
}

#[tokio::test]
async fn an_algorithm_of_one_issuer_is_not_accepted_for_another() {
    // attacks: I16
    let bearer = || BearerTokens::new().audience(API).issuers([OTHER_ISSUER]);
    for (bearer, ours, theirs) in [
        (bearer().issuer_algorithms(ISSUER, [Algorithm::Rs256]), false, true),
        (
            bearer().issuer_algorithms(OTHER_ISSUER, [Algorithm::Rs256]),
            true,
            false,
        ),
        (
            bearer()
                .algorithms([Algorithm::Rs256])
                .issuer_algorithms(ISSUER, [Algorithm::Es256]),
            true,
            false,
        ),
        (bearer(), true, true),
    ] {
        let fixture = Fixture::with(bearer);
        let other = fixture.other.sign("at+jwt", &fixture.claims(OTHER_ISSUER, 60));
        assert_eq!(fixture.judged(&fixture.token()).await.is_ok(), ours);
        assert_eq!(fixture.judged(&other).await.is_ok(), theirs);
    }
}

#[tokio::test]
async fn another_kind_of_token_of_the_same_issuer_is_refused() {
    // attacks: I5
    // weakness: J1
    let fixture = Fixture::new();
    for typ in ["JWT", "id+JWT", "logout+jwt", "rt+JWT"] {
        let raw = fixture.provider.sign(typ, &fixture.claims(ISSUER, 60));
        assert_eq!(fixture.refused(&raw).await, Some(BearerRefused::Invalid), "{typ}");
    }
    let mut claims = fixture.claims(ISSUER, 60);
    claims["aud"] = "https://other-api.example.com".into();
    let raw = fixture.provider.sign("at+jwt", &claims);
    assert_eq!(fixture.refused(&raw).await, Some(BearerRefused::Invalid));
}

#[tokio::test]
async fn a_tenant_claim_that_cannot_be_used_is_never_the_default_tenant() {
    // attacks: M5
    let fixture = Fixture::new();
    let mut claims = fixture.claims(ISSUER, 60);
    for (tenant, expected) in [
        (json!("globex"), Some("globex")),
        (json!(""), Some("default")),
        (json!(null), Some("default")),
        (json!(["acme"]), None),
        (json!("a b"), None),
        (json!(7), None),
    ] {
        claims["tenant"] = tenant.clone();
        let judged = fixture.judged(&fixture.provider.sign("at+jwt", &claims)).await;
        let met = judged.as_ref().ok().map(|judged| judged.context.tenant.as_str());
        assert_eq!(met, expected, "{tenant}");
    }
}
