//! Where the bytes of strangers are decoded: in a worker process, which is what a server does, or in
//! this one, which is for tests of other things.

use std::{fs::File, io::Write};

use hub_intake::{
    ArchiveTables, FormatHint, IntakeError, IntakeOptions, Proposal, Trial,
    worker::{
        Confinement, Sinks, Watch, WorkerConfig, conform_in_worker, list_in_worker, mark_in_worker,
        probe, propose_in_worker, try_in_worker,
    },
};
use hub_model::{Contract, UploadReport};

use crate::App;

/// Where files are decoded.
#[derive(Debug, Clone)]
pub enum Decoding {
    /// Each file in a process of its own with limits, which can harm nothing else.
    Worker(WorkerConfig),
    /// In this process: a file that makes a decoder take all memory ends the hub.
    InProcess,
}

impl Decoding {
    /// Starts a worker for nothing, to learn whether one can be and how it is fenced in; says once in the
    /// log what this system does not offer. It blocks.
    pub(crate) fn probe(&self) -> Result<Option<Confinement>, IntakeError> {
        let Self::Worker(config) = self else { return Ok(None) };
        let confinement = probe(config)?;
        for missing in confinement.missing() {
            tracing::warn!(
                fence = missing.as_str(),
                "this system lacks a part of the fence around the decoding of files"
            );
        }
        Ok(Some(confinement))
    }

    /// Checks every cell of a file and hands on what keeps the contract and what is kept back. It blocks.
    pub(crate) fn conform(
        &self,
        file: File,
        hint: &FormatHint,
        contract: &Contract,
        options: &IntakeOptions,
        watch: &Watch,
        sinks: Sinks<'_>,
    ) -> Result<UploadReport, IntakeError> {
        match self {
            Self::Worker(config) => {
                conform_in_worker(config, file, hint, contract, options, watch, sinks)
            }
            Self::InProcess => {
                let recognised = hub_intake::recognise_within(file, hint, options)?;
                let Sinks { rows, kept_back } = sinks;
                let mut rows = |batch: hub_intake::ConformedBatch| {
                    watch.add_rows(batch.batch.num_rows() as u64);
                    rows(batch)
                };
                hub_intake::conform_keeping(&recognised, contract, options, &mut rows, kept_back)
            }
        }
    }

    /// Writes a copy of a workbook in which the cells are marked that its report is about. It blocks.
    pub(crate) fn mark(
        &self,
        original: File,
        report: &UploadReport,
        mut copy: File,
    ) -> Result<(), IntakeError> {
        match self {
            Self::Worker(config) => {
                let mut out = std::io::BufWriter::new(copy);
                mark_in_worker(config, original, report, &mut out)
            }
            Self::InProcess => {
                hub_intake::mark_workbook(original, report, &copy)?;
                Ok(copy.flush()?)
            }
        }
    }

    /// Reads a whole file and proposes what its contract could be. It blocks.
    pub(crate) fn propose(
        &self,
        file: File,
        hint: &FormatHint,
        options: &IntakeOptions,
    ) -> Result<Proposal, IntakeError> {
        match self {
            Self::Worker(config) => propose_in_worker(config, file, hint, options),
            Self::InProcess => {
                hub_intake::propose(&hub_intake::recognise_within(file, hint, options)?, options)
            }
        }
    }

    /// Reads a whole file as an upload does, and says what it would come to. It blocks.
    pub(crate) fn try_file(
        &self,
        file: File,
        hint: &FormatHint,
        contract: Option<&Contract>,
        options: &IntakeOptions,
    ) -> Result<Trial, IntakeError> {
        match self {
            Self::Worker(config) => try_in_worker(config, file, hint, contract, options),
            Self::InProcess => hub_intake::try_file(file, hint, contract, options),
        }
    }

    /// Tells which tables an archive holds; none where the file is no archive. It blocks.
    pub(crate) fn list(
        &self,
        file: File,
        hint: &FormatHint,
        options: &IntakeOptions,
    ) -> Result<Option<ArchiveTables>, IntakeError> {
        match self {
            Self::Worker(config) => list_in_worker(config, file, hint, options),
            Self::InProcess => hub_intake::archive_tables(file, hint, options),
        }
    }
}

impl App {
    /// The limits within which this hub reads a file; what is packed is unpacked beside what is received.
    pub(crate) fn intake_options(&self) -> IntakeOptions {
        let config = &self.inner.config;
        IntakeOptions {
            error_cap: config.report_cap,
            temp_dir: Some(config.scratch_folder.clone()),
            ..IntakeOptions::default()
        }
    }
}
