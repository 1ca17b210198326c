//! A local file to conformed batches and a report: what format it is, what its columns are, and whether
//! every cell keeps the contract.
//!
//! The way of a file: [`recognise`] finds its format, its encoding and whether it is in a publisher's
//! known layout; one decoder a format, or one reader a layout, turns bytes into blocks of text cells or
//! typed arrays; [`conform`] maps the file's columns to the contract's, converts every cell
//! without loss or says why it can't, and hands clean batches to a sink; [`report_duplicates`] adds what
//! only the store can find. [`propose`] reads a file for which there is no contract yet.
//!
//! Everything here is synchronous and works in bounded memory. The decoders run on a thread of their
//! own with full validation, and a panic in one is an error of the file. Nothing here writes, decides
//! who may, or knows a dataset's other versions.

mod changes;
mod conform;
mod decode;
mod detect;
mod duplicates;
mod encoding;
mod error;
mod options;
mod preset;
mod propose;
mod recognise;
mod rows;
mod show;
mod workbook;

pub use conform::{ConformedBatch, conform};
pub use detect::{Format, FormatHint};
pub use duplicates::report_duplicates;
pub use error::{IntakeError, SinkError};
pub use options::IntakeOptions;
pub use propose::{Proposal, ProposalNote, propose};
pub use recognise::{Recognised, recognise};
pub use workbook::mark_workbook;
