//! What a request says of the browser behind it.

use core::net::IpAddr;

use crate::session::{AddressClass, SeenFrom};

fn device(user_agent: &str) -> String {
    SeenFrom::of(Some(user_agent.as_bytes()), None).device
}

#[test]
fn devices_are_called_as_people_call_them() {
    let webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
    for (user_agent, expected) in [
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox on Linux",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox on Windows",
        ),
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
            "Safari on macOS",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/138.0.7204.53 Mobile/15E148 Safari/604.1",
            "Chrome on iPhone",
        ),
        (
            "Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/140.0 Mobile/15E148 Safari/605.1.15",
            "Firefox on iPad",
        ),
        (
            &format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {webkit} Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0"),
            "Edge on Windows",
        ),
        (
            &format!(
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {webkit} Chrome/138.0.0.0 Safari/537.36 OPR/119.0.0.0"
            ),
            "Opera on macOS",
        ),
        (
            &format!(
                "Mozilla/5.0 (Linux; Android 10; K) {webkit} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36"
            ),
            "Samsung Internet on Android",
        ),
        (
            &format!("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {webkit} Chrome/138.0.0.0 Safari/537.36"),
            "Chrome on ChromeOS",
        ),
        (
            &format!("Mozilla/5.0 (X11; Linux x86_64) {webkit} HeadlessChrome/138.0.0.0 Safari/537.36"),
            "Headless Chrome on Linux",
        ),
        ("curl/8.14.1", "curl"),
        ("python-requests/2.32.4", "Python Requests"),
        ("Go-http-client/1.1", "Go"),
        ("okhttp/4.12.0", "OkHttp"),
        ("Firefox/1.0", "Firefox"),
        ("Mozilla/5.0 (X11; Linux x86_64)", "Linux"),
        ("my own program", ""),
        ("not curl/8", ""),
        ("", ""),
    ] {
        assert_eq!(device(user_agent), expected, "{user_agent}");
    }
    assert_eq!(SeenFrom::of(None, None), SeenFrom::default());
}

#[test]
fn no_text_of_a_sender_is_kept_and_not_all_of_a_long_one_is_read() {
    for hostile in [
        "<script>alert(1)</script> Firefox/1 Linux",
        "Firefox/\u{202e}gpj.exe on Linux",
        "Firefox/1\r\nSet-Cookie: a=b Linux",
    ] {
        assert_eq!(device(hostile), "Firefox on Linux", "{hostile:?}");
    }
    let bytes = SeenFrom::of(Some(b"\xff\xfe\x00 Chrome/1 Windows \xc3"), None);
    assert_eq!(bytes.device, "Chrome on Windows");
    let within = format!("{}Firefox/1", "x".repeat(512 - "Firefox/".len()));
    assert_eq!(device(&within), "Firefox");
    assert_eq!(device(&format!("x{within}")), "", "one byte beyond");
}

#[test]
fn addresses_are_of_three_kinds() {
    use AddressClass::{Loopback, Private, Public};
    for (address, expected) in [
        ("127.0.0.1", Loopback),
        ("127.9.9.9", Loopback),
        ("::1", Loopback),
        ("::ffff:127.0.0.1", Loopback),
        ("10.0.0.1", Private),
        ("172.16.0.1", Private),
        ("172.32.0.1", Public),
        ("192.168.1.1", Private),
        ("::ffff:192.168.1.1", Private),
        ("169.254.1.1", Private),
        ("fe80::1", Private),
        ("fd00::1", Private),
        ("fc00::1", Private),
        ("100.64.0.1", Public),
        ("8.8.8.8", Public),
        ("::ffff:8.8.8.8", Public),
        ("2001:db8::1", Public),
        ("0.0.0.0", Public),
    ] {
        let address: IpAddr = address.parse().unwrap();
        assert_eq!(AddressClass::of(address), expected, "{address}");
        assert_eq!(SeenFrom::of(None, Some(address)).address, Some(expected));
    }
    assert_eq!(
        [Loopback, Private, Public].map(AddressClass::as_str),
        ["loopback", "private", "public"]
    );
}
