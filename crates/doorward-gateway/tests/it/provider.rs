//! `doorward provider`.

use crate::browser::Browser;
use crate::process::{Folder, Server, doorward, refusal};

#[tokio::test]
async fn the_provider_answers_under_the_name_it_prints() {
    let server = Server::start(doorward(&["provider", "--listen", "127.0.0.1:0"]), 1);
    let issuer = server.app().to_owned();
    assert!(issuer.starts_with("http://localhost:"), "{issuer}");

    let mut browser = Browser::new();
    let discovery = browser.get(&format!("{issuer}/.well-known/openid-configuration")).await;
    assert_eq!(discovery.status, 200);
    assert_eq!(discovery.json()["issuer"], issuer.as_str());

    let ended = server.stop("TERM");
    assert_eq!(ended.code, Some(0));
    assert_eq!(ended.stdout, "");
    for told in [
        "doorward-dev",
        "secret",
        "alice@acme.test",
        "bob@acme.test",
        "carol@globex.test",
    ] {
        assert!(ended.stderr.contains(told), "{}", ended.stderr);
    }
}

#[tokio::test]
async fn the_platform_is_told_of_where_it_is_switched_on_and_nowhere_else() {
    let told = ["app.localhost:", "acme-app.localhost:", "login-globex.localhost:"];
    let with_flags = [
        "provider",
        "--listen",
        "127.0.0.1:0",
        "--platform",
        "--login-url",
        "http://localhost:7001/login",
        "--redirect-uri",
        "http://{tenant_name}.localhost:7001/callback",
    ];
    for (arguments, expected) in [(&with_flags[..], true), (&with_flags[..3], false)] {
        let server = Server::start(doorward(arguments), 1);
        let mut browser = Browser::new();
        let hosts = browser.get(&format!("{}/_control/platform", server.app())).await;
        assert_eq!(hosts.status == 200, expected);
        let settings = browser.get(&format!("{}/_control/settings", server.app())).await.json();
        let configuration = &settings["platform"]["sdk_configuration"];
        assert_eq!(configuration["loginUrl"] == "http://localhost:7001/login", expected);
        assert_eq!(
            configuration["redirectUri"] == "http://{tenant_name}.localhost:7001/callback",
            expected
        );
        let ended = server.stop("TERM");
        for host in told {
            assert_eq!(ended.stderr.contains(host), expected, "{host}: {}", ended.stderr);
        }
    }
}

#[test]
fn faulty_platform_flags_are_refused_by_name() {
    for (flags, named) in [
        (["--platform", "--login-url", "/auth/login"], "login_url"),
        (["--platform", "--redirect-uri", "javascript:x"], "redirect_uri"),
    ] {
        let arguments = [&["provider", "--listen", "127.0.0.1:0"], &flags[..]].concat();
        let said = refusal(&arguments);
        assert!(said.contains(named), "{said}");
        assert!(!said.contains("alice@acme.test"), "{said}");
    }
}

#[tokio::test]
async fn sigint_stops_the_provider_and_sighup_does_not() {
    let server = Server::start(doorward(&["provider", "--listen", "127.0.0.1:0"]), 1);
    server.signal("HUP");
    let mut browser = Browser::new();
    let stats = browser.get(&format!("{}/_control/stats", server.app())).await;
    assert_eq!(stats.status, 200);
    let ended = server.stop("INT");
    assert_eq!(ended.code, Some(0));
    assert!(ended.stderr.contains("nothing to reload"), "{}", ended.stderr);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_second_listener_on_a_port_is_refused() {
    let server = Server::start(doorward(&["provider", "--listen", "127.0.0.1:0"]), 1);
    let said = refusal(&["provider", "--listen", &server.address(0)]);
    assert!(said.contains("cannot listen"), "{said}");
}

#[tokio::test]
async fn users_and_clients_come_from_the_file_and_flags_go_before_it() {
    let folder = Folder::new("provider-file");
    let mut text = String::from("auto_login = \"user-1@acme.test\"\n");
    for at in 0..12 {
        text += &format!("[[users]]\nemail = \"user-{at}@acme.test\"\nname = \"User {at}\"\ntenant = \"acme\"\n");
    }
    text += "[[clients]]\nclient_id = \"shop\"\nclient_secret = \"a-secret-of-the-shop\"\n";
    let file = folder.write("provider.toml", text);
    for (flags, signed_in_at_once) in [
        (&[][..], "user-1@acme.test"),
        (&["--auto-login", "user-2@acme.test"], "user-2@acme.test"),
    ] {
        let arguments = [&["provider", "--listen", "127.0.0.1:0", "--config", &file], flags].concat();
        let server = Server::start(doorward(&arguments), 1);
        let settings = Browser::new()
            .get(&format!("{}/_control/settings", server.app()))
            .await
            .json();
        assert_eq!(settings["auto_login"], signed_in_at_once);
        let told = server.stop("TERM").stderr;
        for (text, expected) in [
            ("shop", true),
            ("a-secret-of-the-shop", true),
            ("user-0@acme.test", true),
            ("and 2 more", true),
            ("alice", false),
        ] {
            assert_eq!(told.contains(text), expected, "{text}: {told}");
        }
    }
    let unknown = refusal(&[
        "provider",
        "--listen",
        "127.0.0.1:0",
        "--config",
        &file,
        "--auto-login",
        "alice@acme.test",
    ]);
    assert!(unknown.contains("hint: users are user-0@acme.test, "), "{unknown}");
}
