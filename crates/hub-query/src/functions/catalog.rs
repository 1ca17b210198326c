//! The catalog of functions: what each does, how it is written, and an example that a test runs. It is what
//! `/v1/functions`, `information_schema.routines` and docs/FUNCTIONS.md show.

mod document;
mod unsaid;

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema},
};
use datafusion::{
    catalog::{MemTable, TableProvider},
    common::Result,
    logical_expr::Documentation,
};
use serde::Serialize;
use unicode_normalization::UnicodeNormalization;

use super::{Functions, own, written};
use crate::classify::plain;
pub use document::functions_document;
use unsaid::{UNSAID, of_datasets};

/// The release that brought the hub's own functions.
pub(super) const SINCE: &str = "0.1.0";

/// What a function is called on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FunctionKind {
    /// On one row's values.
    Scalar,
    /// On one row's values, with a function of its elements.
    HigherOrder,
    /// On the values of a group.
    Aggregate,
    /// On the values of a window.
    Window,
    /// In FROM, as a table.
    Table,
}

impl FunctionKind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::HigherOrder => "higher_order",
            Self::Aggregate => "aggregate",
            Self::Window => "window",
            Self::Table => "table",
        }
    }
}

/// One argument of a function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FunctionArgument {
    /// Its name in the syntax.
    pub name: String,
    /// What it means.
    pub description: String,
}

/// A query that shows a function at work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FunctionExample {
    /// The query.
    pub sql: String,
    /// Its one value, as text.
    pub answer: String,
}

/// What is said of one function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FunctionEntry {
    /// The name it is called by, in any case.
    pub name: String,
    /// What it is called on.
    pub kind: FunctionKind,
    /// What it is about.
    pub family: String,
    /// Whether it is the hub's own, rather than the engine's.
    pub own: bool,
    /// How it is written.
    pub syntax: String,
    /// What it does, in Japanese; empty where there is no text.
    pub description_ja: String,
    /// What it does, in English.
    pub description_en: String,
    /// Its arguments, in order.
    pub arguments: Vec<FunctionArgument>,
    /// Other names of it.
    pub aliases: Vec<String>,
    /// An example, for the hub's own functions.
    pub example: Option<FunctionExample>,
    /// The hub's release that brought it, for its own functions.
    pub since: Option<String>,
}

/// Every function, the hub's own first, then by kind and name.
pub fn function_catalog() -> Vec<FunctionEntry> {
    let functions = Functions::offered();
    let definitions = own::definitions();
    let mut entries: Vec<FunctionEntry> = definitions
        .iter()
        .map(|definition| FunctionEntry {
            name: definition.title.to_owned(),
            kind: FunctionKind::Scalar,
            family: definition.family.name().to_owned(),
            own: true,
            syntax: definition.syntax.to_owned(),
            description_ja: definition.ja.to_owned(),
            description_en: definition.en.to_owned(),
            arguments: definition
                .arguments
                .iter()
                .map(|(name, meaning)| FunctionArgument {
                    name: (*name).to_owned(),
                    description: (*meaning).to_owned(),
                })
                .collect(),
            aliases: Vec::new(),
            example: Some(FunctionExample {
                sql: definition.example.0.to_owned(),
                answer: definition.example.1.to_owned(),
            }),
            since: Some(SINCE.to_owned()),
        })
        .collect();
    entries.extend(of_datasets());
    entries.extend(written::entries());
    let is_own = |name: &str| definitions.iter().any(|definition| definition.name == name);
    let mut others: Vec<FunctionEntry> = Vec::new();
    let mut put = |kind, name: &str, aliases: &[String], said: Option<&Documentation>| {
        others.push(engines(kind, name, aliases, said));
    };
    for function in functions.scalar.iter().filter(|function| !is_own(function.name())) {
        let name = function.name();
        put(FunctionKind::Scalar, name, function.aliases(), function.documentation());
    }
    for function in &functions.higher_order {
        let name = function.name();
        put(FunctionKind::HigherOrder, name, function.aliases(), function.documentation());
    }
    for function in &functions.aggregate {
        let name = function.name();
        put(FunctionKind::Aggregate, name, function.aliases(), function.documentation());
    }
    for function in &functions.window {
        put(FunctionKind::Window, function.name(), function.aliases(), function.documentation());
    }
    for name in functions.table.keys() {
        put(FunctionKind::Table, name, &[], None);
    }
    others.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    entries.extend(others);
    entries
}

/// An entry of a function of the engine.
fn engines(
    kind: FunctionKind,
    name: &str,
    aliases: &[String],
    said: Option<&Documentation>,
) -> FunctionEntry {
    let unsaid = UNSAID.iter().find(|(of, known, ..)| (*of, *known) == (kind, name));
    let (syntax, description) = match (said, unsaid) {
        (Some(said), _) => (said.syntax_example.clone(), plain(&said.description)),
        (None, Some((_, _, syntax, description))) => {
            ((*syntax).to_owned(), (*description).to_owned())
        }
        (None, None) => (format!("{name}(…)"), String::new()),
    };
    let family = said.map_or("other", |said| said.doc_section.label);
    let family = family.trim_end_matches("Functions").trim().to_lowercase();
    FunctionEntry {
        name: name.to_owned(),
        kind,
        family: if family.is_empty() { kind.as_str().to_owned() } else { family },
        own: false,
        syntax,
        description_ja: String::new(),
        description_en: description,
        arguments: said
            .and_then(|said| said.arguments.as_ref())
            .into_iter()
            .flatten()
            .map(|(name, meaning)| FunctionArgument {
                name: name.clone(),
                description: plain(meaning),
            })
            .collect(),
        aliases: aliases.to_vec(),
        example: None,
        since: None,
    }
}

impl FunctionEntry {
    /// Whether every word of a search stands somewhere in what is said of the function.
    pub fn matches(&self, search: &str) -> bool {
        let fold = |text: &str| text.nfkc().collect::<String>().to_lowercase();
        let said = [
            &self.name,
            &self.family,
            &self.syntax,
            &self.description_ja,
            &self.description_en,
            &self.aliases.join(" "),
        ];
        let said = said.map(|text| fold(text)).join(" ");
        fold(search).split_whitespace().all(|word| said.contains(word))
    }
}

/// The catalog as a table of `information_schema`.
pub(crate) fn routines() -> Result<Arc<dyn TableProvider>> {
    let entries = function_catalog();
    let column = |of: &dyn Fn(&FunctionEntry) -> Option<String>| {
        Arc::new(entries.iter().map(of).collect::<StringArray>()) as ArrayRef
    };
    let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let columns = [
        ("routine_name", column(&|entry| Some(entry.name.clone()))),
        ("routine_type", column(&|_| Some("FUNCTION".to_owned()))),
        ("function_type", column(&|entry| Some(entry.kind.as_str().to_owned()))),
        ("family", column(&|entry| Some(entry.family.clone()))),
        ("syntax", column(&|entry| Some(entry.syntax.clone()))),
        ("description", column(&|entry| said(&entry.description_en))),
        ("description_ja", column(&|entry| said(&entry.description_ja))),
        ("example", column(&|entry| Some(entry.example.as_ref()?.sql.clone()))),
        ("since", column(&|entry| entry.since.clone())),
    ];
    let fields = columns.iter().map(|(name, _)| Field::new(*name, DataType::Utf8, true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns)?;
    Ok(Arc::new(MemTable::try_new(schema, vec![vec![batch]])?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::support::{Bench, small};

    #[test]
    fn every_function_is_described() {
        let entries = function_catalog();
        let described = |kind: &str, name: &str| {
            entries.iter().any(|entry| {
                entry.kind.as_str() == kind
                    && (entry.name.eq_ignore_ascii_case(name)
                        || entry.aliases.iter().any(|alias| alias == name))
                    && !entry.description_en.is_empty()
            })
        };
        let bare: Vec<&str> = include_str!("../../functions.txt")
            .lines()
            .filter(|line| {
                let (kind, name) = line.split_once(' ').unwrap();
                !described(kind, name)
            })
            .collect();
        assert_eq!(bare, Vec::<&str>::new());
        for entry in entries.iter().filter(|entry| entry.own) {
            assert!(!entry.description_ja.is_empty(), "{}", entry.name);
            assert!(entry.syntax.starts_with(&entry.name), "{}", entry.name);
            assert!(!entry.description_en.ends_with('.'), "{}", entry.name);
        }
    }

    #[tokio::test]
    async fn every_example_gives_its_answer() {
        let bench = Bench::new(small());
        for entry in function_catalog() {
            if let Some(FunctionExample { sql, answer }) = entry.example {
                assert_eq!(bench.value(&sql).await, answer, "{sql}");
            }
        }
    }

    #[tokio::test]
    async fn sql_can_look_functions_up() {
        let bench = Bench::new(small());
        let sql = "SELECT syntax FROM information_schema.routines WHERE routine_name = 'jun_start'";
        assert_eq!(bench.value(sql).await, "jun_start(date)");
    }

    #[test]
    fn a_search_finds_every_word_in_either_language() {
        let entries = function_catalog();
        let found = |search: &str| {
            let entries = entries.iter().filter(|entry| entry.own && entry.matches(search));
            entries.map(|entry| entry.name.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(found("年度"), ["time_bucket", "fiscal_year"]);
        assert_eq!(found("HOLIDAY name"), ["jp_holiday"]);
        assert_eq!(found("ｍｅｓｈ parent"), ["mesh_parent"]);
        assert!(found("nothing of this kind").is_empty());
    }
}
