//! The child: fences itself in, reads one request, and answers it. It trusts its parent and nothing of
//! the file.

use std::{
    fs::File,
    io::{self, Cursor, Read},
    os::fd::AsFd,
    process::ExitCode,
};

use hub_model::{Contract, UploadReport};

use super::{
    confine,
    encode::{BatchWriter, write_file, write_kept_back},
    frame::{Head, Kind, broken, read_json, write_json},
    request::{Failure, Request, Task},
};
use crate::{
    ConformedBatch, FormatHint, IntakeError, IntakeOptions, Proposal, container, options::Scratch,
};

/// Carries out the one request that comes by the standard output, which is a socket, on the file that is
/// the standard input. For the binary's hidden command; nothing else calls it.
pub fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        // The parent sees that the answer broke off; there is no one else to tell.
        Err(_) => ExitCode::FAILURE,
    }
}

fn run() -> io::Result<()> {
    // Plain files, as reading and writing is all that the fence lets through.
    let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut parent = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let head = Head::read(&mut parent)?;
    if head.kind != Kind::Request {
        return Err(broken("no request"));
    }
    let mut request: Request = read_json(&mut parent, head)?;
    // What it may unpack into is opened while it still may open anything.
    let packed = match request.task {
        Task::Probe => 0,
        // It is unpacked once to be read as one table, and once more where it is not one.
        Task::Try(_) => 2 * container::files_within(&file)?,
        _ => container::files_within(&file)?,
    };
    let options = &mut request.options;
    options.scratch = Some(Scratch::open(options.temp_dir.as_deref(), packed)?);
    let scratch_bytes = if packed > 0 { options.max_decoded_bytes } else { 0 };
    let fences =
        confine::fence_in(request.memory_bytes, request.cpu_seconds, packed as u64, scratch_bytes);
    write_json(&mut parent, Kind::Fences, &fences)?;
    leave_with(parent.try_clone()?)?;
    #[cfg(debug_assertions)]
    super::faults::carry_out(&request, &mut parent)?;
    let Request { task, hint, options, .. } = request;
    match task {
        Task::Probe => Ok(()),
        Task::Propose => match propose(file, &hint, &options) {
            Ok(proposal) => write_json(&mut parent, Kind::Proposal, &proposal),
            Err(error) => write_json(&mut parent, Kind::Failure, &Failure::from(error)),
        },
        Task::Try(contract) => match crate::try_file(file, &hint, contract.as_deref(), &options) {
            Ok(trial) => write_json(&mut parent, Kind::Trial, &trial),
            Err(error) => write_json(&mut parent, Kind::Failure, &Failure::from(error)),
        },
        Task::List => match crate::archive_tables(file, &hint, &options) {
            Ok(tables) => write_json(&mut parent, Kind::Tables, &tables),
            Err(error) => write_json(&mut parent, Kind::Failure, &Failure::from(error)),
        },
        Task::Mark(report) => match mark(file, &report) {
            Ok(copy) => write_file(&mut parent, &copy),
            Err(error) => write_json(&mut parent, Kind::Failure, &Failure::from(error)),
        },
        Task::Conform(contract) => match conform(file, &hint, &contract, &options, &mut parent) {
            Ok(report) => write_json(&mut parent, Kind::Report, &report),
            Err(error) => write_json(&mut parent, Kind::Failure, &Failure::from(error)),
        },
    }
}

/// Ends this process when the parent is gone, which shows as the end of what it never sends.
fn leave_with(mut parent: File) -> io::Result<()> {
    let wait = move || {
        // Nothing comes after the request but the end.
        let _ = parent.read(&mut [0; 1]);
        std::process::exit(1);
    };
    std::thread::Builder::new().name("intake-parent".to_owned()).spawn(wait).map(drop)
}

fn propose(
    file: File,
    hint: &FormatHint,
    options: &IntakeOptions,
) -> Result<Proposal, IntakeError> {
    crate::propose(&crate::recognise_within(file, hint, options)?, options)
}

fn conform(
    file: File,
    hint: &FormatHint,
    contract: &Contract,
    options: &IntakeOptions,
    parent: &mut File,
) -> Result<UploadReport, IntakeError> {
    let recognised = crate::recognise_within(file, hint, options)?;
    let mut to_kept_back = parent.try_clone()?;
    let mut writer = BatchWriter::new(&contract.storage_schema(), parent)?;
    let mut rows = |conformed: ConformedBatch| {
        let ConformedBatch { batch, first_row } = conformed;
        if batch.num_rows() == 0 {
            return Ok(());
        }
        Ok(writer.write(&batch, first_row)?)
    };
    let mut kept_back = |kept| Ok(write_kept_back(&mut to_kept_back, kept)?);
    crate::conform_keeping(&recognised, contract, options, &mut rows, &mut kept_back)
}

/// The marked copy, in memory: there is no file to write to here, and the limit on memory holds.
fn mark(file: File, report: &UploadReport) -> Result<Vec<u8>, IntakeError> {
    let mut copy = Cursor::new(Vec::new());
    crate::mark_workbook(file, report, &mut copy)?;
    Ok(copy.into_inner())
}
