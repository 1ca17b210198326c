//! An upload's bytes on their way to a local file: counted, limited and hashed, never held whole.

use std::{
    path::{Path, PathBuf},
    pin::Pin,
    time::Duration,
};

use bytes::Bytes;
use futures::Stream;
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;

use crate::{App, AppError, pace::Paced};

/// A request's body as it arrives.
pub type Body = Pin<Box<dyn Stream<Item = Result<Bytes, std::io::Error>> + Send>>;

/// A received file. It is deleted when this is dropped.
#[derive(Debug)]
pub(crate) struct Spooled {
    path: PathBuf,
    pub(crate) bytes: u64,
    pub(crate) sha256: [u8; 32],
}

impl Spooled {
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn open(&self) -> Result<std::fs::File, AppError> {
        std::fs::File::open(&self.path).map_err(AppError::Scratch)
    }

    /// Refuses a file that is not the one its sender announced.
    pub(crate) fn check(&self, expected: Option<[u8; 32]>) -> Result<(), AppError> {
        match expected {
            Some(expected) if expected != self.sha256 => Err(AppError::ChecksumMismatch {
                expected: hex(&expected),
                received: hex(&self.sha256),
            }),
            _ => Ok(()),
        }
    }
}

impl Drop for Spooled {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(%error, "a received file could not be removed");
        }
    }
}

impl App {
    /// Takes a file that was received before into the scratch folder under `name`; the file itself stays
    /// where it is.
    pub(crate) async fn adopt(&self, name: &str, file: &Path) -> Result<Spooled, AppError> {
        let path = self.inner.config.scratch_folder.join(name);
        // A name that a request left behind may be one of this very file, which a copy over it would empty.
        match tokio::fs::remove_file(&path).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(AppError::Scratch(error));
            }
            _ => {}
        }
        // One file with two names where the disk can do that: nothing is written twice.
        if tokio::fs::hard_link(file, &path).await.is_err() {
            tokio::fs::copy(file, &path).await.map_err(AppError::Scratch)?;
        }
        let mut spooled = Spooled { path, bytes: 0, sha256: [0; 32] };
        let hashed = spooled.open()?;
        let (bytes, sha256) = tokio::task::spawn_blocking(move || digest(hashed))
            .await
            .map_err(|error| AppError::Broken(error.to_string()))?
            .map_err(AppError::Scratch)?;
        (spooled.bytes, spooled.sha256) = (bytes, sha256);
        Ok(spooled)
    }

    /// Receives a body into the scratch folder under `name`.
    pub(crate) async fn spool(&self, name: &str, body: Body) -> Result<Spooled, AppError> {
        let max_bytes = self.inner.config.max_upload_bytes;
        let mut body = Paced::new(body, Duration::from_millis(self.inner.config.body_pause_ms));
        let path = self.inner.config.scratch_folder.join(name);
        let mut file = tokio::fs::File::create_new(&path).await.map_err(AppError::Scratch)?;
        let mut spooled = Spooled { path, bytes: 0, sha256: [0; 32] };
        let mut hash = Sha256::new();
        while let Some(chunk) = body.next().await? {
            spooled.bytes += chunk.len() as u64;
            if spooled.bytes > max_bytes {
                return Err(AppError::UploadTooLarge { max_bytes });
            }
            hash.update(&chunk);
            file.write_all(&chunk).await.map_err(AppError::Scratch)?;
        }
        file.flush().await.map_err(AppError::Scratch)?;
        spooled.sha256 = hash.finalize().into();
        self.inner.metrics.bytes_received.inc_by(spooled.bytes);
        Ok(spooled)
    }
}

/// A file's length and SHA-256.
fn digest(mut file: std::fs::File) -> std::io::Result<(u64, [u8; 32])> {
    use std::io::Read;
    let (mut hash, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 20]);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((bytes, hash.finalize().into()));
        }
        hash.update(&buffer[..read]);
        bytes += read as u64;
    }
}

/// Writes bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
