//! The real files beside the project, `../shared/data`. Where they are absent, tests skip and say so.

use std::path::PathBuf;

/// The folder of real files, or `None` where this checkout has none beside it.
pub fn data_folder() -> Option<PathBuf> {
    let folder = std::env::var_os("MOCHIYORI_SHARED_DATA")
        .map_or_else(|| manifest_folder().join("../../../shared/data"), PathBuf::from);
    folder.join("README.md").exists().then_some(folder)
}

/// This package's folder in the checkout that runs. It is asked for at run time, since checkouts may share
/// what was compiled in one of them.
fn manifest_folder() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    let root = package.ancestors().find(|folder| folder.join("Cargo.lock").is_file());
    root.map_or(package.clone(), |root| root.join("crates/hub-testkit"))
}

/// A file of the folder; where it is absent the caller returns early, and the test's output says so.
pub fn data_file(path: &str) -> Option<PathBuf> {
    let file = data_folder().map(|folder| folder.join(path)).filter(|file| file.exists());
    if file.is_none() {
        eprintln!("skipped: ../shared/data/{path} is not there");
    }
    file
}

/// The Python interpreter that the project's set-up prepared.
pub fn python() -> PathBuf {
    std::env::var_os("MOCHIYORI_PYTHON").map_or_else(
        || {
            let home = std::env::var_os("HOME").expect("HOME is set");
            PathBuf::from(home).join(".cache/mochiyori/venv/bin/python")
        },
        PathBuf::from,
    )
}
