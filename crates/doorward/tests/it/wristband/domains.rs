//! Custom domains that the platform vouches for and that belong to somebody else, and floods of invented ones.

use std::time::Duration;

use doorward::ports::FetchError;
use doorward::{Tenant, UnixTime};
use doorward_testkit::{FixedClock, Gate};
use http::StatusCode;

use super::{ACME, ACME_DOMAIN, GLOBEX, Shop, location};

fn shop_of_two() -> Shop {
    Shop::with(
        |_| (),
        |provider| provider,
        |builder| {
            builder.tenants([
                Tenant::new("acme").custom_domain("login-acme.localhost"),
                Tenant::new("globex").custom_domain("login-globex.localhost"),
            ])
        },
    )
}

// weakness: R2
#[tokio::test]
async fn custom_domain_of_one_tenant_is_not_where_anothers_users_sign_in() {
    let shop = shop_of_two();
    let asked = |name: &str, domain: &str| {
        format!("/auth/login?return_url=/home&tenant_name={name}&tenant_custom_domain=login-{domain}.localhost")
    };
    let page = shop.browser.visit(&asked("globex", "acme")).await;
    assert_eq!(
        (page.status, location(&page)),
        (StatusCode::BAD_REQUEST, String::new()),
        "{}",
        page.text()
    );
    let page = shop.browser.visit(&asked("acme", "acme")).await;
    assert!(location(&page).starts_with(ACME_DOMAIN), "{}", location(&page));
}

// weakness: R2
#[tokio::test]
async fn user_who_was_led_on_from_anothers_custom_domain_never_gets_a_session_that_leads_back_there() {
    let shop = shop_of_two();
    let login = "/auth/login?return_url=/home&tenant_custom_domain=login-acme.localhost";
    for (host, allowed) in [(ACME, true), (GLOBEX, false)] {
        let started = shop.browser.visit(login).await;
        // Whoever owns the domain sends the browser on to another tenant's host.
        let led_on = location(&started).replace(ACME_DOMAIN, host);
        assert!(led_on.starts_with(host), "{led_on}");
        let page = shop.browser.visit_following(&led_on).await;
        let page = shop.press(&page).await;
        if allowed {
            assert_eq!(page.url.path(), "/home", "{}", page.text());
        } else {
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.text());
            assert!(page.text().contains("login_denied"), "{}", page.text());
        }
    }
}

#[tokio::test]
async fn invented_domains_never_push_out_what_is_known_of_a_good_one() {
    // attacks: L4
    let shop = Shop::new();
    let good = "/auth/login?tenant_custom_domain=login-acme.localhost";
    assert!(location(&shop.browser.visit(good).await).starts_with(ACME_DOMAIN));
    for number in 0..1_200 {
        shop.browser
            .visit(&format!("/auth/login?tenant_custom_domain=made-up-{number}.localhost"))
            .await;
    }
    let asked = shop.fetch.count("custom-domain");
    assert_eq!(asked, 1_201);
    assert!(location(&shop.browser.visit(good).await).starts_with(ACME_DOMAIN));
    assert_eq!(shop.fetch.count("custom-domain"), asked);
}

#[tokio::test]
async fn platform_that_does_not_answer_about_domains_is_left_alone_for_a_while() {
    let clock = FixedClock::new(UnixTime::from_seconds(1_790_000_000));
    let given = clock.clone();
    let shop = Shop::with(|_| (), |provider| provider, |builder| builder.clock(given));
    let good = "/auth/login?tenant_custom_domain=login-acme.localhost";
    assert!(location(&shop.browser.visit(good).await).starts_with(ACME_DOMAIN));
    shop.fetch.fail_next_of("custom-domain", 1, || FetchError::Timeout);
    for number in 0..20 {
        let page = shop
            .browser
            .visit(&format!("/auth/login?tenant_custom_domain=login-{number}.localhost"))
            .await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(shop.fetch.count("custom-domain"), 2);
    // What is known serves meanwhile, and the next question may come a second later.
    assert!(location(&shop.browser.visit(good).await).starts_with(ACME_DOMAIN));
    clock.advance(Duration::from_secs(1));
    let other = "/auth/login?tenant_custom_domain=login-globex.localhost";
    assert_eq!(shop.browser.visit(other).await.status, StatusCode::FOUND);
    assert_eq!(shop.fetch.count("custom-domain"), 3);
}

// attacks: L4
#[tokio::test]
async fn invented_domains_put_no_more_than_sixteen_questions_at_a_time() {
    let shop = Shop::new();
    // The platform's configuration is known from here on.
    shop.browser.visit("/auth/login").await;
    let gate = Gate::closed();
    shop.fetch.hold(Some("custom-domain"), &gate);
    let login = |number: usize| {
        let browser = shop.browser.stranger();
        let url = format!("/auth/login?tenant_custom_domain=made-up-{number}.localhost");
        async move { browser.visit(&url).await.status }
    };
    let waiting: Vec<_> = (0..16).map(|number| tokio::spawn(login(number))).collect();
    gate.arrived(16).await;
    // Whoever comes on top is told to come again, and whoever asks what is asked already waits with it.
    for number in 16..20 {
        tokio::select! {
            status = login(number) => assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{number}"),
            () = gate.arrived(17) => panic!("a question more was put"),
        }
    }
    let same = tokio::spawn(login(0));
    assert_eq!(gate.arrivals(), 16);
    gate.open();
    for answer in waiting.into_iter().chain([same]) {
        assert_eq!(answer.await.unwrap(), StatusCode::FOUND);
    }
    // Each has given its place back.
    for number in 16..40 {
        assert_eq!(login(number).await, StatusCode::FOUND, "{number}");
    }
}

#[tokio::test]
async fn platforms_no_to_a_domain_counts_one_minute_and_its_yes_five() {
    for (domain, vouched, seconds) in [("made-up", false, 60), ("login-acme", true, 300)] {
        let clock = FixedClock::new(UnixTime::from_seconds(1_790_000_000));
        let given = clock.clone();
        let shop = Shop::with(|_| (), |provider| provider, |builder| builder.clock(given));
        let asked = async || {
            let url = format!("/auth/login?tenant_custom_domain={domain}.localhost");
            let page = shop.browser.visit(&url).await;
            assert_eq!(location(&page).starts_with(ACME_DOMAIN), vouched, "{}", location(&page));
            shop.fetch.count("custom-domain")
        };
        assert_eq!(asked().await, 1, "{domain}");
        clock.advance(Duration::from_secs(seconds - 1));
        assert_eq!(asked().await, 1, "{domain}");
        clock.advance(Duration::from_secs(1));
        assert_eq!(asked().await, 2, "{domain}");
    }
}
