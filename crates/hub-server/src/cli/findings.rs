//! What a report says of a file that keeps its contract, and is worth a look all the same: columns that the
//! file does not have, times that are missing, and what looks wrong.

use serde_json::Value;

use crate::cli::output::{Language, count, counted, instant, member, text_in};

/// Each finding in a line.
pub(crate) fn findings(report: &Value, language: Language) -> Vec<String> {
    let list = |name: &str| report.get(name).and_then(Value::as_array).into_iter().flatten();
    let mut found = Vec::new();
    let absent = list("columns").filter(|column| column.get("source") == Some(&Value::Null));
    let absent: Vec<String> = absent.map(|column| member(column, "name")).collect();
    if !absent.is_empty() {
        found.push(language.say(
            format!("ファイルにない列（{}）は、どの行も値なしになります", absent.join("、")),
            format!(
                "columns that the file does not have are without values ({})",
                absent.join(", ")
            ),
        ));
    }
    if let Some(gaps) = report.pointer("/coverage/gaps") {
        let missing = gaps.get("missing_steps").and_then(Value::as_u64).unwrap_or_default();
        let longest = gaps.get("longest").unwrap_or(&Value::Null);
        let end = |name: &str| longest.get(name).and_then(Value::as_str).map(instant);
        if let (1.., Some(after), Some(before)) = (missing, end("after"), end("before")) {
            let series = member(longest, "series");
            let of = if series.is_empty() { String::new() } else { format!("{series}、") };
            let en_of = if series.is_empty() { String::new() } else { format!(" of {series}") };
            let steps = longest.get("missing_steps").and_then(Value::as_u64).unwrap_or_default();
            found.push(language.say(
                format!(
                    "行のない時刻が{}回分あります。最も長いのは{of}{after} と {before} の間の{}回分です",
                    count(missing),
                    count(steps)
                ),
                format!(
                    "{} of time without a row; the longest gap{en_of} lacks {}, between {after} and {before}",
                    counted(missing, "step"),
                    count(steps)
                ),
            ));
        }
    }
    for warning in list("warnings") {
        let message = text_in(warning.get("message"), language);
        let row = warning.get("row").and_then(Value::as_u64);
        let place = row.map(|row| language.say(format!("{row}行目"), format!("row {row}")));
        let place = place.filter(|place| !message.contains(place.as_str()));
        let place = place.map(|place| format!("{place}: ")).unwrap_or_default();
        let fix = text_in(warning.get("fix"), language);
        let fix = if fix.is_empty() {
            fix
        } else {
            language.say(format!("。{fix}"), format!("; {fix}"))
        };
        found.push(format!("{place}{message}{fix}"));
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_worth_a_look_is_told_with_its_place_and_what_to_do() {
        let report = json!({
            "columns": [
                {"name": "水位", "source": "水位(m)", "missing": 0},
                {"name": "備考", "source": null, "missing": 9},
            ],
            "coverage": {"gaps": {
                "missing_steps": 8,
                "longest": {
                    "series": "余市",
                    "after": "2026-04-05T04:00:00+09:00",
                    "before": "2026-04-05T11:00:00+09:00",
                    "missing_steps": 6,
                },
            }},
            "warnings": [
                {
                    "row": 152,
                    "message": {"ja": "2062-04の行が1行だけです", "en": "only one row is of 2062-04"},
                    "fix": {"ja": "年を確かめてください", "en": "check the year"},
                },
                {"row": 153, "message": {"ja": "153行目は前です", "en": "row 153 is before"}},
            ],
        });
        insta::assert_snapshot!(findings(&report, Language::Ja).join("\n"), @r"
        ファイルにない列（備考）は、どの行も値なしになります
        行のない時刻が8回分あります。最も長いのは余市、2026-04-05 04:00:00 JST と 2026-04-05 11:00:00 JST の間の6回分です
        152行目: 2062-04の行が1行だけです。年を確かめてください
        153行目は前です
        ");
        insta::assert_snapshot!(findings(&report, Language::En).join("\n"), @r"
        columns that the file does not have are without values (備考)
        8 steps of time without a row; the longest gap of 余市 lacks 6, between 2026-04-05 04:00:00 JST and 2026-04-05 11:00:00 JST
        row 152: only one row is of 2062-04; check the year
        row 153 is before
        ");
        assert!(
            findings(&json!({"columns": [{"name": "a", "source": "a"}]}), Language::En).is_empty()
        );
    }
}
