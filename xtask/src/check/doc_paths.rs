//! Documents name what exists: relative links, paths in code spans and code blocks that begin with a
//! folder of the repository, and make targets.

use std::{
    collections::BTreeSet,
    path::{Component, Path, PathBuf},
};

use anyhow::Result;

use super::Outcome;
use crate::workspace::Workspace;

/// Files that speak of the past may name what is gone.
const HISTORY: [&str; 2] = ["CHANGELOG.md", "docs/adr"];

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let files = workspace.files()?;
    let mut known: BTreeSet<PathBuf> = BTreeSet::new();
    for file in &files {
        known.extend(file.ancestors().map(Path::to_path_buf));
    }
    // `known` also holds the empty path, the root itself.
    let roots: BTreeSet<String> = files
        .iter()
        .filter_map(|file| Some(file.components().next()?.as_os_str().to_str()?.to_owned()))
        .collect();
    let targets = make_targets(&workspace.text(Path::new("Makefile"))?.unwrap_or_default());
    let mut findings = Vec::new();
    let mut documents = 0;
    for file in &files {
        let is_history = HISTORY.iter().any(|past| file.starts_with(past));
        if file.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        documents += 1;
        let text = workspace.text(file)?.unwrap_or_default();
        let mentions = mentions(&text);
        for Mention { line, what } in mentions {
            let wrong = match &what {
                What::Link(target) => !link_exists(file, target, &known),
                What::Code(word) => !is_history && !path_exists(word, &roots, &known),
                What::Make(target) => !is_history && !targets.contains(target),
            };
            if wrong {
                let name = match what {
                    What::Link(target) | What::Code(target) => target,
                    What::Make(target) => format!("`make {target}`"),
                };
                findings
                    .push(format!("{}:{line} names {name}, which does not exist", file.display()));
            }
        }
    }
    Ok(Outcome::from_findings(findings, format!("{documents} documents")))
}

#[derive(Debug, PartialEq, Eq)]
struct Mention {
    line: usize,
    what: What,
}

#[derive(Debug, PartialEq, Eq)]
enum What {
    /// The target of a link, relative to its document.
    Link(String),
    /// A word of a code span or code block.
    Code(String),
    /// A target in `make target`.
    Make(String),
}

fn mentions(text: &str) -> Vec<Mention> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (line, content) in (1..).zip(text.lines()) {
        if content.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        if fenced {
            found.extend(code_words(content).into_iter().map(|what| Mention { line, what }));
            continue;
        }
        for span in content.split('`').skip(1).step_by(2) {
            found.extend(code_words(span).into_iter().map(|what| Mention { line, what }));
        }
        let prose: String = content.split('`').step_by(2).collect::<Vec<_>>().join("x");
        found.extend(
            link_targets(&prose).into_iter().map(|to| Mention { line, what: What::Link(to) }),
        );
    }
    found
}

fn link_targets(prose: &str) -> Vec<String> {
    prose
        .match_indices("](")
        .filter_map(|(at, _)| {
            let rest = &prose[at + 2..];
            let target = rest[..rest.find(')')?].split([' ', '#']).next()?;
            let elsewhere =
                target.is_empty() || target.contains("://") || target.starts_with("mailto:");
            (!elsewhere).then(|| target.to_owned())
        })
        .collect()
}

fn code_words(code: &str) -> Vec<What> {
    // What follows a comment sign in a shell block is prose.
    let code = code.split(" # ").next().unwrap_or_default();
    let words: Vec<&str> = code.split_whitespace().collect();
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let follows_make = at > 0 && words[at - 1] == "make";
        if follows_make && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            found.push(What::Make((*word).to_owned()));
        }
        let word = word.trim_matches(|c: char| "\"'(),;:@".contains(c)).trim_start_matches("./");
        let word = word.strip_suffix('.').unwrap_or(word);
        if is_path(word) {
            found.push(What::Code(word.to_owned()));
        }
    }
    found
}

/// Whether a word can be a path of the repository: plain, or with `*` for any name.
fn is_path(word: &str) -> bool {
    word.contains('/')
        && !word.contains("://")
        && !word.starts_with(['/', '-', '$', '~', '<'])
        && word.chars().all(|c| c.is_ascii_alphanumeric() || "/._-*".contains(c))
}

/// Whether a word that begins with a folder of the repository leads to something. Other words are not
/// paths of ours, and pass.
fn path_exists(word: &str, roots: &BTreeSet<String>, known: &BTreeSet<PathBuf>) -> bool {
    let word = word.trim_end_matches('/');
    let Some((root, _)) = word.split_once('/') else { return true };
    if !roots.contains(root) {
        return true;
    }
    if !word.contains('*') {
        return known.contains(Path::new(word));
    }
    known.iter().any(|path| path.to_str().is_some_and(|path| matches(word, path)))
}

/// Whether a path has the form of a pattern in which `*` stands for any run of characters.
fn matches(pattern: &str, path: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return pattern == path };
    let tail = tail.trim_start_matches('*');
    path.strip_prefix(head).is_some_and(|rest| {
        rest.char_indices()
            .map(|(at, _)| at)
            .chain([rest.len()])
            .any(|at| matches(tail, &rest[at..]))
    })
}

fn link_exists(document: &Path, target: &str, known: &BTreeSet<PathBuf>) -> bool {
    let mut path = document.parent().unwrap_or(Path::new("")).to_path_buf();
    for part in Path::new(target.trim_start_matches('/')).components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::ParentDir => {
                let is_inside = path.pop();
                if !is_inside {
                    return false;
                }
            }
            _ => {}
        }
    }
    known.contains(&path)
}

fn make_targets(makefile: &str) -> BTreeSet<String> {
    makefile
        .lines()
        .filter(|line| !line.starts_with(['\t', ' ', '#', '.']))
        .filter_map(|line| line.split_once(':'))
        .filter(|(_, rest)| !rest.starts_with('='))
        .flat_map(|(names, _)| names.split_whitespace().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(paths: &[&str]) -> BTreeSet<PathBuf> {
        paths.iter().flat_map(|path| Path::new(path).ancestors().map(Path::to_path_buf)).collect()
    }

    #[test]
    fn links_spans_and_blocks_are_read() {
        let text = "See [a](docs/A.md#part \"title\"), [b](https://x.org/docs/b) and `crates/hub-lake`.\n```sh\nmake demo && ./scripts/setup.sh test # make coffee\ncurl http://x.org/docs/q\n```\nThen `make test` and `a/b.txt`; [`code`](README.md).\n";
        let found: Vec<(usize, What)> =
            mentions(text).into_iter().map(|mention| (mention.line, mention.what)).collect();
        assert_eq!(
            found,
            [
                (1, What::Code("crates/hub-lake".to_owned())),
                (1, What::Link("docs/A.md".to_owned())),
                (3, What::Make("demo".to_owned())),
                (3, What::Code("scripts/setup.sh".to_owned())),
                (6, What::Make("test".to_owned())),
                (6, What::Code("a/b.txt".to_owned())),
                (6, What::Link("README.md".to_owned())),
            ]
        );
    }

    #[test]
    fn only_paths_under_our_folders_must_exist() {
        let known = known(&["docs/A.md", "docs/adr/0001-log.md", "crates/x/src/lib.rs"]);
        let roots = BTreeSet::from(["docs".to_owned(), "crates".to_owned()]);
        for good in ["docs/A.md", "docs/adr/", "crates/*/src/*.rs", "text/csv", "v1/datasets"] {
            assert!(path_exists(good, &roots, &known), "{good} exists or is not ours");
        }
        for bad in ["docs/B.md", "crates/y", "docs/*.txt"] {
            assert!(!path_exists(bad, &roots, &known), "{bad} does not exist");
        }
    }

    #[test]
    fn links_are_followed_from_their_document() {
        let known = known(&["docs/A.md", "docs/adr/0001-log.md", "LICENSE"]);
        let from = Path::new("docs/adr/0001-log.md");
        assert!(link_exists(from, "../A.md", &known));
        assert!(link_exists(from, "../../LICENSE", &known));
        assert!(!link_exists(from, "A.md", &known));
        assert!(!link_exists(from, "../../../LICENSE", &known));
    }

    #[test]
    fn make_targets_are_read() {
        let makefile = ".PHONY: a\nX ?= 1\nY := 2\nall demo: setup ## about\n\techo a: b\n";
        assert_eq!(make_targets(makefile).into_iter().collect::<Vec<_>>(), ["all", "demo"]);
    }
}
