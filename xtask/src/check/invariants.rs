//! Each invariant of docs/ARCHITECTURE.md names the test that holds it, and the test exists. One that
//! names none yet is a warning; one that names a test that is gone is an error.

use std::{collections::BTreeSet, path::Path};

use anyhow::{Context, Result};

use super::Outcome;
use crate::workspace::Workspace;

const DOCUMENT: &str = "docs/ARCHITECTURE.md";
/// The words between an invariant and its tests.
const HELD_BY: &str = "Held by ";

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let document = workspace
        .text(Path::new(DOCUMENT))
        .with_context(|| format!("{DOCUMENT} is needed"))?
        .unwrap_or_default();
    let invariants = read(&document);
    if invariants.is_empty() {
        return Ok(Outcome::Failed(vec![format!("{DOCUMENT} lists no invariants")]));
    }
    let mut functions = BTreeSet::new();
    for file in workspace.files()? {
        if file.extension().is_some_and(|extension| extension == "rs") {
            functions.extend(names_of_functions(&workspace.text(&file)?.unwrap_or_default()));
        }
    }
    let mut gone = Vec::new();
    let mut open = Vec::new();
    for invariant in &invariants {
        if invariant.tests.is_empty() {
            open.push(format!("{DOCUMENT}: no test is named for “{}”", invariant.text));
        }
        for test in &invariant.tests {
            if !functions.contains(test) {
                gone.push(format!("{DOCUMENT} names the test {test}, and there is none"));
            }
        }
    }
    Ok(match (gone.is_empty(), open.is_empty()) {
        (false, _) => Outcome::Failed(gone),
        (true, false) => Outcome::Warned(open),
        (true, true) => Outcome::Passed(format!("{} invariants", invariants.len())),
    })
}

#[derive(Debug, PartialEq, Eq)]
struct Invariant {
    text: String,
    tests: Vec<String>,
}

/// Reads the bullets of the section “Invariants”: `- text. Held by `test`, `another`.`
fn read(document: &str) -> Vec<Invariant> {
    let mut inside = false;
    let mut bullets: Vec<String> = Vec::new();
    for line in document.lines() {
        if line.starts_with("## ") {
            inside = line == "## Invariants";
        } else if inside && line.starts_with("- ") {
            bullets.push(line[2..].to_owned());
        } else if inside
            && line.starts_with("  ")
            && let Some(bullet) = bullets.last_mut()
        {
            bullet.push(' ');
            bullet.push_str(line.trim());
        }
    }
    bullets
        .into_iter()
        .map(|bullet| {
            let (text, tests) = bullet.split_once(HELD_BY).unwrap_or((&bullet, ""));
            Invariant {
                text: text.trim().to_owned(),
                tests: tests
                    .split('`')
                    .skip(1)
                    .step_by(2)
                    .map(|path| path.rsplit("::").next().unwrap_or(path).to_owned())
                    .collect(),
            }
        })
        .collect()
}

fn names_of_functions(source: &str) -> impl Iterator<Item = String> + '_ {
    source.match_indices("fn ").filter_map(|(at, _)| {
        let rest = &source[at + 3..];
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'))?;
        (end > 0).then(|| rest[..end].to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invariants_are_read_with_their_tests() {
        let document = "## Words\n- not one\n## Invariants\nText.\n- A commit is\n  whole. Held by `lake::a_b`, `c`.\n- Open.\n## After\n- no\n";
        assert_eq!(
            read(document),
            [
                Invariant {
                    text: "A commit is whole.".to_owned(),
                    tests: vec!["a_b".to_owned(), "c".to_owned()]
                },
                Invariant { text: "Open.".to_owned(), tests: Vec::new() },
            ]
        );
    }

    #[test]
    fn functions_are_found_by_name() {
        let names: Vec<String> = names_of_functions("pub async fn a_b<T>() {} fn c(").collect();
        assert_eq!(names, ["a_b", "c"]);
    }
}
