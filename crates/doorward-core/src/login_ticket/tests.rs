//! Tickets: found by state, opened once they are authentic and young, and few.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::sync::LazyLock;

use doorward_oidc::UnixTime;

use super::{LOGIN_LIFETIME, LoginTicket, LoginTickets, MAX_CARRIED_BYTES, SealTicketError, TicketError};
use crate::{
    code::Code,
    origin::Origin,
    session::{SessionCodec, SessionHandle},
    tenant::{HostName, TenantExpectation, TenantId, TenantName},
    test_support::{NoRandom, Seeded, at, cookie_headers, https_cookies, identity, keys, pending},
};

fn tickets() -> &'static LoginTickets {
    static TICKETS: LazyLock<LoginTickets> = LazyLock::new(|| LoginTickets::new(&keys(&[1]), &https_cookies()));
    &TICKETS
}

fn ticket(seed: u64, created_at: UnixTime) -> (String, LoginTicket) {
    let (state, pending) = pending(&Seeded::new(seed));
    let ticket = LoginTicket {
        pending,
        provider: "main".to_owned(),
        tenant: Some(TenantId::from_claim("org_Acme").unwrap()),
        tenant_name: Some(TenantName::parse("acme").unwrap()),
        tenant_custom_domain: Some(HostName::parse("auth.acme.example").unwrap()),
        host: "https://acme.app.test".to_owned(),
        return_url: "/orders?page=2#top".to_owned(),
        carried: vec![("invite".to_owned(), "i-1&=".to_owned())],
        created_at,
        restarts: 1,
        session_at_start: Some(identity(1).id),
        handle_at_start: Some(SessionHandle::random(&Seeded::new(3)).unwrap()),
        prompt_none: false,
        is_step_up: true,
    };
    (state, ticket)
}

/// Seals the login of a seed; returns its state and its cookie.
fn sealed(seed: u64, created_at: UnixTime) -> (String, String) {
    let (state, ticket) = ticket(seed, created_at);
    let (name, value) = tickets().seal(&Seeded::new(seed + 1_000), &ticket).unwrap();
    assert_eq!(name, tickets().cookie_name(&state).unwrap());
    (state, format!("{name}={value}"))
}

#[test]
fn ticket_opens_for_its_state_as_it_was() {
    let (state, cookie) = sealed(1, at(0));
    let opened = tickets().open(&cookie_headers([cookie]), &state, at(1)).unwrap();
    let (_, original) = ticket(1, at(0));
    assert!(opened.pending.state_matches(&state));
    assert_eq!(opened.pending.redirect_uri(), original.pending.redirect_uri());
    assert_eq!(opened.provider, original.provider);
    assert_eq!(opened.tenant, original.tenant);
    assert_eq!(opened.tenant_name, original.tenant_name);
    assert_eq!(opened.carried, original.carried);
    assert_eq!(opened.tenant_custom_domain, original.tenant_custom_domain);
    assert_eq!(opened.host, original.host);
    assert_eq!(opened.return_url, original.return_url);
    assert_eq!(opened.created_at, original.created_at);
    assert_eq!(opened.restarts, original.restarts);
    assert_eq!(opened.session_at_start, original.session_at_start);
    assert_eq!(opened.handle_at_start, original.handle_at_start);
    assert!(!opened.prompt_none);
    assert!(opened.is_step_up);
}

#[test]
fn every_other_state_finds_no_ticket() {
    // attacks: B1, B2, B5, B6
    let (state, cookie) = sealed(1, at(0));
    let (other_state, _) = sealed(2, at(0));
    let mut flipped = state.clone().into_bytes();
    flipped[0] = if flipped[0] == b'A' { b'B' } else { b'A' };
    let flipped = String::from_utf8(flipped).unwrap();
    for foreign in [
        "",
        &other_state,
        &flipped,
        &state.to_uppercase(),
        &format!("{state} "),
        &state[1..],
        &"x".repeat(64_000),
    ] {
        let refused = tickets().open(&cookie_headers([&cookie]), foreign, at(1)).unwrap_err();
        assert!(matches!(refused, TicketError::Missing), "{foreign:.50}: {refused}");
    }
    let refused = tickets().open(&cookie_headers(["a=b"]), &state, at(1)).unwrap_err();
    assert!(matches!(refused, TicketError::Missing));
    assert_eq!(refused.code(), Code::LoginMissing);
}

#[test]
fn ticket_of_another_login_does_not_open_under_this_name() {
    // attacks: B5, E3
    let (state, _) = sealed(1, at(0));
    let (_, other) = sealed(2, at(0));
    let (_, other_value) = other.split_once('=').unwrap();
    let name = tickets().cookie_name(&state).unwrap();
    let planted = format!("{name}={other_value}");
    let refused = tickets().open(&cookie_headers([planted]), &state, at(1)).unwrap_err();
    assert!(matches!(refused, TicketError::Unreadable));
    assert_eq!(refused.code(), Code::LoginMissing);
    // Neither does a session.
    let session = SessionCodec::new(&keys(&[1]), &https_cookies())
        .seal_identity(&Seeded::new(1), &identity(1))
        .unwrap();
    let refused = tickets()
        .open(&cookie_headers([format!("{name}={session}")]), &state, at(1))
        .unwrap_err();
    assert!(matches!(refused, TicketError::Unreadable));
}

#[test]
fn planted_copy_does_not_hide_the_right_ticket() {
    // attacks: B23
    let (state, cookie) = sealed(1, at(0));
    let (name, _) = cookie.split_once('=').unwrap();
    let headers = cookie_headers([format!("{name}=garbage; {cookie}")]);
    assert!(tickets().open(&headers, &state, at(1)).is_ok());
}

#[test]
fn changed_ticket_does_not_open() {
    // attacks: A12, E1
    let (state, cookie) = sealed(1, at(0));
    let start = cookie.find('=').unwrap() + 1;
    for place in start..cookie.len() {
        let mut flipped = cookie.clone().into_bytes();
        flipped[place] ^= 1;
        let refused = tickets().open(&cookie_headers([flipped]), &state, at(1));
        assert!(matches!(refused, Err(TicketError::Unreadable)), "byte {place}");
        let refused = tickets().open(&cookie_headers([&cookie[..place]]), &state, at(1));
        assert!(matches!(refused, Err(TicketError::Unreadable)), "cut at {place}");
    }
}

// weakness: L8
#[test]
fn ticket_lives_ten_minutes_to_the_second() {
    // attacks: B9
    assert_eq!(LOGIN_LIFETIME.as_secs(), 600);
    let (state, cookie) = sealed(1, at(0));
    assert!(tickets().open(&cookie_headers([&cookie]), &state, at(599)).is_ok());
    let refused = tickets().open(&cookie_headers([&cookie]), &state, at(600)).unwrap_err();
    assert_eq!(refused.code(), Code::LoginExpired);
    let TicketError::Expired(ticket) = refused else {
        unreachable!()
    };
    assert_eq!((ticket.return_url.as_str(), ticket.restarts), ("/orders?page=2#top", 1));
}

#[test]
fn tickets_of_two_tabs_do_not_mix() {
    // attacks: B7
    let (first, first_cookie) = sealed(1, at(0));
    let (second, second_cookie) = sealed(2, at(5));
    let headers = cookie_headers([format!("{second_cookie}; {first_cookie}")]);
    assert_eq!(tickets().open(&headers, &second, at(6)).unwrap().created_at, at(5));
    assert_eq!(tickets().open(&headers, &first, at(6)).unwrap().created_at, at(0));
}

// weakness: L4, L5
#[test]
fn ticket_of_another_version_or_key_is_unreadable() {
    // attacks: E4, N10
    let (state, cookie) = sealed(1, at(0));
    let other = LoginTickets::new(&keys(&[2]), &https_cookies());
    assert!(matches!(
        other.open(&cookie_headers([&cookie]), &state, at(1)),
        Err(TicketError::Unreadable)
    ));
    let rotated = LoginTickets::new(&keys(&[2, 1]), &https_cookies());
    assert!(rotated.open(&cookie_headers([&cookie]), &state, at(1)).is_ok());
    let sealer = keys(&[1]).sealer("login");
    let name = tickets().cookie_name(&state).unwrap();
    // Version 1 had no host: it would not say where its login began; version 2 carried nothing.
    for plain in [b"".as_slice(), b"\x04", b"\x03", b"\x02", b"\x01", &[1; 300], &[3; 300]] {
        let value = sealer
            .seal(&Seeded::new(1), &sealer.associated(name.as_str()), plain)
            .unwrap();
        let refused = tickets().open(&cookie_headers([format!("{name}={value}")]), &state, at(1));
        assert!(matches!(refused, Err(TicketError::Unreadable)));
    }
}

#[test]
fn login_of_one_tenants_host_is_never_finished_at_anothers() {
    // attacks: M6
    let (state, cookie) = sealed(1, at(0));
    let opened = tickets().open(&cookie_headers([cookie]), &state, at(1)).unwrap();
    for (origin, began_there) in [
        ("https://acme.app.test", true),
        ("https://ACME.app.test:443", true),
        ("https://globex.app.test", false),
        ("https://app.test", false),
        ("http://acme.app.test", false),
        ("https://acme.app.test:8443", false),
        ("https://acme.app.test.evil.test", false),
    ] {
        assert_eq!(
            opened.began_at(&Origin::parse(origin).unwrap()),
            began_there,
            "{origin}"
        );
    }
    let (_, mut nowhere) = ticket(1, at(0));
    nowhere.host = String::new();
    assert!(!nowhere.began_at(&Origin::parse("https://acme.app.test").unwrap()));
}

#[test]
fn ticket_says_which_tenant_the_login_must_end_with() {
    // weakness: L2
    let (state, cookie) = sealed(1, at(0));
    let mut opened = tickets().open(&cookie_headers([cookie]), &state, at(1)).unwrap();
    let id = TenantId::from_claim("org_Acme").unwrap();
    assert_eq!(opened.expected_tenant(), TenantExpectation::id(id.clone()));
    assert!(opened.expected_tenant().check(&id).is_ok());
    assert!(opened.expected_tenant().check(&TenantId::default_tenant()).is_err());
    opened.tenant = None;
    let name = TenantName::parse("acme").unwrap();
    assert_eq!(opened.expected_tenant(), TenantExpectation::named(name));
    opened.tenant_name = None;
    assert_eq!(opened.expected_tenant(), TenantExpectation::any());
}

#[test]
fn ticket_of_the_longest_tenant_and_host_still_fits() {
    let (_, mut long) = ticket(1, at(0));
    let host = format!("{}.{}aa.test", "a".repeat(63), "b.".repeat(91));
    long.tenant = Some(TenantId::from_claim(&"x".repeat(255)).unwrap());
    long.tenant_name = Some(TenantName::parse(&"a".repeat(63)).unwrap());
    long.tenant_custom_domain = Some(HostName::parse(&host).unwrap());
    long.host = format!("https://{host}:65535");
    long.return_url = format!("/{}", "r".repeat(1_000));
    assert!(tickets().seal(&Seeded::new(1), &long).is_ok());
}

#[test]
fn ticket_with_the_longest_return_url_fits_and_a_longer_one_is_an_error() {
    let (_, mut long) = ticket(1, at(0));
    long.return_url = format!("/{}", "a".repeat(1_999));
    long.carried = vec![("invite".to_owned(), "i".repeat(MAX_CARRIED_BYTES - 6))];
    let (name, value) = tickets().seal(&Seeded::new(1), &long).unwrap();
    assert!(name.as_str().len() + 1 + value.len() <= 4_096);
    long.return_url = "a".repeat(4_000);
    assert!(
        matches!(tickets().seal(&Seeded::new(1), &long), Err(SealTicketError::TooLarge { bytes }) if bytes > 4_096)
    );
    assert!(tickets().seal(&NoRandom, &ticket(1, at(0)).1).is_err());
}

#[test]
fn at_most_eight_logins_stay_pending_and_the_oldest_go() {
    // attacks: B8
    let mut jar: Vec<(String, String)> = Vec::new();
    for login in 0..40_u64 {
        let (state, cookie) = sealed(login, at(i64::try_from(login).unwrap()));
        let headers = cookie_headers(jar.iter().map(|(_, cookie)| cookie.as_str()));
        for name in tickets().to_drop(&headers, cookie.len(), 500) {
            jar.retain(|(_, cookie)| !cookie.starts_with(&format!("{name}=")));
        }
        jar.push((state, cookie));
        let bytes: usize = jar.iter().map(|(_, cookie)| cookie.len() + 2).sum();
        assert!(
            jar.len() <= 8 && bytes + 500 <= 7_802,
            "{} logins, {bytes} bytes",
            jar.len()
        );
        let headers = cookie_headers([jar
            .iter()
            .map(|(_, cookie)| cookie.as_str())
            .collect::<Vec<_>>()
            .join("; ")]);
        let (newest, _) = jar.last().unwrap();
        assert!(tickets().open(&headers, newest, at(40)).is_ok());
    }
    let ages: Vec<u64> = tickets()
        .pending_logins(&cookie_headers(jar.iter().map(|(_, cookie)| cookie.as_str())))
        .iter()
        .map(|login| login.created_at.unwrap().saturating_since(at(0)).as_secs())
        .collect();
    assert_eq!(ages, ((40 - ages.len() as u64)..40).collect::<Vec<_>>());
}

#[test]
fn space_is_made_when_the_other_cookies_are_large() {
    let cookies: Vec<String> = (0..4)
        .map(|login| sealed(login, at(i64::try_from(login).unwrap())).1)
        .collect();
    let headers = cookie_headers(&cookies);
    let length = cookies[0].len();
    assert!(tickets().to_drop(&headers, length, 1_000).is_empty());
    let dropped = tickets().to_drop(&headers, length, 7_800 - 3 * (length + 2));
    assert_eq!(dropped.len(), 2);
    assert!(cookies[0].starts_with(dropped[0].as_str()) && cookies[1].starts_with(dropped[1].as_str()));
    assert_eq!(tickets().to_drop(&headers, length, 10_000).len(), 4);
}

#[test]
fn unreadable_tickets_go_first() {
    let (_, old) = sealed(1, at(0));
    let headers = cookie_headers([format!("{old}; __Host-login.garbage=x; __Host-login.=y; other=z")]);
    let dropped = tickets().to_drop(&headers, 500, 500);
    assert_eq!(
        dropped.iter().map(|name| name.as_str()).collect::<Vec<_>>(),
        ["__Host-login.garbage"]
    );
    let pending = tickets().pending_logins(&headers);
    assert_eq!(
        pending.iter().map(|login| login.created_at).collect::<Vec<_>>(),
        [Some(at(0)), None]
    );
}

#[test]
fn cookie_id_is_short_and_tells_nothing_of_the_state() {
    let (state, cookie) = sealed(1, at(0));
    let id = LoginTickets::cookie_id(&state);
    assert_eq!(id.len(), 10);
    assert!(cookie.starts_with(&format!("__Host-login.{id}=")));
    assert!(!state.contains(&id));
}

#[test]
fn debug_output_hides_state_verifier_and_keys() {
    // attacks: N5
    let (state, ticket) = ticket(1, at(0));
    let printed = format!(
        "{ticket:?} {:?} {:?}",
        tickets(),
        TicketError::Expired(Box::new(self::ticket(1, at(0)).1))
    );
    let handle = ticket.handle_at_start.as_ref().unwrap().encode();
    for secret in [state.as_str(), &handle, "/orders"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}
