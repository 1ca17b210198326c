//! Statements drawn from a seed, whose answers must be those of DuckDB on the same rows.

use std::process::Command;

use hub_testkit::shared::python;

use crate::{documents::project, support::Site};

/// Kept, so that a failure can be looked at.
const SEED: &str = "20260401";

const STATEMENTS: usize = 200;

#[tokio::test]
async fn answers_to_statements_drawn_from_a_seed_are_those_of_duckdb() {
    let site = Site::start().await;
    let output = Command::new(python())
        .arg(project().join("tests/it/beside_duckdb.py"))
        .args([&site.hub.url(""), &site.publisher, SEED, &STATEMENTS.to_string()])
        .output()
        .expect("Python can be run");
    let printed = String::from_utf8_lossy(&output.stdout);
    let heard = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}\n{heard}");
    let counts = printed.lines().map(|line| line.rsplit(' ').next().unwrap().parse::<usize>());
    let counts: Vec<usize> = counts.collect::<Result<_, _>>().unwrap();
    assert_eq!(counts.iter().sum::<usize>(), STATEMENTS, "{printed}");
    assert_eq!(counts.len(), 6, "each kind was asked: {printed}");
}
