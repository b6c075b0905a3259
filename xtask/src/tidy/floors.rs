//! The floors of the house: an arrow between crates may only point down, and each floor has things it must never see.
//!
//! Direct dependencies between our crates are compared with a table; third-party crates are looked for in the whole
//! closure, because a wall with a window on the first floor is none.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::Findings;

/// One crate: what of ours it may use, and which outside crates may not be anywhere below it.
struct Floor {
    name: &'static str,
    may_use: &'static [&'static str],
    never_sees: &'static [&'static str],
}

/// A rule is a value: no runtime, no network, no clock source, no framework, no log.
const PURE: &[&str] = &[
    "tokio",
    "async-std",
    "smol",
    "futures-executor",
    "hyper",
    "reqwest",
    "axum",
    "axum-core",
    "actix-web",
    "tower",
    "tracing",
    "redis",
    "sqlx",
    "openidconnect",
    "oauth2",
];
const NO_SERVER: &[&str] = &[
    "hyper",
    "reqwest",
    "axum",
    "axum-core",
    "actix-web",
    "redis",
    "sqlx",
    "openidconnect",
    "oauth2",
];
const NO_STORE: &[&str] = &[
    "actix-web",
    "redis",
    "sqlx",
    "openidconnect",
    "oauth2",
    "tower-sessions",
    "axum-login",
];

const FLOORS: &[Floor] = &[
    Floor {
        name: "doorward-crypto",
        may_use: &[],
        never_sees: &[
            "http",
            "tokio",
            "hyper",
            "reqwest",
            "axum",
            "actix-web",
            "tower",
            "tracing",
            "redis",
            "sqlx",
            "rsa",
            "openssl",
        ],
    },
    Floor {
        name: "doorward-oidc",
        may_use: &["doorward-crypto"],
        never_sees: PURE,
    },
    Floor {
        name: "doorward-core",
        may_use: &["doorward-oidc", "doorward-crypto"],
        never_sees: PURE,
    },
    Floor {
        name: "doorward-engine",
        may_use: &["doorward-core", "doorward-oidc", "doorward-crypto"],
        never_sees: NO_SERVER,
    },
    Floor {
        name: "doorward-http",
        may_use: &["doorward-core"],
        never_sees: &[
            "axum",
            "axum-core",
            "actix-web",
            "redis",
            "sqlx",
            "openidconnect",
            "oauth2",
        ],
    },
    Floor {
        name: "doorward-store-redis",
        may_use: &["doorward-core"],
        never_sees: &[
            "hyper",
            "reqwest",
            "axum",
            "axum-core",
            "actix-web",
            "sqlx",
            "openidconnect",
            "oauth2",
        ],
    },
    Floor {
        name: "doorward-store-postgres",
        may_use: &["doorward-core"],
        never_sees: &[
            "hyper",
            "reqwest",
            "axum",
            "axum-core",
            "actix-web",
            "redis",
            "openidconnect",
            "oauth2",
        ],
    },
    Floor {
        name: "doorward",
        may_use: &["doorward-engine", "doorward-http"],
        never_sees: NO_STORE,
    },
    // It shares key code with the product and nothing else, so that one wrong parser cannot agree with itself.
    Floor {
        name: "doorward-dev-provider",
        may_use: &["doorward-crypto"],
        never_sees: &["openidconnect", "oauth2"],
    },
    Floor {
        name: "doorward-gateway",
        may_use: &[
            "doorward",
            "doorward-engine",
            "doorward-http",
            "doorward-store-redis",
            "doorward-store-postgres",
            "doorward-core",
            "doorward-oidc",
            "doorward-crypto",
            "doorward-dev-provider",
        ],
        never_sees: &["openidconnect", "oauth2"],
    },
    Floor {
        name: "doorward-testkit",
        may_use: &["doorward-core", "doorward-oidc", "doorward-crypto"],
        never_sees: &["openidconnect", "oauth2"],
    },
    Floor {
        name: "doorward-bench",
        may_use: &["doorward"],
        never_sees: &[],
    },
    Floor {
        name: "xtask",
        may_use: &[],
        never_sees: &[],
    },
];

/// May be a dev-dependency of anything; never an ordinary one.
const TESTKIT: &str = "doorward-testkit";
/// May be a dev-dependency of whatever is tested against a provider that knows nothing of us.
const DEV_PROVIDER: &str = "doorward-dev-provider";
/// The memory store and single-flight need tokio's synchronisation at most, never its runtime.
const ENGINE_TOKIO_FEATURES: &[&str] = &["sync"];

/// Libraries behind doorward-crypto, and who may name them: the wrapper, and the kit that forges tokens for tests.
const CRYPTOGRAPHY: &[&str] = &["aws-lc-rs", "jsonwebtoken"];
const MAY_USE_CRYPTOGRAPHY: &[&str] = &["doorward-crypto", TESTKIT];

pub(super) fn check(metadata: &Value, findings: &mut Findings) {
    let graph = Graph::read(metadata);
    for package in workspace_packages(metadata) {
        let name = text(package, "name");
        check_folder(package, name, findings);
        check_lints(package, name, findings);
        let Some(floor) = FLOORS.iter().find(|floor| floor.name == name) else {
            findings.refuse(
                name,
                "crate is on no floor",
                "add it to FLOORS in xtask/src/tidy/floors.rs and to ARCHITECTURE.md",
            );
            continue;
        };
        check_own_dependencies(package, floor, findings);
        for seen in floor.never_sees {
            if let Some(path) = graph.path(name, seen) {
                findings.refuse(
                    name,
                    format!("must never see `{seen}`, but does: {}", path.join(" -> ")),
                    "move the code that needs it to a higher floor, behind a port of doorward-core",
                );
            }
        }
    }
}

/// Names of all packages of the workspace.
pub(super) fn crate_names(metadata: &Value) -> Vec<String> {
    workspace_packages(metadata)
        .map(|package| text(package, "name").to_owned())
        .collect()
}

fn check_own_dependencies(package: &Value, floor: &Floor, findings: &mut Findings) {
    for dependency in list(package, "dependencies") {
        let wanted = text(dependency, "name");
        let development = dependency.get("kind").and_then(Value::as_str) == Some("dev");
        if floor.name == "doorward-engine" && wanted == "tokio" && !development {
            let features = list(dependency, "features").filter_map(Value::as_str);
            for feature in features.filter(|feature| !ENGINE_TOKIO_FEATURES.contains(feature)) {
                findings.refuse(
                    floor.name,
                    format!("uses tokio's feature \"{feature}\""),
                    "tasks and time come through the ports Tasks and Clock",
                );
            }
        }
        if CRYPTOGRAPHY.contains(&wanted) && !development && !MAY_USE_CRYPTOGRAPHY.contains(&floor.name) {
            findings.refuse(
                floor.name,
                format!("uses {wanted} directly"),
                "one wrapper around each cryptographic library: put what is missing into doorward-crypto",
            );
        }
        if dependency.get("path").is_none_or(Value::is_null) {
            continue;
        }
        // Benches compare inner parts side by side, so their development dependencies may reach any floor.
        let allowed = floor.may_use.contains(&wanted)
            || (development
                && (wanted == TESTKIT
                    || wanted == DEV_PROVIDER
                    || floor.name == "doorward-bench"
                    || floor.name == TESTKIT));
        if !allowed {
            findings.refuse(
                floor.name,
                format!("depends on {wanted}"),
                "arrows point down only; the table is FLOORS in xtask/src/tidy/floors.rs, the reasons are in ARCHITECTURE.md",
            );
        }
    }
}

fn check_folder(package: &Value, name: &str, findings: &mut Findings) {
    let folder = manifest(package)
        .parent()
        .and_then(Path::file_name)
        .and_then(|folder| folder.to_str())
        .unwrap_or("");
    let expected = if name == "doorward-bench" { "bench" } else { name };
    if folder != expected {
        findings.refuse(
            name,
            format!("lives in a folder called \"{folder}\""),
            "a crate's folder bears its package's name",
        );
    }
}

fn check_lints(package: &Value, name: &str, findings: &mut Findings) {
    let manifest = std::fs::read_to_string(manifest(package)).unwrap_or_default();
    let mut lines = manifest
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != "[lints]")
        .skip(1);
    if !lines
        .by_ref()
        .take_while(|line| !line.starts_with('['))
        .any(|line| line == "workspace = true")
    {
        findings.refuse(
            name,
            "does not take the workspace's lints",
            "add `[lints]` with `workspace = true` to its Cargo.toml",
        );
    }
}

/// Ordinary and build dependencies of every package, resolved.
struct Graph<'m> {
    names: BTreeMap<&'m str, &'m str>,
    edges: BTreeMap<&'m str, Vec<&'m str>>,
}

impl<'m> Graph<'m> {
    fn read(metadata: &'m Value) -> Self {
        let names = list(metadata, "packages")
            .map(|package| (text(package, "id"), text(package, "name")))
            .collect();
        let mut edges: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let nodes = metadata
            .get("resolve")
            .map(|resolve| list(resolve, "nodes"))
            .into_iter()
            .flatten();
        for node in nodes {
            let needed = list(node, "deps").filter(|dependency| {
                list(dependency, "dep_kinds").any(|kind| kind.get("kind").and_then(Value::as_str) != Some("dev"))
            });
            edges.insert(
                text(node, "id"),
                needed.map(|dependency| text(dependency, "pkg")).collect(),
            );
        }
        Self { names, edges }
    }

    /// The shortest chain of packages from `from` down to `to`.
    fn path(&self, from: &str, to: &str) -> Option<Vec<&'m str>> {
        let start = self.names.iter().find(|(_, name)| **name == from).map(|(id, _)| *id)?;
        let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
        let mut seen = BTreeSet::from([start]);
        let mut queue = std::collections::VecDeque::from([start]);
        while let Some(id) = queue.pop_front() {
            if id != start && self.names.get(id) == Some(&to) {
                let mut chain = vec![id];
                while let Some(previous) = chain.last().and_then(|last| came_from.get(last)) {
                    chain.push(previous);
                }
                chain.reverse();
                return Some(chain.into_iter().filter_map(|id| self.names.get(id).copied()).collect());
            }
            for next in self.edges.get(id).into_iter().flatten() {
                if seen.insert(next) {
                    came_from.insert(next, id);
                    queue.push_back(next);
                }
            }
        }
        None
    }
}

fn workspace_packages(metadata: &Value) -> impl Iterator<Item = &Value> {
    let members: BTreeSet<&str> = list(metadata, "workspace_members").filter_map(Value::as_str).collect();
    list(metadata, "packages").filter(move |package| members.contains(text(package, "id")))
}

fn manifest(package: &Value) -> &Path {
    Path::new(text(package, "manifest_path"))
}

fn list<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests;
