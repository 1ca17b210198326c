//! What a cell means that is no value as it stands: another way of writing one, or a mark that there is
//! none. Only cells that could not be read come here, so that clean files lose no time.
//!
//! Nothing is guessed: what could be read in two ways is a fault that names both.

mod code;
mod date;
mod mark;
mod number;
mod outcome;
#[cfg(test)]
mod tests;
mod width;
mod words;

use hub_model::{ChangeKind, CodeList, Field, FieldRole, FieldType, Quality};

pub(crate) use mark::is_dash;
pub(crate) use outcome::Normalised;
pub(crate) use width::fold_width;
pub(crate) use words::describe;

use super::{fault::FaultKind, time::TimeFormat};
use crate::units::{InCell, in_cell};

/// The number that a text means whatever its unit, in its usual form, and the unit behind it.
pub(crate) fn any_number(text: &str) -> Option<(String, Option<&'static str>)> {
    let (folded, _) = fold_width(text);
    let behind = number::Parts::of(&folded)?.rest.trim().to_owned();
    let unit = match in_cell(&behind, None) {
        InCell::Other(unit) => Some(unit),
        _ => None,
    };
    match number::read(text, unit) {
        Reading::Value(plain, _) => Some((plain, unit)),
        _ => None,
    }
}

/// The time that a text means, in its usual form.
pub(crate) fn any_time(text: &str, field_type: FieldType) -> Option<String> {
    match date::read(text, field_type, true) {
        Reading::Value(plain, _) => Some(plain),
        _ => None,
    }
}

/// Whether a text is a mark that there is no value.
pub(crate) fn is_mark(text: &str) -> bool {
    matches!(mark::read(text), Reading::Missing(_))
}

/// Whether a text is made of digits that stand for one municipality.
pub(crate) fn is_municipality(text: &str) -> bool {
    text.ends_with(|c: char| c.is_ascii_digit())
        && text.len() >= 5
        && (matches!(code::read(text), Reading::Value(..)) || code::is_municipality_code(text))
}

/// What was made of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reading {
    /// The same value in its usual form, and what was changed.
    Value(String, Vec<ChangeKind>),
    /// A mark that there is no value, and why there is none.
    Missing(Quality),
    /// It is known what it is, and it can't be a value here.
    Refused(FaultKind),
    /// It means nothing that is known.
    Unread,
}

/// What a column's cells are read as.
#[derive(Debug)]
pub(crate) struct Normal<'a> {
    field: &'a Field,
    /// Whether the column speaks of fiscal years by its name.
    fiscal: bool,
    /// Whether text in another encoding was turned into UTF-8, so that U+FFFD is a byte that was lost.
    transcoded: bool,
}

impl<'a> Normal<'a> {
    pub(crate) fn new(field: &'a Field, transcoded: bool) -> Self {
        let says = |text: &str| text.contains("年度") || text.to_lowercase().contains("fiscal");
        let fiscal = says(&field.name) || field.title.as_deref().is_some_and(says);
        Self { field, fiscal, transcoded }
    }

    /// Whether a text holds what a byte became that stands for nothing.
    pub(crate) fn lost_bytes(&self, text: &[u8]) -> bool {
        self.transcoded && memchr::memmem::find(text, "\u{FFFD}".as_bytes()).is_some()
    }

    /// Whether the column's texts name things: a series, a place, whatever a heading calls a code.
    pub(crate) fn names_things(&self) -> bool {
        let header = self.field.name.to_lowercase();
        matches!(self.field.role, FieldRole::Key | FieldRole::Place)
            || ["コード", "番号", "code"].iter().any(|word| header.contains(word))
            || header == "id"
            || header.ends_with("_id")
    }

    /// The list that the column's texts are codes of. A place whose allowed values are all codes of
    /// municipalities says the same as one that names the list.
    pub(crate) fn code_list(&self) -> Option<CodeList> {
        let is_code = |value: &serde_json::Value| {
            value.as_str().is_some_and(|text| text.len() == 6 && code::is_municipality_code(text))
        };
        self.field.code.or_else(|| {
            let allowed = self.field.constraints.allowed.as_ref()?;
            (self.field.role == FieldRole::Place && allowed.iter().all(is_code))
                .then_some(CodeList::Municipality)
        })
    }

    /// Reads a cell of a column that is no text.
    pub(crate) fn read(&self, text: &str, format: &TimeFormat) -> Reading {
        let is_cross = || matches!(text.trim(), "×" | "✕" | "✖" | "x" | "X" | "Ｘ" | "ｘ");
        match mark::read(text) {
            Reading::Unread => {}
            // Beside ○ a cross says no.
            Reading::Missing(_) if self.field.field_type == FieldType::Boolean && is_cross() => {
                return Reading::Refused(FaultKind::TwoReadings);
            }
            read => return read,
        }
        match self.field.field_type {
            FieldType::Integer | FieldType::Number => {
                number::read(text, self.field.unit.as_ref().map(hub_model::Unit::as_str))
            }
            FieldType::Date | FieldType::Datetime | FieldType::Yearmonth | FieldType::Year => {
                if let TimeFormat::Default = format {
                    date::read(text, self.field.field_type, self.fiscal)
                } else {
                    width::read(text, |plain| format.padded(plain))
                }
            }
            FieldType::Boolean => width::read(text, |_| None),
            FieldType::String => Reading::Unread,
        }
    }

    /// Reads a cell of a column of codes.
    pub(crate) fn read_code(&self, text: &str, list: CodeList) -> Reading {
        match list {
            CodeList::Municipality => code::read(text),
        }
    }
}
