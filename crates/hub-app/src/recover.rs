//! After a start: what a process that died left half done comes to an end.

use chrono::Duration;
use hub_model::Text;
use hub_registry::{UploadRecord, UploadState};

use crate::{App, AppError};

/// How long nothing is heard of an upload before another node, where the registry is shared, takes it for
/// abandoned. Nodes at work say so every minute.
const SILENCE: Duration = Duration::minutes(10);

/// What was found after a start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Uploads whose data was committed, and whose record had not been.
    pub committed: u64,
    /// Uploads that had not been committed; their senders were told nothing and may send again.
    pub failed: u64,
    /// Uploads whose senders were told that the work goes on: it does.
    pub taken_up: u64,
    /// Uploads whose senders were told nothing, and whose files are where they came to: they are taken in
    /// when their senders ask again.
    pub waiting: u64,
}

impl App {
    /// Learns how the decoding of files is fenced in on this system. A hub that can't start a worker could
    /// take no file, so it does not start.
    pub async fn check_decoding(&self) -> Result<(), AppError> {
        let decoding = self.inner.config.decoding.clone();
        let probe = tokio::task::spawn_blocking(move || decoding.probe());
        let confinement = probe.await.map_err(|error| AppError::Broken(error.to_string()))??;
        if let Some(confinement) = confinement {
            tracing::info!(?confinement, "files are decoded in a process of their own");
            self.inner.metrics.set_fences(&confinement);
        }
        Ok(())
    }

    /// Empties the scratch folder, and ends uploads that were under way when a process died or takes them up
    /// again.
    pub async fn recover(&self) -> Result<Recovery, AppError> {
        self.clear_scratch().await?;
        let mut recovery = Recovery::default();
        let now = self.inner.clock.now();
        let quiet_since = self.inner.config.shared_registry.then(|| now - SILENCE);
        for mut upload in self.inner.registry.unfinished_uploads(quiet_since).await? {
            self.copy_versions_from_log(&upload.dataset).await?;
            let version =
                self.inner.registry.version_of_upload(&upload.dataset, &upload.id).await?;
            if version.is_none() && self.take_up_again(&upload).await? {
                recovery.taken_up += 1;
                continue;
            }
            if version.is_none() && self.can_be_asked_again(&upload).await? {
                self.inner.registry.discard_upload(&upload.id).await?;
                recovery.waiting += 1;
                continue;
            }
            upload.finished_at = Some(now);
            if let Some(version) = version {
                upload.state = UploadState::Committed;
                upload.version = Some(version.number);
                recovery.committed += 1;
            } else {
                upload.state = UploadState::Failed;
                upload.problem = Some(Text::new(
                    "公開する前にハブが止まりました。もう一度送ってください",
                    "the hub stopped before the file was published; send it again",
                ));
                recovery.failed += 1;
                self.inner.registry.release(&upload.id).await?;
                self.forget_original(&upload.dataset, &upload.id).await;
            }
            self.inner.registry.update_upload(&upload).await?;
        }
        Ok(recovery)
    }

    /// Whether a file that was being taken in is still where it came to: by a link, or in pieces.
    async fn can_be_asked_again(&self, upload: &UploadRecord) -> Result<bool, AppError> {
        let sent = self.inner.lake.sent(&upload.dataset, &upload.id).await?;
        Ok(sent.is_some() || self.is_whole_partial(&upload.id).await?)
    }

    async fn clear_scratch(&self) -> Result<(), AppError> {
        let folder = &self.inner.config.scratch_folder;
        match tokio::fs::remove_dir_all(folder).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(AppError::Scratch(error));
            }
            _ => {}
        }
        tokio::fs::create_dir_all(folder).await.map_err(AppError::Scratch)
    }
}
