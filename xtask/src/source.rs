//! Rust source as text: which part of a file is code, and which part is its tests. It knows comments and
//! literals, and nothing else of the language.

/// The text with the content of comments and of string literals blanked out, its lines kept.
pub(crate) fn code_only(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < characters.len() {
        let end = match (characters[at], characters.get(at + 1)) {
            ('/', Some('/')) => end_of_line(&characters, at),
            ('/', Some('*')) => end_of_block(&characters, at),
            ('"', _) => end_of_string(&characters, at),
            ('r', Some('"' | '#')) if !continues_a_word(&characters, at) => {
                end_of_raw_string(&characters, at).unwrap_or(at)
            }
            // A character literal that holds a quote would otherwise open a string.
            ('\'', Some('"')) if characters.get(at + 2) == Some(&'\'') => at + 3,
            ('\'', Some('\\')) if characters.get(at + 3) == Some(&'\'') => at + 4,
            _ => at,
        };
        if end == at {
            code.push(characters[at]);
            at += 1;
        } else {
            code.extend(characters[at..end].iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    code
}

/// The lines before the file's unit tests: all of them where it has none.
pub(crate) fn before_tests(text: &str) -> &str {
    let mut from = 0;
    let mut tests = None;
    for line in text.split_inclusive('\n') {
        if line.starts_with("#[cfg(test)]") || line.starts_with("#[cfg(all(test") {
            tests = Some(from);
        } else if let Some(tests) = tests
            && (line.starts_with("mod ") || line.starts_with("pub(crate) mod "))
        {
            // A module in a file of its own, `mod tests;`, is as little part of the code as one here.
            return &text[..tests];
        } else if !line.starts_with("#[") {
            tests = None;
        }
        from += line.len();
    }
    text
}

/// Whether the code names this crate: in a path, in a `use`, or as the crate itself.
pub(crate) fn names_crate(line: &str, name: &str) -> bool {
    let name = name.replace('-', "_");
    let start = line.trim_start();
    let start = start.strip_prefix("pub ").or(start.strip_prefix("pub(crate) ")).unwrap_or(start);
    let imports = start.starts_with("use ") || start.starts_with("extern crate ");
    line.match_indices(&name).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + name.len()..]);
        let inside_a_word = before.ends_with(|c: char| c.is_alphanumeric() || "_.".contains(c));
        let inside_a_path = before.ends_with("::") && !opens_a_path(before);
        let used = after.starts_with("::") || (imports && after.starts_with([';', ' ', ',', '}']));
        used && !inside_a_word && !inside_a_path
    })
}

/// Whether the `::` at the end stands at the beginning of a path, as in `::http::Uri`.
fn opens_a_path(before: &str) -> bool {
    !before
        .trim_end_matches("::")
        .ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '>' || c == '}')
}

fn continues_a_word(characters: &[char], at: usize) -> bool {
    at > 0 && {
        let before = characters[at - 1];
        (before.is_alphanumeric() || before == '_') && before != 'b' && before != 'c'
    }
}

fn end_of_line(characters: &[char], at: usize) -> usize {
    characters[at..].iter().position(|&c| c == '\n').map_or(characters.len(), |n| at + n)
}

fn end_of_block(characters: &[char], at: usize) -> usize {
    let mut depth = 0_usize;
    let mut here = at;
    while here < characters.len() {
        match (characters[here], characters.get(here + 1)) {
            ('/', Some('*')) => {
                depth += 1;
                here += 2;
            }
            ('*', Some('/')) => {
                depth -= 1;
                here += 2;
                if depth == 0 {
                    return here;
                }
            }
            _ => here += 1,
        }
    }
    characters.len()
}

fn end_of_string(characters: &[char], at: usize) -> usize {
    let mut here = at + 1;
    while here < characters.len() {
        match characters[here] {
            '\\' => here += 2,
            '"' => return here + 1,
            _ => here += 1,
        }
    }
    characters.len()
}

fn end_of_raw_string(characters: &[char], at: usize) -> Option<usize> {
    let hashes = characters[at + 1..].iter().take_while(|&&c| c == '#').count();
    let open = at + 1 + hashes;
    if characters.get(open) != Some(&'"') {
        return None;
    }
    let close: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let end = characters[open + 1..].windows(close.len()).position(|window| window == close);
    Some(end.map_or(characters.len(), |n| open + 1 + n + close.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blank_and_lines_stay() {
        let text = "use a; // axum::x\nlet b = \"axum::\\\"y\"; /* axum::z\n /* deep */ */ c();\nlet d = r#\"axum::\"q\"#; e('\"', '\\'', axum::f);\n";
        let code = code_only(text);
        assert_eq!(code.lines().count(), text.lines().count());
        assert_eq!(code.matches("axum::").count(), 1, "{code}");
        for kept in ["use a;", "let b =", "c();", "let d =", "axum::f"] {
            assert!(code.contains(kept), "{kept} was lost from {code}");
        }
    }

    #[test]
    fn tests_are_told_from_code() {
        assert_eq!(before_tests("a\n#[cfg(test)]\nmod tests {\n}\n"), "a\n");
        assert_eq!(
            before_tests("a\n#[cfg(all(test, unix))]\n#[rustfmt::skip]\nmod tests;\n"),
            "a\n"
        );
        let helper = "a\n#[cfg(test)]\nfn helper() {}\nmod later;\n";
        assert_eq!(before_tests(helper), helper);
    }

    #[test]
    fn a_crate_is_named_by_paths_and_uses_only() {
        for line in [
            "use axum::Router;",
            "use axum;",
            "    let r = axum::Router::new();",
            "use {axum::Router, std::fs};",
            "fn f(x: &::axum::Router)",
            "pub use axum as web;",
            "use object_store::path::Path;",
        ] {
            let name = if line.contains("axum") { "axum" } else { "object-store" };
            assert!(names_crate(line, name), "{line} names {name}");
        }
        for line in [
            "let axum = 1;",
            "my_axum::Router",
            "crate::axum::Router",
            "self.http::<A>()",
            "use crate::http;",
            "use axum_extra::Query;",
        ] {
            let name = if line.contains("axum") { "axum" } else { "http" };
            assert!(!names_crate(line, name), "{line} does not name {name}");
        }
    }
}
