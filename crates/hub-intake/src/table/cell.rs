//! What kind of thing a cell holds, as far as a heading and a value can be told apart by it.

/// A rough kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CellKind {
    Empty,
    Number,
    /// Made of digits and the signs of dates and times.
    Time,
    /// A mark that stands where a value is missing; it says nothing of its row.
    Mark,
    Text,
}

const MARKS: [&str; 24] = [
    "-",
    "--",
    "---",
    "－",
    "―",
    "…",
    "...",
    "・・・",
    "×",
    "x",
    "X",
    "Ｘ",
    "*",
    "**",
    "***",
    "＊",
    "///",
    "/",
    "欠測",
    "欠",
    "休止",
    "NA",
    "N/A",
    "NULL",
];

/// Whether part of a cell could not be decoded.
pub(crate) fn is_undecodable(cell: &str) -> bool {
    cell.contains('\u{FFFD}')
}

pub(super) fn kind_of(cell: &str) -> CellKind {
    let cell = cell.trim();
    if cell.is_empty() {
        return CellKind::Empty;
    }
    if MARKS.contains(&cell) {
        return CellKind::Mark;
    }
    if cell.len() > 400 {
        return CellKind::Text;
    }
    let plain: String = cell.chars().map(half_width).collect();
    if is_number(&plain) {
        CellKind::Number
    } else if is_time(&plain) {
        CellKind::Time
    } else {
        CellKind::Text
    }
}

fn half_width(c: char) -> char {
    match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        '▲' | '△' | '−' => '-',
        '\u{3000}' => ' ',
        c => c,
    }
}

fn is_number(text: &str) -> bool {
    let text = text.trim_start_matches(['-', '+', ' ']);
    // Marks of quality behind a number leave it one.
    let text = text.trim_end_matches(['%', ')', ']', '*', '#', ' ']);
    let mut digits = 0;
    let mut points = 0;
    for c in text.chars() {
        match c {
            '0'..='9' => digits += 1,
            '.' => points += 1,
            ',' if digits > 0 => {}
            'e' | 'E' | '-' | '+' if digits > 0 => {}
            _ => return false,
        }
    }
    digits > 0 && points < 2 && !text[1..].contains("--") && dashes_are_of_exponents(text)
}

fn dashes_are_of_exponents(text: &str) -> bool {
    text.char_indices()
        .filter(|(_, c)| matches!(c, '-' | '+'))
        .all(|(at, _)| at > 0 && matches!(text.as_bytes()[at - 1], b'e' | b'E'))
}

fn is_time(text: &str) -> bool {
    let eras = ["令和", "平成", "昭和", "大正", "明治"];
    let rest = eras.iter().find_map(|era| text.strip_prefix(era)).unwrap_or(text);
    let rest = rest.strip_prefix(['R', 'H', 'S', 'T', 'M']).unwrap_or(rest);
    let rest = rest.strip_prefix('元').unwrap_or(rest);
    let rest = rest.trim_end_matches('Z');
    rest.chars().any(|c| c.is_ascii_digit() || c == '年')
        && rest.chars().all(|c| {
            c.is_ascii_digit()
                || matches!(
                    c,
                    '/' | '-'
                        | ':'
                        | '.'
                        | ' '
                        | '+'
                        | 'T'
                        | '年'
                        | '月'
                        | '日'
                        | '時'
                        | '分'
                        | '秒'
                )
                || matches!(c, '(' | ')' | '火' | '水' | '木' | '金' | '土' | '度')
        })
}

/// Whether a cell is a unit that stands below a heading.
pub(super) fn is_unit(cell: &str) -> bool {
    const UNITS: [&str; 44] = [
        "mm",
        "cm",
        "m",
        "km",
        "m2",
        "m3",
        "㎡",
        "㎥",
        "ha",
        "km2",
        "㎢",
        "℃",
        "°C",
        "度",
        "hPa",
        "m/s",
        "m3/s",
        "㎥/s",
        "m³/s",
        "mm/h",
        "h",
        "時間",
        "分",
        "秒",
        "%",
        "％",
        "人",
        "人泊",
        "泊",
        "台",
        "件",
        "円",
        "千円",
        "百万円",
        "千人",
        "世帯",
        "戸",
        "箇所",
        "か所",
        "軒",
        "室",
        "kg",
        "t",
        "MJ/㎡",
    ];
    let cell = cell.trim();
    let inner = ["()", "（）", "[]", "［］", "〔〕", "【】"].iter().find_map(|pair| {
        let mut pair = pair.chars();
        let (open, close) = (pair.next()?, pair.next()?);
        cell.strip_prefix(open)?.strip_suffix(close)
    });
    match inner {
        Some(inner) => {
            let length = inner.chars().count();
            UNITS.contains(&inner.trim())
                || (length > 0 && length < 10 && !inner.chars().any(|c| c.is_ascii_digit()))
        }
        None => UNITS.contains(&cell),
    }
}

/// Whether a cell says which unit the whole table has, as titles do.
pub(super) fn is_unit_note(cell: &str) -> bool {
    let cell = cell.trim().trim_start_matches(['(', '（', '[', '［', '【', ' ', '　']);
    ["単位", "（単位", "(単位"].iter().any(|start| cell.starts_with(start))
        && cell.chars().count() < 40
}

/// Whether a cell that stands alone above a table says something of it all: `（速報値）`, `4月1日現在`.
pub(super) fn is_aside(cell: &str) -> bool {
    let cell = cell.trim();
    let is_enclosed = cell.starts_with(['(', '（', '[', '［', '【', '〔'])
        && cell.ends_with([')', '）', ']', '］', '】', '〕']);
    is_enclosed || is_unit_note(cell) || ["現在", "時点", "調べ"].iter().any(|w| cell.ends_with(w))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_rough_and_right() {
        for (cells, kind) in [
            (&["", " ", "　"][..], CellKind::Empty),
            (&["1", "-1.5", "▲２", "1,234", "１２．５", "1e-5", "0.5)", "12%"], CellKind::Number),
            (
                &[
                    "2024/5/1",
                    "2024-05-01T00:00:00Z",
                    "R6.4.1",
                    "令和元年",
                    "4月",
                    "24:00",
                    "2020年度",
                ],
                CellKind::Time,
            ),
            (&["-", "欠測", "***"], CellKind::Mark),
            (&["水位", "A1101", "m", "1号線", "2-3-4番地", "北西", "0.5m"], CellKind::Text),
        ] {
            for cell in cells {
                assert_eq!(kind_of(cell), kind, "{cell:?}");
            }
        }
    }

    #[test]
    fn units_are_known_with_and_without_parentheses() {
        for cell in ["mm", "(mm)", "（人）", "[m3/s]", "(千人泊)", "℃"] {
            assert!(is_unit(cell), "{cell}");
        }
        for cell in ["水位", "(1)", "", "()", "mm以上の日数"] {
            assert!(!is_unit(cell), "{cell}");
        }
        assert!(is_aside("（速報値）") && is_aside("令和6年4月1日現在") && !is_aside("人口"));
        assert!(is_unit_note("（単位：人）") && is_unit_note("単位 千円") && !is_unit_note("単価"));
    }
}
