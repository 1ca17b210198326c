//! docs/FUNCTIONS.md is exactly what the program prints of its functions.

use std::fs;

use anyhow::{Context, Result};

use super::{Outcome, build, openapi};
use crate::workspace::Workspace;

/// Where the document is kept, relative to the root.
const DOCUMENT: &str = "docs/FUNCTIONS.md";

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let printed = print(workspace)?;
    let committed = fs::read_to_string(workspace.root().join(DOCUMENT)).unwrap_or_default();
    Ok(match openapi::first_difference(&committed, &printed) {
        None => Outcome::Passed(String::new()),
        Some(difference) => Outcome::Failed(vec![format!(
            "{DOCUMENT} is not what the program prints ({difference}): run `cargo xtask functions`"
        )]),
    })
}

/// Writes what the program prints.
pub(crate) fn rewrite(workspace: &Workspace) -> Result<()> {
    let printed = print(workspace)?;
    fs::write(workspace.root().join(DOCUMENT), printed)
        .with_context(|| format!("{DOCUMENT} cannot be written"))?;
    println!("{DOCUMENT} is written");
    Ok(())
}

fn print(workspace: &Workspace) -> Result<String> {
    build::program_output(workspace, "functions-document")
}
