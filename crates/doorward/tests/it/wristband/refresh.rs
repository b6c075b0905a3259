//! Renewed tokens of the platform, whose tenants have opaque IDs there and names here.

use std::time::{Duration, SystemTime};

use doorward::{Tenant, UnixTime};
use doorward_testkit::FixedClock;
use http::StatusCode;
use serde_json::json;

use super::{Shop, problem};

/// The platform's access tokens live for 1,800 seconds.
const DUE: Duration = Duration::from_secs(1_750);

#[allow(
    clippy::disallowed_methods,
    reason = "the development provider has the machine's clock"
)]
fn now() -> UnixTime {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    UnixTime::from_seconds(now.as_secs())
}

#[tokio::test]
async fn refresh_holds_the_platforms_id_of_a_tenant_against_the_one_of_the_login() {
    let clock = FixedClock::new(now());
    let given = clock.clone();
    let shop = Shop::with(
        |_| (),
        |provider| provider,
        |builder| {
            builder
                .clock(given)
                .tenants([Tenant::new("acme"), Tenant::new("globex")])
        },
    );
    let home = shop.sign_in("tenant_name=acme&return_url=/home").await;
    assert_eq!(home.url.path(), "/home", "{}", home.text());
    clock.advance(DUE);
    assert_eq!(shop.me().await.status, StatusCode::OK);
    assert_eq!(shop.fetch.count("token"), 2);
    // The user switches to another tenant at the platform.
    shop.set(json!({"platform": {"claims": {"id_token": {"tnt_id": "zzzzzzzzzzzzzzzzzzzzzzzzzz"}}}}))
        .await;
    clock.advance(DUE);
    let me = shop.me().await;
    assert_eq!(problem(&me), (StatusCode::UNAUTHORIZED, "token_refresh_failed".into()));
}
