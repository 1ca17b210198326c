//! A file that grows past 400 lines before its tests usually holds two things. A warning, since the
//! count cannot know.

use anyhow::Result;

use super::Outcome;
use crate::{source, workspace::Workspace};

const LINES: usize = 400;

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let mut findings = Vec::new();
    let mut files = 0;
    for file in workspace.files()? {
        let in_tests = file.components().any(|part| part.as_os_str() == "tests");
        if file.extension().is_none_or(|extension| extension != "rs") || in_tests {
            continue;
        }
        files += 1;
        let text = workspace.text(&file)?.unwrap_or_default();
        let lines = source::before_tests(&text).lines().count();
        if lines > LINES {
            findings.push(format!("{} has {lines} lines before its tests", file.display()));
        }
    }
    Ok(if findings.is_empty() {
        Outcome::Passed(format!("{files} files"))
    } else {
        Outcome::Warned(findings)
    })
}
