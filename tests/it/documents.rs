//! Documents with commands, run as a reader would run them: the fenced blocks of a Markdown file in their
//! order, in one folder, against one hub.
//!
//! A `sh` or `python` block is run and must succeed. A `text` block right after it is what it prints, where
//! a line `…` stands for any lines. A `sh` block of `make` alone is not run; its targets must exist. A block
//! after `<!-- not run: why -->` is not run. Diagrams and configuration may be shown; a block in another
//! language must say that it is not run, so that none is left out by mistake.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use hub_testkit::{hub, shared};
use tempfile::TempDir;

/// The address that documents show.
const SHOWN: &str = "http://127.0.0.1:8080";

/// Somebody who follows a document.
pub(crate) struct Reader {
    folder: TempDir,
    base: String,
    variables: Vec<(String, String)>,
}

#[derive(Debug, PartialEq)]
struct Block {
    line: usize,
    language: String,
    text: String,
    not_run: bool,
    prints: Option<String>,
}

impl Reader {
    /// A reader with the client `mochiyori`, Python and a hub at this address.
    pub(crate) fn new(folder: TempDir, base: &str) -> Self {
        // Left to itself curl calls an error answer a success.
        fs::write(folder.path().join(".curlrc"), "fail-with-body\n").expect("it can be written");
        Self { folder, base: base.to_owned(), variables: Vec::new() }
    }

    /// Sets an environment variable for the commands.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.variables.push((name.to_owned(), value.into()));
    }

    /// Runs every block of a document; stops the test at the first that does not do what it says. Returns
    /// how many were run.
    pub(crate) fn follow(&self, document: &str) -> usize {
        let text = fs::read_to_string(project().join(document)).expect("the document is there");
        let mut run = 0;
        for block in blocks(&text) {
            let place = format!("{document}, line {}", block.line);
            let output = match block.language.as_str() {
                _ if block.not_run => continue,
                "sh" if is_make(&block.text) => {
                    check_targets(&block.text, &place);
                    continue;
                }
                "sh" => self.shell(&block.text),
                "python" => self.python(&block.text),
                "mermaid" | "json" | "toml" | "text" => continue,
                other => panic!("{place}: a block of {other:?} is neither run nor said not to be"),
            };
            run += 1;
            let printed = self.shown(&output.stdout);
            let heard = self.shown(&output.stderr);
            assert!(
                output.status.success(),
                "{place}: {}\n{}\n--- printed ---\n{printed}\n--- errors ---\n{heard}",
                output.status,
                block.text
            );
            if let Some(expected) = &block.prints {
                assert!(
                    agrees(expected, &printed),
                    "{place}: it prints\n{printed}\nand should print\n{expected}\n--- errors ---\n{heard}"
                );
            }
        }
        run
    }

    /// What was exported in one block is there in the next, as in one terminal.
    fn shell(&self, script: &str) -> Output {
        let script = script.replace(SHOWN, &self.base);
        let kept = self.folder.path().join(".exported");
        let script = format!(
            "set -euo pipefail\n[ ! -e '{kept}' ] || . '{kept}'\nexport PATH=\"$CLIENT:$PATH\"\n{script}\nexport -p >'{kept}'\n",
            kept = kept.display()
        );
        self.command("bash").args(["-c", &script]).output().expect("bash can be run")
    }

    fn python(&self, script: &str) -> Output {
        let script = script.replace(SHOWN, &self.base);
        let python = shared::python();
        self.command(&python).args(["-c", &script]).output().expect("Python can be run")
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let client = hub::binary().parent().expect("a program lies in a folder").to_owned();
        let python = shared::python().parent().expect("an interpreter lies in a folder").to_owned();
        let mut command = Command::new(program);
        let ours = env::vars_os().map(|(name, _)| name);
        for name in ours.filter(|name| name.to_string_lossy().starts_with("MOCHIYORI_")) {
            command.env_remove(name);
        }
        command
            .current_dir(self.folder.path())
            .env("CLIENT", env::join_paths([client, python]).expect("folders have plain names"))
            .env("MOCHIYORI_URL", &self.base)
            .env("CURL_HOME", self.folder.path())
            .env("LC_ALL", "C.UTF-8")
            .env("NO_PROXY", "127.0.0.1")
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    fn shown(&self, output: &[u8]) -> String {
        String::from_utf8_lossy(output).replace(&self.base, SHOWN)
    }
}

/// The project's own folder.
pub(crate) fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests lie in the project").to_owned()
}

fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let (mut open, mut not_run, mut follows) = (None, false, false);
    for (index, line) in markdown.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => {
                open = Some(Block {
                    line: index + 1,
                    language: language.to_owned(),
                    text: String::new(),
                    not_run: std::mem::take(&mut not_run),
                    prints: None,
                });
            }
            (Some(_), Some("")) => {
                let block = open.take().expect("it is open");
                match blocks.last_mut() {
                    Some(before) if block.language == "text" && follows => {
                        before.prints = Some(block.text);
                    }
                    _ => {
                        follows = ["sh", "python"].contains(&block.language.as_str());
                        blocks.push(block);
                    }
                }
            }
            (Some(block), _) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) if line.trim().is_empty() => {}
            (None, None) => {
                not_run = line.starts_with("<!-- not run: ");
                follows = false;
            }
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

fn commands(script: &str) -> impl Iterator<Item = &str> {
    script
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .filter(|l| !l.is_empty())
}

fn is_make(script: &str) -> bool {
    commands(script).all(|line| line.starts_with("make "))
}

fn check_targets(script: &str, place: &str) {
    let makefile = fs::read_to_string(project().join("Makefile")).expect("there is a Makefile");
    for target in commands(script).filter_map(|line| line.split_whitespace().nth(1)) {
        let found = makefile.lines().any(|line| line.starts_with(&format!("{target}:")));
        assert!(found, "{place}: make has no target {target}");
    }
}

/// Whether a text is the expected one. A line `…` stands for any number of lines, `…` within a line for
/// any characters.
fn agrees(expected: &str, printed: &str) -> bool {
    fn lines(expected: &[&str], printed: &[&str]) -> bool {
        match expected.split_first() {
            None => printed.is_empty(),
            Some((&"…", rest)) => {
                (0..=printed.len()).any(|skipped| lines(rest, &printed[skipped..]))
            }
            Some((line, rest)) => {
                printed.first().is_some_and(|found| alike(line, found))
                    && lines(rest, &printed[1..])
            }
        }
    }
    fn alike(expected: &str, found: &str) -> bool {
        match expected.split_once('…') {
            None => expected.trim_end() == found.trim_end(),
            Some((head, tail)) => found.starts_with(head) && found[head.len()..].ends_with(tail),
        }
    }
    let (expected, printed) = (expected.trim_end(), printed.trim_end());
    lines(&expected.lines().collect::<Vec<_>>(), &printed.lines().collect::<Vec<_>>())
}

#[test]
fn blocks_are_found_with_what_they_print_and_whether_they_are_run() {
    let text = "a\n```sh\nls\n```\n\n```text\nb\n```\nc\n```text\nfree\n```\n<!-- not run: no R here -->\n```r\nx\n```\n```python\n1\n```\n";
    let found: Vec<_> = blocks(text)
        .into_iter()
        .map(|b| (b.line, b.language, b.text, b.not_run, b.prints))
        .collect();
    let block = |line, language: &str, text: &str, not_run, prints: Option<&str>| {
        (line, language.to_owned(), text.to_owned(), not_run, prints.map(str::to_owned))
    };
    assert_eq!(
        found,
        [
            block(2, "sh", "ls\n", false, Some("b\n")),
            block(10, "text", "free\n", false, None),
            block(14, "r", "x\n", true, None),
            block(17, "python", "1\n", false, None),
        ]
    );
}

#[test]
fn what_is_printed_agrees_with_what_is_shown_or_does_not() {
    assert!(agrees("a\n…\nd\n", "a\nb\nc\nd"));
    assert!(agrees("a … rows\n", "a 12 rows\n"));
    assert!(agrees("a\n…", "a"));
    for (expected, printed) in
        [("a\n", "b\n"), ("a\n", "a\nb\n"), ("…\nd", "a\nb"), ("a … rows", "a 1 row")]
    {
        assert!(!agrees(expected, printed), "{expected:?} agrees with {printed:?}");
    }
}
