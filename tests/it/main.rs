//! The whole hub as its users see it: the real program, started by each test on a folder of its own and
//! asked over HTTP or by its own command line.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops where what it relies on is not there"
)]

mod access;
mod cli;
mod contracts;
mod crash;
mod demo;
mod documents;
mod http;
mod kept_answers;
mod limits;
mod nodes;
mod publishers;
mod quality;
mod questions;
mod readme;
mod real_input;
mod revisions;
mod rows;
mod slt;
mod sql;
mod support;
mod transfers;
mod uploads;
mod worker;
mod wrong_cells;
