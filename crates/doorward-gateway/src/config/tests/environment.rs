//! Scalars from the environment.

use std::net::SocketAddr;

use super::{PROVIDER, ROUTE, SERVER, SESSION, serves_token, told, with_variables};
use crate::config::CheckedConfig;

#[track_caller]
fn accepted(text: &str, variables: &[(&str, &str)]) -> CheckedConfig {
    match with_variables(text, variables) {
        Ok(config) => config,
        Err(faults) => panic!("refused: {}", told(&faults)),
    }
}

#[track_caller]
fn refused(text: &str, variables: &[(&str, &str)], key: &str) -> String {
    match with_variables(text, variables) {
        Ok(_) => panic!("{variables:?} was accepted"),
        Err(faults) => {
            assert_eq!(faults.len(), 1, "{}", told(&faults));
            assert_eq!(faults[0].key, key, "{}", told(&faults));
            assert_eq!(faults[0].line, None, "the file has no part in it: {}", told(&faults));
            faults[0].to_string()
        }
    }
}

#[test]
fn a_variable_goes_before_the_file_and_an_empty_one_does_not() {
    let text = format!("{SERVER}listen = \"127.0.0.1:1\"\n{PROVIDER}{SESSION}{ROUTE}");
    let listens = |variables: &[(&str, &str)]| accepted(&text, variables).server.listen;
    let expected = |text: &str| text.parse::<SocketAddr>().unwrap();
    assert_eq!(listens(&[]), expected("127.0.0.1:1"));
    assert_eq!(listens(&[("DOORWARD_SERVER_LISTEN", "")]), expected("127.0.0.1:1"));
    assert_eq!(
        listens(&[("DOORWARD_SERVER_LISTEN", "127.0.0.1:2")]),
        expected("127.0.0.1:2")
    );
    let serves = |said: &str| serves_token(&accepted(&text, &[("DOORWARD_AUTH_TOKEN_ENDPOINT", said)]));
    assert!(serves("true") && !serves("false"));
}

#[test]
fn a_table_may_stand_in_the_environment_alone() {
    let provider = [
        ("DOORWARD_PROVIDER_ISSUER", "https://id.example.net"),
        ("DOORWARD_PROVIDER_CLIENT_ID", "app"),
        ("DOORWARD_PROVIDER_CLIENT_SECRET", "c1ient-pa55word"),
        ("DOORWARD_PROVIDER_CLAIMS_ROLES", "groups"),
        ("DOORWARD_SERVER_PUBLIC_URL", "https://app.example.com"),
        ("DOORWARD_BEARER_NO_AUDIENCE", "true"),
    ];
    let config = accepted(&format!("{SESSION}{ROUTE}access = [\"bearer\"]\n"), &provider);
    assert!(!config.warnings.iter().any(|warning| warning.contains("secret itself")));
    assert!(
        !config.warnings.iter().any(|warning| warning.contains("no setting")),
        "{:?}",
        config.warnings
    );
}

#[test]
fn a_variable_at_fault_is_refused_by_its_key() {
    let text = format!("{SERVER}{PROVIDER}{SESSION}{ROUTE}");
    for (name, value, key) in [
        ("DOORWARD_SERVER_LISTEN", "here", "server.listen"),
        ("DOORWARD_SESSION_IDLE_TIMEOUT", "1", "session.idle_timeout"),
        ("DOORWARD_SESSION_STORE", "mysql://cache", "session.store"),
        ("DOORWARD_AUTH_TOKEN_ENDPOINT", "yes", "auth.token_endpoint"),
        ("DOORWARD_PROVIDER_ISSUER", "http://id.example.net", "provider.issuer"),
        ("DOORWARD_CSRF_HEADER_NAME", "a b", "csrf.header_name"),
    ] {
        let said = refused(&text, &[(name, value)], key);
        assert!(said.starts_with(&format!("{key} ({name}): ")), "{said}");
    }
}

#[test]
fn variables_that_are_no_settings_are_warned_about() {
    let text = format!("{SERVER}{PROVIDER}{SESSION}{ROUTE}");
    let warned = |name: &str| {
        let config = accepted(&text, &[(name, "1")]);
        let warnings = config.warnings.into_iter();
        warnings
            .filter(|warning| warning.starts_with("DOORWARD_"))
            .collect::<Vec<_>>()
    };
    let slip = warned("DOORWARD_SESSION_IDLE_TIMOUT");
    assert_eq!(slip.len(), 1, "{slip:?}");
    assert!(
        slip[0].contains("did you mean DOORWARD_SESSION_IDLE_TIMEOUT?"),
        "{slip:?}"
    );
    // Set by an orchestrator for a service that is called so.
    assert_eq!(warned("DOORWARD_SERVER_PORT").len(), 1);
    // Lists do not come from the environment.
    assert_eq!(warned("DOORWARD_SERVER_TRUSTED_PROXIES").len(), 1);
    // Other programs', and our own of other commands.
    assert!(warned("DOORWARD_LOG").is_empty());
    assert!(warned("SERVER_LISTEN").is_empty());
}

#[test]
fn a_variable_that_a_secret_names_is_no_stranger() {
    let session = "[session]\nsecrets = [{ env = \"DOORWARD_SESSION_SECRET\" }]\n";
    let text = format!("{SERVER}{PROVIDER}{session}{ROUTE}");
    let config = accepted(&text, &[("DOORWARD_SESSION_SECRET", super::OTHER_SECRET)]);
    assert!(
        !config
            .warnings
            .iter()
            .any(|warning| warning.contains("DOORWARD_SESSION_SECRET"))
    );
}

#[test]
fn several_providers_do_not_come_from_the_environment() {
    let providers = PROVIDER.replace("[provider]", "[[providers]]\nname = \"one\"");
    let text = format!("{SERVER}{providers}{SESSION}{ROUTE}");
    let config = accepted(&text, &[("DOORWARD_PROVIDER_ISSUER", "https://elsewhere.test")]);
    assert!(
        config
            .warnings
            .iter()
            .any(|warning| warning.starts_with("DOORWARD_PROVIDER_ISSUER: "))
    );
}
