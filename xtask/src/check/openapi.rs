//! The committed OpenAPI document is exactly what the program prints.

use std::fs;

use anyhow::{Context, Result, ensure};

use super::{Outcome, build};
use crate::workspace::Workspace;

/// Where the document is kept, relative to the root.
const DOCUMENT: &str = "openapi/mochiyori-v1.json";

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let printed = print(workspace)?;
    let committed = fs::read_to_string(workspace.root().join(DOCUMENT)).unwrap_or_default();
    Ok(match first_difference(&committed, &printed) {
        None => Outcome::Passed(String::new()),
        Some(difference) => Outcome::Failed(vec![format!(
            "{DOCUMENT} is not what the program prints ({difference}): run `cargo xtask openapi`, and look at the change as a reader of the interface would"
        )]),
    })
}

/// Writes what the program prints.
pub(crate) fn rewrite(workspace: &Workspace) -> Result<()> {
    let printed = print(workspace)?;
    let path = workspace.root().join(DOCUMENT);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&path, printed).with_context(|| format!("{DOCUMENT} cannot be written"))?;
    println!("{DOCUMENT} is written");
    Ok(())
}

fn print(workspace: &Workspace) -> Result<String> {
    let printed = build::program_output(workspace, "openapi")?;
    ensure!(
        serde_json::from_str::<serde_json::Value>(&printed)
            .is_ok_and(|document| document["openapi"].is_string()),
        "`mochiyori openapi` did not print an OpenAPI document"
    );
    Ok(printed)
}

/// Where two texts part, as a person would look for it.
pub(super) fn first_difference(committed: &str, printed: &str) -> Option<String> {
    if committed == printed {
        return None;
    }
    if committed.is_empty() {
        return Some("it is missing or empty".to_owned());
    }
    let (mut old, mut new) = (committed.lines(), printed.lines());
    let mut line = 1;
    loop {
        match (old.next(), new.next()) {
            (Some(a), Some(b)) if a == b => line += 1,
            (Some(a), Some(b)) => {
                return Some(format!("line {line}: `{}` is now `{}`", a.trim(), b.trim()));
            }
            (Some(_), None) => return Some(format!("it ends before line {line}")),
            (None, Some(_)) => return Some(format!("it goes on at line {line}")),
            (None, None) => return Some("its last line's end differs".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drift_is_shown_where_it_begins() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(first_difference("", "a\n").as_deref(), Some("it is missing or empty"));
        assert_eq!(
            first_difference("a\n b\n", "a\n c\n").as_deref(),
            Some("line 2: `b` is now `c`")
        );
        assert_eq!(first_difference("a\nb\n", "a\n").as_deref(), Some("it ends before line 2"));
        assert_eq!(first_difference("a\n", "a\nb\n").as_deref(), Some("it goes on at line 2"));
        assert_eq!(first_difference("a", "a\n").as_deref(), Some("its last line's end differs"));
    }
}
