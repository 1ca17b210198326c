//! clippy over every target, warnings as errors.

use anyhow::Result;

use super::Outcome;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    // The whole workspace at once: a package alone would compile its dependencies with other features.
    workspace.run(
        "cargo",
        &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"],
    )?;
    Ok(Outcome::Passed(String::new()))
}
