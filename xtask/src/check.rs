//! The list of checks, and how they are run: all of them, in order, whatever the ones before found.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

use crate::workspace::Workspace;

mod build;
mod doc_paths;
mod doc_tests;
mod docs;
mod edges;
mod file_length;
mod format;
pub(crate) mod functions;
mod invariants;
mod lints;
mod machine_paths;
mod manifests;
pub(crate) mod openapi;
mod tests;
mod tools;

/// What a check found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All is well; the note says what was looked at.
    Passed(String),
    /// Nothing that fails the run, but something to look at.
    Warned(Vec<String>),
    /// What is wrong, one line each.
    Failed(Vec<String>),
    /// The check did not apply or its tool is not installed.
    Skipped(String),
}

impl Outcome {
    /// Passed where nothing was found, failed otherwise.
    pub(crate) fn from_findings(findings: Vec<String>, note: impl Into<String>) -> Self {
        if findings.is_empty() { Self::Passed(note.into()) } else { Self::Failed(findings) }
    }
}

struct Check {
    name: &'static str,
    about: &'static str,
    run: fn(&Workspace) -> Result<Outcome>,
}

/// The quick ones first, so that a slip shows before the long ones have run.
const CHECKS: &[Check] = &[
    Check { name: "format", about: "rustfmt would change nothing", run: format::run },
    Check {
        name: "manifests",
        about: "versions and lints come from the workspace",
        run: manifests::run,
    },
    Check { name: "edges", about: "no crate names what it may not", run: edges::run },
    Check {
        name: "doc-paths",
        about: "paths and make targets named in documents exist",
        run: doc_paths::run,
    },
    Check {
        name: "invariants",
        about: "each invariant names a test that exists",
        run: invariants::run,
    },
    Check {
        name: "file-length",
        about: "files stay within 400 lines before their tests",
        run: file_length::run,
    },
    Check {
        name: "machine-paths",
        about: "no file names one machine's folders",
        run: machine_paths::run,
    },
    Check { name: "lints", about: "clippy and the compiler have nothing to say", run: lints::run },
    Check { name: "docs", about: "the API documentation builds without warnings", run: docs::run },
    Check { name: "build", about: "the programs build", run: build::run },
    Check {
        name: "openapi",
        about: "openapi/mochiyori-v1.json is what the program prints",
        run: openapi::run,
    },
    Check {
        name: "functions",
        about: "docs/FUNCTIONS.md is what the program prints",
        run: functions::run,
    },
    Check { name: "tests", about: "every test passes", run: tests::run },
    Check {
        name: "doc-tests",
        about: "examples in documentation comments run",
        run: doc_tests::run,
    },
    Check {
        name: "deny",
        about: "licences, sources and bans (cargo-deny, where installed)",
        run: tools::deny,
    },
    Check {
        name: "unused",
        about: "no dependency is unused (cargo-machete, where installed)",
        run: tools::machete,
    },
];

/// Prints the checks.
pub(crate) fn list() {
    for check in CHECKS {
        println!("{:<15}{}", check.name, check.about);
    }
}

/// Runs the checks named, or all, and prints a summary.
pub(crate) fn run(workspace: &Workspace, names: &[&str]) -> Result<ExitCode> {
    let chosen = choose(names)?;
    let mut results = Vec::with_capacity(chosen.len());
    for check in chosen {
        println!("== {}: {}", check.name, check.about);
        let start = Instant::now();
        let outcome = (check.run)(workspace)
            .unwrap_or_else(|error| Outcome::Failed(vec![format!("{error:#}")]));
        print_findings(&outcome);
        results.push((check.name, outcome, start.elapsed()));
    }
    println!("\n{}", summary(&results));
    let failed = results.iter().any(|(_, outcome, _)| matches!(outcome, Outcome::Failed(_)));
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn choose(names: &[&str]) -> Result<Vec<&'static Check>> {
    if let Some(unknown) = names.iter().find(|name| !CHECKS.iter().any(|c| c.name == **name)) {
        let known: Vec<&str> = CHECKS.iter().map(|check| check.name).collect();
        bail!("there is no check {unknown}: choose from {}", known.join(", "));
    }
    Ok(CHECKS.iter().filter(|check| names.is_empty() || names.contains(&check.name)).collect())
}

fn print_findings(outcome: &Outcome) {
    match outcome {
        Outcome::Failed(findings) => findings.iter().for_each(|line| println!("   error: {line}")),
        Outcome::Warned(findings) => {
            findings.iter().for_each(|line| println!("   warning: {line}"))
        }
        Outcome::Passed(_) | Outcome::Skipped(_) => {}
    }
}

fn summary(results: &[(&'static str, Outcome, Duration)]) -> String {
    let mut lines = vec!["summary".to_owned()];
    for (name, outcome, took) in results {
        let (word, note) = match outcome {
            Outcome::Passed(note) => ("ok", note.clone()),
            Outcome::Warned(findings) => ("warning", count(findings.len(), "warning")),
            Outcome::Failed(findings) => ("FAILED", count(findings.len(), "error")),
            Outcome::Skipped(reason) => ("skipped", reason.clone()),
        };
        let seconds = took.as_secs_f64();
        lines.push(format!("  {word:<8} {name:<15}{seconds:>7.1} s  {note}").trim_end().to_owned());
    }
    let failed = results.iter().filter(|(_, o, _)| matches!(o, Outcome::Failed(_))).count();
    lines.push(match failed {
        0 => "all checks passed".to_owned(),
        n => format!("{} failed", count(n, "check")),
    });
    lines.join("\n")
}

fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn checks_are_chosen_by_name_and_a_wrong_name_is_told() {
        assert_eq!(choose(&[]).expect("all").len(), CHECKS.len());
        let chosen = choose(&["lints", "format"]).expect("known names");
        assert_eq!(chosen.iter().map(|c| c.name).collect::<Vec<_>>(), ["format", "lints"]);
        let error = choose(&["lint"]).err().expect("an unknown name").to_string();
        assert!(error.contains("lints"), "{error}");
    }

    #[test]
    fn the_summary_counts_failures() {
        let second = Duration::from_secs(1);
        let results = [
            ("a", Outcome::Passed("3 files".to_owned()), second),
            ("b", Outcome::Failed(vec!["x".to_owned()]), second),
            ("c", Outcome::Skipped("not installed".to_owned()), second),
        ];
        let text = summary(&results);
        assert!(text.ends_with("1 check failed"), "{text}");
        assert!(text.contains("ok       a                  1.0 s  3 files"), "{text}");
        assert!(summary(&results[..1]).ends_with("all checks passed"));
    }
}
