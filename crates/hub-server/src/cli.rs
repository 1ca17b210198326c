//! The command line: what can be typed, and the client of the HTTP API that most of it is. It knows
//! nothing of the server's inside; whatever it does, any other program can do over HTTP too.

mod agency;
mod answer;
mod args;
mod checking;
mod cite;
mod client;
mod completion;
mod dataset;
mod download;
mod error;
mod findings;
mod functions;
mod input;
mod output;
mod permalink;
mod preview;
mod problem;
mod propose;
mod query;
mod report;
mod report_file;
mod rows;
mod sql;
mod statement;
mod table;
mod token;
mod upkeep;
mod upload;
mod version;

#[cfg(test)]
mod tests;

use std::{
    io::{BufWriter, IsTerminal},
    process::ExitCode,
};

use clap::{CommandFactory, Parser};

pub use args::{
    Cli, ClientCommand, Command, DemoArgs, GlobalArgs, HealthArgs, Parsed, Secret, ServeArgs,
};

pub(crate) use client::Client;
pub(crate) use error::CliError;

use crate::cli::output::{Console, Language, Look};

/// Reads the command line. Where there is nothing to run (help was asked for, no command was given,
/// the usage is wrong) the text is shown already and the exit code is the error.
pub fn parse() -> Result<Parsed, ExitCode> {
    parse_from(std::env::args_os())
}

fn parse_from(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Parsed, ExitCode> {
    let shown = |error: clap::Error| {
        // A closed pipe leaves no one to tell.
        error.print().ok();
        ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(error::FAILURE))
    };
    let cli = Cli::try_parse_from(arguments).map_err(shown)?;
    match cli.command {
        Some(command) => Ok(Parsed { global: cli.global, command }),
        None => {
            Cli::command().print_help().ok();
            Err(ExitCode::from(error::DONE))
        }
    }
}

/// Runs a command that is a client of a hub, on a runtime of its own: it must not be called from
/// within one. The exit code is one of those that the help lists.
pub fn run(global: &GlobalArgs, command: ClientCommand) -> ExitCode {
    run_with(global, async |client, console| execute(command, client, console).await)
}

/// Asks a hub whether it is ready, as a container's health check does. As [`run`] otherwise.
pub fn health(global: &GlobalArgs, args: &HealthArgs) -> ExitCode {
    run_with(global, async |client, console| upkeep::health(args, client?, console).await)
}

type ClientResult = Result<Client, CliError>;

fn run_with(
    global: &GlobalArgs,
    work: impl AsyncFnOnce(ClientResult, &mut Console<'_>) -> Result<(), CliError>,
) -> ExitCode {
    // Standard error stays unlocked, since the progress bar draws there from a thread of its own.
    let (stdout, mut stderr) = (std::io::stdout(), std::io::stderr());
    let look = Look {
        out_is_terminal: stdout.is_terminal(),
        width: terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)),
        bars: stderr.is_terminal() && !global.quiet,
        quiet: global.quiet,
        language: global.lang.unwrap_or_else(|| Language::of_environment(|key| std::env::var(key))),
    };
    let mut out = BufWriter::new(stdout.lock());
    let mut console = Console { out: &mut out, err: &mut stderr, look };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(source) => {
            let error = CliError::File { what: "can't start".into(), source };
            return ExitCode::from(finish(Err(error), &mut console));
        }
    };
    let result = runtime.block_on(async {
        let client = Client::new(&global.server, global.token.as_ref());
        let client = client.map(|client| client.in_language(console.look.language));
        tokio::select! {
            result = work(client, &mut console) => result,
            _ = tokio::signal::ctrl_c() => Err(CliError::Interrupted),
        }
    });
    // A thread that waits for a slow disk or a stopped answer must not hold the shell.
    runtime.shutdown_background();
    ExitCode::from(finish(result, &mut console))
}

async fn execute(
    command: ClientCommand,
    client: ClientResult,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    match command {
        ClientCommand::Upload(args) => upload::run(args, &client?, console).await,
        ClientCommand::Preview(args) => preview::run(args, &client?, console).await,
        ClientCommand::Download(args) => download::run(&args, &client?, console).await,
        ClientCommand::Report(args) => report_file::run(&args, &client?, console).await,
        ClientCommand::Sql(args) => sql::run(args, &client?, console).await,
        ClientCommand::Functions(args) => functions::run(&args, &client?, console).await,
        ClientCommand::Query { command } => query::run(command, &client?, console).await,
        ClientCommand::Permalink { command } => permalink::run(command, &client?, console).await,
        ClientCommand::Cite(args) => cite::run(&args, &client?, console).await,
        ClientCommand::Dataset { command } => dataset::run(command, &client?, console).await,
        ClientCommand::Agency { command } => agency::run(command, &client?, console).await,
        ClientCommand::Token { command } => token::run(command, &client?, console).await,
        ClientCommand::Version { command } => version::run(command, &client?, console).await,
        ClientCommand::Compact(args) => upkeep::compact(&args, &client?, console).await,
        ClientCommand::Vacuum(args) => upkeep::vacuum(&args, &client?, console).await,
        ClientCommand::Completion(args) => completion::run(&args, console),
    }
}

/// Says what went wrong, if anything did, and answers the exit code.
fn finish(result: Result<(), CliError>, console: &mut Console<'_>) -> u8 {
    let result = result.and_then(|()| Ok(console.out.flush()?));
    match result {
        Ok(()) => error::DONE,
        Err(error) => {
            if let Some(text) = error.text() {
                // What was printed before belongs above the error.
                console.out.flush().ok();
                console.err.write_all(text.as_bytes()).ok();
            }
            error.exit_code()
        }
    }
}
