//! `[server]`: where we listen, what browsers call us, and whose forwarded headers count.

use std::net::SocketAddr;

use ipnet::IpNet;

use super::reading::Section;
use super::settings::Settings;
use super::values;

/// What the listeners need.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) listen: SocketAddr,
    /// Health, readiness and metrics.
    pub(crate) admin_listen: SocketAddr,
    /// Forwarded headers of anybody else are ignored.
    pub(crate) trusted_proxies: Vec<IpNet>,
}

/// Reads `[server]`; `None` where an address is at fault.
pub(super) fn server(root: &Section<'_>, settings: &mut Settings) -> Option<Server> {
    let section = root.section("server");
    settings.public_url = section.text("public_url");
    settings.public_url_without_tenant = section.text("public_url_without_tenant");
    settings.app_origins = section.texts("app_origins").unwrap_or_default();
    let before = section.reading.findings.count();
    let address = |key, port| {
        let default = SocketAddr::from(([127, 0, 0, 1], port));
        let expected = "an address such as \"127.0.0.1:6001\"";
        section
            .parsed(key, expected, |text| text.parse().ok())
            .unwrap_or(default)
    };
    let listen = address("listen", 6001);
    let admin_listen = address("admin_listen", 6009);
    if meet(listen, admin_listen) {
        section.refuse(
            "admin_listen",
            format!("expected another address than server.listen, found {admin_listen}"),
        );
    }
    let network = "a network such as \"10.0.0.0/8\", with nothing after the prefix and not of everybody";
    let trusted_proxies = section
        .listed("trusted_proxies", network, values::network)
        .unwrap_or_default();
    section.finish();
    (section.reading.findings.count() == before).then_some(Server {
        listen,
        admin_listen,
        trusted_proxies,
    })
}

/// Tells whether two listeners would want the same port; port 0 takes a free one.
fn meet(one: SocketAddr, other: SocketAddr) -> bool {
    let same_host = one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && same_host
}
