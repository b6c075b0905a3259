use super::*;

#[test]
fn urls_are_taken_as_they_say_and_servers_elsewhere_are_verified() {
    for (text, host, port, mode) in [
        (
            "postgres://u:p@db.example/d",
            "db.example",
            5_432,
            PgSslMode::VerifyFull,
        ),
        (
            "postgresql://u@db.example:6432/d?sslmode=require",
            "db.example",
            6_432,
            PgSslMode::Require,
        ),
        (
            "postgres://u@db.example/d?sslmode=verify-ca&sslrootcert=/ca.pem",
            "db.example",
            5_432,
            PgSslMode::VerifyCa,
        ),
        (
            "postgres://u@db.example/d?sslmode=disable",
            "db.example",
            5_432,
            PgSslMode::Disable,
        ),
        ("postgres://u@localhost/d", "localhost", 5_432, PgSslMode::Prefer),
        (
            "postgres://u@127.0.0.1/d?sslmode=verify-full",
            "127.0.0.1",
            5_432,
            PgSslMode::VerifyFull,
        ),
        ("postgres://u@[::1]:1/d", "::1", 1, PgSslMode::Prefer),
        (
            "postgres://u@[2001:db8::1]/d",
            "2001:db8::1",
            5_432,
            PgSslMode::VerifyFull,
        ),
        // A name that only looks local.
        (
            "postgres://u@localhost.example/d",
            "localhost.example",
            5_432,
            PgSslMode::VerifyFull,
        ),
    ] {
        let options = judge(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(options.get_host(), host, "{text}");
        assert_eq!(options.get_port(), port, "{text}");
        assert_eq!(format!("{:?}", options.get_ssl_mode()), format!("{mode:?}"), "{text}");
        assert_eq!(options.get_username(), "u", "{text}");
        assert_eq!(options.get_database(), Some("d"), "{text}");
    }
    for text in [
        "postgres:///d?host=/run/postgresql&user=u",
        "postgres://u@%2Frun%2Fpostgresql/d",
    ] {
        let options = judge(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(
            options.get_socket().map(|path| path.display().to_string()),
            Some("/run/postgresql".to_owned())
        );
    }
    let second = judge("postgres:///d?host=/run/postgresql&port=5433&user=u").unwrap();
    assert_eq!(second.get_port(), 5_433);
    let encoded = judge("postgres://us%40er@db.example/da%2Fta").unwrap();
    assert_eq!(
        (encoded.get_username(), encoded.get_database()),
        ("us@er", Some("da/ta"))
    );
}

#[test]
fn urls_that_lead_nowhere_are_refused_by_name() {
    let owned = str::to_owned;
    for (text, error) in [
        (
            "not a url",
            UrlError::Malformed(url::ParseError::RelativeUrlWithoutBase),
        ),
        ("mysql://u@h/d", UrlError::Scheme(owned("mysql"))),
        ("postgres://h/d", UrlError::Missing("user")),
        ("postgres://u@h", UrlError::Missing("database")),
        ("postgres://u@h/", UrlError::Missing("database")),
        ("postgres:///d?user=u", UrlError::Missing("host")),
        ("postgres://%FF@h/d", UrlError::Encoding("user")),
        ("postgres://u@a,b/d", UrlError::SeveralHosts),
        (
            "postgres://u@h/d?sslmod=disable",
            UrlError::UnknownParameter(owned("sslmod")),
        ),
        (
            "postgres://u@h/d?target_session_attrs=x",
            UrlError::UnknownParameter(owned("target_session_attrs")),
        ),
        (
            "postgres://u@h/d?sslmode=require&sslmode=disable",
            UrlError::Repeated(owned("sslmode")),
        ),
        ("postgres://u@h/d?sslmode=full", UrlError::SslMode(owned("full"))),
        ("postgres://u@h/d?sslmode=prefer", UrlError::Optional(owned("prefer"))),
        ("postgres://u@h/d?sslmode=allow", UrlError::Optional(owned("allow"))),
        (
            "postgres:///d?user=u&host=db.example",
            UrlError::Socket(owned("db.example")),
        ),
        ("postgres://u@h/d?host=/run", UrlError::HostTwice),
        ("postgres://u@h/d?port=5433", UrlError::PortOfHost),
        ("postgres:///d?user=u&host=/run&port=0", UrlError::Port(owned("0"))),
        (
            "postgres:///d?user=u&host=/run&port=99999",
            UrlError::Port(owned("99999")),
        ),
        ("postgres:///d?user=u&host=/run&port=", UrlError::Port(String::new())),
        ("postgres://u@h/d?sslcert=/c.pem", UrlError::HalfCertificate),
    ] {
        assert_eq!(judge(text).map(|_| ()), Err(error), "{text}");
    }
    let long = format!("postgres://u@h/{}", "d".repeat(MAX_URL));
    assert_eq!(judge(&long).map(|_| ()), Err(UrlError::TooLong));
}

#[test]
fn only_servers_elsewhere_without_verification_are_warned_about() {
    for (text, unverified) in [
        ("postgres://u@db.example/d", false),
        ("postgres://u@db.example/d?sslmode=verify-ca", false),
        ("postgres://u@db.example/d?sslmode=require", true),
        ("postgres://u@db.example/d?sslmode=disable", true),
        ("postgres://u@127.0.0.1/d?sslmode=disable", false),
        ("postgres:///d?host=/run&user=u", false),
    ] {
        assert_eq!(is_unverified(&judge(text).unwrap()), unverified, "{text}");
    }
}

#[test]
fn an_error_never_shows_the_password() {
    for text in [
        "postgres://u:hunter2@h/d?sslmode=x",
        "postgres://u:hunter2@h",
        "mysql://u:hunter2@h/d",
        "postgres://u:hunter2@a,b/d",
        "postgres://u:hunter2@h:99999/d",
        "postgres://u:1?hunter2@h/d",
        "postgres://u:1?hunter2=1@h/d",
        "postgres://u:1#hunter2@h/d",
        "postgres://u:1/hunter2@h/d",
    ] {
        let error = judge(text).map(|_| ()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{text}");
    }
}
