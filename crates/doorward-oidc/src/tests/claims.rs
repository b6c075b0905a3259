//! Roles, e-mail addresses and other claims an application reads.

use doorward_crypto::{SecretString, base64url_encode};
use serde_json::{Map, Value, json};

use crate::{ClaimSources, email, lookup, roles, unverified_access_token_claims};

fn map(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[test]
fn a_claim_is_found_by_its_name_else_by_its_path_in_the_order_of_the_sources() {
    let id_token = map(json!({"a": 1, "x.y": "exact", "x": {"y": "path"}, "none": null, "list": [{"z": 1}]}));
    let userinfo = map(json!({"a": 2, "b": 2, "none": 2, "x": {"z": "userinfo"}}));
    let access_token = map(json!({"a": 3, "c": 3, "realm": {"access": {"roles": ["r"]}}}));
    let sources = ClaimSources {
        id_token: &id_token,
        userinfo: Some(&userinfo),
        access_token: Some(access_token),
    };
    for (name, expected) in [
        ("a", Some(json!(1))),
        ("b", Some(json!(2))),
        ("c", Some(json!(3))),
        ("none", Some(json!(2))),
        ("x.y", Some(json!("exact"))),
        ("x.z", Some(json!("userinfo"))),
        ("realm.access.roles", Some(json!(["r"]))),
        ("realm.access", Some(json!({"roles": ["r"]}))),
        ("list.0.z", None),
        ("list.z", None),
        ("a.b", None),
        ("x.", None),
        (".x", None),
        (".", None),
        ("", None),
        ("missing", None),
        ("realm.access.roles.r", None),
    ] {
        assert_eq!(lookup(&sources, name), expected.as_ref(), "{name}");
    }
}

// attacks: D41
#[test]
fn roles_are_read_from_lists_and_texts_within_bounds() {
    for (value, expected) in [
        (json!(["admin", "user"]), vec!["admin", "user"]),
        (json!("admin"), vec!["admin"]),
        (json!("admin user  x"), vec!["admin", "user", "x"]),
        (json!("admin,user"), vec!["admin,user"]),
        (json!(["two words"]), vec!["two words"]),
        (json!(["a", 7, null, ["b"], {"c": 1}, "", "d\n", "e"]), vec!["a", "e"]),
        (json!([["admin"]]), vec![]),
        (json!({"admin": true}), vec![]),
        (json!(true), vec![]),
        (json!(7), vec![]),
        (json!(null), vec![]),
        (json!(""), vec![]),
    ] {
        assert_eq!(roles(&value), expected, "{value}");
    }
    let many: Vec<_> = (0..5_000).map(|index| format!("group-{index}")).collect();
    assert_eq!(roles(&json!(many)).len(), 256);
    assert_eq!(roles(&json!(many.join(" "))).len(), 256);
    assert_eq!(
        roles(&json!(["x".repeat(1_000_000), "x".repeat(257), "x".repeat(256)])).len(),
        1
    );
}

// attacks: D40
#[test]
fn an_address_is_bounded_and_vouched_for_where_it_stands() {
    let empty = Map::new();
    let read = |id_token: &Value, userinfo: &Value| {
        let (id_token, userinfo) = (map(id_token.clone()), map(userinfo.clone()));
        email(&ClaimSources {
            id_token: &id_token,
            userinfo: Some(&userinfo),
            access_token: Some(empty.clone()),
        })
    };
    let found = read(
        &json!({"email": "a@b.test"}),
        &json!({"email": "x@y.test", "email_verified": true}),
    )
    .unwrap();
    assert_eq!((found.address.as_str(), found.verified), ("a@b.test", false));
    let found = read(&json!({"email_verified": true}), &json!({"email": "x@y.test"})).unwrap();
    assert_eq!((found.address.as_str(), found.verified), ("x@y.test", false));
    let found = read(&json!({}), &json!({"email": "x@y.test", "email_verified": true})).unwrap();
    assert!(found.verified);
    assert_eq!(read(&json!({}), &json!({})), None);
    assert_eq!(read(&json!({"email": 7}), &json!({})), None);
    assert_eq!(read(&json!({"email": ""}), &json!({})), None);
    assert_eq!(read(&json!({"email": "x".repeat(10_000)}), &json!({})), None);
    assert!(read(&json!({"email": "x".repeat(254)}), &json!({})).is_some());
    assert_eq!(read(&json!({"email": "x".repeat(255)}), &json!({})), None);
}

#[test]
fn an_access_token_that_is_no_jwt_has_no_claims() {
    let payload = |json: &str| base64url_encode(json.as_bytes());
    let good = format!("h.{}.s", payload(r#"{"roles":["admin"]}"#));
    let claims = unverified_access_token_claims(&SecretString::new(good)).unwrap();
    assert_eq!(claims["roles"], json!(["admin"]));
    let (list, twice) = (payload("[]"), payload(r#"{"a":1,"a":2}"#));
    for text in [
        "",
        "opaque",
        "a.b",
        "h.!!!.s",
        &format!("h.{list}.s"),
        &format!("h.{twice}.s"),
        &format!("h.{}.s.t", payload("{}")),
        &format!("h.{}.{}", payload("{}"), "x".repeat(16 * 1024)),
    ] {
        assert!(
            unverified_access_token_claims(&SecretString::new(text)).is_none(),
            "{text}"
        );
    }
}
