//! `upload`: hands a file over and says what became of it.

mod establish;

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
    input::{FileHints, Input},
    output::{Console, Look, bytes, clean, count, counted, instant, member, text_in},
    report,
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
  zcat flow.csv.gz | mochiyori upload - --to kaihatsu.river_flow --format csv

Where the dataset is not there yet and the file is in a publisher's layout that the hub knows (such
as a download from the weather agency), the dataset is made with that layout's contract.

The hub checks every cell against the dataset's contract. Either the whole file is published, or
nothing is, and each place that is wrong is listed (exit code 3), unless --on-error says otherwise.

Running the same command again is safe, as after a lost connection: the same file is published
into the same dataset once only. Where it should be published once more, as after other files
that changed the same rows, use --again.")]
pub struct UploadArgs {
    /// The file, or - for standard input
    pub(crate) file: PathBuf,
    /// Dataset to publish into, as agency.dataset
    #[arg(long, value_name = "DATASET")]
    pub(crate) to: DatasetId,
    /// What to do with the rows that are there
    #[arg(long, value_enum, default_value_t = Mode::Append)]
    pub(crate) mode: Mode,
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

pub(crate) async fn run(
    args: UploadArgs,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let mut input = Input::open(&args.file)?;
    let (agency, name) = (args.to.agency().as_str(), args.to.name());
    // Asked first, so that a misspelt dataset is known before a large file has travelled.
    let dataset = match client.json(client.get(&["v1", "datasets", agency, name])).await {
        Err(CliError::Problem { problem, shown }) if problem.status == 404 => {
            let missing = CliError::Problem { problem, shown };
            establish(&args.to, missing, &input, &args.hints, client, console).await?
        }
        dataset => dataset?,
    };

    let bar = progress(console.look, input.size(), "reading");
    let fingerprint = input.fingerprint(&bar)?;
    bar.finish_and_clear();
    let key = match (&args.idempotency_key, args.again) {
        (Some(key), _) => key.clone(),
        (None, true) => uuid::Uuid::new_v4().to_string(),
        (None, false) => {
            let mut words = vec![args.to.to_string(), args.mode.as_str().to_owned()];
            let hints = args.hints.parameters().into_iter();
            words.extend(hints.map(|(name, value)| format!("{name}={value}")));
            if args.on_error != OnError::Reject {
                words.push(args.on_error.as_str().to_owned());
            }
            fingerprint.key(&words.iter().map(String::as_str).collect::<Vec<_>>())
        }
    };

    let mut request = client
        .request(Method::POST, &["v1", "datasets", agency, name, "uploads"])
        .query(&[("mode", args.mode.as_str())])
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

    match answered(answer, client, &args, console.look, size).await {
        Ok((upload, replayed)) => {
            let id = upload.get("id").and_then(Value::as_str);
            if args.json {
                console.json(&upload)?;
            } else {
                published(console, &args, &dataset, &upload, size, replayed)?;
            }
            // What is published stays so, whether the report can be saved or not.
            save_report(&args, id, upload.get("report"), client, console).await
        }
        Err(CliError::Problem { problem, shown }) => {
            let (id, found) = (problem.upload_id.as_deref(), problem.report.as_ref());
            if let Err(error) = save_report(&args, id, found, client, console).await {
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

/// What became of the upload, and whether that is the answer to an earlier, equal request.
async fn answered(
    answer: Result<Response, CliError>,
    client: &Client,
    args: &UploadArgs,
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
    let path = ["v1", "datasets", args.to.agency().as_str(), args.to.name(), "uploads"];
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

fn published(
    console: &mut Console<'_>,
    args: &UploadArgs,
    dataset: &Value,
    upload: &Value,
    size: u64,
    replayed: bool,
) -> Result<(), CliError> {
    let number = |name: &str| upload.get(name).and_then(Value::as_u64).map(count);
    let title = text_in(dataset.pointer("/metadata/title"), console.look.language);
    let rows = upload.get("rows_added").and_then(Value::as_u64).unwrap_or_default();
    let of_version = |name: &str| {
        let count_of = upload.pointer(&format!("/published/{name}")).and_then(Value::as_u64);
        count_of.map(count).unwrap_or_default()
    };
    let answered = |name: &str| upload.get(name).and_then(Value::as_u64).unwrap_or_default();
    let version = number("version").unwrap_or_else(|| member(upload, "version"));
    if replayed {
        console.line(format_args!(
            "{}: this very file was published before, as version {version}; nothing was added now",
            args.to
        ))?;
        return Ok(console.remark("  To publish it once more: --again")?);
    }
    console.line(format_args!(
        "{}: version {version} published, {}",
        args.to,
        match args.mode {
            Mode::Append => format!("{} added", counted(rows, "row")),
            Mode::Replace => format!("{} in place of all before", counted(rows, "row")),
            Mode::Upsert => format!(
                "{} added, {} changed, {} unchanged",
                counted(rows, "row"),
                of_version("rows_changed"),
                of_version("rows_unchanged")
            ),
            Mode::ReplacePeriod => format!(
                "{} in place of {} of their period",
                counted(rows, "row"),
                of_version("rows_removed")
            ),
        }
    ))?;
    if !title.is_empty() {
        console.remark(format_args!("  {title}, {}", bytes(size)))?;
    }
    let (kept_back, flagged) = (answered("kept_back"), answered("flagged"));
    if kept_back > 0 {
        let id = member(upload, "id");
        console.line(format_args!(
            "  {} kept back, since they break the contract",
            counted(kept_back, "row")
        ))?;
        console.remark(format_args!(
            "  To mend them and send them again: mochiyori download {} --from {} --kept-back",
            clean(&id),
            args.to
        ))?;
    }
    if flagged > 0 {
        console.line(format_args!(
            "  {} published as doubtful, since they break the contract",
            counted(flagged, "value")
        ))?;
    }
    let period = |name: &str| {
        upload.pointer(&format!("/report/period/{name}")).and_then(Value::as_str).map(instant)
    };
    if let (Some(first), Some(last)) = (period("first"), period("last")) {
        console.remark(format_args!("  from {first} to {last}"))?;
    }
    for column in upload.pointer("/report/columns").and_then(Value::as_array).into_iter().flatten()
    {
        let missing = column.get("missing").and_then(Value::as_u64).unwrap_or_default();
        if missing > 0 {
            let name = member(column, "name");
            console.remark(format_args!(
                "  {}: {} without a value",
                clean(&name),
                count(missing)
            ))?;
        }
    }
    Ok(())
}

/// Saves the report on an upload where that was asked for and there is one.
async fn save_report(
    args: &UploadArgs,
    id: Option<&str>,
    report: Option<&Value>,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let (Some(path), Some(report)) = (&args.report, report) else { return Ok(()) };
    match (ReportForm::of(path), id) {
        (form @ (ReportForm::Csv | ReportForm::Xlsx), Some(id)) => {
            report_file::fetch(&args.to, id, form, path, client, console).await
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
