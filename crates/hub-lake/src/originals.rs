//! Uploaded files as they came, byte for byte, and what was kept back of them, beside the versions that
//! were made of them: under `_uploads/<upload>/` in the dataset's folder, where neither the log nor vacuum
//! looks. It must not know what is in a file, nor who may have it.

use std::{ops::Range, path::Path as LocalPath, time::Duration};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use hub_model::{DatasetId, UploadId};
use object_store::{
    GetOptions, GetRange, ObjectStoreExt, PutPayload, buffered::BufWriter, path::Path,
};
use tokio::io::AsyncWriteExt;

use crate::{Lake, LakeError};

/// The folder of a dataset's uploads, and the names in an upload's own.
const FOLDER: &str = "_uploads";
const FILE: &str = "original";
const RECORD: &str = "request.json";
const KEPT_BACK: &str = "kept_back.csv";
/// What comes by a link. Whoever has the link may write it again, so it is never the file that is kept.
const SENT: &str = "sent";

/// A kept file, or a part of it, being read.
pub struct Original {
    /// The size of the whole file, in bytes.
    pub size: u64,
    /// Which of its bytes these are.
    pub range: Range<u64>,
    /// The bytes.
    pub bytes: BoxStream<'static, std::io::Result<Bytes>>,
}

impl std::fmt::Debug for Original {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Original")
            .field("size", &self.size)
            .field("range", &self.range)
            .finish_non_exhaustive()
    }
}

/// One thing that is kept of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptUpload {
    /// The upload's id.
    pub id: UploadId,
    /// When it was written.
    pub written_at: DateTime<Utc>,
    /// Whether it is what came by the upload's link.
    pub is_sent: bool,
}

impl Lake {
    /// Keeps a local file as an upload's original, in the place of any that is there. Readers see the
    /// whole of it or nothing.
    pub async fn keep_original(
        &self,
        dataset: &DatasetId,
        upload: &UploadId,
        file: &LocalPath,
    ) -> Result<(), LakeError> {
        self.keep_file(self.upload_path(dataset, upload, FILE)?, file).await
    }

    /// Keeps a local file as the rows that were kept back of an upload. As [`Self::keep_original`]
    /// otherwise.
    pub async fn keep_kept_back(
        &self,
        dataset: &DatasetId,
        upload: &UploadId,
        file: &LocalPath,
    ) -> Result<(), LakeError> {
        self.keep_file(self.upload_path(dataset, upload, KEPT_BACK)?, file).await
    }

    async fn keep_file(&self, path: Path, file: &LocalPath) -> Result<(), LakeError> {
        let scratch = |source| LakeError::Scratch { source };
        let mut file = tokio::fs::File::open(file).await.map_err(scratch)?;
        let mut writer = BufWriter::new(self.object_store(), path);
        let kept = match tokio::io::copy(&mut file, &mut writer).await {
            Ok(_) => writer.shutdown().await,
            Err(error) => {
                // What was written of it before is of no use; the store may be away for good.
                let _ = writer.abort().await;
                Err(error)
            }
        };
        kept.map_err(|error| LakeError::Store {
            action: "keeping an uploaded file",
            source: object_store::Error::Generic { store: "lake", source: error.into() },
        })
    }

    /// An upload's original, or the bytes of it from `first` up to but not including `end`; `None` where
    /// it is not kept, or where no byte of it is in the range.
    pub async fn original(
        &self,
        dataset: &DatasetId,
        upload: &UploadId,
        range: Option<Range<u64>>,
    ) -> Result<Option<Original>, LakeError> {
        self.kept_file(self.upload_path(dataset, upload, FILE)?, range).await
    }

    /// The rows that were kept back of an upload, where there are some and they are kept.
    pub async fn kept_back(
        &self,
        dataset: &DatasetId,
        upload: &UploadId,
    ) -> Result<Option<Original>, LakeError> {
        self.kept_file(self.upload_path(dataset, upload, KEPT_BACK)?, None).await
    }

    async fn kept_file(
        &self,
        path: Path,
        range: Option<Range<u64>>,
    ) -> Result<Option<Original>, LakeError> {
        let range = range.map(GetRange::Bounded);
        let options = GetOptions { range, ..GetOptions::default() };
        match self.object_store().get_opts(&path, options).await {
            Ok(found) => Ok(Some(Original {
                size: found.meta.size,
                range: found.range.clone(),
                bytes: found.into_stream().map_err(std::io::Error::other).boxed(),
            })),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(LakeError::Store { action: "reading a kept file", source }),
        }
    }

    /// The size of an upload's original in bytes, where it is kept.
    pub async fn original_size(
        &self,
        dataset: &DatasetId,
        upload: &UploadId,
    ) -> Result<Option<u64>, LakeError> {
        match self.object_store().head(&self.upload_path(dataset, upload, FILE)?).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(LakeError::Store { action: "looking for a kept file", source }),
        }
    }

    /// Keeps what was asked for with an upload, so that any process can take the work up.
    pub async fn keep_upload_record(
        &self,
        dataset: &DatasetId,
        upload: &UploadId,
        json: Vec<u8>,
    ) -> Result<(), LakeError> {
        let path = self.upload_path(dataset, upload, RECORD)?;
        let put = self.object_store().put(&path, PutPayload::from(json)).await;
        put.map(drop).map_err(LakeError::store("keeping an upload's record"))
    }

    /// What was asked for with an upload, where it is kept.
    pub async fn upload_record(
        &self,
        dataset: &DatasetId,
        upload: &UploadId,
    ) -> Result<Option<Bytes>, LakeError> {
        let reading = "reading an upload's record";
        match self.object_store().get(&self.upload_path(dataset, upload, RECORD)?).await {
            Ok(found) => found.bytes().await.map(Some).map_err(LakeError::store(reading)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(LakeError::Store { action: reading, source }),
        }
    }

    /// Deletes whatever is kept of an upload. Its version, if it became one, stays.
    pub async fn forget_upload(
        &self,
        dataset: &DatasetId,
        upload: &UploadId,
    ) -> Result<(), LakeError> {
        for name in [FILE, RECORD, KEPT_BACK, SENT] {
            self.forget(dataset, upload, name).await?;
        }
        Ok(())
    }

    async fn forget(
        &self,
        dataset: &DatasetId,
        upload: &UploadId,
        name: &str,
    ) -> Result<(), LakeError> {
        match self.object_store().delete(&self.upload_path(dataset, upload, name)?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(LakeError::Store { action: "deleting a kept file", source }),
        }
    }

    /// What is kept of a dataset's uploads, one by one as the store lists it.
    pub fn kept_uploads(
        &self,
        dataset: &DatasetId,
    ) -> Result<BoxStream<'static, Result<KeptUpload, LakeError>>, LakeError> {
        let folder = self.table(dataset)?.folder.clone().join(FOLDER);
        let depth = folder.parts_count();
        let listing = self.object_store().list(Some(&folder));
        let kept = listing.try_filter_map(move |object| {
            let mut parts = object.location.parts().skip(depth);
            let id = parts.next().and_then(|part| part.as_ref().parse::<UploadId>().ok());
            let is_sent = parts.next().is_some_and(|name| name.as_ref() == SENT);
            let kept = id.map(|id| KeptUpload { id, written_at: object.last_modified, is_sent });
            futures::future::ready(Ok(kept))
        });
        Ok(kept.map_err(|source| LakeError::Store { action: "listing kept files", source }).boxed())
    }

    /// An address by which whoever has it may send an upload's file, again too, until it expires, without
    /// passing through the hub; `None` where the store offers none, as a local folder.
    pub async fn upload_link(
        &self,
        dataset: &DatasetId,
        upload: &UploadId,
        expires_in: Duration,
    ) -> Result<Option<String>, LakeError> {
        let Some((signer, prefix)) = self.signer() else { return Ok(None) };
        let path = self.upload_path(dataset, upload, SENT)?;
        let path: Path = prefix.parts().chain(path.parts()).collect();
        let link = signer.signed_url(http::Method::PUT, &path, expires_in).await;
        link.map(|url| Some(url.into())).map_err(LakeError::store("signing a link"))
    }

    /// What came by an upload's link, where something did. It may be another file the next time.
    pub async fn sent(
        &self,
        dataset: &DatasetId,
        upload: &UploadId,
    ) -> Result<Option<Original>, LakeError> {
        self.kept_file(self.upload_path(dataset, upload, SENT)?, None).await
    }

    /// Deletes what came by an upload's link.
    pub async fn forget_sent(
        &self,
        dataset: &DatasetId,
        upload: &UploadId,
    ) -> Result<(), LakeError> {
        self.forget(dataset, upload, SENT).await
    }

    fn upload_path(
        &self,
        dataset: &DatasetId,
        upload: &UploadId,
        name: &str,
    ) -> Result<Path, LakeError> {
        let folder = self.table(dataset)?.folder.clone();
        Ok(folder.join(FOLDER).join(upload.to_string()).join(name))
    }
}
