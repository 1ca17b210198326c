//! Which of the hub's two languages a problem is told in: what the caller reads by `Accept-Language`, and
//! English where nothing is said.

use axum::http::{HeaderMap, header};

/// Whether Japanese is preferred to English (RFC 9110, 12.5.4).
pub(crate) fn prefers_japanese(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_LANGUAGE).iter();
    let listed = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let (mut japanese, mut english) = (None, None);
    for (place, range) in listed.enumerate() {
        let mut parts = range.split(';').map(str::trim);
        let tag = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight = parts.find_map(|p| p.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse().ok());
        let weight: f32 = weight.unwrap_or(0.0);
        let found = match tag.split('-').next() {
            Some("ja") => &mut japanese,
            Some("en") => &mut english,
            _ => continue,
        };
        if weight > 0.0 && found.is_none_or(|(best, _)| weight > best) {
            *found = Some((weight, place));
        }
    }
    match (japanese, english) {
        (Some((ja, ja_at)), Some((en, en_at))) => ja > en || (ja == en && ja_at < en_at),
        (japanese, None) => japanese.is_some(),
        (None, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_one_that_is_read_best() {
        for (said, japanese) in [
            ("", false),
            ("ja", true),
            ("JA-jp,en;q=0.8", true),
            ("en-GB,ja;q=0.9", false),
            ("en;q=0.5, ja;q=0.7", true),
            ("ja, en", true),
            ("en, ja", false),
            ("de, fr;q=0.5", false),
            ("de, ja;q=0.1", true),
            ("ja;q=0", false),
            ("ja;q=much", false),
            ("*", false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, said.parse().unwrap())]);
            assert_eq!(prefers_japanese(&headers), japanese, "{said}");
        }
        assert!(!prefers_japanese(&HeaderMap::new()));
    }
}
