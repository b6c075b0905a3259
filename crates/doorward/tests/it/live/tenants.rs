//! Live connections of tenants that are taken away.

use doorward::{Code, Ended, Sessions};
use http::StatusCode;
use tokio::sync::mpsc;

use super::stage::{Ending, application};
use crate::support::SECRET;
use crate::tenant_changes::Register;
use crate::tenants::{ACME, GLOBEX, Hosted};

// attacks: M9
#[tokio::test(start_paused = true)]
async fn connections_of_a_tenant_that_is_taken_away_end_and_the_others_go_on() {
    for sessions in [Sessions::cookie(SECRET), Sessions::memory(SECRET)] {
        let register = Register::of(&["acme", "globex"]);
        let given = register.clone();
        let hosted = Hosted::with(sessions, |builder| {
            builder
                .public_url("https://{tenant}.app.example.com")
                .tenant_directory(given)
        });
        let (hand, mut handed) = mpsc::unbounded_channel();
        let app = application(&hosted.world.auth, hand);
        let browser = hosted.browser.clone().mount(ACME, app.clone()).mount(GLOBEX, app);
        let mut endings = Vec::new();
        for (origin, tenant) in [(ACME, "acme"), (GLOBEX, "globex")] {
            hosted.sign_in(origin, tenant).await;
            let page = browser.get(&format!("{origin}/session")).await;
            assert_eq!(page.status, StatusCode::OK, "{}", page.text());
            endings.push(Ending::of(&handed.try_recv().unwrap()).await);
        }
        let read = async |seconds| {
            for _ in 0..seconds {
                hosted.world.advance(1);
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            }
        };
        // A directory that does not answer ends nobody.
        register.is_out_of_reach(true);
        read(31).await;
        for ending in &mut endings {
            assert_eq!(ending.now().await, None);
        }
        register.is_out_of_reach(false);
        register.now_holds(&["globex"]);
        read(16).await;
        assert_eq!(endings[0].now().await, Some(Ended::NotAllowed(Code::TenantMismatch)));
        assert_eq!(endings[1].now().await, None);
    }
}
