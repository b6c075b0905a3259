//! Which kind of token it is, whose, and for whom it speaks.

use serde_json::json;

use super::access_token::{access_rules, check_with, judged, plain_rules};
use super::support::*;
use crate::{AccessTokenRules, SubjectKind};

#[test]
fn a_machine_is_never_taken_for_a_user() {
    // weakness: J3
    for (patch, expected) in [
        (json!({}), SubjectKind::User),
        (json!({"sub": CLIENT_ID}), SubjectKind::Client),
        (json!({"sub_kind": "user"}), SubjectKind::User),
        (json!({"sub_kind": "client"}), SubjectKind::Client),
        (json!({"sub_kind": "CLIENT"}), SubjectKind::Client),
        (json!({"sub_kind": "robot"}), SubjectKind::Other),
        (json!({"sub_kind": ""}), SubjectKind::Other),
        (json!({"gty": "client-credentials"}), SubjectKind::Client),
        (json!({"idtyp": "app"}), SubjectKind::Client),
    ] {
        let token = judged(&patch, &access_rules()).unwrap();
        assert_eq!(token.subject_kind(), expected, "{patch}");
        let users_only = AccessTokenRules {
            subject_kinds: vec![SubjectKind::User],
            ..access_rules()
        };
        let verdict = match expected {
            SubjectKind::User => "accepted",
            _ => "SubjectKindRefused",
        };
        check_with(&users_only, &patch, verdict);
    }
}

#[test]
fn a_token_of_another_client_is_not_accepted_where_clients_are_listed() {
    // weakness: J3
    let listed = |rules: AccessTokenRules| AccessTokenRules {
        clients: vec![CLIENT_ID.to_owned(), "worker".to_owned()],
        ..rules
    };
    for (client, expected) in [
        (CLIENT_ID, "accepted"),
        ("worker", "accepted"),
        ("App", "ClientRefused"),
        ("app2", "ClientRefused"),
        ("ap", "ClientRefused"),
    ] {
        check_with(&listed(access_rules()), &json!({ "client_id": client }), expected);
        let by_party = json!({"client_id": "(absent)", "azp": client});
        check_with(&listed(plain_rules()), &by_party, expected);
        let by_cid = json!({"client_id": "(absent)", "cid": client});
        check_with(&listed(plain_rules()), &by_cid, expected);
        // The registered name comes first; the other one changes nothing.
        check_with(
            &listed(access_rules()),
            &json!({"client_id": client, "azp": CLIENT_ID}),
            expected,
        );
    }
    check_with(
        &listed(plain_rules()),
        &json!({"client_id": "(absent)"}),
        "ClientRefused",
    );
}

// attacks: I5
#[test]
fn an_id_token_is_never_taken_for_an_access_token() {
    // weakness: J1
    for patch in [
        json!({"nonce": NONCE}),
        json!({"nonce": null}),
        json!({"at_hash": "x"}),
        json!({"c_hash": "x"}),
        json!({"s_hash": "x"}),
    ] {
        check_with(&plain_rules(), &patch, "IsIdToken");
    }
    check_with(
        &plain_rules(),
        &json!({"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}),
        "IsLogoutToken",
    );
    for (name, value) in [
        ("typ", "ID"),
        ("typ", "Refresh"),
        ("typ", "Offline"),
        ("typ", "Logout"),
        ("token_use", "id"),
        ("token_use", "refresh"),
        ("token_type", "DPoP"),
    ] {
        check_with(&plain_rules(), &json!({ name: value }), "OtherKind");
    }
    for (name, value) in [("typ", "Bearer"), ("token_use", "access"), ("token_type", "Bearer")] {
        check_with(&plain_rules(), &json!({ name: value }), "accepted");
    }
    let bare = json!({"client_id": "(absent)", "scope": "(absent)", "jti": "(absent)", "iat": "(absent)"});
    check_with(&plain_rules(), &bare, "OtherKind");
    for (name, value) in [
        ("client_id", json!("app")),
        ("azp", json!("app")),
        ("scope", json!("a")),
        ("scp", json!(["a"])),
    ] {
        check_with(
            &plain_rules(),
            &patched(bare.clone(), &json!({ name: value })),
            "accepted",
        );
    }
}
