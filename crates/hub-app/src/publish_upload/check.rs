//! The middle of an upload's way: a file decoded, conformed, sorted and staged, where nobody sees it yet.

use hub_intake::{ConformedBatch, IntakeOptions, worker::Sinks};
use hub_model::{Contract, DatasetId, UploadId, UploadReport};

use super::{Publishable, Rows, UploadRequest};
use crate::{App, AppError, Progress, Stage, kept_back::Gathering, spool::Spooled};

impl App {
    /// Reads, checks, sorts and stores a file's rows. Answers staged files only for a report whose every
    /// error was answered.
    pub(crate) fn check_and_stage(
        &self,
        upload: UploadId,
        dataset: &DatasetId,
        contract: &Contract,
        spooled: &Spooled,
        request: &UploadRequest,
        progress: &Progress,
    ) -> Result<(UploadReport, Option<Publishable>), AppError> {
        let config = &self.inner.config;
        let file = spooled.open()?;
        let mut stager = self.inner.lake.stager(dataset, contract, self.stage_options())?;
        let intake_options = IntakeOptions { on_error: request.on_error, ..self.intake_options() };
        let mut lake_error = None;
        let mut stage = |conformed: ConformedBatch| {
            stager.push(conformed.batch, conformed.first_row).map_err(|error| {
                lake_error = Some(error);
                "the rows can't be staged".into()
            })
        };
        let mut gathering = Gathering::new(&config.scratch_folder);
        let mut gather_error = None;
        let mut gather = |kept| {
            gathering.push(&kept).map_err(|error| {
                gather_error = Some(error);
                "the rows that are kept back can't be written".into()
            })
        };
        let conformed = config.decoding.conform(
            file,
            &request.hint,
            contract,
            &intake_options,
            &progress.watch,
            Sinks { rows: &mut stage, kept_back: &mut gather },
        );
        if let Some(error) = lake_error {
            return Err(error.into());
        }
        if let Some(error) = gather_error {
            return Err(AppError::Scratch(error));
        }
        let report = conformed?;
        if !report.is_publishable() {
            tracing::info!(%upload, errors = report.error_count, "an upload breaks its contract");
            return Ok((report, None));
        }
        progress.enter(Stage::Storing);
        let outcome = stager.finish()?;
        let duplicates = outcome.duplicates;
        if duplicates.count == 0 {
            let kept_back = gathering.finish()?;
            return Ok((
                report,
                Some(Publishable { rows: Rows::Staged(outcome.staged), kept_back }),
            ));
        }
        let report = hub_intake::report_duplicates(
            report,
            contract,
            duplicates.count,
            &duplicates.examples,
            config.report_cap,
        );
        Ok((report, None))
    }
}
