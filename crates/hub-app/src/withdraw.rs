//! Taking a published version out of sight, with a reason that stays.
//!
//! The lake's commit decides; the registry only remembers it. A withdrawn version keeps its place in the
//! list, with who withdrew it, when and why, and is read by those only who may write the dataset.

use hub_lake::{SnapshotAt, WithdrawRequest};
use hub_model::{
    DatasetId, ErrorKind, Principal, UploadId, VersionNumber, VersionRecord, Withdrawal,
};

use crate::{
    App, AppError,
    policy::{Action, permit},
};

/// How often a withdrawal is planned anew when others publish meanwhile.
const ATTEMPTS: usize = 5;

/// The longest reason, in characters.
const MAX_REASON: usize = 500;

impl App {
    /// Withdraws a version. Where its rows are the newest, the next older ones that may be seen become
    /// the newest, as a version of their own; otherwise the newest rows stay.
    pub async fn withdraw_version(
        &self,
        principal: &Principal,
        id: &DatasetId,
        number: VersionNumber,
        reason: &str,
    ) -> Result<VersionRecord, AppError> {
        self.writable_dataset(principal, id).await?;
        let reason = checked_reason(reason)?;
        // The name of the withdrawal stays the same over all attempts, so that it is made once.
        let name = UploadId::generate();
        for attempt in 1.. {
            let request = self.plan_withdrawal(principal, id, number, &reason, name).await?;
            match self.inner.lake.withdraw(id, &request).await {
                Ok(version) => {
                    self.record_version(id, &version).await?;
                    return Ok(version);
                }
                Err(error) if error.kind() == ErrorKind::Conflict && attempt < ATTEMPTS => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(AppError::Broken("a loop without an end has ended".to_owned()))
    }

    async fn plan_withdrawal(
        &self,
        principal: &Principal,
        id: &DatasetId,
        number: VersionNumber,
        reason: &str,
        name: UploadId,
    ) -> Result<WithdrawRequest, AppError> {
        let latest = self.inner.lake.snapshot(id, SnapshotAt::Latest).await?;
        let newest = self.recorded_version(id, &latest).await?;
        let record = self.version_record(id, number).await?;
        if let Some(before) = &record.withdrawal {
            return Err(AppError::InvalidRequest(format!(
                "version {number} only shows version {} again; withdraw that one",
                before.restores
            )));
        }
        let mut hidden: Vec<VersionNumber> = Vec::new();
        for version in self.inner.registry.withdrawals(id).await? {
            hidden.extend(version.withdrawal.map(|withdrawal| withdrawal.version));
        }
        if hidden.contains(&number) {
            return Err(AppError::AlreadyWithdrawn { version: number });
        }
        hidden.push(number);
        let shown = newest.as_ref().map_or(0, VersionRecord::shows);
        let keeps_rows = shown != number;
        let restored =
            if keeps_rows { None } else { self.newest_seen(id, number, &hidden).await? };
        let restores = if keeps_rows { shown } else { restored.as_ref().map_or(0, |v| v.number) };
        Ok(WithdrawRequest {
            id: name,
            newest: latest.version,
            withdrawal: Withdrawal { version: number, restores, reason: reason.to_owned() },
            restore_from: restored.map(|version| version.log_version),
            keeps_rows,
            by: principal.label().to_owned(),
            at: self.inner.clock.now(),
        })
    }

    /// The newest version before this one whose rows may be seen.
    async fn newest_seen(
        &self,
        id: &DatasetId,
        before: VersionNumber,
        hidden: &[VersionNumber],
    ) -> Result<Option<VersionRecord>, AppError> {
        const PAGE: usize = 100;
        let mut before = before;
        loop {
            let page = self.inner.registry.versions(id, Some(before), PAGE).await?;
            // Versions that only show others again are passed over; what they show is listed itself.
            let seen = page.iter().find(|v| v.withdrawal.is_none() && !hidden.contains(&v.number));
            match (seen, page.last()) {
                (Some(version), _) => return Ok(Some(version.clone())),
                (None, Some(last)) if page.len() == PAGE => before = last.number,
                (None, _) => return Ok(None),
            }
        }
    }

    /// The version that withdrew the one whose rows this version shows, if one did.
    pub(crate) async fn withdrawal_of(
        &self,
        id: &DatasetId,
        version: &VersionRecord,
    ) -> Result<Option<VersionRecord>, AppError> {
        let shown = version.shows();
        let withdrawals = self.inner.registry.withdrawals(id).await?;
        Ok(withdrawals
            .into_iter()
            .find(|w| w.withdrawal.as_ref().is_some_and(|w| w.version == shown)))
    }

    /// Refuses a withdrawn version to all who may not write the dataset.
    pub(crate) async fn check_seen(
        &self,
        principal: &Principal,
        id: &DatasetId,
        version: &VersionRecord,
    ) -> Result<(), AppError> {
        if permit(principal, Action::WriteDatasets(id.agency())).is_ok() {
            return Ok(());
        }
        match self.withdrawal_of(id, version).await? {
            None => Ok(()),
            Some(by) => Err(AppError::Withdrawn {
                dataset: id.clone(),
                version: version.number,
                at: hub_model::format_instant(by.committed_at),
                reason: by.withdrawal.map(|w| w.reason).unwrap_or_default(),
            }),
        }
    }
}

fn checked_reason(reason: &str) -> Result<String, AppError> {
    let reason = reason.trim();
    let length = reason.chars().count();
    if length == 0 || length > MAX_REASON || reason.chars().any(|c| c.is_control() && c != '\n') {
        return Err(AppError::InvalidRequest(format!(
            "give a reason of 1 to {MAX_REASON} characters; it is shown to all who ask for the version"
        )));
    }
    Ok(reason.to_owned())
}
