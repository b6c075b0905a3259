//! Session secrets in a file that is read again and again.

use std::io;
use std::path::{Path, PathBuf};

use doorward_engine::ports::{BoxFuture, Clock as _};
use doorward_engine::{DatedSecrets, KeyRingError, SecretString, SecretsError, SecretsSource, SystemClock, UnixTime};
use doorward_http::{read_text, read_text_here};

/// No list of secrets needs more.
const MAX_BYTES: u64 = 64 * 1024;

/// A file of session secrets, `<created, RFC 3339> <secret>` a line, as `doorward keys rotate` writes it.
///
/// The newest secret that is at least ten minutes old seals, or the oldest where none is; all of them open. So every
/// process opens with a new line before any seals with it.
///
/// # Example
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use doorward::{Doorward, Provider, SecretsFile, Sessions};
///
/// let secrets = SecretsFile::new("/etc/app/session-secrets");
/// let auth = Doorward::builder()
///     .public_url("https://app.example.com")
///     .provider(Provider::oidc("https://id.example.com", "app", std::env::var("CLIENT_SECRET")?))
///     .session(Sessions::cookie(secrets.read()?))
///     .build()?;
/// auth.watch_secrets_file(&secrets);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct SecretsFile {
    path: PathBuf,
}

/// Why a secrets file gave no secrets; holds none of them.
#[derive(Debug)]
#[non_exhaustive]
pub enum SecretsFileError {
    /// It cannot be read, or is no text of at most 64 KB.
    Unreadable(PathBuf, io::Error),
    /// What it says cannot be used; the error names the line.
    Unfit(PathBuf, KeyRingError),
}

impl SecretsFile {
    /// Names the file; nothing is read yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Reads the secrets as they count now, by the machine's clock: for [`Sessions`](crate::Sessions) at start. Blocks.
    ///
    /// # Errors
    /// [`SecretsFileError`], each variant as it says.
    pub fn read(&self) -> Result<Vec<SecretString>, SecretsFileError> {
        let text = read_text_here(&self.path, MAX_BYTES);
        Known::default().secrets(&self.path, text, SystemClock::new().now())
    }

    /// The file as what it is read from every few seconds.
    pub(crate) fn source(&self) -> impl SecretsSource {
        let path = self.path.clone();
        Reader {
            path: self.path.clone(),
            read: Box::new(move || read_text(path.clone(), MAX_BYTES)),
            known: Known::default(),
        }
    }
}

struct Reader {
    path: PathBuf,
    read: Box<dyn Fn() -> BoxFuture<'static, io::Result<String>> + Send>,
    known: Known,
}

impl SecretsSource for Reader {
    fn read(&mut self, now: UnixTime) -> BoxFuture<'_, Result<Vec<SecretString>, SecretsError>> {
        let reading = (self.read)();
        Box::pin(async move {
            let text = reading.await;
            Ok(self.known.secrets(&self.path, text, now)?)
        })
    }
}

/// The text that was read last and what it says: judging its secrets takes milliseconds for each, and it rarely changes.
#[derive(Default)]
struct Known {
    last: Option<(SecretString, DatedSecrets)>,
}

impl Known {
    fn secrets(
        &mut self,
        path: &Path,
        text: io::Result<String>,
        now: UnixTime,
    ) -> Result<Vec<SecretString>, SecretsFileError> {
        let text = text.map_err(|error| SecretsFileError::Unreadable(path.to_owned(), error))?;
        let text = SecretString::new(text);
        if let Some((known, secrets)) = &self.last
            && known.matches(text.expose())
        {
            // The text is the same and the time is not: another line may have come of age.
            return Ok(secrets.secrets(now.seconds()));
        }
        let dated =
            DatedSecrets::parse(text.expose()).map_err(|error| SecretsFileError::Unfit(path.to_owned(), error))?;
        let secrets = dated.secrets(now.seconds());
        self.last = Some((text, dated));
        Ok(secrets)
    }
}

impl std::fmt::Display for SecretsFileError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreadable(path, _) => write!(f, "secrets file {} cannot be read", path.display()),
            Self::Unfit(path, _) => write!(f, "secrets file {} cannot be used", path.display()),
        }
    }
}

impl std::error::Error for SecretsFileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable(_, error) => Some(error),
            Self::Unfit(_, error) => Some(error),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests;
