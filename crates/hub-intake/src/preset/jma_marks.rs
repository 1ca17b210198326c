//! The Japan Meteorological Agency's marks and quality numbers, as its tables and downloads have them.
//! (<https://www.data.jma.go.jp/stats/data/mdrr/man/remark.html>)

use hub_model::Quality;

/// A cell taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Marked<'a> {
    /// What is left once the mark is taken off; `0` where the phenomenon did not occur and the element
    /// is a sum or a depth.
    pub(super) value: &'a str,
    /// The publisher's mark as it stands, without spaces.
    pub(super) mark: String,
    /// None where the cell is blank: that can mean several things.
    pub(super) quality: Option<Quality>,
}

/// Takes a trimmed cell apart; `sums` says that no phenomenon means nothing fell, lay or shone.
pub(super) fn read(cell: &str, sums: bool) -> Marked<'_> {
    let mut base = cell;
    let mut mark = String::new();
    let is_bracketed = cell.contains(['(', '（', '[', '［']);
    while let Some(last) = base.chars().next_back() {
        let plain = match last {
            ')' | '）' if !is_bracketed => ')',
            ']' | '］' if !is_bracketed => ']',
            '*' | '＊' => '*',
            '#' | '＃' => '#',
            _ => break,
        };
        mark.insert(0, plain);
        base = base[..base.len() - last.len_utf8()].trim_end();
    }
    let by_mark = if mark.contains('#') {
        Some(Quality::Doubtful)
    } else if mark.contains(']') {
        Some(Quality::Insufficient)
    } else if mark.contains(')') {
        Some(Quality::QuasiNormal)
    } else {
        None
    };
    let (value, sign, quality) = match base {
        "" => ("", "", None),
        "--" | "-" | "－－" | "－" | "ー" | "―" => {
            (if sums { "0" } else { "" }, base, Some(Quality::AbsentPhenomenon))
        }
        "×" | "✕" | "✖" | "╳" => ("", base, Some(Quality::Missing)),
        _ if base.chars().all(|c| matches!(c, '/' | '／')) => {
            ("", base, Some(Quality::NotObserved))
        }
        _ => match base.strip_suffix(['+', '-']) {
            // Tenths of cloud are written "0+" and "10-" for a little more and a little less.
            Some(tenths) if tenths.parse::<u8>().is_ok() => {
                (tenths, &base[tenths.len()..], Some(Quality::Normal))
            }
            _ => (base, "", Some(Quality::Normal)),
        },
    };
    mark.insert_str(0, sign);
    Marked { value, mark, quality: by_mark.or(quality) }
}

/// The quality that a quality number stands for; None where there is no such number.
pub(super) fn of_number(number: &str) -> Option<Quality> {
    Some(match number {
        "8" => Quality::Normal,
        "5" => Quality::QuasiNormal,
        "4" => Quality::Insufficient,
        "2" => Quality::Doubtful,
        "1" => Quality::Missing,
        "0" => Quality::NotObserved,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_taken_apart() {
        use Quality::{
            AbsentPhenomenon, Doubtful, Insufficient, Missing, Normal, NotObserved, QuasiNormal,
        };
        for (cell, sums, value, mark, quality) in [
            ("1.0 )", true, "1.0", ")", Some(QuasiNormal)),
            ("0.8 ]", false, "0.8", "]", Some(Insufficient)),
            ("-6.4", false, "-6.4", "", Some(Normal)),
            ("12.5*", false, "12.5", "*", Some(Normal)),
            ("3.5 )*", false, "3.5", ")*", Some(QuasiNormal)),
            ("--", true, "0", "--", Some(AbsentPhenomenon)),
            ("--", false, "", "--", Some(AbsentPhenomenon)),
            ("-- )", true, "0", "--)", Some(QuasiNormal)),
            ("///", true, "", "///", Some(NotObserved)),
            ("×", true, "", "×", Some(Missing)),
            ("#", true, "", "#", Some(Doubtful)),
            ("", true, "", "", None),
            ("10-", false, "10", "-", Some(Normal)),
            ("西南西 )", false, "西南西", ")", Some(QuasiNormal)),
            ("晴後雨（雷）", false, "晴後雨（雷）", "", Some(Normal)),
        ] {
            let mark = mark.to_owned();
            assert_eq!(read(cell, sums), Marked { value, mark, quality }, "{cell:?}");
        }
    }
}
