//! Reading and replacing the secrets file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// One byte more than a key ring reads, so that a larger file is told from one of that size.
const MAX_BYTES: u64 = 64 * 1024 + 1;

/// A replacement of the secrets file that nobody else can begin until this one is done or dropped.
///
/// Readers see the old text or the new one, never a part. A new file is readable by its owner only; one that exists
/// keeps its mode and owner.
pub(super) struct Replacement {
    target: PathBuf,
    beside: PathBuf,
    fresh: File,
    /// The file beside is gone: one of that name is another rotation's.
    is_done: bool,
}

impl Replacement {
    /// Makes the file that will take the place of `file`, which need not exist.
    pub(super) fn begin(file: &Path) -> Result<Self, Failure> {
        // A link stays a link: what it points to is replaced.
        let target = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
        let mut name = target.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let beside = target.with_file_name(name);
        // Made by exactly one process, which makes it the lock against a second rotation as well.
        let fresh = create(&beside).map_err(|error| {
            let failure = Failure::unusable(format!("cannot create {}: {error}", beside.display()));
            if error.kind() == ErrorKind::AlreadyExists {
                failure.with_hint("another rotation is running; if none is, one was interrupted: remove that file")
            } else {
                failure
            }
        })?;
        Ok(Self {
            target,
            beside,
            fresh,
            is_done: false,
        })
    }

    /// Reads the present text; an absent file reads as empty.
    pub(super) fn present(&self) -> Result<String, Failure> {
        let mut text = String::new();
        match File::open(&self.target).and_then(|opened| opened.take(MAX_BYTES).read_to_string(&mut text)) {
            Ok(_) => Ok(text),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(Failure::unusable(format!(
                "cannot read {}: {error}",
                self.target.display()
            ))),
        }
    }

    /// Puts `text` in the place of the present one.
    pub(super) fn finish(mut self, text: &str) -> Result<(), Failure> {
        keep_mode(&self.target, &self.fresh)
            .and_then(|()| self.fresh.write_all(text.as_bytes()))
            .and_then(|()| self.fresh.sync_all())
            .and_then(|()| fs::rename(&self.beside, &self.target))
            .map_err(|error| Failure::unusable(format!("cannot replace {}: {error}", self.target.display())))?;
        self.is_done = true;
        // The rename itself should outlive a power cut; some file systems cannot promise that.
        if let Some(folder) = self.target.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            let _ = File::open(folder).and_then(|folder| folder.sync_all());
        }
        Ok(())
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        // Before `finish` the old file stays as it was. After it, a file of that name is the lock of the next rotation: were
        // it removed, a third one could begin, and the second would put the third's empty file in the place of the secrets.
        if !self.is_done {
            let _ = fs::remove_file(&self.beside);
        }
    }
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Gives the new file the mode and owner of the old one, so that a service under another account can go on reading it.
#[cfg(unix)]
fn keep_mode(old: &Path, new: &File) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, fchown};

    let old = match fs::metadata(old) {
        Ok(old) => old,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let made = new.metadata()?;
    if (old.uid(), old.gid()) != (made.uid(), made.gid()) {
        fchown(new, Some(old.uid()), Some(old.gid()))?;
    }
    new.set_permissions(old.permissions())
}

#[cfg(not(unix))]
fn keep_mode(_old: &Path, _new: &File) -> io::Result<()> {
    Ok(())
}
