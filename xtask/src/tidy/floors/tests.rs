//! The walls, tried with small made-up graphs: for every yes a no.

use serde_json::{Value, json};

use super::{Findings, Graph, check};

/// A workspace of one crate, `name`, with one direct dependency and below that one more.
fn graph(name: &str, direct: &str, below: &str, kind: Value) -> Value {
    json!({
        "workspace_members": ["0"],
        "packages": [
            {"id": "0", "name": name, "manifest_path": format!("/nowhere/{name}/Cargo.toml"), "dependencies": []},
            {"id": "1", "name": direct, "manifest_path": "/nowhere/Cargo.toml", "dependencies": []},
            {"id": "2", "name": below, "manifest_path": "/nowhere/Cargo.toml", "dependencies": []},
        ],
        "resolve": {"nodes": [
            {"id": "0", "deps": [{"pkg": "1", "dep_kinds": [{"kind": kind}]}]},
            {"id": "1", "deps": [{"pkg": "2", "dep_kinds": [{"kind": null}]}]},
            {"id": "2", "deps": []},
        ]},
    })
}

fn complaints(metadata: &Value) -> Vec<String> {
    let mut findings = Findings::default();
    check(metadata, &mut findings);
    findings
        .complaints
        .into_iter()
        .map(|complaint| complaint.what)
        .collect()
}

fn with_dependency(name: &str, dependency: Value) -> Value {
    let mut metadata = graph(name, "serde", "serde_core", Value::Null);
    metadata["packages"][0]["dependencies"] = json!([dependency]);
    metadata
}

#[test]
fn forbidden_crate_is_found_below_a_dependency() {
    let metadata = graph("doorward-core", "harmless", "tokio", Value::Null);
    assert_eq!(
        Graph::read(&metadata).path("doorward-core", "tokio"),
        Some(vec!["doorward-core", "harmless", "tokio"])
    );
    assert!(
        complaints(&metadata)
            .iter()
            .any(|what| what.contains("must never see `tokio`"))
    );
}

#[test]
fn forbidden_crate_in_tests_only_is_allowed() {
    let metadata = graph("doorward-core", "harmless", "tokio", json!("dev"));
    assert_eq!(Graph::read(&metadata).path("doorward-core", "tokio"), None);
}

#[test]
fn arrow_that_points_up_is_refused_and_down_allowed() {
    let arrow = |from, to| {
        with_dependency(
            from,
            json!({"name": to, "kind": null, "path": "/nowhere", "features": []}),
        )
    };
    let refused = |from, to| complaints(&arrow(from, to)).contains(&format!("depends on {to}"));
    assert!(refused("doorward-core", "doorward-engine"));
    assert!(refused("doorward-dev-provider", "doorward-oidc"));
    assert!(refused("doorward", "doorward-testkit"));
    assert!(!refused("doorward-engine", "doorward-core"));
}

#[test]
fn testkit_is_allowed_in_tests() {
    let dependency = json!({"name": "doorward-testkit", "kind": "dev", "path": "/nowhere", "features": []});
    assert!(
        !complaints(&with_dependency("doorward", dependency))
            .iter()
            .any(|what| what.starts_with("depends on"))
    );
}

#[test]
fn engine_may_synchronise_with_tokio_but_not_run_on_it() {
    let tokio = |feature| json!({"name": "tokio", "kind": null, "features": [feature]});
    let refused = |feature| {
        !complaints(&with_dependency("doorward-engine", tokio(feature)))
            .iter()
            .all(|w| !w.contains("tokio's feature"))
    };
    assert!(refused("rt"));
    assert!(!refused("sync"));
}

#[test]
fn cryptographic_library_is_reached_through_its_wrapper_only() {
    let library = |kind: Value| json!({"name": "aws-lc-rs", "kind": kind, "features": []});
    let refused =
        |name, kind| complaints(&with_dependency(name, library(kind))).contains(&"uses aws-lc-rs directly".to_owned());
    assert!(refused("doorward-oidc", Value::Null));
    assert!(!refused("doorward-oidc", json!("dev")));
    assert!(!refused("doorward-crypto", Value::Null));
}

#[test]
fn crate_on_no_floor_is_refused() {
    assert!(
        complaints(&graph("doorward-surprise", "a", "b", Value::Null)).contains(&"crate is on no floor".to_owned())
    );
}
