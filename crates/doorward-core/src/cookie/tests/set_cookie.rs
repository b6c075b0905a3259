//! What a `Set-Cookie` says.

use core::time::Duration;

use crate::cookie::{
    CookieAttributes, CookieDomain, CookieName, CookieOptions, CookieSettings, SameSite, SetCookie, SetCookieError,
};
use crate::origin::PublicUrl;

fn attributes() -> CookieAttributes {
    CookieAttributes {
        secure: true,
        http_only: true,
        same_site: SameSite::Lax,
        domain: None,
    }
}

fn name() -> CookieName {
    CookieName::new("__Host-session").unwrap()
}

#[test]
fn attributes_are_written_as_set() {
    // attacks: E16
    let header = |attributes: &CookieAttributes| {
        let cookie = SetCookie::new(&name(), "v", attributes)
            .unwrap()
            .max_age(Duration::from_secs(60));
        cookie.to_header().to_str().unwrap().to_owned()
    };
    assert_eq!(
        header(&attributes()),
        "__Host-session=v; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Lax"
    );
    let shared = CookieAttributes {
        http_only: false,
        same_site: SameSite::None,
        domain: CookieDomain::checked("Example.com"),
        ..attributes()
    };
    assert_eq!(
        header(&shared),
        "__Host-session=v; Path=/; Domain=example.com; Max-Age=60; Secure; SameSite=None"
    );
    let plain = CookieAttributes {
        secure: false,
        same_site: SameSite::Strict,
        ..attributes()
    };
    assert_eq!(
        header(&plain),
        "__Host-session=v; Path=/; Max-Age=60; HttpOnly; SameSite=Strict"
    );
    let session = SetCookie::new(&name(), "v", &attributes()).unwrap().to_header();
    assert_eq!(
        session.to_str().unwrap(),
        "__Host-session=v; Path=/; Secure; HttpOnly; SameSite=Lax"
    );
}

#[test]
fn deletion_repeats_every_attribute() {
    // attacks: E15
    let shared = CookieAttributes {
        domain: CookieDomain::checked("example.com"),
        ..attributes()
    };
    assert_eq!(
        SetCookie::deletion(&name(), &shared).to_str().unwrap(),
        "__Host-session=; Path=/; Domain=example.com; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure; HttpOnly; \
         SameSite=Lax"
    );
}

#[test]
fn age_is_capped_at_four_hundred_days() {
    let cookie = SetCookie::new(&name(), "v", &attributes())
        .unwrap()
        .max_age(Duration::MAX);
    assert!(cookie.to_header().to_str().unwrap().contains("; Max-Age=34560000;"));
}

#[test]
fn value_that_would_end_the_cookie_or_the_header_is_refused() {
    for value in [
        "a;b",
        "a b",
        "a\r\nSet-Cookie: x=y",
        "\"a\"",
        "a,b",
        "a\\b",
        "\u{e9}",
        "\0",
        "\u{7f}",
    ] {
        let refused = SetCookie::new(&name(), value, &attributes()).unwrap_err();
        assert!(matches!(refused, SetCookieError::InvalidValue { .. }), "{value:?}");
        assert!(!refused.to_string().contains(value), "{refused}");
    }
}

#[test]
fn name_and_value_fit_into_4096_bytes() {
    // attacks: E16
    let room = 4_096 - name().as_str().len() - 1;
    assert!(SetCookie::new(&name(), "a".repeat(room), &attributes()).is_ok());
    let refused = SetCookie::new(&name(), "a".repeat(room + 1), &attributes()).unwrap_err();
    assert_eq!(
        refused,
        SetCookieError::TooLarge {
            name: "__Host-session".to_owned(),
            bytes: 4_097
        }
    );
}

#[test]
fn debug_output_hides_the_value() {
    let cookie = SetCookie::new(&name(), "hunter2", &attributes()).unwrap();
    assert!(!format!("{cookie:?}").contains("hunter2"));
    assert!(!format!("{:?}", cookie.to_header()).contains("hunter2"));
}

#[test]
fn flags_follow_the_settings() {
    // attacks: E16
    let flags = |url: &str, options: CookieOptions| {
        let settings = CookieSettings::checked(&PublicUrl::parse(url).unwrap(), &options).unwrap();
        (
            settings.session_attributes(),
            settings.csrf_attributes(),
            settings.login_attributes(false),
            settings.login_attributes(true),
        )
    };
    let (session, csrf, login, posted) = flags("https://app.test", CookieOptions::default());
    assert_eq!(session, attributes());
    assert_eq!(
        csrf,
        CookieAttributes {
            http_only: false,
            ..attributes()
        }
    );
    assert_eq!(login, attributes());
    assert_eq!(
        posted,
        CookieAttributes {
            same_site: SameSite::None,
            ..attributes()
        }
    );

    let strict = CookieOptions {
        same_site: SameSite::Strict,
        ..CookieOptions::default()
    };
    let (session, csrf, login, _) = flags("https://app.test", strict);
    assert_eq!(
        (session.same_site, csrf.same_site, login.same_site),
        (SameSite::Strict, SameSite::Lax, SameSite::Lax)
    );

    let none = CookieOptions {
        same_site: SameSite::None,
        ..CookieOptions::default()
    };
    let (session, csrf, login, _) = flags("https://app.test", none);
    assert_eq!(
        (session.same_site, csrf.same_site, login.same_site),
        (SameSite::None, SameSite::None, SameSite::Lax)
    );

    let shared = CookieOptions {
        cookie_domain: Some("acme.test".to_owned()),
        ..CookieOptions::default()
    };
    let (session, csrf, login, _) = flags("https://app.acme.test", shared);
    assert_eq!(session.domain.unwrap().as_str(), "acme.test");
    assert_eq!(csrf.domain.unwrap().as_str(), "acme.test");
    assert_eq!(login.domain, None);

    let (session, csrf, login, posted) = flags("http://localhost:6001", CookieOptions::default());
    assert!(!session.secure && !csrf.secure && !login.secure && !posted.secure);
    assert_eq!(posted.same_site, SameSite::Lax);
}
