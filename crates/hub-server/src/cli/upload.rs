//! `upload`: hands a file over and says what became of it.

mod establish;
mod published;
mod set;

use std::{fs, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use establish::establish;
use hub_model::DatasetId;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use reqwest::{Method, Response};
use serde_json::Value;

use crate::cli::{
    checking,
    client::Client,
    error::CliError,
    input::{FileHints, Fingerprint, Input},
    output::{Console, Look, member},
    preview, report,
    report_file::{self, ReportForm},
};

/// A header by which a hub says that it gives the answer of an earlier, equal request.
const REPLAYED: &str = "idempotent-replayed";

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mochiyori upload flow-2026-04.csv --to kaihatsu.river_flow
  mochiyori upload flow-2026-04-final.csv --to kaihatsu.river_flow --mode upsert
  mochiyori upload flow.parquet --to kaihatsu.river_flow --mode replace
  mochiyori upload flow-2026-04.csv --to kaihatsu.river_flow --on-error quarantine
  mochiyori upload flow-2026-04.xlsx --to kaihatsu.river_flow --report flow-marked.xlsx
  mochiyori upload flow-2026-04.csv --preview
  mochiyori upload feed.zip --to kaihatsu.bus
  zcat flow.csv.gz | mochiyori upload - --to kaihatsu.river_flow --format csv

Where the dataset is not there yet and the file is in a publisher's layout that the hub knows (such
as a download from the weather agency), the dataset is made with that layout's contract.

A ZIP archive of several tables, such as a timetable feed (GTFS), goes into a dataset for each of
them: the stops of kaihatsu.bus into kaihatsu.bus_stops. All are published or none; without --mode
each table takes the place of the one before.

The hub checks every cell against the dataset's contract. Either the whole file is published, or
nothing is, and each place that is wrong is listed (exit code 3), unless --on-error says otherwise.

Running the same command again is safe, as after a lost connection: the same file is published
into the same dataset once only. Where it should be published once more, as after other files
that changed the same rows, use --again.")]
pub struct UploadArgs {
    /// The file, or - for standard input
    pub(crate) file: PathBuf,
    /// Dataset to publish into, as agency.dataset; for an archive of several tables, what the names of
    /// their datasets begin with
    #[arg(long, value_name = "DATASET", required_unless_present = "preview")]
    pub(crate) to: Option<DatasetId>,
    /// Show what the hub would make of the file, and publish nothing
    #[arg(long, conflicts_with_all = ["again", "idempotency_key", "report"])]
    pub(crate) preview: bool,
    /// What to do with the rows that are there [default: append]
    #[arg(long, value_enum)]
    pub(crate) mode: Option<Mode>,
    /// What to do with cells that break the contract
    #[arg(long, value_enum, value_name = "ANSWER", default_value_t = OnError::Reject)]
    pub(crate) on_error: OnError,
    #[command(flatten)]
    pub(crate) hints: FileHints,
    /// Publish even if the same file was published before
    #[arg(long)]
    pub(crate) again: bool,
    /// A key of your own that names this upload; the same key never publishes twice
    #[arg(long, value_name = "KEY", conflicts_with = "again")]
    pub(crate) idempotency_key: Option<String>,
    /// Save the hub's report on the file: as a table in a .csv, as a marked copy of an Excel workbook
    /// in an .xlsx, as JSON otherwise
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Print the hub's answer as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// Add the file's rows, whose keys must be new, to them
    Append,
    /// Put the file's rows in the place of those with the same primary key, and add the others
    Upsert,
    /// Put the file's rows in the place of all, of every series, from its first instant to its last
    ReplacePeriod,
    /// Put the file's rows in the place of all of them
    Replace,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnError {
    /// Publish nothing
    Reject,
    /// Keep their rows back, to be mended and sent again, and publish the others
    Quarantine,
    /// Publish their values as doubtful
    Flag,
}

impl OnError {
    fn as_str(self) -> &'static str {
        match self {
            Self::Reject => "reject",
            Self::Quarantine => "quarantine",
            Self::Flag => "flag",
        }
    }
}

impl Mode {
    fn as_str(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Upsert => "upsert",
            Self::ReplacePeriod => "replace_period",
            Self::Replace => "replace",
        }
    }
}

impl UploadArgs {
    /// The key by which the hub knows the same upload when it is sent again.
    fn key(&self, fingerprint: &Fingerprint, words: &[&str]) -> String {
        match (&self.idempotency_key, self.again) {
            (Some(key), _) => key.clone(),
            (None, true) => uuid::Uuid::new_v4().to_string(),
            (None, false) => {
                let hints = self.hints.parameters().into_iter();
                let hints: Vec<String> =
                    hints.map(|(name, value)| format!("{name}={value}")).collect();
                let mut words = words.to_vec();
                words.extend(hints.iter().map(String::as_str));
                if self.on_error != OnError::Reject {
                    words.push(self.on_error.as_str());
                }
                fingerprint.key(&words)
            }
        }
    }
}

pub(crate) async fn run(
    args: UploadArgs,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let mut input = Input::open(&args.file)?;
    let Some(to) = args.to.clone().filter(|_| !args.preview) else {
        return look(&args, &input, client, console).await;
    };
    let (agency, name) = (to.agency().as_str(), to.name());
    // Asked first, so that a misspelt dataset is known before a large file has travelled.
    let dataset = match client.json(client.get(&["v1", "datasets", agency, name])).await {
        Err(CliError::Problem { problem, shown }) if problem.status == 404 => {
            if holds_tables(&args, &input, client, console).await? {
                return set::upload(&args, &to, input, client, console).await;
            }
            let missing = CliError::Problem { problem, shown };
            establish(&to, missing, &input, &args.hints, client, console).await?
        }
        dataset => dataset?,
    };

    let bar = progress(console.look, input.size(), "reading");
    let fingerprint = input.fingerprint(&bar)?;
    bar.finish_and_clear();
    let mode = args.mode.unwrap_or(Mode::Append);
    let key = args.key(&fingerprint, &[&to.to_string(), mode.as_str()]);

    let mut request = client
        .request(Method::POST, &["v1", "datasets", agency, name, "uploads"])
        .query(&[("mode", mode.as_str())])
        .header("Idempotency-Key", key)
        .header("Content-Digest", fingerprint.content_digest());
    if console.look.bars {
        // Whoever looks on sees how the checking goes; a program waits for the one answer.
        request = request.header("Prefer", "respond-async");
    }
    if args.on_error != OnError::Reject {
        request = request.query(&[("on_error", args.on_error.as_str())]);
    }
    request = request.query(&args.hints.parameters());
    if let Some(file_name) = input.name() {
        request = request.query(&[("file_name", file_name)]);
    }
    let size = input.size();
    let bar = progress(console.look, size, "sending");
    let answer = client.send(input.attach(request, args.hints.format, &bar)?).await;
    bar.finish_and_clear();

    match answered(answer, client, &to, console.look, size).await {
        Ok((upload, replayed)) => {
            let id = upload.get("id").and_then(Value::as_str);
            if args.json {
                console.json(&upload)?;
            } else {
                published::tell(console, (&to, mode), &dataset, &upload, size, replayed)?;
            }
            // What is published stays so, whether the report can be saved or not.
            save_report(&args, &to, id, upload.get("report"), client, console).await
        }
        Err(CliError::Problem { problem, shown }) => {
            let (id, found) = (problem.upload_id.as_deref(), problem.report.as_ref());
            if let Err(error) = save_report(&args, &to, id, found, client, console).await {
                // What is wrong with the file matters more than where that is written.
                console.remark(format_args!("the report is not saved: {error}"))?;
            }
            if let Some(found) = &problem.report {
                console.out.flush()?;
                if args.json {
                    console.json(found)?;
                } else {
                    let look = console.look;
                    report::write(console.err, found, look.language, look.width)?;
                    writeln!(console.err)?;
                }
            }
            Err(CliError::Problem { problem, shown })
        }
        Err(error) => Err(lost(error)),
    }
}

/// Shows what the hub would make of the file, by the dataset's contract where it is there.
async fn look(
    args: &UploadArgs,
    input: &Input,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let mut dataset = args.to.as_ref().map(ToString::to_string);
    if let Some(to) = &args.to {
        let path = ["v1", "datasets", to.agency().as_str(), to.name()];
        match client.json::<Value>(client.get(&path)).await {
            Err(CliError::Problem { problem, .. }) if problem.status == 404 => dataset = None,
            found => drop(found?),
        }
    }
    let seen = preview::ask(input, dataset.as_deref(), &args.hints, client, console).await?;
    if args.json {
        return Ok(console.json(&seen)?);
    }
    let to = args.to.as_ref().map(ToString::to_string);
    preview::show(input.name().unwrap_or("-"), to.as_deref(), &seen, console)
}

/// Whether a file that no dataset is there for is an archive of several tables.
async fn holds_tables(
    args: &UploadArgs,
    input: &Input,
    client: &Client,
    console: &Console<'_>,
) -> Result<bool, CliError> {
    if !input.is_archive()? || !args.hints.are_open() {
        return Ok(false);
    }
    let seen = preview::ask(input, None, &args.hints, client, console).await;
    // Whatever else is wrong with it is said where it is taken for one table.
    let tables = seen.ok().and_then(|seen| Some(seen.get("tables")?.as_array()?.len()));
    Ok(tables.unwrap_or_default() > 0)
}

/// What became of the upload, and whether that is the answer to an earlier, equal request.
async fn answered(
    answer: Result<Response, CliError>,
    client: &Client,
    to: &DatasetId,
    look: Look,
    size: u64,
) -> Result<(Value, bool), CliError> {
    let response = answer?;
    let replayed = response.headers().get(REPLAYED).is_some_and(|v| v == "true");
    let upload: Value = response.json().await.map_err(|error| client.failed(&error))?;
    if !checking::goes_on(&upload) {
        return Ok((upload, replayed));
    }
    let bar = progress(look, size, "checking");
    let path = ["v1", "datasets", to.agency().as_str(), to.name(), "uploads"];
    let upload = checking::follow(client, &path, &member(&upload, "id"), &bar).await;
    bar.finish_and_clear();
    Ok((upload?, false))
}

/// Says of a broken connection what is true of uploads only.
fn lost(error: CliError) -> CliError {
    match error {
        CliError::Lost { server, detail, .. } => CliError::Lost {
            server,
            detail,
            hint: "Whether the file was published is not known. Run the same command again: a file \
                   that was is not published twice.",
        },
        other => other,
    }
}

/// Saves the report on an upload where that was asked for and there is one.
async fn save_report(
    args: &UploadArgs,
    to: &DatasetId,
    id: Option<&str>,
    report: Option<&Value>,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let (Some(path), Some(report)) = (&args.report, report) else { return Ok(()) };
    match (ReportForm::of(path), id) {
        (form @ (ReportForm::Csv | ReportForm::Xlsx), Some(id)) => {
            report_file::fetch(to, id, form, path, client, console).await
        }
        _ => fs::write(path, format!("{report:#}\n"))
            .map_err(CliError::file(format!("can't write {}", path.display()))),
    }
}

/// A bar on a terminal, nothing elsewhere.
pub(crate) fn progress(look: Look, size: u64, doing: &'static str) -> ProgressBar {
    if !look.bars {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(size), ProgressDrawTarget::stderr());
    let template = "{prefix:9} [{bar:30}] {binary_bytes} of {binary_total_bytes}  {binary_bytes_per_sec}  {eta}  {msg}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix(doing);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
