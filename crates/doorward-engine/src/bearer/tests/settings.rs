//! Settings that cannot be used are refused by the name of their key.

use doorward_crypto::Algorithm;
use doorward_oidc::ClientAuthentication;

use super::*;

fn key_of(bearer: BearerTokens, providers: &[Arc<ProviderState>]) -> Option<&'static str> {
    bearer.checked(providers).err().map(|error| error.key())
}

#[test]
fn settings_are_refused_by_the_name_of_their_key() {
    // attacks: N6
    let one = [state(ISSUER)];
    let good = || BearerTokens::new().audience(API);
    let table = [
        (good(), None),
        (BearerTokens::new().no_audience(), None),
        (BearerTokens::new(), Some("bearer.audience")),
        (good().audience(""), Some("bearer.audience")),
        (good().no_audience(), Some("bearer.no_audience")),
        (good().algorithms([]), Some("bearer.algorithms")),
        (good().issuer_algorithms(ISSUER, []), Some("bearer.algorithms")),
        (
            good().issuer_algorithms("https://stranger.example", Algorithm::ALL.iter().copied()),
            Some("bearer.issuer_algorithms"),
        ),
        (good().leeway(Duration::from_secs(300)), None),
        (good().leeway(Duration::from_secs(301)), Some("bearer.leeway")),
        (good().issuers(["http://id.example.com"]), Some("bearer.issuers")),
        (good().issuers(["not a url"]), Some("bearer.issuers")),
        (good().issuers([ISSUER, OTHER_ISSUER, OTHER_ISSUER]), None),
        (good().introspection(), None),
    ];
    for (bearer, expected) in table {
        let shown = format!("{bearer:?}");
        assert_eq!(key_of(bearer, &one), expected, "{shown}");
    }
}

#[test]
fn introspection_needs_one_provider_and_a_client_that_authenticates() {
    let bearer = || BearerTokens::new().audience(API).introspection();
    let public = Provider::oidc(ISSUER, CLIENT_ID, "").client_authentication(ClientAuthentication::None);
    let public = Arc::new(ProviderState::new(public.checked().unwrap()).unwrap());
    for providers in [vec![], vec![state(ISSUER), state(OTHER_ISSUER)], vec![public]] {
        assert_eq!(
            key_of(bearer(), &providers),
            Some("bearer.introspection"),
            "{}",
            providers.len()
        );
    }
}

#[test]
fn two_clients_at_one_issuer_are_one_issuer_of_tokens() {
    let verifier = BearerTokens::new()
        .audience(API)
        .issuers([ISSUER])
        .checked(&[state(ISSUER), state(ISSUER)]);
    assert_eq!(verifier.unwrap().issuers.len(), 1);
}
