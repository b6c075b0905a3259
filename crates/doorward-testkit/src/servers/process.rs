//! A server's processes: started in a group of their own, signalled together, never left behind.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// How often to look whether processes did what a signal asked, one millisecond apart.
const LOOKS: usize = 5_000;

/// A running server with everything it started, and a watchdog that ends it should this process die first.
pub(super) struct Process {
    child: Child,
    watchdog: Child,
}

impl Process {
    /// Starts `command`, its output appended to the file `log`; `folder` is what the watchdog removes.
    pub(super) fn start(command: &mut Command, log: &Path, folder: &Path) -> io::Result<Self> {
        let output = File::options().create(true).append(true).open(log)?;
        let mut child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()?;
        match watch(child.id(), folder) {
            Ok(watchdog) => Ok(Self { child, watchdog }),
            Err(error) => {
                child.kill()?;
                child.wait()?;
                Err(error)
            }
        }
    }

    /// How it ended, if it did.
    pub(super) fn ended(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok().flatten()?;
        Some(status.to_string())
    }

    /// Asks the server alone to end, as an operator would.
    pub(super) fn ask_to_end(&self, signal: Signal) {
        self.thaw();
        send(self.root(), signal);
    }

    /// Stops every process where it stands; all of them stand when this returns.
    pub(super) fn freeze(&self) {
        // The root first: it alone starts others, so that the list is whole afterwards.
        send(self.root(), Signal::STOP);
        settle(&[self.root()], |state| "TZX".contains(state));
        let family = family(self.root());
        for process in &family {
            send(*process, Signal::STOP);
        }
        settle(&family, |state| "TZX".contains(state));
    }

    /// Lets every process go on.
    pub(super) fn thaw(&self) {
        for process in family(self.root()).into_iter().rev() {
            send(process, Signal::CONT);
        }
    }

    /// Kills every process at once; all of them are gone when this returns.
    pub(super) fn kill(self) {
        drop(self);
    }

    fn root(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // An ended root has given its number back, and nothing is left to signal.
        if matches!(self.child.try_wait(), Ok(None)) {
            self.freeze();
            let family = family(self.root());
            for process in &family {
                send(*process, Signal::KILL);
            }
            let _ = self.child.wait();
            settle(&family, |state| "ZX".contains(state));
        }
        let _ = kill_process_group(Pid::from_child(&self.watchdog), Signal::KILL);
        let _ = self.watchdog.wait();
    }
}

/// Starts a shell that holds a pipe from this process, and kills the server's group when the pipe closes.
///
/// A test that is interrupted or killed runs no destructor, and the server's group hears nothing of it either.
fn watch(group: u32, folder: &Path) -> io::Result<Child> {
    let script = "read -r nothing; kill -s KILL -- \"-$1\"; sleep 1; rm -rf -- \"$2\"";
    Command::new("sh")
        .args(["-c", script, "sh", &group.to_string()])
        .arg(folder)
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

/// A process that is gone already needs no signal.
fn send(process: Pid, signal: Signal) {
    let _ = kill_process(process, signal);
}

/// Looks until every process is gone or in a state that `wanted` names (a letter as in `ps`).
fn settle(processes: &[Pid], wanted: impl Fn(char) -> bool) {
    for _ in 0..LOOKS {
        let listed = list();
        let settled = |process: &Pid| {
            let found = listed.iter().find(|listed| listed.process == *process);
            found.is_none_or(|found| wanted(found.state))
        };
        if processes.iter().all(settled) {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
    panic!("expected processes {processes:?} to obey a signal within {LOOKS} ms, found otherwise");
}

/// `root` and whatever descends from it, parents before children.
///
/// By descent and not by group: PostgreSQL gives each of its processes a group of its own.
fn family(root: Pid) -> Vec<Pid> {
    let listed = list();
    let mut family = vec![root];
    let mut next = 0;
    while let Some(parent) = family.get(next).copied() {
        family.extend(
            listed
                .iter()
                .filter(|listed| listed.parent == Some(parent))
                .map(|listed| listed.process),
        );
        next += 1;
    }
    family
}

struct Listed {
    process: Pid,
    parent: Option<Pid>,
    state: char,
}

/// All processes: from `/proc`, or from `ps` where there is none.
fn list() -> Vec<Listed> {
    let Ok(folders) = std::fs::read_dir("/proc") else {
        let listed = Command::new("ps").args(["-A", "-o", "pid=,ppid=,stat="]).output();
        let listed = listed.expect("`ps` where there is no /proc");
        let text = String::from_utf8_lossy(&listed.stdout).into_owned();
        return text
            .lines()
            .filter_map(|line| {
                let mut words = line.split_whitespace();
                read(words.next()?, words.next()?, words.next()?)
            })
            .collect();
    };
    folders
        .filter_map(|folder| {
            let folder = folder.ok()?;
            let name = folder.file_name();
            let process = name.to_str()?;
            process.parse::<i32>().ok()?;
            let stat = std::fs::read_to_string(folder.path().join("stat")).ok()?;
            // `PID (name) STATE PARENT …`, where the name may hold anything.
            let (_, tail) = stat.rsplit_once(')')?;
            let mut words = tail.split_whitespace();
            let state = words.next()?;
            read(process, words.next()?, state)
        })
        .collect()
}

fn read(process: &str, parent: &str, state: &str) -> Option<Listed> {
    Some(Listed {
        process: Pid::from_raw(process.parse().ok()?)?,
        parent: Pid::from_raw(parent.parse().ok()?),
        state: state.chars().next()?,
    })
}
