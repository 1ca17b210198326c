//! Files that come in pieces: what has arrived waits on disk, across restarts, until the rest does. The
//! whole then goes the way of every upload. A partial file is known to the process that began it only.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use hub_model::{DatasetId, Principal, UploadId};
use hub_registry::UploadState;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use tokio::{fs, io::AsyncWriteExt};

use crate::{App, AppError, Body, UploadRequest, jobs::Terms, modes, pace::Paced};

/// How long a partial file waits for its next piece.
const KEPT: TimeDelta = TimeDelta::hours(24);

/// How many partial files wait at once.
const MAX_PARTIAL: usize = 1_000;

/// A file of which a part has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartialUpload {
    /// The upload it becomes.
    pub id: UploadId,
    /// How many of its bytes are here.
    pub offset: u64,
    /// How many it has.
    pub length: u64,
    /// When what is here is let go, unless more comes.
    pub expires_at: DateTime<Utc>,
}

/// The checksum of one piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PieceChecksum {
    /// SHA-1, which every client of the protocol knows.
    Sha1(Vec<u8>),
    /// SHA-256.
    Sha256(Vec<u8>),
}

/// What is kept beside a partial file. It is added to and never changed.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct PartialV1 {
    request: UploadRequest,
    length: u64,
    created_at: DateTime<Utc>,
    /// Whether all of it came and it is an upload now.
    #[serde(default)]
    is_done: bool,
}

/// One writer a file; a second one is told to wait.
#[derive(Debug, Clone, Default)]
pub(crate) struct Writers(Arc<Mutex<HashMap<UploadId, ()>>>);

pub(crate) struct Writing {
    id: UploadId,
    writers: Writers,
}

impl Writers {
    pub(crate) fn begin(&self, id: UploadId) -> Result<Writing, AppError> {
        match self.0.lock().insert(id, ()) {
            None => Ok(Writing { id, writers: self.clone() }),
            Some(()) => Err(AppError::PieceUnderWay { upload: id }),
        }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.writers.0.lock().remove(&self.id);
    }
}

impl App {
    /// Begins a file of this length, of which nothing has come yet.
    pub async fn begin_partial(
        &self,
        principal: &Principal,
        request: UploadRequest,
        length: u64,
    ) -> Result<PartialUpload, AppError> {
        if self.inner.stopping.is_cancelled() {
            return Err(AppError::Stopping);
        }
        let dataset = self.writable_dataset(principal, &request.dataset).await?;
        modes::check_mode(request.mode, &dataset.contract)?;
        let max_bytes = self.inner.config.max_upload_bytes;
        if length > max_bytes {
            return Err(AppError::UploadTooLarge { max_bytes });
        }
        let folder = &self.inner.config.partial_folder;
        fs::create_dir_all(folder).await.map_err(AppError::Scratch)?;
        if self.sweep_partial().await? >= MAX_PARTIAL {
            return Err(AppError::Busy("files that come in pieces"));
        }
        let id = UploadId::generate();
        fs::File::create_new(self.partial_path(&id, "part")).await.map_err(AppError::Scratch)?;
        let partial =
            PartialV1 { request, length, created_at: self.inner.clock.now(), is_done: false };
        self.write_partial(&id, &partial).await?;
        self.look_at(&id, &partial).await
    }

    /// How much of a file has come. Where that is all of it and it was not taken in, because the hub ended,
    /// had no place for it or could not keep it just then, it is taken in now: who hears that all is here
    /// sends no more. So that is not said of an upload that came to nothing either.
    pub async fn partial(
        &self,
        principal: &Principal,
        dataset: &DatasetId,
        id: &UploadId,
    ) -> Result<PartialUpload, AppError> {
        let partial = self.read_partial(principal, dataset, id).await?;
        let now = self.look_at(id, &partial).await?;
        if now.offset < now.length {
            return Ok(now);
        }
        if !partial.is_done {
            let writing = self.inner.writers.begin(*id)?;
            // A piece that was coming may have been the last meanwhile.
            let partial = self.read_partial(principal, dataset, id).await?;
            if !partial.is_done {
                self.finish_partial(principal, id, partial, writing).await?;
            }
        }
        self.check_taken_in(id).await?;
        Ok(now)
    }

    /// Adds a piece that begins at `offset`. What came of a piece that breaks off stays, unless it has a
    /// checksum. With the last piece the file is an upload that is worked on.
    pub async fn append_partial(
        &self,
        principal: &Principal,
        dataset: &DatasetId,
        id: &UploadId,
        offset: u64,
        checksum: Option<PieceChecksum>,
        body: Body,
    ) -> Result<PartialUpload, AppError> {
        let partial = self.read_partial(principal, dataset, id).await?;
        let writing = self.inner.writers.begin(*id)?;
        let before = self.look_at(id, &partial).await?;
        if before.offset != offset {
            return Err(AppError::OffsetMismatch { expected: before.offset, received: offset });
        }
        if partial.is_done {
            self.check_taken_in(id).await?;
            return Ok(before);
        }
        let path = self.partial_path(id, "part");
        let appended = append(
            &path,
            partial.length - offset,
            Duration::from_millis(self.inner.config.body_pause_ms),
            checksum.as_ref(),
            body,
        );
        match appended.await {
            Ok(bytes) => {
                self.inner.metrics.bytes_received.inc_by(bytes);
            }
            Err(error) => {
                if checksum.is_some() || matches!(error, AppError::InvalidRequest(_)) {
                    cut(&path, offset).await?;
                }
                return Err(error);
            }
        }
        let now = self.look_at(id, &partial).await?;
        if now.offset == now.length {
            self.finish_partial(principal, id, partial, writing).await?;
        }
        Ok(now)
    }

    /// Lets a partial file go.
    pub async fn drop_partial(
        &self,
        principal: &Principal,
        dataset: &DatasetId,
        id: &UploadId,
    ) -> Result<(), AppError> {
        self.read_partial(principal, dataset, id).await?;
        let _writing = self.inner.writers.begin(*id)?;
        self.remove_partial(id).await
    }

    /// Takes in a file that is here whole, also if the client leaves: half of it would look like an upload
    /// whose file is kept.
    async fn finish_partial(
        &self,
        principal: &Principal,
        id: &UploadId,
        partial: PartialV1,
        writing: Writing,
    ) -> Result<(), AppError> {
        let (app, principal, id) = (self.clone(), principal.clone(), *id);
        let work = self.inner.tasks.spawn(async move {
            let _writing = writing;
            app.take_in(&principal, &id, partial).await
        });
        work.await.map_err(|error| AppError::Broken(error.to_string()))?
    }

    async fn take_in(
        &self,
        principal: &Principal,
        id: &UploadId,
        mut partial: PartialV1,
    ) -> Result<(), AppError> {
        let dataset = self.writable_dataset(principal, &partial.request.dataset).await?;
        // It may be an upload already, if only that was not written down here.
        if self.inner.registry.upload(id).await?.is_none() {
            let spooled = self.adopt(&id.to_string(), &self.partial_path(id, "part")).await?;
            let request = partial.request.clone();
            let accepted =
                self.accept(principal, dataset, request, *id, spooled, None, Terms::Job).await;
            accepted.map_err(|error| error.of_file_at_hand(*id))?;
        }
        // What came is kept with the upload now; here it is only remembered that it came.
        partial.is_done = true;
        self.write_partial(id, &partial).await?;
        match fs::remove_file(self.partial_path(id, "part")).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(AppError::Scratch(error))
            }
            _ => Ok(()),
        }
    }

    /// Whether the upload that a whole file became has not failed: then the file is gone.
    async fn check_taken_in(&self, id: &UploadId) -> Result<(), AppError> {
        match self.inner.registry.upload(id).await? {
            Some(upload) if upload.state == UploadState::Failed => {
                Err(AppError::CameToNothing { upload: *id })
            }
            _ => Ok(()),
        }
    }

    /// Whether all of a file is here that was not taken in.
    pub(crate) async fn is_whole_partial(&self, id: &UploadId) -> Result<bool, AppError> {
        let Some(partial) = self.parse_partial(id).await?.filter(|partial| !partial.is_done) else {
            return Ok(false);
        };
        let now = self.look_at(id, &partial).await?;
        Ok(now.offset == now.length)
    }

    /// Removes partial files that nothing was added to for long, and answers how many are left.
    pub(crate) async fn sweep_partial(&self) -> Result<usize, AppError> {
        let mut left = 0;
        let mut folder = match fs::read_dir(&self.inner.config.partial_folder).await {
            Ok(folder) => folder,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(AppError::Scratch(error)),
        };
        while let Some(entry) = folder.next_entry().await.map_err(AppError::Scratch)? {
            let name = entry.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".json"));
            let Some(id) = id.and_then(|id| id.parse::<UploadId>().ok()) else { continue };
            let expired = match self.parse_partial(&id).await {
                Ok(Some(partial)) => {
                    self.look_at(&id, &partial).await?.expires_at < self.inner.clock.now()
                }
                // One that can't be read can't be gone on with either.
                Ok(None) | Err(_) => true,
            };
            match self.inner.writers.begin(id) {
                Ok(_writing) if expired => self.remove_partial(&id).await?,
                _ => left += 1,
            }
        }
        Ok(left)
    }

    async fn remove_partial(&self, id: &UploadId) -> Result<(), AppError> {
        for ending in ["part", "json"] {
            match fs::remove_file(self.partial_path(id, ending)).await {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(AppError::Scratch(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    async fn look_at(&self, id: &UploadId, partial: &PartialV1) -> Result<PartialUpload, AppError> {
        let (offset, touched) = if partial.is_done {
            (partial.length, partial.created_at)
        } else {
            let meta = fs::metadata(self.partial_path(id, "part")).await;
            let meta = meta.map_err(AppError::Scratch)?;
            let touched = meta.modified().map_or(partial.created_at, DateTime::<Utc>::from);
            (meta.len(), touched.max(partial.created_at))
        };
        Ok(PartialUpload { id: *id, offset, length: partial.length, expires_at: touched + KEPT })
    }

    async fn read_partial(
        &self,
        principal: &Principal,
        dataset: &DatasetId,
        id: &UploadId,
    ) -> Result<PartialV1, AppError> {
        self.writable_dataset(principal, dataset).await?;
        let partial = self.parse_partial(id).await?;
        partial
            .filter(|partial| partial.request.dataset == *dataset)
            .ok_or_else(|| AppError::not_found("upload in pieces", id))
    }

    async fn parse_partial(&self, id: &UploadId) -> Result<Option<PartialV1>, AppError> {
        match fs::read(self.partial_path(id, "json")).await {
            Ok(json) => serde_json::from_slice(&json)
                .map(Some)
                .map_err(|error| AppError::Broken(format!("a partial file's record: {error}"))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(AppError::Scratch(error)),
        }
    }

    async fn write_partial(&self, id: &UploadId, partial: &PartialV1) -> Result<(), AppError> {
        let json =
            serde_json::to_vec(partial).map_err(|error| AppError::Broken(error.to_string()))?;
        // Whoever reads it must find the old one or the new one.
        let new = self.partial_path(id, "new");
        fs::write(&new, json).await.map_err(AppError::Scratch)?;
        fs::rename(new, self.partial_path(id, "json")).await.map_err(AppError::Scratch)
    }

    fn partial_path(&self, id: &UploadId, ending: &str) -> PathBuf {
        self.inner.config.partial_folder.join(format!("{id}.{ending}"))
    }
}

/// Writes a piece to the end of a file, which may grow by `room` bytes, and answers how many came.
async fn append(
    path: &Path,
    room: u64,
    pause: Duration,
    checksum: Option<&PieceChecksum>,
    body: Body,
) -> Result<u64, AppError> {
    let mut body = Paced::new(body, pause);
    let file = fs::OpenOptions::new().append(true).open(path).await;
    let mut file = file.map_err(AppError::Scratch)?;
    let (mut sha1, mut sha256) = (Sha1::new(), Sha256::new());
    let mut came = 0;
    let outcome = loop {
        let chunk = match body.next().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break Ok(came),
            Err(error) => break Err(error),
        };
        came += chunk.len() as u64;
        if came > room {
            let said = "the piece is longer than what is left of the file; nothing of it was taken";
            break Err(AppError::InvalidRequest(said.to_owned()));
        }
        match checksum {
            Some(PieceChecksum::Sha1(_)) => sha1.update(&chunk),
            Some(PieceChecksum::Sha256(_)) => sha256.update(&chunk),
            None => {}
        }
        file.write_all(&chunk).await.map_err(AppError::Scratch)?;
    };
    // What is acknowledged must be there after a power cut too.
    file.flush().await.map_err(AppError::Scratch)?;
    file.sync_data().await.map_err(AppError::Scratch)?;
    let agrees = match checksum {
        Some(PieceChecksum::Sha1(expected)) => sha1.finalize()[..] == expected[..],
        Some(PieceChecksum::Sha256(expected)) => sha256.finalize()[..] == expected[..],
        None => true,
    };
    match outcome {
        Ok(_) if !agrees => Err(AppError::PieceMismatch),
        outcome => outcome,
    }
}

async fn cut(path: &Path, length: u64) -> Result<(), AppError> {
    let file = fs::OpenOptions::new().write(true).open(path).await.map_err(AppError::Scratch)?;
    file.set_len(length).await.map_err(AppError::Scratch)
}
