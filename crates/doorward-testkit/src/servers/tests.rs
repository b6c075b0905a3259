use std::future::{pending, ready};
use std::process::Command;

use super::core::{NotStarted, on_a_free_port, program, run};
use super::folder::Folder;
use super::postgres::newest;
use super::wait::until;

#[test]
fn a_program_that_is_not_installed_is_named_with_the_way_to_install_it() {
    let error = program(&["doorward-no-such-server", "/no/such/server"]).unwrap_err();
    let names = "expected the program `doorward-no-such-server` or `/no/such/server`, found none";
    assert!(error.starts_with(names), "{error}");
    assert!(error.contains("cargo xtask test --install"), "{error}");
    assert_eq!(program(&["doorward-no-such-server", "true"]).as_deref(), Ok("true"));
}

#[tokio::test]
async fn a_program_that_fails_is_an_error_with_its_words() {
    let mut command = Command::new("sh");
    command.args(["-c", "echo so; echo sorry >&2; exit 3"]);
    let error = run(command).await.unwrap_err();
    assert!(error.contains("exit status: 3") && error.contains("sorry"), "{error}");
    let mut command = Command::new("sh");
    command.args(["-c", "echo so"]);
    assert_eq!(run(command).await.as_deref(), Ok("so\n"));
    let error = run(Command::new("doorward-no-such-server")).await.unwrap_err();
    assert!(error.contains("--install"), "{error}");
}

#[tokio::test]
async fn a_port_that_is_taken_is_left_for_another_one() {
    let tried = std::cell::RefCell::new(Vec::new());
    let started = on_a_free_port(|port| {
        tried.borrow_mut().push(port);
        ready(match tried.borrow().len() {
            3 => Ok(port),
            _ => Err(NotStarted::PortTaken("taken".to_owned())),
        })
    })
    .await;
    assert_eq!(tried.borrow().len(), 3);
    assert_eq!(tried.borrow().last(), Some(&started));
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_at_the_limit_and_says_what_was_met_instead() {
    let answer = until("peace", || ready(Err::<(), _>("war".to_owned()))).await;
    assert_eq!(answer, Err("expected peace within 20 s, found war".to_owned()));
    let answer = until("peace", pending::<Result<(), String>>).await;
    assert_eq!(answer, Err("expected peace within 20 s, found no answer".to_owned()));
    let mut asked = 0;
    let answer = until("three", || {
        asked += 1;
        ready(if asked == 3 { Ok(asked) } else { Err(asked.to_string()) })
    });
    assert_eq!(answer.await, Ok(3));
}

#[test]
fn the_newest_version_of_postgresql_with_its_server_is_taken() {
    let folder = Folder::make("versions");
    for (version, program) in [
        ("9", "postgres"),
        ("15", "postgres"),
        ("17", "psql"),
        ("other", "postgres"),
    ] {
        let programs = folder.join(version).join("bin");
        std::fs::create_dir_all(&programs).unwrap();
        std::fs::write(programs.join(program), "").unwrap();
    }
    assert_eq!(newest(folder.path()), Some(folder.join("15").join("bin")));
    assert_eq!(newest(&folder.join("nothing")), None);
}

#[test]
fn a_folder_is_gone_with_its_value_and_no_two_are_one() {
    let (one, other) = (Folder::make("same"), Folder::make("same"));
    one.write("file", "content");
    assert_ne!(one.path(), other.path());
    let path = one.path().to_owned();
    assert!(path.join("file").exists());
    drop(one);
    assert!(!path.exists());
    assert!(other.path().exists());
}
