//! Which crate may know which: the table of rooms in docs/ARCHITECTURE.md, held against the manifests
//! and against the sources. What a manifest cannot say (one file that may, a word that stands for
//! writing) is looked for in the text.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::{Result, ensure};

use super::Outcome;
use crate::{
    source,
    workspace::{Package, Workspace},
};

/// What a room may depend on within the workspace, and what it may never name.
struct Room {
    name: &'static str,
    /// Crates of the workspace below it.
    below: &'static [&'static str],
    /// Crates that neither its manifest nor its sources name.
    never: &'static [&'static str],
    /// Crates that its sources name in `main.rs` only, where the parts are put together.
    only_in_main: &'static [&'static str],
    /// Words that its sources do without, as they would do what the room must not.
    words: &'static [&'static str],
    /// Whether what it may never name must not come in by way of its dependencies either.
    far: bool,
}

const NOTHING: Room =
    Room { name: "", below: &[], never: &[], only_in_main: &[], words: &[], far: false };

const ROOMS: &[Room] = &[
    Room {
        name: "hub-model",
        never: &["tokio", "object_store", "axum", "datafusion"],
        far: true,
        ..NOTHING
    },
    Room { name: "hub-lake", below: &["hub-model"], never: &["axum", "sqlx"], ..NOTHING },
    Room { name: "hub-registry", below: &["hub-model"], never: &["axum", "datafusion"], ..NOTHING },
    Room {
        name: "hub-intake",
        below: &["hub-model"],
        never: &["axum", "hub-lake", "hub-registry"],
        ..NOTHING
    },
    Room {
        name: "hub-query",
        below: &["hub-model", "hub-lake"],
        never: &["axum", "sqlx"],
        words: &["PutMode", "PutPayload", "put_opts", "put_multipart", "Stager", "Publication"],
        ..NOTHING
    },
    Room {
        name: "hub-app",
        below: &["hub-model", "hub-lake", "hub-registry", "hub-intake", "hub-query"],
        never: &["axum", "http"],
        ..NOTHING
    },
    Room {
        name: "hub-server",
        below: &["hub-model", "hub-lake", "hub-registry", "hub-intake", "hub-query", "hub-app"],
        only_in_main: &["datafusion", "object_store"],
        ..NOTHING
    },
    Room { name: "hub-testkit", below: &["hub-model"], ..NOTHING },
    Room { name: "hub-tests", ..NOTHING },
    Room { name: "xtask", ..NOTHING },
];

/// The crate that only tests may see.
const TESTKIT: &str = "hub-testkit";

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let packages = workspace.packages()?;
    let files = workspace.files()?;
    let mut findings = Vec::new();
    for package in &packages {
        let Some(room) = ROOMS.iter().find(|room| room.name == package.name) else {
            findings.push(format!(
                "{} is not in the table of rooms: add it to xtask/src/check/edges.rs and docs/ARCHITECTURE.md",
                package.name
            ));
            continue;
        };
        findings.extend(manifest_findings(room, package));
        if room.far {
            findings.extend(far_findings(room, &workspace.needs()?)?);
        }
        let sources = package.folder.join("src");
        for file in &files {
            if file.starts_with(&sources) && file.extension().is_some_and(|e| e == "rs") {
                let text = workspace.text(file)?.unwrap_or_default();
                findings.extend(source_findings(room, file, &text));
            }
        }
    }
    Ok(Outcome::from_findings(findings, format!("{} crates", packages.len())))
}

fn manifest_findings(room: &Room, package: &Package) -> Vec<String> {
    let mut findings = Vec::new();
    for dependency in &package.dependencies {
        let name = dependency.name.as_str();
        let ours = ROOMS.iter().any(|room| room.name == name);
        if dependency.for_tests {
            // Tests may look at what they test from anywhere below.
            continue;
        }
        if name == TESTKIT {
            findings.push(format!("{} depends on {TESTKIT} outside of its tests", room.name));
        } else if room.never.iter().any(|never| same(never, name)) {
            findings.push(format!("{} may not depend on {name}", room.name));
        } else if ours && !room.below.contains(&name) {
            findings.push(format!("{} may not depend on {name}: it is not below it", room.name));
        }
    }
    findings
}

/// What a room reaches through others though it must not.
fn far_findings(
    room: &Room,
    needs: &BTreeMap<String, (String, Vec<String>)>,
) -> Result<Vec<String>> {
    let start: Vec<&String> =
        needs.iter().filter(|(_, (name, _))| name == room.name).map(|(id, _)| id).collect();
    ensure!(start.len() == 1, "{} is not in the lock file once", room.name);
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    let mut open = start;
    while let Some(id) = open.pop() {
        let Some((name, needed)) = needs.get(id) else { continue };
        if !seen.insert(id) {
            continue;
        }
        if room.never.iter().any(|never| same(never, name)) {
            findings.push(format!("{} may not need {name}, not even through others", room.name));
        }
        open.extend(needed);
    }
    Ok(findings)
}

fn source_findings(room: &Room, file: &Path, text: &str) -> Vec<String> {
    let file_name = file.file_name().unwrap_or_default();
    if file_name == "tests.rs" || file.components().any(|part| part.as_os_str() == "tests") {
        return Vec::new();
    }
    let aside = if file_name == "main.rs" { &[][..] } else { room.only_in_main };
    let code = source::code_only(source::before_tests(text));
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(code.lines()) {
        for name in room.never.iter().chain(aside) {
            if source::names_crate(line, name) {
                findings.push(format!(
                    "{}:{number} names {name}, which {} may not",
                    file.display(),
                    room.name
                ));
            }
        }
        for word in room.words {
            if holds_word(line, word) {
                findings.push(format!(
                    "{}:{number} says {word}, which {} may not",
                    file.display(),
                    room.name
                ));
            }
        }
    }
    findings
}

fn holds_word(line: &str, word: &str) -> bool {
    line.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|part| part == word)
}

fn same(a: &str, b: &str) -> bool {
    a.replace('-', "_") == b.replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Dependency;

    fn room(name: &str) -> &'static Room {
        ROOMS.iter().find(|room| room.name == name).expect("a room of the table")
    }

    fn package(name: &str, dependencies: &[(&str, bool)]) -> Package {
        Package {
            name: name.to_owned(),
            folder: Path::new("crates").join(name),
            dependencies: dependencies
                .iter()
                .map(|&(name, for_tests)| Dependency { name: name.to_owned(), for_tests })
                .collect(),
        }
    }

    #[test]
    fn every_forbidden_edge_of_the_table_is_found() {
        for room in ROOMS {
            for never in room.never {
                let found = manifest_findings(room, &package(room.name, &[(never, false)]));
                assert_eq!(found.len(), 1, "{} to {never}: {found:?}", room.name);
            }
        }
    }

    #[test]
    fn upward_edges_are_found_and_downward_ones_are_not() {
        let lake =
            package("hub-lake", &[("hub-model", false), ("hub-query", false), ("tokio", false)]);
        let found = manifest_findings(room("hub-lake"), &lake);
        assert_eq!(found, ["hub-lake may not depend on hub-query: it is not below it"]);
    }

    #[test]
    fn the_testkit_is_for_tests_only() {
        let found =
            manifest_findings(room("hub-app"), &package("hub-app", &[("hub-testkit", true)]));
        assert_eq!(found, [""; 0]);
        let found =
            manifest_findings(room("hub-app"), &package("hub-app", &[("hub-testkit", false)]));
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn what_comes_through_others_is_found_for_the_model() {
        let needs = BTreeMap::from([
            ("m".to_owned(), ("hub-model".to_owned(), vec!["a".to_owned()])),
            ("a".to_owned(), ("arrow-schema".to_owned(), vec!["m".to_owned(), "t".to_owned()])),
            ("t".to_owned(), ("tokio".to_owned(), Vec::new())),
        ]);
        let found = far_findings(room("hub-model"), &needs).expect("follows");
        assert_eq!(found, ["hub-model may not need tokio, not even through others"]);
    }

    #[test]
    fn sources_are_looked_through_apart_from_comments_and_tests() {
        let text = "//! datafusion::x\nuse datafusion::prelude::*;\n#[cfg(test)]\nmod tests { use object_store::X; }\n";
        let server = room("hub-server");
        let found = source_findings(server, Path::new("crates/hub-server/src/door.rs"), text);
        assert_eq!(
            found,
            ["crates/hub-server/src/door.rs:2 names datafusion, which hub-server may not"]
        );
        let found = source_findings(server, Path::new("crates/hub-server/src/main.rs"), text);
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn the_query_room_does_not_write() {
        let text = "let x = store.put_opts(&path, y, z);\nlet output_opts = 1;\n";
        let found =
            source_findings(room("hub-query"), Path::new("crates/hub-query/src/a.rs"), text);
        assert_eq!(found, ["crates/hub-query/src/a.rs:1 says put_opts, which hub-query may not"]);
    }
}
