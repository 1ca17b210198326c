//! Which kind of JSON a text begins as, if any.

use crate::Format;

/// Tells by the text's beginning, which may be cut.
pub(crate) fn kind(text: &str) -> Option<Format> {
    let start = text.trim_start_matches('\u{FEFF}').trim_start();
    match start.as_bytes() {
        [b'[', ..] => {
            let inner = start[1..].trim_start();
            (inner.is_empty() || inner.starts_with(['{', '[', ']'])).then_some(Format::Json)
        }
        [b'{', ..] => Some(of_objects(start)),
        _ => None,
    }
}

fn of_objects(text: &str) -> Format {
    let first = first_value(text);
    let head = first.unwrap_or(text);
    if has_type(head, "FeatureCollection")
        || (has_type(head, "Feature") && head.contains("\"geometry\""))
        || ["\"features\"", "\"geometry\"", "\"coordinates\""].iter().all(|key| head.contains(key))
    {
        return Format::GeoJson;
    }
    match first {
        Some(first) if text[first.len()..].trim_start().starts_with('{') => Format::NdJson,
        _ => Format::Json,
    }
}

/// The first value, if it ends within the text.
fn first_value(text: &str) -> Option<&str> {
    let mut depth = 0usize;
    let mut quoted = false;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        if quoted {
            (quoted, escaped) = match byte {
                _ if escaped => (true, false),
                b'\\' => (true, true),
                b'"' => (false, false),
                _ => (true, false),
            };
            continue;
        }
        match byte {
            b'"' => quoted = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(&text[..=at]);
                }
            }
            _ => {}
        }
    }
    None
}

/// Whether the text has `"type": "…"` with this value.
fn has_type(text: &str, value: &str) -> bool {
    text.match_indices("\"type\"").any(|(at, key)| {
        let rest = text[at + key.len()..].trim_start();
        rest.strip_prefix(':')
            .and_then(|rest| rest.trim_start().strip_prefix('"'))
            .and_then(|rest| rest.strip_prefix(value))
            .is_some_and(|rest| rest.starts_with('"'))
    })
}
