//! Files in a ZIP archive. Names are shown and never used as paths; those without the mark of UTF-8 are
//! CP932 where they are not UTF-8 all the same, as Windows writes them in Japan.

use std::{
    cmp::Ordering,
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
};

use hub_model::Text;
use zip::{CompressionMethod, ZipArchive, result::ZipError};

use super::{Budget, MAX_ENTRIES, MAX_FILES, Member, Unpacked, damaged, nested, refuse_nested};
use crate::{IntakeError, IntakeOptions, decode::unpacks_too_large, show::show_text};

/// How many names a message lists.
const SHOWN: usize = 8;

type Archive = ZipArchive<BufReader<File>>;

/// An entry worth looking at.
struct Entry {
    index: usize,
    name: String,
    size: u64,
    is_encrypted: bool,
    is_known_method: bool,
}

/// Unpacks the files that are wanted by their names.
pub(super) fn unpack(
    mut file: File,
    options: &IntakeOptions,
    is_wanted: &dyn Fn(&str) -> bool,
) -> Result<Option<Unpacked>, IntakeError> {
    let mut budget = Budget::new(&file, "ZIP", options)?;
    refuse_many_entries(&mut file)?;
    let mut archive = match open(file.try_clone()?) {
        // What is wrong with a workbook its own reader says better.
        Err(_) if begins_like_workbook(&mut file)? => return Ok(None),
        result => result?,
    };
    let entries = entries(&mut archive)?;
    if is_workbook(entries.iter().map(|entry| entry.name.as_str())) {
        return Ok(None);
    }
    // Maps are often published as a Shapefile with the same as GeoJSON beside it.
    let has_geojson = entries.iter().any(|entry| extension(&entry.name) == "geojson");
    let is_passed = |name: &str| is_document(name) || (has_geojson && is_of_shapefile(name));
    let (mut data, passed): (Vec<Entry>, Vec<Entry>) =
        entries.into_iter().partition(|entry| !is_passed(&entry.name));
    refuse_sets(&data)?;
    if data.is_empty() {
        let listed = list(passed.iter().map(|entry| entry.name.as_str()));
        return Err(IntakeError::unsupported(
            format!("ZIPの中に、読めるデータのファイルがありません（{listed}）"),
            format!("there is no file of data in the ZIP archive ({listed})"),
        ));
    }
    if data.len() > MAX_FILES {
        return Err(too_many(data.len()));
    }
    for entry in &data {
        refuse_unreadable(entry)?;
    }
    let declared = data.iter().fold(0u64, |sum, entry| sum.saturating_add(entry.size));
    if declared > options.max_decoded_bytes {
        return Err(unpacks_too_large(options.max_decoded_bytes));
    }
    if archive.has_overlapping_files().map_err(broken)? {
        return Err(broken(ZipError::InvalidArchive("its entries share their bytes".into())));
    }
    data.retain(|entry| is_wanted(&entry.name));
    data.sort_by(|a, b| by_name(&a.name, &b.name));
    let mut members = Vec::new();
    for entry in data {
        let mut packed = archive.by_index(entry.index).map_err(broken)?;
        let mut file = budget.unpack(&mut packed)?;
        refuse_nested(&mut file, &entry.name)?;
        members.push(Member { name: show_text(&entry.name), file });
    }
    let mut notes = Vec::new();
    if !passed.is_empty() {
        let listed = list(passed.iter().map(|entry| entry.name.as_str()));
        notes.push(Text::new(
            format!("ZIPの中の説明などは読み飛ばしました（{listed}）"),
            format!("manuals and the like in the ZIP archive were passed over ({listed})"),
        ));
    }
    Ok(Some(Unpacked { kind: "zip", members, notes }))
}

/// Whether a file inside a container is a ZIP archive and no workbook.
pub(super) fn is_archive(file: &mut File, head: &[u8]) -> Result<bool, IntakeError> {
    if !head.starts_with(b"PK\x03\x04") {
        return Ok(false);
    }
    refuse_many_entries(file)?;
    let is_workbook = match open(file.try_clone()?) {
        Ok(mut archive) => {
            let entries = entries(&mut archive)?;
            is_workbook(entries.iter().map(|entry| entry.name.as_str()))
        }
        Err(_) => true,
    };
    file.seek(SeekFrom::Start(0))?;
    Ok(!is_workbook)
}

fn open(mut file: File) -> Result<Archive, IntakeError> {
    file.seek(SeekFrom::Start(0))?;
    ZipArchive::new(BufReader::with_capacity(64 << 10, file)).map_err(broken)
}

/// Refuses an archive whose directory says that it has very many entries, before that is read.
fn refuse_many_entries(file: &mut File) -> Result<(), IntakeError> {
    const END: &[u8] = b"PK\x05\x06";
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(66_000)))?;
    let mut tail = Vec::new();
    Read::by_ref(file).take(66_000).read_to_end(&mut tail)?;
    file.seek(SeekFrom::Start(0))?;
    let ends = tail.windows(12).filter(|window| window.starts_with(END));
    match ends.map(|end| usize::from(u16::from_le_bytes([end[10], end[11]]))).max() {
        Some(count) if count > MAX_ENTRIES => Err(too_many(count)),
        _ => Ok(()),
    }
}

fn entries(archive: &mut Archive) -> Result<Vec<Entry>, IntakeError> {
    if archive.len() > MAX_ENTRIES {
        return Err(too_many(archive.len()));
    }
    let mut entries = Vec::new();
    for index in 0..archive.len() {
        let file = archive.by_index_raw(index).map_err(broken)?;
        let name = name(file.name_raw());
        if file.is_dir() || file.is_symlink() || is_litter(&name) || file.size() == 0 {
            continue;
        }
        let is_known_method =
            matches!(file.compression(), CompressionMethod::Stored | CompressionMethod::Deflated);
        let (size, is_encrypted) = (file.size(), file.encrypted());
        entries.push(Entry { index, name, size, is_encrypted, is_known_method });
    }
    Ok(entries)
}

fn name(raw: &[u8]) -> String {
    match std::str::from_utf8(raw) {
        Ok(name) => name.to_owned(),
        Err(_) => encoding_rs::SHIFT_JIS.decode_without_bom_handling(raw).0.into_owned(),
    }
}

fn base(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

fn extension(name: &str) -> String {
    base(name).rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase()).unwrap_or_default()
}

/// What systems leave in archives by themselves.
fn is_litter(name: &str) -> bool {
    let base = base(name);
    name.starts_with("__MACOSX/")
        || base.starts_with("._")
        || ["", ".DS_Store", "Thumbs.db", "desktop.ini"].contains(&base)
}

/// What explains data and is none.
fn is_document(name: &str) -> bool {
    const WORDS: [&str; 9] = [
        "readme",
        "read_me",
        "はじめに",
        "お読みください",
        "説明",
        "利用規約",
        "license",
        "licence",
        "注意",
    ];
    match extension(name).as_str() {
        "pdf" | "doc" | "docx" | "rtf" | "htm" | "html" | "md" | "png" | "jpg" | "jpeg" | "gif"
        | "url" | "ppt" | "pptx" | "odt" => true,
        "txt" | "" => {
            let base = base(name).to_lowercase();
            WORDS.iter().any(|word| base.contains(word))
        }
        _ => false,
    }
}

/// Whether a name is that of a part of a Shapefile, or of what describes one.
fn is_of_shapefile(name: &str) -> bool {
    let parts = ["shp", "shx", "dbf", "prj", "cpg", "sbn", "sbx", "qix", "qmd", "xml"];
    parts.contains(&extension(name).as_str())
}

/// Whether a damaged archive's first part names the parts of a workbook.
fn begins_like_workbook(file: &mut File) -> Result<bool, IntakeError> {
    let mut head = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    Read::by_ref(file).take(64 << 10).read_to_end(&mut head)?;
    let has = |needle: &[u8]| head.windows(needle.len()).any(|window| window == needle);
    Ok(has(b"[Content_Types].xml") || has(b"xl/"))
}

fn is_workbook<'a>(mut names: impl Iterator<Item = &'a str>) -> bool {
    names.any(|name| name == "[Content_Types].xml" || name.starts_with("xl/"))
}

/// Refuses sets of files that mean something only together.
fn refuse_sets(entries: &[Entry]) -> Result<(), IntakeError> {
    let has = |wanted: &str| entries.iter().any(|entry| base(&entry.name) == wanted);
    if entries.iter().any(|entry| extension(&entry.name) == "shp") {
        return Err(IntakeError::unsupported(
            "ZIPの中身はシェープファイルのようです。QGISなどでGeoJSONに変換して送ってください",
            "the ZIP archive seems to hold a Shapefile; convert it to GeoJSON, as with QGIS, and send that",
        ));
    }
    if has("stops.txt") && (has("routes.txt") || has("trips.txt") || has("agency.txt")) {
        return Err(IntakeError::unsupported(
            "ZIPの中身はGTFS（標準的なバス情報フォーマット）のようです。表ごとのデータセットの組（sets）として送るか、必要な表（stops など）を1つ指定してください",
            "the ZIP archive seems to be a GTFS feed; send it to a set of datasets, one for each of its tables, or name the table you need, such as stops",
        ));
    }
    if has("content.xml") && has("mimetype") {
        return Err(IntakeError::unsupported(
            "ファイルはLibreOfficeの文書（ods など）のようです。xlsx か CSV で保存して送ってください",
            "the file seems to be an OpenDocument file (such as ods); save it as xlsx or CSV and send that",
        ));
    }
    Ok(())
}

fn refuse_unreadable(entry: &Entry) -> Result<(), IntakeError> {
    let name = show_text(&entry.name);
    if entry.is_encrypted {
        return Err(IntakeError::unsupported(
            format!(
                "ZIPの中の「{name}」にパスワードがかかっています。パスワードを外して送ってください"
            ),
            format!("{name:?} in the ZIP archive is locked with a password; send it without one"),
        ));
    }
    let packed = ["zip", "gz", "tgz", "tar", "7z", "rar", "lzh", "bz2", "xz", "zst"];
    if packed.contains(&extension(&entry.name).as_str()) {
        return Err(nested(&entry.name));
    }
    if !entry.is_known_method {
        return Err(IntakeError::unsupported(
            format!(
                "ZIPの中の「{name}」の圧縮方式は読めません。ふつうの方式（Deflate）のZIPかgzipにするか、展開して送ってください"
            ),
            format!(
                "{name:?} in the ZIP archive is packed by a method that is not read; pack it with Deflate or gzip, or send it unpacked"
            ),
        ));
    }
    Ok(())
}

fn too_many(count: usize) -> IntakeError {
    IntakeError::too_large(
        format!(
            "ZIPの中のファイルが多すぎます（{count}個）。{MAX_FILES}個までに分けて送ってください"
        ),
        format!(
            "there are too many files in the ZIP archive ({count}); send at most {MAX_FILES} at a time"
        ),
    )
}

fn broken(error: ZipError) -> IntakeError {
    match error {
        ZipError::Io(error) => damaged("ZIP", &error),
        other => damaged("ZIP", &io::Error::other(other.to_string())),
    }
}

/// The first few names.
pub(crate) fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(show_text).collect();
    let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN { format!("{shown}, … ({})", names.len()) } else { shown }
}

/// The order of names in which numbers count as numbers: `2月` comes before `10月`.
fn by_name(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.chars().peekable(), b.chars().peekable());
    loop {
        match (a.peek().copied(), b.peek().copied()) {
            (None, None) => return Ordering::Equal,
            (None, _) => return Ordering::Less,
            (_, None) => return Ordering::Greater,
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let order = number(&mut a).cmp(&number(&mut b));
                if order != Ordering::Equal {
                    return order;
                }
            }
            (Some(x), Some(y)) if x != y => return x.cmp(&y),
            _ => {
                a.next();
                b.next();
            }
        }
    }
}

fn number(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> u128 {
    let mut number = 0u128;
    while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
        number = number.saturating_mul(10).saturating_add(u128::from(digit));
        chars.next();
    }
    number
}
