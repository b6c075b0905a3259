//! Custom domains that the platform vouches for and that belong to somebody else, and floods of invented ones.

use std::time::Duration;

use doorward::ports::FetchError;
use doorward::{Tenant, UnixTime};
use doorward_testkit::FixedClock;
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
