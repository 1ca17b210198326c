//! Where a command writes to, and how texts, numbers and times are put for people.

use std::{
    borrow::Cow,
    fmt,
    io::{self, Write},
};

use chrono::{DateTime, Utc};
use clap::ValueEnum;
use serde_json::Value;

/// The language of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// Japanese
    Ja,
    /// English
    En,
}

impl Language {
    /// The language a terminal is set to: the first that is set of `LC_ALL`, `LC_MESSAGES`, `LANG`.
    pub(crate) fn of_environment<E>(variable: impl Fn(&str) -> Result<String, E>) -> Self {
        let set = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .filter_map(|key| variable(key).ok())
            .find(|value| !value.is_empty());
        match set {
            Some(value) if value.starts_with("ja") => Self::Ja,
            _ => Self::En,
        }
    }

    /// The word for it in requests.
    pub(crate) fn tag(self) -> &'static str {
        self.say("ja", "en")
    }

    /// What is said in this language.
    pub(crate) fn say<T>(self, ja: T, en: T) -> T {
        match self {
            Self::Ja => ja,
            Self::En => en,
        }
    }
}

/// How output is to look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    /// Whether a person reads standard output as it comes.
    pub(crate) out_is_terminal: bool,
    /// The terminal's width in columns, where there is one.
    pub(crate) width: Option<usize>,
    /// Whether progress is drawn on standard error.
    pub(crate) bars: bool,
    /// Whether remarks are left out.
    pub(crate) quiet: bool,
    /// The language of reports.
    pub(crate) language: Language,
}

impl Look {
    /// The width that tables are fitted to: none where a program reads them.
    pub(crate) fn table_width(self) -> Option<usize> {
        self.width.filter(|_| self.out_is_terminal)
    }
}

/// Standard output and standard error.
pub(crate) struct Console<'a> {
    /// For results.
    pub(crate) out: &'a mut dyn Write,
    /// For remarks and errors.
    pub(crate) err: &'a mut dyn Write,
    /// How both are to look.
    pub(crate) look: Look,
}

impl Console<'_> {
    /// Writes one line of a result.
    pub(crate) fn line(&mut self, line: impl fmt::Display) -> io::Result<()> {
        writeln!(self.out, "{line}")
    }

    /// Writes a remark beside the result, unless they are not wanted.
    pub(crate) fn remark(&mut self, line: impl fmt::Display) -> io::Result<()> {
        if self.look.quiet {
            return Ok(());
        }
        // Both may be the same terminal: what came first shows first.
        self.out.flush()?;
        writeln!(self.err, "{line}")
    }

    /// Writes a value as JSON for programs.
    pub(crate) fn json(&mut self, value: &Value) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut self.out, value)?;
        writeln!(self.out)
    }
}

/// A text of others as it may be shown: what would steer the terminal is written out as an escape.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(steers) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if steers(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    Cow::Owned(shown)
}

/// As [`clean`], for texts whose lines are meant.
pub(crate) fn clean_lines(text: &str) -> String {
    text.lines().map(clean).collect::<Vec<_>>().join("\n")
}

fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A value of an answer as a table shows it. Missing is never shown as nothing or as zero.
pub(crate) fn show_value(value: &Value) -> String {
    match value {
        Value::Null => "NULL".into(),
        Value::String(text) => clean(text).into_owned(),
        other => clean(&other.to_string()).into_owned(),
    }
}

/// A member of an object as people read it; empty where there is none.
pub(crate) fn member(object: &Value, name: &str) -> String {
    match object.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(value) => show_value(value),
    }
}

/// A text in two languages, as the registry keeps it: the one asked for, or else the other.
pub(crate) fn text_in(text: Option<&Value>, language: Language) -> String {
    let Some(text) = text else { return String::new() };
    if let Value::String(plain) = text {
        return clean(plain).into_owned();
    }
    let (first, second) = language.say(("ja", "en"), ("en", "ja"));
    let preferred = member(text, first);
    if preferred.is_empty() { member(text, second) } else { preferred }
}

/// A whole number with its thousands set apart.
pub(crate) fn count(number: u64) -> String {
    indicatif::HumanCount(number).to_string()
}

/// As [`count`], with the noun it counts: `1 row`, `2 rows`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A number of bytes in the unit that suits it.
pub(crate) fn bytes(number: u64) -> String {
    indicatif::BinaryBytes(number).to_string()
}

/// An instant in Japanese time, to the second; texts that are none stay as they are.
pub(crate) fn instant(text: &str) -> String {
    DateTime::parse_from_rfc3339(text)
        .map_or_else(|_| clean(text).into_owned(), |instant| when(instant.with_timezone(&Utc)))
}

/// An instant in Japanese time, to the second.
pub(crate) fn when(instant: DateTime<Utc>) -> String {
    instant.with_timezone(&hub_model::TOKYO).format("%Y-%m-%d %H:%M:%S JST").to_string()
}

/// A member that is an instant.
pub(crate) fn member_instant(object: &Value, name: &str) -> String {
    object.get(name).and_then(Value::as_str).map(instant).unwrap_or_default()
}

/// A member that is an instant, as the day it is in Japan.
pub(crate) fn member_day(object: &Value, name: &str) -> String {
    let time = member_instant(object, name);
    time.split(' ').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_steer_the_terminal() {
        assert_eq!(clean("河川流量"), "河川流量");
        assert_eq!(clean("a\u{1b}[2Jb\nc\u{202e}d"), "a\\u{1b}[2Jb\\nc\\u{202e}d");
        assert_eq!(clean_lines("one\ntwo\u{7}"), "one\ntwo\\u{7}");
    }

    #[test]
    fn the_language_is_the_terminals() {
        let of = |pairs: &'static [(&str, &str)]| {
            Language::of_environment(|key| {
                pairs.iter().find(|(name, _)| *name == key).map(|(_, v)| (*v).to_owned()).ok_or(())
            })
        };
        assert_eq!(of(&[("LANG", "ja_JP.UTF-8")]), Language::Ja);
        assert_eq!(of(&[("LANG", "ja_JP.UTF-8"), ("LC_ALL", "en_GB.UTF-8")]), Language::En);
        assert_eq!(of(&[("LANG", "ja_JP.UTF-8"), ("LC_ALL", "")]), Language::Ja);
        assert_eq!(of(&[]), Language::En);
    }

    #[test]
    fn numbers_and_times_are_put_for_people() {
        assert_eq!(counted(1, "row"), "1 row");
        assert_eq!(counted(1_234_567, "row"), "1,234,567 rows");
        assert_eq!(bytes(1_572_864), "1.50 MiB");
        assert_eq!(instant("2026-04-01T00:00:00Z"), "2026-04-01 09:00:00 JST");
        assert_eq!(instant("soon"), "soon");
        assert_eq!(show_value(&Value::Null), "NULL");
    }
}
