//! The whole hub as its users see it: the real program, started by each test on a folder of its own and
//! asked over HTTP or by its own command line.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops where what it relies on is not there"
)]

mod access;
mod align;
mod asof;
mod beside_duckdb;
mod citations;
mod cli;
mod contracts;
mod coverage;
mod crash;
mod demo;
mod document;
mod documents;
mod hostile;
mod http;
mod joinable;
mod kept_answers;
mod limits;
mod links;
mod nodes;
mod noise;
mod outputs;
mod permalinks;
mod previews;
mod publishers;
mod quality;
mod queries;
mod questions;
mod readme;
mod real_input;
mod revisions;
mod rows;
mod sets;
mod slt;
mod sql;
mod stopping;
mod support;
mod transfers;
mod uploads;
mod worker;
mod wrecked_book;
mod wrong_cells;
