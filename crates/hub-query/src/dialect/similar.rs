//! `SIMILAR TO` as a regular expression, by the rules of PostgreSQL: the pattern is that of the whole text, `%`
//! stands for any characters and `_` for one, and of the signs of regular expressions only `|`, `*`, `+`, `?`,
//! `{…}`, `(…)` and `[…]` mean what they mean there.

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Value};

/// Rewrites a comparison with a pattern that is written in the statement; anything else stays as it is.
pub(super) fn rewrite(expr: &mut Expr) {
    let Expr::SimilarTo { negated, expr: text, pattern, escape_char } = &*expr else { return };
    let Expr::Value(written) = pattern.as_ref() else { return };
    let Value::SingleQuotedString(similar) = &written.value else { return };
    let escape = match escape_char.as_ref().map(|escape| &escape.value) {
        None => Some('\\'),
        Some(Value::SingleQuotedString(escape)) => {
            let mut signs = escape.chars();
            let first = signs.next();
            if signs.next().is_some() {
                return;
            }
            first
        }
        Some(_) => return,
    };
    let regular = Value::SingleQuotedString(regular(similar, escape)).with_span(written.span);
    *expr = Expr::BinaryOp {
        left: text.clone(),
        op: if *negated { BinaryOperator::PGRegexNotMatch } else { BinaryOperator::PGRegexMatch },
        right: Box::new(Expr::Value(regular)),
    };
}

/// The regular expression that matches what the pattern is similar to.
fn regular(similar: &str, escape: Option<char>) -> String {
    let mut regular = String::from("^(?s:");
    let mut signs = similar.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            sign if Some(sign) == escape => {
                if let Some(plain) = signs.next() {
                    push_plain(&mut regular, plain);
                }
            }
            '%' => regular.push_str(".*"),
            '_' => regular.push('.'),
            '(' => regular.push_str("(?:"),
            '|' | '*' | '+' | '?' | '{' | '}' | ')' => regular.push(sign),
            '[' => {
                regular.push('[');
                // What negates the class, and a bracket that comes first, are no signs of their own.
                regular.extend(signs.next_if_eq(&'^'));
                if signs.next_if_eq(&']').is_some() {
                    regular.push_str("\\]");
                }
                while let Some(sign) = signs.next() {
                    match sign {
                        ']' => {
                            regular.push(']');
                            break;
                        }
                        '[' if signs.peek() == Some(&':') => {
                            // The name of a class, such as [:digit:].
                            regular.push('[');
                            for sign in signs.by_ref() {
                                regular.push(sign);
                                if sign == ']' {
                                    break;
                                }
                            }
                        }
                        '-' => regular.push('-'),
                        sign if Some(sign) == escape => {
                            if let Some(plain) = signs.next() {
                                push_plain(&mut regular, plain);
                            }
                        }
                        plain => push_plain(&mut regular, plain),
                    }
                }
            }
            plain => push_plain(&mut regular, plain),
        }
    }
    regular.push_str(")$");
    regular
}

/// A character that stands for itself.
fn push_plain(regular: &mut String, plain: char) {
    // An escaped < or > would be the border of a word.
    if plain.is_ascii_punctuation() && !matches!(plain, '<' | '>') {
        regular.push('\\');
    }
    regular.push(plain);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_becomes_the_regular_expression_of_the_whole_text() {
        for (similar, said) in [
            ("余%", "^(?s:余.*)$"),
            ("a.b_", "^(?s:a\\.b.)$"),
            ("(a|b)+", "^(?s:(?:a|b)+)$"),
            ("^a$", "^(?s:\\^a\\$)$"),
            (r"100\%", "^(?s:100\\%)$"),
            ("[^a-c&&x]{2}", "^(?s:[^a-c\\&\\&x]{2})$"),
            ("[]a][[:digit:]]", "^(?s:[\\]a][[:digit:]])$"),
        ] {
            assert_eq!(regular(similar, Some('\\')), said, "{similar}");
        }
        assert_eq!(regular("a!%", Some('!')), "^(?s:a\\%)$");
        assert_eq!(regular("a\\%", None), "^(?s:a\\\\.*)$");
    }
}
