//! Brings an answer to where it was asked for.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use hub_model::Source;
use reqwest::Response;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::cli::{
    answer::{
        AnswerArgs, AnswerFormat,
        parse::{self, Answer, Bounds, Pieces},
    },
    client::Client,
    error::CliError,
    output::{Console, Language, bytes, clean, count, counted, show_value, when},
    table::Table,
};

/// Rows after which those that a table doesn't show are no longer counted.
const COUNTED: u64 = 100_000;
/// Pieces of an answer that wait to be read.
const WAITING: usize = 8;

/// Writes an answer in a form to a file or to standard output.
pub(crate) async fn deliver(
    response: Response,
    format: AnswerFormat,
    args: &AnswerArgs,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let Some(path) = &args.output else {
        let width = console.look.table_width();
        let answer = put(response, format, args, client, console.out, width).await?;
        return match answer {
            Put::Table(answer) => beside(&answer, console),
            Put::Bytes(_) => Ok(()),
        };
    };
    let failed = || CliError::file(format!("can't write {}", path.display()));
    let mut target = Target::create(path).map_err(failed())?;
    let put =
        put(response, format, args, client, &mut target, None).await.map_err(
            |error| match error {
                CliError::Output(source) => failed()(source),
                other => other,
            },
        )?;
    target.keep(path).map_err(failed())?;
    match put {
        Put::Table(answer) => beside(&answer, console),
        Put::Bytes(size) => {
            Ok(console.remark(format_args!("{} written to {}", bytes(size), path.display()))?)
        }
    }
}

enum Put {
    Table(Box<Answer>),
    Bytes(u64),
}

async fn put(
    mut response: Response,
    format: AnswerFormat,
    args: &AnswerArgs,
    client: &Client,
    out: &mut dyn Write,
    width: Option<usize>,
) -> Result<Put, CliError> {
    if format == AnswerFormat::Table {
        let answer = read(response, args.max_rows, client).await?;
        let left_out = draw(&answer, out, width)?;
        foot(&answer, left_out, out)?;
        return Ok(Put::Table(Box::new(answer)));
    }
    let mut size = 0;
    while let Some(chunk) = response.chunk().await.map_err(|error| client.failed(&error))? {
        out.write_all(&chunk)?;
        size += chunk.len() as u64;
    }
    out.flush()?;
    Ok(Put::Bytes(size))
}

async fn read(mut response: Response, kept: usize, client: &Client) -> Result<Answer, CliError> {
    let bounds = Bounds { kept, counted: COUNTED.max(kept as u64 + 1) };
    let (sender, receiver) = mpsc::channel(WAITING);
    let reader = tokio::task::spawn_blocking(move || parse::read(Pieces::new(receiver), bounds));
    let mut broken = None;
    loop {
        match response.chunk().await {
            Ok(Some(piece)) => {
                if sender.send(Ok(piece)).await.is_err() {
                    break;
                }
            }
            Ok(None) => break,
            Err(error) => {
                broken = Some(client.failed(&error));
                // The reader must not take the break for the end.
                sender.send(Err(io::ErrorKind::UnexpectedEof.into())).await.ok();
                break;
            }
        }
    }
    drop(sender);
    let read = reader.await.map_err(|error| client.not_understood(&error))?;
    match (read, broken) {
        (Ok(answer), _) => Ok(answer),
        (Err(_), Some(broken)) => Err(broken),
        (Err(error), None) => Err(client.not_understood(&error)),
    }
}

fn draw(answer: &Answer, out: &mut dyn Write, width: Option<usize>) -> io::Result<usize> {
    let headers = answer.columns.iter().map(|column| match &column.unit {
        Some(unit) => format!("{} [{}]", clean(&column.name), clean(unit)),
        None => clean(&column.name).into_owned(),
    });
    let mut table = Table::new(headers);
    let cell = |row: &serde_json::Map<String, Value>, name: &str| {
        row.get(name).cloned().unwrap_or(Value::Null)
    };
    for (index, column) in answer.columns.iter().enumerate() {
        let mut values = answer.rows.iter().map(|row| cell(row, &column.name)).peekable();
        if values.peek().is_some() && values.all(|v| v.is_number() || v.is_null()) {
            table = table.right(index);
        }
    }
    for row in &answer.rows {
        table.push(answer.columns.iter().map(|c| show_value(&cell(row, &c.name))).collect());
    }
    table.write(out, width)
}

fn foot(answer: &Answer, left_out: usize, out: &mut dyn Write) -> io::Result<()> {
    let shown = answer.rows.len() as u64;
    let rows = if answer.stopped {
        format!("the first {} of more than {}", counted(shown, "row"), count(answer.row_count))
    } else if shown < answer.row_count {
        format!("the first {} of {}", counted(shown, "row"), count(answer.row_count))
    } else {
        counted(answer.row_count, "row")
    };
    write!(out, "({rows}")?;
    if left_out > 0 {
        write!(out, "; {} left out at the right", counted(left_out as u64, "column"))?;
    }
    writeln!(out, ")")
}

/// What goes with a table, beside it.
fn beside(answer: &Answer, console: &mut Console<'_>) -> Result<(), CliError> {
    if (answer.rows.len() as u64) < answer.row_count {
        console.remark("More rows: --max-rows N, or all of them into a file with -o FILE")?;
    }
    if let Some(cursor) = &answer.next_cursor {
        console.remark(format_args!("More rows: --cursor {}", clean(cursor)))?;
    }
    if !answer.sources.is_empty() {
        console.remark("\nSources:")?;
        for source in &answer.sources {
            console.remark(cite(source, console.look.language))?;
        }
    }
    Ok(())
}

fn cite(source: &Source, language: Language) -> String {
    let text =
        |text: &hub_model::Text| clean(language.say(text.ja_or_en(), text.en_or_ja())).into_owned();
    let mut lines = format!("  {} version {}", source.dataset, source.version);
    if let Some(at) = source.committed_at {
        lines.push_str(&format!(" of {}", when(at)));
    }
    lines.push_str(&format!(": {}, {}", text(&source.title), text(&source.publisher)));
    lines.push_str(&format!("\n    {} {}", clean(&source.licence), clean(&source.licence_url)));
    if !source.attribution.is_empty() {
        lines.push_str(&format!("\n    {}", clean(&source.attribution)));
    }
    if source.synthetic {
        lines.push_str(language.say(
            "\n    合成データ（観測ではなく生成されたもの）",
            "\n    SYNTHETIC: this data was generated, not observed",
        ));
    }
    lines
}

/// A file being written. It takes its name once it is whole, so that no half answer bears it; what is
/// no ordinary file, such as a named pipe, is written as it is.
enum Target {
    Beside(BufWriter<tempfile::NamedTempFile>),
    Directly(BufWriter<File>),
}

impl Target {
    fn create(path: &Path) -> io::Result<Self> {
        if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            let file = std::fs::OpenOptions::new().write(true).open(path)?;
            return Ok(Self::Directly(BufWriter::new(file)));
        }
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".mochiyori-");
        // The usual permissions of a new file, which the user's mask narrows.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        Ok(Self::Beside(BufWriter::new(builder.tempfile_in(folder)?)))
    }

    fn keep(self, path: &Path) -> io::Result<()> {
        match self {
            Self::Beside(writer) => {
                let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
                file.persist(path).map(drop).map_err(|error| error.error)
            }
            Self::Directly(mut writer) => writer.flush(),
        }
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Beside(writer) => writer.write(bytes),
            Self::Directly(writer) => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Beside(writer) => writer.flush(),
            Self::Directly(writer) => writer.flush(),
        }
    }
}
