//! What a file is, settled before it is read: its format, its encoding, and whether it is in a
//! publisher's known layout.

use std::{
    fs::File,
    io::Read,
    sync::{Arc, OnceLock},
};

use hub_model::Text;

use crate::{
    Format, FormatHint, IntakeError, IntakeOptions, archive,
    container::{self, list},
    decode::{guarded, in_file},
    detect::detect,
    dialect::Dialect,
    encoding::TextEncoding,
    gtfs::Member,
    preset::{self, Preset},
    rows::{Rows, TextRows},
    table,
    workbook::Workbook,
};

/// How much text is looked at for what separates its cells.
const LOOKED_AT: u64 = 64 * 1024;

/// A file of which it is known how to read it.
#[derive(Debug)]
pub struct Recognised {
    file: File,
    file_name: Option<String>,
    format: Format,
    encoding: TextEncoding,
    dialect: Dialect,
    header_rows: Option<(u64, u64)>,
    preset: Option<&'static Preset>,
    /// The sheet that was asked for, and the workbook once it was opened.
    sheet: Option<String>,
    workbook: OnceLock<Arc<Workbook>>,
    /// The file within the file that is meant, where it is one of a feed's tables.
    member: Option<Member>,
    container: Option<Container>,
    /// Its name among the files of a container, where there are several.
    place: Option<Arc<str>>,
    /// The files of the container after this one.
    others: Vec<Recognised>,
}

/// The container that files came in.
#[derive(Debug, Clone)]
pub(crate) struct Container {
    /// `gzip` or `zip`.
    pub(crate) kind: &'static str,
    pub(crate) notes: Vec<Text>,
}

/// Finds out what a file is. What the sender says of it comes before what it looks like, and gives way
/// to what its bytes prove. Containers are unpacked within the default limits.
pub fn recognise(file: File, hint: &FormatHint) -> Result<Recognised, IntakeError> {
    recognise_within(file, hint, &IntakeOptions::default())
}

/// The same, with limits of one's own on what a container may unpack to, and a folder to unpack it in.
pub fn recognise_within(
    file: File,
    hint: &FormatHint,
    options: &IntakeOptions,
) -> Result<Recognised, IntakeError> {
    if let Some(table) = hint.table.as_deref() {
        return archive::table(file, table, hint, options);
    }
    let name = hint.file_name.as_deref();
    let Some(unpacked) = guarded(|| container::unpack(&file, name, options))? else {
        return recognise_one(file, hint);
    };
    let mut members = recognise_members(unpacked.members, hint, options)?;
    refuse_mixture(&members)?;
    let mut notes = unpacked.notes;
    if members.len() > 1 {
        let count = members.len();
        let listed = list(members.iter().filter_map(|member| member.place.as_deref()));
        notes.push(Text::new(
            format!("{count}個のファイルを、続けて1つの表として読みました（{listed}）"),
            format!("{count} files were read one after another as one table ({listed})"),
        ));
    }
    let others = members.split_off(1);
    let mut first =
        members.pop().ok_or_else(|| IntakeError::Internal("an empty archive".into()))?;
    first.others = others;
    first.container = Some(Container { kind: unpacked.kind, notes });
    Ok(first)
}

/// Finds out what each file of a container is.
pub(crate) fn recognise_members(
    unpacked: Vec<container::Member>,
    hint: &FormatHint,
    options: &IntakeOptions,
) -> Result<Vec<Recognised>, IntakeError> {
    let is_one = unpacked.len() == 1;
    let mut members = Vec::new();
    for member in unpacked {
        options.check_stop()?;
        let hint =
            FormatHint { file_name: Some(member.name.clone()), media_type: None, ..hint.clone() };
        let mut recognised = recognise_one(member.file, &hint)
            .map_err(|error| in_file(error, Some(&member.name)))?;
        recognised.place = (!is_one).then(|| Arc::from(member.name));
        members.push(recognised);
    }
    Ok(members)
}

/// Finds out what a file that is no container is.
pub(crate) fn recognise_one(mut file: File, hint: &FormatHint) -> Result<Recognised, IntakeError> {
    let (format, encoding) = detect(&mut file, hint)?;
    let file_name = hint.file_name.as_deref();
    let file_name = file_name.and_then(|name| name.rsplit(['/', '\\']).next()).map(str::to_owned);
    let header_rows = hint.header_rows.as_deref().map(table::parse_header_rows).transpose()?;
    let mut recognised = Recognised {
        file_name,
        header_rows,
        sheet: hint.sheet.clone(),
        ..Recognised::bare(file, format, encoding)
    };
    if format.is_text() && format.has_rows() {
        recognised.find_dialect(hint)?;
    }
    recognised.preset = match hint.preset.as_deref() {
        None => guarded(|| preset::recognise(&recognised))?,
        Some("none") => None,
        Some(id) => Some(preset::by_id(id).ok_or_else(|| unknown_preset(id))?),
    };
    Ok(recognised)
}

/// Whether several files can't be one table.
pub(crate) fn is_mixture(members: &[Recognised]) -> bool {
    let [first, others @ ..] = members else { return false };
    let is_like = |other: &Recognised| {
        other.format == first.format
            && other.preset() == first.preset()
            && !matches!(other.format, Format::Parquet | Format::ArrowFile | Format::ArrowStream)
    };
    !others.iter().all(is_like)
}

fn refuse_mixture(members: &[Recognised]) -> Result<(), IntakeError> {
    if !is_mixture(members) {
        return Ok(());
    }
    let described: Vec<String> = members
        .iter()
        .map(|member| {
            let what = member.preset().unwrap_or(member.format.as_str());
            format!("{}: {what}", member.place.as_deref().unwrap_or_default())
        })
        .collect();
    let listed = list(described.iter().map(String::as_str));
    Err(IntakeError::unsupported(
        format!(
            "ZIPの中に種類の違うファイルがあります（{listed}）。1つの表として送るときは同じ様式のCSVかExcelだけを1つのZIPにし、表ごとに別のデータセットとして送るときはデータセットの組（sets）として送ってください"
        ),
        format!(
            "the ZIP archive holds files of several kinds ({listed}); to send one table, put only CSV or Excel files of one layout into a ZIP; to send a dataset for each file, send it to a set of datasets"
        ),
    ))
}

fn unknown_preset(id: &str) -> IntakeError {
    let id = crate::show::show_text(id);
    IntakeError::unsupported(
        format!("「{id}」という様式はありません。指定を外してください"),
        format!(
            "there is no layout {id:?}; leave it out, or give none to read the file as a plain table"
        ),
    )
}

impl Recognised {
    fn bare(file: File, format: Format, encoding: TextEncoding) -> Self {
        Self {
            file,
            file_name: None,
            format,
            encoding,
            dialect: Dialect::COMMAS,
            header_rows: None,
            preset: None,
            sheet: None,
            workbook: OnceLock::new(),
            member: None,
            container: None,
            place: None,
            others: Vec::new(),
        }
    }

    /// The same file once more, without those beside it.
    pub(crate) fn share(&self) -> Result<Self, IntakeError> {
        Ok(Self {
            file: self.file()?,
            file_name: self.file_name.clone(),
            container: None,
            place: self.place.clone(),
            others: Vec::new(),
            dialect: self.dialect,
            encoding: self.encoding,
            format: self.format,
            header_rows: self.header_rows,
            preset: self.preset,
            sheet: self.sheet.clone(),
            workbook: self.workbook.clone(),
            member: self.member,
        })
    }

    /// The container it came in.
    pub(crate) fn container(&self) -> Option<&Container> {
        self.container.as_ref()
    }

    /// Its name among several files of a container.
    pub(crate) fn place(&self) -> Option<Arc<str>> {
        self.place.clone()
    }

    /// The files that follow it in its container.
    pub(crate) fn others(&self) -> &[Self] {
        &self.others
    }

    /// A table of a feed, read like a file of its own.
    pub(crate) fn member(
        file: File,
        file_name: String,
        encoding: TextEncoding,
        member: Member,
    ) -> Result<Self, IntakeError> {
        let (file_name, member) = (Some(file_name), Some(member));
        let mut recognised = Self { file_name, member, ..Self::bare(file, Format::Csv, encoding) };
        recognised.preset = guarded(|| preset::recognise(&recognised))?;
        Ok(recognised)
    }

    /// The format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The publisher's layout, where it is a known one.
    pub fn preset(&self) -> Option<&'static str> {
        self.preset.map(|preset| preset.id)
    }

    pub(crate) fn known_layout(&self) -> Option<&'static Preset> {
        self.preset
    }

    pub(crate) fn file_name(&self) -> Option<&str> {
        self.file_name.as_deref()
    }

    pub(crate) fn encoding(&self) -> TextEncoding {
        self.encoding
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The first and the last row of the headings, where the sender names them.
    pub(crate) fn header_rows(&self) -> Option<(u64, u64)> {
        self.header_rows
    }

    fn find_dialect(&mut self, hint: &FormatHint) -> Result<(), IntakeError> {
        let mut head = Vec::new();
        self.text()?.take(LOOKED_AT + 1).read_to_end(&mut head)?;
        let whole = head.len() as u64 <= LOOKED_AT;
        let head = String::from_utf8_lossy(&head);
        let asked = hint.delimiter.as_deref().map(Dialect::parse).transpose()?;
        self.dialect = Dialect::find(&head, whole, self.file_name.as_deref(), asked);
        if let Some(name) = hint.quote.as_deref() {
            self.dialect.quote = Dialect::parse_quote(name)?;
        }
        Ok(())
    }

    /// The file itself. Its position is shared: only one reader at a time.
    pub(crate) fn file(&self) -> Result<File, IntakeError> {
        Ok(self.file.try_clone()?)
    }

    /// The text from its start, as UTF-8.
    pub(crate) fn text(&self) -> Result<Box<dyn Read + Send>, IntakeError> {
        match self.member {
            Some(member) => member.text(self.file()?, self.encoding),
            None => self.encoding.read(self.file()?),
        }
    }

    /// The rows from the first.
    pub(crate) fn rows(&self) -> Result<Box<dyn Rows>, IntakeError> {
        if matches!(self.format, Format::Xlsx | Format::Xls) {
            return self.workbook()?.rows();
        }
        Ok(Box::new(TextRows::new(self.text()?, self.dialect)))
    }

    /// The names of a workbook's sheets in its order; none where the file is no workbook.
    pub(crate) fn sheets(&self) -> Result<Vec<String>, IntakeError> {
        if matches!(self.format, Format::Xlsx | Format::Xls) {
            return Ok(self.workbook()?.sheets());
        }
        Ok(Vec::new())
    }

    /// The workbook that the file is. It is opened once, since its texts are read as a whole.
    fn workbook(&self) -> Result<&Arc<Workbook>, IntakeError> {
        if let Some(workbook) = self.workbook.get() {
            return Ok(workbook);
        }
        let opened = Workbook::open(self.file()?, self.format, self.sheet.as_deref())?;
        Ok(self.workbook.get_or_init(|| opened))
    }

    /// A file that is known to be of this format, in UTF-8 where it is text.
    #[cfg(test)]
    pub(crate) fn plain(mut file: File, format: Format) -> Self {
        use std::io::{Seek, SeekFrom};
        let mut head = Vec::new();
        file.seek(SeekFrom::Start(0)).unwrap();
        Read::by_ref(&mut file).take(3).read_to_end(&mut head).unwrap();
        Self::bare(file, format, TextEncoding::Utf8.settled_by(&head))
    }

    /// A CSV that is known to be in this encoding.
    #[cfg(test)]
    pub(crate) fn encoded(file: File, encoding: TextEncoding) -> Self {
        Self::bare(file, Format::Csv, encoding)
    }
}
