//! RIS: lines of a tag and a value. A value stays on its line, since the next line would be another tag.

use super::{Entry, date_parts, one_line};

pub(super) fn write(entry: &Entry) -> String {
    let mut lines: Vec<(&str, String)> =
        vec![("TY", "DATA".to_owned()), ("ID", entry.key.clone()), ("TI", one_line(&entry.title))];
    // A comma would part an organisation's name into family and given name.
    lines.extend(entry.author.as_ref().map(|name| ("AU", one_line(name).replace(',', "，"))));
    if let Some(issued) = entry.issued {
        let (year, month, day) = date_parts(issued);
        lines.push(("PY", year.to_string()));
        lines.push(("DA", format!("{year:04}/{month:02}/{day:02}/")));
    }
    lines.extend(entry.version.as_ref().map(|version| ("ET", version.clone())));
    lines.push(("PB", entry.publisher.to_owned()));
    lines.push(("UR", one_line(&entry.url)));
    let (year, month, day) = date_parts(entry.viewed_at);
    lines.push(("Y2", format!("{year:04}/{month:02}/{day:02}/")));
    lines.push(("LA", entry.language.code().to_owned()));
    lines.extend(entry.notes.iter().map(|note| ("N1", one_line(note))));
    lines.push(("ER", String::new()));
    lines.iter().map(|(tag, value)| format!("{tag}  - {value}\r\n")).collect()
}
