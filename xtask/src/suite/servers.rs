//! The servers that some tests start for themselves: Redis, PostgreSQL and nginx.
//!
//! Debian's packages start a service each where the machine runs services: Redis on port 6379, PostgreSQL on 5432,
//! nginx on 80. They are left as the packages leave them: the tests neither need nor touch them, start servers of their
//! own on ports that the kernel gives, and whether a machine keeps a service is not a test command's to decide. To be
//! rid of them: `systemctl disable --now redis-server postgresql nginx`.

use std::path::PathBuf;

use super::tools::find_on_path;

/// One server: any of its programs will do.
struct Server {
    name: &'static str,
    programs: &'static [&'static str],
    debian: &'static str,
    home: &'static str,
}

/// Sentinel and cluster nodes are the same program as the server; redis-cli and psql come with their servers.
const SERVERS: [Server; 3] = [
    Server {
        name: "Redis",
        programs: &["redis-server", "valkey-server"],
        debian: "redis-server",
        home: "https://redis.io",
    },
    Server {
        name: "PostgreSQL",
        programs: &["postgres"],
        debian: "postgresql",
        home: "https://www.postgresql.org",
    },
    Server {
        name: "nginx",
        programs: &["nginx"],
        debian: "nginx-light",
        home: "https://nginx.org",
    },
];

/// What is missing, each with the way to get it.
pub(super) fn missing() -> Vec<String> {
    let missing = without(is_there);
    missing
        .map(|server| {
            let Server { name, debian, home, .. } = server;
            format!("{name}: on Debian, apt-get install {debian}; else {home}")
        })
        .collect()
}

/// The Debian packages of what is missing.
pub(super) fn debian_packages() -> Vec<&'static str> {
    without(is_there).map(|server| server.debian).collect()
}

fn without(is_there: impl Fn(&str) -> bool) -> impl Iterator<Item = &'static Server> {
    SERVERS
        .iter()
        .filter(move |server| !server.programs.iter().any(|program| is_there(program)))
}

/// Whether a program is on the search path, or where Debian keeps what an ordinary account need not find.
fn is_there(program: &str) -> bool {
    find_on_path(program).is_some() || {
        let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let folders = versions.map(|version| version.path().join("bin"));
        let mut folders = folders.chain([PathBuf::from("/usr/sbin")]);
        folders.any(|folder| folder.join(program).is_file())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_missing_only_where_none_of_its_programs_is_there() {
        let packages = |there: &'static [&'static str]| -> Vec<&str> {
            let missing = without(move |program| there.contains(&program));
            missing.map(|server| server.debian).collect()
        };
        assert_eq!(packages(&[]), ["redis-server", "postgresql", "nginx-light"]);
        assert_eq!(packages(&["valkey-server", "nginx"]), ["postgresql"]);
        assert!(packages(&["redis-server", "postgres", "nginx"]).is_empty());
    }

    #[test]
    fn a_program_that_exists_nowhere_is_not_there() {
        assert!(!is_there("doorward-no-such-server"));
        assert!(is_there("sh"));
    }
}
