//! Names for columns whose headings are missing or stand twice, and what is wrong with headings.

use std::collections::HashSet;

use hub_model::{MAX_FIELDS, Text};

use super::SourceColumn;
use crate::{IntakeError, encoding::TextEncoding, show::show_text};

/// How many notes of a kind are written one by one.
const NOTES: usize = 5;

/// Names for all columns: an empty heading becomes `列3`, the second of two equal ones `水位_2`, with a
/// note on each, so that a contract can name them and none is taken for another.
fn settle(headings: &[(usize, String)], notes: &mut Vec<Text>) -> Vec<String> {
    let mut taken: HashSet<String> =
        headings.iter().map(|(_, name)| name).filter(|name| !name.is_empty()).cloned().collect();
    let mut seen = HashSet::new();
    let mut named = 0;
    let mut names = Vec::with_capacity(headings.len());
    for (column, heading) in headings {
        let number = column + 1;
        let name = if heading.is_empty() {
            free(&format!("列{number}"), &taken)
        } else if seen.insert(heading.clone()) {
            names.push(heading.clone());
            continue;
        } else {
            free(heading, &taken)
        };
        taken.insert(name.clone());
        seen.insert(name.clone());
        named += 1;
        if named <= NOTES {
            let shown = show_text(&name);
            notes.push(if heading.is_empty() {
                Text::new(
                    format!("{number}列目に見出しがないので、「{shown}」と名付けました"),
                    format!("column {number} has no heading and was named {shown:?}"),
                )
            } else {
                let heading = show_text(heading);
                Text::new(
                    format!("見出し「{heading}」が2つ以上あるので、{number}列目は「{shown}」と名付けました"),
                    format!("the heading {heading:?} stands more than once, so column {number} was named {shown:?}"),
                )
            });
        }
        names.push(name);
    }
    if named > NOTES {
        let more = named - NOTES;
        notes.push(Text::new(
            format!("ほかに{more}列の見出しも、同じように名付けました"),
            format!("{more} more columns were named in the same way"),
        ));
    }
    names
}

/// The columns of text with these headings, each with its place in the file.
pub(crate) fn columns(headings: Vec<(usize, String)>, notes: &mut Vec<Text>) -> Vec<SourceColumn> {
    let names = settle(&headings, notes);
    let named = headings.into_iter().zip(names);
    let columns = named.map(|((place, heading), name)| SourceColumn {
        shared_heading: (heading != name && !heading.is_empty()).then_some(heading),
        ..SourceColumn::text(name, Some(place as u32))
    });
    columns.collect()
}

/// The name itself, or the first with a number behind it that no column has.
fn free(name: &str, taken: &HashSet<String>) -> String {
    if !taken.contains(name) {
        return name.to_owned();
    }
    (2..)
        .map(|count| format!("{name}_{count}"))
        .find(|name| !taken.contains(name))
        .unwrap_or_default()
}

/// The error of a header that is wider than any table.
pub(crate) fn too_many() -> IntakeError {
    IntakeError::unreadable(
        format!("列が{MAX_FIELDS}を超えています。列を減らすか、縦長の表にしてください"),
        format!(
            "the header has more than {MAX_FIELDS} columns; leave some out, or turn them into rows"
        ),
    )
}

/// The error of a heading that is no text in the file's encoding.
pub(crate) fn undecodable(encoding: TextEncoding) -> IntakeError {
    let encoding = encoding.name();
    IntakeError::unsupported(
        format!(
            "見出しに、{encoding}の文字として読めない部分があります。文字コードの指定を確かめるか、UTF-8のCSVで保存して送ってください"
        ),
        format!(
            "the header is not in {encoding}; check which encoding was given, or save the file as CSV in UTF-8 and send that"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_gets_a_name_of_its_own() {
        let mut notes = Vec::new();
        let headings = ["水位", "", "水位", "列2", "水位_2", ""].map(str::to_owned);
        let headings = headings.into_iter().enumerate().collect();
        let columns = columns(headings, &mut notes);
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(columns[2].shared_heading.as_deref(), Some("水位"));
        assert_eq!(names, ["水位", "列2_2", "水位_3", "列2", "水位_2", "列6"]);
        assert_eq!(notes.len(), 3);
        assert!(notes[1].ja.contains("3列目は「水位_3」"), "{notes:?}");
    }
}
