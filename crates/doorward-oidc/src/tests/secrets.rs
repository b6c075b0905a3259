//! Debug output and error texts hold no secret.

use std::fmt::Debug;
use std::sync::Arc;

use doorward_crypto::{Algorithm, SecretString, SigningKey};
use http::StatusCode;

use super::support::*;
use crate::{
    AuthorizationResponse, Client, ClientAuthentication, IdTokenRules, LoginParameters, Params, ResponseMethod,
    ResponseMode, TokenResponse, callback, exchange_request, parse_userinfo, refresh_request, userinfo_request,
};

const SECRETS: &[&str] = &[
    "top-secret",
    "code-of-alice",
    ACCESS_TOKEN,
    "refresh-of-alice",
    "person@b.test",
];

fn check(value: &dyn Debug, further: &[&str]) {
    let text = format!("{value:?} {value:#?}");
    for secret in SECRETS.iter().chain(further) {
        assert!(!text.contains(secret), "{text} shows {secret}");
    }
}

// attacks: N5
#[test]
fn debug_output_hides_every_secret_of_a_login() {
    let random = CountingRandom::default();
    let client = Client {
        client_id: CLIENT_ID.to_owned(),
        authentication: ClientAuthentication::SecretPost(SecretString::new("top-secret")),
    };
    check(&client, &[]);
    let (sent, pending) = begun(
        &random,
        &metadata(),
        &settings(ResponseMode::Query),
        &LoginParameters::default(),
    );
    let (state, nonce) = (value_of(&sent, "state"), value_of(&sent, "nonce"));
    let minted = [state.as_str(), nonce.as_str()];
    check(&pending, &minted);
    check(&sent, &minted);
    let params = Params::parse(&format!("state={state}&code=code-of-alice&iss={ISSUER}")).unwrap();
    check(&params, &minted);
    let response = AuthorizationResponse::parse(&params).unwrap();
    check(&response, &minted);
    let matched = callback::check(&response, ResponseMethod::Get, pending).unwrap();
    check(&matched, &minted);
    let (outbound, expected) = exchange_request(matched, &metadata(), &client, NOW, &random).unwrap();
    let verifier = value_of(&form_of(&outbound), "code_verifier");
    check(&outbound, &[&state, &nonce, &verifier]);
    check(&expected, &minted);

    let body = format!(
        r#"{{"access_token":"{ACCESS_TOKEN}","token_type":"Bearer","refresh_token":"refresh-of-alice","id_token":"top-secret"}}"#
    );
    let tokens = TokenResponse::parse(StatusCode::OK, &content_type("application/json"), body.as_bytes()).unwrap();
    check(&tokens, &[]);
    let rules = IdTokenRules {
        expected: &expected,
        algorithms: &[Algorithm::Es256],
        now: NOW,
        access_token: Some(&tokens.access_token),
    };
    check(&rules, &minted);
    check(&userinfo_request(&metadata(), &tokens.access_token), &[]);
    let refresh = refresh_request(
        tokens.refresh_token.as_ref().unwrap(),
        &metadata(),
        &client,
        NOW,
        &random,
    );
    check(&refresh, &[]);
    let key = Arc::new(SigningKey::generate(Algorithm::Es256).unwrap());
    let pem = key.to_pem().unwrap();
    check(
        &ClientAuthentication::PrivateKeyJwt(key),
        &[pem.expose().lines().nth(1).unwrap()],
    );
}

// attacks: N5
#[test]
fn debug_output_hides_what_is_known_about_a_person() {
    let key = Key::ec();
    let keys = keys_of(&key);
    let raw = key.id_token(&patched(claims(), &serde_json::json!({"email": "person@b.test"})));
    let id_token = verify_at_login(&raw, &keys).unwrap();
    check(&id_token, &[]);
    let body = format!(r#"{{"sub":"{SUBJECT}","email":"person@b.test"}}"#);
    let json = content_type("application/json");
    let userinfo = parse_userinfo(
        StatusCode::OK,
        &json,
        body.as_bytes(),
        &keys,
        &[Algorithm::Es256],
        CLIENT_ID,
        &issuer(),
        &id_token,
    );
    check(&userinfo.unwrap(), &[]);
}

#[test]
fn a_refused_answer_is_not_quoted_in_the_error() {
    let body = format!(r#"{{"access_token":"{ACCESS_TOKEN}","token_type":"top-secret","error":"refresh-of-alice"}}"#);
    for status in [200, 400] {
        let status = StatusCode::from_u16(status).unwrap();
        let error = TokenResponse::parse(status, &content_type("application/json"), body.as_bytes()).unwrap_err();
        check(&error, &[]);
        check(&error.to_string(), &[]);
    }
    let raw = SecretString::new(format!("{ACCESS_TOKEN}.top-secret.x"));
    let error = verify_at_login(&raw, &keys_of(&Key::ec())).unwrap_err();
    check(&error, &[]);
}
