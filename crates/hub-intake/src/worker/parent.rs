//! The parent: starts a worker, asks, takes in the answer, and puts every other end into words for the
//! person who sent the file.

use std::{
    fs::File,
    io::{BufReader, Write},
    sync::Arc,
};

use arrow_schema::{Schema, SchemaRef};
use hub_model::{Contract, OnError, UploadReport};

use super::{
    Sinks, Watch, WorkerConfig,
    answers::{Answer, Answers},
    confine::Confinement,
    frame::{Kind, write_json},
    process::{End, Given, Line, Worker},
    request::{Request, Task},
};
use crate::{
    ArchiveTables, FormatHint, IntakeError, IntakeOptions, Proposal, Trial, decode::show_size,
};

/// Signals by their numbers, which are the same on every system that the hub runs on.
const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;
const SIGXCPU: i32 = 24;

/// As [`crate::recognise`] and [`crate::conform_keeping`], in a worker: what goes wrong there is an error
/// of this file. The sinks run on the calling thread.
pub fn conform_in_worker(
    config: &WorkerConfig,
    file: File,
    hint: &FormatHint,
    contract: &Contract,
    options: &IntakeOptions,
    watch: &Watch,
    sinks: Sinks<'_>,
) -> Result<UploadReport, IntakeError> {
    let task = Task::Conform(Box::new(contract.clone()));
    let job = Job { config, hint, options, watch };
    let mut kept_back = 0;
    let answer =
        job.run(task, Some(file), contract.storage_schema(), &mut |answer| match answer {
            Answer::Batch(batch) => {
                watch.add_rows(batch.batch.num_rows() as u64);
                (sinks.rows)(batch).map_err(IntakeError::Sink)
            }
            Answer::KeptBack(kept) if options.on_error == OnError::Quarantine => {
                kept_back += kept.rows.len() as u64;
                (sinks.kept_back)(kept).map_err(IntakeError::Sink)
            }
            _ => Err(crashed()),
        })?;
    match answer {
        // The list is as long as it was asked to be, errors are answered as they were to be, and every
        // row that is said to be kept back came, whatever the worker says.
        Some(Answer::Report(report))
            if report.errors.len() <= options.error_cap
                && report.on_error == options.on_error
                && (report.kept_back == kept_back || !report.is_publishable()) =>
        {
            Ok(*report)
        }
        _ => Err(crashed()),
    }
}

/// As [`crate::mark_workbook`], in a worker. The copy is written from its beginning to its end; what was
/// written before an error is of no use.
pub fn mark_in_worker(
    config: &WorkerConfig,
    original: File,
    report: &UploadReport,
    out: &mut dyn Write,
) -> Result<(), IntakeError> {
    let size = original.metadata()?.len();
    // An old book grows when it becomes a new one; a copy much longer than that is none.
    let options = IntakeOptions {
        max_decoded_bytes: size.saturating_mul(8).saturating_add(256 << 20),
        ..IntakeOptions::default()
    };
    let (hint, watch) = (FormatHint::default(), Watch::default());
    let job = Job { config, hint: &hint, options: &options, watch: &watch };
    let task = Task::Mark(Box::new(report.clone()));
    let schema = Arc::new(Schema::empty());
    let answer = job.run(task, Some(original), schema, &mut |answer| match answer {
        Answer::Part(bytes) => Ok(out.write_all(&bytes)?),
        _ => Err(crashed()),
    })?;
    match answer {
        Some(Answer::Written) => Ok(out.flush()?),
        _ => Err(crashed()),
    }
}

/// As [`crate::recognise`] and [`crate::propose`], in a worker.
pub fn propose_in_worker(
    config: &WorkerConfig,
    file: File,
    hint: &FormatHint,
    options: &IntakeOptions,
) -> Result<Proposal, IntakeError> {
    let watch = Watch::default();
    let job = Job { config, hint, options, watch: &watch };
    let no_rows = &mut |_| Err(crashed());
    match job.run(Task::Propose, Some(file), Arc::new(Schema::empty()), no_rows)? {
        Some(Answer::Proposal(proposal)) => {
            let contract = proposal.contract.clone();
            // What a person is to confirm keeps the rules of contracts, whoever made it.
            contract.validated().map(|_| *proposal).map_err(|_| crashed())
        }
        _ => Err(crashed()),
    }
}

/// As [`crate::try_file`], in a worker.
pub fn try_in_worker(
    config: &WorkerConfig,
    file: File,
    hint: &FormatHint,
    contract: Option<&Contract>,
    options: &IntakeOptions,
) -> Result<Trial, IntakeError> {
    let watch = Watch::default();
    let job = Job { config, hint, options, watch: &watch };
    let task = Task::Try(contract.cloned().map(Box::new));
    let no_rows = &mut |_| Err(crashed());
    let Some(Answer::Trial(trial)) =
        job.run(task, Some(file), Arc::new(Schema::empty()), no_rows)?
    else {
        return Err(crashed());
    };
    let proposed = trial.proposal.as_ref().map(|proposal| proposal.contract.clone());
    let is_sound = proposed.is_none_or(|contract| contract.validated().is_ok())
        && trial.report.as_ref().is_none_or(|report| report.errors.len() <= options.error_cap);
    if is_sound { Ok(*trial) } else { Err(crashed()) }
}

/// As [`crate::archive_tables`], in a worker.
pub fn list_in_worker(
    config: &WorkerConfig,
    file: File,
    hint: &FormatHint,
    options: &IntakeOptions,
) -> Result<Option<ArchiveTables>, IntakeError> {
    let watch = Watch::default();
    let job = Job { config, hint, options, watch: &watch };
    let no_rows = &mut |_| Err(crashed());
    match job.run(Task::List, Some(file), Arc::new(Schema::empty()), no_rows)? {
        Some(Answer::Tables(tables)) => Ok(tables),
        _ => Err(crashed()),
    }
}

/// Starts a worker to learn how it is fenced in here. An error where none can be started.
pub fn probe(config: &WorkerConfig) -> Result<Confinement, IntakeError> {
    let (hint, options, watch) =
        (FormatHint::default(), IntakeOptions::default(), Watch::default());
    let job = Job { config, hint: &hint, options: &options, watch: &watch };
    let no_rows = &mut |_| Err(crashed());
    match job.run(Task::Probe, None, Arc::new(Schema::empty()), no_rows)? {
        Some(Answer::Fences(confinement)) => Ok(confinement),
        _ => Err(crashed()),
    }
}

struct Job<'a> {
    config: &'a WorkerConfig,
    hint: &'a FormatHint,
    options: &'a IntakeOptions,
    watch: &'a Watch,
}

impl Job<'_> {
    /// Runs one worker to its last piece, handing on as they come those before it that carry rows or
    /// parts of a file.
    fn run(
        &self,
        task: Task,
        file: Option<File>,
        schema: SchemaRef,
        take: &mut dyn FnMut(Answer) -> Result<(), IntakeError>,
    ) -> Result<Option<Answer>, IntakeError> {
        self.options.check_stop()?;
        let probing = matches!(task, Task::Probe);
        let position = file.as_ref().map(File::try_clone).transpose()?;
        let (worker, socket) = Worker::start(self.config, file)?;
        let (stop, wait) = (&self.options.stop, self.config.wait_time);
        let mut line = Line::new(socket, position, self.watch, stop, wait)?;
        let request = Request {
            task,
            hint: self.hint.clone(),
            options: self.options.clone(),
            memory_bytes: self.config.memory_bytes,
            cpu_seconds: self.config.cpu_time.as_secs().max(1),
            #[cfg(debug_assertions)]
            faults: super::faults::marked(self.hint),
        };
        // A worker that is gone before it was asked is found out by reading.
        let _ = write_json(line.socket(), Kind::Request, &request);
        let reader = BufReader::with_capacity(64 << 10, line);
        let mut answers = Answers::new(reader, schema, self.options.max_decoded_bytes)?;
        loop {
            match answers.next() {
                Ok(answer @ (Answer::Batch(_) | Answer::KeptBack(_) | Answer::Part(_))) => {
                    take(answer)?
                }
                Ok(Answer::Fences(confinement)) if probing => {
                    return Ok(Some(Answer::Fences(confinement)));
                }
                Ok(Answer::Fences(_)) => {}
                Ok(Answer::Failure(failure)) => return Err(failure.into()),
                Ok(answer) => return Ok(Some(answer)),
                Err(error) => {
                    let given_up = answers.get_mut().get_ref().given_up;
                    return Err(self.explain(worker, given_up, &error));
                }
            }
        }
    }

    /// Why an answer broke off, as far as the worker's end tells.
    fn explain(
        &self,
        worker: Worker,
        given_up: Option<Given>,
        error: &std::io::Error,
    ) -> IntakeError {
        match given_up {
            Some(Given::Stopped) => return IntakeError::Stopped,
            Some(Given::Waited) => {
                tracing::warn!(limit = ?self.config.wait_time, "a worker was waited for too long");
                return self.too_slow();
            }
            None => {}
        }
        let end = match worker.end() {
            Ok(end) => end,
            Err(error) => return IntakeError::Io(error),
        };
        tracing::warn!(status = %end.status, %error, place = place(&end), "a worker broke off");
        match end.signal() {
            Some(SIGXCPU) => self.too_slow(),
            Some(SIGABRT) if end.last_words.contains("memory allocation of") => self.too_large(),
            // Not by this process: the system has run out of memory, or the limit of CPU time was passed.
            Some(SIGKILL) => self.too_large(),
            _ => crashed(),
        }
    }

    fn too_slow(&self) -> IntakeError {
        IntakeError::unreadable(
            "ファイルを読むのに時間がかかりすぎるため、途中でやめました。小さなファイルに分けるか、別の形式（CSVなど）で書き出して送ってください",
            "reading the file takes too long and was given up; send it in several smaller files, or \
             write it in another format, such as CSV",
        )
    }

    fn too_large(&self) -> IntakeError {
        let limit = show_size(self.config.memory_bytes);
        IntakeError::unreadable(
            format!(
                "ファイルを展開するのに{limit}を超えるメモリーが必要なため、途中でやめました。小さなファイルに分けるか、別の形式（CSVなど）で書き出して送ってください"
            ),
            format!(
                "the file unpacks to too much: reading it takes more than {limit} of memory and was given \
                 up; send it in several smaller files, or write it in another format, such as CSV"
            ),
        )
    }
}

/// The place of a panic, which a worker's first line names. The rest may quote the file.
fn place(end: &End) -> &str {
    let line = end.last_words.lines().find(|line| !line.is_empty()).unwrap_or_default();
    let said = ["panicked at", "memory allocation of"].iter().find_map(|word| line.find(word));
    said.and_then(|at| line.get(at..(at + 160).min(line.len()))).unwrap_or_default()
}

fn crashed() -> IntakeError {
    IntakeError::unreadable(
        "ファイルを読む処理が途中で異常終了しました。ファイルが壊れているかもしれません。書き出し直すか、別の形式（CSVなど）で送ってください。同じことが続くときは、ハブの管理者に知らせてください",
        "reading the file broke down, so it may be damaged; write it anew or in another format, such as CSV, \
         and send it again. If that keeps happening, tell those who run the hub",
    )
}
