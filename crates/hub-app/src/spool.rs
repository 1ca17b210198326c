//! An upload's bytes on their way to a local file: counted, limited and hashed, never held whole.

use std::{path::PathBuf, pin::Pin, time::Duration};

use bytes::Bytes;
use futures::{Stream, StreamExt};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;

use crate::{App, AppError};

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
    pub(crate) fn open(&self) -> Result<std::fs::File, AppError> {
        std::fs::File::open(&self.path).map_err(AppError::Scratch)
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
    /// Receives a body into the scratch folder under `name`.
    pub(crate) async fn spool(&self, name: &str, mut body: Body) -> Result<Spooled, AppError> {
        let max_bytes = self.inner.config.max_upload_bytes;
        let pause = Duration::from_millis(self.inner.config.body_pause_ms);
        let path = self.inner.config.scratch_folder.join(name);
        let mut file = tokio::fs::File::create_new(&path).await.map_err(AppError::Scratch)?;
        let mut spooled = Spooled { path, bytes: 0, sha256: [0; 32] };
        let mut hash = Sha256::new();
        loop {
            let chunk = tokio::time::timeout(pause, body.next()).await.map_err(|_| {
                AppError::BodyBroken(format!("nothing came for {} s", pause.as_secs()))
            })?;
            let Some(chunk) = chunk else { break };
            let chunk = chunk.map_err(|error| AppError::BodyBroken(error.to_string()))?;
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

/// Writes bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
