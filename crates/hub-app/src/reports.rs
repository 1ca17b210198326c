//! An upload's report, and the copy of its workbook in which the report's cells are marked.

use std::fs::File;

use hub_model::{DatasetId, Principal, UploadId, UploadReport};
use hub_registry::UploadRecord;

use crate::{App, AppError};

/// The formats whose files can be marked, as reports call them.
const WORKBOOKS: [&str; 2] = ["xlsx", "xls"];

/// A marked copy of an upload's workbook.
#[derive(Debug)]
pub struct MarkedCopy {
    /// What is recorded of the upload.
    pub upload: UploadRecord,
    /// The copy, at its beginning. It has no name and is gone when this is dropped.
    pub file: File,
    /// Its size in bytes.
    pub size: u64,
}

impl App {
    /// An upload and its report, for those who may see the agency's uploads.
    pub async fn report(
        &self,
        principal: &Principal,
        dataset: &DatasetId,
        id: &UploadId,
    ) -> Result<(UploadRecord, UploadReport), AppError> {
        let mut upload = self.upload(principal, dataset, id).await?;
        let report = upload.report.take();
        let report = report.ok_or_else(|| AppError::not_found("report of the upload", id))?;
        Ok((upload, report))
    }

    /// A copy of an upload's workbook in which every cell that the report lists is marked, for those who
    /// may see the agency's uploads. It takes a place among the uploads that are worked on.
    pub async fn marked_copy(
        &self,
        principal: &Principal,
        dataset: &DatasetId,
        id: &UploadId,
    ) -> Result<MarkedCopy, AppError> {
        let (upload, report) = self.report(principal, dataset, id).await?;
        if !WORKBOOKS.contains(&report.format.as_str()) {
            return Err(AppError::NoWorkbook { format: report.format });
        }
        let place = self.upload_place()?;
        let original = self.inner.lake.original(dataset, id, None).await?;
        let original =
            original.ok_or_else(|| AppError::not_found("kept file of the upload", id))?;
        // Several may ask at once, so the file has a name of its own.
        let name = format!("{id}.{}", UploadId::generate());
        let spooled = self.spool(&name, original.bytes).await?;
        let app = self.clone();
        let marked = tokio::task::spawn_blocking(move || {
            let _place = place;
            let config = &app.inner.config;
            let mut file =
                tempfile::tempfile_in(&config.scratch_folder).map_err(AppError::Scratch)?;
            let copy = file.try_clone().map_err(AppError::Scratch)?;
            config.decoding.mark(spooled.open()?, &report, copy)?;
            let size = file.metadata().map_err(AppError::Scratch)?.len();
            std::io::Seek::rewind(&mut file).map_err(AppError::Scratch)?;
            Ok::<_, AppError>((file, size))
        });
        let (file, size) = marked.await.map_err(|error| AppError::Broken(error.to_string()))??;
        Ok(MarkedCopy { upload, file, size })
    }
}
