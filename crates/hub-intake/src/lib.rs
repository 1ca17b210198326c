//! A local file to conformed batches and a report: what format it is, what its columns are, and whether
//! every cell keeps the contract.
//!
//! The way of a file: [`recognise`] unpacks it where it is packed, and finds its format, its encoding and
//! whether it is in a publisher's known layout; where the table lies in its rows is found next; one decoder a format, or one reader a layout, turns bytes into blocks of text cells or
//! typed arrays; [`conform`] maps the file's columns to the contract's, converts every cell
//! without loss or says why it can't, and hands clean batches to a sink; [`report_duplicates`] adds what
//! only the store can find. [`propose`] reads a file for which there is no contract yet, [`preview`]
//! shows what a file was taken for, and [`try_file`] does all of it without consequence.
//!
//! Everything here is synchronous and works in bounded memory. The decoders run on a thread of their
//! own with full validation, and a panic in one is an error of the file. [`worker`] does all of it in
//! a process of its own, which a hub that takes files of strangers uses. Nothing here writes, decides
//! who may, or knows a dataset's other versions.

mod archive;
mod changes;
mod conform;
mod container;
#[cfg(test)]
mod damage_tests;
mod decode;
mod detect;
mod dialect;
mod encoding;
mod era;
mod error;
mod format;
mod gtfs;
mod options;
mod personal;
mod preset;
mod preview;
mod propose;
mod recognise;
mod repeated_keys;
mod report_csv;
mod rows;
mod sheet;
mod show;
mod table;
mod trial;
mod units;
mod workbook;
pub mod worker;

pub use archive::{ArchiveTable, ArchiveTables, TableLink, archive_tables};
pub use conform::{ConformedBatch, KeptBack, KeptBackCsv, Quarantined, conform, conform_keeping};
pub use detect::FormatHint;
pub use error::{IntakeError, SinkError};
pub use format::Format;
pub use gtfs::{GtfsFeed, GtfsLink, GtfsTable};
pub use options::{IntakeOptions, Scratch};
pub use preview::{EncodingGuess, Preview, PreviewColumn, PreviewRow, preview};
pub use propose::{Proposal, ProposalNote, propose};
pub use recognise::{Recognised, recognise, recognise_within};
pub use repeated_keys::{report_duplicates, report_stored_keys};
pub use report_csv::{Language, report_csv};
pub use trial::{Trial, try_file};
pub use workbook::mark_workbook;
