//! CSL-JSON, as citation processors and Zotero read it. Only variables of the schema are written; what it
//! has no variable for, such as the licence, stands in the note.

use serde_json::{Map, Value, json};

use super::{Entry, date_parts, one_line};

pub(super) fn write(entry: &Entry) -> Value {
    let date = |instant| {
        let (year, month, day) = date_parts(instant);
        json!({"date-parts": [[year, month, day]]})
    };
    let mut item = Map::new();
    let mut put = |name: &str, value: Value| drop(item.insert(name.to_owned(), value));
    put("id", json!(entry.key));
    put("type", json!("dataset"));
    put("title", json!(one_line(&entry.title)));
    if let Some(author) = &entry.author {
        put("author", json!([{"literal": one_line(author)}]));
    }
    if let Some(issued) = entry.issued {
        put("issued", date(issued));
    }
    if let Some(version) = &entry.version {
        put("version", json!(version));
    }
    put("publisher", json!(entry.publisher));
    put("URL", json!(one_line(&entry.url)));
    put("accessed", date(entry.viewed_at));
    put("language", json!(entry.language.code()));
    put("note", json!(one_line(&entry.notes.join(". "))));
    Value::Object(item)
}
