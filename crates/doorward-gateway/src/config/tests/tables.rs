//! `[server]`, `[session]`, `[csrf]`, `[auth]`, `[bearer]`, `[[tenants]]`.

use super::{
    OTHER_SECRET, PROVIDER, ROUTE, SECRET, SERVER, SESSION, accepted, check_table, faults, refused, serves_token, told,
};

#[test]
fn server_keys_are_read_and_refused() {
    check_table(
        &format!("{PROVIDER}{SESSION}{ROUTE}"),
        SERVER,
        &[
            "listen = \"0.0.0.0:80\"",
            "listen = \"[::1]:0\"\nadmin_listen = \"[::1]:0\"",
            "listen = \"127.0.0.1:80\"\nadmin_listen = \"127.0.0.2:80\"",
            "trusted_proxies = [\"10.0.0.0/8\", \"::1\"]",
            "app_origins = [\"https://spa.example.com\"]",
        ],
        &[
            ("listen = \"localhost:80\"", "server.listen", "found \"localhost:80\""),
            ("listen = \"127.0.0.1\"", "server.listen", "an address"),
            ("admin_listen = \"\"", "server.admin_listen", "an address"),
            ("listen = \"127.0.0.1:6009\"", "server.admin_listen", "another address"),
            ("listen = \"0.0.0.0:6009\"", "server.admin_listen", "another address"),
            (
                "trusted_proxies = [\"10.0.0.1/8\"]",
                "server.trusted_proxies[0]",
                "a network",
            ),
            (
                "trusted_proxies = [\"::1\", \"0.0.0.0/0\"]",
                "server.trusted_proxies[1]",
                "a network",
            ),
            (
                "app_origins = [\"spa.example.com\"]",
                "server.app_origins",
                "spa.example.com",
            ),
            (
                "public_url_without_tenant = \"x\"",
                "server.public_url_without_tenant",
                "x",
            ),
        ],
    );
    let text = format!("{PROVIDER}{SESSION}[server]\npublic_url = \"http://app.example.com\"\n");
    refused(&text, "server.public_url");
}

#[test]
fn session_keys_are_read_and_refused() {
    check_table(
        &format!("{SERVER}{PROVIDER}{ROUTE}"),
        SESSION,
        &[
            "store = \"cookie\"",
            "store = \"memory\"",
            "store = \"redis://user:pa55word@cache\"\nstore_deadline = \"100ms\"\nserve_stale = \"1m\"",
            "store_deadline = \"10ms\"",
            "store = \"postgres://user:pa55word@db/app\"\nstore_deadline = \"5s\"",
            "store = \"rediss://user:pa55word@cache:6380/1\"",
            "store = \"redis+sentinel://a,b/main\"",
            "store = \"postgres://user:pa55word@db/app\"",
            "store = \"memory\"\nmax_per_user = 3",
            "store = \"memory\"\nmax_per_user = 0x10",
            "idle_timeout = \"30m\"\nabsolute_timeout = \"8h\"",
            "same_site = \"Strict\"",
            "same_site = \"None\"",
            "cookie_domain = \"example.com\"",
            "cookie_domain = \"\"",
            "outlive_access_token = true",
            "cookie_name = \"__Host-sid\"",
        ],
        &[
            (
                "store = \"postgres://user:pa55word@db\"",
                "session.store",
                "expected a database",
            ),
            ("store = \"pa55word\"", "session.store", "found something else"),
            ("store = \"redis+pa55word://cache\"", "session.store", "expected"),
            ("serve_stale = \"1m\"", "session.serve_stale", "expected a store"),
            (
                "store_deadline = \"9ms\"",
                "session.store_deadline",
                "between 10 milliseconds",
            ),
            ("store_deadline = \"6s\"", "session.store_deadline", "and 5 seconds"),
            (
                "store = \"redis://cache\"\nstore_deadline = \"0s\"",
                "session.store_deadline",
                "between",
            ),
            ("idle_timeout = \"0s\"", "session.idle_timeout", "at least one second"),
            ("idle_timeout = \"1\"", "session.idle_timeout", "a duration"),
            ("idle_timeout = 3600", "session.idle_timeout", "an integer"),
            ("absolute_timeout = \"401d\"", "session.absolute_timeout", "400 days"),
            (
                "same_site = \"lax\"",
                "session.same_site",
                "\"Lax\", \"None\" or \"Strict\"",
            ),
            (
                "cookie_domain = \"elsewhere.test\"",
                "session.cookie_domain",
                "does not cover",
            ),
            ("cookie_name = \"a b\"", "session.cookie_name", ""),
            ("max_per_user = 3", "session.max_per_user", "expected a session store"),
            (
                "store = \"memory\"\nmax_per_user = 0",
                "session.max_per_user",
                "expected at least 1",
            ),
            (
                "store = \"memory\"\nmax_per_user = -1",
                "session.max_per_user",
                "expected a whole number, found -1",
            ),
            (
                "store = \"memory\"\nmax_per_user = \"3\"",
                "session.max_per_user",
                "expected a whole number",
            ),
            (
                "outlive_access_token = 1",
                "session.outlive_access_token",
                "true or false",
            ),
        ],
    );
    let plain = format!("{PROVIDER}{SESSION}same_site = \"None\"\n[server]\npublic_url = \"http://localhost:6001\"\n");
    refused(&plain, "session.same_site");
}

#[test]
fn session_secrets_come_from_variables_or_the_file_and_are_judged_each() {
    let rest = format!("{SERVER}{PROVIDER}{ROUTE}");
    let two = format!("secrets = [{{ env = \"DOORWARD_SECRET\" }}, \"{OTHER_SECRET}\"]");
    check_table(
        &rest,
        "[session]\n",
        &[&two, "secrets = [{ env = \"OTHER_SECRET\" }]"],
        &[
            ("", "session.secrets", "doorward keys generate"),
            ("secrets = []", "session.secrets", "doorward keys generate"),
            ("secrets = \"hunter2\"", "session.secrets", "a list such as [{ env ="),
            ("secrets = [1]", "session.secrets[0]", "an integer"),
            ("secrets = [\"hunter2\"]", "session.secrets[0]", "7 bytes"),
            ("secrets = [{ env = \"WEAK_SECRET\" }]", "session.secrets[0]", "7 bytes"),
            (
                "secrets = [{ env = \"DOORWARD_SECRET\" }, { env = \"NOT_SET\" }]",
                "session.secrets[1]",
                "NOT_SET",
            ),
            (
                "secrets = [{ env = \"hunter2\" }]",
                "session.secrets[0]",
                "the variable that env names",
            ),
            (
                "secrets = [{ file = \"hunter2\" }]",
                "session.secrets[0]",
                "cannot be read",
            ),
            ("secrets = [{ env = 1 }]", "session.secrets[0]", "a text"),
            (
                "secrets = [{ env = \"A\", file = \"b\" }]",
                "session.secrets[0]",
                "2 keys",
            ),
            ("secrets = [{}]", "session.secrets[0]", "0 keys"),
            (
                "secrets = [{ vault = \"hunter2\" }]",
                "session.secrets[0]",
                "another key",
            ),
            (
                "secrets = [{ env = \"DOORWARD_SECRET\" }, { env = \"DOORWARD_SECRET\" }]",
                "session.secrets",
                "the same as an earlier one",
            ),
        ],
    );
    let config = accepted(&format!("{rest}[session]\n{two}\n"));
    let warned: Vec<_> = config
        .warnings
        .iter()
        .filter(|warning| warning.contains("secret itself"))
        .collect();
    assert_eq!(warned.len(), 1, "{warned:?}");
    assert!(warned[0].starts_with("session.secrets[1]: "), "{warned:?}");
    assert!(
        !config
            .warnings
            .iter()
            .any(|warning| warning.contains(SECRET) || warning.contains(OTHER_SECRET))
    );
}

#[test]
fn csrf_and_auth_keys_are_read_and_refused() {
    let rest = format!("{SERVER}{PROVIDER}{SESSION}{ROUTE}");
    check_table(
        &rest,
        "[csrf]\n",
        &["", "cookie_name = \"XSRF-TOKEN\"\nheader_name = \"X-XSRF-TOKEN\""],
        &[
            ("cookie_name = \"a b\"", "csrf.cookie_name", ""),
            ("cookie_name = \"__Host-session\"", "csrf.cookie_name", "used twice"),
            ("header_name = \"a b\"", "csrf.header_name", ""),
        ],
    );
    check_table(
        &rest,
        "[auth]\n",
        &[
            "base_path = \"/door\"",
            "token_endpoint = true",
            "default_return_url = \"/home\"\npost_logout_url = \"/bye\"",
            "backchannel_logout = false\nfrontchannel_logout = false",
        ],
        &[
            ("base_path = \"/a/../b\"", "auth.base_path", "a path"),
            (
                "default_return_url = \"https://elsewhere.test\"",
                "auth.default_return_url",
                "elsewhere.test",
            ),
            (
                "post_logout_url = \"//elsewhere.test\"",
                "auth.post_logout_url",
                "elsewhere.test",
            ),
            (
                "backchannel_logout = true",
                "auth.backchannel_logout",
                "expected a session store",
            ),
            (
                "frontchannel_logout = true",
                "auth.frontchannel_logout",
                "expected a session store",
            ),
            ("backchannel_logout = 1", "auth.backchannel_logout", ""),
        ],
    );
    assert!(serves_token(&accepted(&format!(
        "{rest}[auth]\ntoken_endpoint = true\n"
    ))));
}

#[test]
fn a_logout_by_the_provider_needs_something_to_end_sessions_in() {
    let file = |session: &str| {
        let auth = "[auth]\nbackchannel_logout = true\nfrontchannel_logout = true\n";
        format!("{SERVER}{PROVIDER}{SESSION}{session}\n{ROUTE}{auth}")
    };
    for session in [
        "store = \"memory\"",
        "store = \"redis://cache\"",
        "revocation_store = \"memory\"",
        "revocation_store = \"redis://cache\"",
        "revocation_store = \"postgres://app@db/app\"",
    ] {
        accepted(&file(session));
    }
    for (session, key) in [
        ("", "auth.backchannel_logout"),
        ("", "auth.frontchannel_logout"),
        ("revocation_store = \"cookie\"", "session.revocation_store"),
        ("revocation_store = \"mysql://pa55word@db\"", "session.revocation_store"),
        (
            "store = \"memory\"\nrevocation_store = \"memory\"",
            "session.revocation_store",
        ),
    ] {
        let faults = faults(&file(session));
        assert!(faults.iter().any(|fault| fault.key == key), "{}", told(&faults));
    }
}

#[test]
fn bearer_keys_are_read_and_refused() {
    let own = "\"https://id.example.net\"";
    let issuer = |algorithms: &str| format!("audience = [\"a\"]\nissuer_algorithms = {{ {own} = {algorithms} }}");
    let (good, unknown) = (issuer("[\"ES256\"]"), issuer("[\"none\"]"));
    check_table(
        &format!("{SERVER}{PROVIDER}{SESSION}{ROUTE}"),
        "[bearer]\n",
        &[
            "audience = [\"https://api.example.com\", \"api\"]",
            "no_audience = true",
            "audience = [\"a\"]\nissuers = [\"https://other.example.net\"]",
            "audience = [\"a\"]\nalgorithms = [\"RS256\", \"PS256\", \"ES256\", \"ES384\", \"EdDSA\"]",
            "audience = [\"a\"]\nleeway = \"5m\"\nalso_typ_jwt = true\nintrospection = true",
            "audience = [\"a\"]\nclients = [\"spa\"]\nsubject_kinds = [\"user\", \"client\"]",
            &good,
        ],
        &[
            ("", "bearer.audience", "no_audience"),
            ("audience = []", "bearer.audience", "no_audience"),
            ("audience = [\"a\"]\nno_audience = true", "bearer.no_audience", "both"),
            (
                "audience = [\"a\"]\nissuers = [\"http://other.example.net\"]",
                "bearer.issuers",
                "",
            ),
            (
                "audience = [\"a\"]\nalgorithms = []",
                "bearer.algorithms",
                "at least one",
            ),
            (
                "audience = [\"a\"]\nalgorithms = [\"HS256\", \"RS256\"]",
                "bearer.algorithms[0]",
                "HS256",
            ),
            (
                "audience = [\"a\"]\nalgorithms = [\"RS256\", \"none\"]",
                "bearer.algorithms[1]",
                "none",
            ),
            ("audience = [\"a\"]\nleeway = \"6m\"", "bearer.leeway", "300 s"),
            (
                "audience = [\"a\"]\nsubject_kinds = [\"machine\"]",
                "bearer.subject_kinds[0]",
                "\"client\"",
            ),
        ],
    );
    let problem = super::faults(&format!("{SERVER}{PROVIDER}{SESSION}{ROUTE}[bearer]\n{unknown}\n"));
    assert!(problem[0].key.starts_with("bearer.issuer_algorithms."), "{problem:?}");
}

#[test]
fn tenants_are_read_and_refused_by_their_number() {
    let rest = format!("{PROVIDER}{SESSION}{ROUTE}[server]\npublic_url = \"https://{{tenant}}.app.example.com\"\n");
    check_table(
        &rest,
        "[[tenants]]\n",
        &[
            "name = \"acme\"",
            "name = \"acme\"\nid = \"4711\"\nhosts = [\"portal.acme.test\"]\nprovider = \"main\"",
            "name = \"acme\"\n[[tenants]]\nname = \"globex\"",
        ],
        &[
            ("name = \"\"", "tenants[0].name", "found none"),
            (
                "name = \"acme\"\n[[tenants]]\nname = \"a.b\"",
                "tenants[1].name",
                "one label",
            ),
            ("name = \"acme\"\nhosts = [\"a/b\"]", "tenants[0].hosts", "host name"),
            (
                "name = \"acme\"\ncustom_domain = \"https://a.test\"",
                "tenants[0].custom_domain",
                "host name",
            ),
            ("name = \"acme\"\nid = \"\"", "tenants[0].id", ""),
            ("name = \"acme\"\nprovider = \"other\"", "tenants.provider", "\"other\""),
            ("name = \"acme\"\n[[tenants]]\nname = \"ACME\"", "tenants", ""),
        ],
    );
    assert!(refused(&rest, "tenants").contains("{tenant}"));
}
