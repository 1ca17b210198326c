//! hub-server

pub mod demo;
