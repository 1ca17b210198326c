//! The READMEs as newcomers follow them: every command is run, beside the demo that they start with.

use tempfile::TempDir;

use crate::{demo::Demo, documents::Reader};

#[tokio::test]
async fn every_command_of_the_readmes_works() {
    let folder = TempDir::new().expect("a folder");
    let demo =
        Demo::start(&folder.path().join("mochiyori-demo"), folder.path().join("demo.log")).await;
    // In Japanese after English: both are about the same hub, as if two people had read one each.
    for document in ["README.md", "README.ja.md"] {
        let terminal = TempDir::new_in(folder.path()).expect("a folder");
        std::os::unix::fs::symlink(
            folder.path().join("mochiyori-demo"),
            terminal.path().join("mochiyori-demo"),
        )
        .expect("a link can be made");
        let reader = Reader::new(terminal, &demo.base);
        let run = reader.follow(document);
        assert!(run >= 10, "only {run} blocks of {document} were run");
    }
}
