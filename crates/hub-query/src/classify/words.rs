//! The engine's messages in words for the person who asked: its own types, its source code and its calls
//! to report bugs are left out, and what is met most is said anew.

/// The engine's words, and ours. Longer ones come first.
const WORDS: [(&str, &str); 26] = [
    ("mochiyori.", ""),
    ("Error during planning: ", ""),
    ("Execution error: ", ""),
    ("Cast error: ", ""),
    ("Parser error: ", ""),
    ("Arrow error: ", ""),
    ("LargeUtf8", "text"),
    ("Utf8View", "text"),
    ("Utf8", "text"),
    ("String", "text"),
    ("Float64", "double"),
    ("Float32", "real"),
    ("Float16", "real"),
    ("UInt64", "bigint"),
    ("UInt32", "integer"),
    ("UInt16", "integer"),
    ("UInt8", "integer"),
    ("Int64", "bigint"),
    ("Int32", "integer"),
    ("Int16", "integer"),
    ("Int8", "integer"),
    ("Decimal128", "decimal"),
    ("Decimal256", "decimal"),
    ("Date32", "date"),
    ("Boolean", "boolean"),
    ("DataFusion", "the hub"),
];

pub(super) const BY_ZERO: &str = "a number was divided by zero; use NULLIF(divisor, 0)";

pub(super) fn too_large(message: &str) -> String {
    format!("a number grew too large for its type: {}", plain(message))
}

/// How many forms of a function are named.
const MOST_FORMS: usize = 6;

/// A message without the engine's own words.
pub(crate) fn plain(message: &str) -> String {
    if let Some(said) = wrong_call(message) {
        return said;
    }
    let first = message.split("\n\n").next().unwrap_or(message);
    let first = first.split("This issue was likely caused by").next().unwrap_or(first);
    let text = ours(&source_cut(&first.trim().replace('\n', " ")));
    anew(&text).unwrap_or(text)
}

/// Types and prefixes in our words.
fn ours(text: &str) -> String {
    let mut text = text.to_owned();
    for kind in ["Timestamp(", "Interval(", "Time64(", "Duration("] {
        while let Some(start) = text.find(kind) {
            let inside = start + kind.len();
            let Some(end) = text[inside..].find(')') else { break };
            let word = kind.trim_end_matches('(').trim_end_matches("64").to_lowercase();
            text.replace_range(start..=inside + end, &word);
        }
    }
    for (theirs, ours) in WORDS {
        text = text.replace(theirs, ours);
    }
    text
}

/// Up to where the message begins to print the engine's own data.
fn source_cut(text: &str) -> String {
    let is_source = ["Ident {", "Span(", "ObjectName(", "(Exists {", "<subquery>"];
    if !is_source.iter().any(|mark| text.contains(mark)) {
        return text.to_owned();
    }
    let end = text.find(['{', '(', '[']).unwrap_or(text.len());
    text[..end].trim().trim_end_matches(':').to_owned()
}

/// A function called with what it does not take.
fn wrong_call(message: &str) -> Option<String> {
    const MARK: &str = "No function matches the given name and argument types '";
    let (_, rest) = message.split_once(MARK)?;
    let (call, rest) = rest.split_once('\'')?;
    let (name, _) = call.split_once('(')?;
    let call = ours(call);
    let listed = rest.split_once("Candidate functions:").map_or("", |(_, listed)| listed);
    let mut forms: Vec<String> = Vec::new();
    for line in listed.lines().map(str::trim) {
        let form = ours(line).to_lowercase();
        if form.starts_with(&name.to_lowercase()) && !forms.contains(&form) {
            forms.push(form);
        }
    }
    let tells_little = |form: &String| {
        ["userdefined", "any", "signature", "comparable"].iter().any(|w| form.contains(w))
    };
    if forms.is_empty() || forms.iter().any(tells_little) {
        let why = message.split_once(" No function matches").map_or("", |(why, _)| why);
        let why = why.rsplit_once("failed with: ").map_or(why, |(_, why)| why);
        let why = ours(why.trim().trim_end_matches('.'));
        let why = if why.is_empty() { String::new() } else { format!(": {why}") };
        return Some(format!("{call} can't be called{why}"));
    }
    let more = if forms.len() > MOST_FORMS { " and more" } else { "" };
    forms.truncate(MOST_FORMS);
    Some(format!(
        "{call} can't be called; {name} is called as {}{more}. CAST an argument where its type is another",
        forms.join(", ")
    ))
}

/// The column that the message says is neither grouped by nor aggregated.
pub(super) fn outside_of_groups(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("While expanding wildcard, column \"")?;
    let (column, _) = rest.split_once("\" must appear in the GROUP BY clause")?;
    let name = column.rsplit('.').next().unwrap_or(column);
    Some(name.trim_matches('"').to_owned())
}

/// Where a name that no column has looks more like a text: how that is written.
pub(super) fn as_text(name: &str) -> Option<String> {
    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    (!plain)
        .then(|| format!("a text stands between single quotes, as '{}'", name.replace('\'', "''")))
}

/// An expression as the engine prints it, with its constants as they are written in SQL.
pub(crate) fn spoken(text: &str) -> String {
    const KINDS: [&str; 14] = [
        "LargeUtf8(",
        "Utf8View(",
        "Utf8(",
        "Int64(",
        "Int32(",
        "Int16(",
        "Int8(",
        "UInt64(",
        "UInt32(",
        "UInt16(",
        "UInt8(",
        "Float64(",
        "Float32(",
        "Boolean(",
    ];
    // What a window is over says nothing of what is meant.
    let (text, over) = match text.split_once(" ORDER BY [") {
        Some((call, _)) => (call, " OVER (…)"),
        None => (text, ""),
    };
    let mut spoken = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((start, kind)) =
        KINDS.iter().filter_map(|kind| Some((rest.find(kind)?, *kind))).min()
    {
        let inside = &rest[start + kind.len()..];
        let (value, after) = match inside.strip_prefix('"') {
            Some(text) => text.split_once("\")").map(|(text, after)| (format!("'{text}'"), after)),
            None => inside.split_once(')').map(|(value, after)| (value.to_owned(), after)),
        }
        .unwrap_or_else(|| (inside.to_owned(), ""));
        spoken.push_str(&rest[..start]);
        spoken.push_str(&value);
        rest = after;
    }
    spoken + rest + over
}

/// What is met most, said anew.
fn anew(text: &str) -> Option<String> {
    let between = |before: &str, after: &str| -> Option<&str> {
        let (_, rest) = text.split_once(before)?;
        rest.split_once(after).map(|(inside, _)| inside)
    };
    if let Some(id) = text.strip_prefix("No value found for placeholder with id ") {
        return Some(format!("the statement uses {id}, and parameters has no value for it"));
    }
    if let Some(pair) = between("Cannot coerce arithmetic expression ", " to valid types") {
        return Some(format!("{pair} can't be computed; CAST one of the two"));
    }
    if let Some(pair) =
        text.strip_prefix("Cannot infer common argument type for comparison operation ")
    {
        return Some(format!("{pair} can't be compared; CAST one of the two"));
    }
    if text.starts_with("Projections require unique expression names") {
        let named = between("the expression \"", "\" at position")?;
        // A cast is called after what is cast, and its own AS is none of a name.
        let name = match named.rsplit_once(" AS ") {
            Some((_, name)) if !named.ends_with(')') => name,
            _ => named,
        };
        return Some(format!("two columns are called {name:?}; give one another name with AS"));
    }
    if let Some(value) = between("Cannot cast string '", "' to value of ") {
        let (_, of) = text.split_once("' to value of ")?;
        let kind = of.trim_end_matches(" type");
        let form = match kind {
            "date" => "; write a day as '2026-04-01'",
            "timestamp" => "; write a time as '2026-04-01 09:00'",
            _ => "",
        };
        return Some(format!("the text '{value}' can't be read as {kind}{form}"));
    }
    if text.starts_with("Failed to parse placeholder id") {
        return Some(
            "parameters are $1, $2 and so on, with their values beside the SQL".to_owned(),
        );
    }
    if text.starts_with("Cannot get result type for temporal operation interval / interval") {
        return Some(
            "an interval is not divided by another; divide their seconds, date_part('epoch', a) / \
             date_part('epoch', b)"
                .to_owned(),
        );
    }
    if text.contains("can be represented as nanoseconds") {
        let time = between("Overflow converting ", " to Nanosecond").unwrap_or("that time");
        return Some(format!(
            "{time} can't be reckoned with; times are from 1677-09-22 to 2262-04-11"
        ));
    }
    if let Some(view) = between("table 'information_schema.", "' not found") {
        return Some(format!(
            "information_schema has tables, columns, schemata and routines, and no {view:?}"
        ));
    }
    if let Some(rest) = text.strip_prefix("Physical plan does not support logical expression ") {
        return Some(match rest.split(['(', ' ']).next().unwrap_or_default() {
            "Exists" => "EXISTS anywhere but in WHERE; count(*) > 0 of a subquery is".to_owned(),
            _ => "a subquery that refers to the query around it, but by equal columns; write it as a \
                  join"
                .to_owned(),
        });
    }
    if text.starts_with("Too many columns! The subquery should only return one") {
        return Some(
            "a subquery behind IN gives one column; for several write EXISTS (SELECT 1 FROM … WHERE …), or \
             a join"
                .to_owned(),
        );
    }
    let unsupported = text.strip_prefix("Unsupported ast node in sqltorel: ");
    unsupported.map(|node| node.split_whitespace().next().unwrap_or_default().to_uppercase())
}

/// What went wrong in a filter that the reader of files evaluates, which tells it by the error's own form.
pub(super) fn within_filter(message: &str) -> Option<String> {
    let (_, error) = message.split_once("Error evaluating filter predicate: ")?;
    if error.contains("DivideByZero") {
        return Some(BY_ZERO.to_owned());
    }
    let (_, text) = error.split_once('"')?;
    let text = text.split_once('"').map_or(text, |(text, _)| text);
    Some(if error.contains("ArithmeticOverflow") { too_large(text) } else { plain(text) })
}

/// A pattern that is none, as the engine tells it over several lines with a drawing.
pub(super) fn wrong_pattern(message: &str) -> Option<String> {
    if !message.contains("regex parse error:") {
        return None;
    }
    let why = message.lines().rev().find_map(|line| line.trim().strip_prefix("error: "));
    Some(format!("the regular expression can't be read: {}", why.unwrap_or("it is none")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_freed_of_the_engines_own_words() {
        for (theirs, ours) in [
            (
                "Internal error: Function 'round' failed to match any signature, errors: Function \
                 'round' expects 2 arguments.\nThis issue was likely caused by a bug in DataFusion's \
                 code. Please help us to resolve this by filing a bug report in our issue tracker: \
                 https://github.com/apache/datafusion/issues No function matches the given name and \
                 argument types 'round(Utf8)'. You might need to add explicit type casts.\n\tCandidate \
                 functions:\n\tround(Float64, Int32)\n\tround(Float64)",
                "round(text) can't be called; round is called as round(double, integer), \
                 round(double). CAST an argument where its type is another",
            ),
            (
                "Function 'nullif' expects 2 arguments but received 1. No function matches the given \
                 name and argument types 'nullif(Int64)'. You might need to add explicit type \
                 casts.\n\tCandidate functions:\n\tnullif(Comparable(2))",
                "nullif(bigint) can't be called: Function 'nullif' expects 2 arguments but received 1",
            ),
            (
                "Cannot infer common argument type for comparison operation Timestamp(µs, \
                 \"Asia/Tokyo\") > Int64",
                "timestamp > bigint can't be compared; CAST one of the two",
            ),
            (
                "Cannot cast string 'x' to value of Int32 type",
                "the text 'x' can't be read as integer",
            ),
            (
                "No value found for placeholder with id $2",
                "the statement uses $2, and parameters has no value for it",
            ),
            (
                "Projections require unique expression names but the expression \"Int64(1) AS a\" at \
                 position 0 and \"Int64(2) AS a\" at position 1 have the same name. Consider aliasing \
                 (\"AS\") one of them.",
                "two columns are called \"a\"; give one another name with AS",
            ),
            (
                "Unsupported ast node in sqltorel: Collate { expr: Identifier(Ident { value: \"code\" \
                 }) }",
                "COLLATE",
            ),
            (
                "Physical plan does not support logical expression Exists(Exists { subquery: \
                 <subquery>, negated: false })",
                "EXISTS anywhere but in WHERE; count(*) > 0 of a subquery is",
            ),
        ] {
            assert_eq!(plain(theirs), ours);
        }
        let filter =
            |error: &str| within_filter(&format!("Error evaluating filter predicate: {error}"));
        for (theirs, ours) in [
            ("ArrowError(DivideByZero, None)", BY_ZERO),
            (
                "ArrowError(ArithmeticOverflow(\"Overflow happened on: 2 * 9\"), Some(\"\"))",
                "a number grew too large for its type: Overflow happened on: 2 * 9",
            ),
            ("External(Execution { message: \"it is none\" })", "it is none"),
        ] {
            assert_eq!(filter(theirs).as_deref(), Some(ours));
        }
        assert_eq!(within_filter("another"), None);
        let drawing = "Regular expression did not compile: Syntax(\nregex parse error:\n    [\n    ^\n\
                       error: unclosed character class\n)";
        let said = wrong_pattern(drawing).unwrap();
        assert_eq!(said, "the regular expression can't be read: unclosed character class");
    }
}
