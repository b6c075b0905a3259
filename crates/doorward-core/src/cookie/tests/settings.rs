//! Settings that browsers would reject are refused at start.

use crate::cookie::{CookieOptions, CookieSettings, CookieSettingsError, SameSite};
use crate::origin::PublicUrl;

fn checked(url: &str, options: CookieOptions) -> Result<CookieSettings, CookieSettingsError> {
    CookieSettings::checked(&PublicUrl::parse(url).unwrap(), &options)
}

fn domain(domain: &str) -> CookieOptions {
    CookieOptions {
        cookie_domain: Some(domain.to_owned()),
        ..CookieOptions::default()
    }
}

fn session_name(name: &str) -> CookieOptions {
    CookieOptions {
        session_name: Some(name.to_owned()),
        ..CookieOptions::default()
    }
}

fn csrf_name(name: &str) -> CookieOptions {
    CookieOptions {
        csrf_name: Some(name.to_owned()),
        ..CookieOptions::default()
    }
}

#[test]
fn names_follow_scheme_and_domain() {
    let names = |url: &str, options| {
        let settings = checked(url, options).unwrap();
        let names = settings.names();
        let [first, second] = names.tokens();
        [
            names.session().as_str(),
            first.as_str(),
            second.as_str(),
            names.csrf().as_str(),
            names.login_prefix(),
        ]
        .map(str::to_owned)
    };
    assert_eq!(
        names("https://app.acme.test", CookieOptions::default()),
        [
            "__Host-session",
            "__Host-session.0",
            "__Host-session.1",
            "CSRF-TOKEN",
            "__Host-login."
        ]
    );
    assert_eq!(
        names("https://app.acme.test", domain("acme.test")),
        [
            "__Secure-session",
            "__Secure-session.0",
            "__Secure-session.1",
            "CSRF-TOKEN",
            "__Secure-login."
        ]
    );
    assert_eq!(
        names("http://localhost:6001", CookieOptions::default()),
        [
            "doorward-session",
            "doorward-session.0",
            "doorward-session.1",
            "CSRF-TOKEN",
            "doorward-login."
        ]
    );
    assert_eq!(
        names("https://app.acme.test", session_name("sid")),
        ["sid", "sid.0", "sid.1", "CSRF-TOKEN", "__Host-login."]
    );
}

#[test]
fn prefixed_names_need_what_their_prefix_promises() {
    for name in ["__Host-sid", "__Secure-sid", "__host-sid"] {
        let refused = checked("http://localhost:6001", session_name(name)).unwrap_err();
        assert_eq!(refused, CookieSettingsError::PrefixNeedsHttps { name: name.to_owned() });
        assert!(checked("https://app.acme.test", session_name(name)).is_ok());
    }
    assert_eq!(
        checked("http://localhost:6001", csrf_name("__Secure-csrf"))
            .unwrap_err()
            .to_string(),
        "cookie \"__Secure-csrf\" needs Secure; the public URL is plain http"
    );
    let shared = CookieOptions {
        session_name: Some("__Host-sid".to_owned()),
        ..domain("acme.test")
    };
    let refused = checked("https://app.acme.test", shared).unwrap_err();
    assert_eq!(
        refused,
        CookieSettingsError::PrefixForbidsDomain {
            name: "__Host-sid".to_owned()
        }
    );
}

// weakness: S12
#[test]
fn same_site_none_needs_https() {
    let none = CookieOptions {
        same_site: SameSite::None,
        ..CookieOptions::default()
    };
    assert_eq!(
        checked("http://localhost:6001", none.clone()).unwrap_err(),
        CookieSettingsError::SameSiteNoneNeedsHttps
    );
    assert!(checked("https://app.acme.test", none).is_ok());
}

#[test]
fn names_do_not_collide() {
    for options in [
        csrf_name("__Host-session"),
        csrf_name("__Host-session.0"),
        csrf_name("__Host-login.csrf"),
        session_name("CSRF-TOKEN"),
        session_name("__Host-login.session"),
    ] {
        let refused = checked("https://app.acme.test", options.clone()).unwrap_err();
        assert!(
            matches!(refused, CookieSettingsError::NamesCollide { .. }),
            "{options:?}"
        );
    }
    assert!(matches!(
        checked("https://app.acme.test", session_name("a b")),
        Err(CookieSettingsError::Name(_))
    ));
}

#[test]
fn domain_covers_the_public_host_by_whole_labels() {
    for good in ["acme.test", "app.acme.test", ".acme.test", "ACME.test"] {
        assert!(checked("https://app.acme.test", domain(good)).is_ok(), "{good}");
    }
    for foreign in [
        "me.test",
        "cme.test",
        "globex.test",
        "x.app.acme.test",
        "acme.test.evil",
    ] {
        let refused = checked("https://app.acme.test", domain(foreign)).unwrap_err();
        assert!(
            matches!(refused, CookieSettingsError::ForeignDomain { .. }),
            "{foreign}"
        );
    }
    for invalid in [
        "test",
        ".",
        "acme..test",
        "acme.test;",
        "acme.test/",
        "-a.test",
        "a-.test",
        "acme.test ",
        "127.0.0.1",
        "0.1",
        &format!("{}.test", "a".repeat(64)),
    ] {
        let refused = checked("https://app.acme.test", domain(invalid)).unwrap_err();
        assert!(
            matches!(refused, CookieSettingsError::InvalidDomain { .. }),
            "{invalid}"
        );
    }
    assert!(checked("http://127.0.0.1:6001", domain("0.0.1")).is_err());
    assert!(
        checked("https://app.acme.test", domain(""))
            .unwrap()
            .cookie_domain()
            .is_none()
    );
}

#[test]
fn our_cookies_are_known_by_name() {
    let settings = checked("https://app.acme.test", CookieOptions::default()).unwrap();
    for ours in [
        "__Host-session",
        "__Host-session.0",
        "__Host-session.1",
        "CSRF-TOKEN",
        "__Host-login.abc",
    ] {
        assert!(settings.names().is_ours(ours), "{ours}");
    }
    for other in [
        "session",
        "__Host-session.2",
        "csrf-token",
        "__Host-sessions",
        "login.abc",
        "",
    ] {
        assert!(!settings.names().is_ours(other), "{other}");
    }
}
