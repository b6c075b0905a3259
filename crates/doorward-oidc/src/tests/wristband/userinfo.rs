//! The user as the platform describes them.

use http::StatusCode;
use serde_json::{Value, json};

use crate::tests::support::*;
use crate::wristband::{WristbandUserInfo, WristbandUserInfoError};
use crate::{UserInfo, parse_userinfo};

fn minimal() -> Value {
    json!({"sub": SUBJECT, "tnt_id": "t1", "app_id": "a1", "idp_name": "Wristband"})
}

fn userinfo(claims_of_user: &Value) -> UserInfo {
    let key = Key::ec();
    let keys = keys_of(&key);
    let id_token = verify_at_login(&key.id_token(&claims()), &keys).unwrap();
    parse_userinfo(
        StatusCode::OK,
        &content_type("application/json"),
        claims_of_user.to_string().as_bytes(),
        &keys,
        &[],
        CLIENT_ID,
        &issuer(),
        &id_token,
    )
    .unwrap()
}

fn read(patch: &Value) -> Result<WristbandUserInfo, WristbandUserInfoError> {
    WristbandUserInfo::of(&userinfo(&patched(minimal(), patch)))
}

#[test]
fn every_claim_becomes_the_field_of_its_name() {
    let all = json!({
        "name": "Ann B. Lee", "given_name": "Ann", "family_name": "Lee", "middle_name": "B.", "nickname": "annie",
        "preferred_username": "ann", "picture": "https://p.test/a.png", "gender": "f", "birthdate": "1990-01-02",
        "locale": "en-US", "zoneinfo": "Europe/Paris", "updated_at": 1_767_225_600, "email": "ann@globex.test",
        "email_verified": true, "phone_number": "+331", "phone_number_verified": false,
        "roles": [
            {"id": "r1", "name": "app:shop:admin", "display_name": "Admin"},
            {"id": "r2", "name": "app:shop:member", "displayName": "Member"},
            {"id": "r3", "name": "app:shop:bare", "more": 1},
        ],
        "custom_claims": {"plan": {"seats": 3}}, "unknown": [1, 2],
    });
    let user = read(&all).unwrap();
    assert_eq!(
        serde_json::to_value(&user).unwrap(),
        json!({
            "userId": SUBJECT, "tenantId": "t1", "applicationId": "a1", "identityProviderName": "Wristband",
            "fullName": "Ann B. Lee", "givenName": "Ann", "familyName": "Lee", "middleName": "B.", "nickname": "annie",
            "displayName": "ann", "pictureUrl": "https://p.test/a.png", "gender": "f", "birthdate": "1990-01-02",
            "locale": "en-US", "timeZone": "Europe/Paris", "updatedAt": 1_767_225_600, "email": "ann@globex.test",
            "emailVerified": true, "phoneNumber": "+331", "phoneNumberVerified": false,
            "roles": [
                {"id": "r1", "name": "app:shop:admin", "displayName": "Admin"},
                {"id": "r2", "name": "app:shop:member", "displayName": "Member"},
                {"id": "r3", "name": "app:shop:bare"},
            ],
            "customClaims": {"plan": {"seats": 3}},
        })
    );
    assert!(!format!("{user:?}").contains("ann@globex.test"));
}

#[test]
fn user_without_further_scopes_has_the_four_ids_only() {
    let user = read(&json!({"email": null, "roles": null, "name": ""})).unwrap();
    assert_eq!(
        serde_json::to_value(&user).unwrap(),
        json!({"userId": SUBJECT, "tenantId": "t1", "applicationId": "a1", "identityProviderName": "Wristband"})
    );
}

#[test]
fn claim_that_is_not_as_defined_is_refused() {
    use WristbandUserInfoError::{Malformed, Missing, WrongType};
    let long = "x".repeat(5_000);
    for (patch, expected) in [
        (json!({"tnt_id": "(absent)"}), Missing("tnt_id")),
        (json!({"tnt_id": ""}), Missing("tnt_id")),
        (json!({"tnt_id": null}), Missing("tnt_id")),
        (json!({"tnt_id": 7}), WrongType("tnt_id")),
        (json!({"tnt_id": "a b"}), Malformed("tnt_id")),
        (json!({"tnt_id": "a".repeat(256)}), Malformed("tnt_id")),
        (json!({"app_id": "(absent)"}), Missing("app_id")),
        (json!({"app_id": ["a1"]}), WrongType("app_id")),
        (json!({"idp_name": "(absent)"}), Missing("idp_name")),
        (json!({"idp_name": ""}), Missing("idp_name")),
        (json!({"email": ["a@b.test"]}), WrongType("email")),
        (json!({"email_verified": "true"}), WrongType("email_verified")),
        (json!({"phone_number_verified": 1}), WrongType("phone_number_verified")),
        (json!({"updated_at": "2026-01-01"}), WrongType("updated_at")),
        (json!({"updated_at": -1}), WrongType("updated_at")),
        (json!({"name": long}), Malformed("name")),
        (json!({"custom_claims": []}), WrongType("custom_claims")),
        (json!({"roles": "admin"}), WrongType("roles")),
        (json!({"roles": ["admin"]}), WrongType("roles")),
        (json!({"roles": [{"id": "r1"}]}), WrongType("roles")),
        (json!({"roles": [{"id": "", "name": "n"}]}), WrongType("roles")),
        (
            json!({"roles": [{"id": "r1", "name": "n", "display_name": 1}]}),
            WrongType("roles"),
        ),
    ] {
        assert_eq!(read(&patch).unwrap_err(), expected, "{patch}");
    }
}

// attacks: D41
#[test]
fn roles_beyond_the_256th_are_dropped() {
    let roles: Vec<_> = (0..5_000)
        .map(|n| json!({"id": format!("r{n}"), "name": "n"}))
        .collect();
    assert_eq!(read(&json!({ "roles": roles })).unwrap().roles.unwrap().len(), 256);
    assert_eq!(read(&json!({"roles": []})).unwrap().roles.unwrap().len(), 0);
}
