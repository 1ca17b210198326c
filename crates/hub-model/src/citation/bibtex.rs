//! BibTeX. Entries are `@misc`, which every style knows; what TeX would take for commands is escaped, and
//! no value holds an unmatched brace, since BibTeX counts braces whatever stands before them.

use super::{Entry, date_parts, one_line};

pub(super) fn write(entry: &Entry) -> String {
    let mut fields = vec![("title", format!("{{{}}}", escape(&entry.title)))];
    // Double braces keep an organisation's name from being taken apart.
    fields.extend(entry.author.as_ref().map(|name| ("author", format!("{{{}}}", escape(name)))));
    if let Some(issued) = entry.issued {
        let (year, month, day) = date_parts(issued);
        fields.push(("year", year.to_string()));
        fields.push(("month", month.to_string()));
        fields.push(("date", format!("{year:04}-{month:02}-{day:02}")));
    }
    fields.extend(entry.version.as_ref().map(|version| ("version", escape(version))));
    fields.push(("howpublished", "Data set".to_owned()));
    fields.push(("publisher", escape(entry.publisher)));
    fields.push(("url", address(&entry.url)));
    let (year, month, day) = date_parts(entry.viewed_at);
    fields.push(("urldate", format!("{year:04}-{month:02}-{day:02}")));
    fields.push((
        "langid",
        match entry.language.code() {
            "ja" => "japanese".to_owned(),
            _ => "english".to_owned(),
        },
    ));
    fields.push(("note", escape(&entry.notes.join(". "))));
    let fields: Vec<_> =
        fields.into_iter().map(|(name, value)| format!("  {name} = {{{value}}}")).collect();
    format!("@misc{{{},\n{}\n}}\n", entry.key, fields.join(",\n"))
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in one_line(text).chars() {
        match c {
            '\\' => escaped.push_str("\\textbackslash{}"),
            '{' => escaped.push_str("\\textbraceleft{}"),
            '}' => escaped.push_str("\\textbraceright{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '$' | '&' | '%' | '#' | '_' => escaped.extend(['\\', c]),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Addresses are taken word for word by the packages that set them, so nothing in them is escaped; what
/// could end the field is written as addresses write it.
fn address(url: &str) -> String {
    one_line(url).replace('{', "%7B").replace('}', "%7D").replace('\\', "%5C").replace(' ', "%20")
}
