//! Words people search by, folded so that the same word written another way is found: full-width and
//! half-width forms are one (NFKC), and so are upper and lower case. Free of I/O.

use hub_model::{Agency, Contract, DatasetId, DatasetMetadata, Text};
use unicode_normalization::UnicodeNormalization;

use crate::RegistryError;

/// How many different words one search may have.
const MAX_WORDS: usize = 32;
/// How long one word may be, in bytes; SQLite bounds its patterns too.
const MAX_WORD_BYTES: usize = 1_000;
/// Stands before a character that a pattern would otherwise give a meaning.
pub(crate) const ESCAPE: char = '!';

fn fold(text: &str) -> String {
    let lower = text.nfkc().collect::<String>().to_lowercase();
    lower.nfkc().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn join<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    // Words have no white space, so none is found across the end of a text.
    texts.into_iter().filter(|text| !text.is_empty()).map(fold).collect::<Vec<_>>().join("\n")
}

fn both(text: &Text) -> [&str; 2] {
    [&text.ja, &text.en]
}

/// What a search for datasets looks through in their agency's record.
pub(crate) fn agency_text(agency: &Agency) -> String {
    join(both(&agency.name))
}

/// What a search looks through in a dataset's own record.
pub(crate) fn dataset_text(
    id: &DatasetId,
    metadata: &DatasetMetadata,
    contract: &Contract,
) -> String {
    let id = id.to_string();
    let fields = contract.fields.iter();
    let columns = fields.flat_map(|field| {
        [Some(field.name.as_str()), field.alias.as_deref(), field.title.as_deref()]
    });
    join(
        std::iter::once(id.as_str())
            .chain(both(&metadata.title))
            .chain(both(&metadata.description))
            .chain(metadata.keywords.iter().map(String::as_str))
            .chain(columns.flatten()),
    )
}

/// The LIKE patterns of a search, one a word; each must match.
pub(crate) fn patterns(text: &str) -> Result<Vec<String>, RegistryError> {
    let folded = fold(text);
    let mut words: Vec<&str> = folded.split_whitespace().collect();
    words.sort_unstable();
    words.dedup();
    if words.len() > MAX_WORDS || words.iter().any(|word| word.len() > MAX_WORD_BYTES) {
        return Err(RegistryError::InvalidRequest {
            what: "search",
            expected: "use at most 32 words of at most 1,000 bytes",
        });
    }
    Ok(words.into_iter().map(pattern).collect())
}

fn pattern(word: &str) -> String {
    let mut pattern = String::with_capacity(word.len() + 2);
    pattern.push('%');
    for c in word.chars() {
        if matches!(c, '%' | '_' | ESCAPE) {
            pattern.push(ESCAPE);
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_word_in_many_forms_folds_to_one() {
        for (written, folded) in [
            ("ＪＡＲＴＩＣ　２０２４", "jartic 2024"),
            ("ｶﾞｿﾘﾝ", "ガソリン"),
            ("㎥／ｓ", "m3/s"),
            ("か\u{3099}わ", "がわ"),
            ("a\0b", "a b"),
        ] {
            assert_eq!(fold(written), folded);
        }
    }

    #[test]
    fn signs_of_patterns_are_taken_literally() {
        assert_eq!(patterns("5% a_b ！").unwrap(), ["%!!%", "%5!%%", "%a!_b%"]);
        assert!(patterns("　 \n").unwrap().is_empty());
    }

    #[test]
    fn a_search_is_bounded() {
        let many = |n: usize| (0..n).map(|i| format!("w{i} ")).collect::<String>();
        assert_eq!(patterns(&many(32)).unwrap().len(), 32);
        assert!(patterns(&many(33)).is_err());
        assert_eq!(patterns(&"same ".repeat(1_000)).unwrap().len(), 1);
        assert!(patterns(&"x".repeat(1_001)).is_err());
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in any::<String>()) {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }
    }
}
