//! `[provider]` and `[[providers]]`.

use doorward::SigningKey;
use doorward_crypto::Algorithm;

use super::{PROVIDER, ROUTE, SERVER, SESSION, accepted, check_table, faults, refused, told, with_variables};

const WRISTBAND: &str = "[provider]\nkind = \"wristband\"\nvanity_domain = \"shop-acme.us.wristband.dev\"\nclient_id = \"c1\"\nclient_secret = { env = \"CLIENT_SECRET\" }\n";

fn rest() -> String {
    format!("{SERVER}{SESSION}{ROUTE}")
}

#[test]
fn oidc_keys_are_read_and_refused() {
    check_table(
        &rest(),
        PROVIDER,
        &[
            "kind = \"oidc\"",
            "scopes = [\"openid\", \"email\"]",
            "authorize_params = { access_type = \"offline\" }",
            "client_auth = \"client_secret_post\"",
            "response_mode = \"form_post\"",
            "id_token_algorithms = [\"ES256\"]",
            "[provider.claims]\nroles = \"realm_access.roles\"\ntenant = \"org\"",
        ],
        &[
            ("kind = \"saml\"", "provider.kind", "\"oidc\" or \"wristband\""),
            ("scopes = \"openid\"", "provider.scopes", "a list such as [\"openid\"]"),
            ("scopes = [\"open id\"]", "provider.scopes", "open id"),
            (
                "authorize_params = { state = \"x\" }",
                "provider.authorize_params",
                "state",
            ),
            (
                "client_auth = \"basic\"",
                "provider.client_auth",
                "\"client_secret_basic\"",
            ),
            ("client_auth = \"none\"", "provider.client_secret", "none beside"),
            (
                "response_mode = \"fragment\"",
                "provider.response_mode",
                "\"query\" or \"form_post\"",
            ),
            (
                "id_token_algorithms = []",
                "provider.id_token_algorithms",
                "at least one",
            ),
            (
                "id_token_algorithms = [\"HS256\"]",
                "provider.id_token_algorithms[0]",
                "HS256",
            ),
            ("private_key = \"x\"", "provider.private_key", "private_key_jwt"),
            (
                "private_key_id = \"x\"",
                "provider.private_key_id",
                "a private_key only",
            ),
            (
                "vanity_domain = \"x\"",
                "provider.vanity_domain",
                "kind = \"wristband\"",
            ),
            ("name = \"main\"", "provider.name", "no key that is known"),
        ],
    );
}

#[test]
fn clients_prove_themselves_in_one_way() {
    let head = "[provider]\nissuer = \"https://id.example.net\"\nclient_id = \"app\"\n";
    let secret = "client_secret = { env = \"CLIENT_SECRET\" }";
    check_table(
        &rest(),
        head,
        &[secret, "client_auth = \"none\""],
        &[
            ("", "provider.client_secret", "client_auth = \"none\""),
            ("client_secret = \"\"", "provider.client_secret", "empty"),
            ("client_secret = 5", "provider.client_secret", "an integer"),
            (
                "client_secret = { env = \"NOT_SET\" }",
                "provider.client_secret",
                "NOT_SET",
            ),
            (
                "client_auth = \"none\"\nclient_secret = \"hunter2\"",
                "provider.client_secret",
                "none beside",
            ),
            (
                "client_auth = \"private_key_jwt\"",
                "provider.private_key",
                "found none",
            ),
            (
                "client_auth = \"private_key_jwt\"\nprivate_key = \"hunter2\"",
                "provider.private_key",
                "cannot be read",
            ),
            (
                "client_auth = \"certificate\"",
                "provider.client_auth",
                "\"private_key_jwt\"",
            ),
        ],
    );
    let both = format!(
        "{}{head}{secret}\nprivate_key = {{ env = \"CLIENT_SECRET\" }}\n",
        rest()
    );
    let keys: Vec<_> = faults(&both).into_iter().map(|fault| fault.key).collect();
    assert!(keys.iter().all(|key| key == "provider.private_key"), "{keys:?}");
}

#[test]
fn a_private_key_is_read_with_its_algorithm() {
    let pem = |algorithm| SigningKey::generate(algorithm).unwrap().to_pem().unwrap();
    let (rsa, ec) = (pem(Algorithm::Rs256), pem(Algorithm::Es256));
    let variables = [("RSA_KEY", rsa.expose()), ("EC_KEY", ec.expose())];
    let text = |lines: &str| {
        format!(
            "{}[provider]\nissuer = \"https://id.example.net\"\nclient_id = \"app\"\nclient_auth = \"private_key_jwt\"\n{lines}\n",
            rest()
        )
    };
    for lines in [
        "private_key = { env = \"RSA_KEY\" }",
        "private_key = { env = \"RSA_KEY\" }\nprivate_key_algorithm = \"PS256\"",
        "private_key = { env = \"EC_KEY\" }\nprivate_key_algorithm = \"ES256\"\nprivate_key_id = \"k1\"",
    ] {
        if let Err(faults) = with_variables(&text(lines), &variables) {
            panic!("{lines}: {}", told(&faults));
        }
    }
    for lines in [
        "private_key = { env = \"EC_KEY\" }",
        "private_key = { env = \"RSA_KEY\" }\nprivate_key_algorithm = \"ES256\"",
    ] {
        let Err(faults) = with_variables(&text(lines), &variables) else {
            panic!("{lines} was accepted");
        };
        assert_eq!(faults.len(), 1, "{}", told(&faults));
        assert_eq!(faults[0].key, "provider.private_key");
        assert!(faults[0].problem.contains("does not fit"), "{}", told(&faults));
    }
}

#[test]
fn wristband_keys_are_read_and_refused() {
    check_table(
        &rest(),
        WRISTBAND,
        &[
            "",
            "auto_configure = true\ntoken_expiration_buffer = \"2m\"\nscopes = [\"openid\"]",
            "login_url = \"https://{tenant_name}.shop.example/auth/login\"\nparse_tenant_from_root_domain = \"shop.example\"",
            "auto_configure = false\nlogin_url = \"https://shop.example/auth/login\"\nredirect_uri = \"https://shop.example/auth/callback\"",
            "application_custom_domain_active = true\napplication_authorization_requests = false",
            "custom_application_login_page_url = \"https://shop.example/start\"",
            "fallback_login_url = \"https://shop.example/auth/login\"",
            "default_tenant_name = \"acme\"",
            "default_tenant_custom_domain = \"login.acme.test\"",
            // As the platform's SDKs: empty is not set.
            "login_url = \"\"\ndefault_tenant_name = \"\"",
        ],
        &[
            ("auto_configure = false", "provider.login_url", ""),
            (
                "login_url = \"http://shop.example/auth/login\"",
                "provider.login_url",
                "https",
            ),
            ("redirect_uri = \"nonsense\"", "provider.redirect_uri", ""),
            (
                "parse_tenant_from_root_domain = \"shop.example:443\"",
                "provider.parse_tenant_from_root_domain",
                "port",
            ),
            (
                "parse_tenant_from_root_domain = \"shop.example\"\nlogin_url = \"https://shop.example/auth/login\"",
                "provider.login_url",
                "tenant_name",
            ),
            (
                "custom_application_login_page_url = \"x\"",
                "provider.custom_application_login_page_url",
                "",
            ),
            ("fallback_login_url = \"x\"", "provider.fallback_login_url", ""),
            ("default_tenant_name = \"a.b\"", "provider.default_tenant_name", ""),
            (
                "default_tenant_custom_domain = \"https://a.test\"",
                "provider.default_tenant_custom_domain",
                "",
            ),
            ("scopes = [\"a b\"]", "provider.scopes", ""),
            (
                "token_expiration_buffer = \"-1s\"",
                "provider.token_expiration_buffer",
                "a duration",
            ),
            (
                "token_expiration_buffer = 60",
                "provider.token_expiration_buffer",
                "an integer",
            ),
            ("auto_configure = \"false\"", "provider.auto_configure", "true or false"),
            ("http_on_loopback = true", "provider.vanity_domain", "loopback"),
            (
                "issuer = \"https://id.example.net\"",
                "provider.issuer",
                "kind = \"oidc\"",
            ),
            ("client_auth = \"none\"", "provider.client_auth", "kind = \"oidc\""),
            ("[provider.claims]\nroles = \"x\"", "provider.claims", "kind = \"oidc\""),
        ],
    );
    for (line, key) in [
        ("vanity_domain", "provider.vanity_domain"),
        ("client_id", "provider.client_id"),
        ("client_secret", "provider.client_secret"),
    ] {
        let without: String = WRISTBAND
            .split_inclusive('\n')
            .filter(|text| !text.starts_with(line))
            .collect();
        refused(&format!("{}{without}", rest()), key);
    }
    let emulated = WRISTBAND.replace("shop-acme.us.wristband.dev", "app.localhost:6002");
    accepted(&format!("{}{emulated}http_on_loopback = true\n", rest()));
}

#[test]
fn several_providers_have_names_and_faults_tell_which() {
    let one = PROVIDER.replace("[provider]", "[[providers]]\nname = \"one\"");
    let two = WRISTBAND.replace("[provider]", "[[providers]]\nname = \"two\"");
    accepted(&format!(
        "{}{one}{two}[[tenants]]\nname = \"acme\"\nprovider = \"two\"\n",
        rest()
    ));

    let unnamed = two.replace("name = \"two\"\n", "");
    refused(&format!("{}{one}{unnamed}", rest()), "providers[1].name");
    let namesake = two.replace("\"two\"", "\"one\"");
    assert!(refused(&format!("{}{one}{namesake}", rest()), "providers[1].name").contains("\"one\""));
    let http = PROVIDER
        .replace("[provider]", "[[providers]]\nname = \"two\"")
        .replace("https://id", "http://id");
    assert!(refused(&format!("{}{one}{http}", rest()), "providers[1].issuer").contains("danger_http_issuer"));
    let again = one.replace("\"one\"", "\"two\"");
    refused(&format!("{}{one}{again}", rest()), "providers.client_id");
    refused(&format!("{}{one}{PROVIDER}", rest()), "provider");
    refused(&format!("providers = []\n{}", rest()), "providers");
}

#[test]
fn form_post_needs_https() {
    let server = "[server]\npublic_url = \"http://localhost:6001\"\n";
    let text = format!("{server}{SESSION}{ROUTE}{PROVIDER}response_mode = \"form_post\"\n");
    assert!(refused(&text, "provider.response_mode").contains("https"));
}

#[test]
fn what_weakens_a_provider_is_warned_about() {
    let http = PROVIDER.replace("https://id", "http://id");
    let config = accepted(&format!("{}{http}danger_http_issuer = true\n", rest()));
    assert!(
        config
            .warnings
            .iter()
            .any(|warning| warning.starts_with("provider.danger_http_issuer: "))
    );
    refused(
        &format!("{}{http}danger_http_issuer = false\n", rest()),
        "provider.issuer",
    );

    let literal = PROVIDER.replace("{ env = \"CLIENT_SECRET\" }", "\"pa55word\"");
    let config = accepted(&format!("{}{literal}", rest()));
    let warned = config
        .warnings
        .iter()
        .find(|warning| warning.starts_with("provider.client_secret: "));
    assert!(
        warned.is_some_and(|warning| !warning.contains("pa55word")),
        "{:?}",
        config.warnings
    );
}
