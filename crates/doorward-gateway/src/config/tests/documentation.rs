//! The page has every key that the file may have.

use super::{PROVIDER, ROUTE, SERVER, SESSION, faults, told};

const PAGE: &str = include_str!("../../../../../docs/reference/configuration.md");

/// The keys of a table, as the refusal of a key that is none lists them.
fn keys(text: &str, stranger: &str) -> Vec<String> {
    let faults = faults(text);
    let fault = faults.iter().find(|fault| fault.key == stranger);
    let fault = fault.unwrap_or_else(|| panic!("{stranger}: {}", told(&faults)));
    let (_, known) = fault.problem.split_once("; expected ").expect("a list of keys");
    known.split(", ").map(str::to_owned).collect()
}

#[test]
fn every_key_of_the_file_stands_on_its_page() {
    let (_, page) = PAGE.split_once("## `doorward.toml`").expect("the part about the file");
    let rest = format!("{SERVER}{PROVIDER}{SESSION}{ROUTE}");
    let without_provider = format!("{SERVER}{SESSION}{ROUTE}");
    let mut seen = 0;
    for (header, text, table) in [
        ("", "zzzzzzzzzz = 1\n".to_owned(), ""),
        (
            "server",
            format!("{SERVER}zzzzzzzzzz = 1\n{PROVIDER}{SESSION}"),
            "server",
        ),
        (
            "provider",
            format!("{without_provider}{PROVIDER}zzzzzzzzzz = 1\n"),
            "provider",
        ),
        (
            "providers",
            format!("{without_provider}[[providers]]\nzzzzzzzzzz = 1\n"),
            "providers[0]",
        ),
        (
            "provider",
            format!("{without_provider}[provider]\nkind = \"wristband\"\nzzzzzzzzzz = 1\n"),
            "provider",
        ),
        (
            "provider",
            format!("{rest}[provider.claims]\nzzzzzzzzzz = 1\n"),
            "provider.claims",
        ),
        (
            "session",
            format!("{SERVER}{PROVIDER}{SESSION}zzzzzzzzzz = 1\n"),
            "session",
        ),
        ("csrf", format!("{rest}[csrf]\nzzzzzzzzzz = 1\n"), "csrf"),
        ("auth", format!("{rest}[auth]\nzzzzzzzzzz = 1\n"), "auth"),
        ("bearer", format!("{rest}[bearer]\nzzzzzzzzzz = 1\n"), "bearer"),
        ("tenants", format!("{rest}[[tenants]]\nzzzzzzzzzz = 1\n"), "tenants[0]"),
        ("routes", format!("{rest}zzzzzzzzzz = 1\n"), "routes[0]"),
    ] {
        let stranger = format!("{table}.zzzzzzzzzz");
        for key in keys(&text, stranger.trim_start_matches('.')) {
            seen += 1;
            // In a row of its own, or with its table where one heading has two tables.
            let ways = [
                format!("`{key}`"),
                format!("`{header}.{key}`"),
                format!("`claims.{key}`"),
                format!("`[{header}.{key}]`"),
                format!("`[{key}]`"),
                format!("`[[{key}]]`"),
            ];
            assert!(
                ways.iter().any(|way| page.contains(way)),
                "[{header}] {key} is not on the page"
            );
        }
    }
    assert!(seen > 80, "{seen}");
}
