//! Slips of the hand: one fault for each, and the warnings beside it.

use super::{PROVIDER, ROUTE, SERVER, SESSION, accepted, faults, judged, refused, told};

fn warned(warnings: &[String], key: &str) -> bool {
    warnings.iter().any(|warning| warning.starts_with(&format!("{key}: ")))
}

#[test]
fn a_key_under_another_name_is_one_fault_and_not_a_missing_key_too() {
    let whole = format!("{SERVER}{PROVIDER}{SESSION}{ROUTE}");
    for (key, slip, told) in [
        ("client_secret", "client_secrets", "provider.client_secrets"),
        ("client_id", "clientid", "provider.clientid"),
        ("issuer", "isuer", "provider.isuer"),
        ("public_url", "publc_url", "server.publc_url"),
        ("secrets", "secret", "session.secret"),
        ("[session]", "[sesion]", "sesion"),
        ("[provider]", "[provder]", "provder"),
        ("[[routes]]", "[[route]]", "route"),
        ("upstream", "upsteam", "routes[0].upsteam"),
    ] {
        let text = whole.replacen(key, slip, 1);
        assert_ne!(text, whole, "{key}");
        assert!(refused(&text, told).contains("did you mean"), "{slip}");
    }
}

#[test]
fn a_slip_beside_the_key_itself_hides_no_fault_of_it() {
    let provider = PROVIDER.replace("\"app\"", "\"\"");
    let text = format!("{SERVER}{provider}clientid = \"app\"\n{SESSION}{ROUTE}");
    let faults = faults(&text);
    let keys: Vec<_> = faults.iter().map(|fault| fault.key.as_str()).collect();
    assert_eq!(keys, ["provider.client_id", "provider.clientid"], "{}", told(&faults));
}

#[test]
fn a_slip_hides_no_fault_of_the_variable_that_sets_the_key() {
    let text = format!("{SERVER}{PROVIDER}{SESSION}idle_timeot = \"1h\"\n{ROUTE}");
    let refused = judged(&text, &[("DOORWARD_SESSION_IDLE_TIMEOUT", "soon")])
        .err()
        .unwrap();
    let keys: Vec<_> = refused.faults.iter().map(|fault| fault.key.as_str()).collect();
    assert_eq!(
        keys,
        ["session.idle_timeot", "session.idle_timeout"],
        "{}",
        told(&refused.faults)
    );
}

#[test]
fn one_table_in_place_of_several_is_told_how_they_are_written() {
    for table in ["routes", "tenants", "providers"] {
        let text = format!("{SERVER}{SESSION}[{table}]\nname = \"a\"\n");
        let faults = faults(&text);
        let fault = faults.iter().find(|fault| fault.key == table).unwrap();
        let said = format!("write [[{table}]] in place of [{table}]");
        assert!(fault.problem.ends_with(&said), "{}", told(&faults));
    }
    let single = ROUTE.replace("[[routes]]", "[routes]");
    refused(&format!("{SERVER}{PROVIDER}{SESSION}{single}"), "routes");
}

#[test]
fn a_number_in_place_of_a_duration_is_told_what_durations_look_like() {
    let problem = refused(
        &format!("{SERVER}{PROVIDER}{SESSION}idle_timeout = 3600\n{ROUTE}"),
        "session.idle_timeout",
    );
    assert_eq!(
        problem,
        "expected a duration such as \"90s\", \"15m\" or \"1h\", found an integer"
    );
}

#[test]
fn an_idle_timeout_beyond_the_absolute_one_is_warned_about() {
    for (lines, expected) in [
        ("idle_timeout = \"2h\"\nabsolute_timeout = \"1h\"", true),
        ("idle_timeout = \"13h\"", true),
        ("idle_timeout = \"12h\"", false),
        ("idle_timeout = \"1h\"\nabsolute_timeout = \"1h\"", false),
        ("idle_timeout = \"13h\"\nabsolute_timeout = \"14h\"", false),
        // Nobody asked for an hour of idleness here.
        ("absolute_timeout = \"30m\"", false),
    ] {
        let config = accepted(&format!("{SERVER}{PROVIDER}{SESSION}{lines}\n{ROUTE}"));
        assert_eq!(
            warned(&config.warnings, "session.idle_timeout"),
            expected,
            "{lines}: {:?}",
            config.warnings
        );
    }
}

#[test]
fn warnings_are_told_beside_faults_and_none_that_only_follows_from_one() {
    let text = |route: &str| {
        let bearer = "[bearer]\naudience = [\"https://api.example.com\"]\n";
        format!("{SERVER}{PROVIDER}{SESSION}store = \"memory\"\nidle_timeot = \"1h\"\n{bearer}{route}")
    };
    let refused = |route: &str| judged(&text(route), &[("DOORWARD_SERVER_PORT", "1")]).err().unwrap();
    let good = refused(ROUTE);
    for key in ["session.store", "DOORWARD_SERVER_PORT", "bearer"] {
        assert!(warned(&good.warnings, key), "{key}: {:?}", good.warnings);
    }
    // Whether a token is accepted anywhere, or there are routes, nobody can tell before the routes can be read.
    for route in [
        &format!("{ROUTE}access = [\"baerer\"]\n"),
        "[routes]\npath = \"/\"\n",
        &ROUTE.replace("routes", "route"),
    ] {
        let bad = refused(route);
        assert!(warned(&bad.warnings, "session.store"), "{:?}", bad.warnings);
        for key in ["routes", "bearer"] {
            assert!(!warned(&bad.warnings, key), "{route}: {:?}", bad.warnings);
        }
    }
}
