//! Which addresses and host names lead into somebody's own network.
//!
//! Server-side request forgery is what this is against: a provider's metadata names hosts that our server then calls.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::Host;

/// Tells whether an address belongs to the public internet.
///
/// False for loopback, private, link-local, unique-local, unspecified, shared (carrier-grade NAT), multicast, reserved,
/// documentation and benchmarking ranges (the IANA special-purpose registries), and for IPv6 addresses that carry such an
/// IPv4 address inside (mapped, translated, NAT64, 6to4).
///
/// # Security
/// The connecting side calls this on every address a name resolved to, right before it connects, wherever
/// [`Reach::PublicOnly`](crate::Reach::PublicOnly) is asked: judging the name alone would leave DNS to the attacker.
#[must_use]
pub fn is_public_address(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

/// Tells whether a host is written as loopback: `localhost`, a name under it, or a loopback address.
pub(crate) fn is_loopback_host(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => is_localhost_name(name),
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback() || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback()),
    }
}

/// Tells whether a host is local as written: a loopback name, or an address literal that is not public.
pub(crate) fn is_local_host(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => is_localhost_name(name),
        Host::Ipv4(ip) => !is_public_v4(*ip),
        Host::Ipv6(ip) => !is_public_v6(*ip),
    }
}

/// Tells whether a name is `localhost` or below it, and so this machine by its very name (RFC 6761, section 6.3).
///
/// Neither case nor the trailing dot of an absolute name changes that.
pub fn is_localhost_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.rsplit('.')
        .next()
        .is_some_and(|last| last.eq_ignore_ascii_case("localhost"))
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    !(a == 0
        || a == 10
        || (a == 100 && (64..128).contains(&b))
        || a == 127
        || (a == 169 && b == 254)
        || (a == 172 && (16..32).contains(&b))
        || (a == 192 && b == 0 && (c == 0 || c == 2))
        || (a == 192 && b == 88 && c == 99)
        || (a == 192 && b == 168)
        || (a == 198 && (b == 18 || b == 19))
        || (a == 198 && b == 51 && c == 100)
        || (a == 203 && b == 0 && c == 113)
        || a >= 224)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [s0, s1, s2, s3, s4, s5, s6, s7] = ip.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match (s0, s1, s2, s3, s4, s5) {
        // ::/96 holds unspecified, loopback and the IPv4-compatible form, which nobody routes.
        (0, 0, 0, 0, 0, 0) => false,
        (0, 0, 0, 0, 0, 0xffff) => embedded(s6, s7),
        // RFC 2765's translated form, ::ffff:0:a.b.c.d.
        (0, 0, 0, 0, 0xffff, 0) => embedded(s6, s7),
        (0x64, 0xff9b, 0, 0, 0, 0) => embedded(s6, s7),
        (0x64, 0xff9b, 1, ..) => false,
        (0x2002, high, low, ..) => embedded(high, low),
        // 2001::/23 is for protocols (Teredo, ORCHID, benchmarking), 2001:db8::/32 and 3fff::/20 for documentation.
        (0x2001, low, ..) if low < 0x200 || low == 0xdb8 => false,
        (0x3fff, low, ..) if low < 0x1000 => false,
        // Only 2000::/3 is global unicast: this leaves out fc00::/7, fe80::/10, fec0::/10, ff00::/8, 100::/64, 5f00::/16.
        _ => (0x2000..0x4000).contains(&s0),
    }
}
