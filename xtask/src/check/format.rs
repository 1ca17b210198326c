//! rustfmt over the whole workspace.

use anyhow::Result;

use super::Outcome;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    workspace.run("cargo", &["fmt", "--all", "--check"])?;
    Ok(Outcome::Passed(String::new()))
}
