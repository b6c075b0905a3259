//! `doorward check`: exit codes, and what it says.

use std::path::Path;
use std::process::Output;

use crate::process::{Folder, doorward, output, refusal};

const SECRET: &str = "k9Zr2mQ0bT7wXc4LhVn8sJd1GfYp6aUe3RiOtEqNuBM";
const CLIENT_SECRET: &str = "c1ient-pa55word";

const EXAMPLE: &str = "docs/examples/doorward.toml";

/// Public URL, provider and a route; sessions are the test's.
const REST: &str = r#"
[server]
public_url = "https://app.example.com"
[provider]
issuer = "https://id.example.net"
client_id = "app"
client_secret = { env = "CLIENT_SECRET" }
[[routes]]
path = "/api/{*rest}"
upstream = "http://127.0.0.1:3000"
roles = ["admin"]
"#;

fn check(path: &str, variables: &[(&str, &str)]) -> Output {
    doorward(&["check", "--config", path])
        .env("DOORWARD_SECRET", SECRET)
        .env("CLIENT_SECRET", CLIENT_SECRET)
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

#[track_caller]
fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    assert!(
        !text.contains(SECRET) && !text.contains(CLIENT_SECRET),
        "a secret is told: {text}"
    );
    text
}

#[track_caller]
fn accepted(path: &str, variables: &[(&str, &str)]) -> String {
    let output = check(path, variables);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[track_caller]
fn refused(path: &str, variables: &[(&str, &str)]) -> String {
    let output = check(path, variables);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stdout));
    assert!(output.stdout.is_empty(), "{}", text(&output.stdout));
    text(&output.stderr)
}

/// The columns of the line that begins with a path.
#[track_caller]
fn row(said: &str, path: &str) -> String {
    let begins = |line: &&str| line.split_whitespace().next() == Some(path);
    let line = said
        .lines()
        .find(begins)
        .unwrap_or_else(|| panic!("{path} is not in {said}"));
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_complete_example_can_be_used() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(EXAMPLE);
    let said = accepted(example.to_str().unwrap(), &[]);
    assert!(
        said.lines().next().unwrap().ends_with("doorward.toml can be used"),
        "{said}"
    );
    for (path, line) in [
        ("/", "/ public http://127.0.0.1:3000"),
        ("/app/{*rest}", "/app/{*rest} session, or login http://127.0.0.1:3000"),
        (
            "/api/{*rest}",
            "/api/{*rest} session or bearer http://127.0.0.1:4000, with the access token",
        ),
        (
            "/api/orders/{id}",
            "/api/orders/{id} bearer, scope orders http://127.0.0.1:4000",
        ),
        (
            "/admin/{*rest}",
            "/admin/{*rest} any role of admin owner, csrf by origin http://127.0.0.1:5000",
        ),
        ("/auth/login", "/auth/login public doorward"),
        ("/auth/session", "/auth/session session doorward"),
        ("anything", "anything else refused"),
    ] {
        assert_eq!(row(&said, path), line);
    }
    assert!(!said.contains("/auth/token"), "it is switched off: {said}");
    let (_, warnings) = said.split_once("\nwarnings\n").expect("warnings come last");
    assert_eq!(warnings.lines().count(), 1, "{warnings}");
    assert!(warnings.trim().starts_with("session.store: "), "{warnings}");
}

#[test]
fn every_fault_is_a_line_with_place_key_and_what_was_expected() {
    let folder = Folder::new("check-faults");
    let path = folder.write(
        "doorward.toml",
        format!("{REST}[session]\nsecrets = [\"{CLIENT_SECRET}\"]\nidle_timeot = \"1h\"\nstore = \"mysql://u:{CLIENT_SECRET}@h\"\n"),
    );
    let said = refused(&path, &[("DOORWARD_SERVER_LISTEN", "here")]);
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), 5, "{said}");
    assert!(
        lines[4].starts_with(&format!("warning: {path}: session.secrets[0]: ")),
        "{said}"
    );
    for (line, begins, holds) in [
        (
            lines[0],
            format!("error: {path}:13: session.secrets[0]: "),
            "at least 32",
        ),
        (
            lines[1],
            format!("error: {path}:14: session.idle_timeot: "),
            "did you mean \"idle_timeout\"?",
        ),
        (
            lines[2],
            format!("error: {path}:15: session.store: "),
            "found something else",
        ),
        (
            lines[3],
            format!("error: {path}: server.listen (DOORWARD_SERVER_LISTEN): "),
            "found \"here\"",
        ),
    ] {
        assert!(line.starts_with(&begins), "{line} does not begin with {begins}");
        assert!(line.contains(holds), "{line} does not hold {holds}");
    }
}

#[test]
fn warnings_come_after_the_faults() {
    let folder = Folder::new("check-warnings");
    let path = folder.write(
        "doorward.toml",
        format!(
            "{REST}[session]\nsecrets = [{{ env = \"DOORWARD_SECRET\" }}]\nidle_timeot = \"1h\"\nstore = \"memory\"\n"
        ),
    );
    let said = refused(&path, &[]);
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert!(
        lines[0].starts_with(&format!("error: {path}:14: session.idle_timeot: ")),
        "{said}"
    );
    assert!(
        lines[1].starts_with(&format!("warning: {path}: session.store: ")),
        "{said}"
    );
}

#[test]
fn secrets_files_are_read_for_their_form() {
    let folder = Folder::new("check-secrets");
    let session = "[session]\nsecrets = [{ file = \"keys/secrets\" }]\n";
    let path = folder.write("doorward.toml", format!("{REST}{session}"));
    assert!(refused(&path, &[]).contains("cannot be read"));

    std::fs::create_dir(folder.0.join("keys")).unwrap();
    for (text, said) in [
        (String::new(), "at least one secret"),
        (format!("{SECRET}\n"), "line 1 of the secrets file"),
        (format!("yesterday {SECRET}\n"), "line 1 of the secrets file"),
        (format!("# a note\n2026-01-01T00:00:00Z {CLIENT_SECRET}\n"), "line 2"),
        ("#".repeat(64 * 1024 + 1), "larger than 64 KB"),
    ] {
        folder.write("keys/secrets", text);
        let refused = refused(&path, &[]);
        assert!(
            refused.starts_with(&format!("error: {path}:13: session.secrets[0]: ")),
            "{refused}"
        );
        assert!(refused.contains(said), "{refused}");
    }
    folder.write("keys/secrets", b"\xff\xfe");
    assert!(refused(&path, &[]).contains("not UTF-8"));

    // What `keys rotate` writes is what is read; relative paths begin at the configuration file.
    std::fs::remove_file(folder.0.join("keys/secrets")).unwrap();
    for _ in 0..2 {
        assert!(
            output(&["keys", "rotate", &folder.path("keys/secrets")])
                .status
                .success()
        );
        accepted(&path, &[]);
    }
}

#[test]
fn a_client_secret_may_come_from_a_file_that_ends_in_a_line_break() {
    let folder = Folder::new("check-client-secret");
    let rest = REST.replace("{ env = \"CLIENT_SECRET\" }", "{ file = \"client\" }");
    let path = folder.write(
        "doorward.toml",
        format!("{rest}[session]\nsecrets = [{{ env = \"DOORWARD_SECRET\" }}]\n"),
    );
    assert!(refused(&path, &[]).contains("provider.client_secret: the file cannot be read"));
    folder.write("client", "\n");
    assert!(refused(&path, &[]).contains("found an empty text"));
    folder.write("client", format!("{CLIENT_SECRET}\n"));
    let said = accepted(&path, &[]);
    assert_eq!(
        row(&said, "/api/{*rest}"),
        "/api/{*rest} role admin http://127.0.0.1:3000"
    );
}

#[test]
fn a_file_that_cannot_be_read_exits_2() {
    let folder = Folder::new("check-unreadable");
    assert!(refusal(&["check", "--config", &folder.path("nowhere.toml")]).contains("nowhere.toml: cannot be read"));
    assert!(refusal(&["check", "--config", folder.0.to_str().unwrap()]).contains("cannot be read"));
    let large = folder.write("large.toml", " ".repeat(1024 * 1024 + 1));
    assert!(refusal(&["check", "--config", &large]).contains("larger than 1024 KB"));
    let binary = folder.write("binary.toml", b"a = \"\xff\"\n");
    assert!(refusal(&["check", "--config", &binary]).contains("not UTF-8"));
    let broken = folder.write("broken.toml", "[server\n");
    assert!(refusal(&["check", "--config", &broken]).contains("broken.toml:1: is no TOML"));
}

#[test]
fn without_a_name_the_file_in_this_folder_is_meant() {
    let folder = Folder::new("check-default");
    folder.write(
        "doorward.toml",
        format!("{REST}[session]\nsecrets = [{{ env = \"DOORWARD_SECRET\" }}]\n"),
    );
    let here = |folder: &Path| {
        let mut command = doorward(&["check"]);
        command
            .current_dir(folder)
            .env("DOORWARD_SECRET", SECRET)
            .env("CLIENT_SECRET", CLIENT_SECRET);
        command.output().unwrap().status.code()
    };
    assert_eq!(here(&folder.0), Some(0));
    std::fs::remove_file(folder.path("doorward.toml")).unwrap();
    assert_eq!(here(&folder.0), Some(2));
}

#[test]
fn more_faults_than_anybody_reads_are_counted() {
    let folder = Folder::new("check-many");
    let routes = "[[routes]]\npath = \"x\"\nupstream = \"http://127.0.0.1:3000\"\n".repeat(150);
    let path = folder.write(
        "doorward.toml",
        format!("{REST}[session]\nsecrets = [{{ env = \"DOORWARD_SECRET\" }}]\n{routes}"),
    );
    let said = refused(&path, &[]);
    assert_eq!(said.lines().count(), 101);
    assert!(said.ends_with("and 50 more\n"), "{said}");
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf_8_is_refused_wherever_it_is_read() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let folder = Folder::new("check-utf-8");
    let session = "[session]\nsecrets = [{ env = \"DOORWARD_SECRET\" }]\n";
    let path = folder.write("doorward.toml", format!("{REST}{session}"));
    for (variable, key) in [
        ("DOORWARD_SERVER_LISTEN", "server.listen: "),
        ("DOORWARD_SECRET", "session.secrets[0]: "),
        ("CLIENT_SECRET", "provider.client_secret: "),
    ] {
        let mut command = doorward(&["check", "--config", &path]);
        command
            .env("DOORWARD_SECRET", SECRET)
            .env("CLIENT_SECRET", CLIENT_SECRET);
        let output = command.env(variable, OsStr::from_bytes(b"\xff")).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let said = text(&output.stderr);
        assert!(
            said.contains(key) && said.contains("UTF-8") && said.contains(variable),
            "{said}"
        );
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}
