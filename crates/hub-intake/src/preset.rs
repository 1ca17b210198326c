//! Publishers' layouts that the hub knows by themselves: one file a layout.
//!
//! A layout is recognised by what only it has, and turns the publisher's rows into a table whose contract
//! it knows, with the publisher's own marks kept beside the hub's qualities. Cells that it does not
//! understand are passed on as they stand, so that the report names them. To add one: write a file with a
//! [`Preset`], name it in [`PRESETS`], and add a golden test that reads a real file.

mod column;
mod figure;
mod gtfs_jp;
mod heading;
mod hokkaido_inbound;
mod jartic_type_b;
mod jma_ame_master;
mod jma_bosai;
mod jma_bosai_amedastable;
mod jma_etrn;
mod jma_marks;
mod jma_obsdl;
mod json_table;
mod jumin_daicho;
mod jumin_daicho_ages;
mod ksj_n03;
mod mlit_hydrology;
mod mlit_river_sites;
mod mlit_traffic;
mod municipal_standard;
mod publisher;
mod ssdse;
#[cfg(test)]
mod taken;
#[cfg(test)]
mod tests;
mod when;

use std::io::Read;

pub use gtfs_jp::GtfsLink;
pub(crate) use gtfs_jp::{TABLES as GTFS_TABLES, links as gtfs_links};

use hub_model::{Contract, PresetName, Quality, Text};
use publisher::Publisher;

use crate::{
    Format, IntakeError, IntakeOptions, Recognised,
    decode::{Decode, Known, Transform, Transformed, open_format},
    rows::{Ahead, Row},
    show::show_text,
};

/// Every layout, in the order in which they are tried.
const PRESETS: &[&Preset] = &[
    &jartic_type_b::PRESET,
    &mlit_traffic::FIVE_MINUTES,
    &mlit_traffic::HOURLY,
    &mlit_traffic::DAILY,
    &hokkaido_inbound::PRESET,
    &jma_ame_master::PRESET,
    &jma_bosai_amedastable::PRESET,
    &jma_bosai::MAP,
    &jma_bosai::POINT,
    // Before the tables of one station: a download without qualities has their elements too.
    &jma_obsdl::TEN_MINUTES,
    &jma_obsdl::HOURLY,
    &jma_obsdl::DAILY,
    &jma_obsdl::PERIOD,
    &jma_obsdl::MONTHLY,
    &jma_obsdl::YEARLY,
    &jma_etrn::DAILY,
    &jma_etrn::HOURLY,
    &jma_etrn::TEN_MINUTES,
    &ksj_n03::PRESET,
    &mlit_hydrology::HOURLY_LEVEL,
    &mlit_hydrology::DAILY_LEVEL,
    &mlit_hydrology::HOURLY_DISCHARGE,
    &mlit_hydrology::DAILY_DISCHARGE,
    &mlit_hydrology::HOURLY_RAIN,
    &mlit_hydrology::DAILY_RAIN,
    &mlit_river_sites::PRESET,
    &ssdse::PRESET,
    &jumin_daicho::PRESET,
    &jumin_daicho_ages::PRESET,
    &municipal_standard::SHELTERS,
    &municipal_standard::EVENTS,
    &municipal_standard::POPULATION,
    &municipal_standard::TOURISM,
    &municipal_standard::FACILITIES,
    &gtfs_jp::PRESET,
];

/// How many rows a layout is recognised by.
const LOOKED_AT: usize = 20;

/// A publisher's layout.
#[derive(Debug)]
pub(crate) struct Preset {
    /// Its id, `[a-z][a-z0-9_]*`, never renamed.
    pub(crate) id: &'static str,
    /// What it is called, in Japanese and English.
    pub(crate) title: (&'static str, &'static str),
    /// Whose files they are.
    pub(crate) publisher: &'static Publisher,
    /// How it is recognised and read.
    pub(crate) layout: Layout,
}

/// Begins to read a layout of rows.
type OpenRows = fn(&Context<'_>, &mut Ahead) -> Result<Box<dyn Transform>, IntakeError>;

/// Begins to read a layout of text.
type OpenText = fn(&Context<'_>, Box<dyn Read + Send>) -> Result<Box<dyn Decode>, IntakeError>;

/// How a layout is recognised and read. A recogniser answers true only for what the reader can read, and
/// false for whatever is merely like it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Layout {
    /// Rows of cells, of a text file or of a sheet.
    Rows {
        recognise: fn(&Head<'_>) -> bool,
        /// Reads the heading off the rows; the rest of the rows go through the answer.
        open: OpenRows,
    },
    /// JSON text.
    Json { recognise: fn(&Head<'_>) -> bool, open: OpenText },
    /// GeoJSON that is a table as its format reads it, with columns that are known.
    AsIs { recognise: fn(&Head<'_>) -> bool, contract: fn() -> Contract },
}

/// What a layout is recognised by.
#[derive(Debug)]
pub(crate) struct Head<'a> {
    /// The file's name without folders, where it is known.
    pub(crate) file_name: Option<&'a str>,
    /// The first rows; none for JSON.
    pub(crate) rows: &'a [Row],
    /// The text's first part; empty for what is not text.
    pub(crate) text: &'a str,
}

/// What a layout is read with.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    /// The file's name without folders, where it is known.
    pub(crate) file_name: Option<&'a str>,
    pub(crate) options: &'a IntakeOptions,
}

impl Preset {
    /// The id and the title, as reports have them.
    pub(crate) fn name(&self) -> PresetName {
        PresetName { id: self.id.to_owned(), title: Text::new(self.title.0, self.title.1) }
    }

    pub(crate) fn open(
        &'static self,
        recognised: &Recognised,
        options: &IntakeOptions,
    ) -> Result<Box<dyn Decode>, IntakeError> {
        let context = Context { file_name: recognised.file_name(), options };
        match self.layout {
            Layout::Rows { open, .. } => {
                let mut rows = Ahead::new(recognised.rows()?);
                let transform = open(&context, &mut rows)?;
                Ok(Box::new(Transformed::new(rows, transform, self.name(), recognised, options)))
            }
            Layout::Json { open, .. } => open(&context, recognised.text()?),
            Layout::AsIs { contract, .. } => {
                let inner = open_format(recognised, options)?;
                Ok(Box::new(Known::new(inner, contract(), self.name())))
            }
        }
    }
}

/// The layout of a file, if it is a known one.
pub(crate) fn recognise(recognised: &Recognised) -> Result<Option<&'static Preset>, IntakeError> {
    let is_json = recognised.format().is_json();
    if !is_json && !recognised.format().has_rows() {
        return Ok(None);
    }
    let mut text = String::new();
    if recognised.format().is_text() {
        let mut head = Vec::new();
        recognised.text()?.take(64 << 10).read_to_end(&mut head)?;
        text = String::from_utf8_lossy(&head).into_owned();
    }
    let mut rows = if is_json { None } else { Some(Ahead::new(recognised.rows()?)) };
    let rows = match &mut rows {
        Some(rows) => rows.peek(LOOKED_AT)?,
        None => &[],
    };
    let head = Head { file_name: recognised.file_name(), rows, text: &text };
    Ok(PRESETS.iter().copied().find(|preset| match preset.layout {
        Layout::Rows { recognise, .. } => !is_json && recognise(&head),
        Layout::Json { recognise, .. } => is_json && recognise(&head),
        Layout::AsIs { recognise, .. } => {
            recognised.format() == Format::GeoJson && recognise(&head)
        }
    }))
}

/// The error of a file that was said to be in a layout that it is not in.
fn not_the_layout(ja: &str, en: &str) -> IntakeError {
    IntakeError::unreadable(
        format!("「{ja}」の様式として送られましたが、見出しが違います。様式の指定を外してください"),
        format!(
            "the file was sent as the layout {en:?}, whose headings it does not have; leave the layout out"
        ),
    )
}

/// The word of a quality; what stands in the file where it is none that is known.
fn quality_word(quality: Option<Quality>, otherwise: &str) -> &str {
    match quality {
        Some(quality) => quality.as_str(),
        None => otherwise,
    }
}

/// A note on columns that a layout has no place for.
fn unused_columns(names: &[String]) -> Vec<Text> {
    if names.is_empty() {
        return Vec::new();
    }
    let shown: Vec<String> = names.iter().take(10).map(|name| show_text(name)).collect();
    let shown = shown.join(", ");
    vec![Text::new(
        format!("この様式にない列は使いませんでした（{shown}）"),
        format!("columns that the layout does not have were not used ({shown})"),
    )]
}

/// The layout of this id.
pub(crate) fn by_id(id: &str) -> Option<&'static Preset> {
    PRESETS.iter().copied().find(|preset| preset.id == id)
}

/// Whether a format's files are worth looking at for a layout at all.
impl Format {
    pub(crate) fn is_json(self) -> bool {
        matches!(self, Self::Json | Self::NdJson | Self::GeoJson)
    }

    pub(crate) fn has_rows(self) -> bool {
        matches!(self, Self::Csv | Self::Xlsx | Self::Xls)
    }

    pub(crate) fn is_text(self) -> bool {
        self == Self::Csv || self.is_json()
    }
}
