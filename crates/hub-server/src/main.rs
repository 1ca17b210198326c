//! The binary `mochiyori`.

use std::process::ExitCode;

use hub_server::cli::{self, Command};

fn main() -> ExitCode {
    let cli = match cli::parse() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    match cli.command {
        Command::Client(command) => cli::run(&cli.global, command),
        Command::Serve(_) | Command::Demo(_) | Command::OpenApi | Command::Health(_) => {
            ExitCode::FAILURE
        }
    }
}
