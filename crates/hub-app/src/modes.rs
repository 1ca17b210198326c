//! What the ways of publishing ask of a contract, and what is said of rows that a way does not allow.

use hub_lake::LakeError;
use hub_model::{Contract, UploadMode};
use hub_registry::UploadRecord;

use crate::AppError;

/// Refuses a mode that the contract can't bear, before the file is looked at.
pub(crate) fn check_mode(mode: UploadMode, contract: &Contract) -> Result<(), AppError> {
    match mode {
        UploadMode::Upsert if contract.primary_key.is_empty() => Err(AppError::NoKey),
        UploadMode::ReplacePeriod if contract.time_field().is_none() => Err(AppError::NoTime),
        _ => Ok(()),
    }
}

/// The error of a publication; rows that are published already go into the upload's report.
pub(crate) fn refused(
    error: LakeError,
    upload: &mut UploadRecord,
    contract: &Contract,
    cap: usize,
) -> AppError {
    let LakeError::KeysStored { keys, .. } = &error else { return error.into() };
    let Some(report) = upload.report.take() else { return error.into() };
    let report = hub_intake::report_stored_keys(report, contract, keys.count, &keys.rows, cap);
    upload.report = Some(report.clone());
    AppError::ContractViolated { upload: upload.id, report: Box::new(report) }
}
