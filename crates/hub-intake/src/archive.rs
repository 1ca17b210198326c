//! Archives of several different tables: which there are, under which names, and each of them by its name
//! to be read like a file of its own. It decides nothing of datasets.

use std::{collections::HashSet, fs::File};

use hub_model::{PresetName, Text};
use serde::{Deserialize, Serialize};

use crate::{
    FormatHint, GtfsFeed, IntakeError, IntakeOptions, Recognised,
    container::{self, list},
    decode::guarded,
    recognise::{is_mixture, recognise_members, recognise_one},
    show::show_text,
};

/// The longest name of a table.
const MAX_NAME: usize = 40;

/// What an archive holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveTables {
    /// Its tables; those that others refer to come first where that is known.
    pub tables: Vec<ArchiveTable>,
    /// How they hang together, where that is known.
    pub links: Vec<TableLink>,
    /// Whether it is a timetable feed (GTFS).
    pub is_feed: bool,
    /// Whether the tables differ, so that they can't be one.
    pub is_mixture: bool,
}

/// One table of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveTable {
    /// Its name: small letters, digits and underscores, made of the file's.
    pub name: String,
    /// The file's name in the archive.
    pub file_name: String,
    /// The publisher's layout, where it is a known one.
    pub preset: Option<PresetName>,
}

/// A column of one table that names a row of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableLink {
    /// The table that the column is in.
    pub table: String,
    /// The column.
    pub column: String,
    /// The table whose row it names.
    pub to_table: String,
    /// The column that names the row there.
    pub to_column: String,
}

/// The tables of an archive; none where the file is no archive.
pub fn archive_tables(
    file: File,
    hint: &FormatHint,
    options: &IntakeOptions,
) -> Result<Option<ArchiveTables>, IntakeError> {
    if let Some(feed) = GtfsFeed::open(file.try_clone()?)? {
        return Ok(Some(of_feed(&feed)));
    }
    let unpacked = guarded(|| container::unpack_some(&file, options, &|_| true))?;
    let Some(unpacked) = unpacked else { return Ok(None) };
    let members = recognise_members(unpacked.members, hint, options)?;
    let mut tables = Vec::new();
    for member in &members {
        let file_name = member.place().map(|place| place.to_string());
        let file_name = file_name.or_else(|| member.file_name().map(str::to_owned));
        let file_name = file_name.unwrap_or_default();
        let name = table_name(&file_name).ok_or_else(|| no_name(&file_name))?;
        let preset = member.known_layout().map(|preset| preset.name());
        tables.push(ArchiveTable { name, file_name, preset });
    }
    refuse_same_names(&tables)?;
    let is_mixture = is_mixture(&members);
    Ok(Some(ArchiveTables { tables, is_mixture, ..ArchiveTables::default() }))
}

fn of_feed(feed: &GtfsFeed) -> ArchiveTables {
    let preset = crate::preset::by_id("gtfs_jp").map(|preset| preset.name());
    let tables = feed.tables().iter().map(|table| ArchiveTable {
        name: table.name.to_owned(),
        file_name: table.file_name.clone(),
        preset: preset.clone(),
    });
    let links = feed.links().into_iter().map(|link| TableLink {
        table: link.table.to_owned(),
        column: link.column.to_owned(),
        to_table: link.to_table.to_owned(),
        to_column: link.to_column.to_owned(),
    });
    ArchiveTables {
        tables: tables.collect(),
        links: links.collect(),
        is_feed: true,
        is_mixture: true,
    }
}

/// One of an archive's tables by its name, to be read like a file of its own.
pub(crate) fn table(
    file: File,
    name: &str,
    hint: &FormatHint,
    options: &IntakeOptions,
) -> Result<Recognised, IntakeError> {
    if let Some(feed) = GtfsFeed::open(file.try_clone()?)? {
        return feed.table(name);
    }
    let is_wanted = |file_name: &str| table_name(file_name).as_deref() == Some(name);
    let unpacked = guarded(|| container::unpack_some(&file, options, &is_wanted))?;
    let mut members = unpacked.ok_or_else(no_archive)?.members;
    let Some(member) = members.pop().filter(|_| members.is_empty()) else {
        let shown = show_text(name);
        return Err(IntakeError::unsupported(
            format!(
                "ZIPの中に、「{shown}」という名前の表のファイルが1つだけあるようにしてください（ファイル名から拡張子を除いたものが表の名前です）"
            ),
            format!(
                "the ZIP archive must hold exactly one file of the table {shown:?}; a table has its file's name without the ending"
            ),
        ));
    };
    let hint =
        FormatHint { file_name: Some(member.name.clone()), media_type: None, ..hint.clone() };
    recognise_one(member.file, &hint)
}

/// The name that a table has by its file's; none where too little of that is left.
fn table_name(file_name: &str) -> Option<String> {
    let base = file_name.rsplit(['/', '\\']).next()?;
    let stem = base.rsplit_once('.').map_or(base, |(stem, _)| stem);
    // What can't be written in an id can't be left out either: two names could become one.
    if !stem.is_ascii() {
        return None;
    }
    let words = stem.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name = words.collect::<Vec<_>>().join("_").to_ascii_lowercase();
    (!name.is_empty() && name.len() <= MAX_NAME).then_some(name)
}

fn refuse_same_names(tables: &[ArchiveTable]) -> Result<(), IntakeError> {
    let mut names = HashSet::new();
    let twice = tables.iter().find(|table| !names.insert(&table.name));
    let Some(twice) = twice else { return Ok(()) };
    let same = tables.iter().filter(|table| table.name == twice.name);
    let listed = list(same.map(|table| table.file_name.as_str()));
    Err(IntakeError::unsupported(
        format!(
            "ZIPの中に、表の名前が同じになるファイルがあります（{listed}）。ファイル名を変えて送ってください"
        ),
        format!("files of the ZIP archive come to the same table's name ({listed}); rename them"),
    ))
}

fn no_name(file_name: &str) -> IntakeError {
    let shown = show_text(file_name);
    IntakeError::unsupported(
        format!(
            "ZIPの中の「{shown}」から表の名前を付けられません。ファイル名を英数字で{MAX_NAME}字までにして送ってください"
        ),
        format!(
            "no table can be named after {shown:?} in the ZIP archive; name the file with up to {MAX_NAME} Latin letters and digits"
        ),
    )
}

fn no_archive() -> IntakeError {
    IntakeError::unsupported(
        "表が指定されていますが、ファイルはZIPではありません。指定を外してください",
        "a table was asked for, and the file is no ZIP archive; leave the table out",
    )
}

/// What is said where a set of datasets is to be made of a file that is no archive.
pub(crate) fn not_several() -> Text {
    Text::new(
        "データセットの組には、複数の表を入れたZIP（GTFSなど）を送ってください。表が1つのファイルは、データセットに送ってください",
        "a set of datasets takes a ZIP archive of several tables, such as a GTFS feed; send a file of one table to its dataset",
    )
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;

    fn archive(files: &[(&str, &str)]) -> File {
        let mut zip = ZipWriter::new(tempfile::tempfile().unwrap());
        for (name, text) in files {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        zip.finish().unwrap()
    }

    fn look(files: &[(&str, &str)]) -> Result<Option<ArchiveTables>, IntakeError> {
        archive_tables(archive(files), &FormatHint::default(), &IntakeOptions::default())
    }

    #[test]
    fn tables_have_their_files_names_and_are_read_by_them() {
        let files =
            [("data/River Levels-2026.csv", "a,b\n1,2\n"), ("data/sites.json", "[{\"c\":1}]")];
        let found = look(&files).unwrap().unwrap();
        let names: Vec<_> = found.tables.iter().map(|table| table.name.as_str()).collect();
        assert_eq!(names, ["river_levels_2026", "sites"]);
        assert!(found.is_mixture && !found.is_feed && found.links.is_empty());
        let hint = FormatHint { table: Some("sites".to_owned()), ..FormatHint::default() };
        let recognised = crate::recognise(archive(&files), &hint).unwrap();
        assert_eq!(recognised.format(), crate::Format::Json);
        for (table, said) in [("site", "exactly one file"), ("", "exactly one file")] {
            let hint = FormatHint { table: Some(table.to_owned()), ..FormatHint::default() };
            let error = crate::recognise(archive(&files), &hint).unwrap_err();
            assert!(error.to_string().contains(said), "{error}");
        }
    }

    #[test]
    fn names_that_make_no_table_are_refused() {
        for (files, said) in [
            ([("人口.csv", "a\n1\n"), ("b.csv", "a\n1\n")], "no table can be named"),
            ([("x/a-b.csv", "a\n1\n"), ("y/a_b.csv", "a\n1\n")], "the same table's name"),
        ] {
            let error = look(&files).unwrap_err();
            assert!(error.to_string().contains(said), "{error}");
        }
        let mut plain = tempfile::tempfile().unwrap();
        plain.write_all(b"a,b\n1,2\n").unwrap();
        let options = IntakeOptions::default();
        assert_eq!(archive_tables(plain, &FormatHint::default(), &options).unwrap(), None);
    }

    #[test]
    fn a_feed_says_how_its_tables_hang_together() {
        let found = look(&[
            ("stop_times.txt", "trip_id,stop_id,stop_sequence\nt,s,1\n"),
            ("trips.txt", "route_id,service_id,trip_id\nr,w,t\n"),
            ("stops.txt", "stop_id,stop_name\ns,駅\n"),
        ])
        .unwrap()
        .unwrap();
        let names: Vec<_> = found.tables.iter().map(|table| table.name.as_str()).collect();
        assert_eq!((names, found.is_feed), (vec!["stops", "trips", "stop_times"], true));
        let links: Vec<_> =
            found.links.iter().map(|link| (link.column.as_str(), link.to_table.as_str())).collect();
        assert_eq!(
            links,
            [("trip_id", "trips"), ("stop_id", "stops"), ("parent_station", "stops")]
        );
    }
}
