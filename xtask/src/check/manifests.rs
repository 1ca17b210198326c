//! Each package takes its dependencies' versions and its lints from the workspace, so that DataFusion,
//! arrow and object_store move together and no crate is held to less than the others.

use anyhow::Result;

use super::Outcome;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let mut findings = Vec::new();
    let packages = workspace.packages()?;
    for package in &packages {
        let manifest = package.folder.join("Cargo.toml");
        let text = workspace.text(&manifest)?.unwrap_or_default();
        findings.extend(
            find(&text).into_iter().map(|finding| format!("{}: {finding}", manifest.display())),
        );
    }
    Ok(Outcome::from_findings(findings, format!("{} packages", packages.len())))
}

fn find(manifest: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let mut section = "";
    let mut lints = false;
    for line in manifest.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
            let table = name.rsplit_once("dependencies.").map(|(_, dependency)| dependency);
            if let Some(dependency) = table {
                findings.push(format!("write {dependency} in one line, with `workspace = true`"));
            }
        } else if let Some((key, value)) = line.split_once('=') {
            let (key, value) = (key.trim(), value.replace(' ', ""));
            if section.ends_with("dependencies") {
                let from_workspace = (key.ends_with(".workspace") && value == "true")
                    || value.contains("workspace=true");
                if !from_workspace {
                    findings.push(format!(
                        "{key} must come from [workspace.dependencies]: write `{key}.workspace = true`"
                    ));
                }
            }
            lints |= section == "lints" && key == "workspace" && value == "true";
        }
    }
    if !lints {
        findings.push("it lacks `[lints]` with `workspace = true`".to_owned());
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_versions_and_missing_lints_are_found() {
        let good = "[package]\nname = \"a\"\n[lints]\nworkspace = true\n[dependencies]\na.workspace = true # why\nb = { workspace = true, features = [\"x\"] }\n";
        assert_eq!(find(good), [""; 0]);
        let bad = "[dependencies]\na = \"1\"\n[target.'cfg(unix)'.dev-dependencies]\nb = { version = \"1\" }\n[dependencies.c]\nversion = \"1\"\n";
        let found = find(bad).join("\n");
        for expected in ["a must come", "b must come", "write c in one line", "[lints]"] {
            assert!(found.contains(expected), "{expected} is not in {found}");
        }
    }
}
