//! Tools that are run where they are installed. Compiling them on a fresh machine costs more than they
//! tell each time, so their absence is said and does not fail the run.

use anyhow::Result;

use super::Outcome;
use crate::workspace::Workspace;

/// Licences, sources and bans, by `deny.toml`.
pub(crate) fn deny(workspace: &Workspace) -> Result<Outcome> {
    if !workspace.has("cargo", &["deny", "--version"]) {
        return Ok(absent("cargo-deny"));
    }
    // Advisories need a database from the network; they have a command of their own.
    workspace.run("cargo", &["deny", "--locked", "check", "bans", "licenses", "sources"])?;
    Ok(Outcome::Passed(String::new()))
}

/// Dependencies that no source names.
pub(crate) fn machete(workspace: &Workspace) -> Result<Outcome> {
    if !workspace.has("cargo", &["machete", "--version"]) {
        return Ok(absent("cargo-machete"));
    }
    workspace.run("cargo", &["machete"])?;
    Ok(Outcome::Passed(String::new()))
}

fn absent(tool: &str) -> Outcome {
    Outcome::Skipped(format!("`cargo install {tool} --locked` adds it"))
}
