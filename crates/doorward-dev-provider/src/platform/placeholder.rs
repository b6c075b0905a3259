//! The tenant's place in a login URL or a redirect URI: `{tenant_name}`, or `{tenant_domain}` as it was called before.

use std::borrow::Cow;

const PLACEHOLDERS: [&str; 2] = ["{tenant_name}", "{tenant_domain}"];

/// True if `text` holds a place for the tenant.
pub(crate) fn is_in(text: &str) -> bool {
    PLACEHOLDERS.into_iter().any(|placeholder| text.contains(placeholder))
}

/// Puts `tenant` into the first place of `text`; the rest stays byte for byte as it was.
pub(crate) fn fill<'a>(text: &'a str, tenant: &str) -> Cow<'a, str> {
    let first = PLACEHOLDERS
        .into_iter()
        .filter_map(|placeholder| Some((text.find(placeholder)?, placeholder)))
        .min();
    match first {
        Some((_, placeholder)) => Cow::Owned(text.replacen(placeholder, tenant, 1)),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]
mod tests {
    use super::*;

    #[test]
    fn the_first_place_takes_the_tenant_and_nothing_else_changes() {
        for (text, expected) in [
            ("http://{tenant_name}.app.test/cb", "http://acme.app.test/cb"),
            ("http://{tenant_domain}.app.test/cb", "http://acme.app.test/cb"),
            (
                "http://{tenant_domain}.{tenant_name}.test/",
                "http://acme.{tenant_name}.test/",
            ),
            ("http://{tenant}.app.test/", "http://{tenant}.app.test/"),
            (
                "http://app.test/cb?a=%7Btenant_name%7D",
                "http://app.test/cb?a=%7Btenant_name%7D",
            ),
        ] {
            assert_eq!(fill(text, "acme"), expected);
            assert_eq!(is_in(text), fill(text, "acme") != text);
        }
    }
}
