//! No file names the folders of one machine: what is written there runs nowhere else.

use anyhow::Result;

use super::Outcome;
use crate::workspace::Workspace;

/// Beginnings of absolute paths that only one machine has. Written in parts, so that this file does not
/// find itself.
const BEGINNINGS: [&str; 2] = [concat!("/ro", "ot/"), concat!("/wo", "rk/")];

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let mut findings = Vec::new();
    let files = workspace.files()?;
    for file in &files {
        let Some(text) = workspace.text(file)? else { continue };
        for (number, line) in (1..).zip(text.lines()) {
            if let Some(beginning) = machine_path(line) {
                findings.push(format!("{}:{number} names {beginning}…", file.display()));
            }
        }
    }
    Ok(Outcome::from_findings(findings, format!("{} files", files.len())))
}

/// The first absolute path of one machine in a line.
fn machine_path(line: &str) -> Option<&'static str> {
    BEGINNINGS.into_iter().find(|beginning| {
        line.match_indices(beginning).any(|(at, _)| {
            // Further along in a path or URL it is a folder like any other.
            !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-~}$/".contains(c))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_paths_are_told_from_urls_and_relative_ones() {
        let root = BEGINNINGS[0];
        for bad in [format!("see {root}x"), format!("\"{root}\""), format!("PATH={root}bin")] {
            assert_eq!(machine_path(&bad), Some(root), "{bad}");
        }
        for good in
            [format!("https://example.org{root}x"), format!("a{root}b"), format!("${{X}}{root}")]
        {
            assert_eq!(machine_path(&good), None, "{good}");
        }
    }
}
