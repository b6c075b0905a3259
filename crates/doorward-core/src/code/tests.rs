//! The table of codes, pinned: frontends branch on these texts.

use std::collections::HashSet;

use super::Code;

const TABLE: &[(&str, u16)] = &[
    ("session_missing", 401),
    ("session_expired", 401),
    ("session_invalid", 401),
    ("session_revoked", 401),
    ("session_too_large", 502),
    ("token_refresh_failed", 401),
    ("token_missing", 401),
    ("token_invalid", 401),
    ("token_expired", 401),
    ("csrf_missing", 403),
    ("csrf_mismatch", 403),
    ("cross_origin", 403),
    ("role_missing", 403),
    ("insufficient_scope", 403),
    ("tenant_mismatch", 403),
    ("step_up_required", 401),
    ("login_missing", 400),
    ("login_expired", 400),
    ("login_denied", 403),
    ("state_mismatch", 400),
    ("issuer_mismatch", 400),
    ("provider_response_invalid", 502),
    ("id_token_invalid", 502),
    ("provider_unavailable", 503),
    ("store_unavailable", 503),
    ("route_unknown", 404),
    ("tenant_unknown", 404),
    ("method_not_allowed", 405),
    ("request_malformed", 400),
    ("request_too_large", 413),
    ("not_configured", 500),
];

#[test]
fn every_code_of_the_contract_is_there_with_its_status_and_no_other() {
    let met: Vec<(&str, u16)> = Code::ALL
        .iter()
        .map(|code| (code.as_str(), code.status().as_u16()))
        .collect();
    assert_eq!(met, TABLE);
}

#[test]
fn titles_are_sentences_of_their_own() {
    let titles: HashSet<&str> = Code::ALL.iter().map(|code| code.title()).collect();
    assert_eq!(titles.len(), Code::ALL.len());
    for code in Code::ALL {
        assert!(code.title().chars().next().is_some_and(char::is_uppercase), "{code}");
        assert!(!code.title().ends_with('.'), "{code}");
        assert_eq!(code.to_string(), code.as_str());
    }
}
