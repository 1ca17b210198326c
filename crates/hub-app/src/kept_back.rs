//! Rows that are kept back of an upload: gathered in a file beside it while it is checked, kept in the
//! store with it, and read by the agency, which mends them and sends them again.

use std::io::BufWriter;

use hub_intake::{KeptBack, KeptBackCsv};
use hub_model::{DatasetId, Principal, UploadId};
use hub_registry::{UploadRecord, UploadState};
use tempfile::NamedTempFile;

use crate::{App, AppError, OriginalFile};

/// The media type of the file.
const CSV: &str = "text/csv; charset=utf-8";

/// Gathers kept-back rows; nothing is written while there are none.
#[derive(Debug)]
pub(crate) struct Gathering<'a> {
    folder: &'a std::path::Path,
    csv: Option<KeptBackCsv<BufWriter<NamedTempFile>>>,
}

impl<'a> Gathering<'a> {
    /// Into a file in this folder.
    pub(crate) fn new(folder: &'a std::path::Path) -> Self {
        Self { folder, csv: None }
    }

    pub(crate) fn push(&mut self, kept: &KeptBack) -> std::io::Result<()> {
        let csv = match &mut self.csv {
            Some(csv) => csv,
            none => {
                none.insert(KeptBackCsv::new(BufWriter::new(NamedTempFile::new_in(self.folder)?)))
            }
        };
        csv.push(kept)
    }

    /// The file, where there are rows in it. It is deleted when this is dropped.
    pub(crate) fn finish(self) -> Result<Option<NamedTempFile>, AppError> {
        let file = self.csv.map(|csv| csv.finish()?.into_inner().map_err(|e| e.into_error()));
        file.transpose().map_err(AppError::Scratch)
    }
}

impl App {
    /// Keeps the rows that were kept back of an upload. What is published must not be more than what can
    /// be mended, so this comes before it.
    pub(crate) async fn keep_kept_back(
        &self,
        upload: &UploadRecord,
        rows: Option<NamedTempFile>,
    ) -> Result<(), AppError> {
        let Some(rows) = rows else { return Ok(()) };
        let (dataset, id) = (&upload.dataset, &upload.id);
        Ok(self.inner.lake.keep_kept_back(dataset, id, rows.path()).await?)
    }

    /// The rows that were kept back of a published upload, as a CSV that can be mended and sent again; for
    /// those who may see the agency's uploads.
    pub async fn kept_back(
        &self,
        principal: &Principal,
        dataset: &DatasetId,
        id: &UploadId,
    ) -> Result<OriginalFile, AppError> {
        let upload = self.upload(principal, dataset, id).await?;
        let none = || AppError::NoKeptBack { upload: *id };
        if upload.state != UploadState::Committed {
            return Err(none());
        }
        let original = self.inner.lake.kept_back(dataset, id).await?.ok_or_else(none)?;
        Ok(OriginalFile { upload, media_type: Some(CSV.to_owned()), original })
    }
}
