//! The project's own tasks: `cargo xtask check` runs what CI runs, `cargo xtask openapi` rewrites the
//! committed description of the HTTP interface, `cargo xtask functions` that of SQL's functions. It reads the repository and starts tools; it must not
//! hold anything that the product needs.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its output is for a terminal")]

use std::process::ExitCode;

mod check;
mod source;
mod workspace;

use workspace::Workspace;

const HELP: &str = "\
The project's own tasks.

Usage:
  cargo xtask check [NAME…]   run every check, or those named
  cargo xtask list            list the checks
  cargo xtask openapi         rewrite openapi/mochiyori-v1.json from the program
  cargo xtask functions       rewrite docs/FUNCTIONS.md from the program

Every check runs even where one before it fails; a summary stands at the end.";

fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Vec<String>) -> anyhow::Result<ExitCode> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["check", names @ ..] => check::run(&Workspace::find()?, names),
        ["list"] => {
            check::list();
            Ok(ExitCode::SUCCESS)
        }
        ["openapi"] => {
            check::openapi::rewrite(&Workspace::find()?)?;
            Ok(ExitCode::SUCCESS)
        }
        ["functions"] => {
            check::functions::rewrite(&Workspace::find()?)?;
            Ok(ExitCode::SUCCESS)
        }
        [] | ["help" | "--help" | "-h"] => {
            println!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        [unknown, ..] => anyhow::bail!("there is no task {unknown}\n\n{HELP}"),
    }
}
