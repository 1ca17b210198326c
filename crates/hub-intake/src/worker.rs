//! Reading a file in a process of its own: a bomb, a crash or a hang there ends that file's reading and
//! nothing else.
//!
//! The child is the hub's own program, started with a hidden word that leads to [`main`]. It gets the
//! file as its standard input and one end of a socket as its standard output, and nothing else: no
//! environment, no other file, no network. On the socket the parent sends one request, and the child
//! answers with conformed batches as Arrow messages and a report as JSON, or with a file that it wrote.
//! The parent takes none of it on trust: lengths are bounded, messages are decoded with full validation
//! against the schema that the parent itself made from the contract, and an answer that does not end
//! properly is no answer.
//!
//! The child must not be given anything but the file's bytes and what is in the request; the parent
//! must not allocate what the child merely says.

mod answers;
mod child;
mod confine;
mod encode;
#[cfg(debug_assertions)]
mod faults;
mod frame;
mod parent;
mod process;
mod request;

use std::{
    ffi::OsString,
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

pub use child::main;
pub use confine::{Confinement, Fence};
pub use parent::{
    conform_in_worker, list_in_worker, mark_in_worker, probe, propose_in_worker, try_in_worker,
};

use crate::{ConformedBatch, KeptBack, SinkError};

/// How a worker is started, and what it may take.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// The program, whose [`main`] is reached with these arguments.
    pub program: PathBuf,
    /// The arguments.
    pub args: Vec<OsString>,
    /// Memory that the worker may allocate, in bytes.
    pub memory_bytes: u64,
    /// CPU time that it may use, over all of its threads.
    pub cpu_time: Duration,
    /// How long the parent waits for it, all waits of one file taken together. Time in which the parent
    /// itself is at work does not count.
    pub wait_time: Duration,
}

/// What takes in the rows of a file.
pub struct Sinks<'a> {
    /// Takes what keeps the contract.
    pub rows: &'a mut dyn FnMut(ConformedBatch) -> Result<(), SinkError>,
    /// Takes what is kept back, where that was asked for.
    pub kept_back: &'a mut dyn FnMut(KeptBack) -> Result<(), SinkError>,
}

impl std::fmt::Debug for Sinks<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sinks").finish_non_exhaustive()
    }
}

/// How far the reading of a file has come, for others to look at meanwhile.
#[derive(Debug, Default)]
pub struct Watch {
    bytes: AtomicU64,
    rows: AtomicU64,
}

impl Watch {
    /// How far into the file the reader has got, in bytes. Formats that are read out of order jump.
    pub fn bytes_read(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Rows that were found to keep the contract; none are counted after the first that does not.
    pub fn rows_read(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    pub(crate) fn set_bytes(&self, bytes: u64) {
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    /// Counts rows that were taken in.
    pub fn add_rows(&self, rows: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }
}
