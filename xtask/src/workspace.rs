//! The repository as cargo and git see it: its root, its packages, its files.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The repository.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
    metadata: OnceLock<Value>,
}

/// A package of the workspace, as cargo describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// The package's folder, relative to the root.
    pub(crate) folder: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
}

/// What a package depends on directly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Whether only tests, examples and benchmarks see it.
    pub(crate) for_tests: bool,
}

impl Workspace {
    /// The workspace that this program was started in. Checkouts may share what was compiled in one of
    /// them, so the place it was compiled in says nothing.
    pub(crate) fn find() -> Result<Self> {
        let here = std::env::current_dir().context("the working folder can't be told")?;
        let root = here
            .ancestors()
            .find(|folder| folder.join("Cargo.lock").is_file())
            .context("start this inside the workspace")?;
        Ok(Self { root: root.to_owned(), metadata: OnceLock::new() })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A command that runs at the root.
    pub(crate) fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.root);
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(is_from_cargo_run) {
                command.env_remove(name);
            }
        }
        command
    }

    /// Runs a tool with its output on the terminal; a failure names the command to repeat.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Result<()> {
        self.run_with(program, arguments, &[])
    }

    /// The same with environment variables.
    pub(crate) fn run_with(
        &self,
        program: &str,
        arguments: &[&str],
        env: &[(&str, &str)],
    ) -> Result<()> {
        let status = self
            .command(program, arguments)
            .envs(env.iter().copied())
            .status()
            .with_context(|| format!("{program} cannot be run"))?;
        let env: String = env.iter().map(|(name, value)| format!("{name}='{value}' ")).collect();
        ensure!(status.success(), "`{env}{program} {}` ended with {status}", arguments.join(" "));
        Ok(())
    }

    /// Whether a tool answers to being asked for its version.
    pub(crate) fn has(&self, program: &str, arguments: &[&str]) -> bool {
        self.command(program, arguments).output().is_ok_and(|output| output.status.success())
    }

    /// Where cargo puts what it builds.
    pub(crate) fn target_folder(&self) -> Result<PathBuf> {
        let folder = self.metadata()?["target_directory"].as_str().context("a target folder")?;
        Ok(PathBuf::from(folder))
    }

    /// The packages of the workspace.
    pub(crate) fn packages(&self) -> Result<Vec<Package>> {
        read_packages(self.metadata()?, &self.root)
    }

    /// For each package that the workspace's lock holds, by id, its name and the ids that it needs
    /// outside of tests.
    pub(crate) fn needs(&self) -> Result<BTreeMap<String, (String, Vec<String>)>> {
        read_needs(self.metadata()?)
    }

    /// Every file that is committed or about to be, relative to the root; in a copy without git's own
    /// folder, every file.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>> {
        let mut files = if self.root.join(".git").exists() {
            self.listed_by_git()?
        } else {
            let mut files = Vec::new();
            walk(&self.root, &self.root, &mut files)?;
            files
        };
        files.retain(|path| self.root.join(path).is_file());
        files.sort();
        files.dedup();
        Ok(files)
    }

    fn listed_by_git(&self) -> Result<Vec<PathBuf>> {
        // CI may check out as another user than the one that runs; listing names is harmless.
        let safe = ["-c", "safe.directory=*"];
        let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let output = self
            .command("git", &[&safe[..], &list[..]].concat())
            .output()
            .context("git lists the files to check: install it")?;
        ensure!(
            output.status.success(),
            "git does not list the files: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(String::from_utf8(output.stdout)?.split_terminator('\0').map(PathBuf::from).collect())
    }

    /// The text of a file, or `None` where it is not text.
    pub(crate) fn text(&self, file: &Path) -> Result<Option<String>> {
        let bytes = fs::read(self.root.join(file))
            .with_context(|| format!("{} cannot be read", file.display()))?;
        Ok(String::from_utf8(bytes).ok())
    }

    fn metadata(&self) -> Result<&Value> {
        if let Some(metadata) = self.metadata.get() {
            return Ok(metadata);
        }
        let output = self
            .command("cargo", &["metadata", "--format-version", "1", "--locked"])
            .output()
            .context("cargo cannot be run")?;
        ensure!(
            output.status.success(),
            "cargo metadata failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        let metadata = serde_json::from_slice(&output.stdout)?;
        Ok(self.metadata.get_or_init(|| metadata))
    }
}

/// Whether `cargo run` set this variable to tell this program about itself. A cargo started by us must not
/// inherit it: build scripts that watch such variables would see them change, and much of the dependency
/// tree would be compiled again, now and by whoever calls cargo next.
fn is_from_cargo_run(name: &str) -> bool {
    matches!(name, "CARGO" | "CARGO_BIN_NAME" | "CARGO_CRATE_NAME" | "CARGO_PRIMARY_PACKAGE")
        || name.starts_with("CARGO_PKG_")
        || name.starts_with("CARGO_MANIFEST_")
}

/// Gathers the files below a folder, apart from what tools make.
fn walk(root: &Path, folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let made = ["target", "node_modules"].iter().any(|name| path.ends_with(name));
        if path.is_dir() && !made {
            walk(root, &path, files)?;
        } else if let Ok(path) = path.strip_prefix(root) {
            files.push(path.to_owned());
        }
    }
    Ok(())
}

fn read_packages(metadata: &Value, root: &Path) -> Result<Vec<Package>> {
    let members = metadata["workspace_members"].as_array().context("workspace members")?;
    let mut packages = Vec::new();
    for package in metadata["packages"].as_array().context("packages")? {
        if !members.contains(&package["id"]) {
            continue;
        }
        let manifest = Path::new(package["manifest_path"].as_str().context("a manifest's path")?);
        let folder = manifest.parent().unwrap_or(manifest);
        packages.push(Package {
            name: package["name"].as_str().context("a package's name")?.to_owned(),
            folder: folder.strip_prefix(root).unwrap_or(folder).to_owned(),
            dependencies: package["dependencies"]
                .as_array()
                .context("a package's dependencies")?
                .iter()
                .filter_map(|dependency| {
                    Some(Dependency {
                        name: dependency["name"].as_str()?.to_owned(),
                        for_tests: dependency["kind"] == "dev",
                    })
                })
                .collect(),
        });
    }
    Ok(packages)
}

fn read_needs(metadata: &Value) -> Result<BTreeMap<String, (String, Vec<String>)>> {
    let mut names = BTreeMap::new();
    for package in metadata["packages"].as_array().context("packages")? {
        if let (Some(id), Some(name)) = (package["id"].as_str(), package["name"].as_str()) {
            names.insert(id, name);
        }
    }
    let mut needs = BTreeMap::new();
    for node in metadata["resolve"]["nodes"].as_array().context("the resolved packages")? {
        let Some(id) = node["id"].as_str() else { continue };
        let needed = node["deps"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|dependency| {
                dependency["dep_kinds"]
                    .as_array()
                    .is_none_or(|kinds| kinds.iter().any(|kind| kind["kind"].is_null()))
            })
            .filter_map(|dependency| dependency["pkg"].as_str().map(str::to_owned))
            .collect();
        let name = names.get(id).copied().unwrap_or(id);
        needs.insert(id.to_owned(), (name.to_owned(), needed));
    }
    Ok(needs)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_read_with_their_own_dependencies() {
        let metadata = json!({
            "workspace_members": ["a 1"],
            "packages": [
                { "id": "a 1", "name": "a", "manifest_path": "/r/crates/a/Cargo.toml", "dependencies": [
                    { "name": "tokio", "kind": null }, { "name": "insta", "kind": "dev" } ] },
                { "id": "tokio 1", "name": "tokio", "manifest_path": "/x/Cargo.toml", "dependencies": [] },
            ],
        });
        let packages = read_packages(&metadata, Path::new("/r")).expect("reads");
        assert_eq!(packages.len(), 1);
        assert_eq!(packages[0].folder, Path::new("crates/a"));
        assert_eq!(
            packages[0].dependencies,
            [
                Dependency { name: "tokio".to_owned(), for_tests: false },
                Dependency { name: "insta".to_owned(), for_tests: true }
            ]
        );
    }

    #[test]
    fn a_cargo_started_by_us_sees_what_the_caller_set_and_not_what_cargo_run_did() {
        let workspace = Workspace::find().expect("is found");
        let command = workspace.command("cargo", &[]);
        let removed: Vec<&str> = command
            .get_envs()
            .filter(|(_, value)| value.is_none())
            .filter_map(|(name, _)| name.to_str())
            .collect();
        // This test is started by cargo too, with the same variables.
        for name in ["CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "CARGO_PKG_VERSION_PRE"] {
            assert!(removed.contains(&name), "{name} is inherited");
        }
        for name in ["CARGO_TARGET_DIR", "CARGO_HOME", "CARGO_PROFILE_DEV_DEBUG", "LD_LIBRARY_PATH"]
        {
            assert!(!is_from_cargo_run(name), "{name} is the caller's");
        }
    }

    #[test]
    fn needs_leave_out_what_only_tests_and_build_scripts_use() {
        let metadata = json!({
            "packages": [{ "id": "a 1", "name": "a" }],
            "resolve": { "nodes": [{ "id": "a 1", "deps": [
                { "pkg": "b 1", "dep_kinds": [{ "kind": null }] },
                { "pkg": "c 1", "dep_kinds": [{ "kind": "dev" }] },
                { "pkg": "d 1", "dep_kinds": [{ "kind": "build" }, { "kind": null }] },
            ] }] },
        });
        let needs = read_needs(&metadata).expect("reads");
        assert_eq!(needs["a 1"], ("a".to_owned(), vec!["b 1".to_owned(), "d 1".to_owned()]));
    }
}
