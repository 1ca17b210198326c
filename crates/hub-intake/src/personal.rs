//! Whether a file looks as if it were about persons. The hub is for observations and aggregates, so that
//! such a file is refused as a whole, and its values are not shown.
//!
//! What facilities publish of themselves is no such thing: their names, addresses and telephones.

mod headings;
mod values;

use hub_model::{CellError, Rule, Text};

use crate::{conform::mapping::fold, show::show_text};
pub(crate) use headings::by_headings;
pub(crate) use values::Sampler;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// The columns as the file names them.
    columns: Vec<String>,
    what: (&'static str, &'static str),
}

impl Found {
    pub(crate) fn text(&self) -> (Text, Text) {
        let columns: Vec<String> = self.columns.iter().map(|name| show_text(name)).collect();
        let (ja, en) = self.what;
        (
            Text::new(
                format!(
                    "個人情報と思われる列があります（{}：{ja}）。このファイルは受け取れません",
                    columns.join("・")
                ),
                format!(
                    "the file seems to hold personal data ({}: {en}) and can't be taken in",
                    columns.join(", ")
                ),
            ),
            Text::new(
                "この場は観測値や集計値のためのものです。個人に関わる列を除くか、人数などに集計してから送ってください",
                "the hub is for observations and aggregates; leave the columns about persons out, or send counts in their place",
            ),
        )
    }

    /// As an error of a report, which shows no value.
    pub(crate) fn error(&self) -> CellError {
        let (message, fix) = self.text();
        CellError {
            row: None,
            column: self.columns.first().map(|name| show_text(name)),
            cell: None,
            file: None,
            value: None,
            rule: Rule::PersonalData,
            message,
            fix,
        }
    }
}

/// Headings as they are compared.
fn folded(names: &[String]) -> Vec<String> {
    let plain = |name: &String| -> String {
        fold(name)
            .to_lowercase()
            .chars()
            .filter(|c| !c.is_whitespace() && !matches!(c, '_' | '-'))
            .collect()
    };
    names.iter().map(plain).collect()
}
