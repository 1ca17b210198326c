//! What is said of functions that say nothing of themselves: some of the engine's, and what stands for a table
//! with a dataset's name in it.

use super::{FunctionArgument, FunctionEntry, FunctionKind, SINCE};

/// What the engine says nothing of: kind, name, syntax and description.
pub(super) const UNSAID: [(FunctionKind, &str, &str, &str); 10] = [
    (
        FunctionKind::Scalar,
        "json_get",
        "json_get(text, key, …)",
        "The part of a JSON text at these keys and places, as JSON; also text -> key",
    ),
    (
        FunctionKind::Scalar,
        "json_get_text",
        "json_get_text(text, key, …)",
        "The part of a JSON text at these keys and places, as plain text; also text ->> key",
    ),
    (
        FunctionKind::Scalar,
        "json_get_int",
        "json_get_int(text, key, …)",
        "The whole number at these keys and places of a JSON text; NULL where there is none",
    ),
    (
        FunctionKind::Scalar,
        "json_get_float",
        "json_get_float(text, key, …)",
        "The number at these keys and places of a JSON text; NULL where there is none",
    ),
    (
        FunctionKind::Scalar,
        "json_get_bool",
        "json_get_bool(text, key, …)",
        "The boolean at these keys and places of a JSON text; NULL where there is none",
    ),
    (
        FunctionKind::Scalar,
        "json_length",
        "json_length(text, key, …)",
        "How many elements or keys the part of a JSON text at these keys and places has",
    ),
    (
        FunctionKind::Scalar,
        "json_type",
        "json_type(text, key, …)",
        "The word for the kind of the part of a JSON text at these keys and places",
    ),
    (FunctionKind::Scalar, "json_valid", "json_valid(text)", "Whether a text is JSON"),
    (
        FunctionKind::Table,
        "generate_series",
        "generate_series(start, stop [, step])",
        "A table of one column, value, from start to stop, both included: whole numbers, dates or times",
    ),
    (
        FunctionKind::Table,
        "range",
        "range(start, stop [, step])",
        "A table of one column, value, from start to before stop: whole numbers, dates or times",
    ),
];

/// What stands for a table with a dataset's name in it. They are put in place while a statement is parsed.
pub(super) fn of_datasets() -> [FunctionEntry; 2] {
    let entry =
        |name: &str, syntax: &str, ja: &str, en: &str, arguments: &[(&str, &str)]| FunctionEntry {
            name: name.to_owned(),
            kind: FunctionKind::Table,
            family: "datasets".to_owned(),
            own: true,
            syntax: syntax.to_owned(),
            description_ja: ja.to_owned(),
            description_en: en.to_owned(),
            arguments: arguments
                .iter()
                .map(|(name, meaning)| FunctionArgument {
                    name: (*name).to_owned(),
                    description: (*meaning).to_owned(),
                })
                .collect(),
            aliases: Vec::new(),
            example: None,
            since: Some(SINCE.to_owned()),
        };
    [
        entry(
            "align",
            "align('agency.dataset', width [, method] [, measure …] [, option => value …])",
            "データセットの測定値を時間の格子にそろえた表。単位と契約に合わせて合計・平均・ベクトル平均にまとめ、値のそばに、あるはずのデータのうち良いデータの割合（…_coverage）を置く。24時は終わる日に入る。欠けた区間は埋めて印（…_filled）を付けられる",
            "A dataset's measures on a grid of time: amounts added up, states averaged, directions averaged as vectors, as units and contract suggest; beside each the share of values that are shown among those expected (…_coverage), and whether it was filled (…_filled). A time that names the end of its interval counts for what ends there",
            &[
                ("width", "an interval in quotes, such as '1 hour', '1 day' or '1 month'"),
                (
                    "method",
                    "'mean', 'sum', 'min', 'max', 'first', 'last' or 'count', for measures that name none",
                ),
                (
                    "measure",
                    "a column, or 'column:method'; all with the role value where none is named",
                ),
                (
                    "start, finish",
                    "every series gets every bucket from the first to before the second",
                ),
                ("fill, max_gap", "'locf' or 'interpolate', and the greatest gap that is filled"),
                ("min_coverage", "the share below which a value is left out"),
            ],
        ),
        entry(
            "with_quality",
            "with_quality('agency.dataset')",
            "データセットの全部の値を、品質の悪いものも含めて見せる表",
            "A dataset with values of every quality; elsewhere those of bad quality are left out",
            &[],
        ),
    ]
}
