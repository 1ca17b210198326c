//! Forms that ask for so many digits, which codes have, in words rather than as patterns.

use hub_model::Text;

/// What is wrong with a value and what to do, where the pattern asks for digits and nothing else.
pub(super) fn describe(pattern: &str, column: &str, value: &str) -> Option<(Text, Text)> {
    let (least, most) = count(pattern)?;
    let (count_ja, count_en) = if least == most {
        (format!("{least}桁"), least.to_string())
    } else {
        (format!("{least}～{most}桁"), format!("{least} to {most}"))
    };
    let message = Text::new(
        format!("「{column}」列は半角の数字{count_ja}ですが「{value}」と書かれています"),
        format!("the column {column:?} holds {count_en} digits, and this cell says {value:?}"),
    );
    let is_short = value.len() < least && value.bytes().all(|b| b.is_ascii_digit());
    let fix = if is_short {
        Text::new(
            format!("表計算ソフトで先頭の0が落ちたのなら、「{value:0>least$}」に直してください"),
            format!("if a spreadsheet took leading zeros away, write {value:0>least$}"),
        )
    } else {
        Text::new(
            format!("数字{count_ja}に直してください。ほかの列の値が入っていないかも見てください"),
            format!(
                "write {count_en} digits; see also whether the value belongs to another column"
            ),
        )
    };
    Some((message, fix))
}

/// Reads `[0-9]{6}`, `\d{4,10}` and the like.
fn count(pattern: &str) -> Option<(usize, usize)> {
    let pattern = pattern.strip_prefix('^').unwrap_or(pattern);
    let pattern = pattern.strip_suffix('$').unwrap_or(pattern);
    let rest = pattern.strip_prefix("[0-9]").or(pattern.strip_prefix("\\d"))?;
    let inside = rest.strip_prefix('{')?.strip_suffix('}')?;
    let (least, most) = inside.split_once(',').unwrap_or((inside, inside));
    Some((least.parse().ok()?, most.parse().ok().filter(|most| *most < 100)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_patterns_of_digits_are_put_in_words() {
        for (pattern, expected) in [
            ("[0-9]{6}", Some((6, 6))),
            ("^[0-9]{4,10}$", Some((4, 10))),
            ("\\d{15}", Some((15, 15))),
            ("[0-9]+", None),
            ("[0-9]{4,}", None),
            ("[A-Z][0-9]{4}", None),
        ] {
            assert_eq!(count(pattern), expected, "{pattern}");
        }
    }
}
