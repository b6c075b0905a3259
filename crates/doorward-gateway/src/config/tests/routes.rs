//! `[[routes]]`.

use doorward::Rule;

use super::{PROVIDER, ROUTE, SERVER, SESSION, accepted, check_table, refused};
use crate::config::Relay;

const BEARER: &str = "[bearer]\naudience = [\"https://api.example.com\"]\n";

fn rest() -> String {
    format!("{SERVER}{PROVIDER}{SESSION}{BEARER}")
}

#[test]
fn access_roles_scopes_and_the_rest_make_the_rule() {
    for (lines, rule) in [
        ("", Rule::Session),
        ("access = [\"session\"]", Rule::Session),
        ("access = [\"public\"]", Rule::Public),
        ("access = [\"bearer\"]", Rule::bearer()),
        ("access = [\"session\", \"bearer\"]", Rule::session_or_bearer()),
        ("access = [\"bearer\", \"session\"]", Rule::session_or_bearer()),
        ("roles = [\"admin\"]", Rule::role("admin")),
        ("roles = [\"admin\", \"owner\"]", Rule::any_role(["admin", "owner"])),
        ("scopes = [\"a\", \"b\"]", Rule::scope("a").with_scope("b")),
        ("unauthenticated = \"401\"", Rule::Session),
        ("unauthenticated = \"login\"", Rule::Session.or_login()),
        ("csrf = \"origin\"", Rule::Session.csrf_origin()),
        ("csrf = \"token\"", Rule::Session),
        (
            "access = [\"session\", \"bearer\"]\nroles = [\"admin\"]\nscopes = [\"a\"]\nunauthenticated = \"login\"",
            Rule::session_or_bearer().with_role("admin").with_scope("a").or_login(),
        ),
    ] {
        let config = accepted(&format!("{}{ROUTE}{lines}\n", rest()));
        assert_eq!(config.routes[0].rule, rule, "{lines}");
        assert_eq!(config.routes[0].relay, Relay::Nothing);
    }
    let config = accepted(&format!("{}{ROUTE}relay = \"access_token\"\n", rest()));
    assert_eq!(config.routes[0].relay, Relay::AccessToken);
}

#[test]
fn what_a_route_cannot_mean_is_refused_by_its_key() {
    let bad = |lines, key, said| (lines, key, said);
    check_table(
        &rest(),
        ROUTE,
        &["relay = \"none\"", "roles = []", "scopes = []"],
        &[
            bad("access = []", "routes[0].access", "found nobody"),
            bad("access = [\"public\", \"session\"]", "routes[0].access", "alone"),
            bad(
                "access = [\"session\", \"session\"]",
                "routes[0].access",
                "at most once",
            ),
            bad(
                "access = [\"Session\"]\nroles = []",
                "routes[0].access[0]",
                "found \"Session\"",
            ),
            bad(
                "access = \"session\"",
                "routes[0].access",
                "a list such as [\"session\"], found a text",
            ),
            bad(
                "access = \"sesion\"",
                "routes[0].access",
                "a list, each \"public\" alone",
            ),
            bad("access = 1", "routes[0].access", "a list, found an integer"),
            bad("access = [\"public\"]\nroles = [\"a\"]", "routes[0].roles", "no effect"),
            bad(
                "access = [\"public\"]\nscopes = [\"a\"]",
                "routes[0].scopes",
                "no effect",
            ),
            bad(
                "access = [\"public\"]\nunauthenticated = \"login\"",
                "routes[0].unauthenticated",
                "no effect",
            ),
            bad(
                "access = [\"bearer\"]\nunauthenticated = \"login\"",
                "routes[0].unauthenticated",
                "no effect",
            ),
            bad(
                "access = [\"public\"]\ncsrf = \"origin\"",
                "routes[0].csrf",
                "no effect",
            ),
            bad(
                "access = [\"bearer\"]\ncsrf = \"origin\"",
                "routes[0].csrf",
                "no effect",
            ),
            bad(
                "access = [\"public\"]\nrelay = \"access_token\"",
                "routes[0].relay",
                "public route",
            ),
            bad("roles = [\"\"]", "routes[0].roles[0]", "a name"),
            bad("scopes = [\" \"]", "routes[0].scopes[0]", "a name"),
            bad(
                "unauthenticated = \"302\"",
                "routes[0].unauthenticated",
                "\"401\" or \"login\"",
            ),
            bad(
                "unauthenticated = 401",
                "routes[0].unauthenticated",
                "expected \"401\" or \"login\", found an integer",
            ),
            bad("csrf = \"none\"", "routes[0].csrf", "\"token\" or \"origin\""),
            bad(
                "relay = \"id_token\"",
                "routes[0].relay",
                "\"none\" or \"access_token\"",
            ),
        ],
    );
}

#[test]
fn a_word_in_access_that_nobody_knows_never_widens_the_rule() {
    let text = format!("{}{ROUTE}access = [\"public\", \"sesion\"]\n", rest());
    refused(&text, "routes[0].access[1]");
}

#[test]
fn a_route_for_bearer_tokens_needs_to_know_which_ones() {
    let text = format!("{SERVER}{PROVIDER}{SESSION}{ROUTE}access = [\"session\", \"bearer\"]\n");
    assert!(refused(&text, "routes[0].access").contains("[bearer]"));
    let unused = accepted(&format!("{}{ROUTE}", rest()));
    assert!(unused.warnings.iter().any(|warning| warning.starts_with("bearer: ")));
}

#[test]
fn upstreams_are_origins_over_http_or_https() {
    let route = |upstream: &str| {
        let path = "[[routes]]\npath = \"/api\"\n";
        format!("{SERVER}{PROVIDER}{SESSION}{path}upstream = \"{upstream}\"\n")
    };
    for (upstream, origin) in [
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("http://127.0.0.1:3000/", "http://127.0.0.1:3000"),
        ("https://backend.example.com", "https://backend.example.com"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("http://backend:8080", "http://backend:8080"),
    ] {
        let config = accepted(&route(upstream));
        assert_eq!(config.routes[0].upstream.origin().ascii_serialization(), origin);
    }
    for upstream in [
        "",
        "127.0.0.1:3000",
        "localhost:3000",
        "/api",
        "ftp://backend",
        "unix:/run/backend.sock",
        "http://",
        "http://user:pa55word@backend",
        "http://user@backend",
        "http://backend/base",
        "http://backend?x",
        "http://backend#x",
        "http://backend:0",
        "http://backend:99999",
        "http:backend",
        "http:/\\\\\\\\backend",
        "http://a b",
        "HTTP://backend",
    ] {
        refused(&route(upstream), "routes[0].upstream");
    }
}

#[test]
fn a_path_in_another_routers_words_is_refused_with_what_was_meant() {
    for (path, said) in [
        ("/orders/:id", "found \"/orders/:id\"; did you mean \"/orders/{id}\"?"),
        ("/api/*", "found \"/api/*\"; did you mean \"/api/{*rest}\"?"),
        ("/*.js", "found \"/*.js\""),
    ] {
        let route = ROUTE.replace("\"/api\"", &format!("{path:?}"));
        let problem = refused(&format!("{SERVER}{PROVIDER}{SESSION}{route}"), "routes[0].path");
        assert!(problem.ends_with(said), "{problem}");
    }
}

#[test]
fn routes_that_could_never_be_reached_are_refused() {
    let two = |first: &str, second: &str| {
        let route = |path: &str| format!("[[routes]]\npath = \"{path}\"\nupstream = \"http://127.0.0.1:3000\"\n");
        format!("{SERVER}{PROVIDER}{SESSION}{}{}", route(first), route(second))
    };
    for (first, second) in [
        ("/api", "/api/"),
        ("/api/{*rest}", "/api/{id}"),
        ("/{*rest}", "/api/{*rest}"),
        ("/api/{id}", "/api/orders"),
        ("/authors/{*rest}", "/{a}/login"),
    ] {
        accepted(&two(first, second));
    }
    for (first, second) in [
        ("/api", "/api"),
        ("/api/{id}", "/api/{name}"),
        ("/api/{*rest}", "/api/{*path}"),
        ("/x", "/auth"),
        ("/x", "/auth/login"),
        ("/x", "/auth/{*rest}"),
        ("/x", "/.well-known/oauth-protected-resource"),
        ("/x", "/.well-known/doorward/jwks.json"),
    ] {
        refused(&two(first, second), "routes[1].path");
    }
    // Our own endpoints move with their base path.
    accepted(&two("/x", "/auth/login").replace(
        "[[routes]]\npath = \"/x\"",
        "[auth]\nbase_path = \"/door\"\n[[routes]]\npath = \"/x\"",
    ));
}

#[test]
fn access_tokens_in_the_clear_are_warned_about() {
    let warned = |upstream: &str| {
        let text = format!(
            "{SERVER}{PROVIDER}{SESSION}[[routes]]\npath = \"/api\"\nrelay = \"access_token\"\nupstream = \"{upstream}\"\n"
        );
        let config = accepted(&text);
        config
            .warnings
            .iter()
            .any(|warning| warning.starts_with("routes[0].relay: "))
    };
    assert!(warned("http://backend:3000"));
    assert!(!warned("https://backend:3000"));
    assert!(!warned("http://127.0.0.1:3000"));
    assert!(!warned("http://[::1]:3000"));
    assert!(!warned("http://localhost:3000"));
}
