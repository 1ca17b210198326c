//! The files themselves, as their senders sent them: kept with every upload that was committed or
//! rejected, read by the agency, and let go when a person or the retention says so.

use std::{collections::HashSet, ops::Range};

use chrono::Duration;
use futures::StreamExt;
use hub_lake::Original;
use hub_model::{DatasetId, Principal, UploadId};
use hub_registry::{UploadRecord, UploadState};

use crate::{
    App, AppError,
    jobs::StoredRequestV1,
    policy::{Action, permit},
    spool::Spooled,
};

/// How long what an upload left is spared that the registry knows nothing of. A link to upload by is
/// valid for less.
const UNKNOWN_KEPT: Duration = Duration::hours(48);

/// An uploaded file, or a part of it.
#[derive(Debug)]
pub struct OriginalFile {
    /// What is recorded of the upload: the file's name and checksum.
    pub upload: UploadRecord,
    /// The media type it was sent with.
    pub media_type: Option<String>,
    /// Its bytes.
    pub original: Original,
}

impl App {
    /// Keeps a received file and what was asked for with it. After this any process can take the
    /// upload up.
    pub(crate) async fn keep_original(
        &self,
        upload: &UploadRecord,
        stored: &StoredRequestV1,
        spooled: &Spooled,
    ) -> Result<(), AppError> {
        let (lake, dataset, id) = (&self.inner.lake, &upload.dataset, &upload.id);
        lake.keep_original(dataset, id, spooled.path()).await?;
        Ok(lake.keep_upload_record(dataset, id, stored.to_json()?).await?)
    }

    /// Deletes what is kept of an upload; where that fails, upkeep comes to it later.
    pub(crate) async fn forget_original(&self, dataset: &DatasetId, id: &UploadId) {
        if let Err(error) = self.inner.lake.forget_upload(dataset, id).await {
            tracing::warn!(%error, upload = %id, "a kept file could not be removed");
        }
    }

    /// The size of an upload's file in bytes, for those who may see the agency's uploads.
    pub async fn original_size(
        &self,
        principal: &Principal,
        dataset: &DatasetId,
        id: &UploadId,
    ) -> Result<u64, AppError> {
        self.upload(principal, dataset, id).await?;
        let size = self.inner.lake.original_size(dataset, id).await?;
        size.ok_or_else(|| AppError::not_found("kept file of the upload", id))
    }

    /// An upload's file, or a range of its bytes, for those who may see the agency's uploads.
    pub async fn original(
        &self,
        principal: &Principal,
        dataset: &DatasetId,
        id: &UploadId,
        range: Option<Range<u64>>,
    ) -> Result<OriginalFile, AppError> {
        let upload = self.upload(principal, dataset, id).await?;
        let original = self.inner.lake.original(dataset, id, range).await?;
        let original =
            original.ok_or_else(|| AppError::not_found("kept file of the upload", id))?;
        let stored = self.stored_request(dataset, id).await?;
        let media_type = stored.and_then(|stored| stored.request.hint.media_type);
        Ok(OriginalFile { upload, media_type, original })
    }

    /// Deletes an upload's file for good. Its record, its report and the version it became stay.
    pub async fn remove_original(
        &self,
        principal: &Principal,
        dataset: &DatasetId,
        id: &UploadId,
    ) -> Result<(), AppError> {
        permit(principal, Action::WriteDatasets(dataset.agency()))?;
        let upload = self.upload(principal, dataset, id).await?;
        if !upload.state.is_finished() {
            return Err(AppError::StillChecked { upload: *id });
        }
        Ok(self.inner.lake.forget_upload(dataset, id).await?)
    }

    /// Lets go of what is kept of a dataset's uploads that nobody needs any more: rejected ones after
    /// their time, and what failed uploads and unused links left.
    pub(crate) async fn drop_old_originals(&self, dataset: &DatasetId) -> Result<u64, AppError> {
        let now = self.inner.clock.now();
        let keep_rejected = i64::try_from(self.inner.config.keep_rejected_s).unwrap_or(i64::MAX);
        let keep_rejected = Duration::try_seconds(keep_rejected).unwrap_or(Duration::MAX);
        let mut kept = self.inner.lake.kept_uploads(dataset)?;
        let (mut seen, mut dropped) = (HashSet::new(), 0);
        while let Some(kept) = kept.next().await.transpose()? {
            // A folder's files come one after another, so the last id is enough in most stores.
            if seen.len() > 1_000 {
                seen.clear();
            }
            if !seen.insert((kept.id, kept.is_sent)) {
                continue;
            }
            let upload = self.inner.registry.upload(&kept.id).await?;
            let state = upload.as_ref().map(|upload| upload.state);
            match what_goes(state, kept.is_sent, now - kept.written_at, keep_rejected) {
                Goes::Nothing => {}
                Goes::Sent => self.inner.lake.forget_sent(dataset, &kept.id).await?,
                Goes::All => {
                    self.inner.lake.forget_upload(dataset, &kept.id).await?;
                    dropped += 1;
                }
            }
        }
        Ok(dropped)
    }
}

/// What of an upload is let go.
#[derive(Debug, PartialEq, Eq)]
enum Goes {
    Nothing,
    /// What came by its link.
    Sent,
    All,
}

/// What goes of an upload in this state, of which something of this age was found.
fn what_goes(
    state: Option<UploadState>,
    is_sent: bool,
    age: Duration,
    keep_rejected: Duration,
) -> Goes {
    match state {
        // The upload's file is a copy of it, and what is sent after that is nobody's.
        Some(state) if is_sent && state.is_finished() => Goes::Sent,
        None | Some(UploadState::Failed) if age > UNKNOWN_KEPT => Goes::All,
        Some(UploadState::Rejected) if age > keep_rejected => Goes::All,
        _ => Goes::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_by_a_link_goes_when_nobody_needs_it() {
        use UploadState::{Checking, Committed, Failed, Receiving, Rejected};
        let (hour, days) = (Duration::hours(1), Duration::days(3));
        let goes = |state, is_sent, age| what_goes(state, is_sent, age, Duration::days(90));
        // Nobody said yet that it is there, and then nobody ever did.
        assert_eq!(goes(None, true, hour), Goes::Nothing);
        assert_eq!(goes(None, true, days), Goes::All);
        for state in [Receiving, Checking] {
            assert_eq!(goes(Some(state), true, days), Goes::Nothing);
        }
        for state in [Committed, Rejected, Failed] {
            assert_eq!(goes(Some(state), true, hour), Goes::Sent);
            assert_eq!(goes(Some(state), false, hour), Goes::Nothing);
        }
        assert_eq!(goes(Some(Committed), false, Duration::days(9_000)), Goes::Nothing);
        assert_eq!(goes(Some(Rejected), false, Duration::days(91)), Goes::All);
    }
}
