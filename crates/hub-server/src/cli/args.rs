//! What can be typed: the options all commands share, the commands, and the help that teaches them.
//! Each command group's own arguments stand in the file of the group.

use std::{fmt, net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::cli::{
    agency::AgencyCommand,
    cite::CiteArgs,
    completion::CompletionArgs,
    dataset::DatasetCommand,
    download::DownloadArgs,
    functions::FunctionsArgs,
    output::Language,
    permalink::PermalinkCommand,
    preview::PreviewArgs,
    query::QueryCommand,
    report_file::ReportArgs,
    sql::SqlArgs,
    token::TokenCommand,
    upkeep::{CompactArgs, VacuumArgs},
    upload::UploadArgs,
    version::VersionCommand,
};

const FIRST_STEPS: &str = "\
First steps:
  mochiyori demo                       make a hub with sample data on this machine, and serve it
  mochiyori dataset list               see what is there (in a second terminal)
  mochiyori sql \"SELECT 1 + 1\"         ask a question
  mochiyori COMMAND --help             read about a command, with examples

Which hub: commands other than serve and demo talk to the hub at --server, or MOCHIYORI_URL.
Who you are: what isn't public needs a token, by MOCHIYORI_TOKEN or --token. MOCHIYORI_TOKEN is the
better place: what is typed after --token can be seen by others on the same machine.

Exit codes:
  0  done
  1  failed
  2  the command was typed wrongly
  3  the data was refused, and the reasons are shown
  4  not allowed, or not found
  5  the hub can't be reached";

/// Mochiyori (持ち寄り): bring a region's observation data together, ask across it, pass it on
#[derive(Debug, Parser)]
#[command(name = "mochiyori", version, after_help = FIRST_STEPS, max_term_width = 100)]
#[command(disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    pub global: GlobalArgs,
    /// None where only `mochiyori` was typed.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// A command line that has something to run.
#[derive(Debug)]
pub struct Parsed {
    /// The options all commands share.
    pub global: GlobalArgs,
    /// What to run.
    pub command: Command,
}

/// The options that all commands share.
#[derive(Debug, Clone, Args)]
pub struct GlobalArgs {
    /// Address of the hub
    #[arg(long, global = true, value_name = "URL", env = "MOCHIYORI_URL", hide_env_values = true)]
    #[arg(default_value = "http://127.0.0.1:8080", help_heading = "Options of all commands")]
    pub server: String,
    /// The token that says who you are; better given by the environment
    #[arg(long, global = true, env = "MOCHIYORI_TOKEN", hide_env_values = true)]
    #[arg(help_heading = "Options of all commands")]
    pub token: Option<Secret>,
    /// Print results and errors only
    #[arg(long, short, global = true, help_heading = "Options of all commands")]
    pub quiet: bool,
    /// Language of reports and of problems; by default that of the terminal
    #[arg(long, global = true, value_enum, help_heading = "Options of all commands")]
    pub(crate) lang: Option<Language>,
}

/// A text that is kept out of debug output.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(value)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Everything the binary does.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a hub
    #[command(after_help = "\
Examples:
  mochiyori serve                                  with all defaults, data in ./mochiyori-data
  mochiyori serve --data-dir /srv/hub --listen 0.0.0.0:8080
  mochiyori serve --config mochiyori.toml

At the first start an admin token is made, printed once, and written to DIR/admin-token.")]
    Serve(ServeArgs),
    /// Make a hub with sample data on this machine, and serve it
    #[command(after_help = "\
Examples:
  mochiyori demo                                   a small year of data, ready in moments
  mochiyori demo --years 10 --scale 20             much more of it

All of the data is generated, and says so wherever it shows. A second start uses what is there.")]
    Demo(DemoArgs),
    /// Print the description of the HTTP interface (OpenAPI)
    #[command(
        name = "openapi",
        after_help = "\
Example:
  mochiyori openapi > mochiyori-v1.json"
    )]
    OpenApi,
    /// Print the list of functions as a document. It is what the project's own documents are made of.
    #[command(name = "functions-document", hide = true)]
    FunctionsDocument,
    /// Decode one file for a hub, which starts this by itself. It is no command for people.
    #[command(name = "intake-worker", hide = true)]
    IntakeWorker,
    /// Ask a hub whether it is ready to answer
    #[command(after_help = "\
Example:
  mochiyori health --server https://hub.example.jp && echo ready")]
    Health(HealthArgs),
    /// What asks a hub over HTTP.
    #[command(flatten)]
    Client(Box<ClientCommand>),
}

/// The commands that ask a hub over HTTP; [`super::run`] runs them.
#[derive(Debug, Subcommand)]
pub enum ClientCommand {
    /// Publish a file as the next version of a dataset
    Upload(UploadArgs),
    /// See what the hub would make of a file, and publish nothing
    Preview(PreviewArgs),
    /// Get the file of an upload back, as it was sent
    Download(DownloadArgs),
    /// Get the hub's report on an upload as a file
    Report(ReportArgs),
    /// Ask a question in SQL, across all datasets you may read
    Sql(SqlArgs),
    /// See the functions that SQL may call
    Functions(FunctionsArgs),
    /// Watch questions that are answered in the background, and take their answers
    Query {
        #[command(subcommand)]
        command: QueryCommand,
    },
    /// Keep a question with the versions it read, and check later that the same comes of it
    Permalink {
        #[command(subcommand)]
        command: PermalinkCommand,
    },
    /// Cite what a question reads, a dataset's version, or a permalink
    Cite(CiteArgs),
    /// Look for datasets, see what they hold, make new ones
    Dataset {
        #[command(subcommand)]
        command: DatasetCommand,
    },
    /// See and make agencies, the organisations that publish data
    Agency {
        #[command(subcommand)]
        command: AgencyCommand,
    },
    /// Make, list and withdraw tokens
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// See the versions of a dataset
    Version {
        #[command(subcommand)]
        command: VersionCommand,
    },
    /// Join a dataset's small files into larger ones, so that reading is faster
    Compact(CompactArgs),
    /// Remove files that no version of a dataset needs any more
    Vacuum(VacuumArgs),
    /// Print a script that lets a shell complete commands
    Completion(CompletionArgs),
}

/// How to run a hub. What is not given comes from the configuration file, the environment or the
/// defaults.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder for everything the hub keeps
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Address and port to listen at, such as 0.0.0.0:8080
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
}

/// How to make and run a hub with sample data.
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// Folder for everything the hub keeps
    #[arg(long, value_name = "DIR", default_value = "./mochiyori-demo")]
    pub data_dir: PathBuf,
    /// Address and port to listen at
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Years of data to make
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100))]
    pub years: u32,
    /// How many times as many stations and counters to make
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub scale: u32,
    /// Number that the data is made from; the same number gives the same data
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// How to ask a hub whether it is ready.
#[derive(Debug, Clone, Args)]
pub struct HealthArgs {
    /// Seconds to wait for an answer
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=600))]
    pub timeout: u64,
}
