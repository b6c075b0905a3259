//! Reading a small file without holding up the runtime.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use doorward_core::ports::BoxFuture;
use tokio::runtime::Handle;

/// Reads a text file of at most so many bytes.
///
/// On a tokio runtime the reading happens on a thread that may block: a network file system can take its time. Anywhere else it
/// happens where the future is awaited.
#[must_use = "nothing is read before it is awaited"]
pub fn read_text(path: PathBuf, max_bytes: u64) -> BoxFuture<'static, io::Result<String>> {
    Box::pin(async move {
        match Handle::try_current() {
            Ok(handle) => handle
                .spawn_blocking(move || read_text_here(&path, max_bytes))
                .await
                .unwrap_or_else(|error| Err(io::Error::other(error))),
            Err(_) => read_text_here(&path, max_bytes),
        }
    })
}

/// The same, at once, for a start that has nothing else to do.
///
/// # Errors
/// As the operating system says; `InvalidData` for a file that is larger or not UTF-8.
pub fn read_text_here(path: &Path, max_bytes: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(max_bytes.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > max_bytes) {
        let limit = max_bytes / 1024;
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("expected at most {limit} KB, found more"),
        ));
    }
    // The decoder's own error would hold what was read.
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "expected UTF-8, found other bytes"))
}
