//! Examples in documentation comments. cargo starts rustdoc for every crate even where there are none,
//! so the sources are looked through first.

use std::path::Path;

use anyhow::Result;

use super::Outcome;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let mut examples = 0;
    for file in workspace.files()? {
        if file.extension().is_some_and(|e| e == "rs") && !file.starts_with(Path::new("xtask")) {
            examples += workspace.text(&file)?.map_or(0, |text| count_examples(&text));
        }
    }
    if examples == 0 {
        return Ok(Outcome::Skipped("no documentation comment holds an example".to_owned()));
    }
    workspace.run("cargo", &["test", "--doc", "--workspace", "--locked"])?;
    Ok(Outcome::Passed(format!("{examples} examples")))
}

/// How many fenced blocks rustdoc would compile.
fn count_examples(text: &str) -> usize {
    let mut inside = false;
    let mut examples = 0;
    for line in text.lines() {
        let line = line.trim_start();
        let Some(comment) = line.strip_prefix("///").or_else(|| line.strip_prefix("//!")) else {
            inside = false;
            continue;
        };
        let Some(info) = comment.trim_start().strip_prefix("```") else { continue };
        if inside {
            inside = false;
            continue;
        }
        inside = true;
        let is_rust = info.split(',').map(str::trim).all(|word| {
            word.is_empty()
                || matches!(word, "rust" | "no_run" | "should_panic" | "compile_fail")
                || word.starts_with("edition")
        });
        examples += usize::from(is_rust);
    }
    examples
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_rustdoc_compiles_counts() {
        let text = "/// ```\n/// let a = 1;\n/// ```\n//! ```text\n//! a\n//! ```\n    /// ```rust,no_run\n    /// b();\n    /// ```\n// ```\n/// ```ignore\n/// ```\n";
        assert_eq!(count_examples(text), 2);
    }
}
