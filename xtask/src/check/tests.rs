//! Every test, by nextest. The programs must have been built before.

use anyhow::Result;

use super::{Outcome, build};
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    build::programs(workspace)?;
    workspace.run("cargo", &["nextest", "run", "--workspace", "--locked"])?;
    Ok(Outcome::Passed(String::new()))
}
