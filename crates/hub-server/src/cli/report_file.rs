//! `report`: an upload's report as a file, in the form that the file's name asks for.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use hub_model::{DatasetId, UploadId};

use crate::cli::{client::Client, download::receive, error::CliError, output::Console};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mochiyori report 0199e1c2-7a55-7d10-9e0a-0d6f6d1c5c11 --from kaihatsu.river_flow -o april.csv
  mochiyori report 0199e1c2-7a55-7d10-9e0a-0d6f6d1c5c11 --from kaihatsu.river_flow -o april.xlsx
  mochiyori report 0199e1c2-7a55-7d10-9e0a-0d6f6d1c5c11 --from kaihatsu.river_flow

The name says the form: .csv is a table of all findings for a spreadsheet program; .xlsx, for uploads
that are Excel workbooks, a copy of the workbook with the cells marked and commented; anything else,
and standard output, JSON.")]
pub struct ReportArgs {
    /// The upload's id
    upload: UploadId,
    /// The dataset it was for, as agency.dataset
    #[arg(long, value_name = "DATASET")]
    from: DatasetId,
    /// Where to write it, or - for standard output
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Form of the report; by default that of the file's name
    #[arg(long, value_enum)]
    format: Option<ReportForm>,
}

/// The forms that a hub offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportForm {
    /// As the hub keeps it
    Json,
    /// A table of all findings
    Csv,
    /// A copy of the workbook, marked
    Xlsx,
}

impl ReportForm {
    /// What a file's name asks for.
    pub(crate) fn of(path: &Path) -> Self {
        let extension = path.extension().and_then(|extension| extension.to_str());
        match extension.map(str::to_ascii_lowercase).as_deref() {
            Some("csv") => Self::Csv,
            Some("xlsx" | "xlsm") => Self::Xlsx,
            _ => Self::Json,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }
}

pub(crate) async fn run(
    args: &ReportArgs,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let form = args.format.unwrap_or_else(|| ReportForm::of(&args.output));
    fetch(&args.from, &args.upload.to_string(), form, &args.output, client, console).await
}

/// Gets a report from the hub and writes it to the file.
pub(crate) async fn fetch(
    dataset: &DatasetId,
    upload: &str,
    form: ReportForm,
    to: &Path,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let (agency, name) = (dataset.agency().as_str(), dataset.name());
    let language = console.look.language.tag();
    let request = client
        .get(&["v1", "datasets", agency, name, "uploads", upload, "report"])
        .query(&[("format", form.as_str()), ("lang", language)]);
    let response = client.send(request).await?;
    receive(response, to, true, client, console).await.map(drop)
}
