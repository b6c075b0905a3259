//! A folder of a server's own under the temporary directory.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Removed with all it holds when dropped.
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes a folder that only this account can enter; names stay short, because a socket's path has 108 bytes at
    /// most.
    pub(super) fn make(name: &str) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("doorward-{name}-{}-{number}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Self(path),
                // What an earlier process of the same number left.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => panic!("expected a temporary folder at {}, found: {error}", path.display()),
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The path of `name` in it, as text for a configuration file.
    pub(super) fn text(&self, name: &str) -> String {
        let path = self.join(name);
        path.to_str()
            .unwrap_or_else(|| panic!("expected a temporary directory in UTF-8, found {}", path.display()))
            .to_owned()
    }

    pub(super) fn write(&self, name: &str, content: &str) {
        let path = self.join(name);
        std::fs::write(&path, content)
            .unwrap_or_else(|error| panic!("expected to write {}, found: {error}", path.display()));
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Whoever still writes there is being killed; what is left is the system's temporary directory.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
