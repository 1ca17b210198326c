//! A copy of an uploaded workbook in which every cell that the report lists is coloured and carries a
//! comment, with a sheet that lists them all. Everything else of the book stays byte for byte what it
//! was: only the parts that must change are edited, at the places that must change.

mod comments;
mod edits;
mod from_xls;
mod parts;
mod results;
mod sheet;
mod styles;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Cursor, Read, Seek, Write},
    sync::Arc,
};

use comments::Comments;
use edits::Edits;
use hub_model::{CellError, UploadReport};
use parts::Parts;
use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

use super::{
    archive::{Archive, Source, part_error},
    book::{Book, Sheet},
    xlsx::{merged_ranges, range_of},
};
use crate::{Format, IntakeError, decode::damaged, show::show_text};

/// A cell as its row, from 1, and its column, from 0.
type Place = (u32, u32);

/// What a cell's comment says, and who says it.
const AUTHOR: &str = "Mochiyori";

/// Writes the marked copy of a workbook, `.xlsx` or `.xls`, that `report` is about; the copy is an
/// `.xlsx` (or `.xlsm`) always. Cells are found by the report's own names of them and of the sheet.
pub fn mark_workbook(
    original: File,
    report: &UploadReport,
    out: impl Write + Seek,
) -> Result<(), IntakeError> {
    crate::decode::guarded(|| {
        let mut head = [0; 8];
        std::os::unix::fs::FileExt::read_exact_at(&original, &mut head, 0)?;
        let source = match super::kind(&original, &head) {
            Some(Format::Xls) => {
                let mut copy = Cursor::new(Vec::new());
                from_xls::write(Arc::new(original), &mut copy)?;
                Source::Memory(Arc::new(copy.into_inner()))
            }
            Some(_) => Source::File(Arc::new(original)),
            None => return Err(damaged("it is no workbook")),
        };
        mark(source, report, out)
    })
}

fn mark(source: Source, report: &UploadReport, out: impl Write + Seek) -> Result<(), IntakeError> {
    let book = Book::open(source)?;
    let archive = &book.archive;
    let named = report.layout.as_ref().and_then(|layout| layout.sheet.as_deref());
    let sheet = book
        .sheets
        .iter()
        .find(|sheet| named.is_some_and(|named| show_text(&sheet.name) == named))
        .or_else(|| book.sheets.first())
        .ok_or_else(|| damaged("it has no worksheet"))?;
    let errors = by_place(archive, sheet, &report.errors)?;

    let mut parts = Parts::read(archive)?;
    let found = sheet::find(archive, &sheet.part, errors.keys().copied().collect())?;
    let styles = styles::with_marks(archive, &mut parts, &found.styles())?;
    let mut comments = Comments::read(archive, &mut parts, &sheet.part)?;
    comments.add(&errors)?;
    let sheet_edits = found.edits(&styles, comments.drawing_to_link())?;
    comments.finish(archive, &mut parts)?;
    results::add(&mut parts, &book.sheets, sheet, report)?;
    let changed = parts.finish()?;
    write(archive, &sheet.part, sheet_edits, changed, out)
}

/// The errors of each cell. A cell within a merged range is not seen: its range's first one is marked.
fn by_place<'a>(
    archive: &Archive,
    sheet: &Sheet,
    errors: &'a [CellError],
) -> Result<BTreeMap<Place, Vec<&'a CellError>>, IntakeError> {
    let merged = match archive.part(&sheet.part)? {
        Some(part) => merged_ranges(part)?,
        None => Vec::new(),
    };
    let mut places: BTreeMap<Place, Vec<&CellError>> = BTreeMap::new();
    for error in errors {
        let Some(range) = error.cell.as_ref().and_then(|cell| range_of(cell.as_bytes()).ok())
        else {
            continue;
        };
        let (row, column) = (range.top, range.left);
        let within = merged.iter().find(|range| {
            (range.top..=range.bottom).contains(&row)
                && (range.left..=range.right).contains(&column)
        });
        let place = within.map_or((row, column), |range| (range.top, range.left));
        places.entry(place).or_default().push(error);
    }
    Ok(places)
}

/// What is wrong with a cell and what to do, Japanese first.
fn words(errors: &[&CellError]) -> String {
    let mut text = String::new();
    for error in errors {
        for line in [&error.message.ja, &error.fix.ja, &error.message.en, &error.fix.en] {
            if !line.is_empty() {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    text.truncate(text.trim_end().len());
    text
}

/// Writes the archive anew: untouched parts as they are packed, the sheet through its edits, and the
/// changed and new parts.
fn write(
    archive: &Archive,
    sheet: &str,
    sheet_edits: Edits,
    mut changed: BTreeMap<String, (String, Vec<u8>)>,
    out: impl Write + Seek,
) -> Result<(), IntakeError> {
    let failed = |error: zip::result::ZipError| match error {
        zip::result::ZipError::Io(error) => IntakeError::Io(error),
        other => damaged(&other.to_string()),
    };
    let mut old = ZipArchive::new(archive.file()).map_err(failed)?;
    let mut new = ZipWriter::new(out);
    let options = || SimpleFileOptions::default().large_file(false);
    let mut sheet_edits = Some(sheet_edits);
    for index in 0..old.len() {
        let part = old.by_index_raw(index).map_err(failed)?;
        let name = part.name().map_err(failed)?.into_owned();
        let key = super::archive::key(&name);
        if let Some((_, bytes)) = changed.remove(&key) {
            new.start_file(name, options()).map_err(failed)?;
            new.write_all(&bytes)?;
        } else if key == super::archive::key(sheet)
            && let Some(edits) = sheet_edits.take()
        {
            let mut bytes = archive.part(sheet)?.ok_or_else(|| damaged("the sheet is missing"))?;
            new.start_file(name, options().large_file(part.size() > u64::from(u32::MAX) / 2))
                .map_err(failed)?;
            edits.copy(&mut bytes, &mut new)?;
        } else {
            new.raw_copy_file(part).map_err(failed)?;
        }
    }
    for (name, bytes) in changed.into_values() {
        new.start_file(name, options()).map_err(failed)?;
        new.write_all(&bytes)?;
    }
    new.finish().map_err(failed)?.flush()?;
    Ok(())
}

/// The text of a small part. Parts such as styles are held as a whole, up to a limit.
fn text_of(mut part: impl Read) -> Result<Vec<u8>, IntakeError> {
    let mut bytes = Vec::new();
    Read::by_ref(&mut part)
        .take(parts::MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(part_error)?;
    if bytes.len() as u64 > parts::MAX_BYTES {
        return Err(crate::decode::unpacks_too_large(parts::MAX_BYTES));
    }
    Ok(bytes)
}
