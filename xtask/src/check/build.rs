//! The programs. The end-to-end tests start the real binary, which building the tests does not build.

use anyhow::{Context, Result, ensure};

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

/// What the program prints for a command that needs nothing else.
pub(crate) fn program_output(workspace: &Workspace, command: &str) -> Result<String> {
    programs(workspace)?;
    let program = workspace
        .target_folder()?
        .join("debug")
        .join(format!("mochiyori{}", std::env::consts::EXE_SUFFIX));
    let output = workspace
        .command(&program.to_string_lossy(), &[command])
        .output()
        .with_context(|| format!("{} cannot be run", program.display()))?;
    ensure!(
        output.status.success(),
        "`mochiyori {command}` ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8(output.stdout)?)
}
