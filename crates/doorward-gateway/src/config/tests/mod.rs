//! What the file may say, and for every yes a no.

mod documentation;
mod environment;
mod journeys;
mod path_patterns;
mod providers;
mod routes;
mod slips;
mod tables;
mod values;

use std::path::Path;

use doorward::{Builder, Doorward, UnixTime};
use doorward_testkit::{FixedClock, RouterFetch, SeededRandom, TokioTestTasks};

use super::{CheckedConfig, Environment, Fault, Refused, check};

/// Strong enough for everything here, and never to be seen in a message.
const SECRET: &str = "k9Zr2mQ0bT7wXc4LhVn8sJd1GfYp6aUe3RiOtEqNuBM";
const OTHER_SECRET: &str = "u3TqYb8sVd5nKc1xWf7hRz0jPm4gLa9eQo6iSkXtNyE";

const SERVER: &str = "[server]\npublic_url = \"https://app.example.com\"\n";
const PROVIDER: &str = "[provider]\nissuer = \"https://id.example.net\"\nclient_id = \"app\"\nclient_secret = { env = \"CLIENT_SECRET\" }\n";
const SESSION: &str = "[session]\nsecrets = [{ env = \"DOORWARD_SECRET\" }]\n";
const ROUTE: &str = "[[routes]]\npath = \"/api\"\nupstream = \"http://127.0.0.1:3000\"\n";

/// A world without network, on a clock that stands still.
fn base(fetch: &RouterFetch) -> Builder {
    let builder = Doorward::builder().fetch(fetch.clone()).tasks(TokioTestTasks::new());
    builder.clock(clock()).danger_random(SeededRandom::new(7))
}

fn clock() -> FixedClock {
    FixedClock::new(UnixTime::from_seconds(1_790_000_000))
}

fn with_variables(text: &str, variables: &[(&str, &str)]) -> Result<CheckedConfig, Vec<Fault>> {
    judged(text, variables).map_err(|refused| refused.faults)
}

fn judged(text: &str, variables: &[(&str, &str)]) -> Result<CheckedConfig, Refused> {
    let usual = [
        ("CLIENT_SECRET", "c1ient-pa55word"),
        ("DOORWARD_SECRET", SECRET),
        ("OTHER_SECRET", OTHER_SECRET),
        ("WEAK_SECRET", "hunter2"),
    ];
    let environment = Environment::of(&[&usual, variables].concat());
    check(
        text,
        Path::new("nowhere"),
        &environment,
        &base(&RouterFetch::unreachable()),
    )
}

#[track_caller]
fn accepted(text: &str) -> CheckedConfig {
    match with_variables(text, &[]) {
        Ok(config) => config,
        Err(faults) => panic!("refused: {}\n{text}", told(&faults)),
    }
}

/// Asserts that one thing is at fault, by its key, and gives what is said of it.
#[track_caller]
fn refused(text: &str, key: &str) -> String {
    let faults = faults(text);
    assert_eq!(faults.len(), 1, "{}\n{text}", told(&faults));
    assert_eq!(faults[0].key, key, "{}\n{text}", told(&faults));
    let problem = faults[0].problem.clone();
    assert!(!problem.ends_with('.') && !problem.contains('\n'), "{problem}");
    problem
}

#[track_caller]
fn faults(text: &str) -> Vec<Fault> {
    match with_variables(text, &[]) {
        Ok(_) => panic!("was accepted:\n{text}"),
        Err(faults) => {
            let said = told(&faults);
            for secret in [SECRET, OTHER_SECRET, "hunter2", "c1ient-pa55word", "pa55word"] {
                assert!(!said.contains(secret), "a secret is told: {said}");
            }
            faults
        }
    }
}

fn told(faults: &[Fault]) -> String {
    let lines = faults.iter().map(|fault| format!("{:?} {fault}", fault.line));
    lines.collect::<Vec<_>>().join("\n")
}

/// Keys of one table that are fine, and keys that are not, with the key the fault names and a part of what it says.
#[track_caller]
fn check_table(rest: &str, header: &str, good: &[&str], bad: &[(&str, &str, &str)]) {
    for lines in good {
        accepted(&format!("{rest}{header}{lines}\n"));
    }
    for (lines, key, said) in bad {
        let problem = refused(&format!("{rest}{header}{lines}\n"), key);
        assert!(problem.contains(said), "{lines} said {problem:?}, not {said:?}");
    }
}

#[test]
fn the_smallest_file_is_enough() {
    let config = accepted(&format!("{SERVER}{PROVIDER}{SESSION}{ROUTE}"));
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:6001");
    assert_eq!(config.server.admin_listen.to_string(), "127.0.0.1:6009");
    assert!(config.server.trusted_proxies.is_empty());
    assert!(!serves_token(&config));
    assert_eq!(config.routes.len(), 1);
    assert_eq!(
        config.routes[0].rule,
        doorward::Rule::Session,
        "a route is protected unless it says otherwise"
    );
    assert_eq!(config.warnings.len(), 1, "{:?}", config.warnings);
}

#[test]
fn each_table_that_has_to_be_there_is_missed() {
    refused(&format!("{PROVIDER}{SESSION}"), "server.public_url");
    refused(&format!("{SERVER}{SESSION}"), "provider");
    refused(&format!("{SERVER}{PROVIDER}"), "session.secrets");
    assert_eq!(faults("").len(), 3);
}

#[test]
fn one_run_names_every_fault_in_the_order_of_the_file() {
    let text = r#"
[server]
listen = "here"
public_url = "https://app.example.com"
app_origins = ["nonsense"]
[provider]
issuer = "http://id.example.net"
client_id = "app"
client_secret = { env = "NOT_SET" }
[session]
secrets = [{ env = "WEAK_SECRET" }]
idle_timeot = "1h"
cookie_domain = "elsewhere.test"
same_site = "lax"
[csrf]
header_name = "no header"
[auth]
base_path = "auth"
default_return_url = "//elsewhere.test"
[bearer]
[[tenants]]
name = "a.b"
[[tenants]]
name = "acme"
hosts = ["a/b"]
[[routes]]
path = "api"
"#;
    let faults = faults(text);
    let found: Vec<_> = faults
        .iter()
        .map(|fault| (fault.line.unwrap(), fault.key.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (3, "server.listen"),
            (5, "server.app_origins"),
            (9, "provider.client_secret"),
            (11, "session.secrets[0]"),
            (12, "session.idle_timeot"),
            (13, "session.cookie_domain"),
            (14, "session.same_site"),
            (16, "csrf.header_name"),
            (18, "auth.base_path"),
            (19, "auth.default_return_url"),
            (20, "bearer.audience"),
            (22, "tenants[0].name"),
            (25, "tenants[1].hosts"),
            (26, "routes[0].upstream"),
            (27, "routes[0].path"),
        ],
        "{}",
        told(&faults)
    );
}

#[test]
fn a_file_that_is_no_toml_is_refused_by_its_lines_and_not_quoted() {
    for (text, line) in [
        ("[server\n", 1),
        ("[session]\nsecrets = [hunter2]\n", 2),
        ("[session]\n\nsecrets = \"hunter2\n", 3),
        ("a = 1\na = 2\n", 2),
        ("[session]\nsecrets = hunter2 = hunter2\n", 2),
        ("x = 1979-99-99 # hunter2\n", 1),
    ] {
        let faults = faults(text);
        assert!(faults[0].problem.starts_with("is no TOML: "), "{}", told(&faults));
        assert_eq!(faults[0].line, Some(line), "{}", told(&faults));
    }
}

#[test]
fn a_deeply_nested_file_is_refused_and_does_not_end_the_process() {
    for (open, close) in [("[", "]"), ("{ a = ", "}")] {
        let text = format!("a = {}1{}\n", open.repeat(50_000), close.repeat(50_000));
        let faults = faults(&text);
        assert!(faults[0].problem.starts_with("is no TOML: "), "{}", told(&faults[..1]));
    }
    let dotted = format!("a{} = 1\n", ".a".repeat(50_000));
    assert!(!faults(&dotted).is_empty());
}

#[test]
fn keys_that_nobody_knows_are_refused_with_the_nearest_that_somebody_does() {
    // attacks: N6
    for (text, key, said) in [
        ("[sesion]\n", "sesion", "did you mean \"session\"?"),
        (
            "[server]\nlisten_at = \"x\"\n",
            "server.listen_at",
            "expected public_url,",
        ),
        (
            "[server]\nadmin_listn = \"x\"\n",
            "server.admin_listn",
            "did you mean \"admin_listen\"?",
        ),
        (
            "[provider]\nclientid = \"x\"\n",
            "provider.clientid",
            "did you mean \"client_id\"?",
        ),
        (
            "[provider.claims]\nrole = \"x\"\n",
            "provider.claims.role",
            "did you mean \"roles\"?",
        ),
        (
            "[auth]\nbase_pth = \"x\"\n",
            "auth.base_pth",
            "did you mean \"base_path\"?",
        ),
        ("[[routes]]\nroels = []\n", "routes[0].roels", "did you mean \"roles\"?"),
        ("[[tenants]]\nhost = []\n", "tenants[0].host", "did you mean \"hosts\"?"),
        (
            "[bearer]\naudiences = []\n",
            "bearer.audiences",
            "did you mean \"audience\"?",
        ),
        ("[csrf]\nx = 1\n", "csrf.x", "expected cookie_name, header_name"),
        ("\"a\\nb\" = 1\n", "a\\nb", "no key that is known"),
    ] {
        let faults = faults(text);
        let fault = faults.iter().find(|fault| fault.key == key);
        let fault = fault.unwrap_or_else(|| panic!("{key}: {}", told(&faults)));
        assert!(fault.problem.contains(said), "{key}: {}", fault.problem);
    }
}

#[test]
fn tables_and_arrays_of_another_kind_are_refused() {
    for (text, key) in [
        ("server = 1\n", "server"),
        ("routes = 1\n", "routes"),
        ("routes = [1]\n", "routes[0]"),
        ("tenants = { name = \"acme\" }\n", "tenants"),
        (
            "[server]\napp_origins = \"https://x.example.com\"\n",
            "server.app_origins",
        ),
        ("[server]\napp_origins = [1]\n", "server.app_origins[0]"),
        ("[server]\nlisten = 6001\n", "server.listen"),
        ("[auth]\ntoken_endpoint = \"yes\"\n", "auth.token_endpoint"),
        ("[provider]\nclaims = 1\n", "provider.claims"),
        (
            "[provider]\nauthorize_params = { prompt = 1 }\n",
            "provider.authorize_params.prompt",
        ),
    ] {
        let faults = faults(text);
        let fault = faults.iter().find(|fault| fault.key == key);
        let fault = fault.unwrap_or_else(|| panic!("{key}: {}", told(&faults)));
        assert!(fault.problem.starts_with("expected "), "{key}: {}", fault.problem);
        assert!(fault.problem.contains("found "), "{key}: {}", fault.problem);
    }
}

/// Whether the page may ask for the access token.
fn serves_token(config: &CheckedConfig) -> bool {
    let engine = config.auth.engine();
    let mut paths = engine.endpoint_paths().into_iter();
    paths.any(|(endpoint, path)| path.ends_with("/token") && engine.serves(endpoint))
}
