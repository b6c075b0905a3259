//! What the command line accepts and refuses.

use std::net::TcpListener;

use crate::process::{doorward, output, refusal};

#[test]
fn the_bare_command_prints_help_and_exits_2() {
    let help = refusal(&[]);
    for command in ["dev", "check", "migrate", "provider", "keys"] {
        assert!(help.contains(&format!("\n  {command} ")), "{help}");
    }
    for absent in ["serve", "explain", "idle-timeout", "recent-age"] {
        assert!(!help.contains(&format!("\n  {absent}")), "{help}");
    }
}

#[test]
fn help_that_was_asked_for_exits_0() {
    for arguments in [
        &["--help"][..],
        &["dev", "--help"],
        &["check", "--help"],
        &["migrate", "--help"],
        &["provider", "--help"],
        &["keys", "--help"],
        &["--version"],
    ] {
        assert_eq!(output(arguments).status.code(), Some(0), "{arguments:?}");
    }
}

#[test]
fn bad_arguments_exit_2_and_say_what_is_wrong() {
    for (arguments, said) in [
        (&["dance"][..], "dance"),
        (&["keys"], "Usage"),
        (&["dev", "--listen", "here"], "--listen"),
        (
            &["dev", "--listen", "0.0.0.0:0"],
            "--listen is 0.0.0.0:0, expected a loopback address",
        ),
        (
            &["provider", "--listen", "0.0.0.0:0"],
            "--listen is 0.0.0.0:0, expected a loopback address",
        ),
        (&["provider", "--listen", "[::]:0"], "expected a loopback address"),
        (
            &["provider", "--listen", "127.0.0.1:0", "--auto-login", "mallory"],
            "mallory",
        ),
        (
            &["provider", "--listen", "127.0.0.1:0", "--config", "/nowhere.toml"],
            "--config is /nowhere.toml, which cannot be read",
        ),
        (&["dev", "--client-id", "app"], "--issuer"),
        (&["dev", "--client-secret", "pst"], "--issuer"),
        (&["dev", "--issuer", "http://localhost:9"], "--client-id"),
        (&["dev", "--response-mode", "fragment"], "fragment"),
    ] {
        let refused = refusal(arguments);
        assert!(refused.contains(said), "{arguments:?} said {refused:?}");
    }
}

#[test]
fn a_bad_setting_of_dev_exits_2_before_anything_listens() {
    for (arguments, said) in [
        (&["--public-url", "nonsense"][..], "--public-url"),
        (&["--public-url", "ftp://localhost"], "--public-url"),
        // Cookies without Secure would travel in the clear.
        (&["--public-url", "http://app.example.test"], "http"),
        (&["--public-url", "https://app.example.test/path"], "path"),
        (&["--app-origin", "nonsense"], "nonsense"),
        (&["--cookie-domain", "elsewhere.test"], "elsewhere.test"),
        (&["--auto-login", "mallory"], "mallory"),
        // A form from another site brings no SameSite=Lax cookie, and SameSite=None needs https.
        (&["--response-mode", "form_post"], "form_post"),
    ] {
        let free_ports = ["dev", "--listen", "127.0.0.1:0", "--provider-listen", "127.0.0.1:0"];
        let refused = refusal(&[&free_ports, arguments].concat());
        assert!(refused.contains(said), "{arguments:?} said {refused:?}");
    }
}

#[test]
fn a_port_that_is_taken_exits_2_and_names_the_flag() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (arguments, flag) in [
        (
            &["dev", "--listen", &address, "--provider-listen", "127.0.0.1:0"][..],
            "--listen",
        ),
        (
            &["dev", "--listen", "127.0.0.1:0", "--provider-listen", &address],
            "--provider-listen",
        ),
        (&["provider", "--listen", &address], "--listen"),
    ] {
        let refused = refusal(arguments);
        assert!(refused.contains(&address), "{refused}");
        assert!(refused.contains(&format!("({flag})")), "{refused}");
        assert!(refused.contains("hint:"), "{refused}");
    }
}

#[test]
fn a_provider_of_ones_own_needs_a_secret() {
    let arguments = [
        "dev",
        "--listen",
        "127.0.0.1:0",
        "--issuer",
        "http://localhost:9",
        "--client-id",
        "app",
    ];
    assert!(refusal(&arguments).contains("DOORWARD_CLIENT_SECRET"));
}

#[test]
fn an_unreadable_log_filter_exits_2() {
    let refused = doorward(&["dev"])
        .env("DOORWARD_LOG", "doorward=loud")
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("DOORWARD_LOG"));
}
