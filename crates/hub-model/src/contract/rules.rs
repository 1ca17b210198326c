//! The rules a contract must keep by itself, and the aliases it is given where it needs them.

use std::{collections::HashSet, fmt};

use regex::Regex;
use serde::Serialize;

use super::{Aggregate, Contract, Field, FieldRole, FieldType};
use crate::{ModelError, Text};

/// How many columns a dataset may have.
pub const MAX_FIELDS: usize = 1_000;

/// How long a column's name may be, in characters.
const MAX_NAME: usize = 128;

/// One rule that a contract breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ContractProblem {
    /// Where, as a JSON pointer into the contract.
    pub pointer: String,
    /// What is wrong and what would be right.
    pub message: Text,
}

impl fmt::Display for ContractProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.pointer, self.message.en)
    }
}

impl Contract {
    /// Checks every rule, and gives an alias to each field whose name storage cannot bear.
    pub fn validated(mut self) -> Result<Self, ModelError> {
        let problems = self.problems();
        if !problems.is_empty() {
            return Err(ModelError::InvalidContract { problems });
        }
        self.assign_aliases();
        Ok(self)
    }

    fn problems(&self) -> Vec<ContractProblem> {
        let mut found = Problems::default();
        if self.fields.is_empty() {
            found.add("/fields", "列を1つ以上書いてください", "name at least one column");
        }
        if self.fields.len() > MAX_FIELDS {
            found.add(
                "/fields",
                format!("列は{MAX_FIELDS}までです"),
                format!("at most {MAX_FIELDS} columns are allowed"),
            );
        }
        let mut names = HashSet::new();
        for (index, field) in self.fields.iter().enumerate() {
            let at = format!("/fields/{index}");
            self.check_names(field, &at, &mut names, &mut found);
            check_keys(field, &at, &mut found);
            check_constraints(field, &at, &mut found);
            if let Some(of) = &field.quality_of
                && !self.fields.iter().any(|f| f.name == *of && f.name != field.name)
            {
                found.add(
                    format!("{at}/quality_of"),
                    format!("「{of}」というほかの列がありません"),
                    format!("there is no other column {of:?}"),
                );
            }
        }
        if self.fields.iter().filter(|f| f.role == FieldRole::Time).count() > 1 {
            found.add(
                "/fields",
                "役割が time の列は1つだけです",
                "only one column can have the role time",
            );
        }
        let mut key = HashSet::new();
        for (index, name) in self.primary_key.iter().enumerate() {
            let at = format!("/primaryKey/{index}");
            if !self.fields.iter().any(|f| f.name == *name) {
                found.add(
                    &at,
                    format!("「{name}」という列がありません"),
                    format!("there is no column {name:?}"),
                );
            }
            if !key.insert(name) {
                found.add(
                    &at,
                    format!("「{name}」が2回書かれています"),
                    format!("{name:?} is named twice"),
                );
            }
        }
        found.0
    }

    fn check_names(
        &self,
        field: &Field,
        at: &str,
        names: &mut HashSet<String>,
        found: &mut Problems,
    ) {
        let name = &field.name;
        if name.trim() != name || name.is_empty() {
            found.add(
                format!("{at}/name"),
                "名前を、前後に空白を付けずに書いてください",
                "give a name without spaces around it",
            );
        }
        if name.chars().count() > MAX_NAME {
            found.add(
                format!("{at}/name"),
                format!("{MAX_NAME}文字までにしてください"),
                format!("keep it within {MAX_NAME} characters"),
            );
        }
        if name.chars().any(is_unsafe) {
            found.add(
                format!("{at}/name"),
                "制御文字や、文字の向きを変える記号を取り除いてください",
                "leave out control characters and marks that change the direction of text",
            );
        }
        if name.starts_with("__") {
            found.add(
                format!("{at}/name"),
                "「__」で始まる名前はハブが使います。別の名前にしてください",
                "names beginning with __ are the hub's own",
            );
        }
        if let Some(alias) = &field.alias
            && !is_storage_name(alias)
        {
            found.add(
                format!("{at}/alias"),
                "英小文字で始まる、英小文字・数字・「_」だけの63文字までにしてください",
                "use up to 63 lower-case letters, digits and underscores, beginning with a letter",
            );
        }
        // Stored names must differ by more than case, so all names of a contract must.
        let lower = name.to_lowercase();
        if let Some(alias) = &field.alias
            && *alias != lower
            && !names.insert(alias.clone())
        {
            found.add(
                format!("{at}/alias"),
                format!("「{alias}」がほかの列と重なっています"),
                format!("{alias:?} is used twice"),
            );
        }
        if !names.insert(lower) {
            found.add(
                format!("{at}/name"),
                format!("「{name}」がほかの列と重なっています"),
                format!("{name:?} is used twice"),
            );
        }
    }

    fn assign_aliases(&mut self) {
        let mut taken: HashSet<String> =
            self.fields.iter().map(|f| f.storage_name().to_lowercase()).collect();
        taken.extend(self.fields.iter().map(|f| f.name.to_lowercase()));
        for index in 0..self.fields.len() {
            if self.fields[index].alias.is_some() || is_storage_name(&self.fields[index].name) {
                continue;
            }
            let mut alias = format!("column_{}", index + 1);
            while !taken.insert(alias.clone()) {
                alias.push('x');
            }
            self.fields[index].alias = Some(alias);
        }
    }
}

/// Whether a name can be a stored column's as it is.
fn is_storage_name(name: &str) -> bool {
    name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

fn check_keys(field: &Field, at: &str, found: &mut Problems) {
    let temporal = field.field_type.is_temporal();
    if field.role == FieldRole::Time && !temporal {
        found.add(
            format!("{at}/role"),
            "役割が time の列の型は datetime、date、yearmonth、year のどれかです",
            "a time is of type datetime, date, yearmonth or year",
        );
    }
    if (field.interval.is_some() || field.label.is_some()) && field.role != FieldRole::Time {
        found.add(
            at,
            "interval と label は、役割が time の列に書いてください",
            "interval and label belong to the column with the role time",
        );
    }
    if field.label.is_some() && field.interval.is_none() {
        found.add(
            format!("{at}/label"),
            "label を書くときは interval も書いてください",
            "a label needs an interval",
        );
    }
    if field.unit.is_some() && !matches!(field.field_type, FieldType::Integer | FieldType::Number) {
        found.add(
            format!("{at}/unit"),
            "単位を持てるのは数（integer、number）の列だけです",
            "only numbers have units",
        );
    }
    let needs_numbers = matches!(field.aggregate, Some(Aggregate::Sum | Aggregate::Mean));
    if field.aggregate.is_some() && field.role != FieldRole::Value {
        found.add(
            format!("{at}/aggregate"),
            "まとめ方（aggregate）を書けるのは、役割が value の列だけです",
            "only columns with the role value are put together",
        );
    } else if needs_numbers && !matches!(field.field_type, FieldType::Integer | FieldType::Number) {
        found.add(
            format!("{at}/aggregate"),
            "合計（sum）と平均（mean）は、数（integer、number）の列だけに書けます",
            "only numbers have a sum or a mean",
        );
    }
    if field.code.is_some() && field.field_type != FieldType::String {
        found.add(
            format!("{at}/code"),
            "コードは文字です。列の型を string にしてください",
            "codes are text; make the column's type string",
        );
    }
    if field.quality_of.is_some() != (field.role == FieldRole::Quality) {
        found.add(
            at,
            "役割が quality の列は、どの列の品質かを quality_of に書きます。ほかの役割の列には書けません", "a column with the role quality names its column in quality_of, no other does",
        );
    }
    if let Some(format) = &field.format
        && format != "default"
    {
        if !matches!(field.field_type, FieldType::Date | FieldType::Datetime | FieldType::Yearmonth)
        {
            found.add(
                format!("{at}/format"),
                "default 以外の format は、日付と時刻の列だけに書けます",
                "only dates and times have formats other than default",
            );
        } else if !format.contains('%') {
            found.add(
                format!("{at}/format"),
                "default か、%Y/%m/%d %H:%M のような書式を書いてください",
                "write default, or a pattern such as %Y/%m/%d %H:%M",
            );
        } else if chrono::format::StrftimeItems::new(format)
            .any(|item| item == chrono::format::Item::Error)
        {
            found.add(
                format!("{at}/format"),
                format!("「{format}」は strptime の書式ではありません"),
                format!("{format:?} is not a strptime pattern"),
            );
        }
    }
}

fn check_constraints(field: &Field, at: &str, found: &mut Problems) {
    let limits = &field.constraints;
    let at = format!("{at}/constraints");
    let text = field.field_type == FieldType::String;
    for (key, bound) in [("minimum", &limits.minimum), ("maximum", &limits.maximum)] {
        let Some(bound) = bound else { continue };
        let fits = match field.field_type {
            FieldType::Integer | FieldType::Year => bound.is_i64(),
            FieldType::Number => bound.is_number(),
            FieldType::Date | FieldType::Datetime | FieldType::Yearmonth => bound.is_string(),
            FieldType::String | FieldType::Boolean => false,
        };
        if !fits {
            found.add(
                format!("{at}/{key}"),
                format!("{bound}は、型が{}の値の限度になりません", field.field_type.as_str()),
                format!("{bound} does not bound values of type {}", field.field_type.as_str()),
            );
        }
    }
    if !text && (limits.min_length.is_some() || limits.max_length.is_some()) {
        found.add(
            &at,
            "minLength と maxLength は文字の列だけに書けます",
            "minLength and maxLength are for text",
        );
    }
    if let Some(pattern) = &limits.pattern {
        if !text {
            found.add(
                format!("{at}/pattern"),
                "pattern は文字の列だけに書けます",
                "a pattern is for text",
            );
        } else if let Err(error) = Regex::new(pattern) {
            found.add(
                format!("{at}/pattern"),
                format!("正規表現として読めません：{error}"),
                format!("not a regular expression: {error}"),
            );
        }
    }
    if let Some(allowed) = &limits.allowed {
        let fits = |value: &serde_json::Value| match field.field_type {
            FieldType::Integer | FieldType::Year => value.is_i64(),
            FieldType::Number => value.is_number(),
            FieldType::Boolean => value.is_boolean(),
            _ => value.is_string(),
        };
        if allowed.is_empty() || !allowed.iter().all(fits) {
            found.add(
                format!("{at}/enum"),
                format!("型が{}の値だけを、1つ以上書いてください", field.field_type.as_str()),
                format!("list at least one value, all of type {}", field.field_type.as_str()),
            );
        }
    }
}

#[derive(Default)]
struct Problems(Vec<ContractProblem>);

impl Problems {
    fn add(&mut self, pointer: impl Into<String>, ja: impl Into<String>, en: impl Into<String>) {
        self.0.push(ContractProblem { pointer: pointer.into(), message: Text::new(ja, en) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(json: &str) -> Vec<String> {
        match Contract::parse(json.as_bytes()) {
            Err(ModelError::InvalidContract { problems }) => {
                problems.into_iter().map(|p| p.pointer).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_broken_rule_is_named_with_its_place() {
        assert_eq!(problems(r#"{"fields":[]}"#), ["/fields"]);
        assert_eq!(
            problems(
                r#"{"fields":[
                    {"name":"a","type":"string","role":"time"},
                    {"name":"A","type":"string","unit":"mm"},
                    {"name":"q","type":"string","role":"quality"},
                    {"name":"b\u202e","type":"number","constraints":{"pattern":"x"}},
                    {"name":"c","type":"integer","constraints":{"minimum":1.5}},
                    {"name":"d","type":"integer","code":"municipality"},
                    {"name":"e","type":"string","role":"value","aggregate":"sum"},
                    {"name":"f","type":"number","aggregate":"max"}],
                   "primaryKey":["z"]}"#
            ),
            [
                "/fields/0/role",
                "/fields/1/name",
                "/fields/1/unit",
                "/fields/2",
                "/fields/3/name",
                "/fields/3/constraints/pattern",
                "/fields/4/constraints/minimum",
                "/fields/5/code",
                "/fields/6/aggregate",
                "/fields/7/aggregate",
                "/primaryKey/0",
            ]
        );
    }

    #[test]
    fn an_unknown_key_is_refused_not_ignored() {
        let error = Contract::parse(br#"{"fields":[{"name":"a","type":"string","units":"mm"}]}"#)
            .unwrap_err();
        assert!(error.to_string().contains("units"), "{error}");
    }

    #[test]
    fn japanese_names_stay_and_get_an_alias_for_storage() {
        let contract = Contract::parse(
            r#"{"fields":[{"name":"観測時刻","type":"datetime","role":"time","alias":"time"},
                          {"name":"流量","type":"number"},{"name":"column_2","type":"number"}]}"#
                .as_bytes(),
        )
        .unwrap();
        assert_eq!(contract.fields[0].storage_name(), "time");
        assert_eq!(contract.fields[1].storage_name(), "column_2x");
        assert_eq!(contract.field("time").unwrap().name, "観測時刻");
        assert_eq!(contract.clone().validated().unwrap(), contract);
    }
}
