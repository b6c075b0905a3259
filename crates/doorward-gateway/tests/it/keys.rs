//! `doorward keys`.

use doorward_crypto::{KeyRing, check_strength};

use crate::process::{Folder, output, refusal};

/// Later than anything these tests write.
const FAR_FUTURE: u64 = 9_000_000_000;

#[test]
fn generate_prints_one_strong_secret_and_never_the_same() {
    let secrets = [(); 2].map(|()| {
        let made = output(&["keys", "generate"]);
        assert!(made.status.success());
        assert!(made.stderr.is_empty());
        String::from_utf8(made.stdout).unwrap()
    });
    for secret in &secrets {
        assert_eq!(secret.trim_end().len(), 43);
        assert_eq!(secret.lines().count(), 1);
        check_strength(secret.trim_end()).unwrap();
    }
    assert_ne!(secrets[0], secrets[1]);
}

#[test]
fn rotate_makes_the_file_and_appends_to_it() {
    let folder = Folder::new("rotate");
    let file = folder.file();

    let first = output(&["keys", "rotate", &file]);
    assert!(first.status.success(), "{first:?}");
    assert!(String::from_utf8(first.stderr).unwrap().contains("at once"));
    let one = std::fs::read_to_string(&file).unwrap();
    assert_eq!(one.lines().count(), 1);

    let second = output(&["keys", "rotate", &file]);
    assert!(second.status.success(), "{second:?}");
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(
        said.contains("opens with it at once and seals with it after ten minutes"),
        "{said}"
    );
    let two = std::fs::read_to_string(&file).unwrap();
    assert!(two.starts_with(&one), "what was there stays");
    assert_eq!(two.lines().count(), 2);
    KeyRing::from_secrets_file(&two, FAR_FUTURE).unwrap();
    for secret in two.split_whitespace() {
        assert!(!said.contains(secret), "secrets stay in the file");
    }
}

#[test]
fn rotate_keeps_comments_and_mends_a_missing_line_end() {
    let folder = Folder::new("comments");
    let text = "# made by hand\n\n2026-01-01T00:00:00Z p7Zk2mQ9vX4tR8wB1nL6yH3cF5sD0gJaKeUiOoTzNxM";
    std::fs::write(folder.file(), text).unwrap();
    assert!(output(&["keys", "rotate", &folder.file()]).status.success());
    let after = std::fs::read_to_string(folder.file()).unwrap();
    assert!(after.starts_with(&format!("{text}\n")), "{after}");
    assert_eq!(after.lines().count(), 4);
    KeyRing::from_secrets_file(&after, FAR_FUTURE).unwrap();
}

#[cfg(unix)]
#[test]
fn rotate_keeps_the_mode_and_makes_new_files_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new("mode");
    let mode = || std::fs::metadata(folder.file()).unwrap().permissions().mode() & 0o777;

    assert!(output(&["keys", "rotate", &folder.file()]).status.success());
    assert_eq!(mode(), 0o600);

    std::fs::set_permissions(folder.file(), std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(output(&["keys", "rotate", &folder.file()]).status.success());
    assert_eq!(mode(), 0o640);
}

#[cfg(unix)]
#[test]
fn rotate_follows_a_link_and_leaves_it_a_link() {
    let folder = Folder::new("link");
    let real = folder.0.join("real");
    std::fs::write(&real, "").unwrap();
    std::os::unix::fs::symlink(&real, folder.file()).unwrap();
    assert!(output(&["keys", "rotate", &folder.file()]).status.success());
    assert!(std::fs::symlink_metadata(folder.file()).unwrap().is_symlink());
    assert_eq!(std::fs::read_to_string(real).unwrap().lines().count(), 1);
}

#[test]
fn rotate_refuses_what_it_cannot_read_and_leaves_it_alone() {
    let folder = Folder::new("refuse");
    let good = "2026-01-01T00:00:00Z p7Zk2mQ9vX4tR8wB1nL6yH3cF5sD0gJaKeUiOoTzNxM\n";
    for (text, line) in [
        (format!("{good}just some words\n"), "line 2"),
        (format!("{good}2026-01-02T00:00:00Z changeme\n"), "line 2"),
        (format!("# one\n{good}{good}"), "line 3"),
    ] {
        std::fs::write(folder.file(), &text).unwrap();
        let said = refusal(&["keys", "rotate", &folder.file()]);
        assert!(said.contains(line), "{said}");
        assert!(!said.contains("p7Zk2mQ9"), "{said}");
        assert_eq!(std::fs::read_to_string(folder.file()).unwrap(), text);
        assert_eq!(
            std::fs::read_dir(&folder.0).unwrap().count(),
            1,
            "nothing is left beside the file"
        );
    }
}

#[test]
fn rotate_waits_for_nobody_and_overwrites_nothing() {
    let folder = Folder::new("lock");
    let lock = format!("{}.new", folder.file());
    std::fs::write(&lock, "").unwrap();
    let said = refusal(&["keys", "rotate", &folder.file()]);
    assert!(said.contains(&lock), "{said}");
    assert!(said.contains("another rotation"), "{said}");
    assert!(!std::fs::exists(folder.file()).unwrap());
    assert!(std::fs::exists(&lock).unwrap(), "the file of the other rotation stays");
}

#[test]
fn rotate_in_a_folder_that_is_not_there_exits_2() {
    let folder = Folder::new("nowhere");
    refusal(&["keys", "rotate", folder.0.join("not/there").to_str().unwrap()]);
}

#[test]
fn rotations_at_once_each_add_their_secret_or_refuse_and_lose_none() {
    // attacks: K10
    let folder = Folder::new("at-once");
    let file = folder.file();
    assert!(output(&["keys", "rotate", &file]).status.success());
    let mut added = 1;
    for _ in 0..3 {
        let before = std::fs::read_to_string(&file).unwrap();
        let file = &file;
        let statuses: Vec<_> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..4)
                .map(|_| scope.spawn(move || output(&["keys", "rotate", file]).status))
                .collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).collect()
        });
        added += statuses.iter().filter(|status| status.success()).count();
        assert!(
            statuses.iter().any(|status| status.success()),
            "one of them gets through"
        );
        assert!(statuses.iter().all(|status| matches!(status.code(), Some(0 | 2))));
        let after = std::fs::read_to_string(file).unwrap();
        assert!(after.starts_with(&before), "what was there stays");
        assert_eq!(after.lines().count(), added, "every success is in the file");
        KeyRing::from_secrets_file(&after, FAR_FUTURE).unwrap();
    }
    assert_eq!(
        std::fs::read_dir(&folder.0).unwrap().count(),
        1,
        "nothing is left beside the file"
    );
}
