//! What the catalog says of functions that are written out before a statement is planned, so that no session
//! has them.

use super::catalog::{FunctionArgument, FunctionEntry, FunctionKind, SINCE};
use crate::alias::GOOD_SHARE;

/// Each of them.
pub(super) fn entries() -> [FunctionEntry; 1] {
    [FunctionEntry {
        name: GOOD_SHARE.to_owned(),
        kind: FunctionKind::Aggregate,
        family: "quality".to_owned(),
        own: true,
        syntax: "good_share(column)".to_owned(),
        description_ja: "観測すべきだった行のうち、SQLが値を見せる行の割合（0〜1）。分母は not_observed（観測項目でない）と closed（閉鎖中）を除く全行で、値のない行、missing（欠測）、doubtful（疑わしい値）も数える。分子は値があり、品質が doubtful・missing・not_observed・closed でない行。分母がなければNULL。with_qualityで読んでも同じ".to_owned(),
        description_en: "Of the rows of a group in which a value was due, the share of those whose value SQL shows, from 0 to 1. Due are all rows but those marked not_observed or closed: rows without a value, missing and doubtful ones count. Shown are rows with a value that is not marked doubtful, missing, not_observed or closed; insufficient, provisional and estimated values, and those without a mark, count as shown. NULL where none was due. It is the same with and without with_quality".to_owned(),
        arguments: vec![FunctionArgument {
            name: "column".to_owned(),
            description: "a column of a dataset, with the table's name in front or not".to_owned(),
        }],
        aliases: Vec::new(),
        example: None,
        since: Some(SINCE.to_owned()),
    }]
}
