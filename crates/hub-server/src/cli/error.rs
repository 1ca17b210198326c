//! What can go wrong for a command, what is said of it, and its exit code.

use std::io;

use reqwest::StatusCode;

use crate::cli::problem::Problem;

pub(crate) const DONE: u8 = 0;
pub(crate) const FAILURE: u8 = 1;
pub(crate) const USAGE: u8 = 2;
pub(crate) const REFUSED: u8 = 3;
pub(crate) const NOT_ALLOWED: u8 = 4;
pub(crate) const UNREACHABLE: u8 = 5;
const INTERRUPTED: u8 = 130;

/// Why a command did not do what it was to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// Options that are well formed each and make no sense together.
    #[error("{0}")]
    Usage(String),
    /// The hub answered with a problem; `shown` is how it is told.
    #[error("{shown}")]
    Problem { problem: Box<Problem>, shown: String },
    /// The hub, or the way to it, does not answer.
    #[error(
        "no hub answers at {server} ({detail})\n  Is it running? `mochiyori demo` starts one on this \
         machine.\n  Another hub: --server URL, or the environment variable MOCHIYORI_URL"
    )]
    Unreachable { server: String, detail: String },
    /// The connection broke while something was under way.
    #[error("the connection to {server} broke off ({detail})\n  {hint}")]
    Lost { server: String, detail: String, hint: &'static str },
    /// The server points elsewhere, where the token was not sent.
    #[error(
        "{server} points to {target}, which was not followed, so that your token goes nowhere you \
         did not name\n  If that is the hub you mean: --server {origin}"
    )]
    Redirected { server: String, target: String, origin: String },
    /// Something answered that is no hub, or one that is not understood.
    #[error("{0}")]
    Answer(String),
    /// A file of this machine can't be read or written.
    #[error("{what}: {source}")]
    File { what: String, source: io::Error },
    /// Nothing can be written to standard output.
    #[error("can't write the output: {0}")]
    Output(#[from] io::Error),
    /// A permalink's result is not what it was.
    #[error("the result is another than when the permalink was made")]
    Differs,
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

impl CliError {
    pub(crate) fn file(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::File { what, source }
    }

    /// What is said, or nothing where the reader of a pipe has left on purpose.
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => None,
            _ => Some(format!("error: {}\n", self.to_string().trim_end())),
        }
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => USAGE,
            Self::Problem { problem, .. } => problem_code(problem),
            Self::Unreachable { .. } | Self::Lost { .. } => UNREACHABLE,
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => DONE,
            Self::Interrupted => INTERRUPTED,
            Self::Redirected { .. }
            | Self::Answer(_)
            | Self::File { .. }
            | Self::Output(_)
            | Self::Differs => FAILURE,
        }
    }
}

fn problem_code(problem: &Problem) -> u8 {
    match StatusCode::from_u16(problem.status) {
        Ok(
            StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::NOT_FOUND
            | StatusCode::GONE,
        ) => NOT_ALLOWED,
        // A statement that can't be run has the same status as data that breaks its contract.
        _ if problem.is_about_sql() => FAILURE,
        Ok(
            StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNSUPPORTED_MEDIA_TYPE
            | StatusCode::UNPROCESSABLE_ENTITY,
        ) => REFUSED,
        _ => FAILURE,
    }
}
