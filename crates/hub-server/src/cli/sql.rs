//! `sql`: asks a question and shows or saves the answer.

use clap::Args;
use reqwest::Method;

use crate::cli::{
    answer::{self, AnswerArgs},
    client::Client,
    error::CliError,
    output::Console,
    query,
    statement::StatementArgs,
};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mochiyori sql \"SELECT * FROM kaihatsu.river_flow LIMIT 10\"
  mochiyori sql -f question.sql -o answer.parquet
  mochiyori sql \"SELECT avg(level) FROM kaihatsu.river_flow WHERE station = \\$1\" --param 余市
  mochiyori sql \"SELECT count(*) FROM kaihatsu.river_flow\" --version kaihatsu.river_flow=3
  mochiyori sql \"SELECT avg(level) FROM kaihatsu.river_flow\" --as-of 2026-04-01T00:00:00+09:00
  echo \"SELECT 1 + 1\" | mochiyori sql - --format json

Tables are written agency.dataset; `mochiyori dataset list` shows them. On a terminal the answer is
a table, and its sources, with their licences, are shown below it. Into a pipe it is CSV, with
nothing else. Into a file it is what the file's name says. Answers of any size can be saved.")]
#[command(group(clap::ArgGroup::new("asked").args(["statement", "file"]).required(true)))]
pub struct SqlArgs {
    #[command(flatten)]
    pub(crate) question: StatementArgs,
    /// Have the hub answer it in the background, for what takes long; needs a token. Prints an id for
    /// `mochiyori query`
    #[arg(long, conflicts_with_all = ["format", "output"])]
    pub(crate) background: bool,
    #[command(flatten)]
    pub(crate) answer: AnswerArgs,
}

pub(crate) async fn run(
    args: SqlArgs,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let (sql, mut body) = args.question.body()?;
    if args.background {
        return query::submit(&sql, &body, client, console).await;
    }
    let format = args.answer.choose(console.look.out_is_terminal)?;
    body["format"] = format.asked().into();
    let request = client.request(Method::POST, &["v1", "sql"]).json(&body);
    let response = client.send_sql(request, Some(&sql)).await?;
    answer::deliver(response, format, &args.answer, client, console).await
}
