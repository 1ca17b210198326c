//! hub-server

pub mod cli;
