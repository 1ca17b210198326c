//! The 15 questions that the hub must answer, on three years of sample data that came in by the ordinary
//! upload, and each checked against what pandas makes of the downloaded datasets.

use std::{path::Path, process::Command};

use hub_testkit::shared;
use tempfile::TempDir;

use crate::demo::Demo;

#[tokio::test]
async fn the_fifteen_questions_have_the_answers_that_pandas_has() {
    let python = shared::python();
    let folder = TempDir::new().expect("a folder");
    let data_dir = folder.path().join("mochiyori-demo");
    // Winters need the spring that follows them, and harvests the season before.
    let demo = Demo::start_with(&data_dir, folder.path().join("demo.log"), &["--years", "3"]).await;
    let check = Path::new(env!("CARGO_MANIFEST_DIR")).join("questions/check.py");
    let output = Command::new(python)
        .arg(check)
        .arg(&demo.base)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("Python can be run");
    let printed = String::from_utf8_lossy(&output.stdout);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}\n{told}");
    assert_eq!(printed.matches("rows as by pandas").count(), 15, "{printed}");
    assert!(printed.matches("by REST too").count() >= 6, "{printed}");
}
