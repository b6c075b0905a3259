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

/// What stands in the first column of the tables below the heading of a table of the file.
fn column(header: &str) -> Vec<&'static str> {
    let (_, page) = PAGE.split_once("## `doorward.toml`").expect("the part about the file");
    let page = page.split("\n## ").next().unwrap();
    let is_of = |section: &&str| {
        let heading = section.lines().next().unwrap();
        heading.contains(&format!("`[{header}]`")) || heading.contains(&format!("`[[{header}]]`"))
    };
    let mut sections = page.split("\n### ").skip(1).filter(is_of);
    let section = sections.next().unwrap_or_else(|| panic!("[{header}] has no section"));
    assert_eq!(sections.next(), None, "[{header}] has two sections");
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split(" | ").next().unwrap()).collect()
}

/// The same of the tables for one kind of provider: the table of all kinds, and its own.
fn column_of_kind(header: &str, kind: Option<&str>) -> Vec<&'static str> {
    let mut column = column(header);
    let first = |name: &str| column.iter().position(|cell| *cell == format!("{name}`"));
    match (kind, first("issuer"), first("vanity_domain")) {
        (Some("oidc"), _, Some(wristband)) => column.truncate(wristband),
        (Some("wristband"), Some(oidc), Some(wristband)) => drop(column.drain(oidc..wristband)),
        (None, _, _) => {}
        _ => panic!("[{header}] has not both kinds"),
    }
    column
}

fn has(column: &[&str], header: &str, key: &str) -> bool {
    // In a row of its own, with its table where one heading has two tables, or as a table itself.
    let ways = match header.split_once('.') {
        Some((_, below)) => vec![format!("`{below}.{key}`")],
        None => vec![format!("`{key}`"), format!("`{header}.{key}`"), format!("`{key}.")],
    };
    let mut cells = column.iter().map(|cell| format!("`{cell}"));
    cells.any(|cell| ways.iter().any(|way| cell.contains(way)))
}

#[test]
fn every_table_of_the_file_has_a_section() {
    for key in keys("zzzzzzzzzz = 1\n", "zzzzzzzzzz") {
        assert!(!column(&key).is_empty(), "{key}");
    }
}

#[test]
fn key_of_another_table_is_not_found_in_a_section() {
    for (header, kind, own, others) in [
        ("server", None, "listen", "audience"),
        ("bearer", None, "audience", "listen"),
        ("csrf", None, "cookie_name", "secrets"),
        ("provider", Some("oidc"), "issuer", "vanity_domain"),
        ("provider", Some("wristband"), "vanity_domain", "issuer"),
        ("provider", Some("wristband"), "client_id", "claims"),
    ] {
        let column = column_of_kind(header, kind);
        assert!(has(&column, header, own), "{header}: {own}");
        assert!(!has(&column, header, others), "{header}: {others}");
    }
}

#[test]
fn every_key_of_the_file_stands_in_the_section_of_its_table() {
    let rest = format!("{SERVER}{PROVIDER}{SESSION}{ROUTE}");
    let without_provider = format!("{SERVER}{SESSION}{ROUTE}");
    let mut seen = 0;
    for (header, kind, text, table) in [
        (
            "server",
            None,
            format!("{SERVER}zzzzzzzzzz = 1\n{PROVIDER}{SESSION}"),
            "server",
        ),
        (
            "provider",
            Some("oidc"),
            format!("{without_provider}{PROVIDER}zzzzzzzzzz = 1\n"),
            "provider",
        ),
        (
            "providers",
            Some("oidc"),
            format!("{without_provider}[[providers]]\nzzzzzzzzzz = 1\n"),
            "providers[0]",
        ),
        (
            "provider",
            Some("wristband"),
            format!("{without_provider}[provider]\nkind = \"wristband\"\nzzzzzzzzzz = 1\n"),
            "provider",
        ),
        (
            "provider.claims",
            Some("oidc"),
            format!("{rest}[provider.claims]\nzzzzzzzzzz = 1\n"),
            "provider.claims",
        ),
        (
            "session",
            None,
            format!("{SERVER}{PROVIDER}{SESSION}zzzzzzzzzz = 1\n"),
            "session",
        ),
        ("csrf", None, format!("{rest}[csrf]\nzzzzzzzzzz = 1\n"), "csrf"),
        ("auth", None, format!("{rest}[auth]\nzzzzzzzzzz = 1\n"), "auth"),
        ("bearer", None, format!("{rest}[bearer]\nzzzzzzzzzz = 1\n"), "bearer"),
        (
            "tenants",
            None,
            format!("{rest}[[tenants]]\nzzzzzzzzzz = 1\n"),
            "tenants[0]",
        ),
        ("routes", None, format!("{rest}zzzzzzzzzz = 1\n"), "routes[0]"),
    ] {
        let column = column_of_kind(header.split('.').next().unwrap(), kind);
        for key in keys(&text, &format!("{table}.zzzzzzzzzz")) {
            seen += 1;
            assert!(has(&column, header, &key), "[{header}] {key} is not in its section");
        }
    }
    assert!(seen > 80, "{seen}");
}
