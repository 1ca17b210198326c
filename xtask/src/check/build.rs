//! The programs. The end-to-end tests start the real binary, which building the tests does not build.

use anyhow::Result;

use super::Outcome;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    programs(workspace)?;
    Ok(Outcome::Passed(String::new()))
}

/// Builds every program of the workspace, together with the tests: by themselves the programs have other
/// features of some packages, and half the tree would be built twice.
pub(crate) fn programs(workspace: &Workspace) -> Result<()> {
    workspace.run("cargo", &["build", "--workspace", "--bins", "--tests", "--locked"])
}
